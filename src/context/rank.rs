//! Which names are likely to be written next: a mixture of what the receiver's
//! type offers, what is used on receivers of that name, what similar chunks
//! and similar files use, and what the variables in reach offer. Each source
//! is a distribution over names; a candidate's score is its probability.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::Signal;
use super::buffer::Buffer;
use super::included::included;
use super::members::is_visible;
use super::offers::name_kind;
use super::pack::Piece;
use super::site::Site;
use super::types::{Type, Types};
use crate::cancel::{Cancel, Cancelled};
use crate::index::symbols::{ClassRef, DeclKind, Declaration, NameKind, UseKey, used_name};
use crate::index::{Hit, Snapshot, SourceFile};
use crate::php::names::Scope;
use crate::php::{ImportKind, MemberKind, Reference, Visibility};

/// How many similar files are asked for the names that they use.
const SIMILAR_FILES: usize = 24;
/// How many references around the cursor are asked which files are similar.
const NEAR_NAMES: usize = 100;
/// A name that more than one in this many files use tells nothing of any file.
const COMMON_NAME: usize = 4;
/// Names that more files use than this are passed over too: they say little and
/// cost most.
const MAX_USERS: usize = 300;
/// How much more a file counts that declares a class with the same parent.
const SIBLING: f32 = 1.5;
/// How many classes of the same parent are looked at.
const MAX_SIBLINGS: usize = 64;
/// The share of names that go on from what is typed, beside all other signals.
const TYPED_SHARE: f32 = 0.5;
/// How many declarations of a kind may go on from what is typed.
const MAX_GOING_ON: usize = 4000;
/// A name that the buffer holds already is in the model's sight without us.
const KNOWN_NAME: f32 = 0.3;

/// A name of a kind, folded (see [`NameKind::fold`]); a class by its full name.
pub(super) type Name<'a> = (NameKind, Cow<'a, str>);

/// Weights of names; a distribution once normalised.
#[derive(Debug, Default)]
pub(super) struct Names<'a>(FxHashMap<Name<'a>, f32>);

impl<'a> Names<'a> {
    fn add(&mut self, kind: NameKind, name: impl Into<Cow<'a, str>>, weight: f32) {
        *self.0.entry((kind, name.into())).or_default() += weight;
    }

    /// The `count` names of most weight in its order, then in that of names.
    fn best(self, count: usize) -> Vec<(Name<'a>, f32)> {
        let order = |a: &(Name<'a>, f32), b: &(Name<'a>, f32)| {
            b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0))
        };
        let mut all: Vec<(Name<'a>, f32)> = self.0.into_iter().collect();
        if all.len() > count {
            all.select_nth_unstable_by(count, order);
            all.truncate(count);
        }
        all.sort_unstable_by(order);
        all
    }

    /// Adds `other`, scaled so that its weights sum to `share`.
    fn mix(&mut self, other: Self, share: f32) {
        // Summed in the order of size: the same whatever order they came in.
        let mut weights: Vec<f32> = other.0.values().copied().collect();
        weights.sort_unstable_by(f32::total_cmp);
        let sum: f32 = weights.iter().sum();
        if sum <= 0.0 || share <= 0.0 {
            return;
        }
        #[expect(clippy::iter_over_hash_type, reason = "each key is added to once")]
        for ((kind, name), weight) in other.0 {
            self.add(kind, name, share * weight / sum);
        }
    }
}

/// How much each kind of name counts at a site.
fn kind_weight(site: Site, kind: NameKind) -> f32 {
    match (site, kind) {
        (
            Site::Member {
                is_static: false, ..
            },
            NameKind::Method | NameKind::Property,
        ) => 1.0,
        (
            Site::Member {
                is_static: true, ..
            },
            NameKind::Method | NameKind::ClassConstant,
        ) => 1.0,
        (
            Site::Member {
                is_static: true, ..
            },
            NameKind::Property,
        ) => 0.5,
        (Site::Class, NameKind::Class) => 1.0,
        (Site::Method, NameKind::Method) => 1.0,
        (
            Site::Expression | Site::Text,
            NameKind::Function | NameKind::Class | NameKind::Constant,
        ) => 1.0,
        (Site::Expression | Site::Text, NameKind::Method) => 0.3,
        (Site::Expression | Site::Text, NameKind::Property | NameKind::ClassConstant) => 0.15,
        _ => 0.0,
    }
}

/// How much each class, by its folded full name, matters at the cursor.
pub(super) type Relevance<'a> = FxHashMap<Cow<'a, str>, f32>;

/// A member that a type has, declared or not.
struct Offered<'a> {
    owner: ClassRef<'a>,
    kind: NameKind,
    name: &'a str,
    visibility: Visibility,
    is_static: bool,
    piece: Piece<'a>,
}

/// What is known about the place when names are ranked.
pub(super) struct Ranker<'a> {
    pub(super) buffer: &'a Buffer<'a>,
    pub(super) snapshot: &'a Snapshot,
    pub(super) types: Types<'a>,
    pub(super) site: Site,
    /// What must not be learnt from.
    pub(super) without: &'a [Signal],
    pub(super) cancel: &'a Cancel,
}

/// The ranking's result.
pub(super) struct Ranking<'a> {
    /// Likely names, likeliest first.
    pub(super) names: Vec<(Name<'a>, f32)>,
    /// For members, the declarations that types point to.
    pub(super) typed: FxHashMap<Name<'a>, Piece<'a>>,
    /// How much each class (by folded full name) matters here.
    pub(super) classes: Relevance<'a>,
}

impl<'a> Ranker<'a> {
    /// The `count` likeliest names, by everything but the lexical neighbours and
    /// by those in `hits`.
    pub(super) fn rank(&self, hits: &[Hit], count: usize) -> Result<Ranking<'a>, Cancelled> {
        let mut typed = FxHashMap::default();
        let mut classes = FxHashMap::default();
        let mut names = Names::default();
        names.0.reserve(2048);

        let mut offered = Names::default();
        let mut on_receiver = Names::default();
        let mut reach = Names::default();
        let learns_from = |signal| !self.without.contains(&signal);
        match self.site {
            Site::Member { operator, .. } => {
                if learns_from(Signal::Types) {
                    let receiver = self.types.receiver(operator);
                    self.type_members(&receiver, operator, &mut offered, &mut typed);
                    note_classes(&receiver, 1.0, &mut classes);
                }
                if learns_from(Signal::Receivers) {
                    self.used_on_receiver(operator, &mut on_receiver);
                }
            }
            Site::Method if learns_from(Signal::Types) => {
                self.overridable(&mut offered, &mut typed);
            }
            Site::Expression | Site::Text if learns_from(Signal::Reach) => {
                for (_, ty) in self.types.in_reach(self.buffer.before, 6) {
                    self.cancel.check()?;
                    note_classes(&ty, 0.5, &mut classes);
                    let operator = self.buffer.before;
                    self.type_members(&ty, operator, &mut reach, &mut typed);
                }
                self.included(&mut reach);
            }
            Site::Class if learns_from(Signal::Dependencies) => {
                self.imported(&mut reach);
                self.included(&mut reach);
            }
            Site::Class | Site::Method | Site::Expression | Site::Text => {}
        }
        self.cancel.check()?;
        let mut near = Names::default();
        if learns_from(Signal::Chunks) {
            self.used_in_chunks(hits, &mut near, &mut classes);
        }
        self.cancel.check()?;
        let mut similar = Names::default();
        if learns_from(Signal::SimilarFiles) {
            self.used_in_files(&self.similar_files(), &mut similar, &mut classes);
        }
        for import in self
            .buffer
            .scope()
            .imports()
            .filter(|i| i.kind == ImportKind::Class)
        {
            *classes
                .entry(Cow::Owned(NameKind::Class.fold(&import.target)))
                .or_default() += 0.3;
        }

        self.cancel.check()?;
        let is_typed = !offered.0.is_empty();
        let shares: [f32; 5] = match self.site {
            Site::Member { .. } if is_typed => [0.6, 0.15, 0.15, 0.1, 0.0],
            Site::Member { .. } => [0.0, 0.35, 0.35, 0.3, 0.0],
            Site::Method if is_typed => [0.7, 0.0, 0.15, 0.15, 0.0],
            _ => [0.0, 0.0, 0.45, 0.4, 0.15],
        };
        let sources = [offered, on_receiver, near, similar, reach];
        for (source, share) in sources.into_iter().zip(shares) {
            names.mix(source, share);
        }
        if !self.buffer.typed.is_empty() {
            if learns_from(Signal::Typed) {
                let mut going_on = Names::default();
                self.going_on(&mut going_on);
                names.mix(going_on, TYPED_SHARE);
            }
            self.keep_typed(&mut names);
        }
        self.discount_known(&mut names);
        self.cancel.check()?;
        Ok(Ranking {
            names: names.best(count),
            typed,
            classes,
        })
    }

    /// Members of the classes of `ty` that may be used at the cursor, the more
    /// used in the project the more likely.
    fn type_members(
        &self,
        ty: &Type,
        operator: usize,
        names: &mut Names<'a>,
        typed: &mut FxHashMap<Name<'a>, Piece<'a>>,
    ) {
        let is_static = matches!(
            self.site,
            Site::Member {
                is_static: true,
                ..
            }
        );
        let before = self
            .buffer
            .text(operator.saturating_sub(1))
            .to_ascii_lowercase();
        let is_own = matches!(before.as_str(), "self" | "static" | "parent" | "$this");
        let from = self.types.around();
        for class in &ty.classes {
            let Some(class) = self.types.class(class) else {
                continue;
            };
            let members = self.types.members(class);
            let declared = members.all().map(|(owner, index)| {
                let member = &owner.class().members[index];
                Offered {
                    owner,
                    kind: name_kind(member.kind),
                    name: member.name.of(owner.text),
                    visibility: members.visibility(owner, index),
                    is_static: member.is_static,
                    piece: Piece::Declared(Declaration::Member(owner, index)),
                }
            });
            let magic = members.all_magic().map(|(owner, magic)| Offered {
                owner,
                kind: name_kind(magic.kind),
                name: magic.name,
                visibility: magic.visibility,
                is_static: magic.is_static,
                piece: Piece::Magic(owner, magic),
            });
            for member in declared.chain(magic) {
                let Offered {
                    owner, kind, name, ..
                } = member;
                let visible = is_visible(member.visibility, owner, from.as_ref());
                if owner.path == self.buffer.path || !visible {
                    continue;
                }
                if name.starts_with("__") && !(is_own && is_static) {
                    continue;
                }
                let fits = match kind {
                    NameKind::ClassConstant => is_static,
                    _ => !is_static || member.is_static || is_own && kind == NameKind::Method,
                };
                if !fits {
                    continue;
                }
                let key = (kind, Cow::Owned(kind.fold(name)));
                if typed.contains_key(&key) {
                    continue;
                }
                let uses = self.snapshot.uses(UseKey::Name(kind, &key.1));
                let uses: u32 = uses.map(|uses| uses.value).sum();
                names.add(kind, key.1.clone(), 1.0 + (1.0 + uses as f32).ln());
                typed.insert(key, member.piece);
            }
        }
    }

    /// Methods of the parents of the class at the cursor, which may be declared anew.
    fn overridable(&self, names: &mut Names<'a>, typed: &mut FxHashMap<Name<'a>, Piece<'a>>) {
        let Some(members) = self.types.around() else {
            return;
        };
        for (owner, index) in members.all() {
            let member = &owner.class().members[index];
            if member.kind == MemberKind::Method && owner.path != self.buffer.path {
                let name = NameKind::Method.fold(member.name.of(owner.text));
                let key: Name<'a> = (NameKind::Method, Cow::Owned(name));
                // What has no body must be declared.
                let is_abstract = member.end == member.head.end;
                names.add(key.0, key.1.clone(), if is_abstract { 3.0 } else { 1.0 });
                typed
                    .entry(key)
                    .or_insert(Piece::Declared(Declaration::Member(owner, index)));
            }
        }
        // What the siblings declare beside that is likely here too.
        for sibling in self.siblings() {
            for (index, member) in sibling.class().members.iter().enumerate() {
                if member.kind == MemberKind::Method {
                    let name = NameKind::Method.fold(member.name.of(sibling.text));
                    let key: Name<'a> = (NameKind::Method, Cow::Owned(name));
                    names.add(key.0, key.1.clone(), 0.25);
                    typed
                        .entry(key)
                        .or_insert(Piece::Declared(Declaration::Member(sibling, index)));
                }
            }
        }
    }

    /// What the files that the buffer includes declare.
    fn included(&self, names: &mut Names<'a>) {
        for file in included(self.buffer, self.snapshot) {
            let (facts, text) = (&file.facts, &*file.text);
            let classes = (0..facts.classes.len()).map(|item| ClassRef::of(file, item));
            let classes = classes.filter(|class| !class.short_name().is_empty());
            let classes = classes.map(|class| (NameKind::Class, class.name()));
            let functions = facts.functions.iter();
            let functions = functions.map(|f| (NameKind::Function, f.name.of(text).to_owned()));
            let constants = facts.constants.iter();
            let constants = constants.map(|c| (NameKind::Constant, c.name.of(text).to_owned()));
            for (kind, name) in classes.chain(functions).chain(constants) {
                let weight = kind_weight(self.site, kind);
                if weight > 0.0 {
                    names.add(kind, kind.fold(&name), weight);
                }
            }
        }
    }

    /// Classes that are imported and not used yet: somebody is about to.
    fn imported(&self, names: &mut Names<'a>) {
        let known = self.known_names(usize::MAX / 2);
        for import in self.buffer.scope().imports() {
            let name: Name<'a> = (
                NameKind::Class,
                Cow::Owned(NameKind::Class.fold(&import.target)),
            );
            if import.kind == ImportKind::Class && known.binary_search(&name).is_err() {
                names.add(name.0, name.1, 1.0);
            }
        }
    }

    /// Classes that inherit from what the class at the cursor inherits from.
    fn siblings(&self) -> Vec<ClassRef<'a>> {
        let Some(item) = self.buffer.class() else {
            return Vec::new();
        };
        let own = self.types.own(item);
        let (class, scope) = (own.class(), own.scope());
        let parents = class.extends.iter().chain(&class.implements);
        let parents = parents.filter_map(|parent| scope.class(parent.of(own.text)));
        let mut siblings: Vec<ClassRef<'a>> = Vec::new();
        for parent in parents {
            let children = self.snapshot.children(&parent);
            let others = children.into_iter().filter(|child| child.path != own.path);
            siblings.extend(others.take(MAX_SIBLINGS));
        }
        siblings
    }

    /// Members used elsewhere on receivers of the same name.
    fn used_on_receiver(&self, operator: usize, names: &mut Names<'a>) {
        let receiver = crate::php::receiver(self.buffer.content, &self.buffer.tokens, operator);
        let receiver = receiver.of(self.buffer.content);
        let receiver = receiver.rsplit('\\').next().unwrap_or(receiver);
        if receiver.is_empty() {
            return;
        }
        for uses in self.snapshot.uses(UseKey::On(receiver)) {
            if *uses.file.path == *self.buffer.path {
                continue;
            }
            let reference = uses.file.facts.references[uses.value as usize];
            let kind = NameKind::from(reference.kind);
            let weight = kind_weight(self.site, kind);
            if weight > 0.0 {
                // Sums of small dyadic weights are exact in any order.
                names.add(
                    kind,
                    kind.fold(reference.name().of(&uses.file.text)),
                    weight,
                );
            }
        }
    }

    /// Names used in the chunks `hits`, weighted by how well those match.
    fn used_in_chunks(&self, hits: &[Hit], names: &mut Names<'a>, classes: &mut Relevance<'a>) {
        let Some(best) = hits.first().map(|hit| hit.score) else {
            return;
        };
        for hit in hits {
            let weight = (hit.score / best).powi(2);
            let references = &hit.file.facts.references;
            let first = references.partition_point(|r| r.name().start < hit.chunk.start);
            let inside = references[first..]
                .iter()
                .take_while(|r| r.name().start < hit.chunk.end);
            self.add_used(&hit.file, inside, weight, names, classes);
        }
    }

    /// Names used in the files with these numbers, weighted.
    fn used_in_files(
        &self,
        files: &[(usize, f32)],
        names: &mut Names<'a>,
        classes: &mut Relevance<'a>,
    ) {
        for &(file, weight) in files {
            for (kind, name) in self.snapshot.names_used(file) {
                let counts = kind_weight(self.site, kind);
                if kind == NameKind::Class {
                    *classes.entry(Cow::Borrowed(name)).or_default() += weight * 0.2;
                }
                if counts > 0.0 {
                    names.add(kind, name, weight * counts);
                }
            }
        }
    }

    /// Adds each name among `references` of `file` once with `weight`.
    fn add_used<'r>(
        &self,
        file: &SourceFile,
        references: impl Iterator<Item = &'r Reference>,
        weight: f32,
        names: &mut Names<'a>,
        classes: &mut Relevance<'a>,
    ) {
        let mut seen: Vec<(NameKind, &str)> = Vec::new();
        for reference in references {
            let kind = NameKind::from(reference.kind);
            let counts = kind_weight(self.site, kind);
            let written = reference.name().of(&file.text);
            let is_new = !seen.contains(&(kind, written));
            if !is_new || counts == 0.0 && kind != NameKind::Class {
                continue;
            }
            seen.push((kind, written));
            let scope = Scope::at(&file.facts, &file.text, reference.name().start as usize);
            let Some(name) = used_name(kind, written, &scope) else {
                continue;
            };
            if kind == NameKind::Class {
                *classes.entry(Cow::Owned(name.clone())).or_default() += weight * 0.2;
            }
            if counts > 0.0 {
                names.add(kind, name, weight * counts);
            }
        }
    }

    /// The numbers of the files that use the same names as the buffer, rare
    /// names counting more, with weights from 1 down.
    fn similar_files(&self) -> Vec<(usize, f32)> {
        let snapshot = self.snapshot;
        let total = snapshot.file_numbers();
        let mut found: Vec<(f32, Option<&'a Arc<SourceFile>>)> = vec![(0.0, None); total];
        for (kind, name) in self.known_names(NEAR_NAMES) {
            let users = snapshot.uses(UseKey::Name(kind, &name));
            let count = users.clone().count();
            if count * COMMON_NAME > total || count > MAX_USERS {
                continue;
            }
            let weight = (total as f32 / (1.0 + count as f32)).ln();
            for user in users {
                found[user.number].0 += weight;
                found[user.number].1 = Some(user.file);
            }
        }
        let score = |(number, (score, file)): (usize, (f32, Option<&'a Arc<SourceFile>>))| {
            let file = file.filter(|file| *file.path != *self.buffer.path && score > 0.0)?;
            let size = file.facts.references.len() as f32;
            Some((score / (20.0 + size).sqrt(), &*file.path, number))
        };
        let order = |a: &(f32, &str, usize), b: &(f32, &str, usize)| {
            b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1))
        };
        let mut similar: Vec<_> = found.into_iter().enumerate().filter_map(score).collect();
        if similar.len() > 4 * SIMILAR_FILES {
            similar.select_nth_unstable_by(4 * SIMILAR_FILES, order);
            similar.truncate(4 * SIMILAR_FILES);
        }
        // Of the most similar those count more that are related otherwise too.
        let folder = folder(self.buffer.path);
        let siblings: FxHashSet<&str> = self.siblings().iter().map(|class| class.path).collect();
        for (score, path, _) in &mut similar {
            *score *= nearness(folder, path);
            if siblings.contains(path) {
                *score *= SIBLING;
            }
        }
        similar.sort_by(order);
        let best = similar.first().map_or(1.0, |(score, ..)| *score);
        let nearest = similar.into_iter().take(SIMILAR_FILES);
        nearest
            .map(|(score, _, number)| (number, (score / best).powi(2)))
            .collect()
    }

    /// The names that the buffer uses, each once; of its references the `most`
    /// that are nearest before and behind the cursor.
    fn known_names(&self, most: usize) -> Vec<Name<'a>> {
        let scope = self.buffer.scope();
        let references = &self.buffer.facts.references;
        let cursor = self.buffer.word_start as u32;
        let here = references.partition_point(|r| r.name().start < cursor);
        let near = here.saturating_sub(most)..references.len().min(here + most / 2);
        let mut known: Vec<Name<'a>> = references[near]
            .iter()
            .filter_map(|reference| {
                let kind = NameKind::from(reference.kind);
                let name = used_name(kind, reference.name().of(self.buffer.content), &scope)?;
                Some((kind, Cow::Owned(name)))
            })
            .collect();
        known.sort_unstable();
        known.dedup();
        known
    }

    /// Lowers the weight of names that the buffer holds already.
    fn discount_known(&self, names: &mut Names<'a>) {
        for name in &self.known_names(usize::MAX / 2) {
            if let Some(weight) = names.0.get_mut(name) {
                *weight *= KNOWN_NAME;
            }
        }
    }

    /// Everything declared in the project whose name goes on from the part that
    /// is typed, the more files use it the likelier.
    fn going_on(&self, names: &mut Names<'a>) {
        let kinds: &[DeclKind] = match self.site {
            Site::Member { .. } => &[DeclKind::Member],
            Site::Class => &[DeclKind::Class],
            Site::Expression => &[DeclKind::Function, DeclKind::Class, DeclKind::Constant],
            Site::Method | Site::Text => &[],
        };
        for &kind in kinds {
            let declared = self.snapshot.declared_with_prefix(kind, self.buffer.typed);
            for declared in declared.into_iter().take(MAX_GOING_ON) {
                let kind = match declared {
                    Declaration::Class(_) => NameKind::Class,
                    Declaration::Function(..) => NameKind::Function,
                    Declaration::Constant(..) => NameKind::Constant,
                    Declaration::Member(class, index) => {
                        name_kind(class.class().members[index].kind)
                    }
                };
                let counts = kind_weight(self.site, kind);
                let name = match kind {
                    NameKind::Class => kind.fold(&declared.full_name().unwrap_or_default()),
                    _ => kind.fold(declared.short_name()),
                };
                let users = self.snapshot.uses(UseKey::Name(kind, &name)).count();
                if counts > 0.0 {
                    // Several declarations of a name count once.
                    let weight = counts * (0.5 + users as f32).sqrt();
                    names.0.insert((kind, Cow::Owned(name)), weight);
                }
            }
        }
    }

    /// Once part of the name is typed, only names that go on from it remain.
    fn keep_typed(&self, names: &mut Names<'a>) {
        let typed = self.buffer.typed;
        let short = |name: &str| {
            name.rsplit('\\')
                .next()
                .unwrap_or(name)
                .to_ascii_lowercase()
        };
        let typed = short(typed);
        names
            .0
            .retain(|(_, name), _| short(name).starts_with(&typed));
    }
}

fn note_classes(ty: &Type, weight: f32, classes: &mut Relevance<'_>) {
    for class in &ty.classes {
        *classes
            .entry(Cow::Owned(NameKind::Class.fold(class)))
            .or_default() += weight;
    }
}

/// The folder part of a path, with its slash.
fn folder(path: &str) -> &str {
    &path[..path.rfind('/').map_or(0, |slash| slash + 1)]
}

/// How much more a file counts for standing near the folder `from`: 1 far
/// away, 2 in the same folder.
fn nearness(from: &str, path: &str) -> f32 {
    let mine = from.split('/').filter(|part| !part.is_empty());
    let its = folder(path).split('/').filter(|part| !part.is_empty());
    let longest = mine.clone().count().max(its.clone().count());
    let shared = mine.zip(its).take_while(|(a, b)| a == b).count();
    if longest == 0 {
        2.0
    } else {
        1.0 + shared as f32 / longest as f32
    }
}
