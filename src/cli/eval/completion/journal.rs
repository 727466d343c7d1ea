//! The file of a run's cases: what was asked, each hole, and each answer, in their order.
//! A run that was interrupted goes on from it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::CliError;
use crate::eval::completion::{AnswerRow, CompletionHole};

/// The name of the file.
pub(super) const CASES: &str = "cases.jsonl";

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum JournalLine {
    /// What was asked of whom: the first line.
    Run(Value),
    /// A hole. Its answers follow, one for each condition.
    Hole(CompletionHole),
    /// An answer.
    Answer(AnswerRow),
}

/// The file of cases, open for the next line.
pub(super) struct CaseJournal {
    path: PathBuf,
    file: BufWriter<File>,
}

impl CaseJournal {
    /// Begins the file in `folder` with a line for `run`.
    ///
    /// # Errors
    /// If there is such a file already, or it cannot be written.
    pub(super) fn begin(folder: &Path, run: &Value) -> Result<Self, CliError> {
        let path = folder.join(CASES);
        std::fs::create_dir_all(folder)
            .map_err(|error| CliError::Failure(format!("{}: {error}", folder.display())))?;
        let file = File::create_new(&path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => CliError::Usage(format!(
                "{} is there already: --resume goes on with its run; for another run, name \
                 another folder with --output",
                path.display()
            )),
            _ => CliError::Failure(format!("{}: {error}", path.display())),
        })?;
        let mut journal = Self {
            path,
            file: BufWriter::new(file),
        };
        journal.write(&JournalLine::Run(run.clone()))?;
        Ok(journal)
    }

    /// Goes on with the file in `folder`, whose first line must be for `run`. Calls `take`
    /// with each other line. A last line that was not written whole is dropped.
    ///
    /// # Errors
    /// If the file cannot be read, is of another run, or `take` fails.
    pub(super) fn resume(
        folder: &Path,
        run: &Value,
        mut take: impl FnMut(JournalLine) -> Result<(), String>,
    ) -> Result<Self, CliError> {
        let path = folder.join(CASES);
        let failed =
            |what: &dyn std::fmt::Display| CliError::Failure(format!("{}: {what}", path.display()));
        let file = OpenOptions::new().read(true).write(true).open(&path);
        let file =
            file.map_err(|error| failed(&format!("{error}; leave --resume out to begin a run")))?;
        let mut lines = BufReader::new(&file);
        let (mut end, mut number) = (0, 0);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = lines.read_until(b'\n', &mut line).map_err(|e| failed(&e))?;
            if line.last() != Some(&b'\n') {
                break;
            }
            number += 1;
            let wrong = |what: &dyn std::fmt::Display| failed(&format!("line {number}: {what}"));
            match serde_json::from_slice(&line).map_err(|error| wrong(&error))? {
                JournalLine::Run(before) if number == 1 => {
                    let mut differing = Vec::new();
                    differences("", run, &before, &mut differing);
                    if !differing.is_empty() {
                        return Err(CliError::Usage(format!(
                            "{}: its run was another one: {}; use the same options, or name \
                             another folder with --output",
                            path.display(),
                            differing.join("; ")
                        )));
                    }
                }
                _ if number == 1 => return Err(wrong(&"expected what the run was asked")),
                line => take(line).map_err(|what| wrong(&what))?,
            }
            end += read as u64;
        }
        if number == 0 {
            return Err(failed(&"it is empty; delete it, and leave --resume out"));
        }
        let mut file = file;
        file.set_len(end)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .map_err(|error| failed(&error))?;
        Ok(Self {
            file: BufWriter::new(file),
            path,
        })
    }

    /// Writes a line.
    ///
    /// # Errors
    /// If that fails.
    pub(super) fn write(&mut self, line: &JournalLine) -> Result<(), CliError> {
        let written = serde_json::to_writer(&mut self.file, line)
            .map_err(io::Error::from)
            .and_then(|()| self.file.write_all(b"\n"))
            .and_then(|()| self.file.flush());
        written.map_err(|error| CliError::Failure(format!("{}: {error}", self.path.display())))
    }
}

/// Adds to `found` the fields of `now` and `before` that differ, with both values.
fn differences(path: &str, now: &Value, before: &Value, found: &mut Vec<String>) {
    let below = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => {
            let new = before.keys().filter(|key| !now.contains_key(*key));
            for key in now.keys().chain(new) {
                let of = |fields: &serde_json::Map<String, Value>| {
                    fields.get(key).cloned().unwrap_or_default()
                };
                differences(&below(key), &of(now), &of(before), found);
            }
        }
        (Value::Array(now), Value::Array(before)) if now.len() == before.len() => {
            for (at, (now, before)) in now.iter().zip(before).enumerate() {
                differences(&below(&at.to_string()), now, before, found);
            }
        }
        (now, before) if now != before => {
            found.push(format!("{path} was {before} and is {now}"));
        }
        _ => {}
    }
}
