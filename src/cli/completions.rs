//! `fimd completions`: completion of fimd's own command line in a shell.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use super::{Cli, Error, show};

/// Print what a shell completes fimd's command line with.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script, made from the definition of the command line.
pub(super) fn run(args: &Args) -> Result<(), Error> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "fimd", &mut script);
    show::print(|out| out.write_all(&script))
}
