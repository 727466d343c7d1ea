//! `fimd verify`: checks what a dataset claims.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::generate::cancel_on_signals;
use super::{CliError, Setup, show};
use crate::dataset::Repo;
use crate::dataset::history::History;
use crate::dataset::stored::StoredDataset;
use crate::dataset::verify::{self, Finding, Verification};
use crate::dataset::write::read::Dataset;
use crate::engine::DatasetSources;
use crate::files::GitHistory;
use crate::index::Origin;

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
    /// Assemble the context of every example again, not only of a few hundred
    #[arg(long)]
    all: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: Args, setup: Setup) -> Result<ExitCode, CliError> {
    let is_json = args.json;
    let verification = verification(args, setup)?;
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
fn verification(args: Args, mut setup: Setup) -> Result<Verification, CliError> {
    let failure = |error: &dyn std::fmt::Display| CliError::Failure(error.to_string());
    let cancel = cancel_on_signals()?;
    let dataset = Dataset::open(&args.dataset)?;
    let mut options = verify::options_of(&dataset).map_err(|error| failure(&error))?;
    options.tokenizer = args.tokenizer.or(options.tokenizer);
    let model = options
        .model(&setup.settings.families, std::fs::read)
        .map_err(|wrong| CliError::Failure(format!("the dataset's options: {wrong}")))?;
    if let Some(bytes) = options.max_file_bytes {
        setup.settings.limits.max_file_bytes = bytes;
    }
    if !args.include_path.is_empty() {
        options.include_path = args.include_path;
    }
    if let Some(missing) = options.include_path.iter().find(|path| !path.exists()) {
        return Err(CliError::Usage(format!(
            "the dataset was made with the include path {}, which is not here: name the place with --include-path",
            missing.display()
        )));
    }
    let walk = setup.settings.walk();
    let max_bytes = walk.max_file_bytes;
    let sources = DatasetSources::new(&args.project, &[], &options, walk, setup.cache)
        .map_err(|error| failure(&error))?;
    let mut projects = sources.open(&cancel).map_err(|error| failure(&error))?;
    let named = dataset.metadata().get("projects").and_then(Value::as_array);
    let named = named.map_or(&[][..], Vec::as_slice);
    if let ([name], [project]) = (named, &mut *projects) {
        // The folder may have been renamed since.
        let name = name.get("name").and_then(Value::as_str);
        project.0 = name.unwrap_or_default().to_owned();
    }
    let opened: Vec<_> = projects
        .iter()
        .map(|(name, project)| {
            let in_root = |key: &str| project.roots.owns(key);
            let snapshot = project.index.snapshot();
            let files: Vec<_> = snapshot.files().cloned().collect();
            let open = |most| GitHistory::open(project.roots.root(), most, max_bytes);
            let history = options.git.map(open).transpose();
            let history = history.map_err(|error| failure(&error))?;
            Ok((name, files, snapshot, in_root, history))
        })
        .collect::<Result<_, CliError>>()?;
    let repos: Vec<_> = opened
        .iter()
        .map(|(name, files, snapshot, in_root, history)| Repo {
            name: (!named.is_empty()).then_some(name.as_str()),
            title: name,
            files,
            snapshot,
            in_root,
            brought_back: &|_| false,
            left_out: &[],
            history: history.as_ref().map(|history| history as &dyn History),
            origin: &|_| Origin::default(),
        })
        .collect();
    verify::verify(&dataset, &repos, &model, args.all, &cancel).map_err(|error| failure(&error))
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
        for breach in breaches {
            write!(out, "             {}", breach.at)?;
            if let Some(file) = breach.file.as_ref().filter(|file| **file != breach.at) {
                write!(out, " {file}")?;
            }
            writeln!(out, ": {}", breach.what)?;
        }
        let more = breached - breaches.len();
        if more > 0 {
            writeln!(out, "             and {more} more")?;
        }
    }
    Ok(())
}
