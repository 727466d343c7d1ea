//! The names of a dataset's files.

use std::fs;
use std::io;
use std::path::Path;

use crate::dataset::format::FileFormat;
use crate::dataset::report::metadata::METADATA;
use crate::dataset::split::Split;

/// The dataset card.
pub(super) const CARD: &str = "README.md";
/// The page that shows the dataset.
pub(super) const REPORT: &str = "report.html";
/// The file of rejects, if it is in the dataset's folder.
pub(super) const REJECTS: &str = "rejects.jsonl";

/// One of the files into which a split is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    /// The number of the shard, counted from 0.
    pub(super) index: usize,
    /// The number of shards.
    pub(super) of: usize,
}

/// A file with examples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DataFile {
    /// The split of its examples.
    pub(super) split: Split,
    /// Which shard of the split the file is; `None` if the split is one file.
    pub(super) shard: Option<Shard>,
    /// The format of the file.
    pub(super) format: FileFormat,
}

impl DataFile {
    /// `train.jsonl`, or `train-00000-of-00003.jsonl` for a shard, as
    /// Hugging Face names them.
    pub(super) fn name(self) -> String {
        let (stem, extension) = (self.split.stem(), self.format.extension());
        match self.shard {
            None => format!("{stem}.{extension}"),
            Some(Shard { index, of }) => format!("{stem}-{index:05}-of-{of:05}.{extension}"),
        }
    }

    /// The file that has this name; `None` if no file of examples has it.
    fn named(name: &str) -> Option<Self> {
        let (stem, extension) = name.split_once('.')?;
        let format = FileFormat::ALL
            .into_iter()
            .find(|format| format.extension() == extension)?;
        let split = Split::ALL
            .into_iter()
            .find(|split| stem.starts_with(split.stem()))?;
        let shard = match stem[split.stem().len()..].strip_prefix('-') {
            None => None,
            Some(shard) => {
                let (index, of) = shard.split_once("-of-")?;
                let (index, of) = (index.parse().ok()?, of.parse().ok()?);
                Some(Shard { index, of })
            }
        };
        let file = Self {
            split,
            shard,
            format,
        };
        (file.name() == name).then_some(file)
    }

    /// The files with examples in `folder`: the training split first, each split in the
    /// order of its shards.
    pub(super) fn all_in(folder: &Path) -> io::Result<Vec<Self>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            files.extend(entry?.file_name().to_str().and_then(Self::named));
        }
        files.sort_by_key(|file| file.name());
        files.sort_by_key(|file| (file.split.stem(), file.shard.map(|shard| shard.index)));
        Ok(files)
    }
}

/// Whether a dataset can have a file of this name.
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
