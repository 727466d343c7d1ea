//! The folder in which a dataset is made, and how it takes the output's place.
//!
//! The stage is a hidden folder beside the output, `.NAME.fimd-XXXXXX`. All
//! files are written and synced there, and [`Stage::publish`] puts the folder in
//! the output's place in one step, so that a reader, or whoever kills the
//! process, finds the old dataset or the new one. The stage is locked while its
//! process lives; a stage that nobody locks was left by a killed run: the next
//! one goes on with it if it is asked to, and removes it otherwise.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use crate::dataset::options::Options;
use crate::dataset::report::Report;
use crate::dataset::report::metadata::METADATA;
use crate::dataset::write::files::{CARD, DataFile, REPORT};
use crate::dataset::write::journal::Task;
use crate::dataset::write::spool::{JOURNAL, SPOOL, Spool};
use crate::dataset::write::{WriteError, card, files, journal};

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

    /// The sink that writes the examples of this dataset, which is that of
    /// `task`, in the format and the shards that `options` ask for.
    ///
    /// # Errors
    /// If the stage cannot be written, or an interrupted run with another task
    /// has left it.
    pub fn sink(&self, task: &Task, options: &Options) -> Result<Spool, WriteError> {
        Spool::open(&self.dir, task, options)
            .map_err(|error| WriteError::new("write", &self.output, error))
    }

    /// The folder that becomes the dataset.
    pub(super) fn folder(&self) -> &Path {
        &self.dir
    }

    /// Where the dataset is to be.
    pub(super) fn output(&self) -> &Path {
        &self.output
    }

    /// Adds metadata, card and the page that shows the dataset, if there is one, and
    /// puts the dataset in the output's place.
    ///
    /// # Errors
    /// If that fails; the output is then what it was.
    pub fn publish(self, report: &Report, page: Option<&str>) -> Result<(), WriteError> {
        self.try_publish(report, page)
            .map_err(|error| WriteError::new("write the dataset to", &self.output, error))
    }

    fn try_publish(&self, report: &Report, page: Option<&str>) -> io::Result<()> {
        let stage = &*self.dir;
        let files = DataFile::all_in(stage)?.into_iter();
        let files: Vec<_> = files.map(|file| (file.split, file.name())).collect();
        let card = card::text(report, &files)?;
        let mut metadata = serde_json::to_vec_pretty(report)?;
        metadata.push(b'\n');
        let mut texts = vec![(CARD, card.as_bytes()), (METADATA, &metadata)];
        texts.extend(page.map(|page| (REPORT, page.as_bytes())));
        let written: Vec<_> = texts
            .into_iter()
            .map(|(name, text)| {
                let mut file = File::create(stage.join(name))?;
                file.write_all(text).map(|()| file)
            })
            .collect::<io::Result<_>>()?;
        // All at once: the first takes the others to the disk with it.
        written.iter().try_for_each(File::sync_all)?;
        // The journal first: without it nobody asks for the spool.
        fs::remove_file(stage.join(JOURNAL))?;
        fs::remove_file(stage.join(SPOOL))?;
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
    let foreign = names.iter().find(|name| !files::belongs(name));
    match foreign {
        Some(name) => refuse(format!("holds {name:?}, which is no part of a dataset")),
        None if !names.is_empty() && !is_dataset => {
            refuse(format!("is not empty and holds no {METADATA}"))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::format::FileFormat;
    use crate::dataset::split::Split;
    use crate::dataset::template::SpooledExample;
    use crate::dataset::{Batch, Sink};
    use crate::model::Families;

    const TRAIN: &str = "train.jsonl";
    const VAL: &str = "val.jsonl";

    fn write(output: &Path, lines: &[&str]) -> Result<(), WriteError> {
        write_as(&Options::default(), output, lines)
    }

    fn write_as(options: &Options, output: &Path, lines: &[&str]) -> Result<(), WriteError> {
        let stage = Stage::new(output, false)?;
        let mut sink = stage.sink(&Task::of_tests(), options)?;
        for line in lines {
            let line = format!("{line}\n");
            sink.example(&line, &SpooledExample::whole(&line)).unwrap();
        }
        sink.end_batch(&Batch::default()).unwrap();
        let train: Vec<_> = (1..lines.len()).rev().collect();
        sink.write(Split::Train, &train).unwrap();
        sink.write(Split::Validation, &[0]).unwrap();
        let model = options.model(&Families::default(), std::fs::read).unwrap();
        stage.publish(&Report::new(options, &model), None)
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
        assert_eq!(names(&output), [CARD, METADATA, TRAIN, VAL]);
        assert_eq!(names(output.parent().unwrap()), ["data"]);
    }

    #[test]
    fn a_dataset_of_another_format_and_shards_leaves_nothing_stale() {
        let temp = tempfile::tempdir().unwrap();
        let output = temp.path().join("data");
        let options = Options {
            format: FileFormat::JsonlZst,
            shard_size: Some(bytesize::ByteSize(4)),
            ..Options::default()
        };
        write_as(&options, &output, &["v", "a", "b", "c"]).unwrap();
        let sharded = [
            CARD,
            METADATA,
            "train-00000-of-00002.jsonl.zst",
            "train-00001-of-00002.jsonl.zst",
            "val.jsonl.zst",
        ];
        assert_eq!(names(&output), sharded);
        write(&output, &["v", "a"]).unwrap();
        assert_eq!(names(&output), [CARD, METADATA, TRAIN, VAL]);
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
        let mut sink = stage.sink(&Task::of_tests(), &Options::default()).unwrap();
        sink.example("half", &SpooledExample::whole("half"))
            .unwrap();
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
        assert_eq!(names(&output), [CARD, METADATA, TRAIN, VAL]);
    }
}
