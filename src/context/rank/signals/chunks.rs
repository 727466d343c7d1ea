//! The signal `chunks`: names used in the chunks that resemble the code around
//! the cursor.

use rustc_hash::FxHashSet;

use crate::context::rank::names::{ClassRelevance, NameWeights};
use crate::context::rank::surroundings::Surroundings;
use crate::context::weights::{NEIGHBOUR_EXPONENT, USED_CLASS};
use crate::index::symbols::{NameKind, used_name};
use crate::index::{Hit, SourceFile};
use crate::php::Reference;
use crate::php::names::Scope;

/// Adds the names used in the chunks `hits`, weighted by how well those match.
pub(in crate::context::rank) fn add_used_in_chunks<'a>(
    surroundings: &Surroundings<'a>,
    hits: &[Hit],
    names: &mut NameWeights<'a>,
    classes: &mut ClassRelevance<'a>,
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
        add_used(surroundings, &hit.file, new, weight, names, classes);
    }
}

/// Adds each name among `references` of `file` with `weight`.
fn add_used<'a, 'r>(
    surroundings: &Surroundings<'a>,
    file: &SourceFile,
    references: impl Iterator<Item = &'r Reference>,
    weight: f32,
    names: &mut NameWeights<'a>,
    classes: &mut ClassRelevance<'a>,
) {
    for reference in references {
        let kind = NameKind::from(reference.kind);
        let kind_weight = surroundings.kind_weight(kind);
        if kind_weight == 0.0 && kind != NameKind::Class {
            continue;
        }
        let written = reference.name().of(&file.text);
        let scope = Scope::at(&file.facts, &file.text, reference.name().start as usize);
        let Some(name) = used_name(kind, written, &scope) else {
            continue;
        };
        if kind == NameKind::Class {
            classes.add(name.clone(), weight * USED_CLASS);
        }
        if kind_weight > 0.0 {
            names.add(kind, name, weight * kind_weight);
        }
    }
}
