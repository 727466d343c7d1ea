//! Files that are on the disk soon after their last byte. The disk is given what
//! is written piece by piece, while the rest is made: at the end of a file of
//! hundreds of megabytes it would have nothing else to do, and neither would we.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

/// The bytes of a piece.
const PIECE: usize = 16 << 20;

/// A file in the making, synced by a thread of its own: that waits for the disk
/// and computes nothing.
#[derive(Debug)]
pub(super) struct Steady {
    file: Arc<File>,
    /// What has been written so far.
    bytes: AtomicUsize,
    /// Says that there is another piece.
    pieces: Sender<()>,
    sync: JoinHandle<io::Result<()>>,
}

impl Steady {
    /// Begins to write `file`.
    ///
    /// # Errors
    /// If the system has no thread left.
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

    /// Writes `bytes` behind the first `at` ones of the file.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(super) fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, at)?;
        self.count(bytes.len());
        Ok(())
    }

    fn count(&self, bytes: usize) {
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before / PIECE < (before + bytes) / PIECE {
            self.sync();
        }
    }

    /// Begins to bring what has been written to the disk.
    pub(super) fn sync(&self) {
        // Once the disk has refused a piece nobody listens; `finish` says so.
        self.pieces.send(()).ok();
    }

    /// Returns when all of it is on the disk.
    ///
    /// # Errors
    /// If it could not be written there.
    pub(super) fn finish(self) -> io::Result<()> {
        drop(self.pieces);
        let synced = self.sync.join();
        synced.map_err(|_| io::Error::other("the thread that syncs a file panicked"))??;
        self.file.sync_all()
    }
}

impl Write for Steady {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = (&*self.file).write(bytes)?;
        self.count(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
