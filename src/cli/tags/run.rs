//! `fimd tags run`: replaces FIM tags by the text of a model.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tokio::signal::unix::{SignalKind, signal};

use super::apply_config::apply;
use super::{CliError, ContextSource, ModelArgs, Setup, is_stdin, of_tag, project, read};
use crate::cli::position::byte_at;
use crate::cli::{run_log, show};
use crate::config::{Settings, settings_path};
use crate::engine::tags::{RunOutcome, Runner, TagQueue, prepare};
use crate::files::Replacement;
use crate::tags::{Tags, TextFormat};
use crate::text::TextPosition;

/// Replace one FIM tag, or all, by the text of a model
///
/// A config tag at --at is applied to the settings file; stderr says what has
/// changed. A running server does not notice.
///
/// With --at, prints the text while the model writes it. With --all, prints the
/// whole file after the last tag has run. If a run fails or is interrupted, the
/// file stays as it was.
#[derive(Debug, clap::Args)]
#[group(id = "which", required = true, multiple = false, args = ["at", "all"])]
pub(super) struct Args {
    /// File; `-` is stdin
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Position in the tag or right behind it: a byte offset, or line and column
    /// (in characters), both counted from 1
    #[arg(long, value_name = "BYTE|LINE:COL")]
    at: Option<TextPosition>,
    /// Run all FIM tags from top to bottom, except those in the code of a Markdown
    /// file; each sees the text of those before it
    #[arg(long)]
    all: bool,
    /// Rewrite the file and print nothing
    #[arg(long)]
    in_place: bool,
    #[command(flatten)]
    model: ModelArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args, mut setup: Setup) -> Result<(), CliError> {
    if args.in_place && is_stdin(&args.file) {
        return Err(CliError::Usage(
            "--in-place: stdin cannot be rewritten; name a file, or leave it out".into(),
        ));
    }
    args.model.overrule(&mut setup.settings)?;
    let content = read(&args.file)?;
    if let Some(at) = args.at {
        let byte = byte_at(at, &content, &args.file)?;
        if Tags::parse(&content).is_config_at(byte) {
            return apply_config(args, &setup.settings, &content, at);
        }
    }
    let tag_run = TagRun {
        args,
        context: project(&args.file, &setup)?,
        runner: Runner::new(&setup.settings, run_log())
            .map_err(|error| CliError::Failure(error.to_string()))?,
        settings: setup.settings,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Failure(format!("cannot start the runtime: {error}")))?;
    let result = runtime.block_on(async {
        tokio::select! {
            result = tag_run.run(content.clone()) => result,
            interrupted = interrupted() => Err(interrupted),
        }
    })?;
    if args.in_place {
        return replace(&args.file, &content, &result).map_err(|error| {
            CliError::Failure(format!(
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

/// Applies the config tag at `at`, and says what has changed.
fn apply_config(
    args: &Args,
    settings: &Settings,
    content: &str,
    at: TextPosition,
) -> Result<(), CliError> {
    let settings = settings.file.as_deref();
    let path = settings_path(settings).map_err(|error| CliError::Usage(error.to_string()))?;
    let applied = apply(&path, content, at, &args.file)?;
    anstream::eprintln!("fimd: {applied}");
    Ok(())
}

struct TagRun<'a> {
    args: &'a Args,
    settings: Settings,
    context: Option<ContextSource>,
    runner: Runner,
}

impl TagRun<'_> {
    /// Runs the tags of `content` that the arguments name. Returns the text after it.
    async fn run(&self, content: String) -> Result<String, CliError> {
        if let Some(at) = self.args.at {
            let at = byte_at(at, &content, &self.args.file)?;
            return Ok(self.one(content, at).await?.content);
        }
        let file = &self.args.file;
        let format = TextFormat::of_path(&file.to_string_lossy());
        // Finds invalid tags before the model is asked for anything.
        let queue = TagQueue::new(&content, format).map_err(|error| of_tag(file, None, error))?;
        let mut content = content;
        let mut from = 0;
        while let Some(at) = queue.next(&content, from) {
            let outcome = self.one(content, at).await?;
            from = outcome.end();
            content = outcome.content;
        }
        match queue.left_out() {
            0 => {}
            1 => tell_left_out(file, "1 tag in code was"),
            count => tell_left_out(file, &format!("{count} tags in code were")),
        }
        Ok(content)
    }

    async fn one(&self, content: String, at: usize) -> Result<RunOutcome, CliError> {
        let context = match &self.context {
            Some(source) => source.context(&content, at, self.args.at)?,
            None => String::new(),
        };
        let prepared = prepare(content, at, &self.settings, context)
            .map_err(|error| of_tag(&self.args.file, self.args.at, error))?;
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
            return Err(CliError::Failure(format!("cannot print: {error}")));
        }
        let outcome = outcome.map_err(|error| CliError::Failure(error.to_string()))?;
        if let Some(error) = &outcome.broken {
            anstream::eprintln!("fimd: {error}; what had come by then is kept");
        }
        Ok(outcome)
    }
}

/// Says which tags of a Markdown file --all has not run.
fn tell_left_out(file: &Path, which: &str) {
    anstream::eprintln!("fimd: {}: {which} not run; --at runs one", file.display());
}

/// Prints `text` and flushes. A closed pipe is no error.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Waits for SIGINT or SIGTERM.
async fn interrupted() -> CliError {
    let signals = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
        return CliError::Failure("cannot watch for signals".into());
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    CliError::Failure("interrupted: nothing was written".into())
}

/// Replaces the content `old` of the file that `path` leads to by `new`. The file
/// keeps its permissions, and links to it stay links.
///
/// # Errors
/// Also if the file no longer holds `old`.
fn replace(path: &Path, old: &str, new: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    if fs::read(&path)? != old.as_bytes() {
        return Err(io::Error::other("it has changed while the tags ran"));
    }
    if old == new {
        return Ok(());
    }
    // The text may be nobody else's until the permissions are those of the file.
    let mut file = Replacement::begin(&path, 0o600)?;
    file.write_all(new.as_bytes())?;
    file.file()
        .set_permissions(fs::metadata(&path)?.permissions())?;
    file.publish()
}
