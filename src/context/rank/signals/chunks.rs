//! The signal `chunks`: names used in the chunks that resemble the code around
//! the cursor.

use rustc_hash::FxHashSet;

use crate::context::rank::name_table::{NameSignal, NameTable};
use crate::context::rank::surroundings::Surroundings;
use crate::context::weights::{NEIGHBOUR_EXPONENT, USED_CLASS};
use crate::index::symbols::NameKind;
use crate::index::{Hit, SourceFile};
use crate::php::Reference;
use crate::php::names::Scope;

/// Adds the names used in the chunks `hits`, weighted by how well those match.
pub(in crate::context::rank) fn add_used_in_chunks(
    surroundings: &Surroundings<'_>,
    hits: &[Hit],
    names: &mut NameTable<'_>,
) {
    let Some(best) = hits.first().map(|hit| hit.score) else {
        return;
    };
    let mut seen = FxHashSet::default();
    for hit in hits {
        let weight = (hit.score / best).powi(NEIGHBOUR_EXPONENT);
        let references = &hit.file.facts.references;
        let first = references.partition_point(|r| r.name().start < hit.chunk.start);
        let inside = references[first..]
            .iter()
            .take_while(|r| r.name().start < hit.chunk.end);
        // Each name counts once.
        seen.clear();
        let new = inside.filter(|reference| {
            let written = reference.name().of(&hit.file.text);
            seen.insert((NameKind::from(reference.kind), written))
        });
        add_used(surroundings, &hit.file, new, weight, names);
    }
}

/// Adds each name among `references` of `file` with `weight`.
fn add_used<'r>(
    surroundings: &Surroundings<'_>,
    file: &SourceFile,
    references: impl Iterator<Item = &'r Reference>,
    weight: f32,
    names: &mut NameTable<'_>,
) {
    for reference in references {
        let kind = NameKind::from(reference.kind);
        let kind_weight = surroundings.kind_weight(kind);
        if kind_weight == 0.0 && kind != NameKind::Class {
            continue;
        }
        let written = reference.name().of(&file.text);
        let scope = Scope::at(&file.facts, &file.text, reference.name().start as usize);
        let Some(number) = names.used(kind, written, &scope) else {
            continue;
        };
        if kind == NameKind::Class {
            names.add_relevance(number, weight * USED_CLASS);
        }
        if kind_weight > 0.0 {
            names.weigh(NameSignal::Chunks, number, weight * kind_weight);
        }
    }
}
