//! The journal beside a spool: what a run needs to go on after a kill. A line is
//! a record behind its own checksum: the first one says what the run is, each
//! other one is a [`Batch`] with the checksum of what that added to the spool.
//!
//! A record counts only if both checksums are right, so nothing has to reach
//! the disk in order, and nothing is synced: after a kill all is there, after a
//! power failure what the system had not written yet is made again.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dataset::batch::Batch;
use crate::dataset::options::Options;
use crate::dataset::write::WriteError;
use crate::model::Family;

/// The characters of a checksum.
const SUM: usize = 32;

/// What a run is: only one with the same task may go on with its examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The version of fimd.
    pub version: String,
    /// Every option.
    pub options: serde_json::Map<String, Value>,
    /// The family that the options name.
    pub family: Family,
    /// The projects and inputs, in order.
    pub inputs: Vec<String>,
}

impl Task {
    /// A run with these options, which name `family`, over these inputs.
    ///
    /// # Errors
    /// If the options cannot be written down.
    pub fn new(
        options: &Options,
        family: &Family,
        inputs: impl IntoIterator<Item = String>,
    ) -> Result<Self, WriteError> {
        let fail = |error| WriteError(format!("cannot write the options down: {error}"));
        let options = serde_json::to_value(options).map_err(fail)?;
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            options: options.as_object().cloned().unwrap_or_default(),
            family: family.clone(),
            inputs: inputs.into_iter().collect(),
        })
    }

    /// One for tests, of nothing.
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

    /// What of it is not as in `begun`, for a user.
    fn differs_from(&self, begun: &Self) -> Option<String> {
        if self.version != begun.version {
            return Some(format!("fimd {}, not {}", begun.version, self.version));
        }
        if self.inputs != begun.inputs {
            return Some(format!("the projects {}", begun.inputs.join(", ")));
        }
        let options = &begun.options;
        let other = options
            .iter()
            .find(|(name, value)| self.options.get(*name) != Some(*value));
        if let Some((name, value)) = other {
            return Some(format!("--{} {value}", name.replace('_', "-")));
        }
        let is_other = self.family != begun.family;
        is_other.then(|| format!("other tokens of the family {}", begun.family.name))
    }
}

#[derive(Serialize, Deserialize)]
struct Record<B> {
    /// The bytes that the batch added to the spool.
    bytes: u64,
    /// Their checksum.
    sum: String,
    batch: B,
}

/// The journal of a spool.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    /// What has been added to the spool since the last record.
    bytes: u64,
    sum: blake3::Hasher,
    /// The records that were there when it was opened, as far as they have not
    /// been asked for.
    past: Option<BufReader<File>>,
    /// Records that were there when it was opened.
    pub(super) recovered: usize,
}

impl Journal {
    /// Opens the journal at `path` for `task`, and cuts it and `spool` down to
    /// what both agree on. Begins a new one if there is none.
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
        let past = match begun {
            Some(begun) => {
                if let Some(what) = task.differs_from(&begun) {
                    return Err(io::Error::other(format!(
                        "the interrupted run had {what}; repeat that, or leave --resume out to begin anew"
                    )));
                }
                let first = line.len() as u64;
                let (mut end, mut spooled) = (first, 0);
                spool.rewind()?;
                let mut taken = BufReader::with_capacity(1 << 18, &*spool);
                while let Some(record) = read::<Record<Batch>>(&mut reader, &mut line)? {
                    let mut sum = blake3::Hasher::new();
                    sum.update_reader(taken.by_ref().take(record.bytes))?;
                    if sum.count() != record.bytes || short(&sum) != record.sum {
                        break;
                    }
                    spooled += record.bytes;
                    end += line.len() as u64;
                    recovered += 1;
                }
                drop(taken);
                file.set_len(end)?;
                spool.set_len(spooled)?;
                let mut past = BufReader::new(File::open(path)?);
                past.seek(SeekFrom::Start(first))?;
                Some(past)
            }
            None => {
                file.set_len(0)?;
                spool.set_len(0)?;
                write(&mut file, task)?;
                None
            }
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

    /// Notes what is added to the spool.
    pub(super) fn spooled(&mut self, bytes: &[u8]) {
        self.sum.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// Notes that all of `batch` is in the spool.
    pub(super) fn end_batch(&mut self, batch: &Batch) -> io::Result<()> {
        let record = Record {
            bytes: std::mem::take(&mut self.bytes),
            sum: short(&self.sum),
            batch,
        };
        self.sum.reset();
        write(&mut self.file, &record)
    }

    /// The next batch that was there when it was opened.
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

/// Whether the journal at `path` holds more than a task.
pub(super) fn is_begun(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    let mut lines = BufReader::new(file);
    let mut skip = || lines.skip_until(b'\n').is_ok_and(|bytes| bytes > 0);
    skip() && skip()
}

fn short(sum: &blake3::Hasher) -> String {
    let mut text = sum.finalize().to_hex().to_string();
    text.truncate(SUM);
    text
}

fn write(file: &mut File, record: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_string(record)?;
    let mut sum = blake3::Hasher::new();
    sum.update(json.as_bytes());
    let mut line = short(&sum);
    writeln!(line, " {json}").map_err(io::Error::other)?;
    file.write_all(line.as_bytes())
}

/// The next record, and in `line` its whole line; none at the end and from
/// the first one on that is not whole.
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

    /// A folder with three batches, `one`, `two` and `three`.
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

    /// The first files of the batches that come back, and the spool.
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
