//! Training data from a project's files: [`run`] turns a snapshot into examples
//! and hands them to a [`Sink`].
//!
//! The result is a function of the snapshot, the options and the seed. Each
//! file draws from a generator of its own, seeded by the seed and the file's
//! key, so neither the order of files nor the number of threads matters.
//! Nothing here but [`mod@write`] knows a disk.
//!
//! # How an example shares `max_total_chars`
//! - the middle takes at most a quarter and is never cut;
//! - the context is assembled with [`Options::context_budget`]: the smaller of
//!   `max_context_chars` and half of the total. One number for the whole run,
//!   kept in each record as `context_max_chars`, so anyone can ask `getContext`
//!   with the same `max_chars` and compare. It is never cut afterwards;
//! - prefix and suffix share what is left, at least a quarter, two to one; what
//!   one does not need goes to the other. The prefix then starts, and the suffix
//!   ends, at a line break if there is one.

pub mod duplicates;
pub mod holes;
pub mod quality;
pub mod report;
pub mod split;
pub mod template;
mod tested;
pub mod write;

use std::ops::Range;
use std::sync::Arc;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

pub use self::holes::SpanKind;
use self::holes::{Chosen, Hole, Measure};
use self::report::Report;
use self::split::Entry;
use self::template::Family;
use crate::cancel::{Cancel, Cancelled};
use crate::context::{self, MinScore};
use crate::files;
use crate::index::{Snapshot, SourceFile};

/// Source bytes worked on at a time: what bounds the memory for examples.
const BATCH_BYTES: usize = 128 << 10;
/// Each context reads its whole buffer, so the contexts of one file cost its
/// size times its holes. In files above 256 KiB this many bytes are read in
/// all, and holes past that are not cut.
const CONTEXT_BYTES_PER_FILE: usize = 128 << 20;

/// How the examples are divided into training and validation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum SplitBy {
    /// All examples of a file are in the same part.
    #[default]
    File,
    /// Each example for itself: training knows the validation files.
    Example,
}

/// What examples are wanted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Options {
    /// Whose tokens `text` uses.
    pub base_model: Family,
    /// Whether the context has declarations that the file's names resolve to.
    pub cross_file_context: bool,
    /// Whether the context has chunks found by BM25.
    pub bm25_context: bool,
    /// Whether middles must pass [`quality::objection`].
    pub quality_filter: bool,
    /// The most lines of a middle.
    pub max_middle_lines: usize,
    /// The fewest characters of a middle.
    pub min_middle_chars: usize,
    /// The most characters of context, prefix, middle and suffix together.
    pub max_total_chars: usize,
    /// The most characters of a context.
    pub max_context_chars: usize,
    /// The relevance threshold of contexts.
    pub min_score: MinScore,
    /// Whether only files with a test give examples.
    pub tested_only: bool,
    /// Whether training is sorted by complexity, the hardest first.
    pub curriculum: bool,
    /// The share of training that the curriculum keeps, in percent.
    pub curriculum_top_pct: u8,
    /// The share that validates, from 0 up to but not including 1.
    pub val_split: f64,
    /// What is kept together in the split.
    pub split_by: SplitBy,
    /// What every random choice follows from.
    pub seed: u64,
    /// Whether files are parsed for their holes.
    pub ast_fim: bool,
    /// The kinds of holes to cut.
    pub spans: Vec<SpanKind>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            base_model: Family::default(),
            cross_file_context: false,
            bm25_context: false,
            quality_filter: false,
            max_middle_lines: 30,
            min_middle_chars: 40,
            max_total_chars: 8192,
            max_context_chars: context::DEFAULT_MAX_CHARS,
            min_score: MinScore::default(),
            tested_only: false,
            curriculum: false,
            curriculum_top_pct: 100,
            val_split: 0.1,
            split_by: SplitBy::default(),
            seed: 42,
            ast_fim: true,
            spans: <SpanKind as clap::ValueEnum>::value_variants().to_vec(),
        }
    }
}

impl Options {
    /// The most characters of a middle: a quarter of the total.
    #[must_use]
    pub fn max_middle_chars(&self) -> usize {
        self.max_total_chars / 4
    }

    /// The characters that each context is assembled with; 0 when none is asked for.
    #[must_use]
    pub fn context_budget(&self) -> usize {
        if self.cross_file_context || self.bm25_context {
            self.max_context_chars.min(self.max_total_chars / 2)
        } else {
            0
        }
    }

    /// Whether the options can be met.
    ///
    /// # Errors
    /// [`Error::Options`], naming the option and what it must be.
    pub fn check(&self) -> Result<(), Error> {
        let fail = |message: String| Err(Error::Options(message));
        if self.max_middle_lines == 0 {
            return fail("--max-middle-lines must be at least 1".into());
        }
        if self.min_middle_chars == 0 {
            return fail("--min-middle-chars must be at least 1".into());
        }
        if self.max_middle_chars() < self.min_middle_chars {
            return fail(format!(
                "--max-total-chars {} leaves {} characters (a quarter) for the middle, fewer than --min-middle-chars {}: raise the first or lower the second",
                self.max_total_chars,
                self.max_middle_chars(),
                self.min_middle_chars
            ));
        }
        if !(0.0..1.0).contains(&self.val_split) {
            return fail(format!(
                "--val-split {} must be at least 0 and below 1",
                self.val_split
            ));
        }
        if !(1..=100).contains(&self.curriculum_top_pct) {
            return fail("--curriculum-top-pct must be from 1 to 100".into());
        }
        if self.curriculum_top_pct < 100 && !self.curriculum {
            return fail("--curriculum-top-pct needs --curriculum".into());
        }
        if self.spans.is_empty() {
            return fail("--only-spans and --exclude-spans leave no kind of span".into());
        }
        Ok(())
    }

    /// The random numbers for `what`: the same for the same seed, independent otherwise.
    fn rng(&self, what: &str) -> ChaCha8Rng {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(what.as_bytes());
        ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
    }
}

/// Why there is no dataset.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The options make no sense.
    #[error("{0}")]
    Options(String),
    /// The sink could not take the examples.
    #[error("the dataset cannot be written: {0}")]
    Sink(#[from] std::io::Error),
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// No file gave an example; says how many files were tried.
    #[error(
        "no example could be cut from {0} PHP files: see `fimd files --why` for what is left out, and try a lower --min-middle-chars"
    )]
    Nothing(usize),
}

/// One training example: a line of `train.jsonl` or `val.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Example {
    /// The whole training string in the family's format.
    pub text: String,
    /// The file's own text just before the hole.
    pub prefix: String,
    /// What was cut out.
    pub middle: String,
    /// The file's own text just after the hole.
    pub suffix: String,
    /// Text of other files; stands before `prefix` in `text`.
    pub context: String,
    /// The file's key.
    pub filepath: String,
    /// How the hole was chosen.
    pub span_kind: SpanKind,
    /// See [`Hole::name`].
    pub span_name: String,
    /// Where the hole starts in the file, in bytes.
    pub start_byte: usize,
    /// One past the hole's last byte.
    pub end_byte: usize,
    /// Lines that the middle has a part of.
    pub middle_lines: usize,
    /// See [`quality::complexity`].
    pub complexity_score: f64,
    /// The `max_chars` that the context was assembled with; 0 for none.
    pub context_max_chars: usize,
}

/// Takes the examples of a run.
pub trait Sink {
    /// Takes the next example, one JSON object and a line break.
    ///
    /// # Errors
    /// If it cannot be kept; ends the run.
    fn example(&mut self, line: &str) -> std::io::Result<()>;

    /// Takes the order in which the examples, counted from 0 as they came, are
    /// wanted in the two parts.
    ///
    /// # Errors
    /// If they cannot be written.
    fn finish(&mut self, parts: &split::Parts) -> std::io::Result<()>;
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files done.
    pub files_done: usize,
    /// Files in all.
    pub files_total: usize,
    /// Examples so far.
    pub examples: usize,
}

/// Says of a key whether its file belongs to the project itself; files that are
/// only in an include path are context, not data.
pub type InRoot<'a> = &'a (dyn Fn(&str) -> bool + Sync);

/// Generates the dataset of `snapshot`, in parallel on the current rayon pool.
///
/// # Errors
/// See [`Error`].
pub fn run(
    snapshot: &Snapshot,
    options: &Options,
    in_root: InRoot<'_>,
    sink: &mut dyn Sink,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, Error> {
    options.check()?;
    let mut report = Report::new(options);
    let sources = sources(snapshot, options, in_root, &mut report);
    let mut state = Progress {
        files_total: sources.len(),
        ..Progress::default()
    };
    let (mut entries, mut kinds) = (Vec::new(), Vec::new());
    let mut seen = FxHashSet::default();
    for batch in batches(&sources) {
        progress(state);
        for (file, examples) in
            (state.files_done..).zip(batch_examples(snapshot, batch, options, cancel)?)
        {
            let before = entries.len();
            for (reason, count) in examples.rejected {
                report.reject(reason, count);
            }
            for ready in examples.ready {
                if !seen.insert(ready.digest) {
                    report.reject("duplicate_example", 1);
                    continue;
                }
                sink.example(&ready.line)?;
                entries.push(Entry {
                    file,
                    complexity: ready.complexity,
                });
                kinds.push(ready.kind);
            }
            if entries.len() == before {
                report.skip(&sources[file].path, "no hole fits");
            } else {
                report.counts.files_used += 1;
            }
        }
        state.files_done += batch.len();
        state.examples = entries.len();
    }
    progress(state);
    if entries.is_empty() {
        return Err(Error::Nothing(report.counts.files_indexed));
    }
    let parts = split::split(&entries, options, &mut options.rng("\0split"));
    sink.finish(&parts)?;
    report.finish(&entries, &kinds, &parts);
    Ok(report)
}

/// `count` random examples, from as many different files as there are.
///
/// # Errors
/// See [`Error`].
pub fn preview(
    snapshot: &Snapshot,
    options: &Options,
    in_root: InRoot<'_>,
    count: usize,
    cancel: &Cancel,
) -> Result<Vec<Example>, Error> {
    options.check()?;
    let mut report = Report::new(options);
    let mut files = sources(snapshot, options, in_root, &mut report);
    let mut rng = options.rng("\0preview");
    files.shuffle(&mut rng);
    let mut pending = Vec::new();
    let mut examples = Vec::new();
    for file in files {
        if examples.len() == count {
            break;
        }
        cancel.check()?;
        let mut holes = file_holes(file, options).holes;
        if !holes.is_empty() {
            let hole = holes.swap_remove(rng.random_range(0..holes.len()));
            examples.extend(example_of(
                snapshot,
                file,
                &Measure::new(&file.text),
                &hole,
                options,
                cancel,
            )?);
            pending.extend(holes.into_iter().map(|hole| (file, hole)));
        }
    }
    pending.shuffle(&mut rng);
    for (file, hole) in pending {
        if examples.len() == count {
            break;
        }
        examples.extend(example_of(
            snapshot,
            file,
            &Measure::new(&file.text),
            &hole,
            options,
            cancel,
        )?);
    }
    if examples.is_empty() {
        return Err(Error::Nothing(report.counts.files_indexed));
    }
    Ok(examples)
}

/// The files that give examples, in the order of keys; `report` says why the others do not.
fn sources<'a>(
    snapshot: &'a Snapshot,
    options: &Options,
    in_root: InRoot<'_>,
    report: &mut Report,
) -> Vec<&'a Arc<SourceFile>> {
    let tests = options
        .tested_only
        .then(|| tested::Tests::new(snapshot.files()));
    let mut texts: FxHashMap<blake3::Hash, &str> = FxHashMap::default();
    let mut sources = Vec::new();
    for file in snapshot.files() {
        report.counts.files_indexed += 1;
        let reason = if !in_root(&file.path) {
            Some("only in an include path")
        } else if file.lossy {
            Some("not UTF-8")
        } else if let Some(reason) = files::left_out_of_dataset(&file.path) {
            Some(reason)
        } else if tests.as_ref().is_some_and(|tests| !tests.cover(file)) {
            Some("no test for it")
        } else if texts
            .insert(blake3::hash(file.text.as_bytes()), &file.path)
            .is_some()
        {
            Some("same text as another file")
        } else {
            None
        };
        match reason {
            Some(reason) => report.skip(&file.path, reason),
            None => sources.push(file),
        }
    }
    sources
}

/// Cuts `files` into runs of about [`BATCH_BYTES`].
fn batches<'a>(
    mut files: &'a [&'a Arc<SourceFile>],
) -> impl Iterator<Item = &'a [&'a Arc<SourceFile>]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = files.iter().take_while(|file| {
            let first = bytes == 0;
            bytes += file.text.len();
            first || bytes <= BATCH_BYTES
        });
        let (batch, rest) = files.split_at(fits.count());
        files = rest;
        (!batch.is_empty()).then_some(batch)
    })
}

/// An example made ready to be written.
struct Ready {
    line: String,
    digest: [u8; 16],
    kind: SpanKind,
    complexity: f64,
}

/// What one file gave.
struct FileExamples {
    ready: Vec<Ready>,
    rejected: std::collections::BTreeMap<&'static str, u64>,
}

/// The examples of each file of `batch`, in its order.
fn batch_examples(
    snapshot: &Snapshot,
    batch: &[&Arc<SourceFile>],
    options: &Options,
    cancel: &Cancel,
) -> Result<Vec<FileExamples>, Error> {
    batch
        .par_iter()
        .map(|file| {
            cancel.check()?;
            let Chosen {
                holes,
                mut rejected,
            } = file_holes(file, options);
            let measure = Measure::new(&file.text);
            let examples: Vec<_> = holes
                .par_iter()
                .map(|hole| {
                    let example = example_of(snapshot, file, &measure, hole, options, cancel)?;
                    example.map(|example| Ready::new(&example)).transpose()
                })
                .collect::<Result<_, Error>>()?;
            let in_all = examples.len();
            let ready: Vec<_> = examples.into_iter().flatten().collect();
            if ready.len() < in_all {
                rejected.insert("marker_in_text", (in_all - ready.len()) as u64);
            }
            Ok(FileExamples { ready, rejected })
        })
        .collect()
}

impl Ready {
    fn new(example: &Example) -> Result<Self, Error> {
        let mut hasher = blake3::Hasher::new();
        for part in [&example.prefix, &example.middle, &example.suffix] {
            hasher.update(&part.len().to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        let mut line = serde_json::to_string(example).map_err(std::io::Error::from)?;
        line.push('\n');
        Ok(Self {
            line,
            digest,
            kind: example.span_kind,
            complexity: example.complexity_score,
        })
    }
}

/// The holes of `file`, no more than the work for their contexts allows.
fn file_holes(file: &SourceFile, options: &Options) -> Chosen {
    let mut rng = options.rng(&file.path);
    let mut chosen = holes::choose(&file.text, options, &mut rng);
    if options.context_budget() > 0 {
        let most = (CONTEXT_BYTES_PER_FILE / file.text.len().max(1)).max(1);
        if chosen.holes.len() > most {
            let over = (chosen.holes.len() - most) as u64;
            chosen.holes.shuffle(&mut rng);
            chosen.holes.truncate(most);
            chosen
                .holes
                .sort_by_key(|hole| (hole.range.start, hole.range.end));
            chosen.rejected.insert("large_file", over);
        }
    }
    chosen
}

/// The example for `hole`, or `None` if its text spells one of the family's tokens.
fn example_of(
    snapshot: &Snapshot,
    file: &SourceFile,
    measure: &Measure<'_>,
    hole: &Hole,
    options: &Options,
    cancel: &Cancel,
) -> Result<Option<Example>, Cancelled> {
    cancel.check()?;
    let text = &*file.text;
    let Range { start, end } = hole.range;
    let max_chars = options.context_budget();
    let context = if max_chars == 0 {
        String::new()
    } else {
        let holed = [&text[..start], &text[end..]].concat();
        let request = context::Request {
            path: &file.path,
            content: &holed,
            cursor: start,
            max_chars,
            min_score: options.min_score,
            dependencies: options.cross_file_context,
            bm25: options.bm25_context,
        };
        context::assemble(snapshot, &request, cancel)?.text
    };
    let middle = &text[hole.range.clone()];
    let taken = context.chars().count() + measure.chars(hole.range.clone());
    let window = window(
        text,
        measure,
        &hole.range,
        options.max_total_chars.saturating_sub(taken),
    );
    let (prefix, suffix) = (&text[window.start..start], &text[end..window.end]);
    let tokens = options.base_model.tokens();
    if [&context, prefix, middle, suffix]
        .iter()
        .any(|part| tokens.occur_in(part))
    {
        return Ok(None);
    }
    Ok(Some(Example {
        text: tokens.render(&context, prefix, middle, suffix),
        prefix: prefix.into(),
        middle: middle.into(),
        suffix: suffix.into(),
        filepath: file.path.to_string(),
        span_kind: hole.kind,
        span_name: hole.name.clone(),
        start_byte: start,
        end_byte: end,
        middle_lines: measure.lines(hole.range.clone()),
        complexity_score: quality::complexity(middle),
        context_max_chars: max_chars,
        context,
    }))
}

/// The part of `text` around `hole` that prefix and suffix show, in bytes, for
/// `chars` characters in all; see the module for the rule.
fn window(text: &str, measure: &Measure<'_>, hole: &Range<usize>, chars: usize) -> Range<usize> {
    let before = measure.chars(0..hole.start);
    let after = measure.chars(hole.end..text.len());
    let for_suffix = (chars / 3).max(chars.saturating_sub(before)).min(after);
    let for_prefix = (chars - for_suffix).min(before);
    let prefix = &text[..hole.start];
    let start = if for_prefix == before {
        0
    } else {
        let cut = prefix.char_indices().rev().take(for_prefix).last();
        let cut = cut.map_or(prefix.len(), |(at, _)| at);
        memchr::memchr(b'\n', &prefix.as_bytes()[cut.saturating_sub(1)..])
            .map_or(cut, |newline| cut.saturating_sub(1) + newline + 1)
    };
    let suffix = &text[hole.end..];
    let end = if for_suffix == after {
        suffix.len()
    } else {
        let cut = suffix.char_indices().nth(for_suffix);
        let cut = cut.map_or(suffix.len(), |(at, _)| at);
        memchr::memrchr(b'\n', &suffix.as_bytes()[..cut]).map_or(cut, |newline| newline + 1)
    };
    start..hole.end + end
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::php::FileFacts;

    fn examples(text: &str, options: &Options) -> Vec<Example> {
        let file = SourceFile {
            path: "a.php".into(),
            text: text.into(),
            lossy: false,
            facts: FileFacts::default(),
        };
        let measure = Measure::new(text);
        file_holes(&file, options)
            .holes
            .iter()
            .filter_map(|hole| {
                example_of(
                    &Snapshot::default(),
                    &file,
                    &measure,
                    hole,
                    options,
                    &Cancel::default(),
                )
                .unwrap()
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

        #[test]
        fn an_example_is_the_files_own_text_and_keeps_the_budget(
            pieces in prop::collection::vec(prop_oneof![
                Just("function f($a) { return $a->b(1, 2) + compute($a); }\n".to_owned()),
                Just("/** D\u{f6}c \u{1F600}. */\r\nfunction g() {}\r\n".to_owned()),
                Just("$x = 'a long line without end'; ".repeat(20)),
                any::<String>(),
            ], 0..60),
            total in 40_usize..1500,
        ) {
            let text = format!("<?php\n{}", pieces.concat());
            let options = Options { max_total_chars: total, min_middle_chars: 8, ..Options::default() };
            for example in examples(&text, &options) {
                let Example { prefix, middle, suffix, start_byte, end_byte, .. } = &example;
                prop_assert!(text[..*start_byte].ends_with(prefix));
                prop_assert_eq!(&text[*start_byte..*end_byte], middle);
                prop_assert!(text[*end_byte..].starts_with(suffix));
                let chars = [&example.context, prefix, middle, suffix].map(|part| part.chars().count());
                prop_assert!(chars.iter().sum::<usize>() <= total);
                prop_assert_eq!(example.middle_lines, middle.lines().count());
                prop_assert!(example.text.contains(prefix) && example.text.contains(suffix));
            }
        }
    }

    #[test]
    fn the_window_is_whole_lines_and_uses_what_the_other_side_leaves() {
        let text = "one\ntwo\nthree\nHOLE\nfour\nfive\nsix\n";
        let hole = text.find("HOLE").unwrap()..text.find("HOLE").unwrap() + 4;
        let measure = Measure::new(text);
        let shown = |chars| &text[window(text, &measure, &hole, chars)];
        assert_eq!(shown(0), "HOLE");
        assert_eq!(shown(15), "two\nthree\nHOLE\n");
        assert_eq!(shown(1000), text);
        let first = "HOLE\nfour\nfive\nsix\n";
        let measure = Measure::new(first);
        assert_eq!(&first[window(first, &measure, &(0..4), 15)], first);
    }

    #[test]
    fn a_file_that_spells_a_token_gives_no_example() {
        let text = "<?php\nfunction f($lines) { return array_map('strlen', $lines); }\n// <|fim_middle|>\n";
        let options = Options {
            min_middle_chars: 10,
            ..Options::default()
        };
        let clean = text.replace("<|fim_middle|>", "").repeat(9);
        assert!(!examples(&clean, &options).is_empty());
        assert!(examples(&text.repeat(9), &options).is_empty());
    }

    #[test]
    fn nonsense_options_are_named() {
        let wrong = [
            Options {
                max_total_chars: 100,
                ..Options::default()
            },
            Options {
                max_middle_lines: 0,
                ..Options::default()
            },
            Options {
                min_middle_chars: 0,
                ..Options::default()
            },
            Options {
                val_split: 1.0,
                ..Options::default()
            },
            Options {
                val_split: f64::NAN,
                ..Options::default()
            },
            Options {
                curriculum_top_pct: 50,
                ..Options::default()
            },
            Options {
                curriculum: true,
                curriculum_top_pct: 0,
                ..Options::default()
            },
            Options {
                spans: Vec::new(),
                ..Options::default()
            },
        ];
        for options in wrong {
            let error = options.check().unwrap_err().to_string();
            assert!(error.starts_with("--") && !error.contains('\n'), "{error}");
        }
    }
}
