//! A JSON value that an option names by a file, or gives on stdin.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::value::RawValue;

use super::CliError;

/// The JSON value in `file`, which `option` names; `-` is stdin.
pub(super) fn file_json(file: &Path, option: &str) -> Result<Box<RawValue>, CliError> {
    let text = match file == Path::new("-") {
        true => io::read_to_string(io::stdin()),
        false => fs::read_to_string(file),
    };
    let wrong = |reason: &dyn std::fmt::Display| {
        CliError::Usage(format!(
            "{option}: expected JSON, found {}: {reason}",
            file.display()
        ))
    };
    let text = text.map_err(|error| wrong(&error))?;
    serde_json::from_str(&text).map_err(|error| wrong(&error))
}
