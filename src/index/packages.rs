//! Files of installed packages, with what they declare.

use std::sync::Arc;

use super::file::SourceFile;
use super::symbols::{ClassRef, DeclEntry, DeclKind, Declaration, NameKind, Symbols, UseKey, hash};

/// A file of a package, and why it counts.
#[derive(Debug)]
pub struct PackageFile {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The classes of the project's choice that lead to the file, as ascending numbers
    /// into the list of their names: the file declares one of them or something that
    /// one inherits from. Empty if the packages load the file in any case.
    pub reasons: Vec<u32>,
    /// Whether the file only states what other files declare, for tools and editors.
    pub is_stub: bool,
}

/// The files of installed packages that matter to a project: those that declare the
/// classes that it names, all that these inherit from, and the files that the packages
/// always load.
#[derive(Debug, Default)]
pub struct Packages {
    files: Vec<Arc<SourceFile>>,
    reasons: Vec<Vec<u32>>,
    /// Which of the files are stubs, in the order of `files`; empty if none is.
    stubs: Vec<bool>,
    /// The names of the classes that the project names, fully qualified and in lower
    /// case.
    names: Arc<[Box<str>]>,
    symbols: Symbols,
}

impl Packages {
    /// The packages' `files`, each once, that the classes called `names` lead to.
    #[must_use]
    pub fn new(names: Arc<[Box<str>]>, mut files: Vec<PackageFile>) -> Self {
        files.sort_unstable_by(|a, b| a.file.path.cmp(&b.file.path));
        let mut stubs: Vec<bool> = files.iter().map(|file| file.is_stub).collect();
        if !stubs.contains(&true) {
            stubs = Vec::new();
        }
        let (files, reasons): (Vec<_>, _) = files
            .into_iter()
            .map(|file| (file.file, file.reasons))
            .unzip();
        Self {
            symbols: Symbols::build(&files),
            files,
            reasons,
            stubs,
            names,
        }
    }

    /// The files, in the order of keys.
    #[must_use]
    pub fn files(&self) -> &[Arc<SourceFile>] {
        &self.files
    }

    /// The class-like with the fully qualified name `name`, in any case, that no stub
    /// declares: the first by path if there are several.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<ClassRef<'_>> {
        self.first_class(name, false)
    }

    /// Whether there are stubs among the files.
    #[must_use]
    pub fn has_stubs(&self) -> bool {
        !self.stubs.is_empty()
    }

    /// What stubs state of the class-like with the fully qualified name `name`, in any
    /// case: the first by path if there are several.
    #[must_use]
    pub fn stub(&self, name: &str) -> Option<ClassRef<'_>> {
        self.first_class(name, true)
    }

    /// The first class-like by path with the fully qualified name `name`, of a stub or
    /// of none.
    fn first_class(&self, name: &str, of_stub: bool) -> Option<ClassRef<'_>> {
        let entries = self.symbols.classes_with_hash(hash(DeclKind::Class, name));
        let entries = entries.filter(|entry| self.is_stub(entry) == of_stub);
        let classes = entries.map(|entry| entry.class(&self.files));
        let classes = classes.filter(|class| class.is_called(name));
        classes.min_by_key(|class| (class.path, class.item))
    }

    /// Whether the declaration of `entry` is one of a stub.
    pub(super) fn is_stub(&self, entry: &DeclEntry) -> bool {
        self.stubs.get(entry.file as usize) == Some(&true)
    }

    /// The declarations of `kind` called `name`, whatever their namespace and case, in
    /// the order of paths.
    pub(super) fn named(&self, kind: DeclKind, name: &str) -> &[DeclEntry] {
        self.symbols.named(kind, name, &self.files)
    }

    /// The declarations of `kind` whose names start with `prefix`, in any case.
    pub(super) fn with_prefix(&self, kind: DeclKind, prefix: &str) -> &[DeclEntry] {
        self.symbols.with_prefix(kind, prefix, &self.files)
    }

    /// The declaration of an entry.
    pub(super) fn declaration(&self, entry: &DeclEntry) -> Declaration<'_> {
        entry.declaration(&self.files)
    }

    /// The names of the classes that lead to the file of an entry; none if the packages
    /// load it in any case.
    pub(super) fn reasons(&self, entry: &DeclEntry) -> impl ExactSizeIterator<Item = &str> {
        let reasons = &self.reasons[entry.file as usize];
        reasons.iter().map(|&name| &*self.names[name as usize])
    }

    /// How many of the files use the name, which is folded.
    #[must_use]
    pub fn users(&self, kind: NameKind, name: &str) -> usize {
        self.symbols.postings(UseKey::Name(kind, name)).len()
    }
}
