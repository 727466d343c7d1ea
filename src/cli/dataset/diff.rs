//! `fimd dataset diff`: tells how a dataset differs from another one.

use std::cmp::Reverse;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::generate::cancel_on_signals;
use crate::cli::{CliError, show};
use crate::dataset::diff::{DatasetDiff, DiffGroup, diff};
use crate::dataset::write::read::Dataset;

/// Tell which examples came, went or changed between two datasets, and why.
///
/// Reasons for holes are known if the file of rejects is in the dataset's folder
/// (`--rejects DIR/rejects.jsonl`). Exit code 1 if the datasets differ.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder of the old dataset
    old: PathBuf,
    /// The folder of the new dataset
    new: PathBuf,
    /// How many examples to list of those that came, went and changed
    #[arg(short, value_name = "N", default_value_t = 3)]
    n: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<ExitCode, CliError> {
    let cancel = cancel_on_signals()?;
    let (old, new) = (Dataset::open(&args.old)?, Dataset::open(&args.new)?);
    let difference = diff(&old, &new, args.n, &cancel);
    let difference = difference.map_err(|error| CliError::Failure(error.to_string()))?;
    show::print(|out| match args.json {
        true => {
            serde_json::to_writer_pretty(&mut *out, &difference)?;
            writeln!(out)
        }
        false => print(out, &difference),
    })?;
    Ok(match difference.equal {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn print(out: &mut dyn Write, diff: &DatasetDiff) -> io::Result<()> {
    for option in &diff.options {
        writeln!(
            out,
            "{}: {} before, {} now",
            option.name, option.old, option.new
        )?;
    }
    let [old_train, old_val] = diff.old;
    let [train, val] = diff.new;
    writeln!(
        out,
        "{old_train} + {old_val} examples before, {train} + {val} now"
    )?;
    writeln!(out, "{:>8} same", diff.same)?;
    for (what, group) in [
        ("changed", &diff.changed),
        ("came", &diff.came),
        ("went", &diff.went),
    ] {
        print_group(out, what, group)?;
    }
    Ok(())
}

fn print_group(out: &mut dyn Write, what: &str, group: &DiffGroup) -> io::Result<()> {
    writeln!(out, "{:>8} {what}", group.examples)?;
    let mut reasons: Vec<_> = group.reasons.iter().collect();
    reasons.sort_by_key(|(_, count)| Reverse(**count));
    for (reason, count) in reasons {
        writeln!(out, "{count:>12} {reason}")?;
    }
    for example in &group.first {
        let (at, hole, reason) = (&example.at, &example.hole, &example.reason);
        writeln!(out, "             {at} {hole}: {reason}")?;
    }
    Ok(())
}
