//! A file of signatures: made beside its place, and moved there when it is whole.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::dataset::select::signatures::FileSignature;
use crate::dataset::write::steady::Steady;
use crate::dataset::write::{WriteError, parquet};

/// A file of signatures in the making; dropped without [`Self::publish`] it
/// leaves nothing.
pub struct Signatures {
    path: PathBuf,
    file: NamedTempFile,
    rows: parquet::Rows,
}

impl Signatures {
    /// Begins the Parquet file that is to be at `path`.
    ///
    /// # Errors
    /// If no file can be written there.
    pub fn new(path: &Path) -> Result<Self, WriteError> {
        let begin = || {
            let absolute = std::path::absolute(path)?;
            let folder = absolute.parent().unwrap_or(&absolute);
            fs::create_dir_all(folder)?;
            let file = tempfile::Builder::new()
                // As open as the umask lets any file be.
                .permissions(fs::Permissions::from_mode(0o666))
                .tempfile_in(folder)?;
            let rows = parquet::Rows::of_signatures(BufWriter::new(Steady::new(file.reopen()?)?))?;
            Ok(Self {
                path: absolute,
                file,
                rows,
            })
        };
        begin().map_err(|error: io::Error| WriteError::new("write", path, error))
    }

    /// Adds a file's signature.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn push(&mut self, signed: &FileSignature) -> Result<(), WriteError> {
        let wrong = |error| WriteError::new("write", &self.path, error);
        let mut line = serde_json::to_vec(signed).map_err(io::Error::from);
        line.as_mut().map(|line| line.push(b'\n')).ok();
        let pushed = line.and_then(|line| self.rows.push(&line));
        pushed.map_err(wrong)
    }

    /// Ends the file and puts it in its place in one step.
    ///
    /// # Errors
    /// If that fails; what was there is there still.
    pub fn publish(self) -> Result<(), WriteError> {
        let Self { path, file, rows } = self;
        let publish = || {
            rows.finish()?.into_inner()?.finish()?;
            file.persist(&path)?;
            File::open(path.parent().unwrap_or(&path))?.sync_all()
        };
        publish().map_err(|error: io::Error| WriteError::new("write", &path, error))
    }
}
