//! Files of installed packages, with what they declare.

use std::cmp::Ordering;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::file::SourceFile;
use super::live::weight;
use super::symbols::{ClassRef, DeclEntry, DeclKind, Declaration, NameKind, Symbols, UseKey, hash};

/// A file of a package, and why it counts.
#[derive(Clone, Debug)]
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
///
/// They stand in immutable parts, so that a class that the project names from now on
/// costs the files that it leads to, and not all of them.
#[derive(Debug, Default)]
pub struct Packages {
    /// The largest first.
    parts: Vec<CountedPart>,
    has_stubs: bool,
    /// The names of the classes that the project names, fully qualified and in lower
    /// case.
    names: Arc<[Box<str>]>,
}

/// Some files in the order of keys, with what they declare and use.
#[derive(Debug)]
struct PackagePart {
    files: Vec<Arc<SourceFile>>,
    symbols: Symbols,
}

/// A part, and which of its files count.
#[derive(Debug)]
struct CountedPart {
    part: Arc<PackagePart>,
    /// Why each file counts; `None` if it does not count any more.
    reasons: Vec<Option<Reasons>>,
    /// The size of the files that count, and of the others, as the index's merge policy
    /// has it.
    bytes: usize,
    dead_bytes: usize,
}

/// Why a file counts; see [`PackageFile`].
#[derive(Debug)]
struct Reasons {
    classes: Vec<u32>,
    is_stub: bool,
}

/// A declaration in a package.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packaged<'a> {
    pub(super) declaration: Declaration<'a>,
    /// Whether it stands in a stub.
    pub(super) is_stub: bool,
    /// The number of its part.
    part: usize,
    entry: DeclEntry,
    reasons: &'a [u32],
    names: &'a [Box<str>],
}

impl<'a> Packaged<'a> {
    /// The names of the classes that lead to its file; none if the packages load it in
    /// any case.
    pub(super) fn reasons(&self) -> impl ExactSizeIterator<Item = &'a str> {
        let names = self.names;
        self.reasons.iter().map(|&name| &*names[name as usize])
    }

    /// The number of its part, and that of its file there.
    pub(super) fn place(&self) -> (usize, usize) {
        (self.part, self.entry.file as usize)
    }

    /// By path, then by position.
    fn in_order(a: &Self, b: &Self) -> Ordering {
        let place = |found: &Self| (found.entry.item, found.entry.member);
        let paths = a.declaration.path().cmp(b.declaration.path());
        paths.then_with(|| place(a).cmp(&place(b)))
    }
}

impl From<PackageFile> for Reasons {
    fn from(file: PackageFile) -> Self {
        Self {
            classes: file.reasons,
            is_stub: file.is_stub,
        }
    }
}

impl CountedPart {
    /// The files of `part`, each of which counts if `reasons` has an entry for it.
    fn new(part: Arc<PackagePart>, reasons: Vec<Option<Reasons>>) -> Self {
        let (mut bytes, mut dead_bytes) = (0, 0);
        for (file, reasons) in part.files.iter().zip(&reasons) {
            match reasons {
                Some(_) => bytes += weight(file),
                None => dead_bytes += weight(file),
            }
        }
        Self {
            part,
            reasons,
            bytes,
            dead_bytes,
        }
    }

    /// The files that count.
    fn into_files(self) -> impl Iterator<Item = PackageFile> {
        let Self { part, reasons, .. } = self;
        let reasons = reasons.into_iter().enumerate();
        reasons.filter_map(move |(at, reasons)| {
            let file = Arc::clone(&part.files[at]);
            reasons.map(|Reasons { classes, is_stub }| PackageFile {
                file,
                reasons: classes,
                is_stub,
            })
        })
    }

    /// Whether the file of `entry` counts, and is a stub or is none.
    fn counts_as(&self, entry: &DeclEntry, is_stub: bool) -> bool {
        let reasons = self.reasons[entry.file as usize].as_ref();
        reasons.is_some_and(|reasons| reasons.is_stub == is_stub)
    }
}

impl Packages {
    /// The packages' `files`, each once, that the classes called `names` lead to. What
    /// is known of the same files from `before` is used again.
    #[must_use]
    pub fn new(names: Arc<[Box<str>]>, files: Vec<PackageFile>, before: Option<&Self>) -> Self {
        let mut files: FxHashMap<Arc<str>, PackageFile> = files
            .into_iter()
            .map(|file| (Arc::clone(&file.file.path), file))
            .collect();
        let mut reasons_of = |known: &Arc<SourceFile>| {
            let is_same = |file: &PackageFile| Arc::ptr_eq(&file.file, known);
            let same = files.get(&known.path).is_some_and(is_same);
            same.then(|| files.remove(&known.path)).flatten()
        };
        let mut parts: Vec<CountedPart> = Vec::new();
        for CountedPart { part, .. } in before.into_iter().flat_map(|before| &before.parts) {
            let reasons = part.files.iter();
            let reasons = reasons.map(|file| reasons_of(file).map(Reasons::from));
            parts.push(CountedPart::new(Arc::clone(part), reasons.collect()));
        }
        let mut new: Vec<PackageFile> = files.into_values().collect();
        let mut bytes: usize = new.iter().map(|file| weight(&file.file)).sum();
        // As in a snapshot: sizes grow geometrically, and a part with many files that do
        // not count is built again.
        parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
        let (kept, outdated): (Vec<_>, Vec<_>) = parts
            .into_iter()
            .partition(|part| part.dead_bytes <= part.bytes / 2);
        parts = kept;
        for part in outdated {
            bytes += part.bytes;
            new.extend(part.into_files());
        }
        while let Some(small) = parts.pop_if(|part| part.bytes <= 2 * bytes) {
            bytes += small.bytes;
            new.extend(small.into_files());
        }
        new.sort_unstable_by(|a, b| a.file.path.cmp(&b.file.path));
        if !new.is_empty() {
            let new = new.into_iter();
            let new = new.map(|file| (Arc::clone(&file.file), Some(Reasons::from(file))));
            let (files, reasons): (Vec<_>, Vec<_>) = new.unzip();
            let symbols = Symbols::of_packages(&files);
            let part = Arc::new(PackagePart { files, symbols });
            parts.push(CountedPart::new(part, reasons));
        }
        let mut reasons = parts.iter().flat_map(|part| part.reasons.iter().flatten());
        let has_stubs = reasons.any(|reasons| reasons.is_stub);
        Self {
            parts,
            has_stubs,
            names,
        }
    }

    /// The files that count, in no particular order.
    pub fn files(&self) -> impl Iterator<Item = &Arc<SourceFile>> {
        self.parts.iter().flat_map(|part| {
            let files = part.part.files.iter().zip(&part.reasons);
            files.filter_map(|(file, reasons)| reasons.is_some().then_some(file))
        })
    }

    /// The number of files of each part, those that do not count included.
    pub(super) fn part_lengths(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().map(|part| part.part.files.len())
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
        self.has_stubs
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
        let hash = hash(DeclKind::Class, name);
        let classes = self.parts.iter().flat_map(|counted| {
            let entries = counted.part.symbols.classes_with_hash(hash);
            let entries = entries.filter(move |entry| counted.counts_as(entry, of_stub));
            entries.map(|entry| entry.class(&counted.part.files))
        });
        let classes = classes.filter(|class| class.is_called(name));
        classes.min_by_key(|class| (class.path, class.item))
    }

    /// The declarations of `kind` called `name`, whatever their namespace and case, in
    /// the order of paths.
    pub(super) fn named(&self, kind: DeclKind, name: &str) -> Vec<Packaged<'_>> {
        let mut found = self.declared(|part| part.symbols.named(kind, name, &part.files));
        if self.parts.len() > 1 {
            found.sort_unstable_by(Packaged::in_order);
        }
        found
    }

    /// The declarations of `kind` whose names start with `prefix`, in any case, in the
    /// order of names, then of paths.
    pub(super) fn with_prefix(&self, kind: DeclKind, prefix: &str) -> Vec<Packaged<'_>> {
        let mut found = self.declared(|part| part.symbols.with_prefix(kind, prefix, &part.files));
        if self.parts.len() > 1 {
            let name = |found: &Packaged<'_>| found.declaration.short_name().to_ascii_lowercase();
            found.sort_by(Packaged::in_order);
            found.sort_by_cached_key(name);
        }
        found
    }

    /// The declarations that count among those that `find` gives for each part.
    fn declared<'a>(
        &'a self,
        find: impl Fn(&'a PackagePart) -> &'a [DeclEntry],
    ) -> Vec<Packaged<'a>> {
        let mut all = Vec::new();
        for (number, counted) in self.parts.iter().enumerate() {
            let part = &*counted.part;
            all.extend(find(part).iter().filter_map(|&entry| {
                let reasons = counted.reasons[entry.file as usize].as_ref()?;
                Some(Packaged {
                    declaration: entry.declaration(&part.files),
                    is_stub: reasons.is_stub,
                    part: number,
                    entry,
                    reasons: &reasons.classes,
                    names: &self.names,
                })
            }));
        }
        all
    }

    /// How many of the files use the name, which is folded.
    #[must_use]
    pub fn users(&self, kind: NameKind, name: &str) -> usize {
        UseKey::Name(kind, name).with_term(|term| {
            let of_part = |counted: &CountedPart| {
                let users = counted.part.symbols.postings(term);
                if counted.dead_bytes == 0 {
                    return users.len();
                }
                let users = users.iter();
                users
                    .filter(|user| counted.reasons[user.file as usize].is_some())
                    .count()
            };
            self.parts.iter().map(of_part).sum()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::php;

    fn file(path: &str, text: &str) -> Arc<SourceFile> {
        Arc::new(SourceFile::new(
            path.into(),
            text.into(),
            false,
            php::facts(text),
        ))
    }

    /// The files with these numbers, each for the reason with its number.
    fn chosen(files: &[Arc<SourceFile>], numbers: &[u32]) -> Vec<PackageFile> {
        let chosen = numbers.iter().map(|&number| PackageFile {
            file: Arc::clone(&files[number as usize]),
            reasons: vec![number],
            is_stub: number.is_multiple_of(11),
        });
        chosen.collect()
    }

    /// All that can be asked of packages.
    fn answers(packages: &Packages) -> String {
        let mut paths: Vec<&str> = packages.files().map(|file| &*file.path).collect();
        paths.sort_unstable();
        let mut all = vec![format!("{paths:?}")];
        for kind in [DeclKind::Class, DeclKind::Function, DeclKind::Member] {
            let told = |found: Packaged<'_>| {
                let reasons: Vec<&str> = found.reasons().collect();
                let Packaged { declaration, .. } = found;
                let (path, name) = (declaration.path(), declaration.short_name());
                format!("{path} {name} {reasons:?}")
            };
            for name in ["Made", "helper", "run"] {
                let named: Vec<_> = packages.named(kind, name).into_iter().map(told).collect();
                all.push(format!("{named:?}"));
            }
            let every: Vec<_> = packages
                .with_prefix(kind, "")
                .into_iter()
                .map(told)
                .collect();
            all.push(format!("{every:?}"));
        }
        let class = packages.class("N\\Made").map(|class| class.path);
        let stub = packages.stub("N\\Made").map(|class| class.path);
        let users = packages.users(NameKind::Method, "run");
        let has_stubs = packages.has_stubs();
        all.push(format!("{class:?} {stub:?} {has_stubs} {users}"));
        all.join("\n")
    }

    #[test]
    fn packages_answer_like_those_that_are_made_at_once() {
        let code = |number: u32| {
            let call = "$x->run();\n".repeat(1 + number as usize % 3);
            let class = if number.is_multiple_of(4) {
                "Made"
            } else {
                "Other"
            };
            format!(
                "<?php namespace N; class {class} {{ function run() {{}} }}\n\
                 function helper{number}() {{ {call} }} function helper() {{}}"
            )
        };
        let files: Vec<_> = (0..40)
            .map(|number| {
                file(
                    &format!("v/{}.php", number % 7 * 100 + number),
                    &code(number),
                )
            })
            .collect();
        let names: Arc<[Box<str>]> = (0..40).map(|number| format!("n{number}").into()).collect();
        let mut packages = Packages::new(Arc::clone(&names), chosen(&files, &[0, 5, 9]), None);
        let mut most_parts = 0;
        for step in 0..60_u32 {
            let wanted: Vec<u32> = (0..40)
                .filter(|number| (number * 7 + step / 3) % 5 < 3 || *number < step / 2)
                .collect();
            packages = Packages::new(Arc::clone(&names), chosen(&files, &wanted), Some(&packages));
            let made = Packages::new(Arc::clone(&names), chosen(&files, &wanted), None);
            assert_eq!(answers(&packages), answers(&made), "step {step}");
            most_parts = most_parts.max(packages.parts.len());
        }
        assert!((2..6).contains(&most_parts), "{most_parts} parts");
    }

    #[test]
    fn files_that_are_known_are_not_read_again() {
        let files: Vec<_> = (0..50)
            .map(|number| file(&format!("v/{number}.php"), "<?php class A {}"))
            .collect();
        let names: Arc<[Box<str>]> = (0..50).map(|number| format!("n{number}").into()).collect();
        let numbers: Vec<u32> = (0..49).collect();
        let first = Packages::new(Arc::clone(&names), chosen(&files, &numbers), None);
        let numbers: Vec<u32> = (0..50).collect();
        let next = Packages::new(names, chosen(&files, &numbers), Some(&first));
        let part = |packages: &Packages, at: usize| Arc::clone(&packages.parts[at].part);
        assert!(Arc::ptr_eq(&part(&first, 0), &part(&next, 0)));
        assert_eq!(part(&next, 1).files.len(), 1);
    }
}
