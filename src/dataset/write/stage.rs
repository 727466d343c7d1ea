//! The folder in which a dataset is made, and how it replaces the output.
//!
//! The stage is a hidden folder beside the output, `.NAME.fimd-XXXXXX`. All files are
//! written and synced there, and [`StagingFolder::publish`] puts the folder in the output's
//! place in one step. So the output is always the old dataset or the new one, also if
//! the process is killed. The stage is locked while its process lives. A stage without
//! a lock was left by an interrupted run. The next run resumes it if the user asks for
//! that, and removes it otherwise.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use crate::dataset::options::Options;
use crate::dataset::report::Report;
use crate::dataset::report::metadata::METADATA;
use crate::dataset::write::abandoned::{self, aside, keep_only};
use crate::dataset::write::data_writer::DataWriter;
use crate::dataset::write::error::DatasetWriteError;
use crate::dataset::write::files::{CARD, DataFile, REPORT};
use crate::dataset::write::journal::{self, JOURNAL, Task};
use crate::dataset::write::spool::SPOOL;
use crate::dataset::write::{card, files};

/// The folder of a dataset that is being made. If it is dropped before
/// [`Self::publish`], it leaves nothing; or, if it can be resumed, the examples made so
/// far.
#[derive(Debug)]
pub struct StagingFolder {
    output: PathBuf,
    parent: PathBuf,
    dir: PathBuf,
    /// Whether the next run may resume the stage.
    is_kept: bool,
    /// The lock on the folder, held until the stage is dropped.
    _lock: File,
}

impl Drop for StagingFolder {
    fn drop(&mut self) {
        if self.is_kept && journal::is_begun(&self.dir.join(JOURNAL)) {
            return;
        }
        // The folder is gone if it was published and there was no old output.
        if let Err(error) = fs::remove_dir_all(&self.dir)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("cannot remove {}: {error}", self.dir.display());
        }
    }
}

impl StagingFolder {
    /// Prepares to write the dataset `output`. Checks that `output` may be replaced: that
    /// it does not exist, is an empty folder, or is a dataset. With `resume`, the stage
    /// holds what an interrupted run has left, and the next run can resume this one.
    ///
    /// # Errors
    /// [`DatasetWriteError`] if `output` may not be replaced, or no stage can be made beside it.
    pub fn new(output: &Path, resume: bool) -> Result<Self, DatasetWriteError> {
        let output = match fs::canonicalize(output) {
            Ok(existing) => existing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => std::path::absolute(output)
                .map_err(|error| DatasetWriteError::new("write to", output, error))?,
            Err(error) => return Err(DatasetWriteError::new("write to", output, error)),
        };
        let (Some(parent), Some(name)) = (output.parent(), output.file_name()) else {
            return Err(DatasetWriteError::new(
                "write to",
                &output,
                "it has no name of its own",
            ));
        };
        let parent = parent.to_path_buf();
        fs::create_dir_all(&parent)
            .map_err(|error| DatasetWriteError::new("make", &parent, error))?;
        let prefix = format!(".{}.fimd-", name.to_string_lossy());
        // Locks the parent while stages are listed and made, so that no run takes a
        // stage for abandoned before its owner has locked it.
        let gate =
            lock(&parent).map_err(|error| DatasetWriteError::new("write into", &parent, error))?;
        let left = abandoned::take(&parent, &prefix, &output, resume);
        check_replaceable(&output)?;
        let (dir, own_lock) = match left {
            Some((dir, own_lock)) => {
                keep_only(&dir, &[SPOOL, JOURNAL])
                    .map_err(|error| DatasetWriteError::new("go on with", &dir, error))?;
                (dir, own_lock)
            }
            None => make(&parent, &prefix)?,
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

    /// The sink that writes the examples of the dataset of `task`, in the format and the
    /// shards of `options`.
    ///
    /// # Errors
    /// [`DatasetWriteError`] if the stage cannot be written, or an interrupted run with another
    /// task has left it.
    pub fn sink(&self, task: &Task, options: &Options) -> Result<DataWriter, DatasetWriteError> {
        DataWriter::open(&self.dir, task, options)
            .map_err(|error| DatasetWriteError::new("write", &self.output, error))
    }

    /// The folder that becomes the dataset.
    pub(super) fn folder(&self) -> &Path {
        &self.dir
    }

    /// The final path of the dataset.
    pub(super) fn output(&self) -> &Path {
        &self.output
    }

    /// Adds metadata, card and the page, if there is one, and puts the dataset in the
    /// output's place.
    ///
    /// # Errors
    /// [`DatasetWriteError`] if that fails. The output is then unchanged.
    pub fn publish(self, report: &Report, page: Option<&str>) -> Result<(), DatasetWriteError> {
        self.try_publish(report, page)
            .map_err(|error| DatasetWriteError::new("write the dataset to", &self.output, error))
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
        // All files are written before the first is synced: its sync also writes the
        // others.
        written.iter().try_for_each(File::sync_all)?;
        // The journal goes first: a spool without a journal is never resumed.
        fs::remove_file(stage.join(JOURNAL))?;
        fs::remove_file(stage.join(SPOOL))?;
        File::open(stage)?.sync_all()?;
        replace(stage, &self.output)?;
        File::open(&self.parent)?.sync_all()
    }
}

/// Makes a new, locked stage in `parent`.
fn make(parent: &Path, prefix: &str) -> Result<(PathBuf, File), DatasetWriteError> {
    let dir = tempfile::Builder::new()
        .prefix(prefix)
        // The folder becomes the dataset, so the umask alone restricts its permissions.
        .permissions(fs::Permissions::from_mode(0o777))
        .tempdir_in(parent)
        .map_err(|error| {
            let what = format!("{error}; choose an --output in a folder that can be written");
            DatasetWriteError::new("write into", parent, what)
        })?;
    let own_lock =
        lock(dir.path()).map_err(|error| DatasetWriteError::new("lock", dir.path(), error))?;
    Ok((dir.keep(), own_lock))
}

/// Puts the folder `new` in the place of `old`, which need not exist. If `old` exists,
/// the old folder is then at `new`.
fn replace(new: &Path, old: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(()),
        Err(Errno::NOENT) => fs::rename(new, old),
        // The file system cannot exchange folders, so the old one is put aside. If the
        // process is killed before the new one is in place, the next run moves the old
        // one back.
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

/// Locks a folder against other runs of fimd. Waits until no other run holds the lock.
fn lock(folder: &Path) -> io::Result<File> {
    let file = File::open(folder)?;
    file.lock()?;
    Ok(file)
}

/// Checks that `output` may be replaced.
fn check_replaceable(output: &Path) -> Result<(), DatasetWriteError> {
    let refuse = |why: String| {
        let output = output.display();
        Err(DatasetWriteError(format!(
            "{output} {why}: choose another --output"
        )))
    };
    let entries = match fs::read_dir(output) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return refuse("is a file, not a folder".into());
        }
        Err(error) => return Err(DatasetWriteError::new("read", output, error)),
    };
    let mut names: Vec<_> = entries
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_, _>>()
        .map_err(|error| DatasetWriteError::new("read", output, error))?;
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

    fn write(output: &Path, lines: &[&str]) -> Result<(), DatasetWriteError> {
        write_as(&Options::default(), output, lines)
    }

    fn write_as(options: &Options, output: &Path, lines: &[&str]) -> Result<(), DatasetWriteError> {
        let stage = StagingFolder::new(output, false)?;
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
        let stage = StagingFolder::new(&output, false).unwrap();
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
        let live = StagingFolder::new(&output, false).unwrap();
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
        drop(StagingFolder::new(&output, false).unwrap());
        assert_eq!(names(&output), [CARD, METADATA, TRAIN, VAL]);
    }
}
