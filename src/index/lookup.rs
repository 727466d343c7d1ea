//! Names looked up in a snapshot: their declarations, subclasses and uses.

use std::ops::Range;
use std::sync::Arc;

use super::file::SourceFile;
use super::live::LiveSegment;
use super::snapshot::Snapshot;
use super::symbols::{
    ClassRef, DeclEntry, DeclKind, Declaration, NameKind, Posting, Symbols, UseKey, hash,
};

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

/// The declarations of one kind, numbered from 0 on. Those of dead files have numbers,
/// too.
#[derive(Debug)]
pub struct NumberedDeclarations<'a> {
    kind: DeclKind,
    /// Each segment, with the range of these declarations among all of it.
    segments: Vec<(&'a LiveSegment, Range<usize>)>,
}

impl<'a> NumberedDeclarations<'a> {
    /// How many numbers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.segments.iter().map(|(_, range)| range.len()).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The declaration with this number; `None` if its file is dead.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<Declaration<'a>> {
        let mut number = number;
        for (live, range) in &self.segments {
            if number < range.len() {
                let segment = live.segment();
                let entry = segment.symbols().declared_at(range.start + number);
                let is_live = live.is_live(entry.file as usize);
                return is_live.then(|| entry.declaration(segment.files()));
            }
            number -= range.len();
        }
        None
    }

    /// The bytes of the name of the class or function with this number; 0 for other kinds.
    /// Longer names than [`u16::MAX`] count as that.
    #[must_use]
    pub fn name_length(&self, number: usize) -> u16 {
        let mut number = number;
        for (live, range) in &self.segments {
            if number < range.len() {
                let lengths = live.segment().symbols().name_lengths(range.clone());
                return lengths.get(number).copied().unwrap_or(0);
            }
            number -= range.len();
        }
        0
    }

    /// Writes the numbers of those whose names hold the word `word` in lower case into
    /// `numbers`; none if there are more than `most`. Dead files count for `most` only.
    /// Only classes and functions are found by words.
    pub fn with_word(&self, most: usize, word: &str, numbers: &mut Vec<usize>) {
        numbers.clear();
        let word = hash(self.kind, word) as u32;
        let (mut first, mut count) = (0, 0);
        for (live, range) in &self.segments {
            let symbols = live.segment().symbols();
            for at in symbols.with_word(range.clone(), word) {
                count += 1;
                if count > most {
                    numbers.clear();
                    return;
                }
                if live.is_live(symbols.declared_at(at).file as usize) {
                    numbers.push(first + at - range.start);
                }
            }
            first += range.len();
        }
    }
}

/// A name that a file uses.
#[derive(Clone, Copy, Debug)]
pub struct UsedName<'a> {
    symbols: &'a Symbols,
    segment: u32,
    key: u32,
}

/// What tells a [`UsedName`] from other names that files of the same segment use. One
/// name has another id in each segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UsedNameId(u64);

impl<'a> UsedName<'a> {
    /// Its id, which is known without a look at its text.
    #[must_use]
    pub fn id(&self) -> UsedNameId {
        UsedNameId(u64::from(self.segment) << 32 | u64::from(self.key))
    }

    /// The name, folded as in [`used_name`](super::symbols::used_name).
    #[must_use]
    pub fn name(&self) -> Option<(NameKind, &'a str)> {
        self.symbols.used_name(self.key)
    }
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
        segments.map(|s| s.symbols().of_kind(kind).len()).sum()
    }

    /// All declarations of `kind`, by number.
    #[must_use]
    pub fn numbered(&self, kind: DeclKind) -> NumberedDeclarations<'_> {
        let of_segment = |live| (live, LiveSegment::segment(live).symbols().of_kind(kind));
        NumberedDeclarations {
            kind,
            segments: self.segments().iter().map(of_segment).collect(),
        }
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
                let is_it = class.path != exclude
                    && live.is_live(decl.file as usize)
                    && class.is_called(name);
                let is_nearer = |nearest: ClassRef<'_>| {
                    (rank(&class), class.path, class.item)
                        < (rank(&nearest), nearest.path, nearest.item)
                };
                if is_it && nearest.is_none_or(is_nearer) {
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
        key.with_term(|term| {
            for live in self.segments() {
                let postings = live.segment().symbols().postings(term);
                if !postings.is_empty() {
                    lists.push((live, first, postings));
                }
                first += live.segment().files().len();
            }
        });
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

    /// The number of files that use `key`.
    #[must_use]
    pub fn users(&self, key: UseKey<'_>) -> usize {
        self.sum_of_uses(key, |postings| postings.len(), |_| 1)
    }

    /// How often the files use the name with the key `key`, all together.
    #[must_use]
    pub fn use_count(&self, key: UseKey<'_>) -> usize {
        let value = |posting: &Posting| posting.value as usize;
        self.sum_of_uses(key, |postings| postings.iter().map(value).sum(), value)
    }

    /// Adds up the uses of `key`: `of_all` gives the sum of several, `of_one` the
    /// number that one counts.
    fn sum_of_uses(
        &self,
        key: UseKey<'_>,
        of_all: impl Fn(&[Posting]) -> usize,
        of_one: impl Fn(&Posting) -> usize,
    ) -> usize {
        key.with_term(|term| {
            let of_segment = |live: &LiveSegment| {
                let postings = live.segment().symbols().postings(term);
                if live.is_whole() {
                    return of_all(postings);
                }
                let alive = postings.iter().filter(|p| live.is_live(p.file as usize));
                alive.map(&of_one).sum()
            };
            self.segments().iter().map(of_segment).sum()
        })
    }

    /// The number of those of `files` that use the name with the key `key`. The files
    /// are live, and given by their ascending numbers.
    #[must_use]
    pub fn users_among(&self, key: UseKey<'_>, files: &[usize]) -> usize {
        let (Some(&least), Some(&most)) = (files.first(), files.last()) else {
            return 0;
        };
        key.with_term(|term| {
            let (mut first, mut count) = (0, 0);
            for live in self.segments() {
                let len = live.segment().files().len();
                if least < first + len && first <= most {
                    let users = live.segment().symbols().postings(term);
                    let begin = users.partition_point(|p| first + (p.file as usize) < least);
                    let users = users[begin..].iter().map(|p| first + p.file as usize);
                    let near = users.take_while(|number| *number <= most);
                    count += near.filter(|at| files.binary_search(at).is_ok()).count();
                }
                first += len;
            }
            count
        })
    }

    /// The names that the file with this number uses, each once.
    pub fn names_used(&self, number: usize) -> impl Iterator<Item = UsedName<'_>> {
        let mut number = number;
        let mut segments = (0..).zip(self.segments().iter().map(LiveSegment::segment));
        let segment = segments.find(|(_, segment)| {
            let files = segment.files().len();
            let here = number < files;
            number -= if here { 0 } else { files };
            here
        });
        segment.into_iter().flat_map(move |(at, segment)| {
            let symbols = segment.symbols();
            let keys = symbols.keys_used(number).iter();
            keys.map(move |&key| UsedName {
                symbols,
                segment: at,
                key,
            })
        })
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
