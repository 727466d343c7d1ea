//! From names to declarations: which declaration a likely name most likely
//! means, and what the buffer depends on whatever comes next.

use rustc_hash::{FxHashMap, FxHashSet};

use super::pack::{Offer, Piece};
use super::rank::{Name, Ranking};
use super::types::Types;
use crate::index::symbols::{DeclKind, Declared, Key, NameKind};
use crate::php::{MemberKind, UseKind};

/// One likely name is looked up for so many characters of the budget: about
/// half of what a signature takes, as some names turn out to be declared nowhere.
const CHARS_PER_NAME: usize = 24;
/// At least so many names are looked up …
const MIN_NAMES: usize = 50;
/// … and at most so many.
const MAX_NAMES: usize = 600;
/// Of declarations of the same name in several classes, how many are offered.
const MAX_OWNERS: usize = 2;
/// What the head of a class that the buffer imports or inherits from counts.
const DEPENDENCY: f32 = 0.02;
/// What a member of it that the buffer names counts.
const NAMED_MEMBER: f32 = 0.01;
/// What another member of a class that the buffer inherits from counts.
const INHERITED_MEMBER: f32 = 0.002;

/// The declarations of the likely names of `ranking`.
pub(super) fn likely<'a>(
    types: &Types<'a>,
    ranking: &Ranking<'a>,
    max_chars: usize,
) -> Vec<Offer<'a>> {
    let mut offers = Vec::new();
    let mut uses = FxHashMap::default();
    let names = (max_chars / CHARS_PER_NAME).clamp(MIN_NAMES, MAX_NAMES);
    for (name, score) in ranking.names.iter().take(names) {
        if let Some(&piece) = ranking.typed.get(name) {
            offers.push(Offer {
                piece,
                score: *score,
            });
            continue;
        }
        let declared = declarations(types, name, &ranking.classes, &mut uses);
        // The likeliest owner first; each further one is half as likely.
        let shares: f32 = (0..declared.len())
            .map(|rank| 0.4_f32.powi(rank as i32))
            .sum();
        for (rank, declared) in declared.into_iter().enumerate() {
            let score = score * 0.4_f32.powi(rank as i32) / shares;
            offers.push(Offer {
                piece: Piece::Declared(declared),
                score,
            });
        }
    }
    offers
}

/// The declarations that `name` may mean here, likeliest first.
fn declarations<'a>(
    types: &Types<'a>,
    (kind, name): &Name,
    classes: &FxHashMap<String, f32>,
    uses: &mut FxHashMap<String, usize>,
) -> Vec<Declared<'a>> {
    let snapshot = types.snapshot;
    let elsewhere = |declared: &Declared<'_>| declared.path() != types.buffer.path;
    match kind {
        NameKind::Class => {
            let class = snapshot.class(name, types.buffer.path);
            class.map(Declared::Class).into_iter().collect()
        }
        NameKind::Function | NameKind::Constant => {
            let decl = if *kind == NameKind::Function {
                DeclKind::Function
            } else {
                DeclKind::Constant
            };
            let mut found = snapshot.declared(decl, name);
            found.retain(|declared| {
                elsewhere(declared) && kind.fold(declared.short_name()) == *name
            });
            found.truncate(1);
            found
        }
        NameKind::Method | NameKind::Property | NameKind::ClassConstant => {
            let fits = |declared: &Declared<'_>| {
                let Some(member) = declared.member() else {
                    return false;
                };
                let same = match member.kind {
                    MemberKind::Method => *kind == NameKind::Method,
                    MemberKind::Property => *kind == NameKind::Property,
                    MemberKind::Constant | MemberKind::Case => *kind == NameKind::ClassConstant,
                };
                same && kind.fold(declared.short_name()) == *name
            };
            let mut found = snapshot.declared(DeclKind::Member, name);
            found.retain(|declared| elsewhere(declared) && fits(declared));
            // A name that everything declares tells nothing of one class.
            const COMMON: usize = 40;
            if found.len() > COMMON {
                found.retain(|declared| owner(declared).is_some_and(|o| classes.contains_key(&o)));
            }
            let mut weight = |declared: &Declared<'_>| {
                let Some(owner) = owner(declared) else {
                    return 0.0;
                };
                let near = classes.get(&owner).copied().unwrap_or(0.0);
                let key = Key::Name(NameKind::Class, &owner);
                let uses = match uses.get(&owner) {
                    Some(&known) => known,
                    None => {
                        let count = snapshot.uses(key).count();
                        uses.insert(owner, count);
                        count
                    }
                };
                near * 10.0 + (1.0 + uses as f32).ln()
            };
            let mut weighed: Vec<(f32, Declared<'a>)> = found
                .into_iter()
                .map(|declared| (weight(&declared), declared))
                .collect();
            weighed.sort_by(|a, b| b.0.total_cmp(&a.0));
            weighed.truncate(MAX_OWNERS);
            weighed.into_iter().map(|(_, declared)| declared).collect()
        }
    }
}

/// The folded full name of the class that a member belongs to.
fn owner(declared: &Declared<'_>) -> Option<String> {
    match declared {
        Declared::Member(class, _) => Some(NameKind::Class.fold(&class.name())),
        _ => None,
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
        .filter(|import| import.kind == UseKind::Class)
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
        let Some(class) = types.snapshot.class(name, buffer.path) else {
            continue;
        };
        let mut add = |declared, score| {
            offers.push(Offer {
                piece: Piece::Declared(declared),
                score,
            })
        };
        add(Declared::Class(class), DEPENDENCY);
        for (index, member) in class.class().members.iter().enumerate() {
            if named.contains(member.name.of(class.text)) {
                add(Declared::Member(class, index), NAMED_MEMBER);
            } else if is_inherited {
                add(Declared::Member(class, index), INHERITED_MEMBER);
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
