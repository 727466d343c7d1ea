//! `fimd signatures`: MinHash signatures of files, to find near duplicates across
//! repositories when no machine has all of them.

use std::path::PathBuf;

use super::generate::cancel_on_signals;
use super::{CliError, Setup};
use crate::dataset::Options;
use crate::engine::{self, DatasetSources, GenerateError};

/// Write a MinHash signature of each file that `fimd generate` would cut.
///
/// The rows have the columns repo, path, content_hash, signature and bands. Two
/// files of different repositories are near duplicates if they share a band and
/// 96 of the 120 numbers of their signatures are equal.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Repositories from a .jsonl, .jsonl.zst or .parquet file, in the format of
    /// `fimd generate --input` (repeatable)
    #[arg(long, value_name = "FILE", required = true)]
    input: Vec<PathBuf>,
    /// Parquet file for the signatures; an existing one is replaced
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The options of the dataset; some of them leave out files.
    #[command(flatten)]
    options: Options,
}

/// Runs the command.
pub(super) fn run(args: Args, mut setup: Setup) -> Result<(), CliError> {
    let Args {
        input,
        output,
        options,
    } = args;
    options.check()?;
    let limits = &mut setup.settings.limits;
    if let Some(bytes) = options.max_file_bytes {
        limits.max_file_bytes = bytes;
    }
    let cancel = cancel_on_signals()?;
    let sources = DatasetSources::new(&[], &input, &options, setup.settings.walk(), None)
        .map_err(GenerateError::from)?;
    let count = engine::sign(sources, &options, &output, &cancel)?;
    anstream::eprintln!("{}: the signatures of {count} files", output.display());
    Ok(())
}
