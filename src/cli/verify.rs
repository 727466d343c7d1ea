//! `fimd verify`: checks what a dataset claims.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::generate::cancel_on_signals;
use super::{CliError, Setup, show};
use crate::cancel::Cancel;
use crate::dataset::history::History;
use crate::dataset::stored::StoredDataset;
use crate::dataset::verify::{self, Finding, Verification};
use crate::dataset::write::read::Dataset;
use crate::dataset::write::{StagingFolder, read_evaluations};
use crate::dataset::{Options, Repo};
use crate::engine::{self, DatasetSources, Project};
use crate::files::{GitHistory, Roots, is_brought_back, origin_of};
use crate::index::{Exclusion, Origin, Snapshot, SourceFile};

/// Check a dataset against the source that it was made from.
///
/// Exit code 1 if a claim is breached.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder that `fimd generate` wrote
    dataset: PathBuf,
    /// The root folder of the project that it was made from (repeatable: each of
    /// them, in the same order)
    #[arg(long, value_name = "DIR", required = true)]
    project: Vec<PathBuf>,
    /// Extra folder or file for context (repeatable) [default: those that the
    /// dataset was made with]
    #[arg(long, value_name = "PATH")]
    include_path: Vec<PathBuf>,
    /// The tokenizer.json that the dataset was made with, if it is not where it was
    #[arg(long, value_name = "FILE")]
    tokenizer: Option<PathBuf>,
    /// A dataset that was left out with --exclude-dataset (repeatable)
    #[arg(long, value_name = "DIR")]
    exclude_dataset: Vec<PathBuf>,
    /// A file that was left out with --contamination (repeatable)
    #[arg(long, value_name = "FILE")]
    contamination: Vec<PathBuf>,
    /// Make the dataset again and compare everything: every prompt, not only a few hundred,
    /// every line, number and file. Needs room for a copy in the temporary folder
    #[arg(long)]
    all: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: Args, setup: Setup) -> Result<ExitCode, CliError> {
    let is_json = args.json;
    let verification = verification(&args, setup)?;
    show::print(|out| match is_json {
        true => {
            serde_json::to_writer_pretty(&mut *out, &verification)?;
            writeln!(out)
        }
        false => print(out, &verification),
    })?;
    Ok(match verification.holds {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Opens the dataset and its projects, and checks the claims.
fn verification(args: &Args, mut setup: Setup) -> Result<Verification, CliError> {
    let cancel = cancel_on_signals()?;
    let dataset = Dataset::open(&args.dataset)?;
    let options = options(&dataset, args)?;
    let model = options
        .model(&setup.settings.families, std::fs::read)
        .map_err(|wrong| CliError::Failure(format!("the dataset's options: {wrong}")))?;
    if let Some(bytes) = options.max_file_bytes {
        setup.settings.limits.max_file_bytes = bytes;
    }
    let evaluations = read_evaluations(&options)?;
    let named = dataset.metadata().get("projects").and_then(Value::as_array);
    let named = named.map_or(&[][..], Vec::as_slice);
    let sources = || sources(&args.project, &options, named, &setup);
    let projects = sources()?.open(&cancel).map_err(failure)?;
    let temp = tempfile::tempdir().map_err(failure)?;
    let again = || {
        let open = projects.iter().map(|(_, project)| Arc::clone(project));
        let sources = open.fold(sources()?, DatasetSources::with_open);
        made_again(sources, &options, &setup, temp.path(), &cancel)
    };
    let again = args.all.then(again).transpose()?;
    let max_bytes = setup.settings.walk().max_file_bytes;
    let opened: Vec<_> = projects
        .iter()
        .map(|(name, project)| OpenProject::new(name, project, &options, max_bytes))
        .collect::<Result<_, _>>()?;
    let facts: Vec<_> = opened
        .iter()
        .map(|project| {
            let roots = &project.roots;
            let in_root = |key: &str| roots.owns(key);
            let brought_back = |key: &str| is_brought_back(roots, &roots.path(key));
            (in_root, brought_back, |_: &str| project.origin.clone())
        })
        .collect();
    let repos: Vec<_> = opened
        .iter()
        .zip(&facts)
        .map(|(project, (in_root, brought_back, origin))| Repo {
            name: (!named.is_empty()).then_some(project.name),
            title: project.name,
            files: &project.files,
            snapshot: &project.snapshot,
            in_root,
            brought_back,
            left_out: &project.left_out,
            history: project.history.as_ref().map(|git| git as &dyn History),
            origin,
        })
        .collect();
    verify::verify(
        &dataset,
        &repos,
        &model,
        &evaluations,
        again.as_ref(),
        &cancel,
    )
    .map_err(failure)
}

/// A project that the dataset was made of.
struct OpenProject<'a> {
    name: &'a str,
    roots: &'a Roots,
    files: Vec<Arc<SourceFile>>,
    snapshot: Arc<Snapshot>,
    left_out: Arc<Vec<Exclusion>>,
    history: Option<GitHistory>,
    origin: Origin,
}

impl<'a> OpenProject<'a> {
    fn new(
        name: &'a str,
        project: &'a Project,
        options: &Options,
        max_file_bytes: u64,
    ) -> Result<Self, CliError> {
        let root = project.roots.root();
        let open = |most| GitHistory::open(root, most, max_file_bytes);
        let snapshot = project.index.snapshot();
        Ok(Self {
            name,
            roots: &project.roots,
            files: snapshot.files().cloned().collect(),
            snapshot,
            left_out: project.left_out(),
            history: options.git.map(open).transpose().map_err(failure)?,
            origin: match options.provenance {
                true => origin_of(root),
                false => Origin::default(),
            },
        })
    }
}

/// The options of `dataset`, with the files that `args` name.
fn options(dataset: &Dataset, args: &Args) -> Result<Options, CliError> {
    let mut options = verify::options_of(dataset).map_err(failure)?;
    options.tokenizer = args.tokenizer.clone().or(options.tokenizer);
    if !args.include_path.is_empty() {
        options.include_path.clone_from(&args.include_path);
    }
    if let Some(missing) = options.include_path.iter().find(|path| !path.exists()) {
        return Err(CliError::Usage(format!(
            "the dataset was made with the include path {}, which is not here: name the place with --include-path",
            missing.display()
        )));
    }
    options.exclude_dataset.clone_from(&args.exclude_dataset);
    options.contamination.clone_from(&args.contamination);
    Ok(options)
}

/// The projects of a dataset with these `options`, whose metadata names the projects
/// `named`.
fn sources(
    projects: &[PathBuf],
    options: &Options,
    named: &[Value],
    setup: &Setup,
) -> Result<DatasetSources, CliError> {
    let (walk, cache) = (setup.settings.walk(), setup.cache.clone());
    let sources = DatasetSources::new(projects, &[], options, walk, cache).map_err(failure)?;
    // The folder may have been renamed since.
    Ok(match named {
        [name] => sources.with_name(name["name"].as_str().unwrap_or_default()),
        _ => sources,
    })
}

/// The dataset of `sources`, made below `folder`.
fn made_again(
    sources: DatasetSources,
    options: &Options,
    setup: &Setup,
    folder: &Path,
    cancel: &Cancel,
) -> Result<Dataset, CliError> {
    let folder = &folder.join("again");
    let stage = StagingFolder::new(folder, false)?;
    let families = &setup.settings.families;
    // On a thread of the pool, as `fimd generate` does it.
    let made =
        rayon::scope(|_| engine::generate(sources, options, families, stage, cancel, &mut |_| {}));
    made.map_err(failure)?;
    Ok(Dataset::open(folder)?)
}

/// The error of something that failed.
fn failure(error: impl std::fmt::Display) -> CliError {
    CliError::Failure(error.to_string())
}

/// Prints the findings, and the result.
fn print(out: &mut dyn Write, verification: &Verification) -> io::Result<()> {
    let good = AnsiColor::Green.on_default();
    let bad = AnsiColor::Red.on_default().bold();
    let Verification {
        train,
        val,
        findings,
        exposure,
        ..
    } = verification;
    for finding in findings {
        print_finding(out, finding)?;
    }
    writeln!(
        out,
        "measured     of {} middles in val, contexts in train give {} away, files in train {}",
        exposure.middles, exposure.in_contexts, exposure.in_files
    )?;
    let compared = &exposure.compared;
    writeln!(
        out,
        "             {} are long and {} telling; {} are compared with what is around them, of which {} stand in train elsewhere; {} are too short to compare",
        compared.long,
        compared.telling,
        compared.in_place,
        compared.in_place_elsewhere,
        compared.exempt
    )?;
    let breached = findings.iter().filter(|finding| finding.breached > 0);
    let breached = breached.count();
    let (style, said) = match breached {
        0 => (good, "every claim holds".to_owned()),
        1 => (bad, "1 claim breached".to_owned()),
        n => (bad, format!("{n} claims breached")),
    };
    writeln!(out, "{style}{train} + {val} examples: {said}{style:#}")
}

/// The most breaches of a claim that are printed. The JSON object lists more.
const SHOWN: usize = 5;

/// Prints a line for a claim, and below it the first breaches.
fn print_finding(out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
    let good = AnsiColor::Green.on_default();
    let bad = AnsiColor::Red.on_default().bold();
    let dim = Style::new().dimmed();
    let Finding {
        says,
        checked,
        not_claimed,
        breached,
        breaches,
        ..
    } = finding;
    if let Some(why) = not_claimed {
        writeln!(out, "{dim}not claimed  {says}: {why}{dim:#}")?;
    } else if *breached == 0 {
        writeln!(out, "{good}holds{good:#}        {says} ({checked} checked)")?;
    } else {
        writeln!(
            out,
            "{bad}BREACHED{bad:#}     {says} ({checked} checked, {breached} breached)"
        )?;
        for breach in breaches.iter().take(SHOWN) {
            write!(out, "             {}", breach.at)?;
            if let Some(file) = breach.file.as_ref().filter(|file| **file != breach.at) {
                write!(out, " {file}")?;
            }
            writeln!(out, ": {}", breach.what)?;
        }
        let more = breached - breaches.len().min(SHOWN);
        if more > 0 {
            writeln!(out, "             and {more} more")?;
        }
    }
    Ok(())
}
