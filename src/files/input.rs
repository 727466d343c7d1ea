//! Repositories out of files of rows: JSON lines, plain or compressed with
//! Zstandard, or Parquet. A row is one file of a repository:
//!
//! | column | |
//! | --- | --- |
//! | `repo` | the repository; its rows stand together |
//! | `path` | the file, relative to the repository's root, with `/` |
//! | `content` | its text |
//! | `license`, `commit` | optional; of lists the parts are joined with ` OR ` |
//! | `duplicate_of` | optional; the file of another repository that stands for this one, which is then context and no data |
//!
//! Rows are read as they are needed, so the memory is bounded by the largest
//! repository. The next one is not read ahead: while one is worked on, all
//! threads are at work on it. A row that is no such file is refused and costs no
//! other row. What a walk leaves out by its name or size is left out here too;
//! ignore files mean nothing, since what is no part of the repository has no row.

mod jsonl;
#[cfg(feature = "parquet")]
mod parquet;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::rules::{is_php, left_out_by_key};
use super::{Exclusion, FilesError, Origin, WalkOptions, decode};
use crate::index::{SourceFile, SourceText, scan};

/// The key under which a whole repository is left out.
pub const WHOLE: &str = "./";

/// One row, as far as it is of interest.
#[derive(Debug, PartialEq)]
struct Row {
    repo: String,
    path: String,
    /// Bytes that are not UTF-8 have become U+FFFD.
    content: String,
    /// Whether there were such bytes.
    lossy: bool,
    license: Option<String>,
    commit: Option<String>,
    duplicate_of: Option<String>,
}

/// A row by its number, counted from 1, or why it is none.
type Numbered = (u64, Result<Row, String>);

/// The rows of a file. An error ends them: nothing after it can be read.
type Rows = Box<dyn Iterator<Item = Result<Numbered, String>>>;

/// One repository of a stream.
#[derive(Debug, Default)]
pub struct Repository {
    /// What the rows call it.
    pub name: String,
    /// Its PHP files, in the order of keys.
    pub files: Vec<Arc<SourceFile>>,
    /// What was left out, in the order of keys.
    pub left_out: Vec<Exclusion>,
    /// Where each of the files is from, by key.
    pub origins: FxHashMap<Arc<str>, Origin>,
}

/// The repositories in a list of files, taken as one stream.
pub struct Repositories {
    /// Those not begun yet, the next one last.
    inputs: Vec<PathBuf>,
    current: Option<(PathBuf, Rows)>,
    /// The row that ended the last repository.
    pending: Option<(String, Row)>,
    /// Digests of the names of all repositories so far.
    seen: FxHashSet<[u8; 16]>,
    limits: WalkOptions,
    refused: Vec<Exclusion>,
}

impl Repositories {
    /// The repositories in `inputs`, one file after the other. What is above
    /// `limits` is left out: a file, or a whole repository. None may be called
    /// like one of `taken`.
    ///
    /// # Errors
    /// If one of the inputs cannot be opened, or is of no known kind.
    pub fn open<'a>(
        inputs: &[PathBuf],
        limits: WalkOptions,
        taken: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, FilesError> {
        for input in inputs {
            drop(rows(input, limits.max_file_bytes)?);
        }
        Ok(Self {
            inputs: inputs.iter().rev().cloned().collect(),
            current: None,
            pending: None,
            seen: taken.into_iter().map(digest).collect(),
            limits,
            refused: Vec::new(),
        })
    }

    /// The rows that were refused since this was last asked: each by its
    /// file's name and number, `rows.jsonl:12`, with the reason.
    pub fn take_refused(&mut self) -> Vec<Exclusion> {
        std::mem::take(&mut self.refused)
    }

    /// Reads the next repository, in part in parallel on the current rayon
    /// pool. `check` is asked before each row whether to go on.
    ///
    /// # Errors
    /// If an input cannot be read to its end, or the rows of a repository do
    /// not stand together.
    pub fn next<E: From<FilesError> + Send>(
        &mut self,
        check: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<Option<Repository>, E> {
        let Some((place, first)) = self.row(check)? else {
            return Ok(None);
        };
        if !self.seen.insert(digest(&first.repo)) {
            return Err(FilesError(format!(
                "{place}: the repository {:?} has come before; sort the rows by `repo`, and give no project its name",
                first.repo
            ))
            .into());
        }
        let mut reading = Reading::new(first.repo.clone(), self.limits.clone());
        reading.row(first);
        while let Some((place, row)) = self.row(check)? {
            if row.repo != reading.name {
                self.pending = Some((place, row));
                break;
            }
            reading.row(row);
        }
        reading.finish(check).map(Some)
    }

    /// The next row that is one, and where it stands.
    fn row<E: From<FilesError>>(
        &mut self,
        check: &impl Fn() -> Result<(), E>,
    ) -> Result<Option<(String, Row)>, E> {
        if let Some(pending) = self.pending.take() {
            return Ok(Some(pending));
        }
        loop {
            check()?;
            let (path, rows) = match &mut self.current {
                Some(current) => current,
                None => match self.inputs.pop() {
                    Some(path) => {
                        let rows = rows(&path, self.limits.max_file_bytes)?;
                        self.current.insert((path, rows))
                    }
                    None => return Ok(None),
                },
            };
            match rows.next() {
                None => self.current = None,
                Some(Err(error)) => {
                    return Err(FilesError(format!("{}: {error}", path.display())).into());
                }
                Some(Ok((number, row))) => {
                    let name = path.file_name().unwrap_or(path.as_os_str());
                    let place = format!("{}:{number}", name.to_string_lossy());
                    match row {
                        Ok(row) => return Ok(Some((place, row))),
                        Err(rule) => {
                            tracing::debug!("{place}: {rule}; the row is left out");
                            self.refused.push(Exclusion { key: place, rule });
                        }
                    }
                }
            }
        }
    }
}

/// The rows of the file at `path`, whose name says what kind it is.
fn rows(path: &Path, max_file_bytes: u64) -> Result<Rows, FilesError> {
    let name = path.to_string_lossy();
    let ends = |ending| name.ends_with(ending);
    if ends(".jsonl") {
        jsonl::plain(path, max_file_bytes)
    } else if ends(".jsonl.zst") {
        jsonl::compressed(path, max_file_bytes)
    } else if ends(".parquet") {
        parquet_rows(path)
    } else {
        Err("no known kind of input; name a .jsonl, .jsonl.zst or .parquet file".into())
    }
    .map_err(|error: String| FilesError(format!("{}: {error}", path.display())))
}

#[cfg(feature = "parquet")]
fn parquet_rows(path: &Path) -> Result<Rows, String> {
    parquet::rows(path)
}

#[cfg(not(feature = "parquet"))]
fn parquet_rows(_: &Path) -> Result<Rows, String> {
    Err("this fimd was built without Parquet; convert the file to .jsonl.zst".into())
}

fn digest(name: &str) -> [u8; 16] {
    let mut digest = [0; 16];
    blake3::Hasher::new()
        .update(name.as_bytes())
        .finalize_xof()
        .fill(&mut digest);
    digest
}

/// A repository whose rows are being read.
struct Reading {
    name: String,
    limits: WalkOptions,
    files: Vec<SourceText>,
    /// Of the texts in `files`.
    bytes: u64,
    left_out: BTreeMap<String, String>,
    origins: FxHashMap<Arc<str>, Origin>,
    /// That of the last file: most files of a repository share it.
    origin: Origin,
    /// Which limit the repository is above: then nothing is kept of it.
    over: Option<String>,
}

impl Reading {
    fn new(name: String, limits: WalkOptions) -> Self {
        Self {
            name,
            limits,
            files: Vec::new(),
            bytes: 0,
            left_out: BTreeMap::new(),
            origins: FxHashMap::default(),
            origin: Origin::default(),
            over: None,
        }
    }

    fn row(&mut self, row: Row) {
        if self.over.is_some() || !is_php(&row.path) {
            return;
        }
        if let Some((key, rule)) = self.left_out(&row) {
            self.left_out.insert(key, rule);
            return;
        }
        let key: Arc<str> = row.path.into();
        let share = |old: &Option<Arc<str>>, new: Option<String>| match old {
            Some(old) if Some(&**old) == new.as_deref() => Some(Arc::clone(old)),
            _ => new.map(Arc::from),
        };
        self.origin = Origin {
            license: share(&self.origin.license, row.license),
            commit: share(&self.origin.commit, row.commit),
            duplicate_of: row.duplicate_of.map(Arc::from),
        };
        self.origins.insert(Arc::clone(&key), self.origin.clone());
        self.bytes += row.content.len() as u64;
        self.files.push(SourceText {
            path: key,
            text: row.content.into_boxed_str(),
            lossy: row.lossy,
        });
        self.over = self.above_limit();
        if self.over.is_some() {
            (self.files, self.origins) = Default::default();
            self.left_out.clear();
        }
    }

    /// What of a row is left out, and why, if it is.
    fn left_out(&self, row: &Row) -> Option<(String, String)> {
        let path = &row.path;
        let relative = |part: &str| !matches!(part, "" | "." | "..");
        if !path.split('/').all(relative) {
            return Some((path.clone(), "not a relative path".into()));
        }
        let by_name = left_out_by_key(path);
        let of_file = || {
            let bytes = row.content.len() as u64;
            let repeated = || {
                let is_known = self.origins.contains_key(&**path);
                is_known.then(|| "same path as an earlier row".into())
            };
            let rule = self.limits.too_large(bytes).or_else(repeated)?;
            Some((path.clone(), rule))
        };
        by_name.or_else(of_file)
    }

    fn above_limit(&self) -> Option<String> {
        let (files, bytes) = (self.limits.max_files, self.limits.max_project_bytes);
        if self.files.len() > files {
            Some(format!("more PHP files than the {files} of max_files"))
        } else if self.bytes > bytes {
            Some(format!("more bytes than the {bytes} of max_project_bytes"))
        } else {
            None
        }
    }

    fn finish<E: Send>(
        mut self,
        check: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<Repository, E> {
        self.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let over = self.over.map(|rule| (WHOLE.to_owned(), rule));
        let left_out = self.left_out.into_iter().chain(over);
        Ok(Repository {
            files: scan(self.files, check)?,
            name: self.name,
            left_out: left_out
                .map(|(key, rule)| Exclusion { key, rule })
                .collect(),
            origins: self.origins,
        })
    }
}
