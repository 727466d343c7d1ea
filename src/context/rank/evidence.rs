//! How likely the next lines use a name, where an expression or an empty body begins:
//! a logistic function of what each signal says of the name.
//!
//! The mixture asks how likely each signal is right, and its probabilities add up. A
//! name that several signals give is likelier than that: each one is evidence on its
//! own. The weights were fitted to what code uses, so that the results are calibrated:
//! of the names with a probability of 0.1, one in ten is used.

use rustc_hash::FxHashMap;

use super::names::{FoldedName, NameWeights};
use crate::context::weights::{EVIDENCE_SCALE, EvidenceWeights, WEIGHED_NAMES};
use crate::index::Snapshot;
use crate::index::symbols::{NameKind, UseKey};

/// The signals whose evidence counts, in the order of [`EvidenceWeights::signals`].
pub(super) const SIGNALS: usize = 5;

/// The likeliest names of `signals` with their probabilities. `is_typed` says whether
/// a name is a member of a known type.
pub(super) fn probabilities<'a>(
    snapshot: &Snapshot,
    signals: [NameWeights<'a>; SIGNALS],
    is_typed: impl Fn(&FoldedName<'a>) -> bool,
    weights: &EvidenceWeights,
) -> NameWeights<'a> {
    let mut shares: FxHashMap<FoldedName<'a>, [f32; SIGNALS]> = FxHashMap::default();
    for (number, signal) in signals.into_iter().enumerate() {
        let sum = signal.sum();
        if sum > 0.0 {
            #[expect(clippy::iter_over_hash_type, reason = "each name is written once")]
            for (name, weight) in signal.0 {
                shares.entry(name).or_default()[number] = weight / sum;
            }
        }
    }
    let mut found = NameWeights::default();
    #[expect(clippy::iter_over_hash_type, reason = "each name is written once")]
    for (name, shares) in shares {
        let evidence = weights.evidence(name.0, &shares, is_typed(&name));
        // Evidence may be below 0; weights are not.
        found.0.insert(name, evidence.exp());
    }
    let mut probabilities = NameWeights::default();
    for (name, odds) in found.best(WEIGHED_NAMES) {
        let users = snapshot.uses(UseKey::Name(name.0, &name.1)).count();
        let odds = odds * (weights.users * (1.0 + users as f32).ln()).exp();
        probabilities.0.insert(name, odds / (1.0 + odds));
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
            evidence += weight * (1.0 + EVIDENCE_SCALE * share).ln();
            best = best.max(*share);
            given += u8::from(*share > 0.0);
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
            let mut signals: [NameWeights<'_>; SIGNALS] = std::array::from_fn(|_| {
                let mut names = NameWeights::default();
                names.add(NameKind::Function, "everywhere", 3.0);
                names.add(NameKind::Function, "rest", 97.0);
                names
            });
            signals[1].add(NameKind::Function, "once", 3.0);
            let found = probabilities(&snapshot, signals, |_| false, &weights).best(3);
            let names: Vec<&str> = found.iter().map(|((_, name), _)| &**name).collect();
            assert_eq!(names, ["rest", "everywhere", "once"]);
            assert!(found.iter().all(|(_, p)| *p > 0.0 && *p < 1.0), "{found:?}");
        }
    }
}
