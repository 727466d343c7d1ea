//! `fimd tags run`: puts a model's text in the place of tags.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use tokio::signal::unix::{SignalKind, signal};

use super::{ContextSource, Error, ModelArgs, Setup, is_stdin, of_tag, project, read};
use crate::cli::{run_log, show};
use crate::config::Settings;
use crate::engine::tags::{RunOutcome, Runner, check, first_fim, prepare};
use crate::text::TextPosition;

/// Put a model's text in the place of a FIM tag, or of all
///
/// Prints the text of one tag as it comes, or, with --all, the whole file with
/// the texts in place once they are all there. What is interrupted or fails
/// leaves the file as it was.
#[derive(Debug, clap::Args)]
#[group(id = "which", required = true, multiple = false, args = ["at", "all"])]
pub(super) struct Args {
    /// The file; `-` is stdin
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// The tag: a byte offset, or line and column (in characters, both from 1),
    /// that it contains or ends right before
    #[arg(long, value_name = "BYTE|LINE:COL")]
    at: Option<TextPosition>,
    /// All FIM tags from top to bottom; each sees what came before it
    #[arg(long)]
    all: bool,
    /// Rewrite the file and print nothing
    #[arg(long)]
    in_place: bool,
    #[command(flatten)]
    model: ModelArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args, mut setup: Setup) -> Result<(), Error> {
    if args.in_place && is_stdin(&args.file) {
        return Err(Error::Usage(
            "--in-place: stdin cannot be rewritten; name a file, or leave it out".into(),
        ));
    }
    args.model.overrule(&mut setup.settings);
    let content = read(&args.file)?;
    let job = Job {
        args,
        context: project(&args.file, &setup)?,
        runner: Runner::new(&setup.settings, run_log())
            .map_err(|error| Error::Failure(error.to_string()))?,
        settings: setup.settings,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Failure(format!("cannot start the runtime: {error}")))?;
    let result = runtime.block_on(async {
        tokio::select! {
            result = job.run(content.clone()) => result,
            interrupted = interrupted() => Err(interrupted),
        }
    })?;
    if args.in_place {
        return replace(&args.file, &content, &result).map_err(|error| {
            Error::Failure(format!(
                "{}: {error}; the file is as it was",
                args.file.display()
            ))
        });
    }
    match args.all {
        true => show::print(|out| out.write_all(result.as_bytes())),
        false => Ok(()),
    }
}

struct Job<'a> {
    args: &'a Args,
    settings: Settings,
    context: Option<ContextSource>,
    runner: Runner,
}

impl Job<'_> {
    /// Runs what is to be run on `content`; gives the text after it.
    async fn run(&self, content: String) -> Result<String, Error> {
        if let Some(at) = self.args.at {
            let at = at.byte_in(&content);
            return Ok(self.one(content, at).await?.content);
        }
        // No model is asked for what comes to nothing.
        check(&content).map_err(|error| of_tag(&self.args.file, &error))?;
        let mut content = content;
        let mut from = 0;
        while let Some(at) =
            first_fim(&content, from).map_err(|error| of_tag(&self.args.file, &error))?
        {
            let outcome = self.one(content, at).await?;
            from = outcome.end();
            content = outcome.content;
        }
        Ok(content)
    }

    async fn one(&self, content: String, at: usize) -> Result<RunOutcome, Error> {
        let context = match &self.context {
            Some(source) => source.context(&content, at)?,
            None => String::new(),
        };
        let prepared = prepare(content, at, &self.settings, context)
            .map_err(|error| of_tag(&self.args.file, &error))?;
        let streams = !self.args.all && !self.args.in_place;
        let mut unprinted = None;
        let show = |text: String| {
            if streams && unprinted.is_none() {
                unprinted = print(&text).err();
            }
            std::future::ready(())
        };
        let outcome = self.runner.run(&prepared, show).await;
        if let Some(error) = unprinted {
            return Err(Error::Failure(format!("cannot print: {error}")));
        }
        let outcome = outcome.map_err(|error| Error::Failure(error.to_string()))?;
        if let Some(error) = &outcome.broken {
            anstream::eprintln!("fimd: {error}; what had come by then is kept");
        }
        Ok(outcome)
    }
}

/// Prints a piece, at once. Whoever reads may have seen enough.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Waits for Ctrl-C or the request to end.
async fn interrupted() -> Error {
    let signals = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
        return Error::Failure("cannot watch for signals".into());
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Error::Failure("interrupted: nothing was written".into())
}

/// Puts `new` in the place of the file that `path` leads to, unless it is no
/// longer `old`. It keeps its permissions; links to it stay links.
fn replace(path: &Path, old: &str, new: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    if fs::read(&path)? != old.as_bytes() {
        return Err(io::Error::other("it has changed while the tags ran"));
    }
    if old == new {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(new.as_bytes())?;
    file.as_file()
        .set_permissions(fs::metadata(&path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    File::open(folder)?.sync_all()
}
