//! `fimd merge-metadata`: one metadata.json for the parts of a dataset.

use std::path::PathBuf;

use super::CliError;
use crate::dataset::write::join;

/// Join the metadata of parts that `fimd generate --partial` wrote.
///
/// Writes metadata.json, report.html and a dataset card that names the files of
/// the parts. The parts stay as they are. They must have the same options, and no
/// repository may be in two of them.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folders of the parts
    #[arg(value_name = "DIR", required = true)]
    part: Vec<PathBuf>,
    /// Folder for the three files; if the parts lie in it, the whole can be moved together
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let counts = join(&args.part, &args.output)?;
    anstream::eprintln!(
        "{}: {} training and {} validation examples in {} parts",
        args.output.display(),
        counts.train,
        counts.val,
        args.part.len()
    );
    Ok(())
}
