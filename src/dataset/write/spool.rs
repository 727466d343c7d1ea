//! Keeps the examples on disk until their order is known, then writes them.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytesize::ByteSize;
use rayon::prelude::*;
use serde::Deserialize;

use crate::dataset::batch::Batch;
use crate::dataset::format::{FileFormat, ZSTD_LEVEL};
use crate::dataset::options::Options;
use crate::dataset::sink::{ExampleText, Sink};
use crate::dataset::split::Split;
use crate::dataset::template;
use crate::dataset::template::SpooledExample;
use crate::dataset::write::files::{DataFile, Shard};
use crate::dataset::write::journal::{Journal, Task};
use crate::dataset::write::parquet;
use crate::dataset::write::steady::Steady;

/// The examples in the order they were made.
pub(super) const SPOOL: &str = "spool";
/// What was made of which files so far.
pub(super) const JOURNAL: &str = "journal";

/// The bytes that a file is written in.
const WRITE_BYTES: usize = 1 << 18;

/// The most files of a part that may be on their way to the disk when all are
/// written.
const OPEN: usize = 16;

/// Examples that are made into lines at a time, side by side.
const LINES: usize = 64;

/// Keeps the examples in a file until their order is known: the text of each
/// source file once, followed by the templates of the examples that are cut from
/// it. The files of the dataset are made from it when all examples are there, so
/// a run that goes on after a kill writes the same ones, whatever their format.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    spool: BufWriter<File>,
    /// How long it is, in bytes.
    bytes: u64,
    /// Where the last text starts.
    text: u64,
    examples: Vec<Place>,
    journal: Journal,
    format: FileFormat,
    shard_size: Option<ByteSize>,
    /// The files of the dataset, on their way to the disk.
    written: Mutex<Vec<Steady>>,
}

/// Where in the spool an example is, in bytes.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Where its template starts.
    template: u64,
    /// Where the text of its file starts, if it is cut from one.
    text: u64,
    kept: SpooledExample,
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
            bytes: 0,
            text: 0,
            examples: Vec::new(),
            journal,
            format: options.format,
            shard_size: options.shard_size,
            written: Mutex::default(),
        })
    }

    fn push_text(&mut self, bytes: usize) {
        self.text = self.bytes;
        self.bytes += bytes as u64;
    }

    fn push_example(&mut self, kept: &SpooledExample) {
        self.examples.push(Place {
            template: self.bytes,
            text: self.text,
            kept: *kept,
        });
        self.bytes += kept.bytes as u64;
    }

    /// Cuts `order` into shards, each of which holds no more than the wanted
    /// bytes of JSON lines, but at least one example. The cuts are the same in
    /// every format.
    fn shards<'a>(&self, order: &'a [usize]) -> Vec<&'a [usize]> {
        let Some(most) = self.shard_size else {
            return vec![order];
        };
        let mut shards = Vec::new();
        let (mut first, mut bytes) = (0, 0_u64);
        for (place, at) in order.iter().enumerate() {
            let more = self.examples[*at].kept.line_bytes();
            if place > first && bytes.saturating_add(more) > most.as_u64() {
                shards.push(&order[first..place]);
                (first, bytes) = (place, 0);
            }
            bytes = bytes.saturating_add(more);
        }
        // A part without examples is an empty file, not a missing one.
        shards.push(&order[first..]);
        shards
    }

    fn files<'a>(&self, part: Split, order: &'a [usize]) -> Vec<(DataFile, &'a [usize])> {
        let shards = self.shards(order);
        let of = shards.len();
        let file = |(index, order)| {
            let shard = (of > 1).then_some(Shard { index, of });
            let format = self.format;
            let file = DataFile {
                split: part,
                shard,
                format,
            };
            (file, order)
        };
        shards.into_iter().enumerate().map(file).collect()
    }

    fn written(&self) -> MutexGuard<'_, Vec<Steady>> {
        // A push is whole or was not begun.
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_file(&self, file: DataFile, order: &[usize]) -> io::Result<Steady> {
        let file = Steady::new(File::create(self.dir.join(file.name()))?)?;
        let buffered = |file| BufWriter::with_capacity(WRITE_BYTES, file);
        let file = match self.format {
            FileFormat::Jsonl => {
                self.write_lines(&file, order)?;
                file
            }
            FileFormat::JsonlZst => {
                let mut lines = zstd::Encoder::new(buffered(file), ZSTD_LEVEL)?;
                lines.include_checksum(true)?;
                self.lines(order, &mut |line| lines.write_all(line))?;
                lines.finish()?.into_inner()?
            }
            FileFormat::Parquet => {
                let mut rows = parquet::Rows::new(buffered(file))?;
                self.lines(order, &mut |line| rows.push(line))?;
                rows.finish()?.into_inner()?
            }
        };
        file.sync();
        Ok(file)
    }

    /// Writes the examples of `order` as they are. How long each will be is
    /// known, so pieces of the file are written side by side.
    fn write_lines(&self, file: &Steady, order: &[usize]) -> io::Result<()> {
        let mut end = 0;
        let pieces = order.chunks(LINES).map(|piece| {
            let start = end;
            let lengths = piece.iter().map(|at| self.examples[*at].kept.line_bytes());
            end += lengths.sum::<u64>();
            (start..end, piece)
        });
        let pieces: Vec<_> = pieces.collect();
        pieces.into_par_iter().try_for_each(|(place, piece)| {
            let mut lines = Vec::with_capacity((place.end - place.start) as usize);
            for at in piece {
                self.line(&self.examples[*at], &mut lines)?;
            }
            file.write_at(&lines, place.start)
        })
    }

    /// Reads the examples of `order`, each a JSON object and a line break. The
    /// next ones are made while `take` has these.
    fn lines(
        &self,
        order: &[usize],
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let make = |order: &[usize]| -> Vec<io::Result<Vec<u8>>> {
            let examples = order.par_iter().map(|at| &self.examples[*at]);
            let line = |example| {
                let mut line = Vec::new();
                self.line(example, &mut line).map(|()| line)
            };
            examples.map(line).collect()
        };
        let mut ready: Vec<io::Result<Vec<u8>>> = Vec::new();
        // One empty piece more, to take what the last one makes.
        for piece in order.chunks(LINES).chain([&[][..]]) {
            let mut next = Vec::new();
            rayon::in_place_scope(|scope| {
                scope.spawn(|_| next = make(piece));
                ready.drain(..).try_for_each(|line| take(&line?))
            })?;
            ready = next;
        }
        Ok(())
    }

    /// Adds the line of `example` to `lines`.
    fn line(&self, example: &Place, lines: &mut Vec<u8>) -> io::Result<()> {
        let template = self.template(example)?;
        let Some(window) = example.kept.window else {
            lines.extend_from_slice(&template);
            return Ok(());
        };
        let shown = self.text(example, window.range())?;
        let parts = window.parts(&shown);
        let parts = parts.ok_or_else(|| io::Error::other("an example without its text"))?;
        template::fill(&template, parts, lines);
        Ok(())
    }

    fn template(&self, example: &Place) -> io::Result<Vec<u8>> {
        let mut template = vec![0; example.kept.bytes];
        self.spool
            .get_ref()
            .read_exact_at(&mut template, example.template)?;
        Ok(template)
    }

    /// The part `range` of the text that `example` is cut from.
    fn text(&self, example: &Place, range: Range<usize>) -> io::Result<Vec<u8>> {
        let mut text = vec![0; range.len()];
        let from = example.text + range.start as u64;
        self.spool.get_ref().read_exact_at(&mut text, from)?;
        Ok(text)
    }

    /// Gives `look` what `examples`, which are of one file, show of it, and the
    /// lines of those that show something else.
    fn shown_of_file(
        &self,
        examples: &[&Place],
        look: &(dyn Fn(ExampleText) -> io::Result<()> + Sync),
    ) -> io::Result<()> {
        let windows = examples.iter().filter_map(|example| example.kept.window);
        let windows = windows.map(|window| window.range());
        let all = windows
            .clone()
            .reduce(|all, window| all.start.min(window.start)..all.end.max(window.end));
        if let (Some(all), Some(first)) = (all, examples.first()) {
            let windows = windows.map(|window| window.start - all.start..window.end - all.start);
            let windows: Vec<_> = windows.collect();
            let (text, windows) = template::plain(&self.text(first, all)?, &windows)?;
            look(ExampleText::Source(text, windows))?;
        }
        for example in examples {
            let line = self.template(example)?;
            look(ExampleText::Line(match example.kept.window {
                Some(_) if !example.kept.has_context => continue,
                Some(_) => {
                    let mut own = Vec::new();
                    template::fill(&line, [b""; 3], &mut own);
                    own
                }
                None => line,
            }))?;
        }
        Ok(())
    }

    fn middle(&self, example: &Place) -> io::Result<String> {
        #[derive(Deserialize)]
        struct Line {
            middle: String,
        }
        let Some(window) = example.kept.window else {
            return Ok(serde_json::from_slice::<Line>(&self.template(example)?)?.middle);
        };
        let middle = self.text(example, window.middle())?;
        let all = 0..middle.len();
        Ok(template::plain(&middle, &[all])?.0)
    }
}

impl Sink for Spool {
    fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.spool.write_all(text)?;
        self.journal.spooled(text);
        self.push_text(text.len());
        Ok(())
    }

    fn example(&mut self, template: &str, kept: &SpooledExample) -> io::Result<()> {
        self.spool.write_all(template.as_bytes())?;
        self.journal.spooled(template.as_bytes());
        self.push_example(kept);
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
        self.push_text(bytes);
    }

    fn recalled_example(&mut self, kept: &SpooledExample) {
        self.push_example(kept);
    }

    fn read(
        &self,
        wanted: &[usize],
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        self.lines(wanted, take)
    }

    fn shown(
        &self,
        wanted: &[usize],
        look: &(dyn Fn(ExampleText) -> io::Result<()> + Sync),
    ) -> io::Result<()> {
        let examples: Vec<_> = wanted.iter().map(|at| &self.examples[*at]).collect();
        let files: Vec<_> = examples.chunk_by(|a, b| a.text == b.text).collect();
        let files = files.into_par_iter();
        files.try_for_each(|of_file| self.shown_of_file(of_file, look))
    }

    fn middles(&self, wanted: &[usize]) -> io::Result<Vec<String>> {
        let examples = wanted.par_iter().map(|at| &self.examples[*at]);
        examples.map(|example| self.middle(example)).collect()
    }

    fn write(&self, part: Split, order: &[usize]) -> io::Result<()> {
        let files = self.files(part, order);
        // What is in a file depends on its order alone, so files can be
        // written side by side.
        // Of thousands of shards not all can be open at once.
        let may_wait = files.len() <= OPEN;
        files.par_iter().try_for_each(|(file, order)| {
            let file = self.write_file(*file, order)?;
            if !may_wait {
                return file.finish();
            }
            self.written().push(file);
            Ok(())
        })
    }

    fn settle(&mut self) -> io::Result<()> {
        self.written().drain(..).try_for_each(Steady::finish)
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
                let line = "x".repeat(*bytes);
                spool.example(&line, &SpooledExample::whole(&line)).unwrap();
            }
            spool.spool.flush().unwrap();
            let order: Vec<_> = (0..lines.len()).collect();
            let shards = spool.shards(&order);
            shards.iter().map(|shard| shard.len()).collect::<Vec<_>>()
        };
        assert_eq!(lengths(None, &[5, 5, 5]), [3]);
        assert_eq!(lengths(Some(10), &[5, 5, 5]), [2, 1]);
        assert_eq!(lengths(Some(10), &[30, 1, 30, 30]), [1, 1, 1, 1]);
        assert_eq!(lengths(Some(u64::MAX), &[1, 2]), [2]);
        assert_eq!(lengths(Some(10), &[]), [0]);
    }
}
