//! Who declares a name, who extends it and who uses it: what a segment knows
//! of its files beside their words.

mod declared;
mod stored;

use std::hash::Hasher;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::FxHasher;
use serde::{Deserialize, Serialize};

pub use self::declared::{ClassRef, Declaration};

use super::dictionary::Dictionary;
use super::snapshot::Snapshot;
use super::{LiveSegment, SourceFile};
use crate::php::RefKind;
use crate::php::names::Scope;

/// What a declaration declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DeclKind {
    /// A class-like with a name.
    Class,
    /// A function outside classes.
    Function,
    /// A constant outside classes.
    Constant,
    /// Any member of a class-like with a name.
    Member,
}

/// A declaration: numbers into a segment's files and their facts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct DeclEntry {
    kind: DeclKind,
    file: u32,
    /// Into `classes`, `functions` or `constants`, as the kind says.
    item: u32,
    /// Into the class's `members`, for a member.
    member: u32,
}

impl DeclEntry {
    /// The class that it is, or is a member of.
    fn class(self, files: &[Arc<SourceFile>]) -> ClassRef<'_> {
        ClassRef::of(&files[self.file as usize], self.item as usize)
    }

    fn name(self, files: &[Arc<SourceFile>]) -> &str {
        let file = &files[self.file as usize];
        let item = self.item as usize;
        let span = match self.kind {
            DeclKind::Class => file.facts.classes[item].name,
            DeclKind::Function => file.facts.functions[item].name,
            DeclKind::Constant => file.facts.constants[item].name,
            DeclKind::Member => file.facts.classes[item].members[self.member as usize].name,
        };
        last_segment(span.of(&file.text))
    }
}

/// One use of a key by a file; see [`UseKey`].
#[derive(Clone, Copy, Debug)]
struct Posting {
    file: u32,
    /// How often, or for [`UseKey::On`] which of the file's references.
    value: u32,
}

/// Under what uses are filed. Names are in lower case where PHP ignores case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseKey<'a> {
    /// Uses of a name as a kind of thing. Classes go by fully qualified name,
    /// the rest by short name.
    Name(NameKind, &'a str),
    /// Uses of members on a receiver; see [`crate::php::Reference::receiver`].
    On(&'a str),
}

/// The kinds of names that code can use, coarser than [`RefKind`]: static or
/// not, a name is the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameKind {
    /// A class-like.
    Class,
    /// A function outside classes.
    Function,
    /// A constant outside classes.
    Constant,
    /// A method.
    Method,
    /// A property.
    Property,
    /// A class constant or enum case.
    ClassConstant,
}

impl From<RefKind> for NameKind {
    fn from(kind: RefKind) -> Self {
        match kind {
            RefKind::Class => Self::Class,
            RefKind::Function => Self::Function,
            RefKind::Constant => Self::Constant,
            RefKind::Method | RefKind::StaticMethod => Self::Method,
            RefKind::Property | RefKind::StaticProperty => Self::Property,
            RefKind::ClassConstant => Self::ClassConstant,
        }
    }
}

impl NameKind {
    /// `name` as this kind of name is told apart from others: in lower case
    /// where PHP ignores case.
    #[must_use]
    pub fn fold(self, name: &str) -> String {
        match self {
            Self::Class | Self::Function | Self::Method => name.to_ascii_lowercase(),
            Self::Constant | Self::Property | Self::ClassConstant => name.to_owned(),
        }
    }

    /// Whether `name` is the name that is folded to `folded`.
    #[must_use]
    pub fn is_folded(self, name: &str, folded: &str) -> bool {
        match self {
            Self::Class | Self::Function | Self::Method => name.eq_ignore_ascii_case(folded),
            Self::Constant | Self::Property | Self::ClassConstant => name == folded,
        }
    }

    /// The kind with this tag.
    fn of_tag(tag: u8) -> Option<Self> {
        Some(match tag {
            b'c' => Self::Class,
            b'f' => Self::Function,
            b'k' => Self::Constant,
            b'm' => Self::Method,
            b'p' => Self::Property,
            b'e' => Self::ClassConstant,
            _ => return None,
        })
    }

    fn tag(self) -> char {
        match self {
            Self::Class => 'c',
            Self::Function => 'f',
            Self::Constant => 'k',
            Self::Method => 'm',
            Self::Property => 'p',
            Self::ClassConstant => 'e',
        }
    }
}

/// What begins the text of a [`UseKey::On`]; names begin with their kind's tag.
const ON_TAG: char = 'r';

impl UseKey<'_> {
    fn write(self, out: &mut String) {
        out.clear();
        match self {
            Self::Name(kind, name) => {
                out.push(kind.tag());
                out.push_str(name);
            }
            Self::On(receiver) => {
                out.push(ON_TAG);
                out.push_str(receiver);
                out[1..].make_ascii_lowercase();
            }
        }
    }
}

/// What a name used in `file` is filed under: its fully qualified name for a
/// class, its short name else, folded. `scope` is the one it is used in.
#[must_use]
pub fn used_name(kind: NameKind, written: &str, scope: &Scope<'_>) -> Option<String> {
    match kind {
        NameKind::Class => scope.class(written).map(|name| kind.fold(&name)),
        _ => Some(kind.fold(last_segment(written))),
    }
}

fn last_segment(name: &str) -> &str {
    name.rsplit('\\').next().unwrap_or(name)
}

/// The symbols of a segment's files.
#[derive(Debug, Default)]
pub struct Symbols {
    /// In the order of kind, name without regard to case, file and position.
    declared: Vec<DeclEntry>,
    /// The first declaration of each kind and name, and how many there are.
    by_name: HashTable<(u32, u32)>,
    /// The declarations of classes by their fully qualified names.
    by_full_name: HashTable<u32>,
    /// For each parent class or interface, trait or implemented interface that
    /// is named: the dictionary's number, the file and the class. Ascending.
    children: Vec<(u32, u32, u32)>,
    keys: Dictionary,
    /// Where the postings of each key start, then the number of postings.
    first: Vec<u32>,
    postings: Vec<Posting>,
    /// Where the names that each file uses start in `used`, then their number.
    first_used: Vec<u32>,
    /// The keys of the names that each file uses, in the order of first use.
    used: Vec<u32>,
}

/// The hash by which a declaration of this kind and name is found.
fn hash(kind: DeclKind, name: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write_u8(kind as u8);
    for byte in name.bytes() {
        hasher.write_u8(byte.to_ascii_lowercase());
    }
    hasher.finish()
}

impl Symbols {
    pub(super) fn build(files: &[Arc<SourceFile>]) -> Self {
        let mut symbols = Self {
            declared: declarations(files),
            ..Self::default()
        };
        let mut triples: Vec<(u32, Posting)> = Vec::new();
        // Where each key's count for the file at hand stands, or an older one.
        let mut newest: Vec<u32> = Vec::new();
        let mut key = String::new();
        for (number, file) in files.iter().enumerate() {
            let number = number as u32;
            let first = triples.len();
            let mut region = 0;
            for (index, reference) in file.facts.references.iter().enumerate() {
                let kind = NameKind::from(reference.kind);
                let at = reference.name().start;
                let regions = &file.facts.namespaces;
                while regions
                    .get(region + 1)
                    .is_some_and(|next| next.body.start <= at)
                {
                    region += 1;
                }
                let scope = Scope::of(&file.facts, &file.text, region as u16);
                let Some(name) = used_name(kind, reference.name().of(&file.text), &scope) else {
                    continue;
                };
                UseKey::Name(kind, &name).write(&mut key);
                let id = symbols.keys.intern(&key) as usize;
                newest.resize(newest.len().max(id + 1), u32::MAX);
                let known = newest[id] as usize;
                if (first..triples.len()).contains(&known) {
                    triples[known].1.value += 1;
                } else {
                    newest[id] = triples.len() as u32;
                    triples.push((
                        id as u32,
                        Posting {
                            file: number,
                            value: 1,
                        },
                    ));
                }
                let receiver = reference.receiver().of(&file.text);
                if !receiver.is_empty() {
                    UseKey::On(last_segment(receiver)).write(&mut key);
                    let id = symbols.keys.intern(&key);
                    newest.resize(newest.len().max(id as usize + 1), u32::MAX);
                    triples.push((
                        id,
                        Posting {
                            file: number,
                            value: index as u32,
                        },
                    ));
                }
            }
            for (item, class) in file.facts.classes.iter().enumerate() {
                let scope = Scope::of(&file.facts, &file.text, class.namespace);
                for parent in class
                    .extends
                    .iter()
                    .chain(&class.implements)
                    .chain(&class.traits)
                {
                    let parent = used_name(NameKind::Class, parent.of(&file.text), &scope);
                    if let Some(parent) = parent {
                        UseKey::Name(NameKind::Class, &parent).write(&mut key);
                        let id = symbols.keys.intern(&key);
                        symbols.children.push((id, number, item as u32));
                    }
                }
            }
        }
        symbols.children.sort_unstable();
        symbols.children.dedup();
        symbols.file_used(files.len(), &triples);
        symbols.file_postings(&triples);
        symbols.file_names(files);
        symbols
    }

    /// Notes which names each file uses.
    fn file_used(&mut self, files: usize, triples: &[(u32, Posting)]) {
        let is_name = |id: u32| !self.keys.text(id).starts_with(ON_TAG);
        let mut at = 0;
        for file in 0..files {
            self.first_used.push(self.used.len() as u32);
            while let Some((id, _)) = triples.get(at).filter(|(_, p)| p.file as usize == file) {
                if is_name(*id) {
                    self.used.push(*id);
                }
                at += 1;
            }
        }
        self.first_used.push(self.used.len() as u32);
        self.used.shrink_to_fit();
    }

    /// Makes every declared name findable by its hash.
    fn file_names(&mut self, files: &[Arc<SourceFile>]) {
        let Self {
            declared,
            by_name,
            by_full_name,
            ..
        } = self;
        let key = |decl: &DeclEntry| (decl.kind, decl.name(files));
        let rehash = |&(first, _): &(u32, u32)| {
            let (kind, name) = key(&declared[first as usize]);
            hash(kind, name)
        };
        let same = |a: &DeclEntry, b: &DeclEntry| {
            let ((kind, name), (other_kind, other)) = (key(a), key(b));
            kind == other_kind && name.eq_ignore_ascii_case(other)
        };
        let mut first = 0;
        for group in declared.chunk_by(same) {
            let (kind, name) = key(&group[0]);
            by_name.insert_unique(hash(kind, name), (first, group.len() as u32), rehash);
            first += group.len() as u32;
        }
        by_name.shrink_to_fit(rehash);
        let full_hash = |decl: &DeclEntry| hash(decl.kind, &decl.class(files).name());
        let rehash = |&at: &u32| full_hash(&declared[at as usize]);
        for (at, decl) in declared.iter().enumerate() {
            if decl.kind == DeclKind::Class {
                by_full_name.insert_unique(full_hash(decl), at as u32, rehash);
            }
        }
        by_full_name.shrink_to_fit(rehash);
    }

    /// The declarations of `kind` called `name`.
    fn named(&self, kind: DeclKind, name: &str, files: &[Arc<SourceFile>]) -> &[DeclEntry] {
        let same = |&(first, _): &(u32, u32)| {
            let decl = self.declared[first as usize];
            decl.kind == kind && decl.name(files).eq_ignore_ascii_case(name)
        };
        match self.by_name.find(hash(kind, name), same) {
            Some(&(first, count)) => &self.declared[first as usize..(first + count) as usize],
            None => &[],
        }
    }

    /// Sorts `triples` by key into `postings`, keeping their order within a key.
    fn file_postings(&mut self, triples: &[(u32, Posting)]) {
        let mut next = vec![0_u32; self.keys.len() + 1];
        for (id, _) in triples {
            next[*id as usize + 1] += 1;
        }
        for id in 1..next.len() {
            next[id] += next[id - 1];
        }
        self.first.clone_from(&next);
        self.postings = vec![Posting { file: 0, value: 0 }; triples.len()];
        for &(id, posting) in triples {
            let slot = &mut next[id as usize];
            self.postings[*slot as usize] = posting;
            *slot += 1;
        }
        self.keys.shrink();
        self.declared.shrink_to_fit();
        self.children.shrink_to_fit();
    }

    fn key(&self, key: UseKey<'_>) -> Option<u32> {
        let mut text = String::new();
        key.write(&mut text);
        self.keys.get(&text)
    }

    fn postings(&self, key: UseKey<'_>) -> &[Posting] {
        let Some(id) = self.key(key) else { return &[] };
        let id = id as usize;
        &self.postings[self.first[id] as usize..self.first[id + 1] as usize]
    }

    /// Bytes of memory beside the files themselves.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.declared)
            + size_of_val(&*self.children)
            + size_of_val(&*self.first)
            + size_of_val(&*self.postings)
            + self.keys.memory()
            + size_of_val(&*self.first_used)
            + size_of_val(&*self.used)
            + self.by_name.capacity() * 8 / 7 * 9
            + self.by_full_name.capacity() * 8 / 7 * 5
    }
}

/// Every declaration of `files`, sorted as [`Symbols::declared`] wants it.
fn declarations(files: &[Arc<SourceFile>]) -> Vec<DeclEntry> {
    let mut found = Vec::new();
    for (file, source) in files.iter().enumerate() {
        let file = file as u32;
        let mut add = |kind, item: usize, member: usize| {
            found.push(DeclEntry {
                kind,
                file,
                item: item as u32,
                member: member as u32,
            });
        };
        for (item, class) in source.facts.classes.iter().enumerate() {
            if class.name.is_empty() {
                continue;
            }
            add(DeclKind::Class, item, 0);
            for member in 0..class.members.len() {
                add(DeclKind::Member, item, member);
            }
        }
        for item in 0..source.facts.functions.len() {
            add(DeclKind::Function, item, 0);
        }
        for item in 0..source.facts.constants.len() {
            add(DeclKind::Constant, item, 0);
        }
    }
    found.sort_by_cached_key(|decl| (decl.kind, decl.name(files).to_ascii_lowercase()));
    found
}

fn found<'a>(live: &'a LiveSegment, decl: DeclEntry) -> Option<Declaration<'a>> {
    let number = decl.file as usize;
    if !live.is_live(number) {
        return None;
    }
    let file = &live.segment().files()[number];
    let item = decl.item as usize;
    Some(match decl.kind {
        DeclKind::Class => Declaration::Class(ClassRef::of(file, item)),
        DeclKind::Function => Declaration::Function(file, item),
        DeclKind::Constant => Declaration::Constant(file, item),
        DeclKind::Member => Declaration::Member(ClassRef::of(file, item), decl.member as usize),
    })
}

/// A file's uses of a key.
#[derive(Clone, Copy, Debug)]
pub struct FileUse<'a> {
    /// The file.
    pub file: &'a Arc<SourceFile>,
    /// The file's number in the snapshot, below [`Snapshot::file_numbers`].
    pub number: usize,
    /// How often it uses the name, or for [`UseKey::On`] which of the file's references it is.
    pub value: u32,
}

impl Snapshot {
    /// Every declaration called `name`, whatever its namespace and case, in
    /// the order of paths and positions.
    #[must_use]
    pub fn declared(&self, kind: DeclKind, name: &str) -> Vec<Declaration<'_>> {
        self.declarations(|symbols, files| symbols.named(kind, name, files))
    }

    /// Like [`declared`](Self::declared) if no more than `most` declarations,
    /// of which some may be of files that are gone, are called `name`; else none.
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
        self.declarations(|symbols, files| {
            let order = |decl: &DeclEntry| {
                let name = decl.name(files);
                let start = &name.as_bytes()[..name.len().min(prefix.len())];
                let folded = |bytes: &[u8]| bytes.to_ascii_lowercase();
                decl.kind
                    .cmp(&kind)
                    .then_with(|| folded(start).cmp(&folded(prefix.as_bytes())))
            };
            let first = symbols.declared.partition_point(|decl| order(decl).is_lt());
            let rest = &symbols.declared[first..];
            &rest[..rest.partition_point(|decl| order(decl).is_eq())]
        })
    }

    /// The live ones among what `find` finds in each segment, in the order of paths.
    fn declarations<'a>(
        &'a self,
        find: impl Fn(&'a Symbols, &'a [Arc<SourceFile>]) -> &'a [DeclEntry],
    ) -> Vec<Declaration<'a>> {
        let segments = self.segments().iter().map(LiveSegment::segment);
        self.in_order(segments.map(|segment| find(segment.symbols(), segment.files())))
    }

    /// The live ones among the declarations of each segment, in the order of paths.
    fn in_order<'a>(
        &'a self,
        decls: impl IntoIterator<Item = &'a [DeclEntry]>,
    ) -> Vec<Declaration<'a>> {
        let mut all = Vec::new();
        for (live, here) in self.segments().iter().zip(decls) {
            all.extend(here.iter().filter_map(|&decl| found(live, decl)));
        }
        // Within a segment and a name files are in order already.
        if all.len() > 1 {
            all.sort_by(|a: &Declaration<'_>, b| a.path().cmp(b.path()));
        }
        all
    }

    /// The class-like with the fully qualified name `name`, in any case,
    /// declared outside the file `exclude`. Of several the first by path.
    #[must_use]
    pub fn class(&self, name: &str, exclude: &str) -> Option<ClassRef<'_>> {
        let hash = hash(DeclKind::Class, name);
        let mut first: Option<ClassRef<'_>> = None;
        for live in self.segments() {
            let segment = live.segment();
            let symbols = segment.symbols();
            for &at in symbols.by_full_name.iter_hash(hash) {
                let decl = symbols.declared[at as usize];
                let class = decl.class(segment.files());
                let is_earlier =
                    first.is_none_or(|first| (class.path, class.item) < (first.path, first.item));
                if is_earlier
                    && class.path != exclude
                    && live.is_live(decl.file as usize)
                    && class.is_called(name)
                {
                    first = Some(class);
                }
            }
        }
        first
    }

    /// Classes that extend, implement or use the class-like with the fully
    /// qualified name `parent`, in the order of paths.
    #[must_use]
    pub fn children(&self, parent: &str) -> Vec<ClassRef<'_>> {
        let mut all = Vec::new();
        let parent = NameKind::Class.fold(parent);
        for live in self.segments() {
            let symbols = live.segment().symbols();
            let Some(id) = symbols.key(UseKey::Name(NameKind::Class, &parent)) else {
                continue;
            };
            let start = symbols.children.partition_point(|child| child.0 < id);
            for &(_, file, item) in symbols.children[start..].iter().take_while(|c| c.0 == id) {
                if live.is_live(file as usize) {
                    let file = &live.segment().files()[file as usize];
                    all.push(ClassRef::of(file, item as usize));
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

    /// Who uses `key`, in no order that means anything.
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
    /// [`used_name`].
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
        segment.into_iter().flat_map(move |segment| {
            let symbols = segment.symbols();
            let range =
                symbols.first_used[number] as usize..symbols.first_used[number + 1] as usize;
            symbols.used[range].iter().filter_map(|&id| {
                let text = symbols.keys.text(id);
                Some((NameKind::of_tag(*text.as_bytes().first()?)?, &text[1..]))
            })
        })
    }
}
