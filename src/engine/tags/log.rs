//! The log of the last runs: JSON lines in a file that only its owner can read. It
//! never holds an API key.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use super::outcome::{RunError, RunOutcome};
use super::prepare::{PreparedRun, PromptMode};
use crate::files::Replacement;

/// The longest text that is logged on each side of a tag, in bytes: the part next
/// to the tag.
const MAX_SIDE_BYTES: usize = 64 << 10;

/// The log cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct LogError {
    path: PathBuf,
    error: io::Error,
}

/// A run in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedRun {
    /// The end of the run, in UTC, in the format of RFC 3339.
    pub time: String,
    /// The tag.
    pub tag: String,
    /// What the model was to do.
    pub mode: PromptMode,
    /// The text that the model was shown.
    pub window: LoggedWindow,
    /// The answer, as far as it arrived.
    pub answer: String,
    /// The stop pattern that ended the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<String>,
    /// The error, if the answer is missing or incomplete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The text that a model was shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedWindow {
    /// The start of the window in the text, in bytes.
    pub start: usize,
    /// The end of the window, in bytes.
    pub end: usize,
    /// The cross-file context and the text before the tag; at most the last 64 KiB.
    pub before: String,
    /// The text behind the tag; at most the first 64 KiB.
    pub after: String,
}

impl LoggedRun {
    /// A run that has just ended.
    pub(super) fn new(prepared: &PreparedRun, outcome: &Result<RunOutcome, RunError>) -> Self {
        let Range { start, end } = prepared.prompt.window.range;
        let before = [&*prepared.context, &*prepared.prompt.window.before].concat();
        let after = &prepared.prompt.window.after;
        let (answer, stopped_by, error) = match outcome {
            Ok(RunOutcome {
                text,
                stopped_by,
                broken,
                ..
            }) => (
                text.clone(),
                stopped_by.clone(),
                broken.as_ref().map(ToString::to_string),
            ),
            Err(error) => (error.partial().to_owned(), None, Some(error.to_string())),
        };
        Self {
            time: now(),
            tag: prepared.content[prepared.prompt.tag.clone()].to_owned(),
            mode: prepared.mode(),
            window: LoggedWindow {
                start,
                end,
                before: before
                    [before.ceil_char_boundary(before.len().saturating_sub(MAX_SIDE_BYTES))..]
                    .to_owned(),
                after: after[..after.floor_char_boundary(MAX_SIDE_BYTES)].to_owned(),
            },
            answer,
            stopped_by,
            error,
        }
    }
}

/// The current time in the format of RFC 3339.
fn now() -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut text));
    text
}

/// The log of one user. Clones share the file.
#[derive(Clone, Debug)]
pub struct RunLog {
    path: PathBuf,
}

impl RunLog {
    /// The log in `folder`, which need not exist.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            path: folder.join("tags.jsonl"),
        }
    }

    /// The logged runs, the oldest first. Leaves out lines that another version has
    /// written in another format.
    ///
    /// # Errors
    /// If the file exists and cannot be read.
    pub fn read(&self) -> Result<Vec<LoggedRun>, LogError> {
        self.lines().map_err(|error| self.error(error)).map(|text| {
            let lines = text.lines();
            lines
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect()
        })
    }

    /// Adds a run to the log, which keeps the last `keep` runs. Only warns if the log
    /// cannot be written: this is no reason for the run to fail.
    pub(super) async fn add(&self, run: LoggedRun, keep: usize) {
        let log = self.clone();
        let write = move || log.write(&run, keep).map_err(|error| log.error(error));
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!("the run is not logged: {error}"),
            Err(error) => tracing::warn!("the run is not logged: {error}"),
        }
    }

    fn write(&self, run: &LoggedRun, keep: usize) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        // Held until the end, because other processes may write the log.
        let lock = File::create(self.path.with_extension("lock"))?;
        lock.lock()?;
        let old = self.lines()?;
        let old: Vec<_> = old.lines().collect();
        let kept = &old[old.len().saturating_sub(keep - 1)..];
        let mut file = Replacement::begin(&self.path, 0o600)?;
        for line in kept {
            writeln!(file, "{line}")?;
        }
        serde_json::to_writer(&mut file, run)?;
        writeln!(file)?;
        file.publish()
    }

    /// The text of the file; empty if it does not exist.
    fn lines(&self) -> io::Result<String> {
        match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            other => other,
        }
    }

    fn error(&self, error: io::Error) -> LogError {
        LogError {
            path: self.path.clone(),
            error,
        }
    }
}
