//! The signal `words`: functions and classes whose names consist of words that stand
//! near the cursor.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::context::rank::names::NameWeights;
use crate::context::rank::near_words::NearWords;
use crate::context::rank::surroundings::Surroundings;
use crate::context::site::Site;
use crate::context::weights::{
    FEW_FUNCTIONS, SHARED_WORDS, WORD_NAMES, named_by_words, word_rarity,
};
use crate::index::symbols::{DeclKind, Declaration, NameKind, UseKey};

/// What a name shares with the code near the cursor.
#[derive(Default)]
struct SharedWords {
    /// The weights of the words, added up.
    weight: f32,
    /// The bytes of the name without its namespace.
    length: usize,
    /// The number of the last word that it shares.
    last: Option<usize>,
}

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
        Site::Member { .. } | Site::Method | Site::Text | Site::Import => &[],
    };
    let snapshot = surroundings.snapshot;
    for &decl in kinds {
        let kind = if decl == DeclKind::Class {
            NameKind::Class
        } else {
            NameKind::Function
        };
        let kind_weight = surroundings.kind_weight(kind);
        let mut found: FxHashMap<String, SharedWords> = FxHashMap::default();
        for (number, (word, weight)) in near.all().into_iter().enumerate() {
            let declared = snapshot.declared_with_word(SHARED_WORDS, decl, word);
            let rarity = word_rarity(declared.len());
            for declared in declared {
                if declared.path() == surroundings.buffer.path {
                    continue;
                }
                let shared = found.entry(folded(kind, &declared)).or_default();
                // Several declarations of one name count once.
                if shared.last != Some(number) {
                    shared.last = Some(number);
                    shared.weight += weight * rarity;
                    shared.length = declared.short_name().len();
                }
            }
        }
        let mut best: Vec<(String, f32)> = found
            .into_iter()
            .map(|(name, shared)| (name, shared.weight / (8.0 + shared.length as f32).sqrt()))
            .collect();
        best.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        for (name, weight) in best.into_iter().take(WORD_NAMES) {
            let users = snapshot.uses(UseKey::Name(kind, &name)).count();
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
