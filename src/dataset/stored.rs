//! A dataset that is already written, as the checks and the report page read it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::dataset::record::Example;
use crate::dataset::split::Split;

/// A dataset that is already written.
pub trait StoredDataset {
    /// The content of `metadata.json`.
    fn metadata(&self) -> &Value;

    /// The examples of `split` in order. An example that cannot be read is an
    /// error, and the next ones follow.
    ///
    /// # Errors
    /// [`ReadError`] if a file of the split is missing.
    fn examples(&self, split: Split) -> Result<Examples, ReadError>;

    /// The names of the files of text beside the examples and the metadata.
    fn text_names(&self) -> &'static [&'static str];

    /// The text of the file `name`, if it is there.
    fn text(&self, name: &str) -> Option<String>;

    /// The name and the text of the card that tells what the metadata tell. None if the
    /// metadata are not those of this version.
    fn card(&self) -> Option<(&'static str, String)>;

    /// The names of files in the folder that belong to no dataset, or to another one.
    fn strays(&self) -> Vec<String>;
}

/// The examples of one split, in order.
pub type Examples = Box<dyn Iterator<Item = Result<Example, ReadError>>>;

/// A dataset, or a line of it, that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", location(path, *line))]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// The line, or in Parquet the row, counted from 1; `None` if the whole file
    /// cannot be read.
    pub line: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

fn location(path: &Path, line: Option<usize>) -> String {
    let line = line.map(|line| format!(":{line}"));
    format!("{}{}", path.display(), line.unwrap_or_default())
}
