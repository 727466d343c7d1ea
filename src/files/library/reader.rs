//! Reads Composer's files of a project, and records their stamps.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::services::of_modules;
use super::stubs::{IDE_HELPERS, stub_files};
use crate::files::ignores::folders_above;
use crate::files::regular::read_regular;
use crate::files::stamp::Stamp;
use crate::php::composer::{Autoload, generated, manifest};

/// The most folders below the root in which installed packages are looked for.
const MAX_NESTED: usize = 200;

/// Reads Composer's files and records their stamps.
pub(super) struct ComposerReader<'a> {
    root: &'a Path,
    sources: Vec<(PathBuf, Option<Stamp>)>,
    /// The packages that the `composer.json` files require.
    required: BTreeSet<String>,
    /// The folders of installed packages, relative to the root.
    vendors: BTreeSet<String>,
}

impl<'a> ComposerReader<'a> {
    pub(super) fn new(root: &'a Path) -> Self {
        Self {
            root,
            sources: Vec::new(),
            required: BTreeSet::new(),
            vendors: BTreeSet::new(),
        }
    }

    /// What was read, with the stamps, and the packages that are required.
    pub(super) fn finish(self) -> (Vec<(PathBuf, Option<Stamp>)>, BTreeSet<String>) {
        (self.sources, self.required)
    }

    /// The autoload rules of the project, then those of the projects in whose folders
    /// it lies, up to the top of the git repository: a package of a monorepo uses what
    /// is installed and loaded there. Then the rules for what is installed in the
    /// folders `nested` below the root: a module or plugin brings its own packages.
    pub(super) fn autoload(&mut self, nested: &BTreeSet<String>) -> Autoload {
        let mut all = self.autoload_of("");
        for (up, _) in (1..).zip(folders_above(self.root)) {
            all.extend(self.autoload_of(&"../".repeat(up)));
        }
        if nested.len() > MAX_NESTED {
            tracing::warn!(
                "{}: more than {MAX_NESTED} folders with packages of their own; the packages of \
                 the rest are not known",
                self.root.display()
            );
        }
        for folder in nested.iter().take(MAX_NESTED) {
            all.extend(self.autoload_below(&format!("{folder}/")));
        }
        let modules = of_modules(self.root, &all);
        all.psr4.extend(modules);
        all
    }

    /// The files of stubs for the project, relative to the root, in their order.
    pub(super) fn stubs(&mut self) -> Vec<String> {
        let vendors = std::mem::take(&mut self.vendors);
        for vendor in &vendors {
            self.source(&format!("{vendor}/composer/installed.json"));
        }
        for helper in IDE_HELPERS {
            self.source(helper);
        }
        stub_files(self.root, &vendors)
    }

    /// The autoload rules of what is installed for the package in the folder `at` of the
    /// project, which ends with `/`. Its own classes are the project's.
    fn autoload_below(&mut self, at: &str) -> Autoload {
        let manifest = self.read(&format!("{at}composer.json"));
        let manifest = manifest.and_then(|text| self::manifest(&text).ok());
        let manifest = manifest.unwrap_or_default();
        self.required.extend(manifest.required);
        let mut all = self.installed(&format!("{at}{}", manifest.vendor));
        all.extend(self.packages(at, &manifest.packages));
        all
    }

    /// The autoload rules of the project in the folder `at`, which is empty for the
    /// root or ends with `/`: first those that Composer has generated, then those of
    /// `composer.json` and of its path repositories.
    fn autoload_of(&mut self, at: &str) -> Autoload {
        let Some(text) = self.read(&format!("{at}composer.json")) else {
            return self.installed(&format!("{at}vendor"));
        };
        let manifest = match manifest(&text) {
            Ok(manifest) => manifest,
            Err(error) => {
                let path = self.root.join(at).join("composer.json");
                tracing::warn!("{}: not used: {error}; correct it", path.display());
                return self.installed(&format!("{at}vendor"));
            }
        };
        self.required.extend(manifest.required);
        let mut all = self.installed(&format!("{at}{}", manifest.vendor));
        all.extend(manifest.autoload.below(at));
        all.extend(self.packages(at, &manifest.packages));
        all
    }

    /// The autoload rules of the packages in the folders that `patterns` name, as the
    /// path repositories of the `composer.json` in the folder `at` do.
    fn packages(&mut self, at: &str, patterns: &[String]) -> Autoload {
        let mut all = Autoload::default();
        for pattern in patterns {
            let pattern = match pattern.starts_with('/') {
                true => pattern.clone(),
                false => format!("{at}{pattern}"),
            };
            for folder in self.folders(&pattern) {
                let package = self.read(&format!("{folder}/composer.json"));
                if let Some(Ok(package)) = package.map(|text| self::manifest(&text)) {
                    all.extend(package.autoload.below(&folder));
                }
            }
        }
        all
    }

    /// The autoload rules that Composer has generated in `vendor`.
    fn installed(&mut self, vendor: &str) -> Autoload {
        let folder = format!("{vendor}/composer");
        self.vendors.insert(vendor.to_owned());
        let mut entries = |name: &str| {
            let text = self.read(&format!("{folder}/autoload_{name}.php"));
            text.map_or_else(Vec::new, |text| generated(&text, &folder))
        };
        let first = |(class, paths): (String, Vec<String>)| {
            let path = paths.into_iter().next()?;
            Some((class.to_ascii_lowercase(), path))
        };
        let files: Vec<String> = entries("files")
            .into_iter()
            .flat_map(|(_, paths)| paths)
            .collect();
        Autoload {
            psr4: entries("psr4"),
            psr0: entries("namespaces"),
            classes: entries("classmap").into_iter().filter_map(first).collect(),
            searched: files.clone(),
            files,
        }
    }

    /// The text of one of Composer's files, if it exists.
    fn read(&mut self, path: &str) -> Option<String> {
        let path = self.source(path);
        match read_regular(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!("{}: not used: {error}", path.display());
                None
            }
        }
    }

    /// The full path of `path`, which is relative to the root. Records its stamp.
    fn source(&mut self, path: &str) -> PathBuf {
        let path = self.root.join(path);
        self.sources.push((path.clone(), Stamp::at(&path)));
        path
    }

    /// The folders that `pattern` names, relative to the root, in the order of
    /// names; each `*` stands for a folder.
    fn folders(&mut self, pattern: &str) -> Vec<String> {
        let mut found = vec![String::new()];
        for part in pattern.trim_end_matches('/').split('/') {
            let mut next = Vec::new();
            for folder in found {
                let slash = if folder.is_empty() && !pattern.starts_with('/') {
                    ""
                } else {
                    "/"
                };
                if part == "*" {
                    let entries = std::fs::read_dir(self.source(&folder));
                    let entries = entries.into_iter().flatten().flatten();
                    let names = entries.filter(|entry| entry.path().is_dir());
                    let mut names: Vec<_> = names
                        .filter_map(|entry| entry.file_name().into_string().ok())
                        .collect();
                    names.sort_unstable();
                    next.extend(names.iter().map(|name| format!("{folder}{slash}{name}")));
                } else if part.is_empty() {
                    next.push(folder);
                } else {
                    next.push(format!("{folder}{slash}{part}"));
                }
            }
            found = next;
        }
        found
    }
}
