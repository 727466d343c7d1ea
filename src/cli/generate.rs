//! `fimd generate`: the dataset of a project to disk or, for `--preview`, some
//! of its examples to the terminal.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use anstyle::{AnsiColor, Style};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};

use super::{Error, Setup};
use crate::cancel::Cancel;
use crate::dataset::write::{Stage, WriteError};
use crate::dataset::{self, Example, Options, Progress, WrongOption};
use crate::engine::{self, GenerateError, Project, ProjectOptions};

/// Write fill-in-the-middle training data from a PHP project.
#[derive(Debug, Args)]
pub(super) struct Generate {
    /// The project's root folder
    project: PathBuf,
    /// The folder for the examples, metadata.json and a dataset card; a dataset there is replaced
    #[arg(short, long, value_name = "DIR", required_unless_present = "preview")]
    output: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
    /// Print N random examples and write nothing
    #[arg(long, value_name = "N")]
    preview: Option<usize>,
}

impl From<dataset::Error> for Error {
    fn from(error: dataset::Error) -> Self {
        match error {
            dataset::Error::Options(wrong) => wrong.into(),
            dataset::Error::Cancelled(_) => {
                Self::Failure("interrupted: nothing was written".into())
            }
            other => Self::Failure(other.to_string()),
        }
    }
}

impl From<WrongOption> for Error {
    fn from(wrong: WrongOption) -> Self {
        Self::Usage(wrong.of_flag())
    }
}

impl From<GenerateError> for Error {
    fn from(error: GenerateError) -> Self {
        match error {
            GenerateError::Dataset(error) => error.into(),
            GenerateError::Write(error) => error.into(),
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
    pub(super) fn run(&self, mut setup: Setup) -> Result<(), Error> {
        self.options.check()?;
        let limits = &mut setup.limits;
        if let Some(bytes) = self.options.max_file_bytes {
            limits.max_file_bytes = bytes;
        }
        let max_file_bytes = limits.max_file_bytes;
        if self.preview == Some(0) {
            return Err(Error::Usage("--preview must be at least 1".into()));
        }
        let output = match self.preview {
            Some(count) => return self.print(setup, count),
            None => self.output.as_deref().ok_or_else(|| {
                Error::Usage("--output is missing: say where the dataset goes".into())
            })?,
        };
        let cancel = cancel_on_signals()?;
        let stage = Stage::new(output)?;
        let project = self.open(setup)?;
        let bar = Bar::new();
        let show = &mut |progress| bar.show(progress);
        let options = Options {
            max_file_bytes: Some(max_file_bytes),
            ..self.options.clone()
        };
        let counts = engine::generate(&project, &options, stage, &cancel, show)?;
        drop(bar);
        anstream::eprintln!(
            "{}: {} training and {} validation examples from {} files",
            output.display(),
            counts.train,
            counts.val,
            counts.files_used
        );
        Ok(())
    }

    fn open(&self, setup: Setup) -> Result<Arc<Project>, Error> {
        let project = Project::open(&ProjectOptions {
            root: self.project.clone(),
            include_paths: self.options.include_path.clone(),
            walk: setup.limits.walk(),
            cache: setup.cache,
        })
        .map_err(|error| Error::Failure(error.to_string()))?;
        project.keep_if_worth();
        Ok(project)
    }

    fn print(&self, setup: Setup, count: usize) -> Result<(), Error> {
        let project = self.open(setup)?;
        let in_root = |key: &str| project.roots.owns(key);
        let snapshot = project.index.snapshot();
        let examples = dataset::preview(
            &snapshot,
            &self.options,
            &in_root,
            count,
            &Cancel::default(),
        )?;
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
