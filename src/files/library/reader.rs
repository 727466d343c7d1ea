//! Reads Composer's files of a project, and records their stamps.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use super::places::PackagePlaces;
use super::services::of_modules;
use super::stubs::{IDE_HELPERS, stub_files};
use crate::files::reach::folders_above;
use crate::files::regular::{Links, MAX_COMPOSER_BYTES, read_text_below};
use crate::files::roots::Roots;
use crate::files::stamp::Stamp;
use crate::php::composer::{Autoload, generated, manifest};

/// The most folders below the root in which installed packages are looked for.
const MAX_NESTED: usize = 200;

/// Reads Composer's files and records their stamps.
pub(super) struct ComposerReader {
    places: PackagePlaces,
    sources: Vec<(PathBuf, Option<Stamp>)>,
    /// The packages that the `composer.json` files require.
    required: BTreeSet<String>,
    /// The names of the folders of installed packages.
    vendors: BTreeSet<String>,
}

/// What was read of Composer's files.
pub(super) struct ComposerFiles {
    pub(super) places: PackagePlaces,
    /// The files and the searched folders, with their stamps.
    pub(super) sources: Vec<(PathBuf, Option<Stamp>)>,
    /// The packages that are required.
    pub(super) required: BTreeSet<String>,
}

impl ComposerReader {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            places: PackagePlaces::new(roots),
            sources: Vec::new(),
            required: BTreeSet::new(),
            vendors: BTreeSet::new(),
        }
    }

    /// What was read.
    pub(super) fn finish(self) -> ComposerFiles {
        let Self {
            places,
            sources,
            required,
            ..
        } = self;
        ComposerFiles {
            places,
            sources,
            required,
        }
    }

    /// The autoload rules of the project, then those of the projects in whose folders
    /// it lies, up to the top of the git repository: a package of a monorepo uses what
    /// is installed and loaded there. Then the rules for what is installed in the
    /// folders `nested` below the root: a module or plugin brings its own packages.
    pub(super) fn autoload(&mut self, nested: &BTreeSet<String>) -> Autoload {
        let mut all = self.autoload_of("");
        for (up, _) in (1..).zip(folders_above(self.places.root())) {
            all.extend(self.autoload_of(&"../".repeat(up)));
        }
        if nested.len() > MAX_NESTED {
            tracing::warn!(
                "{}: more than {MAX_NESTED} folders with packages of their own; the packages of \
                 the rest are not known",
                self.places.root().display()
            );
        }
        for folder in nested.iter().take(MAX_NESTED) {
            all.extend(self.autoload_below(&format!("{folder}/")));
        }
        let modules = of_modules(&self.places, &all);
        all.psr4.extend(modules);
        self.places.retain(&mut all);
        all
    }

    /// The names of the files of stubs for the project, in their order.
    pub(super) fn stubs(&mut self) -> Vec<String> {
        let vendors = std::mem::take(&mut self.vendors);
        for vendor in &vendors {
            self.source(&format!("{vendor}/composer/installed.json"));
        }
        for helper in IDE_HELPERS {
            self.source(helper);
        }
        stub_files(&self.places, &vendors)
    }

    /// The autoload rules of what is installed for the package in the folder `at` of the
    /// project, which ends with `/`. Its own classes are the project's.
    fn autoload_below(&mut self, at: &str) -> Autoload {
        let manifest = self.read(&format!("{at}composer.json"));
        let manifest = manifest.and_then(|text| self::manifest(&text).ok());
        let manifest = manifest.unwrap_or_default();
        self.required.extend(manifest.required);
        let mut all = self.installed(at, &manifest.vendor);
        all.extend(self.packages(at, &manifest.packages));
        all
    }

    /// The autoload rules of the project in the folder `at`, which is empty for the
    /// root or ends with `/`: first those that Composer has generated, then those of
    /// `composer.json` and of its path repositories.
    fn autoload_of(&mut self, at: &str) -> Autoload {
        let Some(text) = self.read(&format!("{at}composer.json")) else {
            return self.installed(at, "vendor");
        };
        let manifest = match manifest(&text) {
            Ok(manifest) => manifest,
            Err(error) => {
                let path = self.places.path(at).join("composer.json");
                tracing::warn!("{}: not used: {error}; correct it", path.display());
                return self.installed(at, "vendor");
            }
        };
        self.required.extend(manifest.required);
        let mut all = self.installed(at, &manifest.vendor);
        all.extend(manifest.autoload.below(at));
        all.extend(self.packages(at, &manifest.packages));
        all
    }

    /// The autoload rules of the packages in the folders that `patterns` name, as the
    /// path repositories of the `composer.json` in the folder `at` do.
    fn packages(&mut self, at: &str, patterns: &[String]) -> Autoload {
        let mut all = Autoload::default();
        for pattern in patterns {
            for folder in self.folders(&placed(at, pattern)) {
                let Some(folder) = self.places.name(&folder) else {
                    continue;
                };
                let package = self.read(&format!("{folder}/composer.json"));
                if let Some(Ok(package)) = package.map(|text| self::manifest(&text)) {
                    all.extend(package.autoload.below(&folder));
                }
            }
        }
        all
    }

    /// The autoload rules that Composer has generated in the folder `vendor` of the project
    /// in the folder `at`.
    fn installed(&mut self, at: &str, vendor: &str) -> Autoload {
        let Some(vendor) = self.places.name(&placed(at, vendor)) else {
            return Autoload::default();
        };
        let folder = format!("{vendor}/composer");
        self.vendors.insert(vendor);
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

    /// The text of the one of Composer's files that is called `name`, if it exists.
    fn read(&mut self, name: &str) -> Option<String> {
        let path = self.source(name)?;
        match read_text_below(&path, MAX_COMPOSER_BYTES, Links::Refused) {
            Ok(text) => Some(text),
            Err(error) => {
                tracing::warn!("{}: not used: {error}", path.display());
                None
            }
        }
    }

    /// The canonical path of the file or folder called `name`, if it exists within reach.
    /// Records its stamp, unless it is out of reach.
    fn source(&mut self, name: &str) -> Option<PathBuf> {
        let found = self.places.look_for(name);
        let is_refused = |error: &io::Error| error.kind() == ErrorKind::PermissionDenied;
        if !found.as_ref().is_err_and(is_refused) {
            let path = self.places.path(name);
            let stamp = Stamp::at(&path);
            self.sources.push((path, stamp));
        }
        found.ok()
    }

    /// The names of the folders that `pattern` names, in their order; each `*` stands for a folder.
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
                    let folder_read = self.source(&folder).map(std::fs::read_dir);
                    let entries = folder_read.into_iter().flatten().flatten().flatten();
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

/// The name of what the `composer.json` in the folder `at` calls `path`.
fn placed(at: &str, path: &str) -> String {
    match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("{at}{path}"),
    }
}
