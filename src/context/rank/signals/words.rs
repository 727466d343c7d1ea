//! The signal `words`: functions and classes whose names consist of words that stand
//! near the cursor.

use std::borrow::Cow;

use crate::context::rank::names::NameWeights;
use crate::context::rank::near_words::NearWords;
use crate::context::rank::surroundings::Surroundings;
use crate::context::site::Site;
use crate::context::weights::{
    FEW_FUNCTIONS, SHARED_WORDS, WORD_NAMES, named_by_words, word_rarity,
};
use crate::index::symbols::{DeclKind, Declaration, NameKind, UseKey};

/// Adds the functions and classes that share words with the code near the cursor. In
/// a project of few functions, adds all of them.
pub(in crate::context::rank) fn add_named_by_words<'a>(
    surroundings: &Surroundings<'a>,
    near: &NearWords,
    names: &mut NameWeights<'a>,
) {
    let kinds: &[DeclKind] = match surroundings.site {
        Site::Expression | Site::Body => &[DeclKind::Function, DeclKind::Class],
        Site::Class => &[DeclKind::Class],
        Site::Member { .. } | Site::Method | Site::Text | Site::Import(_) => &[],
    };
    let snapshot = surroundings.snapshot;
    for &decl in kinds {
        let kind = if decl == DeclKind::Class {
            NameKind::Class
        } else {
            NameKind::Function
        };
        let kind_weight = surroundings.kind_weight(kind);
        for (name, weight) in named_by_near_words(surroundings, near, decl, kind) {
            let users = snapshot.users(UseKey::Name(kind, &name));
            names.add(
                kind,
                Cow::Owned(name),
                kind_weight * named_by_words(weight, users),
            );
        }
        if decl == DeclKind::Function {
            add_few(surroundings, names);
        }
    }
}

/// The [`WORD_NAMES`] names of this kind that share the most with the words near the
/// cursor, with the weights of these words. Of equal ones the first by name.
fn named_by_near_words(
    surroundings: &Surroundings<'_>,
    near: &NearWords,
    decl: DeclKind,
    kind: NameKind,
) -> Vec<(String, f32)> {
    let numbered = surroundings.snapshot.numbered(decl);
    let mut shared = vec![0.0_f32; numbered.len()];
    let mut found = Vec::new();
    for (word, weight) in near.all() {
        numbered.with_word(SHARED_WORDS, word, &mut found);
        let rarity = word_rarity(found.len());
        for &number in &found {
            shared[number] += weight * rarity;
        }
    }
    let mut weighed: Vec<(f32, usize)> = Vec::new();
    for (number, (shared, length)) in shared.into_iter().zip(numbered.name_lengths()).enumerate() {
        if shared > 0.0 {
            weighed.push((shared / (8.0 + f32::from(length)).sqrt(), number));
        }
    }
    weighed.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let of_other_file = |&(_, number): &(f32, usize)| {
        let declared = numbered.get(number);
        declared.filter(|declared| declared.path() != surroundings.buffer.path)
    };
    let mut best: Vec<(String, f32)> = Vec::new();
    for group in weighed.chunk_by(|a, b| a.0 == b.0) {
        if best.len() >= WORD_NAMES {
            break;
        }
        // Several declarations of one name count once.
        let others = group.iter().filter_map(of_other_file);
        let names = others.map(|declared| folded(kind, &declared));
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| best.iter().all(|(known, _)| known != name));
        best.extend(names.into_iter().map(|name| (name, group[0].0)));
    }
    best.truncate(WORD_NAMES);
    best
}

/// Adds every function of a project that has few.
fn add_few<'a>(surroundings: &Surroundings<'a>, names: &mut NameWeights<'a>) {
    let snapshot = surroundings.snapshot;
    if snapshot.count_declared(DeclKind::Function) > FEW_FUNCTIONS {
        return;
    }
    for declared in snapshot.declared_with_prefix(DeclKind::Function, "") {
        if declared.path() != surroundings.buffer.path {
            let name = folded(NameKind::Function, &declared);
            names.add(NameKind::Function, Cow::Owned(name), 0.5);
        }
    }
}

/// The name by which code uses the declaration, folded.
fn folded(kind: NameKind, declared: &Declaration<'_>) -> String {
    match declared {
        Declaration::Class(class) => kind.fold(&class.name()),
        _ => kind.fold(declared.short_name()),
    }
}
