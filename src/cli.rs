//! The command line: clap parses the arguments, and each command calls the
//! library with typed options. Data goes to stdout, everything else to stderr.

mod completions;
mod connect;
mod context;
mod daemon;
mod dataset;
mod doctor;
mod error;
mod eval;
mod files;
mod generate;
mod install_units;
mod json_file;
mod man;
mod merge_metadata;
mod models;
mod position;
mod preview;
mod reference;
mod restart;
mod serve;
mod setup;
mod show;
mod signatures;
mod status;
mod stop;
mod tags;
mod verify;

use std::io::{self, IsTerminal};
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

pub use self::reference::reference;

pub use self::error::CliError;

use crate::files::Extensions;
use crate::guard;

use self::setup::{CommonOptions, Setup, run_log};

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
    #[arg(long, value_name = "PATH", value_parser = daemon::socket_path)]
    socket: Option<PathBuf>,
    /// Settings file [default: fimd/settings.toml in $XDG_CONFIG_HOME or
    /// ~/.config, if it exists].
    #[arg(long, global = true, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Endings of the files that count as PHP, separated by commas: php,inc,blade.php
    /// [default: extensions under [files] in the settings file, else php, phtml, inc,
    /// module, install, theme, profile and engine].
    #[arg(long, global = true, value_name = "LIST", value_parser = extensions)]
    extensions: Option<Extensions>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Completions(completions::Args),
    Connect(connect::Args),
    Context(context::Args),
    Dataset(dataset::Args),
    Doctor(doctor::Args),
    Eval(eval::Args),
    Files(files::Args),
    Generate(Box<generate::Generate>),
    InstallUnits(install_units::Args),
    Man(man::Args),
    MergeMetadata(merge_metadata::Args),
    Models(models::Args),
    Preview(preview::Args),
    Restart(restart::Args),
    Signatures(Box<signatures::Args>),
    Status(status::Args),
    Stop(stop::Args),
    Tags(tags::Args),
    Verify(verify::Args),
}

/// The endings in a list with commas.
fn extensions(list: &str) -> Result<Extensions, String> {
    let endings: Vec<String> = list
        .split(',')
        .map(|ending| ending.trim().to_owned())
        .collect();
    Extensions::try_from(endings)
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
    // The default hook prints the message as well, and a trace.
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(tracing::field::display);
        tracing::debug!(place, "panicked");
    }));
    let run = || log_to_stderr(cli.log_level).and_then(|()| cli.run());
    match panic::catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            anstream::eprintln!("fimd: {error}");
            error.exit_code()
        }
        Err(payload) => {
            anstream::eprintln!(
                "fimd: a fault of fimd itself: {}; --log-level debug tells where, please report it",
                guard::message(&*payload)
            );
            ExitCode::from(PANICKED)
        }
    }
}

/// The exit code after a panic, as Rust's runtime has it.
const PANICKED: u8 = 101;

/// The definition of the command line, from which the help, the manual pages,
/// the shell completions and `docs/cli.md` are made.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

impl Cli {
    fn run(self) -> Result<ExitCode, CliError> {
        let options = CommonOptions {
            log_level: self.log_level,
            settings: self.settings,
            no_cache: self.no_cache,
            extensions: self.extensions,
        };
        match (self.command, self.socket) {
            (None, None) => serve::stdio(options.setup_to_serve()?),
            (None, Some(path)) => {
                serve::socket(&path, options.setup_to_serve()?).map(|()| ExitCode::SUCCESS)
            }
            (Some(command), None) => command.run(&options),
            (Some(_), Some(_)) => Err(CliError::Usage(
                "--socket before a command: write it after `connect`, or leave the command out"
                    .into(),
            )),
        }
    }
}

impl Command {
    fn run(self, options: &CommonOptions) -> Result<ExitCode, CliError> {
        let setup = || options.setup();
        let settings = options.settings.as_deref();
        let done = match self {
            Self::Completions(args) => completions::run(&args),
            Self::Connect(args) => connect::run(&args, options),
            Self::Context(args) => context::run(&args, setup()?),
            Self::Dataset(args) => return dataset::run(&args),
            Self::Doctor(args) => {
                return doctor::run(&args, settings, options.cache().as_ref());
            }
            Self::Eval(args) => eval::run(&args, setup()?),
            Self::Files(args) => files::run(&args, &setup()?.settings),
            Self::Generate(generate) => generate.run(setup()?),
            Self::InstallUnits(install_units::Args {}) => install_units::run(),
            Self::Man(args) => man::run(&args),
            Self::MergeMetadata(args) => merge_metadata::run(&args),
            Self::Models(args) => models::run(&args, &setup()?.settings.families),
            Self::Preview(args) => preview::run(&args),
            Self::Restart(args) => restart::run(&args, options),
            Self::Signatures(args) => signatures::run(*args, setup()?),
            Self::Status(args) => status::run(&args, settings),
            Self::Stop(args) => stop::run(&args),
            Self::Tags(args) => return tags::run(&args, settings, setup),
            Self::Verify(args) => return verify::run(args, setup()?),
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

/// clap's error message on one line, with the command that prints the usage in
/// place of the usage.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let said = text.split("\n\nUsage:").next().unwrap_or(&text);
    let said = said.split("\n\nFor more").next().unwrap_or(said);
    let words: Vec<_> = said.split_whitespace().collect();
    let said = words.join(" ");
    let said = said.trim_start_matches("error: ");
    let usage = text.split("\n\nUsage: ").nth(1).unwrap_or_default();
    let command: Vec<_> = usage
        .split_whitespace()
        .take_while(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))
        .collect();
    match command.as_slice() {
        [] => format!("{said}; see `fimd --help`"),
        command => format!("{said}; see `{} --help`", command.join(" ")),
    }
}
