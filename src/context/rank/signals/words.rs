//! The signal `words`: functions and classes whose names consist of words that stand
//! near the cursor.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::context::rank::name_table::{NameSignal, NameTable};
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
    names: &mut NameTable<'a>,
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
            let weight = kind_weight * named_by_words(weight, users);
            names.add(NameSignal::Words, kind, name, weight);
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
    let (mut found, mut sharing) = (Vec::new(), Vec::new());
    for (word, weight) in near.all() {
        numbered.with_word(SHARED_WORDS, word, &mut found);
        let rarity = word_rarity(found.len());
        for &number in &found {
            if shared[number] == 0.0 {
                sharing.push(number);
            }
            shared[number] += weight * rarity;
        }
    }
    let weighed = sharing.into_iter().map(|number| Shared {
        weight: shared[number] / (8.0 + f32::from(numbered.name_length(number))).sqrt(),
        number,
    });
    // Only the first few are sorted.
    let mut weighed: BinaryHeap<Shared> = weighed.collect();
    let mut best: Vec<(String, f32)> = Vec::new();
    while best.len() < WORD_NAMES
        && let Some(Shared { weight, number }) = weighed.pop()
    {
        let mut group = vec![number];
        while let Some(next) = weighed.peek().filter(|next| next.weight == weight) {
            group.push(next.number);
            weighed.pop();
        }
        let declared = group.iter().filter_map(|&number| numbered.get(number));
        let others = declared.filter(|declared| declared.path() != surroundings.buffer.path);
        // Several declarations of one name count once.
        let mut names: Vec<String> = others.map(|declared| folded(kind, &declared)).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| best.iter().all(|(known, _)| known != name));
        best.extend(names.into_iter().map(|name| (name, weight)));
    }
    best.truncate(WORD_NAMES);
    best
}

/// The number of a declaration, and what its name shares with the words near the cursor.
struct Shared {
    weight: f32,
    number: usize,
}

impl Ord for Shared {
    fn cmp(&self, other: &Self) -> Ordering {
        self.weight.total_cmp(&other.weight)
    }
}

impl PartialOrd for Shared {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Shared {}

/// Adds every function of a project that has few.
fn add_few(surroundings: &Surroundings<'_>, names: &mut NameTable<'_>) {
    let snapshot = surroundings.snapshot;
    if snapshot.count_declared(DeclKind::Function) > FEW_FUNCTIONS {
        return;
    }
    for declared in snapshot.declared_with_prefix(DeclKind::Function, "") {
        if declared.path() != surroundings.buffer.path {
            let name = folded(NameKind::Function, &declared);
            names.add(NameSignal::Words, NameKind::Function, name, 0.5);
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
