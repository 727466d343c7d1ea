//! `fimd generate`: flags to [`dataset::Options`], and the result to disk or, for
//! `--preview`, to the terminal.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::thread;

use anstyle::{AnsiColor, Style};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use super::Error;
use crate::cancel::Cancel;
use crate::context::{self, MinScore};
use crate::dataset::report::Report;
use crate::dataset::template::Family;
use crate::dataset::write::{Stage, WriteError};
use crate::dataset::{self, Example, Options, Progress, SpanKind, SplitBy};
use crate::engine::{Project, ProjectOptions};
use crate::files::{Cache, Roots, WalkOptions};

/// Write fill-in-the-middle training data from a PHP project.
#[derive(Debug, Args)]
pub(super) struct Generate {
    /// The project's root folder
    project: PathBuf,
    /// The folder for train.jsonl, val.jsonl and metadata.json; a dataset there is replaced
    #[arg(short, long, value_name = "DIR", required_unless_present = "preview")]
    output: Option<PathBuf>,
    /// Model family whose fill-in-the-middle tokens are used
    #[arg(long, value_name = "MODEL", default_value = "qwen2.5-coder")]
    base_model: Family,
    /// Put declarations that the file refers to before the prefix
    #[arg(long)]
    cross_file_context: bool,
    /// Put code chunks found by BM25 before the prefix
    #[arg(long)]
    bm25_context: bool,
    /// Leave out repetitive, low-entropy and comment-only middles
    #[arg(long)]
    quality_filter: bool,
    /// Extra folder or file for cross-file context, whatever the ignore rules say (repeatable)
    #[arg(long, value_name = "DIR")]
    include_path: Vec<PathBuf>,
    /// Most lines of a middle
    #[arg(long, value_name = "N", default_value_t = 30)]
    max_middle_lines: usize,
    /// Fewest characters of a middle
    #[arg(long, value_name = "N", default_value_t = 40)]
    min_middle_chars: usize,
    /// Most characters of context, prefix, middle and suffix together
    #[arg(long, value_name = "N", default_value_t = 8192)]
    max_total_chars: usize,
    /// Most characters of the cross-file context
    #[arg(long, value_name = "N", default_value_t = context::DEFAULT_MAX_CHARS)]
    max_context_chars: usize,
    /// Leave out declarations less likely than this to be named next, from 0 to 1
    #[arg(long, value_name = "SCORE", default_value_t)]
    min_score: MinScore,
    /// Only files that have a test: XTest.php, or a test class that names X
    #[arg(long)]
    tested_only: bool,
    /// Sort the training examples by complexity, the hardest first
    #[arg(long)]
    curriculum: bool,
    /// With --curriculum, keep only the hardest N percent for training
    #[arg(long, value_name = "N", default_value_t = 100)]
    curriculum_top_pct: u8,
    /// Share of the data for validation, from 0 up to 1
    #[arg(long, value_name = "RATIO", default_value_t = 0.1)]
    val_split: f64,
    /// What stays together in the split; by example, training knows the validation files
    #[arg(long, value_name = "UNIT", default_value = "file")]
    split_by: SplitBy,
    /// Seed of all random choices
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// Kinds of spans to cut, separated by commas [default: all]
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    only_spans: Vec<SpanKind>,
    /// Kinds of spans not to cut, separated by commas
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    exclude_spans: Vec<SpanKind>,
    /// Do not parse: line and brace spans instead of syntax-tree spans
    #[arg(long)]
    no_ast_fim: bool,
    /// Leave out files with more bytes
    #[arg(long, value_name = "BYTES", default_value_t = WalkOptions::default().max_file_bytes)]
    max_file_bytes: u64,
    /// Print N random examples and write nothing
    #[arg(long, value_name = "N")]
    preview: Option<usize>,
}

/// What `metadata.json` holds: the report, and the options about files.
#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(flatten)]
    report: &'a Report,
    include_path: &'a [PathBuf],
    max_file_bytes: u64,
}

impl From<dataset::Error> for Error {
    fn from(error: dataset::Error) -> Self {
        match error {
            dataset::Error::Options(message) => Self::Usage(message),
            dataset::Error::Cancelled(_) => {
                Self::Failure("interrupted: nothing was written".into())
            }
            other => Self::Failure(other.to_string()),
        }
    }
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        Self::Failure(error.to_string())
    }
}

impl Generate {
    /// Runs the command.
    ///
    /// # Errors
    /// If the options make no sense, or the work fails.
    pub(super) fn run(&self, cache: Option<Cache>) -> Result<(), Error> {
        let options = self.options();
        options.check()?;
        if self.preview == Some(0) {
            return Err(Error::Usage("--preview must be at least 1".into()));
        }
        let output = match self.preview {
            Some(count) => return self.print(&options, count, cache),
            None => self.output.as_deref().ok_or_else(|| {
                Error::Usage("--output is missing: say where the dataset goes".into())
            })?,
        };
        let cancel = cancel_on_signals()?;
        let stage = Stage::new(output)?;
        let project = self.open(cache)?;
        let in_root = in_root(&project.roots, &self.include_path);
        let bar = Bar::new();
        let mut sink = stage.sink()?;
        let snapshot = project.index.snapshot();
        let mut report = dataset::run(
            &snapshot,
            &options,
            &in_root,
            &mut sink,
            &cancel,
            &mut |progress| bar.show(progress),
        )?;
        drop(bar);
        for left_out in &project.left_out {
            report.skip(&left_out.key, &left_out.rule);
        }
        cancel.check().map_err(dataset::Error::from)?;
        stage.publish(&Metadata {
            report: &report,
            include_path: &self.include_path,
            max_file_bytes: self.max_file_bytes,
        })?;
        let counts = report.counts;
        anstream::eprintln!(
            "{}: {} training and {} validation examples from {} files",
            output.display(),
            counts.train,
            counts.val,
            counts.files_used
        );
        Ok(())
    }

    fn options(&self) -> Options {
        let all = Options::default().spans;
        let asked = |kind: &SpanKind| {
            (self.only_spans.is_empty() || self.only_spans.contains(kind))
                && !self.exclude_spans.contains(kind)
        };
        Options {
            base_model: self.base_model,
            cross_file_context: self.cross_file_context,
            bm25_context: self.bm25_context,
            quality_filter: self.quality_filter,
            max_middle_lines: self.max_middle_lines,
            min_middle_chars: self.min_middle_chars,
            max_total_chars: self.max_total_chars,
            max_context_chars: self.max_context_chars,
            min_score: self.min_score,
            tested_only: self.tested_only,
            curriculum: self.curriculum,
            curriculum_top_pct: self.curriculum_top_pct,
            val_split: self.val_split,
            split_by: self.split_by,
            seed: self.seed,
            ast_fim: !self.no_ast_fim,
            spans: all.into_iter().filter(asked).collect(),
        }
    }

    fn open(&self, cache: Option<Cache>) -> Result<std::sync::Arc<Project>, Error> {
        let project = Project::open(&ProjectOptions {
            root: self.project.clone(),
            include_paths: self.include_path.clone(),
            walk: WalkOptions {
                max_file_bytes: self.max_file_bytes,
            },
            cache,
        })
        .map_err(|error| Error::Failure(error.to_string()))?;
        project.keep_if_worth();
        Ok(project)
    }

    fn print(&self, options: &Options, count: usize, cache: Option<Cache>) -> Result<(), Error> {
        let project = self.open(cache)?;
        let in_root = in_root(&project.roots, &self.include_path);
        let snapshot = project.index.snapshot();
        let examples = dataset::preview(&snapshot, options, &in_root, count, &Cancel::default())?;
        let mut out = anstream::stdout().lock();
        let printed = (1..)
            .zip(&examples)
            .try_for_each(|(n, example)| print_example(&mut out, n, examples.len(), example))
            .and_then(|()| out.flush());
        match printed {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(|error| Error::Failure(format!("cannot print: {error}"))),
        }
    }
}

/// Prints `example`, the middle in colour and between `⟦` and `⟧`.
fn print_example(out: &mut impl Write, n: usize, of: usize, example: &Example) -> io::Result<()> {
    let title = Style::new().bold();
    let dim = Style::new().dimmed();
    let cut = AnsiColor::Green.on_default().bold();
    writeln!(
        out,
        "{title}── {n}/{of} {}:{}..{} {} {}{title:#}",
        example.filepath,
        example.start_byte,
        example.end_byte,
        example.span_kind.name(),
        example.span_name
    )?;
    let Example {
        context,
        prefix,
        middle,
        suffix,
        ..
    } = example;
    if !context.is_empty() {
        writeln!(out, "{dim}{}{dim:#}", context.trim_end())?;
    }
    writeln!(out, "{prefix}{cut}⟦{middle}⟧{cut:#}{}\n", suffix.trim_end())
}

/// Says of a key whether its file is the project's own. What an include path
/// brings in is context, not data, also where that path lies below the root.
pub(super) fn in_root(
    roots: &Roots,
    include_paths: &[PathBuf],
) -> impl Fn(&str) -> bool + Sync + use<> {
    let roots = roots.clone();
    let root = roots.path("");
    let absolute = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let includes: Vec<_> = include_paths
        .iter()
        .map(|path| absolute(path))
        .filter(|include| !root.starts_with(include))
        .collect();
    move |key| {
        let path = roots.path(key);
        path.starts_with(&root) && !includes.iter().any(|include| path.starts_with(include))
    }
}

/// The bar on stderr; nothing is drawn where stderr is no terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) =
            ProgressStyle::with_template("{bar:40} {pos}/{len} files, {msg} examples, {eta} left")
        {
            bar.set_style(style);
        }
        Self(bar)
    }

    fn show(&self, progress: Progress) {
        self.0.set_length(progress.files_total as u64);
        self.0.set_position(progress.files_done as u64);
        self.0.set_message(progress.examples.to_string());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A flag that the first SIGINT or SIGTERM sets; a second one ends the process at once.
fn cancel_on_signals() -> Result<Cancel, Error> {
    let fail = |error: io::Error| Error::Failure(format!("cannot watch for signals: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(fail)?;
    let guard = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(fail)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(fail)?;
    drop(guard);
    let cancel = Cancel::default();
    let flag = cancel.clone();
    thread::spawn(move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                if flag.is_cancelled() {
                    std::process::exit(130);
                }
                flag.cancel();
            }
        });
    });
    Ok(cancel)
}
