//! Assigns examples to the two splits, and orders them.
//!
//! All examples of a file go to the same split, and so do files that are near
//! duplicates of each other. The validation is drawn before the curriculum cuts
//! anything, and from every layer of complexity: the files are put in the order of
//! their mean complexity, and one of each run of `1 / ratio` files goes to the
//! validation.
//!
//! Some middles of these files stand in other files, or in the contexts of their
//! examples. If at most [`MOST_SHOWING`] examples show a middle, they are left out of
//! the training. If more show it, the validation example is left out, because it costs
//! less to hold out one more file. Files of the reserve validate as well, until the
//! ratio is reached. No context is made in another way for this: each remains what an
//! editor would get.
//!
//! A part of a larger dataset does not know what else is in the dataset. There the
//! hash of a file's text decides, so the result is the same in every part:
//! [`validates`].

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rustc_hash::FxHashMap;

use crate::dataset::options::Options;
use crate::dataset::split::{SplitAssignment, SplitEntry};

/// The most exchanges that bring the share of examples near the share of files.
const EXCHANGES: usize = 32;

/// The most training examples that are left out for one validation example. Of 0 to 20,
/// 1 and 2 cost the fewest examples until the ratio is reached (cacti and symfony, all
/// contexts). With 2, more of the validation is kept.
pub const MOST_SHOWING: usize = 2;

/// The most examples in files that may validate, as a multiple of those that shall.
const RESERVE: f64 = 3.0;

/// Which files may validate. Examples and clusters are numbered from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitDraw {
    /// All examples, in random order.
    order: Vec<usize>,
    /// The clusters that validate.
    first: Vec<usize>,
    /// The clusters that also validate if too few examples do, in this order.
    reserve: Vec<usize>,
}

/// For each example that may validate, the examples of other clusters that show its
/// middle; `None` if there are more than [`MOST_SHOWING`]. No middle of any other
/// example is shown.
pub type ShowingExamples = FxHashMap<usize, Option<Vec<usize>>>;

/// Draws the files that may validate.
#[must_use]
pub fn draw(entries: &[SplitEntry], options: &Options, rng: &mut ChaCha8Rng) -> SplitDraw {
    let mut order: Vec<_> = (0..entries.len()).collect();
    order.shuffle(rng);
    let (first, reserve) = clusters_for_validation(entries, options.val_split, rng);
    SplitDraw {
        order,
        first,
        reserve,
    }
}

/// Splits `entries` without regard to their files.
#[must_use]
pub fn by_example(
    entries: &[SplitEntry],
    options: &Options,
    rng: &mut ChaCha8Rng,
) -> SplitAssignment {
    let mut order: Vec<_> = (0..entries.len()).collect();
    order.shuffle(rng);
    let wanted = share(entries.len(), options.val_split);
    let mut in_val = vec![false; entries.len()];
    for at in order.iter().take(wanted) {
        in_val[*at] = true;
    }
    let (validation, train) = order.into_iter().partition(|at| in_val[*at]);
    SplitAssignment {
        train: in_curriculum(train, entries, options),
        validation,
        ..SplitAssignment::default()
    }
}

/// `train` as the curriculum sorts and cuts it, if there is one. It does so after the
/// draw, so the validation stays a fair sample.
fn in_curriculum(mut train: Vec<usize>, entries: &[SplitEntry], options: &Options) -> Vec<usize> {
    if options.curriculum {
        train.sort_by(|a, b| entries[*b].complexity.total_cmp(&entries[*a].complexity));
        let percent = usize::from(options.curriculum_top_pct);
        train.truncate((train.len() * percent).div_ceil(100));
    }
    train
}

impl SplitDraw {
    /// The draw in which exactly the clusters `first` validate. `order` has all examples.
    #[must_use]
    pub fn of(order: Vec<usize>, first: Vec<usize>) -> Self {
        Self {
            order,
            first,
            reserve: Vec::new(),
        }
    }

    /// The examples that may validate, in ascending order.
    #[must_use]
    pub fn pool(&self, entries: &[SplitEntry]) -> Vec<usize> {
        let count = entries.iter().map(|entry| entry.cluster + 1).max();
        let mut may = vec![false; count.unwrap_or(0)];
        for cluster in self.first.iter().chain(&self.reserve) {
            may[*cluster] = true;
        }
        let examples = 0..entries.len();
        examples.filter(|at| may[entries[*at].cluster]).collect()
    }

    /// Splits and orders `entries`.
    #[must_use]
    pub fn settle(
        self,
        entries: &[SplitEntry],
        showing: &ShowingExamples,
        options: &Options,
    ) -> SplitAssignment {
        let mut balance = Balance::new(entries, showing);
        for cluster in &self.first {
            balance.validate(*cluster);
        }
        for cluster in &self.reserve {
            let missing = balance.missing(options.val_split);
            if missing < 0.5 {
                break;
            }
            // A larger cluster would be farther from the ratio than none, and one of which
            // few middles are unseen would cost more than it brings.
            let (usable, all) = (balance.usable(*cluster), balance.members[*cluster].len());
            if all <= 3 * usable && usable as f64 <= 2.0 * missing {
                balance.validate(*cluster);
            }
        }
        balance.finish(self.order, options)
    }
}

/// A split that is being made.
struct Balance<'a> {
    entries: &'a [SplitEntry],
    showing: &'a ShowingExamples,
    /// The examples of each cluster.
    members: Vec<Vec<usize>>,
    /// Whether each cluster validates.
    validates: Vec<bool>,
    /// How many middles that validate each example shows.
    shows: Vec<u32>,
    /// The number of examples that validate.
    validation: usize,
    /// The number of examples that train.
    train: usize,
}

impl<'a> Balance<'a> {
    fn new(entries: &'a [SplitEntry], showing: &'a ShowingExamples) -> Self {
        let count = entries.iter().map(|entry| entry.cluster + 1).max();
        let mut members = vec![Vec::new(); count.unwrap_or(0)];
        for (at, entry) in entries.iter().enumerate() {
            members[entry.cluster].push(at);
        }
        Self {
            entries,
            showing,
            validates: vec![false; members.len()],
            members,
            shows: vec![0; entries.len()],
            validation: 0,
            train: entries.len(),
        }
    }

    /// The examples that show the middle of the example `at`; `None` if there are too
    /// many.
    fn showing(&self, at: usize) -> Option<&'a [usize]> {
        match self.showing.get(&at) {
            None => Some(&[]),
            Some(examples) => examples.as_deref(),
        }
    }

    /// How many examples of `cluster` can validate.
    fn usable(&self, cluster: usize) -> usize {
        let members = self.members[cluster].iter();
        members.filter(|at| self.showing(**at).is_some()).count()
    }

    /// How many validation examples are missing until they are the share `ratio`.
    fn missing(&self, ratio: f64) -> f64 {
        // Exact, since counts are far below 2^52.
        ratio * (self.train + self.validation) as f64 - self.validation as f64
    }

    /// Moves `cluster` from the training to the validation.
    fn validate(&mut self, cluster: usize) {
        self.validates[cluster] = true;
        let members = std::mem::take(&mut self.members[cluster]);
        for at in &members {
            self.train -= usize::from(self.shows[*at] == 0);
        }
        for at in &members {
            let Some(examples) = self.showing(*at) else {
                continue;
            };
            self.validation += 1;
            for example in examples {
                self.shows[*example] += 1;
                let is_lost =
                    self.shows[*example] == 1 && !self.validates[self.entries[*example].cluster];
                self.train -= usize::from(is_lost);
            }
        }
        self.members[cluster] = members;
    }

    /// The split, each part in the order of `order`.
    fn finish(self, order: Vec<usize>, options: &Options) -> SplitAssignment {
        let mut splits = SplitAssignment::default();
        for at in order {
            let validates = self.validates[self.entries[at].cluster];
            let part = match (validates, self.showing(at)) {
                (true, Some(_)) => &mut splits.validation,
                (true, None) => &mut splits.leaked,
                (false, _) if self.shows[at] > 0 => &mut splits.showing,
                (false, _) => &mut splits.train,
            };
            part.push(at);
        }
        splits.train = in_curriculum(splits.train, self.entries, options);
        splits
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

/// The clusters that validate, and those of the reserve. Of the clusters that have
/// examples, a share `ratio` validates: a random one of each layer of complexity. A few
/// are then exchanged for others of their layer until they have about `ratio` of the
/// examples. The reserve has one of each layer after another.
fn clusters_for_validation(
    entries: &[SplitEntry],
    ratio: f64,
    rng: &mut ChaCha8Rng,
) -> (Vec<usize>, Vec<usize>) {
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
    let first: Vec<_> = layers.iter().map(ComplexityLayer::chosen).collect();
    // Half of the others train at least.
    let most = (ratio * RESERVE).min(f64::midpoint(ratio, 1.0)) * entries.len() as f64;
    let mut left = most as i64 - first.iter().map(|at| examples[*at]).sum::<i64>();
    let mut reserve = reserve(&layers, rng);
    reserve.retain(|cluster| {
        left -= examples[*cluster];
        left >= 0
    });
    (first, reserve)
}

/// The clusters of `layers` that are not chosen: a random one of each layer, then
/// another one of each.
fn reserve(layers: &[ComplexityLayer], rng: &mut ChaCha8Rng) -> Vec<usize> {
    let others = layers.iter().map(|layer| {
        let chosen = layer.chosen();
        let others = layer.clusters.iter().copied();
        let mut others: Vec<_> = others.filter(|at| *at != chosen).collect();
        others.shuffle(rng);
        others
    });
    let mut others: Vec<_> = others.collect();
    let mut order: Vec<_> = (0..others.len()).collect();
    let mut reserve = Vec::new();
    while !order.is_empty() {
        order.shuffle(rng);
        order.retain(|layer| {
            let next = others[*layer].pop();
            reserve.extend(next);
            next.is_some()
        });
    }
    reserve
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
mod tests;
