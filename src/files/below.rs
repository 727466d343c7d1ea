//! What stands below a folder, read without the rules of a project.

use std::fs::{DirEntry, FileType, read_dir};
use std::ops::ControlFlow;
use std::path::Path;

/// Calls `found` with the path below `folder`, the name and the type of each entry
/// below `folder` that is no folder, until it breaks: the entries of one folder in the
/// order of names. Enters the folders whose names `enters` takes. Follows no links, and
/// passes over what cannot be read and names that are not UTF-8.
pub(super) fn each_below(
    folder: &Path,
    enters: impl Fn(&str) -> bool,
    mut found: impl FnMut(&str, &str, FileType) -> ControlFlow<()>,
) {
    let mut folders = vec![String::new()];
    while let Some(inside) = folders.pop() {
        let entries = read_dir(folder.join(&inside));
        let mut entries: Vec<_> = entries.into_iter().flatten().flatten().collect();
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else {
                continue;
            };
            let below = match &*inside {
                "" => name.clone(),
                inside => format!("{inside}/{name}"),
            };
            if kind.is_dir() {
                if enters(&name) {
                    folders.push(below);
                }
            } else if found(&below, &name, kind).is_break() {
                return;
            }
        }
    }
}
