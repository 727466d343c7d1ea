//! Writes the files with examples: keeps the examples in a spool until their order is
//! known, and then writes each split in the format and the shards of the options.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytesize::ByteSize;
use rayon::prelude::*;

use crate::dataset::batch::Batch;
use crate::dataset::duplicates::StoredHole;
use crate::dataset::format::{FileFormat, ZSTD_LEVEL};
use crate::dataset::options::Options;
use crate::dataset::sink::{ExampleText, Sink};
use crate::dataset::split::Split;
use crate::dataset::template::SpooledExample;
use crate::dataset::write::files::{DataFile, Shard};
use crate::dataset::write::journal::{JOURNAL, Journal, Task};
use crate::dataset::write::parquet::ParquetRows;
use crate::dataset::write::spool::{LINES, SPOOL, Spool};
use crate::dataset::write::syncing_file::SyncingFile;

/// The buffer in front of a file that is written in order, in bytes.
const BUFFER_BYTES: usize = 1 << 18;

/// The most files of a split that may stay open until [`Sink::settle`].
const MAX_OPEN_FILES: usize = 16;

/// Writes the examples of a run to a folder. All files are made from the spool when
/// all examples are there, so a resumed run writes the same files, in any format.
#[derive(Debug)]
pub struct DataWriter {
    folder: PathBuf,
    spool: Spool,
    journal: Journal,
    format: FileFormat,
    shard_size: Option<ByteSize>,
    /// The files that are written but perhaps not on the disk yet.
    written: Mutex<Vec<SyncingFile>>,
}

impl DataWriter {
    /// Opens the spool and the journal in `folder`. Recovers what an interrupted run
    /// with the same `task` has left there.
    ///
    /// # Errors
    /// If the files cannot be opened, or an interrupted run with another task has left
    /// them.
    pub(super) fn open(folder: &Path, task: &Task, options: &Options) -> io::Result<Self> {
        let mut spool = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(folder.join(SPOOL))?;
        let journal = Journal::open(&folder.join(JOURNAL), task, &mut spool)?;
        if journal.recovered > 0 {
            let batches = journal.recovered;
            tracing::warn!(batches, "going on with what an interrupted run has left");
        }
        Ok(Self {
            folder: folder.to_owned(),
            spool: Spool::new(spool),
            journal,
            format: options.format,
            shard_size: options.shard_size,
            written: Mutex::default(),
        })
    }

    /// Divides `order` into shards. A shard holds at most the wanted bytes of JSON
    /// lines, but at least one example. The shards are the same in every format.
    fn shards<'a>(&self, order: &'a [usize]) -> Vec<&'a [usize]> {
        let Some(most) = self.shard_size else {
            return vec![order];
        };
        let mut shards = Vec::new();
        let (mut first, mut bytes) = (0, 0_u64);
        for (number, at) in order.iter().enumerate() {
            let more = self.spool.line_bytes(*at);
            if number > first && bytes.saturating_add(more) > most.as_u64() {
                shards.push(&order[first..number]);
                (first, bytes) = (number, 0);
            }
            bytes = bytes.saturating_add(more);
        }
        // A split without examples is an empty file.
        shards.push(&order[first..]);
        shards
    }

    /// The files of `split`, and the examples of each.
    fn files<'a>(&self, split: Split, order: &'a [usize]) -> Vec<(DataFile, &'a [usize])> {
        let shards = self.shards(order);
        let of = shards.len();
        let file = |(index, order)| {
            let file = DataFile {
                split,
                shard: (of > 1).then_some(Shard { index, of }),
                format: self.format,
            };
            (file, order)
        };
        shards.into_iter().enumerate().map(file).collect()
    }

    fn written(&self) -> MutexGuard<'_, Vec<SyncingFile>> {
        // A thread that panics leaves the list as it was before its push.
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the examples in `order` to `file`.
    fn write_file(&self, file: DataFile, order: &[usize]) -> io::Result<SyncingFile> {
        let file = SyncingFile::new(File::create(self.folder.join(file.name()))?)?;
        let buffered = |file| BufWriter::with_capacity(BUFFER_BYTES, file);
        let file = match self.format {
            FileFormat::Jsonl => {
                self.write_lines(&file, order)?;
                file
            }
            FileFormat::JsonlZst => {
                let mut lines = zstd::Encoder::new(buffered(file), ZSTD_LEVEL)?;
                lines.include_checksum(true)?;
                self.spool.lines(order, &mut |line| lines.write_all(line))?;
                lines.finish()?.into_inner()?
            }
            FileFormat::Parquet => {
                let mut rows = ParquetRows::of_examples(buffered(file))?;
                self.spool.lines(order, &mut |line| rows.push(line))?;
                rows.finish()?.into_inner()?
            }
        };
        file.sync();
        Ok(file)
    }

    /// Writes the examples in `order` as JSON lines. The length of each line is known,
    /// so several threads write pieces of the file at the same time.
    fn write_lines(&self, file: &SyncingFile, order: &[usize]) -> io::Result<()> {
        let mut end = 0;
        let pieces = order.chunks(LINES).map(|piece| {
            let start = end;
            let lengths = piece.iter().map(|at| self.spool.line_bytes(*at));
            end += lengths.sum::<u64>();
            (start..end, piece)
        });
        let pieces: Vec<_> = pieces.collect();
        pieces.into_par_iter().try_for_each(|(range, piece)| {
            let mut lines = Vec::with_capacity((range.end - range.start) as usize);
            for at in piece {
                self.spool.line(*at, &mut lines)?;
            }
            file.write_at(&lines, range.start)
        })
    }
}

impl Sink for DataWriter {
    fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.spool.push_text(text)?;
        self.journal.spooled(text);
        Ok(())
    }

    fn example(&mut self, template: &str, example: &SpooledExample) -> io::Result<()> {
        self.spool.push_example(template, example)?;
        self.journal.spooled(template.as_bytes());
        Ok(())
    }

    fn end_batch(&mut self, batch: &Batch) -> io::Result<()> {
        self.spool.flush()?;
        self.journal.end_batch(batch)
    }

    fn recall(&mut self) -> io::Result<Option<Batch>> {
        self.journal.recall()
    }

    fn recalled_text(&mut self, bytes: usize) {
        self.spool.skip_text(bytes);
    }

    fn recalled_example(&mut self, example: &SpooledExample) {
        self.spool.skip_example(example);
    }

    fn read(
        &self,
        indices: &[usize],
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        self.spool.lines(indices, take)
    }

    fn shown(
        &self,
        indices: &[usize],
        look: &(dyn Fn(ExampleText) -> io::Result<()> + Sync),
    ) -> io::Result<()> {
        self.spool.texts(indices, look)
    }

    fn holes(&self, indices: &[usize]) -> io::Result<Vec<StoredHole>> {
        let holes = indices.par_iter().map(|at| self.spool.hole(*at));
        holes.collect()
    }

    fn write(&self, split: Split, order: &[usize]) -> io::Result<()> {
        let files = self.files(split, order);
        // The content of a file depends only on its order, so files can be written in
        // parallel. Not all of thousands of shards may be open at the same time.
        let may_stay_open = files.len() <= MAX_OPEN_FILES;
        files.par_iter().try_for_each(|(file, order)| {
            let file = self.write_file(*file, order)?;
            if !may_stay_open {
                return file.finish();
            }
            self.written().push(file);
            Ok(())
        })
    }

    fn settle(&mut self) -> io::Result<()> {
        self.written().drain(..).try_for_each(SyncingFile::finish)
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
            let mut writer = DataWriter::open(temp.path(), &Task::of_tests(), &options).unwrap();
            for bytes in lines {
                let line = "x".repeat(*bytes);
                writer
                    .example(&line, &SpooledExample::whole(&line))
                    .unwrap();
            }
            let order: Vec<_> = (0..lines.len()).collect();
            let shards = writer.shards(&order);
            shards.iter().map(|shard| shard.len()).collect::<Vec<_>>()
        };
        assert_eq!(lengths(None, &[5, 5, 5]), [3]);
        assert_eq!(lengths(Some(10), &[5, 5, 5]), [2, 1]);
        assert_eq!(lengths(Some(10), &[30, 1, 30, 30]), [1, 1, 1, 1]);
        assert_eq!(lengths(Some(u64::MAX), &[1, 2]), [2]);
        assert_eq!(lengths(Some(10), &[]), [0]);
    }
}
