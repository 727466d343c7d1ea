//! Keeps the examples on disk until their order is known, then writes them.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use rayon::prelude::*;

use super::files::{DataFile, Part, Shard};
use super::format::{Format, ZSTD_LEVEL};
use super::journal::{Journal, Task};
use super::parquet;
use crate::dataset::split::Parts;
use crate::dataset::{Batch, Options, Sink};

/// The examples in the order they were made.
pub(super) const SPOOL: &str = "spool";
/// What was made of which files so far.
pub(super) const JOURNAL: &str = "journal";

/// The bytes that a file is written in.
const WRITE_BYTES: usize = 1 << 18;

/// Keeps the examples in a file until their order is known. The files of the
/// dataset are made from it when all examples are there, so a run that goes on
/// after a kill writes the same ones, whatever their format.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    spool: BufWriter<File>,
    /// Where each example ends in the spool, in bytes.
    ends: Vec<u64>,
    journal: Journal,
    format: Format,
    shard_size: Option<ByteSize>,
}

impl Spool {
    /// Opens the spool in `dir`, with what an interrupted run with the same
    /// `task` has left there, if anything.
    pub(super) fn open(dir: &Path, task: &Task, options: &Options) -> io::Result<Self> {
        let mut spool = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(dir.join(SPOOL))?;
        let journal = Journal::open(&dir.join(JOURNAL), task, &mut spool)?;
        if journal.recovered > 0 {
            let batches = journal.recovered;
            tracing::warn!(batches, "going on with what an interrupted run has left");
        }
        Ok(Self {
            dir: dir.to_owned(),
            spool: BufWriter::with_capacity(WRITE_BYTES, spool),
            ends: Vec::new(),
            journal,
            format: options.format,
            shard_size: options.shard_size,
        })
    }

    fn push_end(&mut self, bytes: usize) {
        let start = self.ends.last().copied().unwrap_or(0);
        self.ends.push(start + bytes as u64);
    }

    /// Where the example `at` starts, in bytes.
    fn start(&self, at: usize) -> u64 {
        at.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    /// Cuts `order` into shards, each of which holds no more than the wanted
    /// bytes of JSON lines, but at least one example. The cuts are the same in
    /// every format.
    fn shards<'a>(&self, order: &'a [usize]) -> Vec<&'a [usize]> {
        let most = self.shard_size.map_or(u64::MAX, |size| size.as_u64());
        let mut shards = Vec::new();
        let (mut first, mut bytes) = (0, 0_u64);
        for (place, at) in order.iter().enumerate() {
            let more = self.ends[*at] - self.start(*at);
            if place > first && bytes.saturating_add(more) > most {
                shards.push(&order[first..place]);
                (first, bytes) = (place, 0);
            }
            bytes = bytes.saturating_add(more);
        }
        // A part without examples is an empty file, not a missing one.
        shards.push(&order[first..]);
        shards
    }

    fn files<'a>(&self, part: Part, order: &'a [usize]) -> Vec<(DataFile, &'a [usize])> {
        let shards = self.shards(order);
        let of = shards.len();
        let file = |(index, order)| {
            let shard = (of > 1).then_some(Shard { index, of });
            let format = self.format;
            let file = DataFile {
                part,
                shard,
                format,
            };
            (file, order)
        };
        shards.into_iter().enumerate().map(file).collect()
    }

    fn write(&self, file: DataFile, order: &[usize]) -> io::Result<()> {
        let file = File::create(self.dir.join(file.name()))?;
        let mut file = BufWriter::with_capacity(WRITE_BYTES, file);
        let file = match self.format {
            Format::Jsonl => {
                self.lines(order, &mut |line| file.write_all(line))?;
                file
            }
            Format::JsonlZst => {
                let mut lines = zstd::Encoder::new(file, ZSTD_LEVEL)?;
                lines.include_checksum(true)?;
                self.lines(order, &mut |line| lines.write_all(line))?;
                lines.finish()?
            }
            Format::Parquet => {
                let mut rows = parquet::Rows::new(file)?;
                self.lines(order, &mut |line| rows.push(line))?;
                rows.finish()?
            }
        };
        file.into_inner()?.sync_all()
    }

    /// Reads the examples of `order`, each a JSON object and a line break.
    fn lines(
        &self,
        order: &[usize],
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut line = Vec::new();
        for at in order {
            let start = self.start(*at);
            line.resize(
                usize::try_from(self.ends[*at] - start).map_err(io::Error::other)?,
                0,
            );
            self.spool.get_ref().read_exact_at(&mut line, start)?;
            take(&line)?;
        }
        Ok(())
    }
}

impl Sink for Spool {
    fn example(&mut self, line: &str) -> io::Result<()> {
        self.spool.write_all(line.as_bytes())?;
        self.journal.spooled(line.as_bytes());
        self.push_end(line.len());
        Ok(())
    }

    fn end_batch(&mut self, batch: &Batch) -> io::Result<()> {
        self.spool.flush()?;
        self.journal.end_batch(batch)
    }

    fn recall(&mut self) -> io::Result<Option<Batch>> {
        self.journal.recall()
    }

    fn recalled_example(&mut self, bytes: usize) {
        self.push_end(bytes);
    }

    fn read(
        &mut self,
        wanted: &[usize],
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        self.spool.flush()?;
        self.lines(wanted, take)
    }

    fn finish(&mut self, parts: &Parts) -> io::Result<()> {
        self.spool.flush()?;
        let mut files = self.files(Part::Train, &parts.train);
        files.extend(self.files(Part::Val, &parts.val));
        // What is in a file depends on its order alone, so files can be
        // written side by side.
        files
            .par_iter()
            .try_for_each(|(file, order)| self.write(*file, order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_full_before_the_next_begins_and_none_is_empty() {
        let lengths = |size: Option<u64>, lines: &[usize]| {
            let options = Options {
                shard_size: size.map(ByteSize),
                ..Options::default()
            };
            let temp = tempfile::tempdir().unwrap();
            let mut spool = Spool::open(temp.path(), &Task::of_tests(), &options).unwrap();
            for bytes in lines {
                spool.example(&"x".repeat(*bytes)).unwrap();
            }
            let order: Vec<_> = (0..lines.len()).collect();
            spool
                .shards(&order)
                .iter()
                .map(|shard| shard.len())
                .collect::<Vec<_>>()
        };
        assert_eq!(lengths(None, &[5, 5, 5]), [3]);
        assert_eq!(lengths(Some(10), &[5, 5, 5]), [2, 1]);
        assert_eq!(lengths(Some(10), &[30, 1, 30, 30]), [1, 1, 1, 1]);
        assert_eq!(lengths(Some(u64::MAX), &[1, 2]), [2]);
        assert_eq!(lengths(Some(10), &[]), [0]);
    }
}
