//! Reads a dataset back: for whoever checks it or shows it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::Example;
use super::write::{METADATA, TRAIN, VAL};

/// A dataset, or a line of one, that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", place(path, *line))]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1; none if the whole file cannot be read.
    pub line: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

fn place(path: &Path, line: Option<usize>) -> String {
    let line = line.map(|line| format!(":{line}"));
    format!("{}{}", path.display(), line.unwrap_or_default())
}

/// A part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What is trained on.
    Train,
    /// What validates.
    Val,
}

/// A dataset on disk.
#[derive(Debug)]
pub struct Dataset {
    folder: PathBuf,
    /// What `metadata.json` says.
    pub metadata: serde_json::Value,
}

impl Dataset {
    /// Opens the dataset in `folder`.
    ///
    /// # Errors
    /// If it has no `metadata.json`, or one that cannot be read.
    pub fn open(folder: &Path) -> Result<Self, ReadError> {
        let path = folder.join(METADATA);
        let wrong = |reason: String| ReadError {
            path: path.clone(),
            line: None,
            reason,
        };
        let text = std::fs::read(&path)
            .map_err(|error| wrong(format!("{error}; name a folder that `fimd generate` wrote")))?;
        let metadata = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            folder: folder.to_owned(),
            metadata,
        })
    }

    /// A dataset in the making: its examples are in `folder`, and `metadata` is
    /// not yet.
    #[must_use]
    pub fn unpublished(folder: &Path, metadata: serde_json::Value) -> Self {
        Self {
            folder: folder.to_owned(),
            metadata,
        }
    }

    /// The examples of a part, in order. A line that cannot be read does not
    /// keep the others from being.
    ///
    /// # Errors
    /// If the part is not there.
    pub fn examples(
        &self,
        part: Part,
    ) -> Result<impl Iterator<Item = Result<Example, ReadError>>, ReadError> {
        let path = self.folder.join(match part {
            Part::Train => TRAIN,
            Part::Val => VAL,
        });
        let file = File::open(&path).map_err(|error| ReadError {
            path: path.clone(),
            line: None,
            reason: error.to_string(),
        })?;
        let lines = BufReader::new(file).lines();
        Ok(lines.zip(1..).map(move |(line, number)| {
            let wrong = |reason: String| ReadError {
                path: path.clone(),
                line: Some(number),
                reason,
            };
            let line = line.map_err(|error| wrong(error.to_string()))?;
            serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))
        }))
    }
}
