//! `fimd install-units`: writes systemd user units that start this program.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use etcetera::base_strategy::Xdg;

use super::{CliError, show};

/// The units that packages install, where systemd finds `fimd` by its name.
const UNITS: [(&str, &str); 2] = [
    (
        "fimd.service",
        include_str!("../../packaging/systemd/fimd.service"),
    ),
    (
        "fimd.socket",
        include_str!("../../packaging/systemd/fimd.socket"),
    ),
];

/// The first line of a written unit. A unit with another one is the user's own.
const WRITTEN: &str = "# Written by `fimd install-units`, which writes it anew.\n";

/// The beginning of the line that names the program.
const PROGRAM: &str = "ExecStart=fimd ";

/// Write systemd user units that start the daemon with the path of this program.
///
/// systemd does not look for programs in ~/.cargo/bin and the like. The units go to
/// systemd/user in $XDG_CONFIG_HOME or ~/.config, where they come before those of a
/// package. Units that this command has not written stay as they are.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs the command.
pub(super) fn run() -> Result<(), CliError> {
    let program = program()?;
    let folders = Xdg::new().map_err(|error| CliError::Failure(error.to_string()))?;
    let folder = folders.config_dir().join("systemd/user");
    let units = UNITS.map(|(name, template)| (folder.join(name), template));
    for (path, template) in &units {
        if !may_replace(path, template).map_err(|error| failure(path, &error))? {
            return Err(CliError::Failure(format!(
                "{}: not written by this command; nothing was changed; move it away first",
                path.display()
            )));
        }
    }
    fs::create_dir_all(&folder).map_err(|error| failure(&folder, &error))?;
    for (path, template) in &units {
        let line = format!("ExecStart={program} ");
        let unit = format!("{WRITTEN}{}", template.replace(PROGRAM, &line));
        fs::write(path, unit).map_err(|error| failure(path, &error))?;
    }
    show::print(|out| {
        for (path, _) in &units {
            writeln!(out, "wrote {}", path.display())?;
        }
        writeln!(
            out,
            "start with: systemctl --user daemon-reload && systemctl --user enable --now fimd.socket"
        )
    })
}

fn failure(path: &Path, error: &io::Error) -> CliError {
    CliError::Failure(format!("{}: {error}", path.display()))
}

/// The path of this program, as a word of a unit.
fn program() -> Result<String, CliError> {
    let path: PathBuf = std::env::current_exe()
        .map_err(|error| CliError::Failure(format!("where this program is: {error}")))?;
    let text = path
        .to_str()
        .filter(|text| !text.contains(char::is_control));
    match text {
        Some(text) if path.exists() => Ok(word(text)),
        // The program may have been replaced since it was started.
        _ => Err(CliError::Failure(format!(
            "{}: no path that a unit can name; start fimd from another one",
            path.display()
        ))),
    }
}

/// `text` as one word of a unit, with quotes if it needs them.
fn word(text: &str) -> String {
    let text = text.replace('%', "%%");
    match text.contains([' ', '"', '\'', '\\', ';']) {
        true => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        false => text,
    }
}

/// Whether the unit at `path` is missing, written by this command, or a copy of the
/// template.
fn may_replace(path: &Path, template: &str) -> io::Result<bool> {
    match fs::read_to_string(path) {
        Ok(unit) => Ok(unit.starts_with(WRITTEN) || unit == template),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_reads_as_the_path() {
        assert_eq!(word("/usr/bin/fimd"), "/usr/bin/fimd");
        assert_eq!(word(r#"/a b/100%\"/fimd"#), r#""/a b/100%%\\\"/fimd""#);
    }

    #[test]
    fn the_service_names_the_program_once() {
        let (_, service) = UNITS[0];
        assert_eq!(service.matches(PROGRAM).count(), 1);
    }
}
