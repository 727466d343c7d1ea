//! `fimd doctor`: checks the installation and says how to repair what is wrong.
//! It changes nothing without `--fix` and sends no code anywhere.

mod editors;
mod model;
mod system;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstyle::AnsiColor;
use etcetera::base_strategy::Xdg;
use serde::Serialize;
use serde_json::value::RawValue;

use super::daemon::SocketOption;
use super::json_file::file_json;
use super::{CliError, show};
use crate::config::{self, ClientSettings, Settings};
use crate::files::Cache;

/// Check the installation and say how to repair what is wrong.
///
/// Prints one line per check, marked ok, warning or fault. The exit code is 1 if
/// there is a fault. Changes nothing without --fix and sends no code anywhere.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Project whose folders are counted [default: the nearest folder, from the
    /// current one upwards, that has a composer.json, a .git or a .fimignore]
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
    #[command(flatten)]
    socket: SocketOption,
    /// Settings of an editor, an object of JSON with the objects `endpoint` and
    /// `completion`, over the settings file; `-` is stdin
    #[arg(long, value_name = "FILE|-")]
    editor_settings: Option<PathBuf>,
    /// Remove the cache files of other versions and of killed processes
    #[arg(long)]
    fix: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum CheckState {
    Ok,
    /// It works, but not as well as it could.
    Warning,
    /// It does not work.
    Fault,
}

/// A check and its result.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: CheckState,
    says: String,
    /// The remedy; every warning and every fault has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Check {
    fn ok(name: &'static str, says: impl Into<String>) -> Self {
        Self {
            name,
            state: CheckState::Ok,
            says: says.into(),
            fix: None,
        }
    }

    fn warning(name: &'static str, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            state: CheckState::Warning,
            fix: Some(fix.into()),
            ..Self::ok(name, says)
        }
    }

    fn fault(name: &'static str, says: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            state: CheckState::Fault,
            fix: Some(fix.into()),
            ..Self::ok(name, says)
        }
    }
}

/// The results of all checks.
#[derive(Debug, Serialize)]
struct DoctorReport {
    version: &'static str,
    /// Whether there is no fault.
    ok: bool,
    checks: Vec<Check>,
}

/// Runs the command. `settings` is the settings file that `--settings` names;
/// `cache` is none with `--no-cache`.
pub(super) fn run(
    args: &Args,
    settings: Option<&Path>,
    cache: Option<&Cache>,
) -> Result<ExitCode, CliError> {
    let version = env!("CARGO_PKG_VERSION");
    let mut checks = vec![program(version)];
    let named = settings;
    let (mut settings, found) = settings_file(named);
    checks.extend(found);
    if let Some(file) = &args.editor_settings {
        let own = file_json(file, "--editor-settings")?;
        checks.push(editor_settings(&own, &mut settings));
    }
    checks.push(system::cache(cache, args.fix));
    let walk = settings.as_ref().map(Settings::walk);
    checks.push(system::watches(
        args.project.as_deref(),
        &walk.unwrap_or_default(),
    ));
    checks.extend(model::checks(settings.as_ref())?);
    checks.push(tokenizer());
    checks.push(system::daemon(&args.socket, named));
    checks.extend(editors::checks());
    let report = DoctorReport {
        version,
        ok: checks.iter().all(|check| check.state != CheckState::Fault),
        checks,
    };
    show::print(|out| match args.json {
        true => {
            serde_json::to_writer(&mut *out, &report)?;
            writeln!(out)
        }
        false => print(out, &report),
    })?;
    Ok(match report.ok {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn print(out: &mut dyn Write, report: &DoctorReport) -> io::Result<()> {
    for Check {
        name,
        state,
        says,
        fix,
    } in &report.checks
    {
        let (mark, style) = match state {
            CheckState::Ok => ("ok", AnsiColor::Green.on_default()),
            CheckState::Warning => ("warning", AnsiColor::Yellow.on_default()),
            CheckState::Fault => ("fault", AnsiColor::Red.on_default().bold()),
        };
        write!(out, "{style}{mark:<8}{style:#} {name:<10} {says}")?;
        match fix {
            Some(fix) => writeln!(out, "; {fix}")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}

fn program(version: &str) -> Check {
    let says = match std::env::current_exe() {
        Ok(path) => format!("fimd {version}, {}", path.display()),
        // The file may have been removed since the program started.
        Err(error) => format!("fimd {version}, in a place that is not known: {error}"),
    };
    Check::ok("version", says)
}

/// The settings, if they are valid, and the checks of their file.
fn settings_file(named: Option<&Path>) -> (Option<Settings>, Vec<Check>) {
    const NAME: &str = "settings";
    let path = match config::settings_path(named) {
        Ok(path) => path,
        Err(error) => {
            let fix = "set HOME, or name a file with --settings";
            return (None, vec![Check::fault(NAME, error.to_string(), fix)]);
        }
    };
    let (settings, check) = match Settings::load(named) {
        Ok(settings) => {
            let says = match path.exists() {
                true => format!("{}: can be read, makes sense", path.display()),
                false => format!("{}: none, everything has its default", path.display()),
            };
            (Some(settings), Check::ok(NAME, says))
        }
        Err(error) => {
            let fix = "mend it there, or move the file away to have the defaults";
            (None, Check::fault(NAME, error.to_string(), fix))
        }
    };
    let mut checks = vec![check];
    checks.extend(config::set_aside(&path).into_iter().map(|aside| {
        let says = format!("{}: was no settings file", aside.display());
        let fix = "take from it what you need, then remove it";
        Check::warning(NAME, says, fix)
    }));
    (settings, checks)
}

/// Puts the settings of an editor over `settings`. Returns the check of them.
fn editor_settings(own: &RawValue, settings: &mut Option<Settings>) -> Check {
    const NAME: &str = "settings";
    let read = serde_json::from_str(own.get())
        .map_err(|error| error.to_string())
        .and_then(|own| ClientSettings::read(&own).map_err(|error| error.to_string()));
    let file = settings.clone().unwrap_or_default();
    match read.and_then(|own| own.over(&file).map_err(|error| error.to_string())) {
        Ok(both) => {
            *settings = Some(both);
            Check::ok(NAME, "those of the editor make sense, and go with the file")
        }
        Err(says) => {
            *settings = None;
            Check::fault(NAME, says, "mend it there")
        }
    }
}

fn tokenizer() -> Check {
    const NAME: &str = "tokenizer";
    match cfg!(feature = "tokenizers") {
        true => Check::ok(
            NAME,
            "built in: a `tokenizer.json` counts the tokens of a dataset",
        ),
        false => Check::warning(
            NAME,
            "not built in: lengths in tokens are estimates",
            "build fimd with the feature `tokenizers`",
        ),
    }
}

/// The XDG folders of the user; none if the user has no home.
fn folders() -> Option<Xdg> {
    Xdg::new().ok()
}
