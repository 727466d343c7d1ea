//! The dataset on disk: the one room of [`crate::dataset`] that knows a file.
//!
//! A [`Stage`] is a hidden folder beside the output, `.NAME.fimd-XXXXXX`. All
//! files are written and synced there, and [`Stage::publish`] puts the folder in
//! the output's place in one step, so that a reader, or whoever kills the
//! process, finds the old dataset or the new one. The stage is locked while its
//! process lives; a stage that nobody locks was left by a killed run: the next
//! one goes on with it if it is asked to, and removes it otherwise.

mod journal;
mod rejects;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;
use serde::Serialize;

pub use self::journal::Task;
pub use self::rejects::WithRejects;

use self::journal::Journal;
use super::read::Dataset;
use super::report::html;
use super::split::Parts;
use super::{Batch, Sink};

pub(super) const TRAIN: &str = "train.jsonl";
pub(super) const VAL: &str = "val.jsonl";
pub(super) const METADATA: &str = "metadata.json";
const REPORT: &str = "report.html";

/// The examples in the order they were made, until their order is known.
const SPOOL: &str = "spool";
/// What was made of which files so far.
const JOURNAL: &str = "journal";

/// Why a dataset could not be written, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WriteError(String);

impl WriteError {
    fn new(doing: &str, path: &Path, error: impl std::fmt::Display) -> Self {
        Self(format!("cannot {doing} {}: {error}", path.display()))
    }
}

/// A dataset in the making; dropped without [`Self::publish`] it leaves nothing,
/// or, if it is one to go on with, the examples made so far.
#[derive(Debug)]
pub struct Stage {
    output: PathBuf,
    parent: PathBuf,
    dir: PathBuf,
    /// Whether the next run may go on with it.
    is_kept: bool,
    /// Locked until the stage is gone.
    _lock: File,
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.is_kept && journal::is_begun(&self.dir.join(JOURNAL)) {
            return;
        }
        // It is gone if it took the place of nothing.
        if let Err(error) = fs::remove_dir_all(&self.dir)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("cannot remove {}: {error}", self.dir.display());
        }
    }
}

impl Stage {
    /// Prepares to write the dataset `output`, after checking that it may be
    /// written: that it does not exist, is an empty folder, or is a dataset.
    /// With `resume` it goes on with what an interrupted run has left, and
    /// leaves the same if it is interrupted itself.
    ///
    /// # Errors
    /// If it is anything else, or a stage cannot be made beside it.
    pub fn new(output: &Path, resume: bool) -> Result<Self, WriteError> {
        let output = match fs::canonicalize(output) {
            Ok(existing) => existing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => std::path::absolute(output)
                .map_err(|error| WriteError::new("write to", output, error))?,
            Err(error) => return Err(WriteError::new("write to", output, error)),
        };
        let (Some(parent), Some(name)) = (output.parent(), output.file_name()) else {
            return Err(WriteError::new(
                "write to",
                &output,
                "it has no name of its own",
            ));
        };
        let parent = parent.to_path_buf();
        fs::create_dir_all(&parent).map_err(|error| WriteError::new("make", &parent, error))?;
        let prefix = format!(".{}.fimd-", name.to_string_lossy());
        // Held while stages are looked through and made, so that none is
        // taken for abandoned before its owner has locked it.
        let gate = lock(&parent).map_err(|error| WriteError::new("write into", &parent, error))?;
        let left = take_abandoned(&parent, &prefix, &output, resume);
        check_replaceable(&output)?;
        let (dir, own_lock) = match left {
            Some((dir, own_lock)) => {
                keep_only(&dir, &[SPOOL, JOURNAL])
                    .map_err(|error| WriteError::new("go on with", &dir, error))?;
                (dir, own_lock)
            }
            None => {
                let dir = tempfile::Builder::new()
                    .prefix(&prefix)
                    // As open as the umask lets any folder be: it becomes the dataset.
                    .permissions(fs::Permissions::from_mode(0o777))
                    .tempdir_in(&parent)
                    .map_err(|error| WriteError::new("write into", &parent, error.kind()))?;
                let own_lock =
                    lock(dir.path()).map_err(|error| WriteError::new("lock", dir.path(), error))?;
                (dir.keep(), own_lock)
            }
        };
        drop(gate);
        Ok(Self {
            output,
            parent,
            dir,
            is_kept: resume,
            _lock: own_lock,
        })
    }

    /// The sink that writes the examples of this dataset, which is that of `task`.
    ///
    /// # Errors
    /// If the stage cannot be written, or an interrupted run with another task
    /// has left it.
    pub fn sink(&self, task: &Task) -> Result<Spool, WriteError> {
        let open = || {
            let mut spool = OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .open(self.dir.join(SPOOL))?;
            let journal = Journal::open(&self.dir.join(JOURNAL), task, &mut spool)?;
            if journal.recovered > 0 {
                let batches = journal.recovered;
                tracing::warn!(batches, "going on with what an interrupted run has left");
            }
            Ok::<_, io::Error>(Spool {
                dir: self.dir.clone(),
                spool: BufWriter::new(spool),
                ends: Vec::new(),
                journal,
            })
        };
        open().map_err(|error| WriteError::new("write", &self.output, error))
    }

    /// Adds the page that shows the dataset, once its examples are there, of
    /// which `metadata` tells.
    ///
    /// # Errors
    /// If the examples cannot be read, or the page cannot be written.
    pub fn add_report(&self, metadata: &impl Serialize) -> Result<(), WriteError> {
        let fail = |error: &dyn std::fmt::Display| WriteError::new("write", &self.output, error);
        let metadata = serde_json::to_value(metadata).map_err(|error| fail(&error))?;
        let dataset = Dataset::unpublished(&self.dir, metadata);
        let page = html::page(&dataset).map_err(|error| fail(&error))?;
        let write = || {
            let mut file = File::create(self.dir.join(REPORT))?;
            file.write_all(page.as_bytes())?;
            file.sync_all()
        };
        write().map_err(|error: io::Error| fail(&error))
    }

    /// Adds `metadata` and puts the dataset in the output's place.
    ///
    /// # Errors
    /// If that fails; the output is then what it was.
    pub fn publish(self, metadata: &impl Serialize) -> Result<(), WriteError> {
        self.try_publish(metadata)
            .map_err(|error| WriteError::new("write the dataset to", &self.output, error))
    }

    fn try_publish(&self, metadata: &impl Serialize) -> io::Result<()> {
        let stage = &*self.dir;
        // The journal first: without it nobody asks for the spool.
        fs::remove_file(stage.join(JOURNAL))?;
        fs::remove_file(stage.join(SPOOL))?;
        let mut file = BufWriter::new(File::create(stage.join(METADATA))?);
        serde_json::to_writer_pretty(&mut file, metadata)?;
        file.write_all(b"\n")?;
        file.into_inner()?.sync_all()?;
        File::open(stage)?.sync_all()?;
        replace(stage, &self.output)?;
        File::open(&self.parent)?.sync_all()
    }
}

/// Puts the folder `new` in the place of `old`, which may not exist. What was
/// there, if anything, is then at `new`.
fn replace(new: &Path, old: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        Err(Errno::NOENT) => fs::rename(new, old),
        // A file system that cannot exchange: put the old one aside. A process
        // killed between the two leaves it there, and the next run puts it back.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            let aside = aside(new);
            fs::rename(old, &aside)?;
            if let Err(error) = fs::rename(new, old) {
                fs::rename(&aside, old)?;
                return Err(error);
            }
            fs::rename(&aside, new)
        }
        Err(error) => Err(error.into()),
    }
}

/// Where [`replace`] puts the old folder while the stage `new` takes its place.
fn aside(new: &Path) -> PathBuf {
    new.with_added_extension("old")
}

/// Locks a folder against other runs of fimd; waits for its turn.
fn lock(folder: &Path) -> io::Result<File> {
    let file = File::open(folder)?;
    file.lock()?;
    Ok(file)
}

/// Removes the stages that killed runs left in `parent`. One that was put
/// aside while the output is missing is the output: it goes back. With `resume`,
/// one that can be gone on with is not removed but locked and returned.
fn take_abandoned(
    parent: &Path,
    prefix: &str,
    output: &Path,
    resume: bool,
) -> Option<(PathBuf, File)> {
    let mut taken = None;
    let entries = fs::read_dir(parent).ok()?;
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        let path = entry.path();
        let Some(own_lock) = File::open(&path)
            .ok()
            .filter(|file| file.try_lock().is_ok())
        else {
            continue;
        };
        let can_go_on = journal::is_begun(&path.join(JOURNAL));
        if resume && can_go_on && taken.is_none() {
            taken = Some((path, own_lock));
            continue;
        }
        let result =
            if path.extension().is_some_and(|extension| extension == "old") && !output.exists() {
                fs::rename(&path, output)
            } else {
                fs::remove_dir_all(&path)
            };
        match result {
            Ok(()) if can_go_on => tracing::warn!(
                "removed what an interrupted run had made so far; --resume would have gone on with it"
            ),
            Ok(()) => tracing::info!("removed {}, left by a run that was killed", path.display()),
            Err(error) => tracing::warn!("{} was left by a killed run: {error}", path.display()),
        }
    }
    taken
}

/// Removes the files of `folder` but for those of the given names.
fn keep_only(folder: &Path, names: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !names.iter().any(|name| entry.file_name() == *name) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether `output` may be replaced.
fn check_replaceable(output: &Path) -> Result<(), WriteError> {
    let refuse = |why: String| {
        let output = output.display();
        Err(WriteError(format!(
            "{output} {why}: choose another --output"
        )))
    };
    let entries = match fs::read_dir(output) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return refuse("is a file, not a folder".into());
        }
        Err(error) => return Err(WriteError::new("read", output, error)),
    };
    let mut names: Vec<_> = entries
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_, _>>()
        .map_err(|error| WriteError::new("read", output, error))?;
    names.sort();
    let is_dataset = names.iter().any(|name| name == METADATA);
    let foreign = names
        .iter()
        .find(|name| ![TRAIN, VAL, METADATA, REPORT].contains(&name.as_str()));
    match foreign {
        Some(name) => refuse(format!("holds {name:?}, which is no part of a dataset")),
        None if !names.is_empty() && !is_dataset => {
            refuse(format!("is not empty and holds no {METADATA}"))
        }
        None => Ok(()),
    }
}

/// Keeps the examples in a file until their order is known.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    spool: BufWriter<File>,
    /// Where each example ends in the spool, in bytes.
    ends: Vec<u64>,
    journal: Journal,
}

impl Spool {
    fn push_end(&mut self, bytes: usize) {
        let start = self.ends.last().copied().unwrap_or(0);
        self.ends.push(start + bytes as u64);
    }

    fn write_part(
        &self,
        spool: &mut BufReader<File>,
        name: &str,
        order: &[usize],
    ) -> io::Result<()> {
        let mut part = BufWriter::with_capacity(1 << 18, File::create(self.dir.join(name))?);
        for at in order {
            let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
            spool.seek(SeekFrom::Start(start))?;
            io::copy(&mut spool.by_ref().take(self.ends[*at] - start), &mut part)?;
        }
        part.into_inner()?.sync_all()
    }
}

impl Sink for Spool {
    fn example(&mut self, line: &str) -> io::Result<()> {
        self.spool.write_all(line.as_bytes())?;
        self.journal.spooled(line.as_bytes());
        self.push_end(line.len());
        Ok(())
    }

    fn end_batch(&mut self, batch: &Batch) -> io::Result<()> {
        self.spool.flush()?;
        self.journal.end_batch(batch)
    }

    fn recall(&mut self) -> io::Result<Option<Batch>> {
        self.journal.recall()
    }

    fn recalled_example(&mut self, bytes: usize) {
        self.push_end(bytes);
    }

    fn finish(&mut self, parts: &Parts) -> io::Result<()> {
        self.spool.flush()?;
        let mut reader = BufReader::with_capacity(1 << 15, self.spool.get_ref().try_clone()?);
        self.write_part(&mut reader, TRAIN, &parts.train)?;
        self.write_part(&mut reader, VAL, &parts.val)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Families;

    fn task() -> Task {
        Task {
            version: String::new(),
            options: serde_json::Map::new(),
            family: Families::default().get("starcoder").unwrap().clone(),
            inputs: Vec::new(),
        }
    }

    fn write(output: &Path, lines: &[&str]) -> Result<(), WriteError> {
        let stage = Stage::new(output, false)?;
        let mut sink = stage.sink(&task())?;
        for line in lines {
            sink.example(&format!("{line}\n")).unwrap();
        }
        let parts = Parts {
            train: (1..lines.len()).rev().collect(),
            val: vec![0],
        };
        sink.finish(&parts).unwrap();
        stage.publish(&"metadata")
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_dataset_is_replaced_whole_and_leaves_nothing_beside_it() {
        let temp = tempfile::tempdir().unwrap();
        let output = temp.path().join("deep/data");
        write(&output, &["v", "a", "b"]).unwrap();
        write(&output, &["v", "c", "d"]).unwrap();
        assert_eq!(fs::read_to_string(output.join(TRAIN)).unwrap(), "d\nc\n");
        assert_eq!(fs::read_to_string(output.join(VAL)).unwrap(), "v\n");
        assert_eq!(names(&output), [METADATA, TRAIN, VAL]);
        assert_eq!(names(output.parent().unwrap()), ["data"]);
    }

    #[test]
    fn files_and_folders_with_other_things_are_refused() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("file");
        fs::write(&file, "mine").unwrap();
        let folder = temp.path().join("folder");
        fs::create_dir(&folder).unwrap();
        write(&folder, &["v"]).unwrap();
        fs::write(folder.join("notes.txt"), "mine").unwrap();
        for output in [&file, &folder] {
            let error = write(output, &["v"]).unwrap_err().to_string();
            assert!(error.contains("choose another --output"), "{error}");
        }
        assert_eq!(fs::read_to_string(file).unwrap(), "mine");
        assert_eq!(
            fs::read_to_string(folder.join("notes.txt")).unwrap(),
            "mine"
        );
        assert_eq!(names(temp.path()), ["file", "folder"]);
    }

    #[test]
    fn a_stage_that_is_not_published_leaves_the_old_dataset() {
        let temp = tempfile::tempdir().unwrap();
        let output = temp.path().join("data");
        write(&output, &["v", "a"]).unwrap();
        let stage = Stage::new(&output, false).unwrap();
        let mut sink = stage.sink(&task()).unwrap();
        sink.example("half").unwrap();
        drop((sink, stage));
        assert_eq!(fs::read_to_string(output.join(TRAIN)).unwrap(), "a\n");
        assert_eq!(names(temp.path()), ["data"]);
    }

    #[test]
    fn leftovers_of_killed_runs_are_removed_and_live_ones_are_not() {
        let temp = tempfile::tempdir().unwrap();
        let output = temp.path().join("data");
        fs::create_dir(temp.path().join(".data.fimd-dead")).unwrap();
        let live = Stage::new(&output, false).unwrap();
        assert!(!temp.path().join(".data.fimd-dead").exists());
        write(&output, &["v", "a"]).unwrap();
        assert!(live.dir.exists());
    }

    #[test]
    fn a_dataset_left_aside_by_a_killed_run_comes_back() {
        let temp = tempfile::tempdir().unwrap();
        let output = temp.path().join("data");
        write(&output, &["v", "a"]).unwrap();
        fs::rename(&output, aside(&temp.path().join(".data.fimd-x"))).unwrap();
        drop(Stage::new(&output, false).unwrap());
        assert_eq!(names(&output), [METADATA, TRAIN, VAL]);
    }
}
