//! `fimd files`: the files of a project, and those that are left out.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use super::CliError;
use crate::config::Settings;
use crate::files::{self, Composer, Roots, Walk};
use crate::index::Exclusion;
use crate::text::on_one_line;

/// Print the files of a project.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Root folder of the project
    project: PathBuf,
    /// Also print each file and folder that is left out, or that composer.json names and
    /// fimd does not read, with the rule
    #[arg(long)]
    why: bool,
    /// Extra folder or file, which counts even if it is ignored; the rules apply inside it (repeatable)
    #[arg(long, value_name = "PATH")]
    include_path: Vec<PathBuf>,
    /// Leave out files with more bytes than this [default: max_file_bytes under
    /// [limits] in the settings file, else 1048576]
    #[arg(long, value_name = "BYTES")]
    max_file_bytes: Option<u64>,
}

/// Prints the files, one per line, sorted by key. With `--why` each line is `+`,
/// a tab and the file, or `-`, a tab, the file or folder, a tab and the rule. The
/// lines with `+` come first.
pub(super) fn run(args: &Args, settings: &Settings) -> Result<(), CliError> {
    let failure = |error: files::FilesError| CliError::Failure(error.to_string());
    let options = settings.walk().with_max_file_bytes(args.max_file_bytes);
    let roots = Roots::new(&args.project, &args.include_path).map_err(failure)?;
    let roots = roots.trusting(&options.trusted_projects);
    let walk = files::walk(&roots, &options).map_err(failure)?;
    if walk.files.is_empty() {
        let more = match args.why {
            true => "",
            false => "; --why lists what is left out",
        };
        anstream::eprintln!("fimd: {}: no PHP files{more}", args.project.display());
    }
    let refused = match args.why {
        true => Composer::open(&roots, &walk.beside, &options)
            .refused()
            .to_vec(),
        false => Vec::new(),
    };
    match print(&walk, &refused, args.why) {
        // The reader has closed the pipe.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(CliError::Failure(format!("standard output: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Prints the files of `walk`; with `why` also what it leaves out, and what Composer's
/// files name and was `refused`.
fn print(walk: &Walk, refused: &[Exclusion], why: bool) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for file in &walk.files {
        if why {
            out.write_all(b"+\t")?;
        }
        writeln!(out, "{}", on_one_line(&file.key))?;
    }
    if why {
        for left_out in walk.left_out.iter().chain(refused) {
            let key = on_one_line(&left_out.key);
            writeln!(out, "-\t{key}\t{}", left_out.rule)?;
        }
    }
    out.flush()
}
