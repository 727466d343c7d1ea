//! What the last runs asked and what came of it, for their user to look at:
//! lines of JSON in a file that nobody else can read. No key is in them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use super::{PreparedRun, PromptMode, RunError, RunOutcome};

/// How much of the text on each side of a tag is remembered, in bytes: what is
/// nearest to it.
const MAX_SIDE_BYTES: usize = 64 << 10;

/// The log cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct LogError {
    path: PathBuf,
    error: io::Error,
}

/// A run as it is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedRun {
    /// When it ended: UTC, as RFC 3339 has it.
    pub time: String,
    /// The tag.
    pub tag: String,
    /// What the model was asked to do.
    pub mode: PromptMode,
    /// What it was shown.
    pub window: LoggedWindow,
    /// What came, as far as it was kept or could have been.
    pub answer: String,
    /// The stop pattern that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<String>,
    /// Why nothing or not all of it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a model was shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoggedWindow {
    /// Where it began in the text, in bytes.
    pub start: usize,
    /// Where it ended.
    pub end: usize,
    /// The text before the tag, cross-file context included; of a longer one
    /// the last 64 KiB.
    pub before: String,
    /// The text behind it; of a longer one the first 64 KiB.
    pub after: String,
}

impl LoggedRun {
    /// A run that has just ended.
    pub(super) fn new(
        prepared: &PreparedRun,
        outcome: &Result<super::RunOutcome, RunError>,
    ) -> Self {
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

/// The time as RFC 3339 has it.
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

    /// The runs that are remembered, the oldest first. Lines that another
    /// version has written otherwise are left out.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    pub fn read(&self) -> Result<Vec<LoggedRun>, LogError> {
        self.lines().map_err(|error| self.error(error)).map(|text| {
            let lines = text.lines();
            lines
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect()
        })
    }

    /// Remembers a run, and of all runs the last `keep`. A log that cannot be
    /// written is warned of: it is no reason for the run to fail.
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
        // Held until the end: other processes run tags, too.
        let lock = File::create(self.path.with_extension("lock"))?;
        lock.lock()?;
        let old = self.lines()?;
        let old: Vec<_> = old.lines().collect();
        let kept = &old[old.len().saturating_sub(keep - 1)..];
        // Made so that only its owner can read it.
        let mut file = NamedTempFile::new_in(folder)?;
        for line in kept {
            writeln!(file, "{line}")?;
        }
        serde_json::to_writer(&mut file, run)?;
        writeln!(file)?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        File::open(folder)?.sync_all()
    }

    /// What the file holds; nothing if there is none.
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
