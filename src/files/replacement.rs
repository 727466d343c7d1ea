//! Replaces a file in one step. A writer makes the new file beside the old one, under a
//! name that only fimd gives, and renames it when all of it is on the disk. So a reader,
//! or a crash at any time, finds either the old text or the new one.
//!
//! A writer holds a lock on its unfinished file. One without a lock was left by a writer
//! that was killed; the next writer of the same file removes it.

use std::ffi::OsString;
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tempfile::NamedTempFile;

use super::regular::{Links, open_regular};

/// What follows the file's name in that of an unfinished one, before some letters and
/// digits.
const UNFINISHED: &str = ".fimd-";

/// How many letters and digits these are.
const RANDOM: usize = 6;

/// The longest name that the name of an unfinished file repeats, in bytes.
const MAX_NAME_BYTES: usize = 200;

/// How often and how long a writer waits for another one to begin.
const WAITS: (u32, Duration) = (20, Duration::from_millis(50));

/// A file that will replace the one at a path. If it is dropped before
/// [`Self::publish`], it leaves nothing.
#[derive(Debug)]
pub struct Replacement {
    path: PathBuf,
    file: NamedTempFile,
}

impl Replacement {
    /// Begins to replace the file at `path`, which need not exist, in a folder that does.
    /// Removes what killed writers of that file have left. The new file has the
    /// permissions `mode`, which the umask restricts.
    ///
    /// # Errors
    /// If no file can be written there.
    pub fn begin(path: &Path, mode: u32) -> io::Result<Self> {
        let folder = folder(path);
        let prefix = prefix(path);
        // The lock covers the time between the creation of the file and its own lock,
        // when it looks like one without a writer.
        let lock = lock(folder)?;
        if lock.is_some() {
            remove_abandoned(folder, &prefix);
        }
        let file = tempfile::Builder::new()
            .prefix(&prefix)
            .rand_bytes(RANDOM)
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder)?;
        if let Err(error) = file.as_file().try_lock() {
            // Some file systems have no locks; then nobody removes the file either.
            tracing::debug!("{}: {error}", file.path().display());
        }
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// The new file.
    #[must_use]
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Another handle to the new file.
    ///
    /// # Errors
    /// If it cannot be opened again.
    pub fn reopen(&self) -> io::Result<File> {
        self.file.reopen()
    }

    /// Replaces the file by what was written.
    ///
    /// # Errors
    /// If that fails. What was at the path is then unchanged.
    pub fn publish(self) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        self.file.persist(&self.path)?;
        File::open(folder(&self.path))?.sync_all()
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn folder(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    parent.unwrap_or(Path::new("."))
}

/// The beginning of the names of unfinished files that are to replace the one at `path`.
fn prefix(path: &Path) -> OsString {
    let name = path.file_name().unwrap_or_default();
    let mut prefix = OsString::from(".");
    if name.len() <= MAX_NAME_BYTES {
        prefix.push(name);
    } else {
        prefix.push(blake3::hash(name.as_encoded_bytes()).to_hex().as_str());
    }
    prefix.push(UNFINISHED);
    prefix
}

/// Locks `folder` against other writers that begin, as long as the result lives. None if
/// the file system has no locks, or somebody holds this one for long.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    let folder = File::open(folder)?;
    let (tries, pause) = WAITS;
    for _ in 0..tries {
        match folder.try_lock() {
            Ok(()) => return Ok(Some(folder)),
            Err(TryLockError::WouldBlock) => thread::sleep(pause),
            Err(TryLockError::Error(_)) => break,
        }
    }
    Ok(None)
}

/// Removes the files of this user in `folder` that begin with `prefix` and that nobody
/// writes any more.
fn remove_abandoned(folder: &Path, prefix: &OsString) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let rest = name.as_encoded_bytes();
        let rest = rest.strip_prefix(prefix.as_encoded_bytes());
        if !rest
            .is_some_and(|rest| rest.len() == RANDOM && rest.iter().all(u8::is_ascii_alphanumeric))
        {
            continue;
        }
        let path = entry.path();
        let user = rustix::process::geteuid().as_raw();
        let is_abandoned = open_regular(&path, Links::Refused).is_ok_and(|file| {
            let is_own = file.metadata().is_ok_and(|found| found.uid() == user);
            is_own && file.try_lock().is_ok()
        });
        if is_abandoned {
            match fs::remove_file(&path) {
                Ok(()) => tracing::info!("removed {}, left by a killed process", path.display()),
                Err(error) => {
                    tracing::warn!("{}: left by a killed process: {error}", path.display())
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<_> = entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_next_writer_removes_what_killed_ones_have_left_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.md");
        let others = [
            ".a.md.fimd-",
            ".a.md.fimd-123",
            ".a.md.fimd-12345.",
            ".b.md.fimd-123456",
            "a.md",
        ];
        for name in others
            .iter()
            .chain(&[".a.md.fimd-123456", ".a.md.fimd-aZ09xy"])
        {
            fs::write(folder.path().join(name), "old").unwrap();
        }
        std::os::unix::fs::symlink("a.md", folder.path().join(".a.md.fimd-linked")).unwrap();
        let first = Replacement::begin(&path, 0o600).unwrap();
        let mut second = Replacement::begin(&path, 0o600).unwrap();
        assert_eq!(
            names(folder.path()).len(),
            others.len() + 3,
            "{:?}",
            names(folder.path())
        );
        second.write_all(b"new").unwrap();
        second.publish().unwrap();
        drop(first);
        let mut left: Vec<_> = others.iter().map(|&name| name.to_owned()).collect();
        left.push(".a.md.fimd-linked".into());
        left.sort();
        assert_eq!(names(folder.path()), left);
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }

    #[test]
    fn a_long_name_and_a_lock_of_somebody_else_are_no_hindrance() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x".repeat(255));
        let held = File::open(folder.path()).unwrap();
        held.lock().unwrap();
        let mut file = Replacement::begin(&path, 0o600).unwrap();
        file.write_all(b"new").unwrap();
        file.publish().unwrap();
        assert_eq!(names(folder.path()).len(), 1);
    }
}
