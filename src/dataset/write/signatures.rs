//! Writes a file of signatures. The file is made beside its path, and moved there when it
//! is complete.

use std::fs;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use crate::dataset::select::signatures::FileSignature;
use crate::dataset::write::error::DatasetWriteError;
use crate::dataset::write::parquet::ParquetRows;
use crate::dataset::write::syncing_file::SyncingFile;
use crate::files::Replacement;

/// A file of signatures that is being written. If it is dropped before
/// [`Self::publish`], it leaves nothing.
pub struct Signatures {
    path: PathBuf,
    file: Replacement,
    rows: ParquetRows,
}

impl Signatures {
    /// Starts the Parquet file that [`Self::publish`] puts at `path`.
    ///
    /// # Errors
    /// [`DatasetWriteError`] if no file can be written there.
    pub fn new(path: &Path) -> Result<Self, DatasetWriteError> {
        let begin = || {
            let absolute = std::path::absolute(path)?;
            let folder = absolute.parent().unwrap_or(&absolute);
            fs::create_dir_all(folder)?;
            // The umask alone restricts the permissions, as for other files.
            let file = Replacement::begin(&absolute, 0o666)?;
            let rows =
                ParquetRows::of_signatures(BufWriter::new(SyncingFile::new(file.reopen()?)?))?;
            Ok(Self {
                path: path.to_owned(),
                file,
                rows,
            })
        };
        begin().map_err(|error: io::Error| DatasetWriteError::new("write", path, error))
    }

    /// Adds the signature of a file.
    ///
    /// # Errors
    /// [`DatasetWriteError`] if it cannot be written.
    pub fn push(&mut self, signed: &FileSignature) -> Result<(), DatasetWriteError> {
        let wrong = |error| DatasetWriteError::new("write", &self.path, error);
        let mut line = serde_json::to_vec(signed).map_err(io::Error::from);
        line.as_mut().map(|line| line.push(b'\n')).ok();
        let pushed = line.and_then(|line| self.rows.push(&line));
        pushed.map_err(wrong)
    }

    /// Closes the file and moves it to its path in one step.
    ///
    /// # Errors
    /// [`DatasetWriteError`] if that fails. What was at the path is then unchanged.
    pub fn publish(self) -> Result<(), DatasetWriteError> {
        let Self { path, file, rows } = self;
        let publish = || {
            rows.finish()?.into_inner()?.finish()?;
            file.publish()
        };
        publish().map_err(|error: io::Error| DatasetWriteError::new("write", &path, error))
    }
}
