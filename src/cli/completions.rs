//! `fimd completions`: the script with which a shell completes fimd's arguments.

use clap_complete::{Shell, generate};

use super::{CliError, command, show};

/// Print the completion script of a shell.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script, made from the definition of the command line.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let mut script = Vec::new();
    generate(args.shell, &mut command(), "fimd", &mut script);
    show::print(|out| out.write_all(&script))
}
