//! The file of rejects: made in the stage, so that a killed run leaves nothing
//! beside its place, and moved there once the dataset is.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::dataset::batch::Batch;
use crate::dataset::sink::{ExampleText, Sink};
use crate::dataset::split::Split;
use crate::dataset::template::SpooledExample;
use crate::dataset::write::WriteError;
use crate::dataset::write::files::REJECTS;
use crate::dataset::write::stage::Stage;
use crate::files::resolve;

/// A sink that keeps what was refused, too, if somebody asked for it.
#[derive(Debug)]
pub struct WithRejects<S> {
    sink: S,
    rejects: Option<Rejects>,
}

#[derive(Debug)]
struct Rejects {
    file: BufWriter<File>,
    /// Where it is once the dataset is published.
    published: PathBuf,
    /// Where it is wanted, if elsewhere.
    wanted: Option<PathBuf>,
}

impl<S> WithRejects<S> {
    /// `sink`, and a file of rejects at `path` if there is one, whose folder
    /// must exist.
    ///
    /// # Errors
    /// If the file cannot be written, or would lie in the dataset of `stage`
    /// under another name than `rejects.jsonl`.
    pub fn new(sink: S, path: Option<&Path>, stage: &Stage) -> Result<Self, WriteError> {
        let rejects = path.map(|path| Rejects::new(path, stage)).transpose()?;
        Ok(Self { sink, rejects })
    }

    /// Puts the dataset of `stage` in its place with `publish`, and then the
    /// file of rejects, if there is one.
    ///
    /// # Errors
    /// If that fails. What is not published is what it was; where only the
    /// rejects could not be moved, they are in the dataset.
    pub fn publish(
        self,
        publish: impl FnOnce() -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        let Some(rejects) = self.rejects else {
            return publish();
        };
        let (published, wanted) = rejects.close()?;
        publish()?;
        let Some(wanted) = wanted else {
            return Ok(());
        };
        move_to(&published, &wanted).map_err(|error| {
            let error = format!("{error}; they are in {}", published.display());
            WriteError::new("write rejects to", &wanted, error)
        })
    }
}

impl Rejects {
    fn new(path: &Path, stage: &Stage) -> Result<Self, WriteError> {
        let wrong =
            |error: &dyn std::fmt::Display| WriteError::new("write rejects to", path, error);
        let absolute = std::path::absolute(path).map_err(|error| wrong(&error))?;
        let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
            return Err(wrong(&"it names no file"));
        };
        let (real, output) = (resolve(folder), resolve(stage.output()));
        let wanted = if real.starts_with(&output) {
            if real != output || name != REJECTS {
                return Err(wrong(
                    &"it lies in the dataset; call it rejects.jsonl there, or name a file elsewhere",
                ));
            }
            None
        } else {
            let folder = folder.canonicalize().map_err(|error| wrong(&error))?;
            let wanted = folder.join(name);
            if fs::metadata(&wanted).is_ok_and(|found| !found.is_file()) {
                return Err(wrong(&"there is something that is no file; name a file"));
            }
            // Unnamed, so nothing stays: whether the file can be put there in
            // the end is better known before the work than after it.
            tempfile::tempfile_in(&folder).map_err(|error| wrong(&error))?;
            Some(wanted)
        };
        let file = File::create(stage.folder().join(REJECTS)).map_err(|error| wrong(&error))?;
        Ok(Self {
            file: BufWriter::new(file),
            published: stage.output().join(REJECTS),
            wanted,
        })
    }

    /// Ends the file: where it will be, and where it is wanted.
    fn close(self) -> Result<(PathBuf, Option<PathBuf>), WriteError> {
        let Self {
            file,
            published,
            wanted,
        } = self;
        let close = || file.into_inner()?.sync_all();
        close().map_err(|error: io::Error| WriteError::new("write", &published, error))?;
        Ok((published, wanted))
    }
}

/// Moves the file `from` to `to`, in one step as others see it.
fn move_to(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::XDEV) => {
            // Always the same name, so the next run takes the place of what a
            // killed one has left.
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

    fn example(&mut self, template: &str, kept: &SpooledExample) -> io::Result<()> {
        self.sink.example(template, kept)
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

    fn recalled_example(&mut self, kept: &SpooledExample) {
        self.sink.recalled_example(kept);
    }

    fn read(
        &self,
        wanted: &[usize],
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        self.sink.read(wanted, take)
    }

    fn shown(
        &self,
        wanted: &[usize],
        look: &(dyn Fn(ExampleText) -> io::Result<()> + Sync),
    ) -> io::Result<()> {
        self.sink.shown(wanted, look)
    }

    fn middles(&self, wanted: &[usize]) -> io::Result<Vec<String>> {
        self.sink.middles(wanted)
    }

    fn write(&self, part: Split, order: &[usize]) -> io::Result<()> {
        self.sink.write(part, order)
    }

    fn settle(&mut self) -> io::Result<()> {
        self.sink.settle()
    }
}
