//! `fimd tags apply-config`: writes what a config tag says to the settings file.

use std::path::Path;

use super::{OneTag, print_json, read};
use crate::cli::Error;
use crate::config::{self, ApplyError, EditorResources, settings_path};

/// Write what a config tag says to the settings file, all of it or nothing
///
/// Prints as JSON what was applied. A server that runs already is not told.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    tag: OneTag,
}

/// Runs the command; `settings` is the settings file, if one is named. It is
/// read only here, since one that is corrupt is in nobody's way.
pub(super) fn run(args: &Args, settings: Option<&Path>) -> Result<(), Error> {
    let OneTag { file, at } = &args.tag;
    let text = read(file)?;
    let path = settings_path(settings).map_err(|error| Error::Usage(error.to_string()))?;
    let at = at.byte_in(&text);
    let applied = config::apply(&path, &text, at, EditorResources::default());
    let (applied, _) = applied.map_err(|error| {
        Error::Failure(match error {
            ApplyError::Tag(_) => format!("{}:{error}", file.display()),
            ApplyError::NoFile | ApplyError::File(_) => error.to_string(),
        })
    })?;
    if let Some(aside) = &applied.set_aside {
        tracing::warn!("{aside}");
    }
    print_json(&applied)
}
