//! Draws the place from which the text before a hole counts as typed.
//!
//! A context grows while somebody types (see [`Course`](crate::context::Course)), so a
//! model has to learn from contexts that have grown. Six in ten examples are the first
//! request at a place: their contexts are made for the hole. The others begin up to
//! [`MOST_STEPS`] checkpoints before it.

use std::ops::Range;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::context;
use crate::dataset::options::Options;

/// How many in a hundred examples begin how many checkpoints before their hole.
const STEPS: [(u32, usize); 5] = [(60, 0), (20, 1), (12, 2), (5, 3), (3, MOST_STEPS)];
/// The most checkpoints between the start and the hole. Each takes as long as a context.
const MOST_STEPS: usize = 5;

/// The [`context_start`](crate::dataset::record::Example::context_start) of the example
/// for `hole` of the file `path`; `before` is the file's text in front of it.
pub(in crate::dataset) fn context_start(
    path: &str,
    before: &str,
    hole: &Range<usize>,
    options: &Options,
) -> usize {
    let Range { start, end } = hole;
    draw_start(
        before,
        options.rng(&format!("\0start {start} {end} {path}")),
    )
}

/// The byte from which `before`, the text in front of a hole, counts as typed.
fn draw_start(before: &str, mut rng: ChaCha8Rng) -> usize {
    let mut drawn = rng.random_range(0..100);
    for (share, steps) in STEPS {
        if drawn < share {
            return context::start_before(before, before.len(), steps);
        }
        drawn -= share;
    }
    before.len()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn most_starts_are_the_hole_and_all_others_stand_before_it() {
        let text = "<?php\n$a->b(\n$c->d(\n$e";
        let starts: Vec<usize> = (0..1000)
            .map(|seed| draw_start(text, ChaCha8Rng::seed_from_u64(seed)))
            .collect();
        let count = |at: usize| starts.iter().filter(|start| **start == at).count();
        assert!((550..650).contains(&count(text.len())));
        let others = [
            (20, "<?php\n$a->b(\n$c->d(\n"),
            (12, "<?php\n$a->b(\n$c->d("),
            (5, "<?php\n$a->b(\n$c->"),
            (3, "<?php\n$a->b("),
        ];
        for (share, at) in others {
            let found = count(at.len());
            assert!((share * 6..share * 14).contains(&found), "{at:?}: {found}");
        }
    }

    #[test]
    fn a_text_without_a_checkpoint_begins_at_the_hole() {
        for seed in 0..100 {
            assert_eq!(draw_start("<?php", ChaCha8Rng::seed_from_u64(seed)), 5);
        }
    }
}
