//! The data that the report page shows: counts and histograms over all examples,
//! and a sample of examples.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::dataset::batch::Sizes;
use crate::dataset::record::{Example, SpanKind};
use crate::dataset::report::sample::{ExamplePosition, Sample};
use crate::html::charts::Histogram;
use crate::prompt::PromptLimits;

/// The most examples on the page. Each kind has as many of them as possible.
const MAX_EXAMPLES: usize = 300;
/// The number of bars of a histogram.
const BINS: usize = 32;

/// The figures of an example that the plots show.
#[derive(Clone, Copy, Debug)]
pub(in crate::dataset) struct PlotPoint {
    /// See [`Example::span_kind`].
    pub kind: SpanKind,
    /// See [`Example::complexity_score`].
    pub complexity: f64,
    /// The lengths of its parts, in characters.
    pub sizes: Sizes,
}

impl PlotPoint {
    /// The figures of `example`.
    pub(super) fn of(example: &Example) -> Self {
        let Example {
            context,
            prefix,
            middle,
            suffix,
            ..
        } = example;
        let chars = [context, prefix, middle, suffix].map(|text| text.chars().count());
        Self {
            kind: example.span_kind,
            complexity: example.complexity_score,
            sizes: Sizes::new(chars, example.context_max_chars),
        }
    }
}

/// The data of a page, collected from all examples. For each example in the sample
/// it keeps a `T`: the example itself, or its index.
pub(super) struct PageData<T> {
    /// The number of examples in each split, by kind.
    pub(super) kinds: BTreeMap<SpanKind, [u64; 2]>,
    /// The lengths of context, prefix, middle and suffix, and of all four together,
    /// in characters.
    pub(super) lengths: [Histogram<1>; 5],
    /// The complexity of the examples, in points: a series for each split.
    pub(super) complexity: Histogram<2>,
    /// How much of its budget each context uses, in percent.
    pub(super) context_use: Histogram<1>,
    /// The number of examples without a context.
    pub(super) without_context: u64,
    /// The number of all examples.
    pub(super) examples: u64,
    seed: u64,
    samples: BTreeMap<SpanKind, Sample<T>>,
}

impl<T> PageData<T> {
    /// The data of a page without examples. `metadata` give the ranges of the plots.
    pub(super) fn new(metadata: &Value) -> Self {
        let option = |name: &str| count(metadata, &format!("/options/{name}")) as usize;
        let limits = PromptLimits {
            total: option("max_total_chars"),
            context: option("max_context_chars"),
            prefix: None,
            suffix: option("max_suffix_chars"),
        };
        let budget = limits.budget();
        let p90 = metadata.pointer("/complexity/p90").and_then(Value::as_f64);
        let most = [
            budget.context,
            budget.prefix,
            limits.middle(),
            budget.suffix,
            limits.total,
        ];
        Self {
            kinds: BTreeMap::new(),
            lengths: most.map(|most| Histogram::new(BINS, most as f64)),
            complexity: Histogram::new(BINS, p90.unwrap_or(0.0) * 1.5),
            context_use: Histogram::new(20, 100.0),
            without_context: 0,
            examples: 0,
            seed: count(metadata, "/options/seed"),
            samples: BTreeMap::new(),
        }
    }

    /// Adds the example at `position`. The sample keeps `item` if it draws the
    /// example.
    pub(super) fn add(&mut self, position: ExamplePosition, example: &PlotPoint, item: T) {
        let split = position.0 as usize;
        self.examples += 1;
        self.kinds.entry(example.kind).or_default()[split] += 1;
        let Sizes {
            context,
            prefix,
            middle,
            suffix,
            context_max,
        } = example.sizes;
        let chars = [context, prefix, middle, suffix].map(f64::from);
        let lengths = chars.into_iter().chain([chars.iter().sum()]);
        for (histogram, length) in self.lengths.iter_mut().zip(lengths) {
            histogram.add(0, length);
        }
        self.complexity.add(split, example.complexity);
        if context_max == 0 || context == 0 {
            self.without_context += 1;
        } else {
            // A context that uses the whole budget is counted in the last bin.
            let used = f64::from(context) / f64::from(context_max);
            self.context_use.add(0, used * 100.0);
        }
        self.samples
            .entry(example.kind)
            .or_insert_with(|| Sample::new(MAX_EXAMPLES, self.seed, "\0report"))
            .offer(position, || item);
    }

    /// Takes the sample: from each kind the same number of examples, or all if there
    /// are fewer, in the order of the dataset.
    pub(super) fn draw(&mut self) -> Vec<(ExamplePosition, T)> {
        let samples = std::mem::take(&mut self.samples).into_values();
        let mut kinds: Vec<_> = samples.map(Sample::drawn).collect();
        let mut drawn = Vec::new();
        while drawn.len() < MAX_EXAMPLES {
            let before = drawn.len();
            let round = kinds.iter_mut().filter_map(Iterator::next);
            drawn.extend(round.take(MAX_EXAMPLES - before));
            if drawn.len() == before {
                break;
            }
        }
        drawn.sort_by_key(|(position, _)| *position);
        drawn
    }
}

/// The count at `pointer`; 0 if there is none.
pub(super) fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}
