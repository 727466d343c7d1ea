//! The command line: clap parses the arguments, and each command calls the
//! library with typed options. Data goes to stdout, everything else to stderr.

mod completions;
mod connect;
mod context;
mod doctor;
mod error;
mod eval;
mod files;
mod generate;
mod man;
mod merge_metadata;
mod models;
mod preview;
mod reference;
mod serve;
mod setup;
mod show;
mod signatures;
mod status;
mod tags;
mod verify;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

pub use self::reference::reference;

pub use self::error::CliError;

use self::setup::{Setup, cache, run_log};
use crate::config::{Settings, SettingsError};

/// Fill-in-the-middle completion on your own PHP code.
///
/// Without a command, fimd answers an editor's JSON-RPC requests on stdin and
/// stdout: as NDJSON (one message per line) or as a language server (LSP). The
/// first bytes of the editor decide which.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// Log level for stderr: off, error, warn, info, debug or trace
    /// [default: RUST_LOG, else warn].
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<LevelFilter>,
    /// Neither read nor write the cache of project indexes in
    /// $XDG_CACHE_HOME/fimd or ~/.cache/fimd. The cache makes the next start on
    /// a project faster.
    #[arg(long, global = true)]
    no_cache: bool,
    /// Serve many clients at this Unix socket until SIGINT or SIGTERM. All
    /// clients share the indexes.
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Settings file [default: fimd/settings.toml in $XDG_CONFIG_HOME or
    /// ~/.config, if it exists].
    #[arg(long, global = true, value_name = "FILE")]
    settings: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Completions(completions::Args),
    Connect(connect::Args),
    Context(context::Args),
    Doctor(doctor::Args),
    Eval(eval::Args),
    Files(files::Args),
    Generate(Box<generate::Generate>),
    Man(man::Args),
    MergeMetadata(merge_metadata::Args),
    Models(models::Args),
    Preview(preview::Args),
    Signatures(Box<signatures::Args>),
    Status(status::Args),
    Tags(tags::Args),
    Verify(verify::Args),
}

/// Runs the program on the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => {
            anstream::eprintln!("fimd: {}", one_line(&error));
            return ExitCode::from(2);
        }
        Err(help) => help.exit(),
    };
    match log_to_stderr(cli.log_level).and_then(|()| cli.run()) {
        Ok(code) => code,
        Err(error) => {
            anstream::eprintln!("fimd: {error}");
            error.exit_code()
        }
    }
}

/// The definition of the command line, from which the help, the manual pages,
/// the shell completions and `docs/cli.md` are made.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

impl Cli {
    fn run(self) -> Result<ExitCode, CliError> {
        let settings = self.settings.clone();
        let no_cache = self.no_cache;
        let with = |settings| Setup {
            settings,
            cache: if no_cache { None } else { cache() },
        };
        let wrong = |error: SettingsError| CliError::Usage(error.to_string());
        let setup = || Settings::load(settings.as_deref()).map(with).map_err(wrong);
        // A server starts even if the settings file is corrupt.
        let serving = || {
            let loaded = Settings::load_or_set_aside(settings.as_deref());
            let (settings, set_aside) = loaded.map_err(wrong)?;
            if let Some(aside) = set_aside {
                tracing::warn!("{aside}; all settings have their defaults");
            }
            Ok::<_, CliError>(with(settings))
        };
        let done = match (self.command, self.socket) {
            (None, None) => return serve::stdio(serving()?),
            (None, Some(path)) => serve::socket(&path, serving()?),
            (Some(_), Some(_)) => Err(CliError::Usage(
                "--socket before a command: write it after `connect`, or leave the command out"
                    .into(),
            )),
            (Some(Command::Completions(args)), None) => completions::run(&args),
            (Some(Command::Connect(args)), None) => connect::run(
                &args,
                self.log_level,
                self.settings.as_deref(),
                self.no_cache,
            ),
            (Some(Command::Context(args)), None) => context::run(&args, setup()?),
            (Some(Command::Doctor(args)), None) => {
                let cache = if no_cache { None } else { cache() };
                return doctor::run(&args, self.settings.as_deref(), cache.as_ref());
            }
            (Some(Command::Eval(args)), None) => eval::run(&args, setup()?),
            (Some(Command::Files(args)), None) => files::run(&args, &setup()?.settings.limits),
            (Some(Command::Generate(generate)), None) => generate.run(setup()?),
            (Some(Command::Man(args)), None) => man::run(&args),
            (Some(Command::MergeMetadata(args)), None) => merge_metadata::run(&args),
            (Some(Command::Models(args)), None) => models::run(&args, &setup()?.settings.families),
            (Some(Command::Preview(args)), None) => preview::run(&args),
            (Some(Command::Signatures(args)), None) => signatures::run(*args, setup()?),
            (Some(Command::Status(args)), None) => status::run(&args),
            (Some(Command::Tags(args)), None) => {
                return tags::run(&args, self.settings.as_deref(), setup);
            }
            (Some(Command::Verify(args)), None) => return verify::run(args, setup()?),
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

/// Sends the library's log to stderr: `level` and above if given, else the
/// filter in `RUST_LOG`, else warnings and errors.
fn log_to_stderr(level: Option<LevelFilter>) -> Result<(), CliError> {
    let wrong = |reason: &dyn std::fmt::Display| {
        CliError::Usage(format!(
            "RUST_LOG: {reason}; set it to a level such as `info` or `fimd=debug`"
        ))
    };
    let directives = match (level, std::env::var(EnvFilter::DEFAULT_ENV)) {
        (Some(level), _) => level.to_string(),
        (None, Ok(directives)) if !directives.is_empty() => directives,
        (None, Ok(_) | Err(std::env::VarError::NotPresent)) => LevelFilter::WARN.to_string(),
        (None, Err(error)) => return Err(wrong(&error)),
    };
    let filter = EnvFilter::try_new(directives).map_err(|error| wrong(&error))?;
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colour)
        .log_internal_errors(false)
        .try_init()
        .map_err(|error| CliError::Failure(format!("cannot log to stderr: {error}")))
}

/// clap's error message on one line, without the usage text.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let said = text.split("\n\nUsage:").next().unwrap_or(&text);
    let said = said.split("\n\nFor more").next().unwrap_or(said);
    let words: Vec<_> = said.split_whitespace().collect();
    words.join(" ").trim_start_matches("error: ").to_owned()
}
