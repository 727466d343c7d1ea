//! `fimd tags`: FIMpad tags in the shell.

mod apply_config;

use std::path::Path;

use super::Error;

/// Work with FIMpad tags.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    ApplyConfig(apply_config::Args),
}

/// Runs the command. `settings` is the settings file, if one was named.
pub(super) fn run(args: &Args, settings: Option<&Path>) -> Result<(), Error> {
    match &args.what {
        What::ApplyConfig(args) => apply_config::run(args, settings),
    }
}
