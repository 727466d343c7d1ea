//! How likely the next lines use a name, where an expression or an empty body begins:
//! a logistic function of what each signal says of the name.
//!
//! The mixture asks how likely each signal is right, and its probabilities add up. A
//! name that several signals give is likelier than that: each one is evidence on its
//! own. The weights were fitted to what code uses, so that the results are calibrated:
//! of the names with a probability of 0.1, one in ten is used.

use super::name_table::{NameSignal, NameTable, SignalWeights};
use crate::context::weights::{EVIDENCE_SCALE, EvidenceWeights, WEIGHED_NAMES};
use crate::index::Snapshot;
use crate::index::symbols::{NameKind, UseKey};

/// The signals whose evidence counts, in the order of [`EvidenceWeights::signals`].
const SIGNALS: usize = 5;

/// The probabilities of the likeliest names of `table`, and 0 for all others. `nearby` is
/// what the signal `nearby` gives.
pub(super) fn probabilities(
    snapshot: &Snapshot,
    table: &NameTable<'_>,
    nearby: SignalWeights,
    weights: &EvidenceWeights,
) -> Vec<f32> {
    let signals: [SignalWeights; SIGNALS] = [
        table.weights(NameSignal::Chunks),
        table.weights(NameSignal::SimilarFiles),
        table.weights(NameSignal::Reach),
        nearby,
        table.weights(NameSignal::Words),
    ];
    let odds = (0..table.len()).map(|number| {
        let shares = std::array::from_fn(|signal| signals[signal].share(number));
        if shares == [0.0; SIGNALS] {
            return 0.0;
        }
        let kind = table.name(number).0;
        let evidence = weights.evidence(kind, &shares, table.is_typed(number));
        // Evidence may be below 0; scores are not.
        evidence.exp()
    });
    let odds: Vec<f32> = odds.collect();
    let mut probabilities = vec![0.0; table.len()];
    for number in table.best(&odds, WEIGHED_NAMES) {
        let (kind, name) = table.name(number);
        let users = snapshot.users(UseKey::Name(kind, name));
        let odds = odds[number] * (weights.users * (1.0 + users as f32).ln()).exp();
        probabilities[number] = odds / (1.0 + odds);
    }
    probabilities
}

impl EvidenceWeights {
    /// The logarithm of the odds of a name of this kind, of which each signal has the
    /// share in `shares`, whatever files use it.
    fn evidence(&self, kind: NameKind, shares: &[f32; SIGNALS], is_typed: bool) -> f32 {
        let mut evidence = self.kinds[kind as usize];
        let (mut best, mut given) = (0.0_f32, 0);
        for (share, weight) in shares.iter().zip(&self.signals) {
            if *share > 0.0 {
                evidence += weight * (1.0 + EVIDENCE_SCALE * share).ln();
                best = best.max(*share);
                given += 1_u8;
            }
        }
        evidence += self.best * best.sqrt() + self.given * f32::from(given);
        if is_typed {
            evidence += self.typed;
        }
        evidence
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::weights::{BODY_EVIDENCE, EXPRESSION_EVIDENCE};
    use crate::index::Index;

    #[test]
    fn what_more_signals_give_is_likelier() {
        let snapshot = Index::build(Vec::new()).snapshot();
        for weights in [BODY_EVIDENCE, EXPRESSION_EVIDENCE] {
            let mut table = NameTable::new();
            let signals = [
                NameSignal::Chunks,
                NameSignal::SimilarFiles,
                NameSignal::Reach,
                NameSignal::Words,
            ];
            for signal in signals {
                table.add(signal, NameKind::Function, "everywhere", 3.0);
                table.add(signal, NameKind::Function, "rest", 97.0);
            }
            table.add(NameSignal::SimilarFiles, NameKind::Function, "once", 3.0);
            let nearby = table.weights(NameSignal::Chunks);
            let found = probabilities(&snapshot, &table, nearby, &weights);
            let names = table.best(&found, 3);
            let names: Vec<&str> = names.into_iter().map(|n| table.name(n).1).collect();
            assert_eq!(names, ["rest", "everywhere", "once"]);
            assert!(found.iter().all(|p| *p > 0.0 && *p < 1.0), "{found:?}");
        }
    }
}
