//! `fimd eval completion`: how good the completions of a model server are.

mod conditions;
mod holes;
mod journal;
mod overlap;
mod run;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use self::conditions::{NamedEndpoint, WrittenCondition, conditions};
use self::holes::{CaseKind, Plan};
use self::journal::{CASES, CaseJournal, JournalLine};
use self::overlap::leave_out_trained;
use self::run::{AnswerError, CompletionRun};
use crate::cli::{CliError, Setup, show};
use crate::config::EndpointKind;
use crate::eval::completion::page::{PageAbout, PageCases, page};
use crate::eval::completion::report::{CompletionReport, CompletionTally};
use crate::eval::completion::table::write_table;
use crate::eval::completion::{AnswerRow, CompletionHole};
use crate::files::Replacement;
use crate::secrets::{InContext, Secrets};

/// The files of a finished run, beside the cases.
const REPORT: &str = "eval.json";
const PAGE: &str = "page.html";
/// A condition whose first requests all fail, so many, ends the run.
const FAILING: usize = 5;

/// Measure how good the completions of a model server are.
///
/// Cuts holes into the files of a project, or takes those of a dataset's
/// validation split, asks the server at each of them as `complete` does, and
/// compares the answers with the text that was cut out. Several conditions are
/// asked at the same holes, by default one without cross-file context and one
/// with it. The others are compared with the first, with intervals.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionArgs {
    /// Root folders of the projects; with --dataset those that it was made from, in the same
    /// order
    #[arg(required = true)]
    project: Vec<PathBuf>,
    /// Take the holes of this dataset's validation split. Its training split must not have
    /// their files
    #[arg(long, value_name = "DIR")]
    dataset: Option<PathBuf>,
    /// A dataset that the model was trained on, which must not have the files of the holes
    /// (repeatable)
    #[arg(long, value_name = "DIR")]
    training: Vec<PathBuf>,
    /// Measure at files that training data has, too
    #[arg(long)]
    allow_overlap: bool,
    /// Holes, of all kinds together
    #[arg(long, value_name = "N", default_value_t = 300)]
    holes: usize,
    /// Kinds of holes, those of `fimd generate --mix` and of `fimd eval context`, separated by
    /// commas [default: those of the mix `completion`, and all of `fimd eval context`]
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    kind: Vec<CaseKind>,
    /// Seed of the choice of holes, of the requests and of the intervals
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// Model server: its URL, or NAME=URL for each of several (repeatable). Each is asked under
    /// each condition [default: url under [endpoint] in the settings file]
    #[arg(long, value_name = "[NAME=]URL")]
    endpoint: Vec<NamedEndpoint>,
    /// API of the model servers [default: kind under [endpoint] in the settings
    /// file]
    #[arg(long, value_name = "KIND")]
    endpoint_kind: Option<EndpointKind>,
    /// A condition: its name and what it sets over the settings, NAME:KEY=VALUE,… (repeatable;
    /// the first is what the others are compared with). Keys: context, dependencies and bm25
    /// (on or off); max_context_chars, max_prefix_chars, max_suffix_chars, max_total_chars,
    /// max_tokens, max_lines, order and context_style as under [completion]; model, family and
    /// kind as under [endpoint]; endpoint, the NAME of a server; lora, the strength of
    /// llama.cpp's adapters, SCALE or ID:SCALE+ID:SCALE [default: 'no
    /// context:context=off' and 'context']
    #[arg(long, value_name = "CONDITION")]
    condition: Vec<WrittenCondition>,
    /// Requests at a time. The times of answers then include what they wait for one another
    #[arg(long, value_name = "N", default_value_t = 1)]
    parallel: usize,
    /// Folder for the cases, eval.json and page.html
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Go on with the interrupted run of the folder
    #[arg(long, requires = "output")]
    resume: bool,
    /// Extra folder or file for context, which counts even if it is ignored; the rules apply
    /// inside it (repeatable)
    #[arg(long, value_name = "PATH")]
    include_path: Vec<PathBuf>,
    /// Print all figures as one JSON object
    #[arg(long)]
    json: bool,
}

/// What `eval.json` has.
#[derive(Serialize)]
struct EvalFile<'a> {
    /// What was asked of whom.
    run: &'a Value,
    report: &'a CompletionReport,
}

/// Folds holes and answers, which come in their order, and writes them to the file of
/// cases.
struct Collector {
    conditions: usize,
    tally: CompletionTally,
    cases: PageCases,
    journal: Option<CaseJournal>,
    hole: Option<CompletionHole>,
    /// The answers at the hole.
    rows: Vec<AnswerRow>,
    /// The number of answers so far.
    answers: usize,
}

impl Collector {
    fn new(run: &CompletionRun) -> Self {
        let conditions = run.conditions.iter();
        Self {
            conditions: run.conditions.len(),
            tally: CompletionTally::new(
                conditions.map(|condition| condition.name.clone()).collect(),
                run.seed,
            ),
            cases: PageCases::new(run.plan.holes.len(), run.conditions.len()),
            journal: None,
            hole: None,
            rows: Vec::new(),
            answers: 0,
        }
    }

    /// Takes a line of the file of cases.
    ///
    /// # Errors
    /// If it is not the next one.
    fn take(&mut self, line: JournalLine, run: &CompletionRun) -> Result<(), String> {
        let (at, condition) = (
            self.answers / self.conditions,
            self.answers % self.conditions,
        );
        match line {
            JournalLine::Hole(hole) if self.hole.is_none() => {
                if run.hole(at).as_ref() != Some(&hole) {
                    return Err("another hole than the project has here today; name another folder with --output".into());
                }
                self.hole = Some(hole);
                Ok(())
            }
            JournalLine::Answer(row)
                if self.hole.is_some()
                    && (row.hole as usize, row.condition as usize) == (at, condition) =>
            {
                self.fold(row);
                Ok(())
            }
            _ => Err("expected the next hole or answer; the file was changed".into()),
        }
    }

    /// Adds the answer `row` at the current hole.
    fn fold(&mut self, row: AnswerRow) {
        let Some(hole) = &self.hole else {
            return;
        };
        self.tally.add(hole, &row);
        self.rows.push(row);
        self.answers += 1;
        if self.rows.len() == self.conditions {
            self.cases.add(hole, &self.rows);
            self.rows.clear();
            self.hole = None;
        }
    }

    /// Adds the next answer, and writes it down.
    fn add(&mut self, row: AnswerRow, run: &CompletionRun) -> Result<(), CliError> {
        if self.hole.is_none() {
            let hole = run.hole(row.hole as usize);
            if let (Some(journal), Some(hole)) = (&mut self.journal, &hole) {
                journal.write(&JournalLine::Hole(hole.clone()))?;
            }
            self.hole = hole;
        }
        let line = JournalLine::Answer(row);
        if let Some(journal) = &mut self.journal {
            journal.write(&line)?;
        }
        if let JournalLine::Answer(row) = line {
            self.fold(row);
        }
        Ok(())
    }
}

impl CompletionRun {
    /// The hole with this number, as reports have it.
    fn hole(&self, at: usize) -> Option<CompletionHole> {
        let hole = self.plan.holes.get(at)?;
        Some(hole.case(at as u32, &self.plan, self.secrets.as_deref()))
    }

    /// What is asked of whom.
    fn told(&self, args: &CompletionArgs) -> Value {
        let name = |folder: &PathBuf| {
            let name = folder.file_name().unwrap_or(folder.as_os_str());
            name.to_string_lossy().into_owned()
        };
        let projects = self.plan.projects.iter().map(|open| {
            let mut hasher = blake3::Hasher::new();
            for file in open.snapshot.files() {
                hasher.update(file.path.as_bytes());
                hasher.update(&[0]);
                hasher.update(blake3::hash(file.text.as_bytes()).as_bytes());
            }
            let digest = hasher.finalize().to_hex();
            json!({ "name": open.name, "files": &digest.as_str()[..32] })
        });
        let conditions = self.conditions.iter().map(|condition| condition.told());
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "projects": projects.collect::<Vec<_>>(),
            "dataset": args.dataset.as_ref().map(name),
            "training": args.training.iter().map(name).collect::<Vec<_>>(),
            "allow_overlap": args.allow_overlap,
            "holes": self.plan.holes.len(),
            "kinds": args.kind.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
            "seed": self.seed,
            "secrets": match &self.secrets { Some(_) => "redact", None => "keep" },
            "conditions": conditions.collect::<Vec<_>>(),
        })
    }
}

fn failure(error: &dyn std::fmt::Display) -> CliError {
    CliError::Failure(error.to_string())
}

impl CompletionArgs {
    pub(super) fn run(&self, setup: Setup) -> Result<(), CliError> {
        if self.holes == 0 || self.parallel == 0 {
            return Err(CliError::Usage(
                "--holes and --parallel must be at least 1".into(),
            ));
        }
        let conditions = conditions(&self.condition, &self.endpoint, self.endpoint_kind, &setup)?;
        let secrets = match setup.settings.context.secrets {
            InContext::Redact => Some(Arc::new(Secrets::new().map_err(|e| failure(&e))?)),
            InContext::Keep => None,
        };
        let mut plan = Plan::new(self, &setup)?;
        let training = self.dataset.iter().chain(&self.training);
        leave_out_trained(&mut plan, training, self.allow_overlap)?;
        plan.check(self)?;
        for note in &plan.notes {
            anstream::eprintln!("fimd: {note}");
        }
        let run = Arc::new(CompletionRun::new(plan, conditions, secrets, self.seed));
        let told = run.told(self);
        let mut collector = Collector::new(&run);
        collector.journal = match (&self.output, self.resume) {
            (None, _) => None,
            (Some(folder), false) => Some(CaseJournal::begin(folder, &told)?),
            (Some(folder), true) => {
                let take = |line| collector.take(line, &run);
                Some(CaseJournal::resume(folder, &told, take)?)
            }
        };
        self.ask(&run, &mut collector)?;
        let Collector { tally, cases, .. } = collector;
        let report = tally.report();
        let told = EvalFile {
            run: &told,
            report: &report,
        };
        if let Some(folder) = &self.output {
            write_files(folder, &run, &told, cases)?;
        }
        show::print(|out| match self.json {
            true => {
                serde_json::to_writer_pretty(&mut *out, &told)?;
                writeln!(out)
            }
            false => write_table(out, &report),
        })
    }

    /// Asks for the answers that `collector` does not have yet.
    fn ask(&self, run: &Arc<CompletionRun>, collector: &mut Collector) -> Result<(), CliError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| failure(&format!("cannot start the runtime: {error}")))?;
        let bar = progress_bar(run.answers());
        bar.set_position(collector.answers as u64);
        let asked = runtime.block_on(self.ask_on(run, collector, &bar));
        bar.finish_and_clear();
        // Prompts that are still being made are of no use.
        runtime.shutdown_background();
        asked
    }

    async fn ask_on(
        &self,
        run: &Arc<CompletionRun>,
        collector: &mut Collector,
        bar: &ProgressBar,
    ) -> Result<(), CliError> {
        let watch = |kind| signal(kind).map_err(|e| failure(&format!("cannot watch signals: {e}")));
        let mut interrupt = watch(SignalKind::interrupt())?;
        let mut terminate = watch(SignalKind::terminate())?;
        for condition in &run.conditions {
            // What requests are sent depends on what the server is.
            let client = condition.server.client();
            if !condition.lora.is_empty() {
                let loaded = client.adapters().await.map_err(|error| failure(&error))?;
                condition.check_adapters(&loaded)?;
            }
            client.features().await;
        }
        let mut failed = vec![0; run.conditions.len()];
        let mut rows = pin!(run.rows(collector.answers, self.parallel));
        loop {
            let row = tokio::select! {
                biased;
                _ = interrupt.recv() => return Err(self.stopped("interrupted", collector, run)),
                _ = terminate.recv() => return Err(self.stopped("interrupted", collector, run)),
                row = rows.next() => row,
            };
            let row = match row {
                None => return Ok(()),
                Some(Ok(row)) => row,
                Some(Err(AnswerError::Other(error))) => return Err(error),
                Some(Err(AnswerError::Server(of, error))) => {
                    let name = &run.conditions[of].name;
                    return Err(self.stopped(&format!("{name}: {error}"), collector, run));
                }
            };
            let failures = &mut failed[row.condition as usize];
            let is_first = row.hole as usize == *failures;
            if let Some(error) = row.error.as_ref().filter(|_| is_first) {
                *failures += 1;
                if *failures == FAILING {
                    let name = &run.conditions[row.condition as usize].name;
                    let what = format!("{name}: the first {FAILING} requests fail: {error}");
                    return Err(CliError::Failure(what));
                }
            }
            collector.add(row, run)?;
            bar.inc(1);
        }
    }

    /// The error of a run that ends early: `what` has ended it, and what is kept.
    fn stopped(&self, what: &str, collector: &Collector, run: &CompletionRun) -> CliError {
        let (done, all) = (collector.answers, run.answers());
        CliError::Failure(match &self.output {
            Some(folder) => format!(
                "{what}; {done} of {all} answers are in {}: the same command with --resume goes \
                 on from there",
                folder.join(CASES).display()
            ),
            None => format!(
                "{what}; {done} of {all} answers are lost: --output keeps them, for --resume"
            ),
        })
    }
}

/// The progress bar on stderr; nothing is drawn if stderr is no terminal.
fn progress_bar(answers: usize) -> ProgressBar {
    let target = match std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(Some(answers as u64), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} answers, {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// Writes the report and the page to `folder`.
fn write_files(
    folder: &Path,
    run: &CompletionRun,
    told: &EvalFile<'_>,
    cases: PageCases,
) -> Result<(), CliError> {
    let names: Vec<&str> = run.plan.projects.iter().map(|open| &*open.name).collect();
    let about = PageAbout {
        title: format!("Completions of {}", names.join(", ")),
        options: options(told.run),
    };
    let json = serde_json::to_string_pretty(told).map_err(|error| failure(&error))?;
    let html = page(&about, told.report, cases).map_err(|error| failure(&error))?;
    write_whole(&folder.join(REPORT), &(json + "\n"))?;
    write_whole(&folder.join(PAGE), &html)
}

/// What the page tells of the run: the names of fields, and their values.
fn options(run: &Value) -> Vec<(String, String)> {
    let mut options = Vec::new();
    let mut rest: Vec<(String, &Value)> = vec![(String::new(), run)];
    while let Some((path, value)) = rest.pop() {
        let below = |key: &str| match &*path {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        };
        match value {
            Value::Null => {}
            Value::Object(fields) => {
                rest.extend(fields.iter().rev().map(|(key, value)| (below(key), value)));
            }
            Value::Array(values) => {
                rest.extend(values.iter().enumerate().rev().map(|(at, value)| {
                    let name = value["name"].as_str().map(str::to_owned);
                    (below(&name.unwrap_or(at.to_string())), value)
                }))
            }
            Value::String(text) => options.push((path, text.clone())),
            value => options.push((path, value.to_string())),
        }
    }
    options
}

/// Writes the file at `path` in one step.
fn write_whole(path: &Path, text: &str) -> Result<(), CliError> {
    let written = Replacement::begin(path, 0o644).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.publish()
    });
    written.map_err(|error| failure(&format!("{}: {error}", path.display())))
}
