//! A file that is synced while it is written. The disk stores the first pieces while
//! the program makes the next ones, so little is left to wait for after the last byte
//! of a file of hundreds of megabytes.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

/// The bytes after which the next sync begins.
const PIECE: usize = 16 << 20;

/// A file that is being written. A thread of its own syncs it; the thread only waits
/// for the disk.
#[derive(Debug)]
pub(super) struct SyncingFile {
    file: Arc<File>,
    /// The number of bytes written so far.
    bytes: AtomicUsize,
    /// Tells the thread that there is something to sync.
    pieces: Sender<()>,
    sync: JoinHandle<io::Result<()>>,
}

impl SyncingFile {
    /// Starts the thread that syncs `file`.
    ///
    /// # Errors
    /// If the system cannot start the thread.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let file = Arc::new(file);
        let (pieces, written) = channel();
        let sync = {
            let file = Arc::clone(&file);
            let thread = thread::Builder::new().name("fimd-sync".into());
            thread.spawn(move || written.iter().try_for_each(|()| file.sync_data()))?
        };
        Ok(Self {
            file,
            bytes: AtomicUsize::new(0),
            pieces,
            sync,
        })
    }

    /// Writes `bytes` at the offset `at`, in bytes.
    ///
    /// # Errors
    /// If the system cannot write them.
    pub(super) fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, at)?;
        self.count(bytes.len());
        Ok(())
    }

    /// Notes that `bytes` were written, and starts a sync after each piece.
    fn count(&self, bytes: usize) {
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before / PIECE < (before + bytes) / PIECE {
            self.sync();
        }
    }

    /// Starts to sync what is written so far.
    pub(super) fn sync(&self) {
        // The thread has ended if a sync failed; `finish` returns the error.
        self.pieces.send(()).ok();
    }

    /// Returns when the whole file is on the disk.
    ///
    /// # Errors
    /// If a sync failed.
    pub(super) fn finish(self) -> io::Result<()> {
        drop(self.pieces);
        let synced = self.sync.join();
        synced.map_err(|_| io::Error::other("the thread that syncs a file panicked"))??;
        self.file.sync_all()
    }
}

impl Write for SyncingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = (&*self.file).write(bytes)?;
        self.count(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
