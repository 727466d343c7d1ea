//! `fimd man`: the manual pages, made from the definition of the command line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;

use super::{CliError, command, show};
use crate::files::Replacement;

/// Print fimd's manual page, or write the pages of all commands to a folder.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Write one page per command to this folder; fimd creates it if it is missing
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Prints the page of the program, or writes all.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let mut program = command();
    // Sets the full name of each subcommand, such as `fimd tags run`.
    program.build();
    let Some(folder) = &args.output else {
        let mut page = Vec::new();
        let rendered = Man::new(program).render(&mut page);
        rendered.map_err(|error| CliError::Failure(format!("cannot print: {error}")))?;
        return show::print(|out| out.write_all(&page));
    };
    let written = fs::create_dir_all(folder).and_then(|()| write_all(folder, program));
    written.map_err(|error| CliError::Failure(format!("{}: {error}", folder.display())))
}

/// Writes the pages of `command` and of its subcommands.
fn write_all(folder: &Path, command: Command) -> io::Result<()> {
    for below in command.get_subcommands() {
        // `help` has subcommands of the same names.
        if !below.is_hide_set() && below.get_name() != "help" {
            write_all(folder, below.clone())?;
        }
    }
    let page = Man::new(command);
    let mut file = Replacement::begin(&folder.join(page.get_filename()), 0o644)?;
    page.render(&mut file)?;
    file.publish()
}
