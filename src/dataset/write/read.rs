//! Reads a dataset that was written, for commands that check it or show it.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::dataset::format::FileFormat;
use crate::dataset::record::{Example, SpanKind};
use crate::dataset::report::Report;
use crate::dataset::report::metadata::METADATA;
use crate::dataset::report::sample::Sample;
use crate::dataset::split::Split;
use crate::dataset::stored::{Examples, ReadError, StoredDataset};
use crate::dataset::write::files::{CARD, DataFile, REPORT, Shard, belongs};
use crate::dataset::write::{card, parquet};

/// A dataset on disk.
#[derive(Debug)]
pub struct Dataset {
    folder: PathBuf,
    metadata: Value,
}

impl Dataset {
    /// Opens the dataset in `folder`.
    ///
    /// # Errors
    /// [`ReadError`] if the folder has no valid `metadata.json`.
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

    /// The files of `split`, in the order of its examples: one file, or all shards.
    ///
    /// # Errors
    /// [`ReadError`] if the file or a shard is missing, and if there are others.
    pub(super) fn files(&self, split: Split) -> Result<Vec<(PathBuf, FileFormat)>, ReadError> {
        let (own, strays) = self.divided(split)?;
        if let (Some(stray), Some(first)) = (strays.first(), own.first()) {
            return Err(ReadError {
                path: self.folder.join(stray.name()),
                line: None,
                reason: format!(
                    "belongs to another dataset than {}; write the dataset anew",
                    first.name()
                ),
            });
        }
        Ok(self.paths(&own))
    }

    fn paths(&self, files: &[DataFile]) -> Vec<(PathBuf, FileFormat)> {
        let path = |file: &DataFile| (self.folder.join(file.name()), file.format);
        files.iter().map(path).collect()
    }

    /// How the files of a split are divided among datasets: files with the same value
    /// belong together. The larger value is more like what the options ask for.
    fn likeness(&self, file: &DataFile) -> (bool, bool, Option<usize>, FileFormat) {
        let option = |name: &str| self.metadata.pointer(&format!("/options/{name}"));
        let format = serde_json::to_value(file.format).ok();
        let is_sharded = option("shard_size").is_some_and(|size| !size.is_null());
        (
            option("format") == format.as_ref(),
            file.shard.is_some() == is_sharded,
            file.shard.map(|shard| shard.of),
            file.format,
        )
    }

    /// The files of `split` in the order of its examples, and those of other datasets.
    fn divided(&self, split: Split) -> Result<(Vec<DataFile>, Vec<DataFile>), ReadError> {
        let wrong = |path: PathBuf, reason: String| ReadError {
            path,
            line: None,
            reason,
        };
        let mut files = DataFile::all_in(&self.folder)
            .map_err(|error| wrong(self.folder.clone(), error.to_string()))?;
        files.retain(|file| file.split == split);
        let likest = files.iter().max_by_key(|file| self.likeness(file)).copied();
        let Some(first) = likest else {
            let path = self.folder.join(split.stem());
            let reason = format!(
                "no file of this part, such as {}.jsonl, is there; write the dataset anew",
                split.stem()
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
        files.retain(|file| !expected.contains(file));
        Ok((expected, files))
    }
}

impl StoredDataset for Dataset {
    fn metadata(&self) -> &Value {
        &self.metadata
    }

    /// The examples of all files of `split`, in any format.
    fn examples(&self, split: Split) -> Result<Examples, ReadError> {
        let (files, _) = self.divided(split)?;
        Ok(Box::new(self.paths(&files).into_iter().flat_map(read_file)))
    }

    fn text_names(&self) -> &'static [&'static str] {
        &[CARD, REPORT]
    }

    fn text(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.folder.join(name)).ok()
    }

    fn card(&self) -> Option<(&'static str, String)> {
        let report: Report = serde_json::from_value(self.metadata.clone()).ok()?;
        let files = Split::ALL.into_iter().flat_map(|split| {
            let (files, _) = self.divided(split).unwrap_or_default();
            files.into_iter().map(move |file| (split, file.name()))
        });
        let text = card::text(&report, &files.collect::<Vec<_>>()).ok()?;
        Some((CARD, text))
    }

    fn strays(&self) -> Vec<String> {
        let names = std::fs::read_dir(&self.folder).into_iter().flatten();
        let names = names.filter_map(|entry| Some(entry.ok()?.file_name()));
        let names = names.map(|name| name.to_string_lossy().into_owned());
        let mut strays: Vec<_> = names.filter(|name| !belongs(name)).collect();
        for split in Split::ALL {
            let (_, others) = self.divided(split).unwrap_or_default();
            strays.extend(others.into_iter().map(DataFile::name));
        }
        strays.sort();
        strays
    }
}

/// The examples of a file, or for a line the reason why it is no example.
type Lines = Box<dyn Iterator<Item = Result<Example, String>>>;

/// The examples of one file. If the whole file cannot be read, one error.
fn read_file(
    (path, format): (PathBuf, FileFormat),
) -> impl Iterator<Item = Result<Example, ReadError>> {
    let opened = File::open(&path).and_then(|file| -> io::Result<Lines> {
        Ok(match format {
            FileFormat::Jsonl => Box::new(lines(BufReader::new(file))),
            FileFormat::JsonlZst => Box::new(lines(BufReader::new(zstd::Decoder::new(file)?))),
            FileFormat::Parquet => Box::new(parquet::read(file)?),
        })
    });
    let (examples, is_opened): (Lines, _) = match opened {
        Ok(examples) => (examples, true),
        Err(error) => (Box::new(std::iter::once(Err(error.to_string()))), false),
    };
    examples.zip(1..).map(move |(example, number)| {
        example.map_err(|reason| ReadError {
            path: path.clone(),
            line: is_opened.then_some(number),
            reason,
        })
    })
}

/// The examples of a file of JSON lines. A line that is no example is an error, and
/// the next lines follow. An error of the file ends the examples.
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

/// Up to `count` random examples of `dataset`; only examples of `kind` if it is given.
///
/// # Errors
/// [`ReadError`] if any example cannot be read.
pub fn sampled(
    dataset: &Dataset,
    count: usize,
    kind: Option<SpanKind>,
    seed: u64,
) -> Result<Vec<Example>, ReadError> {
    let mut sample = Sample::new(count, seed, "\0sampled");
    for split in Split::ALL {
        for (number, example) in (1..).zip(dataset.examples(split)?) {
            let example = example?;
            if kind.is_none_or(|kind| kind == example.span_kind) {
                sample.offer((split, number), || example);
            }
        }
    }
    Ok(sample.drawn().map(|(_, example)| example).collect())
}
