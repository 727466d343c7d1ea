//! `fimd tags log`: prints the last runs of tags.

use std::io::Write;

use anstyle::Style;
use chrono::{DateTime, Local};

use super::{CliError, print_json};
use crate::cli::{run_log, show};
use crate::engine::tags::LoggedRun;

/// Print the last runs of tags: their prompts and the answers
///
/// The number of runs that are kept is log_runs under [tags] in the settings
/// file; 0 keeps none.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print one JSON object per line, with the whole windows and with times in UTC
    #[arg(long)]
    json: bool,
}

/// Prints the runs, the oldest first.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let Some(log) = run_log() else {
        return Err(CliError::Failure(
            "no folder for the log of runs; set HOME or XDG_STATE_HOME".into(),
        ));
    };
    let runs = log
        .read()
        .map_err(|error| CliError::Failure(error.to_string()))?;
    if runs.is_empty() {
        anstream::eprintln!("no run of a tag is remembered");
    }
    for run in &runs {
        match args.json {
            true => print_json(run)?,
            false => show::print(|out| print(out, run))?,
        }
    }
    Ok(())
}

/// A time of the log in the user's time zone.
fn local(time: &str) -> String {
    match DateTime::parse_from_rfc3339(time) {
        Ok(time) => time
            .with_timezone(&Local)
            .format("%Y-%m-%d %H:%M:%S")
            .to_string(),
        // Another version has written it.
        Err(_) => time.to_owned(),
    }
}

fn print(out: &mut dyn Write, run: &LoggedRun) -> std::io::Result<()> {
    let title = Style::new().bold();
    let dim = Style::new().dimmed();
    let window = &run.window;
    let mode = match run.mode {
        crate::engine::tags::PromptMode::Fim => "fim",
        crate::engine::tags::PromptMode::Completion => "completion",
    };
    writeln!(
        out,
        "{title}{} {mode}{title:#} {dim}bytes {}..{}, {} characters before and {} behind{dim:#}",
        local(&run.time),
        window.start,
        window.end,
        window.before.chars().count(),
        window.after.chars().count(),
    )?;
    writeln!(out, "{}", run.tag)?;
    writeln!(out, "{}", run.answer)?;
    if let Some(pattern) = &run.stopped_by {
        writeln!(out, "{dim}stopped by {pattern:?}{dim:#}")?;
    }
    if let Some(error) = &run.error {
        writeln!(out, "failed: {error}")?;
    }
    writeln!(out)
}
