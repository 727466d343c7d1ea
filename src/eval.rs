//! Measures contexts on a project's own code: cuts names out of its files and
//! looks for them in the context of each hole.
//!
//! A hole asks for names that another file or a package declares. In nearly all
//! kinds of holes, its own file writes such a name nowhere else, so only cross-file
//! context can contain it. A context scores `ident` if it holds the name as a whole
//! word, and `def` if it holds the name's definition. The choice of holes depends
//! only on the project's files, the seed and the number of holes, so two runs can be
//! compared.
//!
//! An [`EvalReport`] is a function of the snapshot and the [`EvalOptions`],
//! except for its latencies. The number of threads does not matter.

mod bodies;
mod calls;
mod candidates;
pub mod completion;
mod hole;
mod holes;
mod kind;
mod native;
mod places;
mod score;
pub mod typing;
mod useful;

use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

pub use self::kind::{HoleKind, NameCategory};

use self::hole::NameHole;
use self::score::NameScore;
use crate::cancel::{Cancel, Cancelled};
use crate::context::{self, ContextRequest, MinScore, Signal};
use crate::index::{Snapshot, training_exclusion};
use crate::prompt::{PromptLimits, window};

/// What a run measures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvalOptions {
    /// The most holes of each kind.
    pub holes: usize,
    /// The seed of the choice of holes.
    pub seed: u64,
    /// The budgets of the contexts, in characters.
    pub max_chars: Vec<usize>,
    /// The relevance threshold.
    pub min_score: MinScore,
    /// The kinds of holes.
    pub kinds: Vec<HoleKind>,
    /// The signals that are switched off.
    pub without: Vec<Signal>,
}

/// The results of a run.
#[derive(Clone, Debug, Serialize)]
pub struct EvalReport {
    /// Files in the index.
    pub files: usize,
    /// The options of the run.
    pub options: EvalOptions,
    /// One result for each budget, with and without BM25.
    pub runs: Vec<EvalRun>,
}

/// The results for contexts that were assembled in one way.
#[derive(Clone, Debug, Serialize)]
pub struct EvalRun {
    /// The budget, in characters.
    pub max_chars: usize,
    /// Whether the contexts may hold chunks found by BM25.
    pub bm25: bool,
    /// The results, by kind of hole.
    pub kinds: Vec<KindResult>,
}

/// The results for one kind of hole.
#[derive(Clone, Debug, Serialize)]
pub struct KindResult {
    /// The kind of hole.
    pub kind: HoleKind,
    /// The number of holes.
    pub holes: usize,
    /// The recall of the holes' names.
    #[serde(flatten)]
    pub recall: Recall,
    /// The recall by category of name. Categories without a name are absent.
    pub by_name: Vec<NameResult>,
    /// The lengths of the contexts, in characters.
    pub chars: Percentiles<usize>,
    /// The mean length of the contexts, in characters.
    pub mean_chars: f64,
    /// The share of the contexts' characters that stand in lines with a name which
    /// the code at the hole uses: the hole itself and the file's ten lines from its
    /// start on. From 0 to 1.
    pub useful: f64,
    /// The number of empty contexts.
    pub empty: usize,
    /// The number of holes that cut a line which no other file contains.
    pub leaks_checked: usize,
    /// The number of these holes whose context contains that line.
    pub leaks: usize,
    /// The wall time to assemble a context, in milliseconds. As many contexts
    /// are assembled at a time as there are threads.
    pub latency_ms: Percentiles<f64>,
}

/// The recall of the names of one category.
#[derive(Clone, Debug, Serialize)]
pub struct NameResult {
    /// The category.
    pub name: NameCategory,
    /// The number of names.
    pub names: usize,
    /// Their recall.
    #[serde(flatten)]
    pub recall: Recall,
}

/// The shares of the names that the contexts hold, from 0 to 1. Each hole has the
/// same weight, however many names it takes away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Recall {
    /// The share that stands anywhere in the context.
    pub ident: f64,
    /// The share that stands at its definition.
    pub def: f64,
    /// The share that stands among the declarations.
    pub by_dependency: f64,
    /// The share that stands in the chunks found by BM25.
    pub by_bm25: f64,
}

/// Percentiles of some values. Each is one of the values (the nearest rank); all
/// are 0 if there are no values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles<T> {
    /// 50 % of the values are at most this.
    pub p50: T,
    /// 95 % of the values are at most this.
    pub p95: T,
    /// 99 % of the values are at most this.
    pub p99: T,
    /// The greatest value.
    pub max: T,
}

/// The score of one hole's context.
struct HoleScore {
    names: Vec<NameScore>,
    /// The length of the context, in characters.
    chars: usize,
    /// How many of them stand in lines with a name that the code at the hole uses.
    useful: usize,
    /// The time to assemble the context, in milliseconds.
    ms: f64,
    /// Whether the context holds the line that the hole cuts; `None` if another
    /// file contains that line, too.
    leaks: Option<bool>,
}

/// Measures the contexts that `snapshot` gives. Files for which `is_own` is false
/// can be part of a context but get no holes. Only holes of the kind
/// [`HoleKind::Test`] are cut into files that are no source of training examples.
///
/// # Errors
/// [`Cancelled`] once `cancel` is set.
pub fn run(
    snapshot: &Snapshot,
    options: &EvalOptions,
    is_own: &(impl Fn(&str) -> bool + Sync),
    cancel: &Cancel,
) -> Result<EvalReport, Cancelled> {
    let mut samples = Vec::new();
    for &kind in &options.kinds {
        cancel.check()?;
        let is_source = |key: &str| {
            is_own(key) && (kind == HoleKind::Test || training_exclusion(key).is_none())
        };
        let mut holes = holes::sample(snapshot, kind, options.seed, options.holes, &is_source);
        if kind == HoleKind::HalfTyped {
            holes = holes.iter().filter_map(NameHole::half_typed).collect();
        }
        let lines = score::unique_lines(snapshot, &holes);
        samples.push((kind, holes, lines));
    }
    let mut runs = Vec::new();
    for &max_chars in &options.max_chars {
        for bm25 in [true, false] {
            let mut kinds = Vec::new();
            for (kind, holes, lines) in &samples {
                let score = |(hole, line): (&NameHole<'_>, &Option<&str>)| {
                    score_hole(snapshot, options, max_chars, bm25, hole, *line, cancel)
                };
                let scores: Vec<HoleScore> = holes
                    .par_iter()
                    .zip(lines)
                    .map(score)
                    .collect::<Result<_, Cancelled>>()?;
                kinds.push(result(*kind, &scores));
            }
            runs.push(EvalRun {
                max_chars,
                bm25,
                kinds,
            });
        }
    }
    Ok(EvalReport {
        files: snapshot.file_count(),
        options: options.clone(),
        runs,
    })
}

/// Assembles the context for `hole` and scores it. `line` is the hole's line if no
/// other file contains it.
fn score_hole(
    snapshot: &Snapshot,
    options: &EvalOptions,
    max_chars: usize,
    bm25: bool,
    hole: &NameHole<'_>,
    line: Option<&str>,
    cancel: &Cancel,
) -> Result<HoleScore, Cancelled> {
    let text = &hole.file.text;
    let content = [&text[..hole.start], &text[hole.end..]].concat();
    let request = ContextRequest {
        path: &hole.file.path,
        content: &content,
        cursor: hole.start,
        window: Some(window(
            &content,
            hole.start,
            PromptLimits::default().budget(),
        )),
        max_chars,
        min_score: options.min_score,
        dependencies: true,
        bm25,
        secrets: None,
        lexed: None,
    };
    let started = Instant::now();
    let context = context::assemble_without(&options.without, snapshot, &request, cancel)?;
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    Ok(HoleScore {
        names: score::names(&context, &hole.names),
        chars: context.text.chars().count(),
        useful: useful::useful_chars(&context.text, &useful::names_at(snapshot, hole)),
        ms,
        leaks: line.map(|line| score::leaks(&context.text, line)),
    })
}

/// The results for one kind of hole.
fn result(kind: HoleKind, scores: &[HoleScore]) -> KindResult {
    let asked = scores.iter().filter(|hole| !hole.names.is_empty());
    let by_hole: Vec<Recall> = asked.map(|hole| Recall::of(&hole.names)).collect();
    let chars: usize = scores.iter().map(|hole| hole.chars).sum();
    let useful: usize = scores.iter().map(|hole| hole.useful).sum();
    let names = |category: NameCategory| -> Vec<NameScore> {
        let all = scores.iter().flat_map(|hole| &hole.names);
        all.filter(|name| name.category == category)
            .copied()
            .collect()
    };
    let by_name = NameCategory::ALL
        .into_iter()
        .map(|category| (category, names(category)))
        .filter(|(_, names)| !names.is_empty());
    let checked = scores.iter().filter_map(|hole| hole.leaks);
    KindResult {
        kind,
        holes: scores.len(),
        recall: Recall::mean(&by_hole),
        by_name: by_name
            .map(|(category, names)| NameResult {
                name: category,
                names: names.len(),
                recall: Recall::of(&names),
            })
            .collect(),
        chars: Percentiles::of(scores.iter().map(|hole| hole.chars).collect(), usize::cmp),
        mean_chars: chars as f64 / scores.len().max(1) as f64,
        useful: useful as f64 / chars.max(1) as f64,
        empty: scores.iter().filter(|hole| hole.chars == 0).count(),
        leaks_checked: checked.clone().count(),
        leaks: checked.filter(|&leaks| leaks).count(),
        latency_ms: Percentiles::of(scores.iter().map(|hole| hole.ms).collect(), f64::total_cmp),
    }
}

impl Recall {
    /// The shares of `names` that the contexts hold.
    fn of(names: &[NameScore]) -> Self {
        let all: Vec<Self> = names
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

    /// The mean of each share; 0 if `all` is empty.
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

impl<T: Copy + Default> Percentiles<T> {
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
        let hundred = Percentiles::of((1..=100).rev().collect(), usize::cmp);
        assert_eq!(
            (hundred.p50, hundred.p95, hundred.p99, hundred.max),
            (50, 95, 99, 100)
        );
        assert_eq!(Percentiles::of(vec![7], usize::cmp).p99, 7);
        assert_eq!(Percentiles::of(vec![], usize::cmp).max, 0);
    }

    #[test]
    fn a_hole_with_many_names_counts_once() {
        let name = |ident| NameScore {
            category: NameCategory::Class,
            ident,
            def: false,
            by_dependency: ident,
            by_bm25: false,
        };
        let hole = |idents: &[bool]| HoleScore {
            names: idents.iter().map(|&ident| name(ident)).collect(),
            chars: 0,
            useful: 0,
            ms: 0.0,
            leaks: Some(false),
        };
        let scores = [hole(&[true]), hole(&[false, false, false, true])];
        let result = result(HoleKind::Statement, &scores);
        assert_eq!(result.recall.ident, 0.625);
        assert_eq!(result.by_name[0].recall.ident, 0.4);
        assert_eq!(
            (result.leaks_checked, result.leaks, result.empty),
            (2, 0, 2)
        );
    }
}
