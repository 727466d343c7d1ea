//! What installed packages declare: their classes are listed by the names of files,
//! and the files that matter to a project or a context are read from disk.

mod listing;
mod package_files;
mod places;
mod reached;
mod reader;
mod services;
mod stubs;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::SystemTime;

use rustc_hash::FxHashMap;

use self::listing::ClassListing;
use self::package_files::PackageFiles;
use self::places::PackagePlaces;
use self::reached::ReachedPackages;
use self::reader::{ComposerFiles, ComposerReader};
use self::services::ServiceIds;
use super::below::each_below;
use super::limits::WalkOptions;
use super::listing::FoundBeside;
use super::roots::Roots;
use super::rules::is_php;
use super::stamp::Stamp;
use crate::index::symbols::ClassRef;
use crate::index::{Exclusion, Library, Packages, SourceFile};
use crate::php::composer::Autoload;

/// The most files that are searched for classes that no autoload rule locates.
const MAX_SEARCHED: usize = 20_000;

/// The packages of a project as Composer's files describe them when the project is
/// opened. The files of the packages may change later; they are read again then.
#[derive(Debug)]
pub struct Composer {
    roots: Roots,
    places: Arc<PackagePlaces>,
    /// The names that Composer's files were refused when they were read, with the rules.
    refused: Vec<Exclusion>,
    autoload: Autoload,
    /// The packages that `composer.json` requires.
    required: BTreeSet<String>,
    /// What a walk has found beside the project's files.
    beside: FoundBeside,
    /// The services by their ids, read when they are first needed.
    services: OnceLock<ServiceIds>,
    /// Composer's files and the searched folders with their stamps at that time;
    /// `None` for those that did not exist.
    sources: Vec<(PathBuf, Option<Stamp>)>,
    opened: SystemTime,
    files: Arc<PackageFiles>,
    /// The files of the classes that no autoload rule locates, by the class's name
    /// in lower case. The search runs when it is first needed.
    searched: OnceLock<FxHashMap<String, String>>,
    /// The classes that the autoload rules locate, listed when they are first needed.
    listing: OnceLock<ClassListing>,
    /// The last answers of [`Library::packages`], the newest last.
    reached: Mutex<Vec<ReachedPackages>>,
}

impl Composer {
    /// Reads Composer's files of the project in `roots` and of the folders `beside`
    /// that a [`Walk`](super::Walk) has found; the result is empty if there are none.
    /// Files that cannot be read are logged and ignored.
    #[must_use]
    pub fn open(roots: &Roots, beside: &FoundBeside, options: &WalkOptions) -> Self {
        let opened = SystemTime::now();
        let mut reader = ComposerReader::new(roots);
        let autoload = reader.autoload(&beside.nested);
        let stubs = reader.stubs();
        let ComposerFiles {
            places,
            sources,
            required,
        } = reader.finish();
        let places = Arc::new(places);
        Self {
            refused: places.refused(),
            sources,
            required,
            files: Arc::new(PackageFiles::new(
                Arc::clone(&places),
                options.max_file_bytes,
                stubs,
            )),
            places,
            roots: roots.clone(),
            autoload,
            beside: beside.clone(),
            services: OnceLock::new(),
            opened,
            searched: OnceLock::new(),
            listing: OnceLock::new(),
            reached: Mutex::default(),
        }
    }

    fn listing(&self) -> &ClassListing {
        self.listing
            .get_or_init(|| ClassListing::read(&self.places, &self.autoload))
    }

    /// What Composer's files name and the project's reach does not hold, each with the
    /// rule.
    #[must_use]
    pub fn refused(&self) -> &[Exclusion] {
        &self.refused
    }

    /// Warnings for the user, one line each: what was refused.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let root = self.roots.root().display();
        self.refused.iter().map(move |Exclusion { key, rule }| {
            format!(
                "{root}: {key} is not read: {rule}; to allow it, name the project in \
                 trusted_projects under [files] in the settings file"
            )
        })
    }

    /// Whether Composer's files may have changed since the project was opened, given
    /// what a walk has found `beside` the project's files now.
    #[must_use]
    pub fn is_outdated(&self, beside: &FoundBeside) -> bool {
        let services = self.services.get();
        if self.beside != *beside || services.is_some_and(ServiceIds::is_outdated) {
            return true;
        }
        // The searched folders are not watched, so their classes may have changed.
        self.searched.get().is_some()
            || self.sources.iter().any(|(path, before)| {
                let now = Stamp::at(path);
                now != *before || now.is_some_and(|now| !now.is_settled(self.opened))
            })
    }

    /// Whether a change at `path` may be a change to Composer's files.
    #[must_use]
    pub fn depends_on(&self, path: &Path) -> bool {
        if self
            .services
            .get()
            .is_some_and(|services| services.depend_on(path))
        {
            return true;
        }
        let mut sources = self.sources.iter();
        sources.any(|(source, _)| source.starts_with(path) || path.parent() == Some(source))
    }

    /// The folders to watch for such changes. A folder that does not exist yet is
    /// covered by the existing folders above it.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        let folder = |(source, _): &'_ (PathBuf, _)| source.is_dir();
        let (folders, files): (Vec<_>, Vec<_>) = self.sources.iter().partition(|s| folder(s));
        let above = |path| Path::ancestors(path).skip(1).take(2);
        let above = files.into_iter().flat_map(move |(path, _)| above(path));
        let folders = folders.into_iter().map(|(path, _)| path.as_path());
        folders.chain(above.filter(|folder| folder.starts_with(self.roots.root())))
    }

    /// Searches the folders and files that the autoload rules name for classes.
    fn search(&self) -> FxHashMap<String, String> {
        let mut files = BTreeSet::new();
        for path in &self.autoload.searched {
            let path = path.trim_end_matches('/');
            php_files(&self.places, path, &mut files);
        }
        if files.len() >= MAX_SEARCHED {
            tracing::warn!(
                "{}: more than {MAX_SEARCHED} files under \"classmap\" of composer.json; the rest \
                 is not searched: run `composer dump-autoload`",
                self.roots.root().display()
            );
        }
        let mut classes = FxHashMap::default();
        for path in &files {
            let Some(file) = self.files.read(path) else {
                continue;
            };
            for item in 0..file.facts.classes.len() {
                let class = ClassRef::of(&file, item);
                if !class.short_name().is_empty() {
                    let name = class.name().to_ascii_lowercase();
                    classes.entry(name).or_insert_with(|| path.clone());
                }
            }
        }
        classes
    }
}

impl Library for Composer {
    fn owns(&self, key: &str) -> bool {
        self.roots.owns(key)
    }

    fn is_empty(&self) -> bool {
        self.autoload == Autoload::default() && self.files.stubs().is_empty()
    }

    fn requires(&self, package: &str) -> bool {
        self.required.contains(package)
    }

    fn service(&self, id: &str) -> Option<&str> {
        let services = self
            .services
            .get_or_init(|| ServiceIds::read(&self.places, &self.beside.services, &self.autoload));
        services.class(id)
    }

    fn locates(&self, folded: &str) -> bool {
        self.listing().file_of(folded).is_some()
    }

    fn with_prefix<'a>(&'a self, prefix: &str) -> Box<dyn Iterator<Item = &'a str> + 'a> {
        self.listing().with_prefix(prefix)
    }

    fn packages(&self, names: &Arc<[Box<str>]>) -> Arc<Packages> {
        self.reached(names)
    }

    fn file_of(&self, name: &str) -> Option<Arc<SourceFile>> {
        let declares = |file: &Arc<SourceFile>| {
            (0..file.facts.classes.len()).any(|item| ClassRef::of(file, item).is_called(name))
        };
        let found = self.autoload.candidates(name);
        let found = found
            .filter_map(|path| self.files.read(&path))
            .find(declares);
        // The autoload rules want a name as it is declared, unlike PHP.
        let found = found.or_else(|| {
            let path = self.listing().file_of(&name.to_ascii_lowercase())?;
            self.files.read(path).filter(declares)
        });
        found.or_else(|| {
            if self.autoload.searched.is_empty() {
                return None;
            }
            let searched = self.searched.get_or_init(|| self.search());
            let path = searched.get(&name.to_ascii_lowercase())?;
            self.files.read(path).filter(declares)
        })
    }
}

/// Adds the PHP files at or below `path`, up to [`MAX_SEARCHED`] in all. Symbolic links
/// below it are not followed.
fn php_files(places: &PackagePlaces, path: &str, files: &mut BTreeSet<String>) {
    let Some(place) = places.find(path) else {
        return;
    };
    if place.is_file() {
        files.insert(path.to_owned());
        return;
    }
    let every_folder = |_: &str| true;
    each_below(&place, every_folder, |below, name, kind| {
        if files.len() >= MAX_SEARCHED {
            return ControlFlow::Break(());
        }
        if kind.is_file() && is_php(name) {
            files.insert(format!("{path}/{below}"));
        }
        ControlFlow::Continue(())
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::walk_existing;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn open(root: &Path) -> Composer {
        open_in(root, root)
    }

    /// The packages of the project at `root` in the folder `opened` of an editor.
    fn open_in(root: &Path, opened: &Path) -> Composer {
        let roots = Roots::new(root, &[]).unwrap();
        let roots = roots.opened_in(&opened.canonicalize().unwrap());
        let options = WalkOptions::default();
        let nested = walk_existing(&roots, &options).beside;
        Composer::open(&roots, &nested, &options)
    }

    fn path_of(composer: &Composer, name: &str) -> Option<String> {
        composer.file_of(name).map(|file| file.path.to_string())
    }

    #[test]
    fn classes_are_found_by_every_kind_of_rule() {
        let folder = tempfile::tempdir().unwrap();
        let root = &folder.path().join("app");
        write(
            root,
            "composer.json",
            r#"{"autoload": {"classmap": ["build"]},
                "repositories": {"mine": {"type": "path", "url": "../packages/*"}}}"#,
        );
        let returns = |entries: &str| {
            format!("<?php $vendorDir = dirname(__DIR__); return array({entries});")
        };
        for (name, entries) in [
            (
                "psr4",
                "'P4\\\\' => array($vendorDir . '/none', $vendorDir . '/p4')",
            ),
            ("namespaces", "'P0_' => array($vendorDir . '/p0')"),
            ("classmap", "'Mapped' => $vendorDir . '/m/x.php'"),
            ("files", "'1' => $vendorDir . '/f/functions.php'"),
        ] {
            let path = format!("vendor/composer/autoload_{name}.php");
            write(root, &path, &returns(entries));
        }
        write(
            root,
            "vendor/p4/A/B.php",
            "<?php namespace P4\\A; class B {}",
        );
        write(root, "vendor/p4/Other.php", "<?php class Unrelated {}");
        write(root, "vendor/p0/P0/A.php", "<?php class P0_A {}");
        write(root, "vendor/m/x.php", "<?php class Mapped {}");
        write(root, "vendor/f/functions.php", "<?php class Helper {}");
        write(
            root,
            "build/deep/Made.php",
            "<?php namespace Made; enum It {}",
        );
        write(
            root,
            "../packages/one/composer.json",
            r#"{"autoload": {"psr-4": {"One\\": "src/"}}}"#,
        );
        write(
            root,
            "../packages/one/src/C.php",
            "<?php namespace One; trait C {}",
        );
        assert_eq!(path_of(&open(root), "One\\C"), None);
        let composer = open_in(root, folder.path());
        for (name, path) in [
            ("P4\\A\\B", "vendor/p4/A/B.php"),
            ("P0_A", "vendor/p0/P0/A.php"),
            ("mapped", "vendor/m/x.php"),
            ("Helper", "vendor/f/functions.php"),
            ("Made\\It", "build/deep/Made.php"),
            ("One\\C", "../packages/one/src/C.php"),
        ] {
            assert_eq!(path_of(&composer, name).as_deref(), Some(path), "{name}");
        }
        for name in ["P4\\Other", "P4\\..\\m\\x", "Unknown", ""] {
            assert_eq!(path_of(&composer, name), None, "{name}");
        }
    }

    #[test]
    fn a_file_that_has_changed_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        write(
            root,
            "composer.json",
            r#"{"autoload": {"psr-4": {"": "lib"}}}"#,
        );
        write(root, "lib/A.php", "<?php class A {}");
        let composer = open(root);
        let first = composer.file_of("A").unwrap();
        assert!(Arc::ptr_eq(&first, &composer.file_of("A").unwrap()));
        write(root, "lib/A.php", "<?php class A { public $new; }");
        assert!(composer.file_of("A").unwrap().text.contains("$new"));
        std::fs::remove_file(root.join("lib/A.php")).unwrap();
        assert!(composer.file_of("A").is_none());
    }

    #[test]
    fn a_project_without_composer_or_with_a_broken_one_has_no_packages() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(open(folder.path()).autoload, Autoload::default());
        write(folder.path(), "composer.json", "{");
        assert_eq!(open(folder.path()).autoload, Autoload::default());
    }
}
