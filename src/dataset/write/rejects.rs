//! The file of rejects: written beside its place and moved there once the
//! dataset is.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Stage, WriteError};
use crate::dataset::split::Parts;
use crate::dataset::{Batch, Sink};

/// A sink that keeps what was refused, too, if somebody asked for it.
#[derive(Debug)]
pub struct WithRejects<S> {
    sink: S,
    rejects: Option<Rejects>,
}

#[derive(Debug)]
struct Rejects {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl<S> WithRejects<S> {
    /// `sink`, and a file of rejects at `path` if there is one, whose folder
    /// must exist.
    ///
    /// # Errors
    /// If the file cannot be written, or would lie in the dataset of `stage`,
    /// which holds nothing else.
    pub fn new(sink: S, path: Option<&Path>, stage: &Stage) -> Result<Self, WriteError> {
        let rejects = path.map(|path| Rejects::new(path, stage)).transpose()?;
        Ok(Self { sink, rejects })
    }

    /// Puts the file of rejects, if there is one, in its place.
    ///
    /// # Errors
    /// If that fails; what was there is then what it was.
    pub fn publish(self) -> Result<(), WriteError> {
        self.rejects.map_or(Ok(()), Rejects::publish)
    }
}

impl Rejects {
    fn new(path: &Path, stage: &Stage) -> Result<Self, WriteError> {
        let wrong =
            |error: &dyn std::fmt::Display| WriteError::new("write rejects to", path, error);
        let path = std::path::absolute(path).map_err(|error| wrong(&error))?;
        let (Some(folder), Some(_)) = (path.parent(), path.file_name()) else {
            return Err(wrong(&"it names no file"));
        };
        let folder = folder.canonicalize().map_err(|error| wrong(&error))?;
        if folder.starts_with(&stage.output) {
            return Err(wrong(&"it lies in the dataset; name a file elsewhere"));
        }
        if path.is_dir() {
            return Err(wrong(&"it is a folder; name a file"));
        }
        let file = NamedTempFile::new_in(&folder).map_err(|error| wrong(&error))?;
        Ok(Self {
            path,
            file: BufWriter::new(file),
        })
    }

    fn publish(self) -> Result<(), WriteError> {
        let Self { path, file } = self;
        let persist = || {
            let file = file.into_inner()?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        persist().map_err(|error: io::Error| WriteError::new("write rejects to", &path, error))
    }
}

impl<S: Sink> Sink for WithRejects<S> {
    fn example(&mut self, line: &str) -> io::Result<()> {
        self.sink.example(line)
    }

    fn reject(&mut self, lines: &str) -> io::Result<()> {
        match &mut self.rejects {
            Some(rejects) => rejects.file.write_all(lines.as_bytes()),
            None => Ok(()),
        }
    }

    fn end_batch(&mut self, batch: &Batch) -> io::Result<()> {
        self.sink.end_batch(batch)
    }

    fn recall(&mut self) -> io::Result<Option<Batch>> {
        self.sink.recall()
    }

    fn recalled_example(&mut self, bytes: usize) {
        self.sink.recalled_example(bytes);
    }

    fn finish(&mut self, parts: &Parts) -> io::Result<()> {
        self.sink.finish(parts)
    }
}
