//! The origin of a project's files: its commit and its licence, as far as files
//! in the project's folder tell them. fimd runs no other program for that.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::reach::Reach;
use super::regular::{
    Links, MAX_COMPOSER_BYTES, MAX_GIT_BYTES, MAX_LICENSE_BYTES, read_bytes, read_text_below,
};
use crate::index::Origin;

/// The origin of the files in the project folder `root`. The licence is the one that
/// `composer.json` names, or else that of a file such as `LICENSE` with a known text.
/// The commit is that of the git repository around the folder; files that were
/// changed since are not in that commit.
#[must_use]
pub fn origin_of(root: &Path) -> Origin {
    Origin {
        license: composer_license(root)
            .or_else(|| license_file(root))
            .map(Arc::from),
        commit: root.ancestors().find_map(head).map(Arc::from),
        duplicate_of: None,
    }
}

/// The commit of `HEAD`, if `folder` is the top of a git work tree.
fn head(folder: &Path) -> Option<String> {
    let git = GitFolders::of(folder)?;
    let mut value = git.read(&git.own, Path::new("HEAD"))?;
    // A reference may name another one; git follows five, too.
    for _ in 0..5 {
        let Some(name) = value.strip_prefix("ref:").map(str::trim) else {
            break;
        };
        let path = Path::new(name);
        // As git has it: nothing but a name below the folder.
        let is_name = |part| matches!(part, Component::Normal(_));
        if !name.starts_with("refs/") || !path.components().all(is_name) {
            return None;
        }
        value = [&git.own, &git.common]
            .into_iter()
            .find_map(|folder| git.read(folder, path))
            .or_else(|| git.packed(name))?;
    }
    let commit = value.trim();
    let is_hash = matches!(commit.len(), 40 | 64) && commit.bytes().all(|b| b.is_ascii_hexdigit());
    is_hash.then(|| commit.to_owned())
}

/// The folders in which git keeps what it knows of one work tree; canonical paths.
struct GitFolders {
    /// That of the work tree.
    own: PathBuf,
    /// That of all work trees of the repository.
    common: PathBuf,
}

impl GitFolders {
    /// Those of the work tree whose top is `folder`, if it is one.
    fn of(folder: &Path) -> Option<Self> {
        let dot_git = folder.join(".git");
        let reach = Reach::of(folder);
        let own = match dot_git.symlink_metadata().ok()?.is_dir() {
            true => dot_git.canonicalize().ok()?,
            // In a linked work tree or a submodule, `.git` is a file that names the folder.
            false => {
                let text = reach.read(&dot_git, MAX_GIT_BYTES).ok()?;
                let named = folder.join(text.strip_prefix("gitdir:")?.trim());
                let named = named.canonicalize().ok()?;
                (reach.holds(&named) || is_made_by_git(&named)).then_some(named)?
            }
        };
        let this = Self {
            common: own.clone(),
            own,
        };
        let Some(text) = this.read(&this.own, Path::new("commondir")) else {
            return Some(this);
        };
        let common = this.own.join(text.trim()).canonicalize().ok()?;
        // Git puts the folder of a work tree into that of all.
        let holds = this.own.starts_with(&common);
        holds.then_some(Self { common, ..this })
    }

    /// The text of the file called `name` in `folder`, one of these. Follows links inside
    /// of them only.
    fn read(&self, folder: &Path, name: &Path) -> Option<String> {
        let found = folder.join(name).canonicalize().ok()?;
        let is_inside = found.starts_with(&self.own) || found.starts_with(&self.common);
        let read = || read_text_below(&found, MAX_GIT_BYTES, Links::Refused).ok();
        is_inside.then(read).flatten()
    }

    /// The value of the reference `name` in `packed-refs`.
    fn packed(&self, name: &str) -> Option<String> {
        let text = self.read(&self.common, Path::new("packed-refs"))?;
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        let (hash, _) = lines.find(|(_, packed)| *packed == name)?;
        Some(hash.to_owned())
    }
}

/// Whether git makes such folders for linked work trees and submodules, outside of them:
/// `…/.git/worktrees/name`, `…/.git/modules/path`.
fn is_made_by_git(folder: &Path) -> bool {
    let names: Vec<_> = folder.iter().collect();
    names.windows(3).any(|part| {
        let is_git = part[0].as_encoded_bytes().ends_with(b".git");
        is_git && (part[1] == "worktrees" || part[1] == "modules")
    })
}

/// The licence in `composer.json`. A list of licences offers a choice.
fn composer_license(root: &Path) -> Option<String> {
    let path = root.join("composer.json");
    let text = Reach::of(root).read(&path, MAX_COMPOSER_BYTES).ok()?;
    let manifest: Value = serde_json::from_str(&text).ok()?;
    let all = match &manifest["license"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    (!all.is_empty()).then(|| all.join(" OR "))
}

/// The phrases that identify a licence: its text contains all of them, apart from
/// white space. The first licence that fits counts. The texts of the GNU licences
/// do not say whether later versions may be chosen, so these identifiers do not
/// say it either.
const TEXTS: [(&str, &[&str]); 14] = [
    ("AGPL-3.0", &["GNU AFFERO GENERAL PUBLIC LICENSE Version 3"]),
    ("LGPL-3.0", &["GNU LESSER GENERAL PUBLIC LICENSE Version 3"]),
    (
        "LGPL-2.1",
        &["GNU LESSER GENERAL PUBLIC LICENSE Version 2.1"],
    ),
    ("GPL-3.0", &["GNU GENERAL PUBLIC LICENSE Version 3"]),
    ("GPL-2.0", &["GNU GENERAL PUBLIC LICENSE Version 2"]),
    ("Apache-2.0", &["Apache License Version 2.0, January 2004"]),
    ("MPL-2.0", &["Mozilla Public License Version 2.0"]),
    ("EPL-2.0", &["Eclipse Public License - v 2.0"]),
    ("BSL-1.0", &["Boost Software License - Version 1.0"]),
    (
        "Unlicense",
        &["This is free and unencumbered software released into the public domain"],
    ),
    (
        "MIT",
        &[
            "Permission is hereby granted, free of charge, to any person obtaining a copy",
            "The above copyright notice and this permission notice shall be included in all copies",
        ],
    ),
    (
        "BSD-3-Clause",
        &[
            "Redistribution and use in source and binary forms",
            "may be used to endorse or promote products derived from this software",
        ],
    ),
    (
        "BSD-2-Clause",
        &[
            "Redistribution and use in source and binary forms",
            "Redistributions in binary form must reproduce",
        ],
    ),
    (
        "ISC",
        &[
            "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted",
        ],
    ),
];

/// The licence whose text stands in a file named like a licence.
fn license_file(root: &Path) -> Option<String> {
    let mut files: Vec<PathBuf> = fs::read_dir(root)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_file() && path.file_stem().is_some_and(is_license_name))
        .collect();
    files.sort();
    let reach = Reach::of(root);
    let identified = |path: &PathBuf| {
        let found = reach.find(path).ok()?;
        let text = read_bytes(&found, MAX_LICENSE_BYTES, Links::Refused).ok()?;
        identify(&String::from_utf8_lossy(&text))
    };
    files.iter().find_map(identified).map(str::to_owned)
}

fn is_license_name(stem: &std::ffi::OsStr) -> bool {
    ["license", "licence", "copying", "unlicense"]
        .iter()
        .any(|name| stem.eq_ignore_ascii_case(name))
}

/// The identifier of the licence with this text.
fn identify(text: &str) -> Option<&'static str> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let fits = |phrases: &[&str]| phrases.iter().all(|phrase| text.contains(phrase));
    TEXTS
        .iter()
        .find_map(|(name, phrases)| fits(phrases).then_some(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn commit(root: &Path) -> Option<String> {
        origin_of(root).commit.map(|commit| commit.to_string())
    }

    #[test]
    fn the_commit_is_found_wherever_git_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert_eq!(commit(root), None);
        write(root, ".git/HEAD", &format!("{HASH}\n"));
        write(root, "sub/a.php", "");
        assert_eq!(commit(&root.join("sub")).as_deref(), Some(HASH));
        write(root, ".git/HEAD", "ref: refs/heads/main\n");
        assert_eq!(commit(root), None);
        let packed = format!("# pack-refs with: peeled\n{HASH} refs/heads/main\n^{HASH}\n");
        write(root, ".git/packed-refs", &packed);
        assert_eq!(commit(root).as_deref(), Some(HASH));
        let newer = HASH.replace('0', "f");
        write(root, ".git/refs/heads/main", &newer);
        assert_eq!(commit(root), Some(newer.clone()));
        write(root, "linked/.git", "gitdir: ../.git/worktrees/linked\n");
        write(root, ".git/worktrees/linked/HEAD", "ref: refs/heads/main");
        write(root, ".git/worktrees/linked/commondir", "../..\n");
        assert_eq!(commit(&root.join("linked")), Some(newer));
        write(root, ".git/refs/heads/main", "nonsense");
        assert_eq!(commit(root), None);
    }

    #[test]
    fn the_licence_is_composers_or_that_of_a_text_that_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let license = || origin_of(root).license.map(|license| license.to_string());
        assert_eq!(license(), None);
        write(root, "LICENSE.txt", "All rights reserved.");
        assert_eq!(license(), None);
        let gpl = "        GNU GENERAL PUBLIC LICENSE\n           Version 2, June 1991\n";
        write(root, "license.md", gpl);
        assert_eq!(license().as_deref(), Some("GPL-2.0"));
        write(
            root,
            "composer.json",
            r#"{"license": ["MIT", "GPL-2.0-or-later"]}"#,
        );
        assert_eq!(license().as_deref(), Some("MIT OR GPL-2.0-or-later"));
    }
}
