//! Assigns examples to the two splits, and orders them.
//!
//! All examples of a file go to the same split, and so do files that are near
//! duplicates of each other. The validation is drawn before the curriculum cuts
//! anything, and from every layer of complexity: the files are put in the order of
//! their mean complexity, and one of each run of `1 / ratio` files goes to the
//! validation.
//!
//! A part of a larger dataset does not know what else is in the dataset. There the
//! hash of a file's text decides, so the result is the same in every part:
//! [`validates`].

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::dataset::options::{Options, SplitUnit};
use crate::dataset::split::{SplitAssignment, SplitEntry};

/// The most exchanges that bring the share of examples near the share of files.
const EXCHANGES: usize = 32;

/// Splits and orders `entries`. The curriculum sorts and cuts the training split
/// only, and after the draw, so the validation stays a fair sample.
#[must_use]
pub fn split(entries: &[SplitEntry], options: &Options, rng: &mut ChaCha8Rng) -> SplitAssignment {
    let mut order: Vec<_> = (0..entries.len()).collect();
    order.shuffle(rng);
    let in_val: Vec<bool> = match options.split_by {
        SplitUnit::Example => {
            let wanted = share(entries.len(), options.val_split);
            let mut in_val = vec![false; entries.len()];
            for at in order.iter().take(wanted) {
                in_val[*at] = true;
            }
            in_val
        }
        SplitUnit::File => {
            let clusters = clusters_for_validation(entries, options.val_split, rng);
            let chosen = entries.iter().map(|entry| clusters[entry.cluster]);
            chosen.collect()
        }
    };
    let (validation, mut train): (Vec<_>, Vec<_>) = order.into_iter().partition(|at| in_val[*at]);
    if options.curriculum {
        train.sort_by(|a, b| entries[*b].complexity.total_cmp(&entries[*a].complexity));
        let percent = usize::from(options.curriculum_top_pct);
        train.truncate((train.len() * percent).div_ceil(100));
    }
    SplitAssignment {
        train,
        validation,
        leaked: Vec::new(),
    }
}

/// In a part of a larger dataset: whether files go to the validation split if the
/// text of their representative has this hash. The share of texts that go there is
/// [`Options::val_split`].
#[must_use]
pub fn validates(text: &blake3::Hash, options: &Options) -> bool {
    let key = blake3::derive_key("fimd split by text", &options.seed.to_le_bytes());
    let mut drawn = blake3::Hasher::new_keyed(&key);
    drawn.update(text.as_bytes());
    let mut bytes = [0; 8];
    drawn.finalize_xof().fill(&mut bytes);
    // A float holds 53 bits exactly.
    let share = (u64::from_le_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64;
    share < options.val_split
}

/// `ratio` of `count`, rounded. If `count` is 2 or more and `ratio` is above 0, it
/// is at least 1 and leaves at least 1.
fn share(count: usize, ratio: f64) -> usize {
    if ratio <= 0.0 || count < 2 {
        return 0;
    }
    // Exact for any count below 2^52, since the ratio is below 1.
    let wanted = (count as f64 * ratio).round() as usize;
    wanted.clamp(1, count - 1)
}

/// For each cluster, whether it validates. Of the clusters that have examples, a
/// share `ratio` validates: a random one of each layer of complexity. A few are then
/// exchanged for others of their layer until they have about `ratio` of the
/// examples.
fn clusters_for_validation(entries: &[SplitEntry], ratio: f64, rng: &mut ChaCha8Rng) -> Vec<bool> {
    let count = entries.iter().map(|entry| entry.cluster + 1).max();
    let mut examples = vec![0_i64; count.unwrap_or(0)];
    let mut complexity = vec![0.0; examples.len()];
    for entry in entries {
        examples[entry.cluster] += 1;
        complexity[entry.cluster] += entry.complexity;
    }
    let mean = |at: usize| complexity[at] / examples[at] as f64;
    let mut clusters: Vec<_> = (0..examples.len()).filter(|at| examples[*at] > 0).collect();
    clusters.shuffle(rng);
    clusters.sort_by(|a, b| mean(*a).total_cmp(&mean(*b)));
    let wanted = share(clusters.len(), ratio);
    let mut layers: Vec<ComplexityLayer> = (0..wanted)
        .map(|layer| {
            let from = layer * clusters.len() / wanted;
            let to = (layer + 1) * clusters.len() / wanted;
            let mut clusters = clusters[from..to].to_vec();
            clusters.sort_by_key(|at| (examples[*at], *at));
            let chosen = rng.random_range(0..clusters.len());
            ComplexityLayer { clusters, chosen }
        })
        .collect();
    let target = (entries.len() as f64 * ratio).round() as i64;
    for _ in 0..EXCHANGES {
        let chosen = layers.iter().map(|layer| examples[layer.chosen()]);
        let surplus = chosen.sum::<i64>() - target;
        let Some((off, layer, instead)) = best_exchange(&layers, &examples, surplus) else {
            break;
        };
        if off >= surplus.abs() {
            break;
        }
        layers[layer].chosen = instead;
    }
    let mut chosen = vec![false; examples.len()];
    for layer in &layers {
        chosen[layer.chosen()] = true;
    }
    chosen
}

/// Clusters of about the same complexity. One of them validates.
struct ComplexityLayer {
    /// The clusters, in the order of their numbers of examples.
    clusters: Vec<usize>,
    /// The index of the one that validates.
    chosen: usize,
}

impl ComplexityLayer {
    /// The cluster that validates.
    fn chosen(&self) -> usize {
        self.clusters[self.chosen]
    }
}

/// The exchange within a layer that brings `surplus` nearest to 0: the distance that
/// is left, the number of the layer, and the index of its cluster that validates
/// instead.
fn best_exchange(
    layers: &[ComplexityLayer],
    examples: &[i64],
    surplus: i64,
) -> Option<(i64, usize, usize)> {
    layers
        .iter()
        .enumerate()
        .flat_map(|(number, layer)| {
            let wanted = examples[layer.chosen()] - surplus;
            let clusters = &layer.clusters;
            let above = clusters.partition_point(|other| examples[*other] < wanted);
            [above.checked_sub(1), Some(above)]
                .into_iter()
                .flatten()
                .filter_map(move |instead| {
                    let off = (examples[*clusters.get(instead)?] - wanted).abs();
                    (instead != layer.chosen).then_some((off, number, instead))
                })
        })
        .min()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    fn entries(sizes: &[usize]) -> Vec<SplitEntry> {
        let of_file = |(file, size): (usize, &usize)| {
            (0..*size).map(move |n| SplitEntry {
                file,
                cluster: file,
                complexity: (n * 7 % 13) as f64,
            })
        };
        sizes.iter().enumerate().flat_map(of_file).collect()
    }

    fn run(entries: &[SplitEntry], options: &Options) -> SplitAssignment {
        split(entries, options, &mut ChaCha8Rng::seed_from_u64(1))
    }

    proptest! {
        #[test]
        fn no_file_is_in_both_parts_and_the_ratio_is_hit_within_one_file(
            sizes in prop::collection::vec(1_usize..60, 10..80),
            percent in 5_u32..50,
        ) {
            // The predecessor split by example: 97 % of its validation stood in training.
            let entries = entries(&sizes);
            let ratio = f64::from(percent) / 100.0;
            let parts = run(&entries, &Options { val_split: ratio, ..Options::default() });
            prop_assert_eq!(parts.train.len() + parts.validation.len(), entries.len());
            let mut in_val = vec![false; sizes.len()];
            for at in &parts.validation {
                in_val[entries[*at].file] = true;
            }
            prop_assert!(parts.train.iter().all(|at| !in_val[entries[*at].file]));
            let files = in_val.iter().filter(|is| **is).count() as f64;
            prop_assert!((files - ratio * sizes.len() as f64).abs() <= 1.0);
            let examples = parts.validation.len() as f64;
            let largest = sizes.iter().max().copied().unwrap_or(0) as f64;
            prop_assert!((examples - ratio * entries.len() as f64).abs() <= largest);
        }
    }

    #[test]
    fn the_curriculum_cuts_training_only() {
        let entries = entries(&[20; 10]);
        let plain = run(&entries, &Options::default());
        let options = Options {
            curriculum: true,
            curriculum_top_pct: 25,
            ..Options::default()
        };
        let sorted = run(&entries, &options);
        assert_eq!(sorted.validation, plain.validation);
        assert_eq!(sorted.train.len(), 45);
        let scores: Vec<_> = sorted
            .train
            .iter()
            .map(|at| entries[*at].complexity)
            .collect();
        assert!(scores.is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn near_duplicates_are_in_one_part() {
        let mut entries = entries(&[10; 40]);
        for entry in &mut entries {
            entry.cluster = entry.file % 20;
        }
        let parts = run(&entries, &Options::default());
        let clusters = |part: &[usize]| -> Vec<usize> {
            let mut clusters: Vec<_> = part.iter().map(|at| entries[*at].cluster).collect();
            clusters.sort_unstable();
            clusters.dedup();
            clusters
        };
        let (train, val) = (clusters(&parts.train), clusters(&parts.validation));
        assert_eq!(val.len(), 2);
        assert!(val.iter().all(|cluster| !train.contains(cluster)));
    }

    #[test]
    fn validation_is_as_complex_as_the_whole_whatever_the_curriculum_cuts() {
        // Complexity grows with the square of the file number: most files are easy,
        // a few very hard.
        let sizes: Vec<_> = (0..200).map(|file| 5 + file * 31 % 17).collect();
        let mut entries = entries(&sizes);
        for entry in &mut entries {
            let hardness = entry.file as f64;
            entry.complexity += hardness * hardness / 100.0;
        }
        let all: Vec<_> = (0..entries.len()).collect();
        let quantiles = |part: &[usize]| {
            let mut scores: Vec<_> = part.iter().map(|at| entries[*at].complexity).collect();
            scores.sort_by(f64::total_cmp);
            [1, 3, 5, 7, 9].map(|tenth| scores[scores.len() * tenth / 10])
        };
        let whole = quantiles(&all);
        let off = |part: &[usize]| {
            let pairs = quantiles(part).into_iter().zip(whole);
            pairs.map(|(part, whole)| (part - whole).abs()).sum::<f64>()
        };
        let options = Options {
            curriculum: true,
            curriculum_top_pct: 10,
            ..Options::default()
        };
        let (mut layered, mut random) = (0.0, 0.0);
        for seed in 0..20 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let parts = split(&entries, &options, &mut rng);
            let hardest = |part: &[usize]| quantiles(part)[4];
            assert!(hardest(&parts.train) > hardest(&all));
            layered += off(&parts.validation);
            let mut files: Vec<_> = (0..sizes.len()).collect();
            files.shuffle(&mut rng);
            let drawn = &files[..20];
            let is_drawn = |at: &usize| drawn.contains(&entries[*at].file);
            random += off(&all.iter().copied().filter(is_drawn).collect::<Vec<_>>());
        }
        assert!(1.5 * layered < random, "{layered} {random}");
    }

    #[test]
    fn a_text_validates_by_the_seed_alone_and_as_many_do_as_are_asked_for() {
        let drawn = |seed, val_split| -> Vec<bool> {
            let options = Options {
                seed,
                val_split,
                ..Options::default()
            };
            let texts = (0_u32..4000).map(|n| blake3::hash(&n.to_le_bytes()));
            texts.map(|text| validates(&text, &options)).collect()
        };
        let count = |drawn: &[bool]| drawn.iter().filter(|is| **is).count();
        assert!((350..450).contains(&count(&drawn(1, 0.1))));
        assert_eq!(count(&drawn(1, 0.0)), 0);
        assert_eq!(drawn(1, 0.1), drawn(1, 0.1));
        assert_ne!(drawn(1, 0.1), drawn(2, 0.1));
        // A larger share takes the texts of a smaller one, and others.
        let (few, many) = (drawn(1, 0.1), drawn(1, 0.3));
        assert!(few.iter().zip(&many).all(|(few, many)| *many || !few));
    }

    #[test]
    fn a_split_by_example_has_its_exact_size_and_one_file_is_never_torn() {
        let entries = entries(&[30]);
        let options = Options {
            split_by: SplitUnit::Example,
            ..Options::default()
        };
        assert_eq!(run(&entries, &options).validation.len(), 3);
        assert_eq!(run(&entries, &Options::default()).validation.len(), 0);
    }
}
