//! How good contexts are, measured on a project's own code: names are cut out
//! of its files, and the context for each such hole is searched for them.
//!
//! A hole is made only where the name is declared in another file and written
//! nowhere else in this one, so nothing but cross-file context can tell it. A
//! context scores `ident` if it has the name as a whole word, `def` if it has
//! it at its definition. Which holes are made depends on the project's files,
//! the seed and their number alone, so two runs compare.
//!
//! Everything in a [`Report`] but its latencies is a function of the snapshot
//! and the [`Options`], whatever the number of threads.

mod holes;
mod native;
mod score;

use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use self::holes::Hole;
use self::score::Found;
use crate::cancel::{Cancel, Cancelled};
use crate::context::{self, MinScore, Request, Signal};
use crate::index::Snapshot;
use crate::php::RefKind;

/// What is cut out of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum HoleKind {
    /// From a name to the end of its line.
    Identifier,
    /// The same, with the first two or three characters of the name left.
    HalfTyped,
    /// A whole statement; the score is the share of its names.
    Statement,
    /// From a member of an imported class to the end of its line.
    Member,
}

/// What a name that was cut out names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// A class-like.
    Class,
    /// A method.
    Method,
    /// A function.
    Function,
    /// A constant, of a class or not, or an enum case.
    Constant,
    /// A property.
    Property,
}

impl Wanted {
    /// All of them, in order.
    const ALL: [Self; 5] = [
        Self::Class,
        Self::Method,
        Self::Function,
        Self::Constant,
        Self::Property,
    ];

    /// Its name in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Method => "method",
            Self::Function => "function",
            Self::Constant => "constant",
            Self::Property => "property",
        }
    }
}

impl From<RefKind> for Wanted {
    fn from(kind: RefKind) -> Self {
        match kind {
            RefKind::Class => Self::Class,
            RefKind::Function => Self::Function,
            RefKind::Method | RefKind::StaticMethod => Self::Method,
            RefKind::Property | RefKind::StaticProperty => Self::Property,
            RefKind::Constant | RefKind::ClassConstant => Self::Constant,
        }
    }
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Options {
    /// How many holes of each kind, at most.
    pub holes: usize,
    /// What the choice of holes follows from.
    pub seed: u64,
    /// The budgets, in characters.
    pub max_chars: Vec<usize>,
    /// The relevance threshold.
    pub min_score: MinScore,
    /// The kinds of holes.
    pub kinds: Vec<HoleKind>,
    /// The signals that are switched off.
    pub without: Vec<Signal>,
}

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Files in the index.
    pub files: usize,
    /// What was asked for.
    pub options: Options,
    /// One run for each budget, with and without BM25.
    pub runs: Vec<Run>,
}

/// The contexts of all holes, assembled in one way.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// The budget, in characters.
    pub max_chars: usize,
    /// Whether chunks found by BM25 were used.
    pub bm25: bool,
    /// The results by kind of hole.
    pub kinds: Vec<KindResult>,
}

/// How well one kind of hole did.
#[derive(Clone, Debug, Serialize)]
pub struct KindResult {
    /// The kind.
    pub kind: HoleKind,
    /// How many holes there were.
    pub holes: usize,
    /// The recall of their names.
    #[serde(flatten)]
    pub recall: Recall,
    /// The recall by what a name names; what no hole took away is left out.
    pub by_name: Vec<NameResult>,
    /// The length of the contexts, in characters.
    pub chars: Distribution<usize>,
    /// How many contexts were empty.
    pub empty: usize,
    /// How many holes cut a line that is written in no other file …
    pub leaks_checked: usize,
    /// … and how many of their contexts have that line.
    pub leaks: usize,
    /// The time that assembling took, in milliseconds of wall time, with as
    /// many contexts under way as there are threads.
    pub latency_ms: Distribution<f64>,
}

/// The names of one sort.
#[derive(Clone, Debug, Serialize)]
pub struct NameResult {
    /// The sort.
    pub name: Wanted,
    /// How many there were.
    pub names: usize,
    /// Their recall.
    #[serde(flatten)]
    pub recall: Recall,
}

/// Which share of the names was found, from 0 to 1. A hole with several names
/// counts as much as one with one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Recall {
    /// Anywhere.
    pub ident: f64,
    /// At its definition.
    pub def: f64,
    /// Among the declarations.
    pub by_dependency: f64,
    /// In the chunks found by BM25.
    pub by_bm25: f64,
}

/// Percentiles, the nearest of the values themselves; 0 of none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Distribution<T> {
    /// Half of the values are not above it.
    pub p50: T,
    /// 95 % of the values are not above it.
    pub p95: T,
    /// 99 % of the values are not above it.
    pub p99: T,
    /// The greatest.
    pub max: T,
}

/// What came of one hole.
struct Outcome {
    found: Vec<Found>,
    chars: usize,
    ms: f64,
    /// Whether the hole's line leaks, if that can be told.
    leaks: Option<bool>,
}

/// Measures the contexts of `snapshot`. Files for which `is_own` is false are
/// context, but no source of holes.
///
/// # Errors
/// [`Cancelled`] once `cancel` is set.
pub fn run(
    snapshot: &Snapshot,
    options: &Options,
    is_own: &(impl Fn(&str) -> bool + Sync),
    cancel: &Cancel,
) -> Result<Report, Cancelled> {
    let mut questions = Vec::new();
    for &kind in &options.kinds {
        cancel.check()?;
        let mut holes = holes::sample(snapshot, kind, options.seed, options.holes, is_own);
        if kind == HoleKind::HalfTyped {
            holes = holes.iter().filter_map(Hole::half_typed).collect();
        }
        let lines = score::telling_lines(snapshot, &holes);
        questions.push((kind, holes, lines));
    }
    let mut runs = Vec::new();
    for &max_chars in &options.max_chars {
        for bm25 in [true, false] {
            let mut kinds = Vec::new();
            for (kind, holes, lines) in &questions {
                let answer = |(hole, line): (&Hole<'_>, &Option<&str>)| {
                    answer(snapshot, options, max_chars, bm25, hole, *line, cancel)
                };
                let outcomes: Vec<Outcome> = holes
                    .par_iter()
                    .zip(lines)
                    .map(answer)
                    .collect::<Result<_, Cancelled>>()?;
                kinds.push(result(*kind, &outcomes));
            }
            runs.push(Run {
                max_chars,
                bm25,
                kinds,
            });
        }
    }
    Ok(Report {
        files: snapshot.files().count(),
        options: options.clone(),
        runs,
    })
}

/// Assembles the context for `hole` and scores it.
fn answer(
    snapshot: &Snapshot,
    options: &Options,
    max_chars: usize,
    bm25: bool,
    hole: &Hole<'_>,
    line: Option<&str>,
    cancel: &Cancel,
) -> Result<Outcome, Cancelled> {
    let text = &hole.file.text;
    let content = [&text[..hole.start], &text[hole.end..]].concat();
    let request = Request {
        path: &hole.file.path,
        content: &content,
        cursor: hole.start,
        max_chars,
        min_score: options.min_score,
        dependencies: true,
        bm25,
        secrets: None,
    };
    let started = Instant::now();
    let context = context::assemble_without(&options.without, snapshot, &request, cancel)?;
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    Ok(Outcome {
        found: score::found(&context, &hole.names),
        chars: context.text.chars().count(),
        ms,
        leaks: line.map(|line| score::leaks(&context.text, line)),
    })
}

fn result(kind: HoleKind, outcomes: &[Outcome]) -> KindResult {
    let of_holes: Vec<Recall> = outcomes.iter().map(|o| Recall::of(&o.found)).collect();
    let names = |wanted: Wanted| -> Vec<Found> {
        let all = outcomes.iter().flat_map(|outcome| &outcome.found);
        all.filter(|found| found.wanted == wanted)
            .copied()
            .collect()
    };
    let by_name = Wanted::ALL
        .into_iter()
        .map(|name| (name, names(name)))
        .filter(|(_, found)| !found.is_empty());
    let checked = outcomes.iter().filter_map(|outcome| outcome.leaks);
    KindResult {
        kind,
        holes: outcomes.len(),
        recall: Recall::mean(&of_holes),
        by_name: by_name
            .map(|(name, found)| NameResult {
                name,
                names: found.len(),
                recall: Recall::of(&found),
            })
            .collect(),
        chars: Distribution::of(outcomes.iter().map(|o| o.chars).collect(), usize::cmp),
        empty: outcomes.iter().filter(|o| o.chars == 0).count(),
        leaks_checked: checked.clone().count(),
        leaks: checked.filter(|&leaks| leaks).count(),
        latency_ms: Distribution::of(outcomes.iter().map(|o| o.ms).collect(), f64::total_cmp),
    }
}

impl Recall {
    /// The shares of `found`.
    fn of(found: &[Found]) -> Self {
        let all: Vec<Self> = found
            .iter()
            .map(|found| Self {
                ident: f64::from(u8::from(found.ident)),
                def: f64::from(u8::from(found.def)),
                by_dependency: f64::from(u8::from(found.by_dependency)),
                by_bm25: f64::from(u8::from(found.by_bm25)),
            })
            .collect();
        Self::mean(&all)
    }

    fn mean(all: &[Self]) -> Self {
        if all.is_empty() {
            return Self::default();
        }
        let mean = |field: fn(&Self) -> f64| all.iter().map(field).sum::<f64>() / all.len() as f64;
        Self {
            ident: mean(|recall| recall.ident),
            def: mean(|recall| recall.def),
            by_dependency: mean(|recall| recall.by_dependency),
            by_bm25: mean(|recall| recall.by_bm25),
        }
    }
}

impl<T: Copy + Default> Distribution<T> {
    fn of(mut values: Vec<T>, order: impl Fn(&T, &T) -> std::cmp::Ordering) -> Self {
        values.sort_by(order);
        let at = |percent: usize| {
            let rank = (values.len() * percent).div_ceil(100).max(1) - 1;
            values.get(rank).copied().unwrap_or_default()
        };
        Self {
            p50: at(50),
            p95: at(95),
            p99: at(99),
            max: at(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::index::{Index, SourceFile};
    use crate::php;

    /// A snapshot of these files: keys and texts.
    pub(super) fn snapshot(files: &[(&str, &str)]) -> Arc<Snapshot> {
        let file = |&(path, text): &(&str, &str)| {
            let facts = php::facts(text);
            Arc::new(SourceFile::new(path.into(), text.into(), false, facts))
        };
        Index::build(files.iter().map(file).collect()).snapshot()
    }

    #[test]
    fn percentiles_are_values() {
        let hundred = Distribution::of((1..=100).rev().collect(), usize::cmp);
        assert_eq!(
            (hundred.p50, hundred.p95, hundred.p99, hundred.max),
            (50, 95, 99, 100)
        );
        assert_eq!(Distribution::of(vec![7], usize::cmp).p99, 7);
        assert_eq!(Distribution::of(vec![], usize::cmp).max, 0);
    }

    #[test]
    fn a_hole_with_many_names_counts_once() {
        let found = |ident| Found {
            wanted: Wanted::Class,
            ident,
            def: false,
            by_dependency: ident,
            by_bm25: false,
        };
        let outcome = |idents: &[bool]| Outcome {
            found: idents.iter().map(|&ident| found(ident)).collect(),
            chars: 0,
            ms: 0.0,
            leaks: Some(false),
        };
        let outcomes = [outcome(&[true]), outcome(&[false, false, false, true])];
        let result = result(HoleKind::Statement, &outcomes);
        assert_eq!(result.recall.ident, 0.625);
        assert_eq!(result.by_name[0].recall.ident, 0.4);
        assert_eq!(
            (result.leaks_checked, result.leaks, result.empty),
            (2, 0, 2)
        );
    }
}
