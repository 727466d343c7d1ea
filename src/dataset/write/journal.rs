//! The journal beside a spool, from which an interrupted run can be resumed. Each line
//! is a checksum and a record. The first record is the [`Task`] of the run. Each other
//! record is a [`Batch`] with the checksum of the bytes that it added to the spool.
//!
//! A record counts only if both checksums are right. So the order in which data reach
//! the disk does not matter, and nothing is synced. After a kill all data are there.
//! After a power failure the run repeats what the system had not written yet.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dataset::batch::Batch;
use crate::dataset::options::Options;
use crate::dataset::write::error::DatasetWriteError;
use crate::model::Family;

/// The name of the journal's file.
pub(super) const JOURNAL: &str = "journal";

/// The length of a checksum, in characters.
const SUM: usize = 32;

/// What a run does. Only a run with the same task may resume it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The version of fimd.
    pub version: String,
    /// All options.
    pub options: serde_json::Map<String, Value>,
    /// The family that the options name.
    pub family: Family,
    /// The projects and inputs, in their order.
    pub inputs: Vec<String>,
}

impl Task {
    /// The task of a run with these options, which name `family`, over these inputs.
    ///
    /// # Errors
    /// [`DatasetWriteError`] if the options cannot be serialized.
    pub fn new(
        options: &Options,
        family: &Family,
        inputs: impl IntoIterator<Item = String>,
    ) -> Result<Self, DatasetWriteError> {
        let fail = |error| DatasetWriteError(format!("cannot write the options down: {error}"));
        let options = serde_json::to_value(options).map_err(fail)?;
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            options: options.as_object().cloned().unwrap_or_default(),
            family: family.clone(),
            inputs: inputs.into_iter().collect(),
        })
    }

    /// A task for tests.
    #[cfg(test)]
    pub(super) fn of_tests() -> Self {
        Self {
            version: "1".into(),
            options: serde_json::Map::from_iter([("seed".to_owned(), Value::from(7))]),
            family: crate::model::Families::default()
                .get("starcoder")
                .unwrap()
                .clone(),
            inputs: vec!["a".into()],
        }
    }

    /// What `begun` did differently, as a text for users.
    fn differs_from(&self, begun: &Self) -> Option<String> {
        if self.version != begun.version {
            return Some(format!("fimd {}, not {}", begun.version, self.version));
        }
        if self.inputs != begun.inputs {
            return Some(format!("the projects {}", begun.inputs.join(", ")));
        }
        let options = &begun.options;
        let different = options
            .iter()
            .find(|(name, value)| self.options.get(*name) != Some(*value));
        if let Some((name, value)) = different {
            return Some(format!("--{} {value}", name.replace('_', "-")));
        }
        let is_other = self.family != begun.family;
        is_other.then(|| format!("other tokens of the family {}", begun.family.name))
    }
}

#[derive(Serialize, Deserialize)]
struct Record<B> {
    /// The number of bytes that the batch added to the spool.
    bytes: u64,
    /// The checksum of these bytes.
    sum: String,
    batch: B,
}

/// The journal of a spool.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    /// The number of bytes added to the spool since the last record.
    bytes: u64,
    sum: blake3::Hasher,
    /// The records that were there when the journal was opened and that
    /// [`Self::recall`] has not returned yet.
    past: Option<BufReader<File>>,
    /// The number of records that were there when the journal was opened.
    pub(super) recovered: usize,
}

impl Journal {
    /// Opens the journal at `path` for `task`. Truncates the journal and `spool` to the
    /// last batch on which both agree. Starts a new journal if there is none.
    ///
    /// # Errors
    /// If a file cannot be read or written, or the journal is that of another task.
    pub(super) fn open(path: &Path, task: &Task, spool: &mut File) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        let mut reader = BufReader::new(File::open(path)?);
        let mut line = String::new();
        let begun: Option<Task> = read(&mut reader, &mut line)?;
        let mut recovered = 0;
        let past = if let Some(begun) = begun {
            if let Some(what) = task.differs_from(&begun) {
                return Err(io::Error::other(format!(
                    "the interrupted run had {what}; repeat that, or leave --resume out to begin anew"
                )));
            }
            let first = line.len() as u64;
            let valid = ValidPrefix::read(&mut reader, spool)?;
            file.set_len(first + valid.journal)?;
            spool.set_len(valid.spool)?;
            recovered = valid.records;
            let mut past = BufReader::new(File::open(path)?);
            past.seek(SeekFrom::Start(first))?;
            Some(past)
        } else {
            file.set_len(0)?;
            spool.set_len(0)?;
            write(&mut file, task)?;
            None
        };
        spool.seek(SeekFrom::End(0))?;
        Ok(Self {
            file,
            bytes: 0,
            sum: blake3::Hasher::new(),
            past,
            recovered,
        })
    }

    /// Notes that `bytes` were added to the spool.
    pub(super) fn spooled(&mut self, bytes: &[u8]) {
        self.sum.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// Writes a record of `batch`, whose bytes are all in the spool.
    pub(super) fn end_batch(&mut self, batch: &Batch) -> io::Result<()> {
        let record = Record {
            bytes: std::mem::take(&mut self.bytes),
            sum: short(&self.sum),
            batch,
        };
        self.sum.reset();
        write(&mut self.file, &record)
    }

    /// The next batch that was there when the journal was opened.
    pub(super) fn recall(&mut self) -> io::Result<Option<Batch>> {
        let Some(past) = &mut self.past else {
            return Ok(None);
        };
        let record: Option<Record<Batch>> = read(past, &mut String::new())?;
        if record.is_none() {
            self.past = None;
        }
        Ok(record.map(|record| record.batch))
    }
}

/// How much of a journal and of its spool is valid, in bytes.
#[derive(Default)]
struct ValidPrefix {
    /// The records behind the task.
    journal: u64,
    spool: u64,
    /// The number of records.
    records: usize,
}

impl ValidPrefix {
    /// Reads records from `journal` while their checksums match the bytes of `spool`.
    fn read(journal: &mut impl BufRead, spool: &mut File) -> io::Result<Self> {
        let mut valid = Self::default();
        let mut line = String::new();
        spool.rewind()?;
        let mut spooled = BufReader::with_capacity(1 << 18, &*spool);
        while let Some(record) = read::<Record<Batch>>(journal, &mut line)? {
            let mut sum = blake3::Hasher::new();
            sum.update_reader(spooled.by_ref().take(record.bytes))?;
            if sum.count() != record.bytes || short(&sum) != record.sum {
                break;
            }
            valid.spool += record.bytes;
            valid.journal += line.len() as u64;
            valid.records += 1;
        }
        Ok(valid)
    }
}

/// Whether the journal at `path` holds a batch.
pub(super) fn is_begun(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    let mut lines = BufReader::new(file);
    let mut skip = || lines.skip_until(b'\n').is_ok_and(|bytes| bytes > 0);
    skip() && skip()
}

/// The checksum as text.
fn short(sum: &blake3::Hasher) -> String {
    let mut text = sum.finalize().to_hex().to_string();
    text.truncate(SUM);
    text
}

/// Appends the line of `record`.
fn write(file: &mut File, record: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_string(record)?;
    let mut sum = blake3::Hasher::new();
    sum.update(json.as_bytes());
    let mut line = short(&sum);
    writeln!(line, " {json}").map_err(io::Error::other)?;
    file.write_all(line.as_bytes())
}

/// Reads the next record, and stores its whole line in `line`. `None` at the end, and
/// if the record is not whole.
fn read<T: for<'de> Deserialize<'de>>(
    reader: &mut impl BufRead,
    line: &mut String,
) -> io::Result<Option<T>> {
    let mut bytes = Vec::new();
    reader.read_until(b'\n', &mut bytes)?;
    *line = String::from_utf8(bytes).unwrap_or_default();
    let Some((sum, json)) = line.split_once(' ') else {
        return Ok(None);
    };
    let Some(json) = json.strip_suffix('\n') else {
        return Ok(None);
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(json.as_bytes());
    if short(&hasher) != sum {
        return Ok(None);
    }
    Ok(serde_json::from_str(json).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(first: usize) -> Batch {
        Batch {
            project: "p".into(),
            first,
            files: Vec::new(),
            rejects: String::new(),
        }
    }

    fn open(folder: &Path, task: &Task) -> io::Result<(Journal, File)> {
        let mut spool = OpenOptions::new();
        let spool = spool.read(true).append(true).create(true);
        let mut spool = spool.open(folder.join("spool"))?;
        Ok((Journal::open(&folder.join("j"), task, &mut spool)?, spool))
    }

    /// A folder with a journal and a spool of three batches: `one`, `two` and `three`.
    fn written() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, mut spool) = open(folder.path(), &Task::of_tests()).unwrap();
        for (first, text) in ["one", "two", "three"].into_iter().enumerate() {
            spool.write_all(text.as_bytes()).unwrap();
            journal.spooled(text.as_bytes());
            journal.end_batch(&batch(first)).unwrap();
        }
        folder
    }

    /// The first files of the recovered batches, and the content of the spool.
    fn recovered(folder: &Path) -> (Vec<usize>, String) {
        let (mut journal, _) = open(folder, &Task::of_tests()).unwrap();
        let recall = || journal.recall().unwrap().map(|batch| batch.first);
        let batches = std::iter::from_fn(recall).collect();
        (
            batches,
            std::fs::read_to_string(folder.join("spool")).unwrap(),
        )
    }

    #[test]
    fn however_it_is_cut_whole_batches_come_back() {
        let whole = written();
        assert!(is_begun(&whole.path().join("j")));
        let journal = std::fs::read(whole.path().join("j")).unwrap();
        let mut counts = std::collections::BTreeSet::new();
        for length in 0..=journal.len() {
            let folder = written();
            std::fs::write(folder.path().join("j"), &journal[..length]).unwrap();
            let (batches, spool) = recovered(folder.path());
            assert_eq!(spool, ["one", "two", "three"][..batches.len()].concat());
            assert_eq!(batches, [0, 1, 2][..batches.len()]);
            counts.insert(batches.len());
        }
        assert_eq!(counts.len(), 4);
    }

    #[test]
    fn a_spool_that_lost_something_costs_the_batches_from_there_on() {
        for (text, count) in [
            ("onetw", 1),
            ("oneTwothree", 1),
            ("", 0),
            ("onetwothreefo", 3),
        ] {
            let folder = written();
            std::fs::write(folder.path().join("spool"), text).unwrap();
            let (batches, spool) = recovered(folder.path());
            assert_eq!(batches.len(), count, "{text}");
            assert_eq!(spool, ["one", "two", "three"][..count].concat());
        }
    }

    #[test]
    fn what_comes_after_a_recovery_comes_back_too() {
        let folder = written();
        std::fs::write(folder.path().join("spool"), "onetwo").unwrap();
        let (mut journal, mut spool) = open(folder.path(), &Task::of_tests()).unwrap();
        while journal.recall().unwrap().is_some() {}
        spool.write_all(b"four").unwrap();
        journal.spooled(b"four");
        journal.end_batch(&batch(9)).unwrap();
        assert_eq!(
            recovered(folder.path()),
            (vec![0, 1, 9], "onetwofour".into())
        );
    }

    #[test]
    fn another_task_is_refused_by_what_differs() {
        let folder = written();
        let refusal = |change: fn(&mut Task)| {
            let mut task = Task::of_tests();
            change(&mut task);
            open(folder.path(), &task).unwrap_err().to_string()
        };
        for (refusal, named) in [
            (refusal(|task| task.version = "2".into()), "fimd 1, not 2"),
            (
                refusal(|task| task.inputs.push("b".into())),
                "the projects a;",
            ),
            (refusal(|task| task.options.clear()), "--seed 7"),
        ] {
            assert!(refusal.contains(named), "{refusal}");
        }
        assert_eq!(recovered(folder.path()).0.len(), 3);
    }
}
