//! `fimd dataset`: works with datasets that are written.

mod diff;

use std::process::ExitCode;

use super::CliError;

/// Work with datasets that are written.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: DatasetCommand,
}

#[derive(Debug, clap::Subcommand)]
enum DatasetCommand {
    Diff(diff::Args),
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<ExitCode, CliError> {
    match &args.command {
        DatasetCommand::Diff(args) => diff::run(args),
    }
}
