//! `fimd generate`: writes the dataset of some projects or, with `--preview`,
//! prints some of its examples.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};

use super::{CliError, Setup, show};
use crate::cancel::Cancel;
use crate::dataset::write::{StagingFolder, read_evaluations};
use crate::dataset::{self, Options, Progress, Repo};
use crate::engine::{self, DatasetSources, GenerateError, Project, ProjectOptions};
use crate::files::is_brought_back;
use crate::index::Origin;

/// Write fill-in-the-middle training data from PHP projects.
#[derive(Debug, Args)]
pub(super) struct Generate {
    /// Root folders of the projects
    #[arg(value_name = "PROJECT", required_unless_present_any = ["projects", "input"])]
    project: Vec<PathBuf>,
    /// File with more root folders, one per line; `-` is stdin, `#` begins a comment
    #[arg(long, value_name = "FILE")]
    projects: Option<PathBuf>,
    /// Repositories from a .jsonl, .jsonl.zst or .parquet file (repeatable). The
    /// rows are sorted by repo and have the columns repo, path and content. The
    /// columns license, commit and duplicate_of are optional; duplicate_of names the
    /// file that gives the examples instead of this one
    #[arg(long, value_name = "FILE")]
    input: Vec<PathBuf>,
    /// Folder for the examples, metadata.json, the dataset card and report.html; an existing dataset is replaced
    #[arg(short, long, value_name = "DIR", required_unless_present = "preview")]
    output: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
    /// Print N random examples and write nothing
    #[arg(long, value_name = "N")]
    preview: Option<usize>,
    /// With --preview, print the whole context, prefix and suffix, not a few lines around the middle
    #[arg(long, requires = "preview")]
    whole: bool,
    /// Continue an interrupted run with the same options
    #[arg(long, conflicts_with = "preview")]
    resume: bool,
}

impl Generate {
    /// Runs the command.
    ///
    /// # Errors
    /// If the options make no sense, or the work fails.
    pub(super) fn run(&self, mut setup: Setup) -> Result<(), CliError> {
        self.options.check()?;
        self.options.family(&setup.settings.families)?;
        let limits = &mut setup.settings.limits;
        if let Some(bytes) = self.options.max_file_bytes {
            limits.max_file_bytes = bytes;
        }
        let max_file_bytes = limits.max_file_bytes;
        if self.preview == Some(0) {
            return Err(CliError::Usage("--preview must be at least 1".into()));
        }
        if self.preview.is_some() && self.options.git.is_some() {
            return Err(CliError::Usage(
                "--preview cuts no holes at commits: leave --git out, or write a dataset and look at it with `fimd preview DATASET --kind commit`".into(),
            ));
        }
        let output = match self.preview {
            Some(count) => return self.print(setup, count),
            None => self.output.as_deref().ok_or_else(|| {
                CliError::Usage("--output is missing: say where the dataset goes".into())
            })?,
        };
        let cancel = cancel_on_signals()?;
        let stage = StagingFolder::new(output, self.resume)?;
        let walk = setup.settings.walk();
        let families = setup.settings.families;
        let sources = DatasetSources::new(
            &self.folders()?,
            &self.input,
            &self.options,
            walk,
            setup.cache,
        )
        .map_err(GenerateError::from)?;
        let bar = ProgressDisplay::new();
        let show = &mut |progress| bar.show(progress);
        let options = Options {
            max_file_bytes: Some(max_file_bytes),
            ..self.options.clone()
        };
        // Runs on a thread of the pool, as jobs do. A thread outside the pool would
        // wait until the pool has parsed ahead, and then the pool would wait for it.
        let made =
            rayon::scope(|_| engine::generate(sources, &options, &families, stage, &cancel, show));
        let counts = match made {
            Err(GenerateError::Dataset(dataset::DatasetError::Cancelled(_))) if self.resume => {
                return Err(CliError::Failure(
                    "interrupted: the same command goes on from here".into(),
                ));
            }
            made => made?,
        };
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

    /// The root folders of the arguments, then those of the list.
    fn folders(&self) -> Result<Vec<PathBuf>, CliError> {
        let mut folders = self.project.clone();
        if let Some(list) = &self.projects {
            let text = if list == Path::new("-") {
                io::read_to_string(io::stdin())
            } else {
                std::fs::read_to_string(list)
            };
            let text = text.map_err(|error| {
                CliError::Failure(format!("--projects {}: {error}", list.display()))
            })?;
            let lines = text.lines().map(str::trim);
            let named = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
            folders.extend(named.map(PathBuf::from));
        }
        Ok(folders)
    }

    fn open(&self, setup: Setup) -> Result<Arc<Project>, CliError> {
        let ([folder], []) = (&*self.folders()?, &*self.input) else {
            return Err(CliError::Usage(
                "--preview shows one PROJECT: name one".into(),
            ));
        };
        let project = Project::open(&ProjectOptions {
            root: folder.clone(),
            include_paths: self.options.include_path.clone(),
            walk: setup.settings.walk(),
            cache: setup.cache,
        })
        .map_err(|error| CliError::Failure(error.to_string()))?;
        project.write_stale_cache();
        Ok(project)
    }

    fn print(&self, setup: Setup, count: usize) -> Result<(), CliError> {
        let model = self
            .options
            .model(&setup.settings.families, std::fs::read)?;
        let project = self.open(setup)?;
        let snapshot = project.index.snapshot();
        let files: Vec<_> = snapshot.files().cloned().collect();
        let repo = Repo {
            name: None,
            title: &project.name(),
            files: &files,
            snapshot: &snapshot,
            in_root: &|key| project.roots.owns(key),
            brought_back: &|key| is_brought_back(&project.roots, &project.roots.path(key)),
            left_out: &[],
            history: None,
            origin: &|_| Origin::default(),
        };
        let mut options = self.options.clone();
        if options.measures_tokens() {
            options.measure_tokens(&files, &model)?;
        }
        let evaluations = read_evaluations(&options)?;
        let cancel = Cancel::default();
        let examples = dataset::preview(&repo, &options, &model, count, &evaluations, &cancel)?;
        show::examples(&examples, self.whole)
    }
}

/// The progress bar on stderr; nothing is drawn if stderr is no terminal.
struct ProgressDisplay(ProgressBar);

impl ProgressDisplay {
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

impl Drop for ProgressDisplay {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A flag that the first SIGINT or SIGTERM sets. A second signal ends the process at once.
pub(super) fn cancel_on_signals() -> Result<Cancel, CliError> {
    let fail = |error: io::Error| CliError::Failure(format!("cannot watch for signals: {error}"));
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
