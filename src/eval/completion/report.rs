//! Folds the answers to the report of a run: every figure of every condition, and its
//! difference to the baseline at the same holes, over all holes and over groups of them.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::Serialize;

use super::figure::{Figure, FigureValues, Unit, Wanted};
use super::measures::repetition;
use super::statistics::{Bootstrap, Estimate, FileSums, LEVEL, Seen};
use super::{AnswerRow, CompletionHole};
use crate::eval::Percentiles;

/// The number of draws of the bootstrap.
const DRAWS: usize = 2000;
/// The number of points of a curve of times.
const CURVE_POINTS: usize = 60;
/// The most directories with figures of their own: those with the most holes.
const MAX_DIRECTORIES: usize = 15;

/// The report of a run.
#[derive(Clone, Debug, Serialize)]
pub struct CompletionReport {
    /// The number of holes.
    pub holes: usize,
    /// The number of files that they are in.
    pub files: usize,
    /// The seed of the draws of the bootstrap.
    pub seed: u64,
    /// The number of draws.
    pub draws: usize,
    /// The share of intervals that hold the true value.
    pub level: f64,
    /// The conditions. The others are compared with the first, the baseline.
    pub conditions: Vec<ConditionCounts>,
    /// What the figures are.
    pub figures: Vec<FigureMeaning>,
    /// The mean repetition of the middles, with which that of the answers compares.
    pub middle_repetition: f64,
    /// The figures over all holes.
    pub all: HoleGroup,
    /// The figures by kind of hole.
    pub kinds: Vec<HoleGroup>,
    /// The figures by whether the context of an answer holds the name that only another
    /// file declares. Holes without such a name are in no group.
    pub needed_name: Vec<HoleGroup>,
    /// The figures by directory, those with the most holes first.
    pub directories: Vec<HoleGroup>,
    /// What depends on the state and the speed of the server, over all holes.
    pub server: ServerGroup,
}

/// How many answers there are under one condition.
#[derive(Clone, Debug, Serialize)]
pub struct ConditionCounts {
    /// The name of the condition.
    pub name: String,
    /// The number of answers.
    pub answers: usize,
    /// The number of requests that failed. They are in no figure.
    pub errors: usize,
}

/// What a figure is.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FigureMeaning {
    /// The figure.
    pub name: Figure,
    /// Its name in tables.
    pub label: &'static str,
    /// In what it is counted.
    pub unit: Unit,
    /// Which values are better.
    pub wanted: Wanted,
    /// Whether it differs from run to run.
    pub varies: bool,
}

/// The figures over some holes.
#[derive(Clone, Debug, Serialize)]
pub struct HoleGroup {
    /// The name of the group.
    pub name: String,
    /// The number of holes.
    pub holes: usize,
    /// The figures of each condition.
    pub conditions: Vec<ConditionFigures>,
}

/// The figures of one condition.
#[derive(Clone, Debug, Serialize)]
pub struct ConditionFigures {
    /// The name of the condition.
    pub name: String,
    /// The number of answers.
    pub answers: usize,
    /// The figures that any answer has.
    pub figures: BTreeMap<Figure, FigureResult>,
}

/// A figure of a condition.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FigureResult {
    /// The mean over the answers.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// The difference to the baseline; none for the baseline itself, and if no hole has
    /// both values.
    pub difference: Option<PairedDifference>,
}

/// The difference of a figure to that of the baseline at the same holes.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PairedDifference {
    /// The mean of the baseline at these holes.
    pub baseline: f64,
    /// The mean difference.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// What that tells.
    pub seen: Seen,
    /// The same in words.
    pub words: &'static str,
}

/// What depends on the server's state and speed.
#[derive(Clone, Debug, Serialize)]
pub struct ServerGroup {
    /// The figures of each condition.
    pub conditions: Vec<ConditionFigures>,
    /// The spread of the times of each condition.
    pub times: Vec<ConditionTimes>,
}

/// The spread of the times of one condition.
#[derive(Clone, Debug, Serialize)]
pub struct ConditionTimes {
    /// The name of the condition.
    pub name: String,
    /// The time to the first text, in milliseconds.
    pub first_token_ms: Percentiles<f64>,
    /// The time to the end of the answer, in milliseconds.
    pub total_ms: Percentiles<f64>,
    /// Times to the first text in ascending order, each with the share of answers that
    /// came within it.
    #[serde(skip)]
    pub first_token_curve: Vec<(f64, f64)>,
    /// The same for the whole answers.
    #[serde(skip)]
    pub total_curve: Vec<(f64, f64)>,
}

/// What stays in memory of a hole.
#[derive(Clone, Debug)]
struct TalliedHole {
    path: String,
    kind: String,
    directory: String,
    middle_repetition: f64,
}

/// What stays in memory of an answer.
#[derive(Clone, Copy, Debug)]
struct TalliedAnswer {
    values: FigureValues,
    needed_in_context: Option<bool>,
}

/// Takes the answers in whatever order they come. Equal answers give equal reports.
#[derive(Debug)]
pub struct CompletionTally {
    conditions: Vec<String>,
    seed: u64,
    holes: BTreeMap<u32, TalliedHole>,
    /// By hole and condition.
    answers: BTreeMap<(u32, u32), TalliedAnswer>,
    errors: Vec<usize>,
}

impl CompletionTally {
    /// No answers yet, under these `conditions`, of which the first is the baseline.
    #[must_use]
    pub fn new(conditions: Vec<String>, seed: u64) -> Self {
        Self {
            errors: vec![0; conditions.len()],
            conditions,
            seed,
            holes: BTreeMap::new(),
            answers: BTreeMap::new(),
        }
    }

    /// Adds the answer `row`, which is one at `hole`.
    pub fn add(&mut self, hole: &CompletionHole, row: &AnswerRow) {
        self.holes.entry(hole.id).or_insert_with(|| TalliedHole {
            path: hole.path.clone(),
            kind: hole.kind.clone(),
            directory: hole.directory.clone(),
            middle_repetition: repetition(&hole.middle),
        });
        if row.error.is_some() {
            self.errors[row.condition as usize] += 1;
            return;
        }
        let answer = TalliedAnswer {
            values: FigureValues::new(hole, row),
            needed_in_context: row.needed_in_context,
        };
        self.answers.insert((hole.id, row.condition), answer);
    }

    /// The report on the answers so far.
    #[must_use]
    pub fn report(&self) -> CompletionReport {
        let fold = Fold::new(self);
        let of_kind = |hole: &TalliedHole| hole.kind.clone();
        let kinds: BTreeSet<String> = self.holes.values().map(of_kind).collect();
        let kinds: Vec<String> = kinds.into_iter().collect();
        let repetition: f64 = self.holes.values().map(|hole| hole.middle_repetition).sum();
        CompletionReport {
            holes: self.holes.len(),
            files: fold.files.len(),
            seed: self.seed,
            draws: DRAWS,
            level: LEVEL,
            conditions: self.counts(),
            figures: Figure::ALL.map(FigureMeaning::of).to_vec(),
            middle_repetition: repetition / self.holes.len().max(1) as f64,
            all: fold.group("all", &|_, _| true),
            kinds: kinds
                .par_iter()
                .map(|kind| fold.group(kind, &|hole, _| hole.kind == *kind))
                .collect(),
            needed_name: [("in the context", true), ("not in the context", false)]
                .map(|(name, held)| {
                    fold.group(name, &|_, answer| answer.needed_in_context == Some(held))
                })
                .into_iter()
                .filter(|group| group.holes > 0)
                .collect(),
            directories: self.directories(&fold),
            server: ServerGroup {
                conditions: fold.conditions(Figure::varying(), &|_, _| true).1,
                times: self.times(),
            },
        }
    }

    fn counts(&self) -> Vec<ConditionCounts> {
        let counts = self.conditions.iter().zip(&self.errors).enumerate();
        counts
            .map(|(at, (name, errors))| ConditionCounts {
                name: name.clone(),
                answers: self.answers_under(at).count(),
                errors: *errors,
            })
            .collect()
    }

    /// The answers under the condition with the index `at`, in the order of the holes.
    fn answers_under(&self, at: usize) -> impl Iterator<Item = &TalliedAnswer> {
        let answers = self.answers.iter();
        answers
            .filter(move |((_, condition), _)| *condition as usize == at)
            .map(|(_, answer)| answer)
    }

    /// A group for each of the largest directories, and one for the others.
    fn directories(&self, fold: &Fold<'_>) -> Vec<HoleGroup> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for hole in self.holes.values() {
            *counts.entry(&hole.directory).or_default() += 1;
        }
        let mut largest: Vec<(&str, usize)> = counts.into_iter().collect();
        largest.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let others = largest.split_off(largest.len().min(MAX_DIRECTORIES));
        let mut groups: Vec<HoleGroup> = largest
            .par_iter()
            .map(|(name, _)| fold.group(name, &|hole, _| hole.directory == *name))
            .collect();
        if !others.is_empty() {
            let names: BTreeSet<&str> = others.into_iter().map(|(name, _)| name).collect();
            groups.push(fold.group("others", &|hole, _| names.contains(&*hole.directory)));
        }
        groups
    }

    fn times(&self) -> Vec<ConditionTimes> {
        let values = |at: usize, figure: Figure| -> Vec<f64> {
            let answers = self.answers_under(at);
            answers
                .filter_map(|answer| answer.values.get(figure))
                .collect()
        };
        let spread = |at, figure| Percentiles::of(values(at, figure), f64::total_cmp);
        let conditions = self.conditions.iter().enumerate();
        conditions
            .map(|(at, name)| ConditionTimes {
                name: name.clone(),
                first_token_ms: spread(at, Figure::FirstTokenMs),
                total_ms: spread(at, Figure::TotalMs),
                first_token_curve: curve(values(at, Figure::FirstTokenMs)),
                total_curve: curve(values(at, Figure::TotalMs)),
            })
            .collect()
    }
}

/// Points of the cumulative distribution of `values`, up to the 99th percentile: beyond
/// it, single values would take most of a plot's width.
fn curve(mut values: Vec<f64>) -> Vec<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let points = (0..=CURVE_POINTS).filter_map(|point| {
        let share = 0.99 * point as f64 / CURVE_POINTS as f64;
        let rank = (share * values.len() as f64).ceil() as usize;
        Some((*values.get(rank.max(1) - 1)?, share))
    });
    points.collect()
}

impl FigureMeaning {
    fn of(figure: Figure) -> Self {
        Self {
            name: figure,
            label: figure.label(),
            unit: figure.unit(),
            wanted: figure.wanted(),
            varies: Figure::varying().contains(&figure),
        }
    }
}

/// Which answers belong to a group.
type Member<'a> = &'a (dyn Fn(&TalliedHole, &TalliedAnswer) -> bool + Sync);

/// Makes groups of the answers.
struct Fold<'a> {
    tally: &'a CompletionTally,
    /// The number of each file, in the order of their paths.
    files: BTreeMap<&'a str, u32>,
    bootstrap: Bootstrap,
}

impl<'a> Fold<'a> {
    fn new(tally: &'a CompletionTally) -> Self {
        let paths: BTreeSet<&str> = tally.holes.values().map(|hole| &*hole.path).collect();
        Self {
            tally,
            files: paths.into_iter().zip(0..).collect(),
            bootstrap: Bootstrap {
                seed: tally.seed,
                draws: DRAWS,
            },
        }
    }

    fn group(&self, name: &str, member: Member<'_>) -> HoleGroup {
        let (holes, conditions) = self.conditions(Figure::stable(), member);
        HoleGroup {
            name: name.to_owned(),
            holes,
            conditions,
        }
    }

    /// The number of holes with an answer in the group, and the `figures` of each
    /// condition. An answer in the group is compared with that of the baseline at its
    /// hole, which need not be in the group.
    fn conditions(&self, figures: &[Figure], member: Member<'_>) -> (usize, Vec<ConditionFigures>) {
        let mut holes = BTreeSet::new();
        let mut sums: Vec<ConditionSums> = self
            .tally
            .conditions
            .iter()
            .map(|_| ConditionSums::new(figures.len()))
            .collect();
        for (&(id, condition), answer) in &self.tally.answers {
            let hole = &self.tally.holes[&id];
            if member(hole, answer) {
                holes.insert(id);
                let baseline = (condition > 0).then(|| self.tally.answers.get(&(id, 0)));
                let file = self.files[&*hole.path];
                sums[condition as usize].add(file, figures, answer, baseline.flatten());
            }
        }
        let parts = || sums.iter().flat_map(|of| [&of.means, &of.differences]);
        let all: Vec<FileSums> = parts().flatten().cloned().collect();
        let estimates = self.bootstrap.estimates(&all);
        let mut estimates = estimates.chunks(figures.len().max(1));
        let names = self.tally.conditions.iter().zip(&sums);
        let conditions = names.map(|(name, sums)| {
            let means = estimates.next().unwrap_or_default();
            let differences = estimates.next().unwrap_or_default();
            ConditionFigures {
                name: name.clone(),
                answers: sums.answers,
                figures: sums.results(figures, means, differences),
            }
        });
        (holes.len(), conditions.collect())
    }
}

/// The sums of each figure of one condition in one group.
struct ConditionSums {
    answers: usize,
    means: Vec<FileSums>,
    differences: Vec<FileSums>,
    /// The sum of the baseline's values in the pairs.
    baselines: Vec<f64>,
}

impl ConditionSums {
    fn new(figures: usize) -> Self {
        Self {
            answers: 0,
            means: vec![FileSums::default(); figures],
            differences: vec![FileSums::default(); figures],
            baselines: vec![0.0; figures],
        }
    }

    fn add(
        &mut self,
        file: u32,
        figures: &[Figure],
        answer: &TalliedAnswer,
        baseline: Option<&TalliedAnswer>,
    ) {
        self.answers += 1;
        for (at, &figure) in figures.iter().enumerate() {
            let Some(value) = answer.values.get(figure) else {
                continue;
            };
            self.means[at].add(file, value);
            if let Some(base) = baseline.and_then(|baseline| baseline.values.get(figure)) {
                self.differences[at].add(file, value - base);
                self.baselines[at] += base;
            }
        }
    }

    fn results(
        &self,
        figures: &[Figure],
        means: &[Estimate],
        differences: &[Estimate],
    ) -> BTreeMap<Figure, FigureResult> {
        let mut results = BTreeMap::new();
        for (at, &figure) in figures.iter().enumerate() {
            let (estimate, difference) = (means[at], differences[at]);
            if estimate.values == 0 {
                continue;
            }
            let seen = difference.seen();
            let difference = (difference.values > 0).then(|| PairedDifference {
                baseline: self.baselines[at] / difference.values as f64,
                estimate: difference,
                seen,
                words: figure.words(seen),
            });
            results.insert(
                figure,
                FigureResult {
                    estimate,
                    difference,
                },
            );
        }
        results
    }
}
