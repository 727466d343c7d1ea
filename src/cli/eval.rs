//! `fimd eval`: measures fimd on a project's own code.

mod completion;
mod typing;

use std::io::{self, Write};
use std::path::PathBuf;

use anstyle::Style;

use super::{CliError, Setup};
use crate::cancel::Cancel;
use crate::context::budget::DEFAULT_MAX_CONTEXT_CHARS;
use crate::context::{MinScore, Signal};
use crate::engine::{Project, ProjectOptions};
use crate::eval::{self, EvalOptions, EvalReport, EvalRun, HoleKind, KindResult, Recall};

/// Measure fimd on a project.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Context(ContextArgs),
    Typing(typing::TypingArgs),
    Completion(Box<completion::CompletionArgs>),
}

/// Measure how often the context holds the name that comes next.
///
/// Cuts names out of the project's files where nothing but another file can
/// tell them, assembles the context for each such hole and looks for them.
/// `ident` is the share of names that stand in the context, `def` that of names
/// that stand there at their definition.
#[derive(Debug, clap::Args)]
struct ContextArgs {
    /// The project's root folder
    project: PathBuf,
    /// Holes of each kind
    #[arg(long, value_name = "N", default_value_t = 300)]
    holes: usize,
    /// Seed of the choice of holes
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// Most characters of a context; several, separated by commas, are compared
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [DEFAULT_MAX_CONTEXT_CHARS])]
    max_chars: Vec<usize>,
    /// Leave out declarations less likely than this to be named next, from 0 to 1
    #[arg(long, value_name = "SCORE", default_value_t)]
    min_score: MinScore,
    /// Kinds of holes, separated by commas [default: all]
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    kind: Vec<HoleKind>,
    /// Signals to switch off, separated by commas, to learn what they are worth
    #[arg(long, value_name = "SIGNALS", value_delimiter = ',')]
    without: Vec<Signal>,
    /// Extra folder or file for context, which counts even if it is ignored; the rules apply
    /// inside it (repeatable)
    #[arg(long, value_name = "PATH")]
    include_path: Vec<PathBuf>,
    /// Print all figures as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args, setup: Setup) -> Result<(), CliError> {
    match &args.what {
        What::Context(args) => args.run(setup),
        What::Typing(args) => args.run(setup),
        What::Completion(args) => args.run(setup),
    }
}

impl ContextArgs {
    fn run(&self, setup: Setup) -> Result<(), CliError> {
        if self.holes == 0 {
            return Err(CliError::Usage("--holes must be at least 1".into()));
        }
        let project = Project::open(&ProjectOptions {
            root: self.project.clone(),
            include_paths: self.include_path.clone(),
            walk: setup.settings.walk(),
            cache: setup.cache,
        })
        .map_err(|error| CliError::Failure(error.to_string()))?;
        project.write_stale_cache();
        let options = EvalOptions {
            holes: self.holes,
            seed: self.seed,
            max_chars: self.max_chars.clone(),
            min_score: self.min_score,
            kinds: if self.kind.is_empty() {
                <HoleKind as clap::ValueEnum>::value_variants().to_vec()
            } else {
                self.kind.clone()
            },
            without: self.without.clone(),
        };
        let is_own = |key: &str| project.roots.owns(key);
        let snapshot = project.index.snapshot();
        let report = eval::run(&snapshot, &options, &is_own, &Cancel::default())
            .map_err(|error| CliError::Failure(error.to_string()))?;
        if report.files == 0 {
            let project = self.project.display();
            return Err(CliError::Failure(format!(
                "{project}: no PHP files; `fimd files --why {project}` lists what is left out"
            )));
        }
        if report.runs[0]
            .kinds
            .iter()
            .all(|kind| kind.by_name.is_empty())
        {
            return Err(CliError::Failure(format!(
                "{}: none of its {} files uses a name that only another one declares; \
                 measure a larger project",
                self.project.display(),
                report.files
            )));
        }
        let mut out = anstream::stdout().lock();
        let printed = if self.json {
            serde_json::to_string_pretty(&report)
                .map_err(io::Error::from)
                .and_then(|json| writeln!(out, "{json}"))
        } else {
            print(&mut out, &report)
        };
        match printed.and_then(|()| out.flush()) {
            // The reader of the pipe has closed it.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(|error| CliError::Failure(format!("standard output: {error}"))),
        }
    }
}

/// The name of `value` on the command line.
fn name_of(value: &impl clap::ValueEnum) -> String {
    value
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

fn print(out: &mut impl Write, report: &EvalReport) -> io::Result<()> {
    let bold = Style::new().bold();
    let EvalOptions { seed, without, .. } = &report.options;
    write!(out, "{} files, seed {seed}", report.files)?;
    if !without.is_empty() {
        let names: Vec<_> = without.iter().map(name_of).collect();
        write!(out, ", without {}", names.join(", "))?;
    }
    writeln!(out)?;
    for run in &report.runs {
        let bm25 = if run.bm25 { "with" } else { "without" };
        writeln!(
            out,
            "\n{bold}At most {} characters, {bm25} BM25{bold:#}",
            run.max_chars
        )?;
        print_run(out, run)?;
    }
    writeln!(
        out,
        "\nident: the name stands in the context; def: at its definition; decl, bm25: among the\n\
         declarations, in the chunks found by BM25; chars: mean length of the contexts; useful: share\n\
         of it in lines with a name that the code at the hole uses; p50, p95, p99: milliseconds to assemble one."
    )
}

fn print_run(out: &mut impl Write, run: &EvalRun) -> io::Result<()> {
    writeln!(
        out,
        "{:<14}{:>6}{:>8}{:>8}{:>8}{:>8}{:>7}{:>8}{:>8}{:>8}{:>8}{:>9}",
        "", "n", "ident", "def", "decl", "bm25", "chars", "useful", "p50", "p95", "p99", "leaks"
    )?;
    for result in &run.kinds {
        let KindResult {
            kind,
            holes,
            latency_ms: ms,
            leaks,
            leaks_checked,
            ..
        } = result;
        print_recall(out, &name_of(kind), *holes, result.recall)?;
        writeln!(
            out,
            "{:>7.0}{:>8.3}{:>8.2}{:>8.2}{:>8.2}{:>9}",
            result.mean_chars,
            result.useful,
            ms.p50,
            ms.p95,
            ms.p99,
            format!("{leaks}/{leaks_checked}")
        )?;
        for by in &result.by_name {
            let name = format!("  {}", by.name.name());
            print_recall(out, &name, by.names, by.recall)?;
            writeln!(out)?;
        }
    }
    Ok(())
}

fn print_recall(out: &mut impl Write, name: &str, n: usize, recall: Recall) -> io::Result<()> {
    let Recall {
        ident,
        def,
        by_dependency,
        by_bm25,
    } = recall;
    write!(
        out,
        "{name:<14}{n:>6}{ident:>8.3}{def:>8.3}{by_dependency:>8.3}{by_bm25:>8.3}"
    )
}
