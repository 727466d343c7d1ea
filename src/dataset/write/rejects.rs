//! Writes the file of rejects. The file is made in the stage, so an interrupted run
//! leaves nothing at the file's final path. It is moved there when the dataset is in its
//! place.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::dataset::batch::Batch;
use crate::dataset::duplicates::StoredHole;
use crate::dataset::sink::{ExampleText, Sink};
use crate::dataset::split::Split;
use crate::dataset::template::SpooledExample;
use crate::dataset::write::error::DatasetWriteError;
use crate::dataset::write::files::REJECTS;
use crate::dataset::write::stage::StagingFolder;
use crate::files::resolve;

/// A sink that also writes the file of rejects, if the user asked for it.
#[derive(Debug)]
pub struct WithRejects<S> {
    sink: S,
    rejects: Option<Rejects>,
}

#[derive(Debug)]
struct Rejects {
    file: BufWriter<File>,
    /// The path of the file when the dataset is published.
    published: PathBuf,
    /// The path that the user gave, if it is another one.
    requested: Option<PathBuf>,
}

impl<S> WithRejects<S> {
    /// Wraps `sink`, and writes a file of rejects to `path` if it is given. The folder of
    /// `path` must exist.
    ///
    /// # Errors
    /// [`DatasetWriteError`] if the file cannot be written, or if `path` is in the dataset of
    /// `stage` and its name is not `rejects.jsonl`.
    pub fn new(
        sink: S,
        path: Option<&Path>,
        stage: &StagingFolder,
    ) -> Result<Self, DatasetWriteError> {
        let rejects = path.map(|path| Rejects::new(path, stage)).transpose()?;
        Ok(Self { sink, rejects })
    }

    /// Calls `publish`, which puts the dataset in its place, and then moves the file of
    /// rejects to its path, if there is one.
    ///
    /// # Errors
    /// [`DatasetWriteError`] if that fails. If `publish` fails, neither is changed. If only the
    /// rejects cannot be moved, they are in the dataset's folder.
    pub fn publish(
        self,
        publish: impl FnOnce() -> Result<(), DatasetWriteError>,
    ) -> Result<(), DatasetWriteError> {
        let Some(rejects) = self.rejects else {
            return publish();
        };
        let (published, requested) = rejects.close()?;
        publish()?;
        let Some(requested) = requested else {
            return Ok(());
        };
        move_to(&published, &requested).map_err(|error| {
            let error = format!("{error}; they are in {}", published.display());
            DatasetWriteError::new("write rejects to", &requested, error)
        })
    }
}

impl Rejects {
    fn new(path: &Path, stage: &StagingFolder) -> Result<Self, DatasetWriteError> {
        let wrong =
            |error: &dyn std::fmt::Display| DatasetWriteError::new("write rejects to", path, error);
        let absolute = std::path::absolute(path).map_err(|error| wrong(&error))?;
        let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(wrong(&"it names no file"));
        };
        let (real, output) = (resolve(folder), resolve(stage.output()));
        let requested = if real.starts_with(&output) {
            if real != output || name != REJECTS {
                return Err(wrong(
                    &"it lies in the dataset; call it rejects.jsonl there, or name a file elsewhere",
                ));
            }
            None
        } else {
            let folder = folder.canonicalize().map_err(|error| wrong(&error))?;
            let requested = folder.join(name);
            if fs::metadata(&requested).is_ok_and(|found| !found.is_file()) {
                return Err(wrong(&"there is something that is no file; name a file"));
            }
            // A file without a name checks before the run that the folder can be
            // written, and leaves nothing.
            tempfile::tempfile_in(&folder).map_err(|error| wrong(&error))?;
            Some(requested)
        };
        let file = File::create(stage.folder().join(REJECTS)).map_err(|error| wrong(&error))?;
        Ok(Self {
            file: BufWriter::new(file),
            published: stage.output().join(REJECTS),
            requested,
        })
    }

    /// Closes the file. Returns its path in the published dataset, and the path that the
    /// user gave, if it is another one.
    fn close(self) -> Result<(PathBuf, Option<PathBuf>), DatasetWriteError> {
        let Self {
            file,
            published,
            requested,
        } = self;
        let close = || file.into_inner()?.sync_all();
        close().map_err(|error: io::Error| DatasetWriteError::new("write", &published, error))?;
        Ok((published, requested))
    }
}

/// Moves the file `from` to `to`. Other processes never see a part of it at `to`.
fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::XDEV) => {
            // The name is always the same, so the next run replaces what an interrupted
            // one has left.
            let mut name = OsString::from(".");
            name.push(to.file_name().unwrap_or_default());
            name.push(".fimd");
            let beside = to.with_file_name(name);
            let copy = || {
                let mut copy = File::create(&beside)?;
                io::copy(&mut File::open(from)?, &mut copy)?;
                copy.sync_all()?;
                fs::rename(&beside, to)
            };
            copy().inspect_err(|_| drop(fs::remove_file(&beside)))?;
            fs::remove_file(from)
        }
        done => done,
    }
}

impl<S: Sink> Sink for WithRejects<S> {
    fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.sink.text(text)
    }

    fn example(&mut self, template: &str, example: &SpooledExample) -> io::Result<()> {
        self.sink.example(template, example)
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

    fn recalled_text(&mut self, bytes: usize) {
        self.sink.recalled_text(bytes);
    }

    fn recalled_example(&mut self, example: &SpooledExample) {
        self.sink.recalled_example(example);
    }

    fn read(
        &self,
        indices: &[usize],
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        self.sink.read(indices, take)
    }

    fn shown(
        &self,
        indices: &[usize],
        look: &(dyn Fn(ExampleText) -> io::Result<()> + Sync),
    ) -> io::Result<()> {
        self.sink.shown(indices, look)
    }

    fn holes(&self, indices: &[usize]) -> io::Result<Vec<StoredHole>> {
        self.sink.holes(indices)
    }

    fn write(&self, split: Split, order: &[usize]) -> io::Result<()> {
        self.sink.write(split, order)
    }

    fn settle(&mut self) -> io::Result<()> {
        self.sink.settle()
    }
}
