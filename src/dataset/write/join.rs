//! Joins parts that were made one by one to one dataset: writes `metadata.json`, page
//! and card to a folder whose card names the parts' own files.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use rand::seq::SliceRandom;
use serde_json::Value;

use crate::dataset::report::merge::{MergeError, ReportMerger};
use crate::dataset::report::metadata::METADATA;
use crate::dataset::report::{DatasetCounts, Report, page};
use crate::dataset::split::Split;
use crate::dataset::stored::StoredDataset;
use crate::dataset::write::error::DatasetWriteError;
use crate::dataset::write::files::{CARD, REPORT};
use crate::dataset::write::read::Dataset;
use crate::dataset::write::{card, parquet};
use crate::files::Replacement;

/// The most parts whose examples the page shows. They are drawn at random. More parts
/// would take longer to read than a reader spends on the page.
const SHOWN_PARTS: usize = 32;

/// Writes `metadata.json`, `report.html` and `README.md` on the parts in `folders` to
/// the folder `output`. Replaces each file in one step, the metadata last. Changes no
/// file of a part.
///
/// # Errors
/// [`DatasetWriteError`] if the parts do not belong together, if the examples of a part are
/// not those that its metadata count, or if `output` is a dataset of its own.
pub fn join(folders: &[PathBuf], output: &Path) -> Result<DatasetCounts, DatasetWriteError> {
    let wrong = |error: io::Error| DatasetWriteError::new("write", output, error);
    fs::create_dir_all(output).map_err(wrong)?;
    let output = fs::canonicalize(output).map_err(wrong)?;
    check_replaceable(&output)?;
    let (whole, files) = add_reports(folders, &output)?;
    let mut shown: Vec<_> = folders.iter().collect();
    shown.shuffle(&mut whole.options.rng("\0parts"));
    shown.truncate(SHOWN_PARTS);
    let shown: Vec<_> = shown
        .into_iter()
        .map(|folder| Ok(open(folder)?.0))
        .collect::<Result<_, DatasetWriteError>>()?;
    let write = || {
        let metadata = serde_json::to_value(&whole)?;
        let page = page::page_of_parts(&metadata, &shown)?;
        replace(&output.join(REPORT), page.as_bytes())?;
        let card = card::text(&whole, &files)?;
        replace(&output.join(CARD), card.as_bytes())?;
        let mut metadata = serde_json::to_vec_pretty(&whole)?;
        metadata.push(b'\n');
        replace(&output.join(METADATA), &metadata)?;
        File::open(&output)?.sync_all()
    };
    write().map_err(|error| DatasetWriteError::new("write", &output, error))?;
    Ok(whole.counts)
}

/// The joined report on the parts in `folders`, and the parts' files with examples as
/// the folder `output` reaches them.
fn add_reports(
    folders: &[PathBuf],
    output: &Path,
) -> Result<(Report, Vec<(Split, String)>), DatasetWriteError> {
    let refused = |error: MergeError| DatasetWriteError(error.to_string());
    let (mut merger, mut files) = (ReportMerger::default(), Vec::new());
    for folder in folders {
        let (dataset, report) = open(folder)?;
        let name = folder.display().to_string();
        let reached = relative(output, folder)?;
        merger.add(&name, &reached, &report).map_err(refused)?;
        for (split, expected) in [
            (Split::Train, report.counts.train),
            (Split::Validation, report.counts.val),
        ] {
            let paths = checked_files(&dataset, split, expected)?;
            for path in paths.iter().filter(|_| expected > 0) {
                files.push((split, relative(output, path)?));
            }
        }
    }
    Ok((merger.finish().map_err(refused)?, files))
}

/// Refuses a folder with metadata that are not about joined parts.
fn check_replaceable(output: &Path) -> Result<(), DatasetWriteError> {
    let path = output.join(METADATA);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(DatasetWriteError::new("read", &path, error)),
    };
    let there: Option<Value> = serde_json::from_slice(&text).ok();
    let is_joined = |there: &Value| there.get("parts").is_some();
    if there.as_ref().is_some_and(is_joined) {
        return Ok(());
    }
    Err(DatasetWriteError(format!(
        "{} is not about joined parts: choose another --output",
        path.display()
    )))
}

/// The part in `folder`, and its report.
fn open(folder: &Path) -> Result<(Dataset, Report), DatasetWriteError> {
    let dataset = Dataset::open(folder).map_err(|error| DatasetWriteError(error.to_string()))?;
    let name = || folder.display().to_string();
    if dataset.metadata().get("partial").is_none() {
        return Err(DatasetWriteError(MergeError::Whole(name()).to_string()));
    }
    let report = serde_json::from_value(dataset.metadata().clone());
    let report = report.map_err(|error| {
        DatasetWriteError(format!(
            "{}/{METADATA}: {error}; join parts with the version of fimd that wrote them, which it names as `version`",
            name()
        ))
    })?;
    Ok((dataset, report))
}

/// The files with the examples of `split`. Checks that they hold `expected` examples.
fn checked_files(
    dataset: &Dataset,
    split: Split,
    expected: usize,
) -> Result<Vec<PathBuf>, DatasetWriteError> {
    let files = dataset.files(split);
    let files = files.map_err(|error| DatasetWriteError(error.to_string()))?;
    let paths: Vec<_> = files.into_iter().map(|(path, _)| path).collect();
    let mut found = 0;
    for path in &paths {
        found +=
            parquet::count(path).map_err(|error| DatasetWriteError::new("read", path, error))?;
    }
    if let [first, ..] = &*paths
        && found != expected as u64
    {
        return Err(DatasetWriteError(format!(
            "{}: holds {found} examples with its shards, of which {METADATA} counts {expected}; make the part anew",
            first.display()
        )));
    }
    Ok(paths)
}

/// `path` relative to the folder `from`. `from` must be canonical.
fn relative(from: &Path, path: &Path) -> Result<String, DatasetWriteError> {
    let wrong = |error: io::Error| DatasetWriteError::new("read", path, error);
    let path = fs::canonicalize(path).map_err(wrong)?;
    let shared = from.components().zip(path.components());
    let shared = shared.take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let relative: PathBuf = up.chain(path.components().skip(shared)).collect();
    let text = relative.to_str().map(str::to_owned);
    text.ok_or_else(|| DatasetWriteError::new("name", &path, "it is not UTF-8; rename it"))
}

/// Replaces the file at `path` in one step.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // The umask alone restricts the permissions, as for other files.
    let mut file = Replacement::begin(path, 0o666)?;
    file.write_all(bytes)?;
    file.publish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_reached_from_the_whole_wherever_it_is() {
        let temp = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(temp.path()).unwrap();
        for folder in ["whole/parts/1", "other/2"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let from = root.join("whole");
        let reached = |folder: &str| relative(&from, &root.join(folder)).unwrap();
        assert_eq!(reached("whole/parts/1"), "parts/1");
        assert_eq!(reached("other/2"), "../other/2");
        assert!(relative(&from, &root.join("none")).is_err());
    }
}
