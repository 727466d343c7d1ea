//! `fimd tags apply-config`: writes the settings of a config tag to the settings file.

use std::path::Path;

use super::{OneTag, print_json, read};
use crate::cli::CliError;
use crate::cli::position::byte_at;
use crate::config::{self, AppliedConfig, ApplyError, EditorResources, settings_path};
use crate::text::TextPosition;

/// Write the settings of a config tag to the settings file, all or none
///
/// Prints the applied settings as JSON. A running server does not notice.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    tag: OneTag,
}

/// Runs the command. `settings` is the settings file that `--settings` names. The
/// file is read only here, because a corrupt one is set aside.
pub(super) fn run(args: &Args, settings: Option<&Path>) -> Result<(), CliError> {
    let OneTag { file, at } = &args.tag;
    let text = read(file)?;
    let path = settings_path(settings).map_err(|error| CliError::Usage(error.to_string()))?;
    print_json(&apply(&path, &text, *at, file)?)
}

/// Applies the config tag at `at` in `text`, which is the text of `file`, to the
/// settings file `path`.
pub(super) fn apply(
    path: &Path,
    text: &str,
    at: TextPosition,
    file: &Path,
) -> Result<AppliedConfig, CliError> {
    let at = byte_at(at, text, file)?;
    let applied = config::apply(path, None, text, at, EditorResources::default());
    let (applied, _) = applied.map_err(|error| {
        CliError::Failure(match error {
            ApplyError::Tag(_) => format!("{}:{error}", file.display()),
            ApplyError::NoFile | ApplyError::File(_) => error.to_string(),
        })
    })?;
    if let Some(aside) = &applied.set_aside {
        tracing::warn!("{aside}");
    }
    Ok(applied)
}
