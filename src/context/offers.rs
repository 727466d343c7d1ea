//! From names to declarations: which declaration a likely name most likely
//! means, and what the buffer depends on whatever comes next.

use rustc_hash::{FxHashMap, FxHashSet};

use super::members::{Members, is_visible};
use super::pack::{Offer, Piece};
use super::rank::{Name, Ranking, Relevance};
use super::types::Types;
use crate::cancel::{Cancel, Cancelled};
use crate::index::symbols::{DeclKind, Declaration, NameKind, UseKey};
use crate::php::{ImportKind, MemberKind};

/// One likely name is looked up for so many characters of the budget: about
/// what a short signature takes, so that there are more than fit.
const CHARS_PER_NAME: usize = 32;
/// At least so many names are looked up …
const MIN_NAMES: usize = 50;
/// … and at most so many.
const MAX_NAMES: usize = 600;
/// Of declarations of the same name in several classes, how many are offered …
const MAX_OWNERS: usize = 2;
/// … and how likely each is, as a share of the one before it.
const NEXT_OWNER: f32 = 0.4;
/// How many of the classes that matter most are asked for their members first.
const RELEVANT_CLASSES: usize = 40;
/// A member's name that more declarations share says nothing of any one.
const COMMON: usize = 40;
/// What the head of a class that the buffer imports or inherits from counts.
const DEPENDENCY: f32 = 0.02;
/// What a member of it that the buffer names counts.
const NAMED_MEMBER: f32 = 0.01;
/// What another member of a class that the buffer inherits from counts.
const INHERITED_MEMBER: f32 = 0.002;

/// How many names are looked up for a context of `max_chars` characters.
pub(super) fn names_for(max_chars: usize) -> usize {
    (max_chars / CHARS_PER_NAME).clamp(MIN_NAMES, MAX_NAMES)
}

/// The declarations of the likely names of `ranking`.
pub(super) fn likely<'a>(
    types: &Types<'a>,
    ranking: &Ranking<'a>,
    cancel: &Cancel,
) -> Result<Vec<Offer<'a>>, Cancelled> {
    let mut finder = Finder::new(*types, &ranking.classes, &ranking.names);
    let mut offers = Vec::new();
    for (name, score) in &ranking.names {
        cancel.check()?;
        if let Some(&piece) = ranking.typed.get(name) {
            offers.push(Offer {
                piece,
                score: *score,
            });
            continue;
        }
        let declared = finder.find(name);
        // The likeliest owner first, each further one less likely.
        let shares: f32 = (0..declared.len())
            .map(|rank| NEXT_OWNER.powi(rank as i32))
            .sum();
        for (rank, declared) in declared.into_iter().enumerate() {
            let score = score * NEXT_OWNER.powi(rank as i32) / shares;
            offers.push(Offer {
                piece: Piece::Declared(declared),
                score,
            });
        }
    }
    Ok(offers)
}

/// Finds the declarations that a name may mean at the cursor.
struct Finder<'n, 'a> {
    types: Types<'a>,
    /// The class at the cursor and what it inherits from.
    from: Option<Members<'a>>,
    /// Members of the classes that matter here, of the most relevant class first.
    relevant: FxHashMap<(NameKind, &'n str), Vec<Declaration<'a>>>,
    /// How many files use a class, by its file and its number there.
    uses: FxHashMap<(&'a str, usize), usize>,
}

impl<'n, 'a> Finder<'n, 'a> {
    fn new(types: Types<'a>, classes: &Relevance<'a>, wanted: &'n [(Name<'a>, f32)]) -> Self {
        let wanted: FxHashSet<&str> = wanted.iter().map(|((_, name), _)| &**name).collect();
        let from = types.around();
        let mut folded = String::new();
        let mut classes: Vec<_> = classes.iter().collect();
        classes.sort_by(|a, b| b.1.total_cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let mut relevant: FxHashMap<(NameKind, &'n str), Vec<Declaration<'a>>> =
            FxHashMap::default();
        for (name, _) in classes.into_iter().take(RELEVANT_CLASSES) {
            let Some(class) = types.snapshot.class(name, types.buffer.path) else {
                continue;
            };
            for (index, member) in class.class().members.iter().enumerate() {
                if !is_visible(member.visibility, class, from.as_ref()) {
                    continue;
                }
                let kind = name_kind(member.kind);
                folded.clear();
                folded.push_str(member.name.of(class.text));
                if kind == NameKind::Method {
                    folded.make_ascii_lowercase();
                }
                let Some(name) = wanted.get(&*folded) else {
                    continue;
                };
                let owners = relevant.entry((kind, *name)).or_default();
                if owners.len() < MAX_OWNERS {
                    owners.push(Declaration::Member(class, index));
                }
            }
        }
        Self {
            types,
            from,
            relevant,
            uses: FxHashMap::default(),
        }
    }

    /// The declarations that `name` may mean here, likeliest first.
    fn find(&mut self, name: &Name<'_>) -> Vec<Declaration<'a>> {
        let (snapshot, path) = (self.types.snapshot, self.types.buffer.path);
        let (kind, text) = name;
        let decl = match kind {
            NameKind::Class => {
                let class = snapshot.class(text, path);
                return class.map(Declaration::Class).into_iter().collect();
            }
            NameKind::Function => DeclKind::Function,
            NameKind::Constant => DeclKind::Constant,
            NameKind::Method | NameKind::Property | NameKind::ClassConstant => DeclKind::Member,
        };
        if let Some(owners) = self.relevant.get(&(*kind, &**text)) {
            return owners.clone();
        }
        // A name that everything declares tells nothing of one class.
        let mut found = snapshot.declared_up_to(COMMON, decl, text);
        found.retain(|declared| {
            let fits = match (declared, declared.member()) {
                (Declaration::Member(class, _), Some(member)) => {
                    name_kind(member.kind) == *kind
                        && is_visible(member.visibility, *class, self.from.as_ref())
                }
                _ => true,
            };
            fits && declared.path() != path && kind.is_folded(declared.short_name(), text)
        });
        if decl != DeclKind::Member {
            found.truncate(1);
        } else if found.len() > 1 {
            found.sort_by_cached_key(|declared| std::cmp::Reverse(self.owner_uses(declared)));
            found.truncate(MAX_OWNERS);
        }
        found
    }

    /// How many files use the class that a member belongs to.
    fn owner_uses(&mut self, declared: &Declaration<'a>) -> usize {
        let Declaration::Member(class, _) = declared else {
            return 0;
        };
        let count = || {
            let owner = NameKind::Class.fold(&class.name());
            let snapshot = self.types.snapshot;
            snapshot.uses(UseKey::Name(NameKind::Class, &owner)).count()
        };
        *self
            .uses
            .entry((class.path, class.item))
            .or_insert_with(count)
    }
}

/// The kind of name by which a member of this kind is used.
pub(super) fn name_kind(member: MemberKind) -> NameKind {
    match member {
        MemberKind::Method => NameKind::Method,
        MemberKind::Property => NameKind::Property,
        MemberKind::Constant | MemberKind::Case => NameKind::ClassConstant,
    }
}

/// Offers of the same piece as one, with their scores together, in the order
/// in which they came.
pub(super) fn merged(offers: Vec<Offer<'_>>) -> Vec<Offer<'_>> {
    let mut merged: Vec<Offer<'_>> = Vec::with_capacity(offers.len());
    let mut places: FxHashMap<(&str, u32), usize> = FxHashMap::default();
    for offer in offers {
        let place = *places.entry(offer.piece.key()).or_insert(merged.len());
        match merged.get_mut(place) {
            Some(same) => same.score += offer.score,
            None => merged.push(offer),
        }
    }
    merged
}

/// Adds what the buffer depends on: the classes it inherits from with their
/// members, and those it names with the members that it uses.
pub(super) fn dependencies<'a>(types: &Types<'a>, offers: &mut Vec<Offer<'a>>) {
    let buffer = types.buffer;
    let mut named: FxHashSet<&str> = FxHashSet::default();
    for reference in &buffer.facts.references {
        named.insert(reference.name().of(buffer.content));
    }
    let scope = buffer.scope();
    let mut inherited = Vec::new();
    for class in &buffer.facts.classes {
        let parents = class
            .extends
            .iter()
            .chain(&class.implements)
            .chain(&class.traits);
        for parent in parents {
            inherited.extend(scope.class(parent.of(buffer.content)));
        }
    }
    let mut used: Vec<String> = scope
        .imports()
        .filter(|import| import.kind == ImportKind::Class)
        .map(|import| import.target)
        .collect();
    for reference in &buffer.facts.references {
        if NameKind::from(reference.kind) == NameKind::Class {
            used.extend(scope.class(reference.name().of(buffer.content)));
        }
    }
    let mut seen: FxHashSet<String> = FxHashSet::default();
    let all = inherited
        .iter()
        .map(|name| (name, true))
        .chain(used.iter().map(|n| (n, false)));
    for (name, is_inherited) in all {
        if !seen.insert(NameKind::Class.fold(name)) {
            continue;
        }
        let Some(class) = types.classes.get(name) else {
            continue;
        };
        let mut add = |declared, score| {
            offers.push(Offer {
                piece: Piece::Declared(declared),
                score,
            })
        };
        add(Declaration::Class(class), DEPENDENCY);
        for (index, member) in class.class().members.iter().enumerate() {
            if named.contains(member.name.of(class.text)) {
                add(Declaration::Member(class, index), NAMED_MEMBER);
            } else if is_inherited {
                add(Declaration::Member(class, index), INHERITED_MEMBER);
            }
        }
        if is_inherited {
            for (owner, magic) in types.members(class).all_magic() {
                offers.push(Offer {
                    piece: Piece::Magic(owner, magic),
                    score: INHERITED_MEMBER,
                });
            }
        }
    }
}
