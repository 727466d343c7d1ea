//! Opening the files that a project brings. A name in a project may lead to a pipe that
//! nobody writes to, to a device without an end, or to a file as large as the disk. So
//! fimd opens regular files alone, never waits for one, and reads no more of it than a
//! limit. All other opens of such files are forbidden; `tests/it/structure.rs` checks it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// The most bytes of a file of ignore rules.
pub(super) const MAX_IGNORE_BYTES: u64 = 1 << 20;

/// The most bytes of a `composer.json`, and of a map that Composer generates.
pub(super) const MAX_COMPOSER_BYTES: u64 = 32 << 20;

/// The most bytes of a YAML file of services.
pub(super) const MAX_SERVICES_BYTES: u64 = 4 << 20;

/// The most bytes of a file of git that lists references.
pub(super) const MAX_GIT_BYTES: u64 = 64 << 20;

/// The most bytes of the text of a licence.
pub(super) const MAX_LICENSE_BYTES: u64 = 1 << 20;

/// Whether a symbolic link may stand at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    /// The file that the link leads to is opened.
    Followed,
    /// The link is no regular file.
    Refused,
}

/// Opens the regular file at `path` for reading.
///
/// # Errors
/// If it cannot be opened, or is no regular file.
pub(super) fn open_regular(path: &Path, links: Links) -> io::Result<File> {
    // Opening a device may already have an effect.
    let (found, more) = match links {
        Links::Followed => (path.metadata()?, OFlags::empty()),
        Links::Refused => (path.symlink_metadata()?, OFlags::NOFOLLOW),
    };
    let regular = |is_file: bool| match is_file {
        true => Ok(()),
        false => Err(io::Error::other("not a regular file")),
    };
    regular(found.is_file())?;
    // The standard library adds O_CLOEXEC.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | more;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    // Another file may have taken the name meanwhile.
    regular(file.metadata()?.is_file())?;
    Ok(file)
}

/// The content of the regular file at `path`.
///
/// # Errors
/// If it cannot be read, is no regular file, or has more than `most` bytes, whatever
/// length the system states.
pub(super) fn read_bytes(path: &Path, most: u64, links: Links) -> io::Result<Vec<u8>> {
    let file = open_regular(path, links)?;
    let length = file.metadata()?.len();
    if length > most {
        return Err(too_large(&format!("{length} bytes, more"), most));
    }
    // One byte of room tells the end of the file without another allocation.
    let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    file.take(most.saturating_add(1))
        .read_to_end(&mut content)?;
    if content.len() as u64 > most {
        return Err(too_large("more", most));
    }
    Ok(content)
}

/// The text of the regular file at `path`.
///
/// # Errors
/// As [`read_bytes`], and if it is not UTF-8.
pub(super) fn read_text_below(path: &Path, most: u64, links: Links) -> io::Result<String> {
    let content = read_bytes(path, most, links)?;
    String::from_utf8(content).map_err(|_| io::Error::other("not UTF-8"))
}

fn too_large(how: &str, most: u64) -> io::Error {
    let what = format!("{how} than the {most} bytes that fimd reads of such a file");
    io::Error::new(io::ErrorKind::FileTooLarge, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    fn refusal(path: &Path, most: u64) -> String {
        read_bytes(path, most, Links::Followed)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a"), "text").unwrap();
        symlink("a", at("link")).unwrap();
        symlink("/dev/zero", at("zero")).unwrap();
        symlink("/proc/self/fd/0", at("stdin")).unwrap();
        let made = Command::new("mkfifo").arg(at("pipe")).status();
        assert!(made.unwrap().success());
        let read =
            |name: &str, links| read_text_below(&at(name), 4, links).map_err(|e| e.to_string());
        assert_eq!(read("a", Links::Refused).as_deref(), Ok("text"));
        assert_eq!(read("link", Links::Followed).as_deref(), Ok("text"));
        let refused = Err("not a regular file".to_owned());
        assert_eq!(read("link", Links::Refused), refused);
        for name in ["zero", "pipe", "."] {
            assert_eq!(read(name, Links::Followed), refused, "{name}");
        }
    }

    #[test]
    fn a_file_above_the_limit_is_refused_whatever_length_it_states() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse");
        let file = File::create(&path).unwrap();
        file.set_len(1_400_000_000).unwrap();
        let said = refusal(&path, 1000);
        assert_eq!(
            said,
            "1400000000 bytes, more than the 1000 bytes that fimd reads of such a file"
        );
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_bytes(&path, 5, Links::Followed).unwrap(), b"12345");
        assert!(refusal(&path, 4).starts_with("5 bytes, more than the 4"));
        // Linux states no length for the files of /proc.
        if Path::new("/proc/self/status").exists() {
            let said = refusal(Path::new("/proc/self/status"), 10);
            assert!(said.starts_with("more than the 10 bytes"), "{said}");
        }
    }
}
