//! What the buffer depends on, whatever the code names next.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::context::buffer::Buffer;
use crate::context::candidate::{Candidate, ScoredCandidate};
use crate::context::infer::is_visible;
use crate::context::rank::surroundings::Surroundings;
use crate::context::weights::{DEPENDENCY_MEMBER, INHERITED_MEMBER};
use crate::index::symbols::{Declaration, NameKind};
use crate::php::ImportKind;

/// Adds what the buffer depends on: the members of the classes that it inherits from,
/// and those members of the classes it names that it uses.
pub(in crate::context) fn add_dependencies<'a>(
    surroundings: &Surroundings<'a>,
    candidates: &mut Vec<ScoredCandidate<'a>>,
) {
    let inference = surroundings.inference;
    let from = inference.members_at_cursor();
    let buffer = inference.buffer;
    let mut named: FxHashSet<&str> = FxHashSet::default();
    for reference in &buffer.facts.references {
        named.insert(reference.name().of(buffer.content));
    }
    let inherited = inherited_classes(buffer);
    let used = used_classes(buffer);
    let mut seen: FxHashSet<String> = FxHashSet::default();
    let all = inherited
        .iter()
        .map(|name| (name, true))
        .chain(used.iter().map(|name| (name, false)));
    for (name, is_inherited) in all {
        if !seen.insert(NameKind::Class.fold(name)) {
            continue;
        }
        let Some(class) = inference.lookup.outside(name) else {
            continue;
        };
        let mut add = |candidate, score| candidates.push(ScoredCandidate { candidate, score });
        let declared = Candidate::Declared;
        for (index, member) in class.class().members.iter().enumerate() {
            let candidate = declared(Declaration::Member(class, index));
            if !is_visible(member.visibility, class, from) {
                continue;
            }
            if named.contains(member.name.of(class.text)) {
                add(candidate, DEPENDENCY_MEMBER);
            } else if is_inherited {
                add(candidate, INHERITED_MEMBER);
            }
        }
        if is_inherited {
            for (owner, member) in inference.members(class).all_virtual() {
                add(Candidate::Virtual(owner, member), INHERITED_MEMBER);
            }
        }
    }
}

/// The full names of the classes that the buffer's classes name as parents,
/// interfaces and traits.
fn inherited_classes(buffer: &Buffer<'_>) -> Vec<String> {
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
    inherited
}

/// The full names of the classes that the buffer imports, then of those that it
/// names.
fn used_classes(buffer: &Buffer<'_>) -> Vec<String> {
    let scope = buffer.scope();
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
    used
}

/// The candidates in their order, each once, with the scores of the same one
/// added up.
pub(in crate::context) fn merge_same(
    candidates: Vec<ScoredCandidate<'_>>,
) -> Vec<ScoredCandidate<'_>> {
    let mut merged: Vec<ScoredCandidate<'_>> = Vec::with_capacity(candidates.len());
    let mut numbers: FxHashMap<(&str, u32), usize> = FxHashMap::default();
    for candidate in candidates {
        let key = candidate.candidate.key();
        let number = *numbers.entry(key).or_insert(merged.len());
        match merged.get_mut(number) {
            Some(same) => same.score += candidate.score,
            None => merged.push(candidate),
        }
    }
    merged
}
