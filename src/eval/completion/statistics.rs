//! Means with intervals, by the bootstrap over files.
//!
//! Holes of one file are no independent witnesses: a model that knows a file's classes
//! is right at several of its holes. So whole files are drawn with replacement, with all
//! of their holes (the cluster bootstrap; Cameron, Gelbach, Miller, "Bootstrap-Based
//! Improvements for Inference with Clustered Errors", 2008; for evaluations of models:
//! Miller, "Adding Error Bars to Evals", 2024). Conditions are compared in pairs: the
//! differences at the same holes are drawn, not the values of each condition, so what
//! makes a hole hard for both does not widen the interval.
//!
//! An interval has the percentiles of the means that were drawn. With few files these
//! lie too close together; they are taken further out, by Student's distribution
//! (Hesterberg, "What Teachers Should Know About the Bootstrap", 2015, section 3.2).

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

/// The share of intervals that hold the true mean.
pub const LEVEL: f64 = 0.95;
/// The quantile of the standard normal distribution at (1 + [`LEVEL`]) / 2.
const NORMAL_QUANTILE: f64 = 1.959_963_985;
/// The fewest files for which there is an interval. With fewer, the percentiles of the
/// means that can be drawn say nothing about their spread.
pub const MIN_FILES: usize = 5;
/// The fewest files with a difference for which a difference is seen. If five files
/// differ and all in one direction, this comes by chance once in sixteen times
/// (2 · 2^-5), which is more often than the level allows; with six, once in 32 times.
pub const MIN_DIFFERING_FILES: usize = 6;
/// How many draws one random stream gives.
const DRAWS_PER_STREAM: usize = 64;

/// The values of one figure, summed by file.
#[derive(Clone, Debug, Default)]
pub struct FileSums {
    /// For each file with a value: the sum of its values and their number.
    files: BTreeMap<u32, (f64, u32)>,
}

/// A mean, and how far it can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    /// The number of values.
    pub values: usize,
    /// The number of files that they come from.
    pub files: usize,
    /// The mean of the values; 0 if there are none.
    pub mean: f64,
    /// The interval that holds the true mean with a probability of 95 %; none if the
    /// values come from too few files.
    pub interval: Option<Interval>,
    /// The number of files whose values are not 0 in sum.
    #[serde(skip)]
    pub differing: usize,
}

/// The bounds of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

/// What a difference of two conditions tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// The value is higher than the baseline's.
    Higher,
    /// The value is lower than the baseline's.
    Lower,
    /// The interval holds 0, or too few files differ.
    NoDifference,
    /// The holes are in too few files to say anything.
    TooFewFiles,
}

impl Interval {
    /// Whether it has a width. It has none if all files have the same values: then nothing
    /// is known about their spread.
    #[must_use]
    pub fn has_width(self) -> bool {
        self.high > self.low
    }
}

impl FileSums {
    /// Adds a `value` of the file with this number.
    pub fn add(&mut self, file: u32, value: f64) {
        let (sum, count) = self.files.entry(file).or_default();
        *sum += value;
        *count += 1;
    }
}

impl Estimate {
    /// Whether the mean, which is one of differences, is seen to differ from 0.
    #[must_use]
    pub fn seen(&self) -> Seen {
        match self.interval {
            None => Seen::TooFewFiles,
            Some(_) if self.differing < MIN_DIFFERING_FILES => Seen::NoDifference,
            Some(interval) if interval.low > 0.0 => Seen::Higher,
            Some(interval) if interval.high < 0.0 => Seen::Lower,
            Some(_) => Seen::NoDifference,
        }
    }
}

/// Draws files with replacement. Equal seeds give equal draws, on any number of threads.
#[derive(Clone, Copy, Debug)]
pub struct Bootstrap {
    /// The seed of the draws.
    pub seed: u64,
    /// The number of draws, each of as many files as there are.
    pub draws: usize,
}

impl Bootstrap {
    /// The mean of each figure with its interval. Figures with as many values of the same
    /// files share their draws.
    #[must_use]
    pub fn estimates(&self, figures: &[FileSums]) -> Vec<Estimate> {
        let mut estimates: Vec<Estimate> = figures.iter().map(Estimate::without_interval).collect();
        let mut alike: BTreeMap<Vec<(u32, u32)>, Vec<usize>> = BTreeMap::new();
        for (at, figure) in figures.iter().enumerate() {
            if figure.files.len() >= MIN_FILES {
                let files = figure.files.iter();
                let counts = files.map(|(file, (_, count))| (*file, *count)).collect();
                alike.entry(counts).or_default().push(at);
            }
        }
        for (files, members) in alike {
            let counts: Vec<f64> = files.iter().map(|(_, count)| f64::from(*count)).collect();
            let sums = |&at: &usize| figures[at].files.values().map(|(sum, _)| *sum).collect();
            let columns: Vec<Vec<f64>> = members.iter().map(sums).collect();
            let tail = tail(files.len());
            for (at, mut means) in members.into_iter().zip(self.draw(&counts, &columns)) {
                estimates[at].interval = Some(interval(&mut means, tail));
            }
        }
        estimates
    }

    /// Draws the means of all `columns`. Each has the sum of the values of each file, and
    /// `counts` says how many there are.
    fn draw(&self, counts: &[f64], columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let files = counts.len();
        let streams = self.draws.div_ceil(DRAWS_PER_STREAM);
        let parts: Vec<Vec<Vec<f64>>> = (0..streams)
            .into_par_iter()
            .map(|stream| {
                let begun = stream * DRAWS_PER_STREAM;
                let draws = DRAWS_PER_STREAM.min(self.draws - begun);
                let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
                rng.set_stream(stream as u64);
                let mut means = vec![Vec::with_capacity(draws); columns.len()];
                let mut times = vec![0.0; files];
                for _ in 0..draws {
                    times.fill(0.0);
                    for _ in 0..files {
                        times[rng.random_range(0..files)] += 1.0;
                    }
                    // Every file has a value, so any draw has one.
                    let count = dot(counts, &times);
                    for (means, column) in means.iter_mut().zip(columns) {
                        means.push(dot(column, &times) / count);
                    }
                }
                means
            })
            .collect();
        let mut means = vec![Vec::with_capacity(self.draws); columns.len()];
        for part in parts {
            for (all, part) in means.iter_mut().zip(part) {
                all.extend(part);
            }
        }
        means
    }
}

impl Estimate {
    fn without_interval(figure: &FileSums) -> Self {
        let sums = || figure.files.values();
        let values: u32 = sums().map(|(_, count)| count).sum();
        let sum: f64 = sums().map(|(sum, _)| sum).sum();
        Self {
            values: values as usize,
            files: figure.files.len(),
            mean: sum / f64::from(values.max(1)),
            interval: None,
            differing: sums().filter(|(sum, _)| *sum != 0.0).count(),
        }
    }
}

/// The sum of the products.
fn dot(values: &[f64], times: &[f64]) -> f64 {
    values
        .iter()
        .zip(times)
        .map(|(value, times)| value * times)
        .sum()
}

/// The interval between the quantiles at `tail` and 1 - `tail`.
fn interval(means: &mut [f64], tail: f64) -> Interval {
    means.sort_by(f64::total_cmp);
    let at = (tail * means.len() as f64) as usize;
    let last = means.len() - 1;
    Interval {
        low: means[at.min(last)],
        high: means[last - at.min(last)],
    }
}

/// The share of the drawn means that lies outside an interval on each side. It is 2.5 %
/// for many files, and less for few: as far out as Student's distribution says, times
/// the factor by which the bootstrap's variance of a mean is too small.
fn tail(files: usize) -> f64 {
    let n = files as f64;
    normal_tail(student_quantile(n - 1.0) * (n / (n - 1.0)).sqrt())
}

/// The quantile of Student's distribution at (1 + [`LEVEL`]) / 2, by the expansion in
/// Abramowitz and Stegun, 26.7.5. `freedom` is at least 4.
fn student_quantile(freedom: f64) -> f64 {
    let x = NORMAL_QUANTILE;
    let [x3, x5, x7, x9] = [3, 5, 7, 9].map(|power| x.powi(power));
    x + (x3 + x) / (4.0 * freedom)
        + (5.0 * x5 + 16.0 * x3 + 3.0 * x) / (96.0 * freedom.powi(2))
        + (3.0 * x7 + 19.0 * x5 + 17.0 * x3 - 15.0 * x) / (384.0 * freedom.powi(3))
        + (79.0 * x9 + 776.0 * x7 + 1482.0 * x5 - 1920.0 * x3 - 945.0 * x)
            / (92_160.0 * freedom.powi(4))
}

/// The share of the standard normal distribution above `x`, which is not negative, by
/// Abramowitz and Stegun, 26.2.17: exact to 7.5e-8.
fn normal_tail(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x);
    let density = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let terms = [
        1.330_274_429,
        -1.821_255_978,
        1.781_477_937,
        -0.356_563_782,
        0.319_381_530,
    ];
    density * terms.into_iter().fold(0.0, |sum, term| (sum + term) * t)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOOTSTRAP: Bootstrap = Bootstrap {
        seed: 42,
        draws: 500,
    };

    /// The values of some files, three of a file.
    fn sums(values: impl IntoIterator<Item = f64>) -> FileSums {
        let mut sums = FileSums::default();
        for (at, value) in values.into_iter().enumerate() {
            sums.add(at as u32 / 3, value);
        }
        sums
    }

    /// The difference at each of `holes` holes, three of a file, between a server that is
    /// right with the first probability and one that is with the second. Each hole turns
    /// out as its file does with the probability `alike`.
    fn planted(seed: u64, holes: usize, right: [f64; 2], alike: f64) -> FileSums {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut files = [0.0; 2];
        let differences = (0..holes).map(|hole| {
            if hole % 3 == 0 {
                files = [rng.random(), rng.random()];
            }
            let mut answer = |server: usize| {
                let luck: f64 = match rng.random::<f64>() < alike {
                    true => files[server],
                    false => rng.random(),
                };
                f64::from(u8::from(luck < right[server]))
            };
            let before = answer(0);
            answer(1) - before
        });
        sums(differences.collect::<Vec<_>>())
    }

    fn seen(bootstrap: Bootstrap, figure: FileSums) -> Seen {
        bootstrap.estimates(&[figure])[0].seen()
    }

    #[test]
    fn a_planted_difference_is_found() {
        for seed in 0..20 {
            let seen = |right| seen(BOOTSTRAP, planted(seed, 1000, right, 0.2));
            assert_eq!(seen([0.6, 0.7]), Seen::Higher);
            assert_eq!(seen([0.7, 0.6]), Seen::Lower);
        }
    }

    #[test]
    fn a_planted_tie_is_none() {
        for (holes, draws) in [(1000, 300), (60, 1000), (24, 2000)] {
            let bootstrap = Bootstrap { seed: 1, draws };
            let ties = (0..200).filter(|&seed| {
                seen(bootstrap, planted(seed, holes, [0.6, 0.6], 0.5)) == Seen::NoDifference
            });
            let ties = ties.count();
            assert!(ties >= 186, "{ties} of 200 with {holes} holes");
        }
    }

    /// What the draw of files is for: holes that all turn out as their file does tell
    /// no more than one of them.
    #[test]
    fn holes_of_one_file_count_as_one() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let by_file: Vec<f64> = (0..60).map(|_| rng.random::<f64>() - 0.5).collect();
        let (mut once, mut often) = (FileSums::default(), FileSums::default());
        for (file, value) in by_file.into_iter().enumerate() {
            once.add(file as u32, value);
            (0..10).for_each(|_| often.add(file as u32, value));
        }
        let [once, often] = BOOTSTRAP.estimates(&[once, often])[..] else {
            panic!("two figures");
        };
        let [a, b] = [once, often].map(|estimate| estimate.interval.unwrap());
        assert!((a.low - b.low).abs() < 1e-12 && (a.high - b.high).abs() < 1e-12);
        assert_eq!((once.values, often.values), (60, 600));
    }

    #[test]
    fn few_files_or_few_differences_show_nothing() {
        assert_eq!(seen(BOOTSTRAP, sums([1.0; 12])), Seen::TooFewFiles);
        assert_eq!(seen(BOOTSTRAP, FileSums::default()), Seen::TooFewFiles);
        // In five of 300 files, the second is right where the first was not.
        let rare = |files: usize| sums((0..900).map(|at| f64::from(u8::from(at < files * 3))));
        assert_eq!(seen(BOOTSTRAP, rare(5)), Seen::NoDifference);
        assert_eq!(seen(BOOTSTRAP, rare(12)), Seen::Higher);
        assert_eq!(seen(BOOTSTRAP, sums([0.0; 900])), Seen::NoDifference);
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (freedom, expected) in [(4.0, 2.776), (9.0, 2.262), (29.0, 2.045), (1e6, 1.960)] {
            assert!(
                (student_quantile(freedom) - expected).abs() < 5e-4,
                "{freedom}"
            );
        }
        for (x, expected) in [
            (0.0, 0.5),
            (1.0, 0.158_655),
            (1.96, 0.024_998),
            (3.0, 0.001_350),
        ] {
            assert!((normal_tail(x) - expected).abs() < 1e-6, "{x}");
        }
        assert!((tail(100_000) - 0.025).abs() < 1e-4);
        assert!(tail(5) < 0.001 + 1e-4);
    }

    #[test]
    fn draws_depend_on_the_seed_alone() {
        let figure = || planted(7, 300, [0.5, 0.5], 0.5);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            pool.install(|| BOOTSTRAP.estimates(&[figure()]))
        };
        assert_eq!(on(1), on(3));
        let other = Bootstrap {
            seed: 43,
            ..BOOTSTRAP
        };
        assert_ne!(on(1), other.estimates(&[figure()]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// The mean is the plain one, and the interval is about as wide as the one by the
        /// formula for clusters of unequal sizes.
        #[test]
        fn the_interval_is_that_of_the_formula(seed: u64) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut figure = FileSums::default();
            let mut values = Vec::new();
            for file in 0..80 {
                for _ in 0..rng.random_range(1..5) {
                    let value = f64::from(rng.random_range(-10..12));
                    values.push((file, value));
                    figure.add(file, value);
                }
            }
            let estimate = Bootstrap { seed, draws: 1000 }.estimates(&[figure])[0];
            let n = values.len() as f64;
            let mean = values.iter().map(|(_, value)| value).sum::<f64>() / n;
            prop_assert!((estimate.mean - mean).abs() < 1e-9);
            prop_assert_eq!((estimate.values, estimate.files), (values.len(), 80));
            let residual = |file| {
                let of_file = values.iter().filter(|(of, _)| *of == file);
                of_file.map(|(_, value)| value - mean).sum::<f64>()
            };
            let squares: f64 = (0..80).map(|file| residual(file).powi(2)).sum();
            let width = 2.0 * 1.99 * squares.sqrt() / n;
            let Interval { low, high } = estimate.interval.unwrap();
            prop_assert!(low <= mean && mean <= high);
            let ratio = (high - low) / width;
            prop_assert!((0.8..1.25).contains(&ratio), "{}", ratio);
        }
    }
}
