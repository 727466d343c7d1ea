//! The cache: indexes of projects on disk, for the next start.
//!
//! A folder holds one file for each project, named by a hash of the project's
//! roots. The file holds a header, the parts of [`Snapshot::encode`], each with
//! its length, and the BLAKE3 hash of all these bytes. fimd ignores a file of
//! another format or of another user, and a damaged one. An error in the cache
//! never stops fimd: it reads the project as if for the first time.
//!
//! fimd writes a file under a temporary name and then renames it. So a reader
//! never sees half a file, and of two writers the last one wins. A writer holds
//! a lock on its temporary file. A temporary file without a lock belongs to a
//! process that was killed; the next writer removes it.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::NamedTempFile;

use super::regular::{Links, open_regular};
use super::roots::Roots;
use crate::index::{FORMAT, Snapshot, StoredIndex};

/// The first bytes of every file. The number of the format follows them.
const MAGIC: &[u8; 8] = b"fimdidx\n";

/// A file that was not used for this long is removed.
const MAX_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The most bytes of all files together. Above it, the files that were not used
/// for the longest time are removed.
const MAX_BYTES: u64 = 2 << 30;

/// The extension of a project's file.
const INDEX: &str = "index";

/// The extension of a file that is being written.
const UNFINISHED: &str = "tmp";

const HEADER_BYTES: usize = MAGIC.len() + 4;
const LENGTH_BYTES: usize = 8;

/// The contents of a cache's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// The number of projects with a file.
    pub projects: usize,
    /// The bytes of their files.
    pub bytes: u64,
    /// Useless files: those of another version's format, and those whose writer
    /// was killed. The next writer removes them.
    pub stale: Vec<PathBuf>,
}

/// A folder with the indexes of projects.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache in `folder`. The first write creates the folder, for this user
    /// only.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The stored index of the project with these roots; empty if there is no
    /// usable one. Works in parallel on the current rayon pool.
    #[must_use]
    pub fn load(&self, roots: &Roots) -> StoredIndex {
        let path = self.path(roots);
        match load(&path) {
            Ok(stored) => stored,
            Err(error) if error.kind() == io::ErrorKind::NotFound => StoredIndex::default(),
            Err(error) => {
                tracing::debug!("{}: {error}; it will be replaced", path.display());
                StoredIndex::default()
            }
        }
    }

    /// Stores `snapshot` for the project with these roots, and removes files that
    /// are useless or were not used for long.
    ///
    /// # Errors
    /// If the folder or a file in it cannot be written.
    pub fn store(&self, roots: &Roots, snapshot: &Snapshot) -> io::Result<()> {
        self.make_folder()?;
        let path = self.path(roots);
        let mut file = {
            // The folder's lock covers the time between the creation of the file
            // and its own lock, when it looks like one without a writer.
            let folder = File::open(&self.folder)?;
            folder.lock()?;
            self.prune(&path);
            let file = tempfile::Builder::new()
                .prefix("")
                .suffix(&format!(".{UNFINISHED}"))
                .tempfile_in(&self.folder)?;
            file.as_file().lock()?;
            file
        };
        write(&mut file, snapshot)?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        File::open(&self.folder)?.sync_all()
    }

    /// Its path. The folder need not exist yet.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The contents of its folder; empty if there is no folder.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn survey(&self) -> io::Result<Survey> {
        let mut survey = Survey::default();
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(survey),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            if is_stale(&path) {
                survey.stale.push(path);
            } else if path.extension().is_some_and(|extension| extension == INDEX) {
                survey.projects += 1;
                // The file may have been replaced meanwhile.
                survey.bytes += fs::metadata(&path).map_or(0, |found| found.len());
            }
        }
        survey.stale.sort();
        Ok(survey)
    }

    /// Removes the useless files and returns their paths.
    ///
    /// # Errors
    /// If the folder cannot be read or a file cannot be removed.
    pub fn remove_stale(&self) -> io::Result<Vec<PathBuf>> {
        let folder = match File::open(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            folder => folder?,
        };
        // With this lock, no writer is between creating a file and locking it.
        folder.lock()?;
        let stale = self.survey()?.stale;
        stale.iter().try_for_each(fs::remove_file)?;
        Ok(stale)
    }

    fn path(&self, roots: &Roots) -> PathBuf {
        let mut hasher = blake3::Hasher::new();
        for folder in std::iter::once(roots.root()).chain(roots.includes()) {
            let bytes = folder.as_os_str().as_bytes();
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
        self.folder
            .join(hasher.finalize().to_hex().as_str())
            .with_extension(INDEX)
    }

    fn make_folder(&self) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        // The cache derives from private code.
        if fs::metadata(&self.folder)?.mode() & 0o777 != 0o700 {
            fs::set_permissions(&self.folder, Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    /// Removes files that are stale, too old or too many; never `keep`.
    fn prune(&self, keep: &Path) {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) => {
                tracing::debug!("{}: {error}", self.folder.display());
                return;
            }
        };
        let now = SystemTime::now();
        let mut kept = Vec::new();
        // An entry that cannot be read may have been removed by another process.
        for path in entries.flatten().map(|entry| entry.path()) {
            match path.extension().and_then(|extension| extension.to_str()) {
                _ if path == keep => {}
                _ if is_stale(&path) => remove(&path),
                Some(INDEX) => {
                    let Ok(found) = fs::metadata(&path) else {
                        continue;
                    };
                    let used = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                    // A time in the future means that the clock was set back.
                    match now.duration_since(used) {
                        Ok(age) if age > MAX_AGE => remove(&path),
                        _ => kept.push((used, found.len(), path)),
                    }
                }
                _ => {}
            }
        }
        kept.sort_unstable();
        let mut bytes = 0;
        for (_, len, path) in kept.iter().rev() {
            bytes += len;
            if bytes > MAX_BYTES {
                remove(path);
            }
        }
    }
}

/// Whether the file at `path` is a useless file of a cache.
fn is_stale(path: &Path) -> bool {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some(UNFINISHED) => is_abandoned(path),
        Some(INDEX) => is_of_another_format(path),
        _ => false,
    }
}

/// Whether the writer of the file at `path` has ended.
fn is_abandoned(path: &Path) -> bool {
    open_regular(path, Links::Refused).is_ok_and(|file| file.try_lock().is_ok())
}

/// Whether another version of fimd wrote the file at `path`, in a format that
/// this version does not read.
fn is_of_another_format(path: &Path) -> bool {
    let mut header = [0; HEADER_BYTES];
    let read = open_regular(path, Links::Refused);
    let read = read.and_then(|mut file| file.read_exact(&mut header));
    let (magic, format) = header.split_at(MAGIC.len());
    read.is_ok() && magic == MAGIC && format != FORMAT.to_le_bytes()
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Ok(()) => tracing::debug!("{}: removed from the cache", path.display()),
        Err(error) => tracing::debug!("{}: {error}", path.display()),
    }
}

fn write(file: &mut NamedTempFile, snapshot: &Snapshot) -> io::Result<()> {
    let mut hasher = blake3::Hasher::new();
    let mut out = BufWriter::new(file);
    let mut put = |bytes: &[u8]| {
        hasher.update(bytes);
        out.write_all(bytes)
    };
    put(MAGIC)?;
    put(&FORMAT.to_le_bytes())?;
    for part in snapshot.encode() {
        let part = part.map_err(io::Error::other)?;
        put(&(part.len() as u64).to_le_bytes())?;
        put(&part)?;
    }
    let hash = hasher.finalize();
    out.write_all(hash.as_bytes())?;
    out.flush()
}

fn load(path: &Path) -> io::Result<StoredIndex> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "damaged, or of another version");
    let file = open_regular(path, Links::Refused)?;
    let found = file.metadata()?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("written by another user"));
    }
    if found.len() > MAX_BYTES {
        return Err(damaged());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0) + 1);
    (&file).take(MAX_BYTES).read_to_end(&mut bytes)?;
    let (kept, hash) = bytes
        .split_last_chunk::<{ blake3::OUT_LEN }>()
        .ok_or_else(damaged)?;
    let (header, mut rest) = kept.split_at_checked(HEADER_BYTES).ok_or_else(damaged)?;
    let (magic, format) = header.split_at(MAGIC.len());
    if magic != MAGIC || format != FORMAT.to_le_bytes() || blake3::hash(kept) != *hash {
        return Err(damaged());
    }
    let mut parts = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<LENGTH_BYTES>() {
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| damaged())?;
        let (part, after) = after.split_at_checked(length).ok_or_else(damaged)?;
        parts.push(part);
        rest = after;
    }
    if !rest.is_empty() {
        return Err(damaged());
    }
    let stored = StoredIndex::decode(&parts).map_err(|_| damaged())?;
    // The time of the last use, for `prune`.
    if let Err(error) = file.set_modified(SystemTime::now()) {
        tracing::debug!("{}: {error}", path.display());
    }
    Ok(stored)
}
