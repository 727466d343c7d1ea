//! Holes at strings, imports, names of packages, and at any statement.

use std::hash::BuildHasher;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::eval::candidates::{ForeignNames, name_kind};
use crate::eval::hole::{HiddenName, NameHole};
use crate::eval::kind::NameCategory;
use crate::index::symbols::{ClassRef, DeclKind, NameKind};
use crate::index::{Snapshot, SourceFile};
use crate::php::lex::lex;
use crate::php::names::Scope;
use crate::php::{ImportKind, Literal, literals};
use crate::text::{line_end, line_start};

/// The least length of a string that is cut, in bytes.
const MIN_LITERAL: usize = 3;
/// The most classes of packages that are examined for one file.
const MAX_CLASSES: usize = 64;

/// In how many files a string stands at a place: `true` in several.
pub(super) type Conventions = FxHashMap<u64, bool>;

/// The strings of all files with their places.
pub(super) fn conventions(snapshot: &Snapshot) -> Conventions {
    let files: Vec<_> = snapshot.files().collect();
    let found: Vec<FxHashSet<u64>> = files
        .par_iter()
        .map(|file| {
            let tokens = lex(&file.text);
            let all = literals(&file.text, &tokens);
            all.map(|literal| hash(&literal, &file.text)).collect()
        })
        .collect();
    let mut conventions = Conventions::default();
    for hash in found.iter().flatten() {
        conventions
            .entry(*hash)
            .and_modify(|several| *several = true)
            .or_insert(false);
    }
    conventions
}

fn hash(literal: &Literal, text: &str) -> u64 {
    FxBuildHasher.hash_one((&literal.place, literal.text.of(text)))
}

impl<'a> ForeignNames<'_, 'a> {
    /// Holes from behind the quote of a string to the end of its line. Another file
    /// writes the string at the same place, and this file writes it nowhere else.
    pub(super) fn literals(&self, conventions: &Conventions) -> Vec<NameHole<'a>> {
        let text = &*self.file.text;
        let tokens = lex(text);
        let all = literals(text, &tokens).filter(|literal| {
            let ident = literal.text.of(text);
            ident.len() >= MIN_LITERAL
                && conventions.get(&hash(literal, text)) == Some(&true)
                && memchr::memmem::find_iter(text.as_bytes(), ident)
                    .nth(1)
                    .is_none()
        });
        all.map(|literal| {
            let start = literal.text.start as usize;
            NameHole {
                file: self.file,
                start,
                end: line_end(text, start),
                names: vec![HiddenName {
                    category: NameCategory::Literal,
                    ident: literal.text.of(text).to_owned(),
                    declared: None,
                }],
            }
        })
        .collect()
    }

    /// Holes that cut the last part of an imported class of another file.
    pub(super) fn imports(&self) -> Vec<NameHole<'a>> {
        let text = &*self.file.text;
        let facts = &self.file.facts;
        let imports = facts.imports.iter();
        let imports = imports.filter(|import| {
            import.kind == ImportKind::Class && import.prefix.is_empty() && import.alias.is_empty()
        });
        imports
            .filter_map(|import| {
                let written = import.name.of(text);
                let (namespace, ident) = written.rsplit_once('\\')?;
                let class = self
                    .snapshot
                    .class(written.trim_start_matches('\\'), &self.file.path)?;
                let start = import.name.start as usize + namespace.len() + 1;
                let line = &text[line_start(text, start)..start];
                line.trim_start().starts_with("use ").then(|| NameHole {
                    file: self.file,
                    start,
                    end: line_end(text, start),
                    names: vec![HiddenName {
                        category: NameCategory::Class,
                        ident: ident.to_owned(),
                        declared: Some((class.path.to_owned(), class.class().head.start as usize)),
                    }],
                })
            })
            .collect()
    }

    /// Holes from a name to the end of its line. Only a package declares the name, and
    /// this file writes it nowhere else.
    pub(super) fn of_packages(&self) -> Vec<NameHole<'a>> {
        let text = &*self.file.text;
        let (classes, members) = self.package_names();
        let mut holes = Vec::new();
        for &reference in &self.file.facts.references {
            let start = reference.name().start as usize;
            let end = line_end(text, start);
            let written = reference.name().of(text);
            let ident = written.rsplit('\\').next().unwrap_or(written);
            let kind = NameKind::from(reference.kind);
            let scope = Scope::at(&self.file.facts, text, start);
            let is_of_package = match kind {
                NameKind::Class => scope
                    .class(written)
                    .is_some_and(|name| classes.contains(&kind.fold(&name))),
                NameKind::Function | NameKind::Constant => false,
                kind => {
                    members.contains(&(kind, kind.fold(written)))
                        && self.snapshot.declared(DeclKind::Member, ident).is_empty()
                }
            };
            if is_of_package && self.is_asked_for(ident, start..end) {
                holes.push(NameHole {
                    file: self.file,
                    start,
                    end,
                    names: vec![HiddenName {
                        category: NameCategory::from(reference.kind),
                        ident: ident.to_owned(),
                        declared: None,
                    }],
                });
            }
        }
        holes
    }

    /// The classes of packages that the file names, and the members of those classes
    /// and their ancestors, folded.
    fn package_names(&self) -> (FxHashSet<String>, FxHashSet<(NameKind, String)>) {
        let (mut classes, mut members) = (FxHashSet::default(), FxHashSet::default());
        let Some(library) = self.snapshot.library() else {
            return (classes, members);
        };
        let text = &*self.file.text;
        let package_file = |name: &str| -> Option<Arc<SourceFile>> {
            let is_own = self.snapshot.class(name, "").is_some();
            library.file_of(name).filter(|_| !is_own)
        };
        let mut names: Vec<String> = Vec::new();
        for reference in &self.file.facts.references {
            if NameKind::from(reference.kind) == NameKind::Class {
                let scope = Scope::at(&self.file.facts, text, reference.name().start as usize);
                names.extend(scope.class(reference.name().of(text)));
            }
        }
        names.sort_unstable();
        names.dedup();
        names.truncate(MAX_CLASSES);
        let named: FxHashSet<String> = names.iter().map(|n| NameKind::Class.fold(n)).collect();
        let mut seen = FxHashSet::default();
        let mut left = 2 * MAX_CLASSES;
        while let Some(name) = names.pop()
            && left > 0
        {
            left -= 1;
            let folded = NameKind::Class.fold(&name);
            if !seen.insert(folded.clone()) {
                continue;
            }
            let Some(file) = package_file(&name) else {
                continue;
            };
            if named.contains(&folded) {
                classes.insert(folded);
            }
            let mut all = (0..file.facts.classes.len()).map(|item| ClassRef::of(&file, item));
            let Some(class) = all.find(|class| class.is_called(&name)) else {
                continue;
            };
            for member in &class.class().members {
                let kind = name_kind(member.kind);
                members.insert((kind, kind.fold(member.name.of(class.text))));
            }
            let parents = class.class().extends.iter().chain(&class.class().traits);
            names.extend(parents.filter_map(|parent| class.scope().class(parent.of(class.text))));
        }
        (classes, members)
    }
}
