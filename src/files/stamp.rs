//! What tells one state of a file from another without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Within this time after a file has changed it may change again and keep its
/// stamp: file systems count time in steps, the coarsest of them of two seconds.
const COARSEST_STEP: Duration = Duration::from_secs(2);

/// Length, times and identity of a file. Compared for equality alone: a clock
/// that is set back, or a file that is put back with its old time, makes
/// another stamp, and which of the two is later does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    bytes: u64,
    /// Seconds and nanoseconds, of the text and of what is said about it.
    modified: (i64, i64),
    changed: (i64, i64),
    device: u64,
    inode: u64,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }

    /// Whether a file that had this stamp at `time`, and has it still, is sure
    /// to hold the same text: it had not changed just before.
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
