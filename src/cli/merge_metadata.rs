//! `fimd merge-metadata`: the parts of a dataset told of as one.

use std::path::PathBuf;

use super::Error;
use crate::dataset::write::join;

/// Join the metadata of parts that `fimd generate --partial` wrote.
///
/// Writes metadata.json, report.html and a dataset card that names the parts'
/// files. The parts stay as they are; they must be made in the same way, and no
/// repository may be in two of them.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folders of the parts
    #[arg(value_name = "DIR", required = true)]
    part: Vec<PathBuf>,
    /// The folder for the three files; where the parts lie in it, all can be moved together
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<(), Error> {
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
