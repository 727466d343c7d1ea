//! The packages as one file of the project sees them.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::Arc;

use super::packages::{Packaged, Packages};
use super::snapshot::Snapshot;
use super::symbols::{DeclKind, Declaration, NameKind, UseKey};

/// The files of packages that count for one file of the project, which may be the
/// buffer of a request. A package's file counts if another file of the project leads to
/// it, and if it is no file of the project itself.
#[derive(Debug)]
pub struct VisiblePackages<'a> {
    snapshot: &'a Snapshot,
    packages: Arc<Packages>,
    /// The key of the file that sees them.
    path: &'a str,
    /// For each part and file whether it counts, once that was asked: several
    /// declarations of a file are looked up.
    counts: Vec<Vec<Cell<Option<bool>>>>,
}

impl<'a> VisiblePackages<'a> {
    /// `packages`, which matter to `snapshot`, as the file with the key `path` sees
    /// them.
    #[must_use]
    pub fn new(snapshot: &'a Snapshot, packages: Arc<Packages>, path: &'a str) -> Self {
        let unknown = |files| vec![Cell::new(None); files];
        Self {
            counts: packages.part_lengths().map(unknown).collect(),
            snapshot,
            packages,
            path,
        }
    }

    /// The declarations of `kind` called `name`, whatever their namespace and case, in
    /// the order of paths. The stub of a function or constant counts if no package
    /// declares it.
    pub fn named(&self, kind: DeclKind, name: &str) -> impl Iterator<Item = Declaration<'_>> {
        let mut found = self.packages.named(kind, name);
        if kind != DeclKind::Member && found.iter().any(|found| !found.is_stub) {
            found.retain(|found| !found.is_stub);
        }
        self.counting(found)
    }

    /// The declarations of `kind` whose names start with `prefix`, in any case, in the
    /// order of names.
    pub fn with_prefix(
        &self,
        kind: DeclKind,
        prefix: &str,
    ) -> impl Iterator<Item = Declaration<'_>> {
        self.counting(self.packages.with_prefix(kind, prefix))
    }

    fn counting<'s>(
        &'s self,
        found: Vec<Packaged<'s>>,
    ) -> impl Iterator<Item = Declaration<'s>> + use<'s, 'a> {
        let found = found.into_iter().filter(|found| self.is_counted(found));
        found.map(|found| found.declaration)
    }

    fn is_counted(&self, found: &Packaged<'_>) -> bool {
        let (part, file) = found.place();
        let known = &self.counts[part][file];
        known.get().unwrap_or_else(|| {
            let path = found.declaration.path();
            let mut reasons = found.reasons();
            let counts = (reasons.len() == 0 || reasons.any(|name| self.is_named_elsewhere(name)))
                && path != self.path
                && self.snapshot.file(path).is_none();
            known.set(Some(counts));
            counts
        })
    }

    /// Whether another file names the class called `name`, which is in lower case.
    fn is_named_elsewhere(&self, name: &str) -> bool {
        let mut uses = self.snapshot.uses(UseKey::Name(NameKind::Class, name));
        let children = || self.snapshot.children(name).into_iter();
        uses.any(|user| *user.file.path != *self.path)
            || children().any(|child| child.path != self.path)
    }
}

impl Deref for VisiblePackages<'_> {
    type Target = Packages;

    fn deref(&self) -> &Packages {
        &self.packages
    }
}
