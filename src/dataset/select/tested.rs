//! Finds the files that have a test, for `--tested-only`. A test of `X` is a file
//! `XTest.php`, or a test class that names the class `X`. Names are compared as a
//! whole.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::index::SourceFile;
use crate::php::{ClassLike, RefKind};

/// The names of files and classes that a project's tests cover.
#[derive(Debug, Default)]
pub(in crate::dataset) struct TestIndex<'a> {
    names: FxHashSet<&'a str>,
}

impl<'a> TestIndex<'a> {
    /// Indexes the tests among `files`.
    pub(in crate::dataset) fn new(files: &'a [Arc<SourceFile>]) -> Self {
        let mut names = FxHashSet::default();
        for file in files {
            if let Some(subject) = stem(file).strip_suffix("Test") {
                names.insert(subject);
            }
            for class in file
                .facts
                .classes
                .iter()
                .filter(|class| is_test(class, file))
            {
                let references = file.facts.references.iter().filter(|reference| {
                    reference.kind == RefKind::Class
                        && class.body.contains(reference.name().start as usize)
                });
                // The body names an imported class by its alias, so the name of
                // the class is in the import.
                let imports = file.facts.imports.iter().map(|import| import.name);
                names.extend(
                    references
                        .map(|reference| reference.name())
                        .chain(imports)
                        .map(|name| last_segment(name.of(&file.text))),
                );
            }
        }
        names.remove("");
        Self { names }
    }

    /// Whether a test covers `file`.
    #[must_use]
    pub(in crate::dataset) fn cover(&self, file: &SourceFile) -> bool {
        self.names.contains(stem(file))
            || file
                .facts
                .classes
                .iter()
                .any(|class| self.names.contains(class.name.of(&file.text)))
    }
}

/// Whether `class` is a test: its name ends with `Test`, or its parent's with
/// `TestCase`.
fn is_test(class: &ClassLike, file: &SourceFile) -> bool {
    class.name.of(&file.text).ends_with("Test")
        || class
            .extends
            .iter()
            .any(|parent| last_segment(parent.of(&file.text)).ends_with("TestCase"))
}

/// The file's name without `.php`.
fn stem(file: &SourceFile) -> &str {
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    name.strip_suffix(".php").unwrap_or(name)
}

/// The part of `name` behind its last `\`.
fn last_segment(name: &str) -> &str {
    name.rsplit('\\').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, code: &str) -> Arc<SourceFile> {
        let text = format!("<?php {code}");
        let facts = crate::php::facts(&text);
        Arc::new(SourceFile::new(path.into(), text.into(), false, facts))
    }

    #[test]
    fn delegatesto_is_no_test_and_names_match_whole() {
        // The predecessor looked for "test" anywhere in the path.
        let files = [
            file(
                "src/DelegatesTo.php",
                "class DelegatesTo { function f() { new Money; } }",
            ),
            file("src/Order.php", "class Order {}"),
            file("src/OrderLine.php", "class OrderLine {}"),
            file("src/Money.php", "class Money {}"),
            file("src/values.php", "class Cents {}"),
            file(
                "tests/OrderTest.php",
                "class OrderTest { function f() { new A\\Cents; } }",
            ),
        ];
        let tests = TestIndex::new(&files);
        let covered: Vec<_> = files
            .iter()
            .filter(|file| tests.cover(file))
            .map(|file| &*file.path)
            .collect();
        assert_eq!(covered, ["src/Order.php", "src/values.php"]);
    }
}
