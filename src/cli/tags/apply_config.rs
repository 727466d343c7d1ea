//! `fimd tags apply-config`: writes what a config tag says to the settings file.

use std::io;
use std::path::{Path, PathBuf};

use crate::cli::{Error, show};
use crate::config::{self, Offered, settings_path};

/// Apply a config tag: write its settings to the settings file, all or none.
/// Prints as JSON what was applied. A server that runs is not told.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file with the tag; - for stdin
    file: PathBuf,
    /// A byte of the file that is in the tag, or right behind it
    #[arg(long, value_name = "BYTE")]
    at: usize,
}

/// Runs the command. `settings` is the settings file, if one was named.
pub(super) fn run(args: &Args, settings: Option<&Path>) -> Result<(), Error> {
    let failure = |reason: &dyn std::fmt::Display| {
        Error::Failure(format!("{}: {reason}", args.file.display()))
    };
    let read = match args.file.as_os_str().as_encoded_bytes() {
        b"-" => io::read_to_string(io::stdin()),
        _ => std::fs::read_to_string(&args.file),
    };
    let text = read.map_err(|error| failure(&error))?;
    let path = settings_path(settings).map_err(|error| Error::Usage(error.to_string()))?;
    let at = text.floor_char_boundary(args.at);
    let (applied, _) =
        config::apply(&path, &text, at, Offered::default()).map_err(|error| match error {
            config::ApplyError::Tag(_) => {
                Error::Failure(format!("{}:{error}", args.file.display()))
            }
            _ => Error::Failure(error.to_string()),
        })?;
    if let Some(aside) = &applied.set_aside {
        tracing::warn!("{aside}");
    }
    show::print(|out| {
        serde_json::to_writer(&mut *out, &applied)?;
        writeln!(out)
    })
}
