//! The files of packages that the classes of a project lead to.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::Composer;
use super::package_files::PackageFiles;
use crate::index::{PackageFile, Packages, SourceFile};
use crate::php::names::Scope;
use crate::php::{ClassLike, FileFacts};

/// The most files that the classes of one project may lead to.
const MAX_REACHED: usize = 6000;
/// The most threads that read files.
const THREADS: usize = 4;
/// How long the files count as unchanged once they were compared with the disk.
const FRESH: Duration = Duration::from_secs(2);
/// How many of the last answers are kept: for the states that edits switch between.
const KEPT: usize = 4;
/// Packages that declare PHP's own functions for older versions of PHP.
const POLYFILLS: &str = "/polyfill-";

/// An earlier answer.
#[derive(Debug)]
pub(super) struct ReachedPackages {
    names: Arc<[Box<str>]>,
    packages: Arc<Packages>,
    checked: Instant,
    /// A thread that compares the files with the disk.
    check: Option<JoinHandle<bool>>,
}

impl ReachedPackages {
    /// Whether the files are as they were when they were last compared with the disk.
    /// If that is long ago, a thread compares them again; until it has done so, the
    /// answer is yes, so that no request waits for the disk.
    fn is_current(&mut self, reader: &Arc<PackageFiles>) -> bool {
        if let Some(check) = self.check.take_if(|check| check.is_finished()) {
            self.checked = Instant::now();
            return check.join().unwrap_or(false);
        }
        if self.check.is_some() || self.checked.elapsed() < FRESH {
            return true;
        }
        let (reader, packages) = (Arc::clone(reader), Arc::clone(&self.packages));
        let compare = move || reader.are_current(packages.files());
        let thread = thread::Builder::new().name("fimd-packages".into());
        match thread.spawn(compare) {
            Ok(check) => {
                self.check = Some(check);
                true
            }
            Err(error) => {
                tracing::warn!("no thread for comparing packages with the disk: {error}");
                false
            }
        }
    }
}

impl Composer {
    /// The files that the classes called `names` lead to; see
    /// [`crate::index::Library::packages`].
    pub(super) fn reached(&self, names: &Arc<[Box<str>]>) -> Arc<Packages> {
        let mut known = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |known: &ReachedPackages| Arc::ptr_eq(&known.names, names) || known.names == *names;
        let mut outdated = None;
        if let Some(at) = known.iter().position(same) {
            let mut found = known.remove(at);
            if found.is_current(&self.files) {
                let packages = Arc::clone(&found.packages);
                known.push(found);
                return packages;
            }
            outdated = Some(found.packages);
        }
        let packages = match (outdated, known.last_mut()) {
            (Some(before), _) => self.reach(names, Some(&before), false),
            (None, Some(last)) => {
                let is_current = last.is_current(&self.files);
                self.reach(names, Some(&last.packages), is_current)
            }
            (None, None) => self.reach(names, None, false),
        };
        let packages = Arc::new(packages);
        if known.len() == KEPT {
            known.remove(0);
        }
        known.push(ReachedPackages {
            names: Arc::clone(names),
            packages: Arc::clone(&packages),
            checked: Instant::now(),
            check: None,
        });
        packages
    }

    /// Reads the files level by level: those of the classes, then those of what they
    /// inherit from. `before` is an earlier answer; if `is_current`, its files are as on
    /// disk.
    fn reach(
        &self,
        names: &Arc<[Box<str>]>,
        before: Option<&Packages>,
        is_current: bool,
    ) -> Packages {
        let listing = self.listing();
        let known: FxHashMap<&str, &Arc<SourceFile>> = before
            .filter(|_| is_current)
            .into_iter()
            .flat_map(Packages::files)
            .map(|file| (&*file.path, file))
            .collect();
        let mut reached: BTreeMap<String, PackageFile> = BTreeMap::new();
        let always = self.autoload.files.iter();
        let always = always.filter(|path| !path.contains(POLYFILLS));
        let paths = always
            .chain(self.files.stubs())
            .map(String::as_str)
            .collect();
        for file in self.read(paths, &known) {
            reached.insert(file.path.to_string(), self.package_file(file));
        }
        // The numbers of the classes that lead to each class that was found last.
        let mut level: FxHashMap<&str, Vec<u32>> = FxHashMap::default();
        for (number, name) in (0..).zip(&**names) {
            if let Some(path) = listing.file_of(name) {
                level.entry(path).or_default().push(number);
            }
        }
        while !level.is_empty() && reached.len() < MAX_REACHED {
            let mut paths: Vec<&str> = level.keys().copied().collect();
            paths.sort_unstable();
            paths.truncate(MAX_REACHED - reached.len());
            let unread = paths.iter().filter(|path| !reached.contains_key(**path));
            for file in self.read(unread.copied().collect(), &known) {
                reached.insert(file.path.to_string(), self.package_file(file));
            }
            let mut next: FxHashMap<&str, Vec<u32>> = FxHashMap::default();
            for path in paths {
                let Some(found) = reached.get_mut(path) else {
                    continue;
                };
                // Without a reason, the packages load the file in any case.
                let new = add_reasons(&mut found.reasons, &level[path]);
                for parent in parents(&found.file).filter(|_| !new.is_empty()) {
                    if let Some(parent) = listing.file_of(&parent.to_ascii_lowercase()) {
                        next.entry(parent).or_default().extend(&new);
                    }
                }
            }
            level = next;
        }
        Packages::new(Arc::clone(names), reached.into_values().collect(), before)
    }

    /// `file` without a reason.
    fn package_file(&self, file: Arc<SourceFile>) -> PackageFile {
        PackageFile {
            is_stub: self.files.is_stub(&file.path),
            file,
            reasons: Vec::new(),
        }
    }

    /// The files at `paths` that can be read, with their facts. Those that are `known` are
    /// not read again.
    fn read(
        &self,
        paths: Vec<&str>,
        known: &FxHashMap<&str, &Arc<SourceFile>>,
    ) -> Vec<Arc<SourceFile>> {
        let (old, paths): (Vec<_>, Vec<_>) =
            paths.into_iter().partition(|path| known.contains_key(path));
        let old = old.into_iter().filter_map(|path| known.get(path));
        let mut all: Vec<Arc<SourceFile>> = old.map(|file| Arc::clone(file)).collect();
        if paths.is_empty() {
            return all;
        }
        // A thread of a pool may hold a lock here that other work of the pool waits
        // for, so the pool's own threads must not be asked to help.
        let part = paths.len().div_ceil(THREADS).max(1);
        thread::scope(|scope| {
            let read = |part: &[&str]| -> Vec<_> {
                part.iter()
                    .filter_map(|path| self.files.read(path))
                    .collect()
            };
            let parts: Vec<_> = paths
                .chunks(part)
                .map(|part| scope.spawn(move || read(part)))
                .collect();
            let parts = parts.into_iter().filter_map(|part| part.join().ok());
            all.extend(parts.flatten());
        });
        all
    }
}

/// Adds to `reasons`, which are ascending, those of `more` that are new. Returns these.
fn add_reasons(reasons: &mut Vec<u32>, more: &[u32]) -> Vec<u32> {
    let mut new = more.to_vec();
    new.sort_unstable();
    new.dedup();
    new.retain(|reason| reasons.binary_search(reason).is_err());
    reasons.extend(&new);
    reasons.sort_unstable();
    new
}

/// The fully qualified names of what the classes of `file` inherit from.
fn parents(file: &SourceFile) -> impl Iterator<Item = String> {
    let FileFacts { classes, .. } = &file.facts;
    classes.iter().flat_map(|class: &ClassLike| {
        let scope = Scope::of(&file.facts, &file.text, class.namespace);
        let named = class
            .extends
            .iter()
            .chain(&class.implements)
            .chain(&class.traits);
        let named = named.map(|name| name.of(&file.text));
        let mixed_in = mixins(class.doc.of(&file.text));
        named
            .chain(mixed_in)
            .filter_map(move |name| scope.class(name))
    })
}

/// The classes that the tags `@mixin` of a doc comment name.
fn mixins(doc: &str) -> impl Iterator<Item = &str> {
    doc.split("@mixin").skip(1).filter_map(|rest| {
        let name = rest.split_whitespace().next()?;
        name.split('<').next()
    })
}
