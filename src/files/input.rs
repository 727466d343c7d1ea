//! Reads repositories from files of rows: JSON lines, plain or compressed with
//! Zstandard, or Parquet. A row is one file of a repository:
//!
//! | column | |
//! | --- | --- |
//! | `repo` | the repository; its rows stand together |
//! | `path` | the file, relative to the repository's root, with `/` |
//! | `content` | its text |
//! | `license`, `commit` | optional; the parts of a list are joined with ` OR ` |
//! | `duplicate_of` | optional; the file elsewhere that gives the examples instead |
//!
//! Rows are read when they are needed, so the largest repository bounds the
//! memory. The next repository is not read ahead, because all threads work on
//! the current one. A row that is not valid is refused; it does not affect
//! other rows. What a walk excludes by name or size is excluded here too. Ignore
//! files have no meaning here: a file outside the repository has no row.

mod jsonl;
#[cfg(feature = "parquet")]
mod parquet;
mod row;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use self::row::{Row, RowIter};
use super::error::FilesError;
use super::extensions::holds_php;
use super::limits::WalkOptions;
use super::regular::{Links, open_regular};
use super::rules::left_out_by_key;
use crate::index::{Exclusion, Origin, SourceFile, SourceText, WHOLE, scan};

/// One repository of a stream.
#[derive(Debug, Default)]
pub struct Repository {
    /// Its name in the rows.
    pub name: String,
    /// Its PHP files, in the order of keys.
    pub files: Vec<Arc<SourceFile>>,
    /// The excluded files, in the order of keys.
    pub left_out: Vec<Exclusion>,
    /// The origin of each file, by key.
    pub origins: FxHashMap<Arc<str>, Origin>,
}

/// The repositories in a list of input files, as one stream.
pub struct Repositories {
    /// The input files that were not opened yet, the next one last.
    inputs: Vec<PathBuf>,
    current: Option<(PathBuf, RowIter)>,
    /// The first row of the next repository, and where it stands.
    pending: Option<(String, Row)>,
    /// Digests of the names of all repositories read so far.
    seen: FxHashSet<[u8; 16]>,
    limits: WalkOptions,
    refused: Vec<Exclusion>,
}

impl Repositories {
    /// The repositories in `inputs`, one input file after the other. A file or a
    /// whole repository that exceeds `limits` is excluded. No repository may have
    /// one of the names `taken`.
    ///
    /// # Errors
    /// If an input file cannot be opened, or is of no known kind.
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

    /// The rows that were refused since the last call, each by its file's name
    /// and its number, `rows.jsonl:12`, with the reason.
    pub fn take_refused(&mut self) -> Vec<Exclusion> {
        std::mem::take(&mut self.refused)
    }

    /// Reads the next repository. Scans its files in parallel on the current
    /// rayon pool. Calls `check` before each row and stops at its error.
    ///
    /// # Errors
    /// If an input file cannot be read to its end, or if the rows of a repository
    /// do not stand together, and the errors of `check`.
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
        let mut builder = RepositoryBuilder::new(first.repo.clone(), self.limits.clone());
        builder.row(first);
        while let Some((place, row)) = self.row(check)? {
            if row.repo != builder.name {
                self.pending = Some((place, row));
                break;
            }
            builder.row(row);
        }
        builder.finish(check).map(Some)
    }

    /// The next valid row, and where it stands.
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

/// The rows of the file at `path`. The ending of its name tells its kind.
fn rows(path: &Path, max_file_bytes: u64) -> Result<RowIter, FilesError> {
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

/// Opens a file of rows.
fn open_file(path: &Path) -> Result<File, String> {
    open_regular(path, Links::Followed)
        .map_err(|error| format!("{error}; name a file of rows that can be read"))
}

#[cfg(feature = "parquet")]
fn parquet_rows(path: &Path) -> Result<RowIter, String> {
    parquet::rows(path)
}

#[cfg(not(feature = "parquet"))]
fn parquet_rows(_: &Path) -> Result<RowIter, String> {
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
struct RepositoryBuilder {
    name: String,
    limits: WalkOptions,
    files: Vec<SourceText>,
    /// The bytes of the texts in `files`.
    bytes: u64,
    left_out: BTreeMap<String, String>,
    origins: FxHashMap<Arc<str>, Origin>,
    /// The origin of the last file. Most files of a repository share it.
    origin: Origin,
    /// The limit that the repository exceeds. If there is one, nothing is kept.
    over: Option<String>,
}

impl RepositoryBuilder {
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

    /// Adds a row.
    fn row(&mut self, row: Row) {
        if self.over.is_some() || !self.limits.extensions.count(&row.path) {
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

    /// The key and the rule by which a row is excluded, if it is.
    fn left_out(&self, row: &Row) -> Option<(String, String)> {
        let path = &row.path;
        let relative = |part: &str| !matches!(part, "" | "." | "..");
        if !path.split('/').all(relative) {
            return Some((path.clone(), "not a relative path".into()));
        }
        let by_name = left_out_by_key(path, &self.limits.extensions);
        let of_file = || {
            let bytes = row.content.len() as u64;
            let repeated = || {
                let is_known = self.origins.contains_key(&**path);
                is_known.then(|| "same path as an earlier row".into())
            };
            let empty = || {
                let is_empty = !holds_php(path, row.content.as_bytes());
                is_empty.then(|| "no PHP in it".into())
            };
            let rule = self
                .limits
                .too_large(bytes)
                .or_else(repeated)
                .or_else(empty)?;
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
