//! The signal `receivers`: members that other files use on receivers of the
//! same name.

use crate::context::rank::name_table::{NameSignal, NameTable};
use crate::context::rank::surroundings::Surroundings;
use crate::index::symbols::{NameKind, UseKey};
use crate::php;

/// Adds the members used elsewhere on receivers called like the one in front of
/// token `operator`.
pub(in crate::context::rank) fn add_used_on_receiver(
    surroundings: &Surroundings<'_>,
    operator: usize,
    names: &mut NameTable<'_>,
) {
    let buffer = surroundings.buffer;
    let receiver = php::receiver(buffer.content, &buffer.tokens, operator);
    let receiver = receiver.of(buffer.content);
    let receiver = receiver.rsplit('\\').next().unwrap_or(receiver);
    if receiver.is_empty() {
        return;
    }
    for uses in surroundings.snapshot.uses(UseKey::Receiver(receiver)) {
        if *uses.file.path == *buffer.path {
            continue;
        }
        let reference = uses.file.facts.references[uses.value as usize];
        let kind = NameKind::from(reference.kind);
        let weight = surroundings.kind_weight(kind);
        if weight > 0.0 {
            // Sums of small dyadic weights are exact in any order.
            let name = reference.name().of(&uses.file.text);
            let number = names.number_of_copy(kind, &kind.folded(name));
            names.weigh(NameSignal::Receivers, number, weight);
        }
    }
}
