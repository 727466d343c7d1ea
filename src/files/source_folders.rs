//! Folders that hold source although their names are those of generated folders.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::Path;

use aho_corasick::AhoCorasick;
use rayon::prelude::*;

use super::below::each_below;
use super::extensions::Extensions;
use super::limits::WalkOptions;
use super::regular::{Links, MAX_COMPOSER_BYTES, read_bytes};
use super::roots::Roots;
use super::rules::is_inside_source;
use crate::php::composer::{Autoload, manifest};

/// The most files of one folder whose names are looked for in the project.
const MAX_NAMED: usize = 2000;

/// The folders of a project that count as source whatever they are called, and the one
/// that does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceFolders {
    /// The folder into which `composer.json` has packages installed, as a key.
    installed: String,
    /// The paths that `composer.json` autoloads, as keys.
    autoloaded: Vec<String>,
    /// The keys of the folders that other files name.
    named: BTreeSet<String>,
}

impl SourceFolders {
    /// The folders that the project's `composer.json` autoloads, if there is one that
    /// can be read.
    pub(super) fn autoloaded(roots: &Roots) -> Self {
        let path = roots.root().join("composer.json");
        let text = roots.read(&path, MAX_COMPOSER_BYTES);
        let Some(Ok(manifest)) = text.ok().map(|text| manifest(&text)) else {
            return Self::default();
        };
        let installed = manifest.vendor;
        let Autoload {
            psr4,
            psr0,
            searched,
            ..
        } = manifest.autoload;
        let prefixed = psr4.into_iter().chain(psr0).flat_map(|(_, paths)| paths);
        let paths = prefixed.chain(searched).map(|path| {
            let path = path.strip_prefix("./").unwrap_or(&path);
            path.trim_end_matches('/').to_owned()
        });
        // The root itself says nothing about a folder.
        Self {
            autoloaded: paths.filter(|path| !matches!(&**path, "" | ".")).collect(),
            named: BTreeSet::new(),
            installed: installed.trim_start_matches("./").to_owned(),
        }
    }

    /// Whether packages are installed in the folder with this key.
    pub(super) fn is_installed(&self, folder: &str) -> bool {
        !folder.is_empty() && self.installed == folder
    }

    /// Whether the folder with this key is source.
    pub(super) fn hold(&self, folder: &str) -> bool {
        let is_in = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        is_inside_source(folder)
            || self.named.contains(folder)
            || self
                .autoloaded
                .iter()
                .any(|path| is_in(folder, path) || is_in(path, folder))
    }

    /// Adds those of `folders`, given by key and path, of which the file at one of the
    /// paths `files` names a file: with the folder's name in front, as in an `include`
    /// or a class map. Returns their keys.
    pub(super) fn add_named(
        &mut self,
        folders: &BTreeMap<String, &Path>,
        options: &WalkOptions,
        files: &[&Path],
    ) -> Vec<String> {
        let mut patterns: Vec<String> = Vec::new();
        let mut of_folder: Vec<&str> = Vec::new();
        for (key, path) in folders {
            let name = key.rsplit('/').next().unwrap_or(key);
            for inside in names_below(path, &options.extensions) {
                patterns.push(format!("{name}/{inside}"));
                of_folder.push(key);
            }
        }
        if patterns.is_empty() {
            return Vec::new();
        }
        // Too many patterns are the only fault that building them can have.
        let Ok(search) = AhoCorasick::new(&patterns) else {
            return Vec::new();
        };
        let named_in = |file: &Path| -> BTreeSet<&str> {
            let text = read_bytes(file, options.max_file_bytes, Links::Refused);
            let text = text.unwrap_or_default();
            let found = search.find_overlapping_iter(&text);
            let found = found.filter(|found| {
                // The name is whole: `cache/a.php`, not `mycache/a.php`.
                let before = found.start().checked_sub(1).map(|at| text[at]);
                before.is_none_or(|byte| matches!(byte, b'/' | b'\'' | b'"'))
            });
            found
                .map(|found| of_folder[found.pattern().as_usize()])
                .collect()
        };
        let named: BTreeSet<&str> = files
            .par_iter()
            .flat_map_iter(|file| named_in(file))
            .collect();
        self.named.extend(named.iter().map(|&key| key.to_owned()));
        named.into_iter().map(str::to_owned).collect()
    }
}

/// The paths below `folder` of the PHP files in it, by their names.
fn names_below(folder: &Path, extensions: &Extensions) -> Vec<String> {
    let mut names = Vec::new();
    let every_folder = |_: &str| true;
    each_below(folder, every_folder, |below, name, _| {
        if extensions.count(name) {
            names.push(below.to_owned());
        }
        match names.len() {
            MAX_NAMED => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    names
}
