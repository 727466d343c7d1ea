//! Reads a dataset back: for whoever checks it or shows it.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::dataset::format::FileFormat;
use crate::dataset::record::{Example, SpanKind};
use crate::dataset::report::sample::Sample;
use crate::dataset::split::Split;
use crate::dataset::write::files::{DataFile, METADATA, Shard};
use crate::dataset::write::parquet;

/// A dataset, or a line of one, that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", place(path, *line))]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// The line, in Parquet the row, counted from 1; none if the whole file cannot be read.
    pub line: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

fn place(path: &Path, line: Option<usize>) -> String {
    let line = line.map(|line| format!(":{line}"));
    format!("{}{}", path.display(), line.unwrap_or_default())
}

/// A dataset on disk.
#[derive(Debug)]
pub struct Dataset {
    folder: PathBuf,
    /// What `metadata.json` says.
    pub metadata: serde_json::Value,
}

impl Dataset {
    /// Opens the dataset in `folder`.
    ///
    /// # Errors
    /// If it has no `metadata.json`, or one that cannot be read.
    pub fn open(folder: &Path) -> Result<Self, ReadError> {
        let path = folder.join(METADATA);
        let wrong = |reason: String| ReadError {
            path: path.clone(),
            line: None,
            reason,
        };
        let text = std::fs::read(&path)
            .map_err(|error| wrong(format!("{error}; name a folder that `fimd generate` wrote")))?;
        let metadata = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            folder: folder.to_owned(),
            metadata,
        })
    }

    /// The examples of a part, in order, whatever their format and however many
    /// files they are in. An example that cannot be read does not keep the
    /// others from being.
    ///
    /// # Errors
    /// If the part, or a shard of it, is not there.
    pub fn examples(
        &self,
        part: Split,
    ) -> Result<impl Iterator<Item = Result<Example, ReadError>>, ReadError> {
        let files = self.files(part)?;
        Ok(files.into_iter().flat_map(read_file))
    }

    /// The files of a part: one, or all of its shards.
    pub(in crate::dataset) fn files(
        &self,
        part: Split,
    ) -> Result<Vec<(PathBuf, FileFormat)>, ReadError> {
        let wrong = |path: PathBuf, reason: String| ReadError {
            path,
            line: None,
            reason,
        };
        let mut files = DataFile::all_in(&self.folder)
            .map_err(|error| wrong(self.folder.clone(), error.to_string()))?;
        files.retain(|file| file.part == part);
        let Some(first) = files.first().copied() else {
            let path = self.folder.join(part.stem());
            let reason = format!(
                "no file of this part, such as {}.jsonl, is there; write the dataset anew",
                part.stem()
            );
            return Err(wrong(path, reason));
        };
        let of = first.shard.map(|shard| shard.of);
        let expected = (0..of.unwrap_or(1)).map(|index| DataFile {
            shard: of.map(|of| Shard { index, of }),
            ..first
        });
        let expected: Vec<_> = expected.collect();
        let name = |file: &DataFile| self.folder.join(file.name());
        if let Some(missing) = expected.iter().find(|file| !files.contains(file)) {
            let reason = "this shard is missing; write the dataset anew";
            return Err(wrong(name(missing), reason.into()));
        }
        if let Some(extra) = files.iter().find(|file| !expected.contains(file)) {
            let reason = format!(
                "belongs to another dataset than {}; write the dataset anew",
                first.name()
            );
            return Err(wrong(name(extra), reason));
        }
        Ok(expected
            .iter()
            .map(|file| (name(file), file.format))
            .collect())
    }
}

type Examples = Box<dyn Iterator<Item = Result<Example, String>>>;

/// The examples of one file; one error if it cannot be read at all.
fn read_file(
    (path, format): (PathBuf, FileFormat),
) -> impl Iterator<Item = Result<Example, ReadError>> {
    let opened = File::open(&path).and_then(|file| -> io::Result<Examples> {
        Ok(match format {
            FileFormat::Jsonl => Box::new(lines(BufReader::new(file))),
            FileFormat::JsonlZst => Box::new(lines(BufReader::new(zstd::Decoder::new(file)?))),
            FileFormat::Parquet => Box::new(parquet::read(file)?),
        })
    });
    let (examples, whole): (Examples, _) = match opened {
        Ok(examples) => (examples, false),
        Err(error) => (Box::new(std::iter::once(Err(error.to_string()))), true),
    };
    examples.zip(1..).map(move |(example, number)| {
        example.map_err(|reason| ReadError {
            path: path.clone(),
            line: (!whole).then_some(number),
            reason,
        })
    })
}

/// The examples of JSON lines. A line that is none is an error and the next one
/// is read; after an error of the file there are no more.
fn lines(mut file: impl BufRead) -> impl Iterator<Item = Result<Example, String>> {
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed {
            return None;
        }
        let mut line = Vec::new();
        match file.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_slice(&line).map_err(|error| error.to_string())),
            Err(error) => {
                failed = true;
                Some(Err(error.to_string()))
            }
        }
    })
}

/// Up to `count` random examples of `dataset`, of `kind` if one is given.
///
/// # Errors
/// If any example cannot be read.
pub fn sampled(
    dataset: &Dataset,
    count: usize,
    kind: Option<SpanKind>,
    seed: u64,
) -> Result<Vec<Example>, ReadError> {
    let mut sample = Sample::new(count, seed, "\0sampled");
    for part in [Split::Train, Split::Validation] {
        for (number, example) in (1..).zip(dataset.examples(part)?) {
            let example = example?;
            if kind.is_none_or(|kind| kind == example.span_kind) {
                sample.offer((part, number), || example);
            }
        }
    }
    Ok(sample.drawn().map(|(_, example)| example).collect())
}
