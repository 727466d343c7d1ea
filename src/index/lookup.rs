//! Names looked up in a snapshot: their declarations, subclasses and uses.

use std::sync::Arc;

use super::file::SourceFile;
use super::live::LiveSegment;
use super::packages::Packages;
use super::snapshot::Snapshot;
use super::symbols::{ClassRef, DeclEntry, DeclKind, Declaration, NameKind, Symbols, UseKey, hash};

/// One posting of a key; see [`Snapshot::uses`].
#[derive(Clone, Copy, Debug)]
pub struct FileUse<'a> {
    /// The file.
    pub file: &'a Arc<SourceFile>,
    /// The file's number in the snapshot, below [`Snapshot::file_numbers`].
    pub number: usize,
    /// How often the file uses the name, or for [`UseKey::Receiver`] the number of one
    /// of its references.
    pub value: u32,
}

impl Snapshot {
    /// Every declaration called `name`, whatever its namespace and case, in
    /// the order of paths and positions.
    #[must_use]
    pub fn declared(&self, kind: DeclKind, name: &str) -> Vec<Declaration<'_>> {
        self.declarations(|symbols, files| symbols.named(kind, name, files))
    }

    /// Like [`declared`](Self::declared), but empty if more than `most`
    /// declarations are called `name`. Dead files count here too.
    #[must_use]
    pub fn declared_up_to(&self, most: usize, kind: DeclKind, name: &str) -> Vec<Declaration<'_>> {
        let segments = self.segments().iter().map(LiveSegment::segment);
        let named: Vec<_> = segments
            .map(|segment| segment.symbols().named(kind, name, segment.files()))
            .collect();
        if named.iter().map(|decls| decls.len()).sum::<usize>() > most {
            return Vec::new();
        }
        self.in_order(named)
    }

    /// Every declaration whose name starts with `prefix`, whatever its case,
    /// in the order of paths.
    #[must_use]
    pub fn declared_with_prefix(&self, kind: DeclKind, prefix: &str) -> Vec<Declaration<'_>> {
        self.declarations(|symbols, files| symbols.with_prefix(kind, prefix, files))
    }

    /// The number of declarations of `kind`. Dead files count here too.
    #[must_use]
    pub fn count_declared(&self, kind: DeclKind) -> usize {
        let segments = self.segments().iter().map(LiveSegment::segment);
        let all = segments.map(|s| s.symbols().with_prefix(kind, "", s.files()).len());
        all.sum()
    }

    /// The declarations of `kind`, classes or functions, whose names hold the word
    /// `word` in lower case. Empty if there are more than `most`; dead files count here
    /// too.
    #[must_use]
    pub fn declared_with_word(
        &self,
        most: usize,
        kind: DeclKind,
        word: &str,
    ) -> Vec<Declaration<'_>> {
        let mut all = Vec::new();
        let mut count = 0;
        for live in self.segments() {
            let segment = live.segment();
            for decl in segment.symbols().with_word(kind, word) {
                count += 1;
                if count > most {
                    return Vec::new();
                }
                if live.is_live(decl.file as usize) {
                    all.push(decl.declaration(segment.files()));
                }
            }
        }
        all
    }

    /// The strings at the place with this hash, with their files; the first `most` of
    /// each segment.
    pub fn literals_at(
        &self,
        place: u32,
        most: usize,
    ) -> impl Iterator<Item = (&Arc<SourceFile>, &str)> {
        self.segments().iter().flat_map(move |live| {
            let segment = live.segment();
            let found = segment.symbols().literals_at(place).take(most);
            found
                .filter(|&(file, _)| live.is_live(file))
                .map(|(file, index)| {
                    let file = &segment.files()[file];
                    (file, file.facts.literals[index].text().of(&file.text))
                })
        })
    }

    /// The first `most` files directly in `folder`, a key that ends with `/` or is
    /// empty, with their numbers, in the order of paths.
    #[must_use]
    pub fn files_in(&self, folder: &str, most: usize) -> Vec<(usize, &Arc<SourceFile>)> {
        let mut all: Vec<(usize, &Arc<SourceFile>)> = Vec::new();
        let mut number = 0;
        for live in self.segments() {
            let files = live.segment().files();
            let first = files.partition_point(|file| &*file.path < folder);
            let inside = files[first..]
                .iter()
                .enumerate()
                .take_while(|(_, file)| file.path.starts_with(folder));
            let direct = inside.filter(|(at, file)| {
                live.is_live(first + at) && !file.path[folder.len()..].contains('/')
            });
            all.extend(
                direct
                    .take(most)
                    .map(|(at, file)| (number + first + at, file)),
            );
            number += files.len();
        }
        all.sort_unstable_by(|a, b| a.1.path.cmp(&b.1.path));
        all.truncate(most);
        all
    }

    /// The live declarations among those that `find` returns for each segment, in
    /// the order of paths.
    fn declarations<'a>(
        &'a self,
        find: impl Fn(&'a Symbols, &'a [Arc<SourceFile>]) -> &'a [DeclEntry],
    ) -> Vec<Declaration<'a>> {
        let segments = self.segments().iter().map(LiveSegment::segment);
        self.in_order(segments.map(|segment| find(segment.symbols(), segment.files())))
    }

    /// The live declarations among those of each segment, in the order of paths.
    fn in_order<'a>(
        &'a self,
        decls: impl IntoIterator<Item = &'a [DeclEntry]>,
    ) -> Vec<Declaration<'a>> {
        let mut all = Vec::new();
        for (live, here) in self.segments().iter().zip(decls) {
            let files = live.segment().files();
            let decls = here.iter().filter(|decl| live.is_live(decl.file as usize));
            all.extend(decls.map(|decl| decl.declaration(files)));
        }
        // The declarations of one name in one segment are in order already.
        if all.len() > 1 {
            all.sort_by(|a: &Declaration<'_>, b| a.path().cmp(b.path()));
        }
        all
    }

    /// The class-like with the fully qualified name `name`, in any case,
    /// declared outside the file `exclude`. If there are several, as in a project that
    /// holds packages, it is one of the project's own before one of an include path,
    /// then the one with the fewest folders between it and that file, then the one in
    /// the fewest folders, then the first by path.
    #[must_use]
    pub fn class(&self, name: &str, exclude: &str) -> Option<ClassRef<'_>> {
        let rank = |class: &ClassRef<'_>| {
            let folders = class.path.matches('/').count();
            let is_included = self.library().is_some_and(|known| !known.owns(class.path));
            (is_included, folders_between(class.path, exclude), folders)
        };
        let hash = hash(DeclKind::Class, name);
        let mut nearest: Option<ClassRef<'_>> = None;
        for live in self.segments() {
            let segment = live.segment();
            for decl in segment.symbols().classes_with_hash(hash) {
                let class = decl.class(segment.files());
                let is_nearer = nearest.is_none_or(|nearest| {
                    (rank(&class), class.path, class.item)
                        < (rank(&nearest), nearest.path, nearest.item)
                });
                if is_nearer
                    && class.path != exclude
                    && live.is_live(decl.file as usize)
                    && class.is_called(name)
                {
                    nearest = Some(class);
                }
            }
        }
        nearest
    }

    /// Classes that extend, implement or use the class-like with the fully
    /// qualified name `parent`, in the order of paths.
    #[must_use]
    pub fn children(&self, parent: &str) -> Vec<ClassRef<'_>> {
        let mut all = Vec::new();
        let parent = NameKind::Class.fold(parent);
        for live in self.segments() {
            let segment = live.segment();
            for (file, item) in segment.symbols().children(&parent) {
                if live.is_live(file) {
                    all.push(ClassRef::of(&segment.files()[file], item));
                }
            }
        }
        all.sort_by(|a, b| a.path.cmp(b.path));
        all
    }

    /// The declarations of `packages` called `name`, whatever their namespace and case,
    /// in the order of paths, that count for the file `exclude`. A package's file
    /// counts if another file of the project leads to it. The stub of a function or
    /// constant counts if no package declares it.
    pub fn packaged<'a>(
        &'a self,
        packages: &'a Packages,
        kind: DeclKind,
        name: &str,
        exclude: &'a str,
    ) -> impl Iterator<Item = Declaration<'a>> {
        let named = packages.named(kind, name);
        let is_declared =
            kind != DeclKind::Member && named.iter().any(|entry| !packages.is_stub(entry));
        let found = named
            .iter()
            .filter(move |entry| !(is_declared && packages.is_stub(entry)));
        self.counting(packages, found, exclude)
    }

    /// Like [`packaged`](Self::packaged), for the names that start with `prefix`.
    pub fn packaged_with_prefix<'a>(
        &'a self,
        packages: &'a Packages,
        kind: DeclKind,
        prefix: &str,
        exclude: &'a str,
    ) -> impl Iterator<Item = Declaration<'a>> {
        self.counting(packages, packages.with_prefix(kind, prefix).iter(), exclude)
    }

    fn counting<'a>(
        &'a self,
        packages: &'a Packages,
        found: impl Iterator<Item = &'a DeclEntry>,
        exclude: &'a str,
    ) -> impl Iterator<Item = Declaration<'a>> {
        let counts = move |entry: &&DeclEntry| {
            let mut reasons = packages.reasons(entry);
            reasons.len() == 0 || reasons.any(|name| self.is_named(name, exclude))
        };
        let declared = found
            .filter(counts)
            .map(|entry| packages.declaration(entry));
        declared.filter(move |declared| {
            declared.path() != exclude && self.file(declared.path()).is_none()
        })
    }

    /// Whether another file than `exclude` names the class called `name`, which is in
    /// lower case.
    fn is_named(&self, name: &str, exclude: &str) -> bool {
        let mut uses = self.uses(UseKey::Name(NameKind::Class, name));
        uses.any(|user| *user.file.path != *exclude)
            || self
                .children(name)
                .iter()
                .any(|child| child.path != exclude)
    }

    /// One more than the highest file number in [`FileUse::number`].
    #[must_use]
    pub fn file_numbers(&self) -> usize {
        self.segments()
            .iter()
            .map(|live| live.segment().files().len())
            .sum()
    }

    /// The files that use `key`, in no particular order.
    pub fn uses<'a>(&'a self, key: UseKey<'_>) -> impl Iterator<Item = FileUse<'a>> + Clone {
        let mut first = 0;
        let mut lists = Vec::with_capacity(self.segments().len());
        for live in self.segments() {
            lists.push((live, first, live.segment().symbols().postings(key)));
            first += live.segment().files().len();
        }
        lists.into_iter().flat_map(|(live, first, postings)| {
            postings
                .iter()
                .filter(|p| live.is_live(p.file as usize))
                .map(move |posting| FileUse {
                    file: &live.segment().files()[posting.file as usize],
                    number: first + posting.file as usize,
                    value: posting.value,
                })
        })
    }

    /// The names that the file with this number uses, each once, folded as in
    /// [`used_name`](super::symbols::used_name).
    pub fn names_used(&self, number: usize) -> impl Iterator<Item = (NameKind, &str)> {
        let mut number = number;
        let segment = self
            .segments()
            .iter()
            .map(LiveSegment::segment)
            .find(|segment| {
                let files = segment.files().len();
                let here = number < files;
                number -= if here { 0 } else { files };
                here
            });
        segment
            .into_iter()
            .flat_map(move |segment| segment.symbols().names_used(number))
    }
}

/// How many folders one leaves and enters on the way between the files with these keys.
fn folders_between(a: &str, b: &str) -> usize {
    let folders = |key: &'_ str| key.matches('/').count();
    let shared = a.split('/').zip(b.split('/'));
    let shared = shared.take_while(|(a, b)| a == b).count();
    let shared = shared.min(folders(a)).min(folders(b));
    folders(a) + folders(b) - 2 * shared
}
