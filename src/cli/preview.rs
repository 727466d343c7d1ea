//! `fimd preview`: prints some examples of a dataset.

use std::path::PathBuf;

use super::{CliError, show};
use crate::dataset::SpanKind;
use crate::dataset::write::read::{Dataset, sampled};

/// Print random examples of a dataset.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder that `fimd generate` wrote
    dataset: PathBuf,
    /// How many
    #[arg(short, value_name = "N", default_value_t = 5)]
    n: usize,
    /// Only examples of this kind of span
    #[arg(long, value_name = "KIND")]
    kind: Option<SpanKind>,
    /// Print the whole context, prefix and suffix, not a few lines around the middle
    #[arg(long)]
    whole: bool,
    /// Another seed draws other examples
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    if args.n == 0 {
        return Err(CliError::Usage("-n must be at least 1".into()));
    }
    let dataset = Dataset::open(&args.dataset)?;
    let examples = sampled(&dataset, args.n, args.kind, args.seed)?;
    if examples.is_empty() {
        let kind = args.kind.map_or("", SpanKind::name);
        return Err(CliError::Failure(format!(
            "{}: no example {kind}; `spans` in its metadata.json counts what is there",
            args.dataset.display()
        )));
    }
    show::examples(&examples, args.whole)
}
