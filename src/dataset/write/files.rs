//! What the files of a dataset are called.

use std::fs;
use std::io;
use std::path::Path;

use crate::dataset::format::FileFormat;
use crate::dataset::split::Split;

/// The file that tells the whole story of a dataset.
pub(in crate::dataset) const METADATA: &str = "metadata.json";
/// The dataset card.
pub(in crate::dataset) const CARD: &str = "README.md";
/// The page that shows the dataset.
pub(super) const REPORT: &str = "report.html";
/// What was refused, where it is asked for here and not elsewhere.
pub(super) const REJECTS: &str = "rejects.jsonl";

/// One of the files that a part is cut into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dataset) struct Shard {
    /// Which, counted from 0.
    pub(in crate::dataset) index: usize,
    /// How many there are.
    pub(in crate::dataset) of: usize,
}

/// A file with examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dataset) struct DataFile {
    /// The part that its examples belong to.
    pub(in crate::dataset) part: Split,
    /// Its place among the files of the part; none if it is the only one.
    pub(in crate::dataset) shard: Option<Shard>,
    /// How the examples are written in it.
    pub(in crate::dataset) format: FileFormat,
}

impl DataFile {
    /// `train.jsonl`, or `train-00000-of-00003.jsonl` for a shard, as
    /// Hugging Face names them.
    pub(in crate::dataset) fn name(self) -> String {
        let (stem, extension) = (self.part.stem(), self.format.extension());
        match self.shard {
            None => format!("{stem}.{extension}"),
            Some(Shard { index, of }) => format!("{stem}-{index:05}-of-{of:05}.{extension}"),
        }
    }

    /// The file of that name, if it is the name of one.
    fn named(name: &str) -> Option<Self> {
        let (stem, extension) = name.split_once('.')?;
        let format = FileFormat::ALL
            .into_iter()
            .find(|format| format.extension() == extension)?;
        let part = Split::ALL
            .into_iter()
            .find(|part| stem.starts_with(part.stem()))?;
        let shard = match stem[part.stem().len()..].strip_prefix('-') {
            None => None,
            Some(shard) => {
                let (index, of) = shard.split_once("-of-")?;
                let (index, of) = (index.parse().ok()?, of.parse().ok()?);
                Some(Shard { index, of })
            }
        };
        let file = Self {
            part,
            shard,
            format,
        };
        (file.name() == name).then_some(file)
    }

    /// The data files in `folder`, part by part, in the order of their shards.
    pub(in crate::dataset) fn all_in(folder: &Path) -> io::Result<Vec<Self>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            files.extend(entry?.file_name().to_str().and_then(Self::named));
        }
        files.sort_by_key(|file| file.name());
        files.sort_by_key(|file| (file.part.stem(), file.shard.map(|shard| shard.index)));
        Ok(files)
    }
}

/// Whether a dataset can have a file of that name.
pub(super) fn belongs(name: &str) -> bool {
    [METADATA, CARD, REPORT, REJECTS].contains(&name) || DataFile::named(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_a_dataset_writes_are_its_own() {
        for name in [
            "train.jsonl",
            "val.jsonl.zst",
            "train.parquet",
            "train-00000-of-00003.jsonl",
            "val-00002-of-00003.parquet",
            "train-100000-of-123456.jsonl.zst",
            "metadata.json",
            "README.md",
            "report.html",
            "rejects.jsonl",
        ] {
            assert!(belongs(name), "{name}");
        }
        for name in [
            "train",
            "train.json",
            "train.jsonl.gz",
            "train.old.jsonl",
            "trainer.jsonl",
            "train-.jsonl",
            "train-0-of-3.jsonl",
            "train-00000-of-3.jsonl",
            "train-+0000-of-00003.jsonl",
            "validation.jsonl",
            "readme.md",
        ] {
            assert!(!belongs(name), "{name}");
        }
    }
}
