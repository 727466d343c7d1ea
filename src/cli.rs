//! The command line: what was typed becomes typed options for the library.
//! Data goes to stdout, everything else to stderr.

mod files;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Fill-in-the-middle completion on your own PHP code.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Files(files::Args),
}

/// Why a command ended early: one line that names the thing and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line asks for something that makes no sense: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The work failed: exit code 1.
    #[error("{0}")]
    Failure(String),
}

impl Error {
    fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => 2,
            Self::Failure(_) => 1,
        })
    }
}

/// Runs the program on the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result: Result<(), Error> = match cli.command {
        None => Ok(()),
        Some(command) => match command {
            Command::Files(args) => files::run(&args),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("fimd: {error}");
            error.exit_code()
        }
    }
}
