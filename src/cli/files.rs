//! `fimd files`: what a project is made of, and what was left out of it.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use super::Error;
use crate::config::Limits;
use crate::files::{self, Roots, Walk};

/// Print the files that a project is made of.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The project's root folder
    project: PathBuf,
    /// Also print what is left out, and by which rule
    #[arg(long)]
    why: bool,
    /// A folder or file that is in whatever the ignore rules say (repeatable)
    #[arg(long, value_name = "PATH")]
    include_path: Vec<PathBuf>,
    /// Leave out files with more bytes than this [default: what the settings say,
    /// else 1048576]
    #[arg(long, value_name = "BYTES")]
    max_file_bytes: Option<u64>,
}

/// Lists the files, one a line, in the order of keys. With `--why` each line
/// is `+`, a tab and the file, or `-`, a tab, the file or folder, a tab and
/// the rule; what is in comes first.
pub(super) fn run(args: &Args, limits: &Limits) -> Result<(), Error> {
    let failure = |error: files::FilesError| Error::Failure(error.to_string());
    let roots = Roots::new(&args.project, &args.include_path).map_err(failure)?;
    let options = limits.walk().with_max_file_bytes(args.max_file_bytes);
    let walk = files::walk(&roots, &options).map_err(failure)?;
    match print(&walk, args.why) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Error::Failure(format!("standard output: {error}"))),
        Ok(()) => Ok(()),
    }
}

fn print(walk: &Walk, why: bool) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for file in &walk.files {
        if why {
            out.write_all(b"+\t")?;
        }
        writeln!(out, "{}", file.key)?;
    }
    if why {
        for left_out in &walk.left_out {
            writeln!(out, "-\t{}\t{}", left_out.key, left_out.rule)?;
        }
    }
    out.flush()
}
