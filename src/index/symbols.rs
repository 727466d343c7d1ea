//! The symbols of a segment: which files declare a name, which classes extend it, and
//! which files use it.

mod declaration;
mod entry;
mod key;
mod stored;
mod uses;

use std::hash::Hasher;
use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

pub use self::declaration::{ClassRef, Declaration};
pub(super) use self::entry::DeclEntry;
pub use self::entry::DeclKind;
use self::key::RECEIVER_TAG;
pub use self::key::{NameKind, UseKey, used_name};
pub(super) use self::uses::Posting;
use self::uses::UseCollector;
use super::dictionary::{Dictionary, TaggedTerm};
use super::file::SourceFile;
use super::terms::name_words;

/// The symbols of a segment's files.
#[derive(Debug, Default)]
pub struct Symbols {
    /// Sorted by kind, name without regard to case, file and position.
    declared: Vec<DeclEntry>,
    /// The first declaration of each kind and name, and their number.
    by_name: HashTable<(u32, u32)>,
    /// The declarations of classes by their fully qualified names, each with the low half
    /// of the name's hash: comparing it leaves other classes unread.
    by_full_name: HashTable<(u32, u32)>,
    /// For each name of a parent class, an interface or a trait in the head of a
    /// class: the number of its key, the file and the class. Ascending.
    children: Vec<(u32, u32, u32)>,
    /// For each word in the name of a class or function, the hash of kind and word, and
    /// the position of the declaration in `declared`. Ascending.
    by_word: Vec<(u32, u32)>,
    /// The bytes of the names of all classes and functions, in the order of `declared`.
    name_lengths: Vec<u16>,
    /// For each string that may be a convention, the hash of its place, the file and the
    /// number in its `literals`. Ascending.
    literals: Vec<(u32, u32, u32)>,
    keys: Dictionary,
    /// The position of each key's first posting, then the number of postings.
    first: Vec<u32>,
    postings: Vec<Posting>,
    /// The position in `used` of each file's first name, then the number of names.
    first_used: Vec<u32>,
    /// The keys of the names that each file uses, in the order of first use.
    used: Vec<u32>,
}

/// The hash by which a declaration of this kind and name is found.
pub(super) fn hash(kind: DeclKind, name: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write_u8(kind as u8);
    for byte in name.bytes() {
        hasher.write_u8(byte.to_ascii_lowercase());
    }
    hasher.finish()
}

impl Symbols {
    /// The symbols of `files`.
    pub(super) fn build(files: &[Arc<SourceFile>]) -> Self {
        let declared = declarations(files);
        let mut uses = UseCollector::default();
        for (number, file) in (0..).zip(files) {
            uses.add_references(number, file);
            uses.add_parents(number, file);
        }
        let UseCollector {
            keys,
            uses,
            mut children,
            ..
        } = uses;
        children.sort_unstable();
        children.dedup();
        let mut symbols = Self {
            declared,
            keys,
            children,
            ..Self::default()
        };
        symbols.list_used_names(files.len(), &uses);
        symbols.sort_postings(&uses);
        symbols.hash_names(files);
        symbols.list_words(files);
        symbols.list_literals(files);
        symbols
    }

    /// The symbols of `files` of packages. They have neither the receivers nor the
    /// parents that the files name, and are not found by words or strings: nobody asks
    /// packages for these.
    pub(super) fn of_packages(files: &[Arc<SourceFile>]) -> Self {
        let mut uses = UseCollector::default();
        for (number, file) in (0..).zip(files) {
            uses.add_names(number, file);
        }
        let mut symbols = Self {
            declared: declarations(files),
            keys: uses.keys,
            ..Self::default()
        };
        symbols.sort_postings(&uses.uses);
        symbols.hash_names(files);
        symbols
    }

    /// The fully qualified names, in lower case, of the classes that a file uses or
    /// inherits from, among the files for which `is_live` holds.
    pub(super) fn classes_named(
        &self,
        is_live: impl Fn(usize) -> bool,
    ) -> impl Iterator<Item = &str> {
        let is_live = move |id: u32| {
            let range = self.first[id as usize] as usize..self.first[id as usize + 1] as usize;
            let first = self.children.partition_point(|child| child.0 < id);
            let children = self.children[first..]
                .iter()
                .take_while(move |child| child.0 == id);
            let users = self.postings[range].iter().map(|posting| posting.file);
            users
                .chain(children.map(|child| child.1))
                .any(|file| is_live(file as usize))
        };
        (0..self.keys.len() as u32).filter_map(move |id| {
            let text = self.keys.text(id);
            let is_class = text
                .as_bytes()
                .first()
                .and_then(|&tag| NameKind::of_tag(tag));
            (is_class == Some(NameKind::Class) && is_live(id)).then(|| &text[1..])
        })
    }

    /// Fills the list of the names that each file uses.
    fn list_used_names(&mut self, files: usize, uses: &[(u32, Posting)]) {
        let is_name = |id: u32| !self.keys.text(id).starts_with(char::from(RECEIVER_TAG));
        let mut at = 0;
        for file in 0..files {
            self.first_used.push(self.used.len() as u32);
            while let Some((id, _)) = uses.get(at).filter(|(_, p)| p.file as usize == file) {
                if is_name(*id) {
                    self.used.push(*id);
                }
                at += 1;
            }
        }
        self.first_used.push(self.used.len() as u32);
        self.used.shrink_to_fit();
    }

    /// Fills the hash tables of declared names.
    fn hash_names(&mut self, files: &[Arc<SourceFile>]) {
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
        let rehash = |&(_, at): &(u32, u32)| full_hash(&declared[at as usize]);
        for (at, decl) in declared.iter().enumerate() {
            if decl.kind == DeclKind::Class {
                let hash = full_hash(decl);
                by_full_name.insert_unique(hash, (hash as u32, at as u32), rehash);
            }
        }
        by_full_name.shrink_to_fit(rehash);
    }

    /// Fills the list of the words in names.
    fn list_words(&mut self, files: &[Arc<SourceFile>]) {
        for (at, decl) in (0..).zip(&self.declared) {
            if matches!(decl.kind, DeclKind::Class | DeclKind::Function) {
                let name = decl.name(files);
                name_words(name, |word| {
                    self.by_word.push((hash(decl.kind, word) as u32, at));
                });
                let length = u16::try_from(name.len());
                self.name_lengths.push(length.unwrap_or(u16::MAX));
            }
        }
        self.name_lengths.shrink_to_fit();
        self.by_word.sort_unstable();
        self.by_word.dedup();
        self.by_word.shrink_to_fit();
    }

    /// Fills the list of strings.
    fn list_literals(&mut self, files: &[Arc<SourceFile>]) {
        for (number, file) in (0..).zip(files) {
            let uses = (0..).zip(&file.facts.literals);
            self.literals
                .extend(uses.map(|(index, literal)| (literal.place, number, index)));
        }
        self.literals.sort_unstable();
        self.literals.shrink_to_fit();
    }

    /// The strings at the place with this hash, as numbers of file and literal, in the
    /// order of files.
    pub(super) fn literals_at(&self, place: u32) -> impl Iterator<Item = (usize, usize)> {
        let first = self.literals.partition_point(|literal| literal.0 < place);
        let found = self.literals[first..].iter();
        found
            .take_while(move |literal| literal.0 == place)
            .map(|&(_, file, index)| (file as usize, index as usize))
    }

    /// The declarations of `kind`, as a range of [`Self::declared`].
    pub(super) fn of_kind(&self, kind: DeclKind) -> Range<usize> {
        let first = self.declared.partition_point(|decl| decl.kind < kind);
        let count = self.declared[first..].partition_point(|decl| decl.kind == kind);
        first..first + count
    }

    /// The bytes of the names of the classes or functions at the positions `of_kind`.
    pub(super) fn name_lengths(&self, of_kind: Range<usize>) -> &[u16] {
        self.name_lengths.get(of_kind).unwrap_or_default()
    }

    /// The declaration at position `at` of the list of all.
    pub(super) fn declared_at(&self, at: usize) -> DeclEntry {
        self.declared[at]
    }

    /// The positions in `of_kind`, the range of all classes or of all functions, of the
    /// declarations whose names hold the word with the hash `word`. Words with the same
    /// hash may be among them.
    pub(super) fn with_word(
        &self,
        of_kind: Range<usize>,
        word: u32,
    ) -> impl Iterator<Item = usize> {
        let first = self.by_word.partition_point(|&(other, _)| other < word);
        let found = self.by_word[first..].iter();
        found
            .take_while(move |&&(other, _)| other == word)
            .map(|&(_, at)| at as usize)
            .filter(move |at| of_kind.contains(at))
    }

    /// The declarations of `kind` called `name`, in any case.
    pub(super) fn named(
        &self,
        kind: DeclKind,
        name: &str,
        files: &[Arc<SourceFile>],
    ) -> &[DeclEntry] {
        let same = |&(first, _): &(u32, u32)| {
            let decl = self.declared[first as usize];
            decl.kind == kind && decl.name(files).eq_ignore_ascii_case(name)
        };
        match self.by_name.find(hash(kind, name), same) {
            Some(&(first, count)) => &self.declared[first as usize..(first + count) as usize],
            None => &[],
        }
    }

    /// Sorts `uses` by key into `postings`, keeping their order within a key.
    fn sort_postings(&mut self, uses: &[(u32, Posting)]) {
        let mut next = vec![0_u32; self.keys.len() + 1];
        for (id, _) in uses {
            next[*id as usize + 1] += 1;
        }
        for id in 1..next.len() {
            next[id] += next[id - 1];
        }
        self.first.clone_from(&next);
        self.postings = vec![Posting { file: 0, value: 0 }; uses.len()];
        for &(id, posting) in uses {
            let slot = &mut next[id as usize];
            self.postings[*slot as usize] = posting;
            *slot += 1;
        }
        self.keys.shrink();
        self.declared.shrink_to_fit();
        self.children.shrink_to_fit();
    }

    /// The declarations of `kind` whose names start with `prefix`, in any case.
    pub(super) fn with_prefix(
        &self,
        kind: DeclKind,
        prefix: &str,
        files: &[Arc<SourceFile>],
    ) -> &[DeclEntry] {
        let order = |decl: &DeclEntry| {
            let start = decl.name(files).bytes().take(prefix.len());
            let start = start.map(|byte| byte.to_ascii_lowercase());
            let prefix = prefix.bytes().map(|byte| byte.to_ascii_lowercase());
            decl.kind.cmp(&kind).then_with(|| start.cmp(prefix))
        };
        let first = self.declared.partition_point(|decl| order(decl).is_lt());
        let rest = &self.declared[first..];
        &rest[..rest.partition_point(|decl| order(decl).is_eq())]
    }

    /// The classes whose fully qualified names have this [`hash`]: other names
    /// may be among them.
    pub(super) fn classes_with_hash(&self, hash: u64) -> impl Iterator<Item = DeclEntry> {
        let found = self.by_full_name.iter_hash(hash);
        let found = found.filter(move |(low, _)| *low == hash as u32);
        found.map(|&(_, at)| self.declared[at as usize])
    }

    /// The classes that name `parent` in their heads or use it as a trait, as
    /// numbers of file and class. `parent` is a fully qualified name in lower case.
    pub(super) fn children(&self, parent: &str) -> impl Iterator<Item = (usize, usize)> {
        let key = UseKey::Name(NameKind::Class, parent);
        let id = key.with_term(|term| self.keys.get_tagged(term));
        id.into_iter().flat_map(|id| {
            let start = self.children.partition_point(|child| child.0 < id);
            let children = self.children[start..].iter();
            children
                .take_while(move |child| child.0 == id)
                .map(|&(_, file, item)| (file as usize, item as usize))
        })
    }

    /// The uses of the key that dictionaries hold as `term`, in the order of files.
    pub(super) fn postings(&self, term: TaggedTerm<'_>) -> &[Posting] {
        let Some(id) = self.keys.get_tagged(term) else {
            return &[];
        };
        let id = id as usize;
        &self.postings[self.first[id] as usize..self.first[id + 1] as usize]
    }

    /// The keys of the names that a file uses, each once, in the order of first use.
    pub(super) fn keys_used(&self, file: usize) -> &[u32] {
        &self.used[self.first_used[file] as usize..self.first_used[file + 1] as usize]
    }

    /// The name with the key number `key`.
    pub(super) fn used_name(&self, key: u32) -> Option<(NameKind, &str)> {
        let text = self.keys.text(key);
        let kind = NameKind::of_tag(*text.as_bytes().first()?)?;
        Some((kind, &text[1..]))
    }

    /// Bytes of memory that the symbols take beside the files themselves.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.declared)
            + size_of_val(&*self.children)
            + size_of_val(&*self.by_word)
            + size_of_val(&*self.literals)
            + size_of_val(&*self.first)
            + size_of_val(&*self.postings)
            + self.keys.memory()
            + size_of_val(&*self.first_used)
            + size_of_val(&*self.used)
            + self.by_name.capacity() * 8 / 7 * 9
            + self.by_full_name.capacity() * 8 / 7 * 9
            + size_of_val(&*self.name_lengths)
    }
}

/// All declarations of `files`, in the order of [`Symbols::declared`].
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
