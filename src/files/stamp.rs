//! Distinguishes the states of a file without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The coarsest step of a file system's clock. A file that changes twice within
/// one step can keep its stamp.
const COARSEST_STEP: Duration = Duration::from_secs(2);

/// Length, times and identity of a file. Stamps are only compared for equality.
/// So a stamp also changes when the clock was set back, or when a file was
/// restored with its old time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    bytes: u64,
    /// Seconds and nanoseconds of the last change to the contents.
    modified: (i64, i64),
    /// Seconds and nanoseconds of the last change to the contents or metadata.
    changed: (i64, i64),
    device: u64,
    inode: u64,
}

impl Stamp {
    /// The stamp of a file with this metadata.
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    /// The stamp of the file or folder at `path`, if there is one.
    pub(super) fn at(path: &Path) -> Option<Self> {
        path.metadata().ok().map(|metadata| Self::of(&metadata))
    }

    /// Whether a file that had this stamp at `time` and still has it is sure to
    /// hold the same text: it did not change just before `time`.
    #[must_use]
    pub fn is_settled(&self, time: SystemTime) -> bool {
        let time = time
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_secs());
        let last = self.modified.0.max(self.changed.0);
        i64::try_from(time.saturating_sub(COARSEST_STEP.as_secs())).is_ok_and(|time| last < time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_has_just_changed_is_not_settled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.php");
        std::fs::write(&path, "a").unwrap();
        let stamp = Stamp::of(&path.metadata().unwrap());
        let written = path.metadata().unwrap().modified().unwrap();
        assert!(!stamp.is_settled(written));
        assert!(!stamp.is_settled(UNIX_EPOCH));
        assert!(stamp.is_settled(written + 3 * COARSEST_STEP));
    }

    #[test]
    fn a_file_put_back_with_its_old_time_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a.php"), folder.path().join("b.php"));
        std::fs::write(&path, "a").unwrap();
        let before = path.metadata().unwrap();
        std::fs::write(&other, "b").unwrap();
        std::fs::rename(&other, &path).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(before.modified().unwrap()).unwrap();
        let after = path.metadata().unwrap();
        assert_eq!(before.modified().unwrap(), after.modified().unwrap());
        assert_ne!(Stamp::of(&before), Stamp::of(&after));
    }
}
