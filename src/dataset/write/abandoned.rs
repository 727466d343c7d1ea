//! Stages that interrupted runs have left.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::dataset::write::journal::{self, JOURNAL};

/// The path at which the output is put aside while the stage `new` takes its place.
pub(super) fn aside(new: &Path) -> PathBuf {
    new.with_added_extension("old")
}

/// Removes the stages that interrupted runs have left in `parent`. If `output` is
/// missing and a folder was put aside, that folder is the output and is moved back.
/// With `resume`, a stage that can be resumed is not removed: it is locked and
/// returned.
pub(super) fn take(
    parent: &Path,
    prefix: &str,
    output: &Path,
    resume: bool,
) -> Option<(PathBuf, File)> {
    let mut resumed = None;
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
        let can_resume = journal::is_begun(&path.join(JOURNAL));
        if resume && can_resume && resumed.is_none() {
            resumed = Some((path, own_lock));
            continue;
        }
        let result =
            if path.extension().is_some_and(|extension| extension == "old") && !output.exists() {
                fs::rename(&path, output)
            } else {
                fs::remove_dir_all(&path)
            };
        match result {
            Ok(()) if can_resume => tracing::warn!(
                "removed what an interrupted run had made so far; --resume would have gone on with it"
            ),
            Ok(()) => tracing::info!("removed {}, left by a run that was killed", path.display()),
            Err(error) => tracing::warn!("{} was left by a killed run: {error}", path.display()),
        }
    }
    resumed
}

/// Removes all files of `folder` that have none of these `names`.
pub(super) fn keep_only(folder: &Path, names: &[&str]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !names.iter().any(|name| entry.file_name() == *name) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
