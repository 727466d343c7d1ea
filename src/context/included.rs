//! Finds the files of the project that the buffer includes.

use super::buffer::Buffer;
use crate::index::{Snapshot, SourceFile};

/// The files of the project that a `require` or `include` of the buffer names
/// by a literal path: `'a.php'`, `__DIR__ . '/a.php'`,
/// `dirname(__DIR__) . '/a.php'`.
pub(super) fn included_files<'a>(
    buffer: &Buffer<'_>,
    snapshot: &'a Snapshot,
) -> Vec<&'a SourceFile> {
    let folder = buffer
        .path
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder);
    let files = buffer.facts.includes.iter().filter_map(|span| {
        let code = span.of(buffer.content);
        let quote = code.rfind(['\'', '"'])?;
        let start = code[..quote].rfind(code.get(quote..=quote)?)? + 1;
        let literal = &code[start..quote];
        let up = code.matches("dirname").count();
        let here = join(folder, &format!("{}{literal}", "../".repeat(up)))?;
        // PHP looks for a path without `__DIR__` in its include path, whose
        // first entry is usually the project's root.
        let file = snapshot
            .file(&here)
            .or_else(|| snapshot.file(&join("", literal)?));
        file.map(|file| &**file)
    });
    files.filter(|file| *file.path != *buffer.path).collect()
}

/// `path` below `folder`, with `.` and `..` resolved. `None` above the root.
fn join(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::request::ContextRequest;
    use crate::index::Index;
    use crate::php;
    use std::sync::Arc;

    #[test]
    fn literal_paths_name_files_of_the_project() {
        let file = |path: &str| {
            let (text, facts) = ("<?php", php::facts("<?php"));
            Arc::new(SourceFile::new(path.into(), text.into(), false, facts))
        };
        let paths = ["lib/a.php", "lib/sub/b.php", "c.php", "lib/page.php"];
        let snapshot = Index::build(paths.map(file).to_vec()).snapshot();
        let content = "<?php require_once __DIR__ . '/a.php'; include 'sub/b.php';
            require dirname(__DIR__) . \"/c.php\"; include './../../x.php';
            include __FILE__; require 'lib/page.php'; include $unknown;";
        let request = ContextRequest::for_test("lib/page.php", content, content.len());
        let found = included_files(&Buffer::new(&request), &snapshot);
        let found: Vec<&str> = found.iter().map(|file| &*file.path).collect();
        assert_eq!(found, ["lib/a.php", "lib/sub/b.php", "c.php"]);
    }
}
