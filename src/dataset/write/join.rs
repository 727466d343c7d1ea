//! Tells of parts that were made one by one as of one dataset: `metadata.json`,
//! page and card in a folder from which the parts' own files are reached.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use rand::seq::SliceRandom;
use serde_json::Value;

use crate::dataset::report::merge::{Merge, MergeError};
use crate::dataset::report::{Counts, Report, html};
use crate::dataset::split::Split;
use crate::dataset::write::files::{CARD, METADATA, REPORT};
use crate::dataset::write::read::Dataset;
use crate::dataset::write::{WriteError, card, parquet};

/// Parts that the page shows examples of, drawn at random: more would take
/// longer to read than anybody looks at them.
const SHOWN_PARTS: usize = 32;

/// Writes `metadata.json`, `report.html` and `README.md` on the parts in
/// `folders` to the folder `output`; each is replaced in one step, the metadata
/// last. No file of a part is changed.
///
/// # Errors
/// If the parts do not belong together, one of them is not what its metadata
/// tell, or `output` is a dataset of its own.
pub fn join(folders: &[PathBuf], output: &Path) -> Result<Counts, WriteError> {
    let wrong = |error: io::Error| WriteError::new("write", output, error);
    fs::create_dir_all(output).map_err(wrong)?;
    let output = fs::canonicalize(output).map_err(wrong)?;
    check_replaceable(&output)?;
    let refused = |error: MergeError| WriteError(error.to_string());
    let (mut merge, mut files) = (Merge::default(), Vec::new());
    for folder in folders {
        let (dataset, report) = open(folder)?;
        let name = folder.display().to_string();
        let seen = relative(&output, folder)?;
        merge.add(&name, &seen, &report).map_err(refused)?;
        for (part, expected) in [
            (Split::Train, report.counts.train),
            (Split::Validation, report.counts.val),
        ] {
            let paths = counted(&dataset, part, expected)?;
            for path in paths.iter().filter(|_| expected > 0) {
                files.push((part, relative(&output, path)?));
            }
        }
    }
    let whole = merge.finish().map_err(refused)?;
    let mut shown: Vec<_> = folders.iter().collect();
    shown.shuffle(&mut whole.options.rng("\0parts"));
    shown.truncate(SHOWN_PARTS);
    let shown: Vec<_> = shown
        .into_iter()
        .map(|folder| Ok(open(folder)?.0))
        .collect::<Result<_, WriteError>>()?;
    let write = || {
        let metadata = serde_json::to_value(&whole)?;
        let page = html::page_of_datasets(&metadata, &shown)?;
        replace(&output.join(REPORT), page.as_bytes())?;
        let card = card::text(&whole, &files)?;
        replace(&output.join(CARD), card.as_bytes())?;
        let mut metadata = serde_json::to_vec_pretty(&whole)?;
        metadata.push(b'\n');
        replace(&output.join(METADATA), &metadata)?;
        File::open(&output)?.sync_all()
    };
    write().map_err(|error| WriteError::new("write", &output, error))?;
    Ok(whole.counts)
}

/// Refuses a folder whose metadata are those of something else.
fn check_replaceable(output: &Path) -> Result<(), WriteError> {
    let path = output.join(METADATA);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(WriteError::new("read", &path, error)),
    };
    let there: Option<Value> = serde_json::from_slice(&text).ok();
    let is_joined = |there: &Value| there.get("parts").is_some();
    if there.as_ref().is_some_and(is_joined) {
        return Ok(());
    }
    Err(WriteError(format!(
        "{} is not about joined parts: choose another --output",
        path.display()
    )))
}

/// The part in `folder`, and its report.
fn open(folder: &Path) -> Result<(Dataset, Report), WriteError> {
    let dataset = Dataset::open(folder).map_err(|error| WriteError(error.to_string()))?;
    let place = || folder.display().to_string();
    if dataset.metadata.get("partial").is_none() {
        return Err(WriteError(MergeError::Whole(place()).to_string()));
    }
    let report = serde_json::from_value(dataset.metadata.clone());
    let report = report.map_err(|error| {
        WriteError(format!(
            "{}/{METADATA}: {error}; join parts with the version of fimd that wrote them, which it names as `version`",
            place()
        ))
    })?;
    Ok((dataset, report))
}

/// The files of a part's examples, after checking that they hold as many as its
/// metadata tell.
fn counted(dataset: &Dataset, part: Split, expected: usize) -> Result<Vec<PathBuf>, WriteError> {
    let files = dataset.files(part);
    let files = files.map_err(|error| WriteError(error.to_string()))?;
    let paths: Vec<_> = files.into_iter().map(|(path, _)| path).collect();
    let mut found = 0;
    for path in &paths {
        found += parquet::count(path).map_err(|error| WriteError::new("read", path, error))?;
    }
    if let [first, ..] = &*paths
        && found != expected as u64
    {
        return Err(WriteError(format!(
            "{}: holds {found} examples with its shards, of which {METADATA} counts {expected}; make the part anew",
            first.display()
        )));
    }
    Ok(paths)
}

/// How `path` is reached from the folder `from`, which is canonical.
fn relative(from: &Path, path: &Path) -> Result<String, WriteError> {
    let wrong = |error: io::Error| WriteError::new("read", path, error);
    let path = fs::canonicalize(path).map_err(wrong)?;
    let shared = from.components().zip(path.components());
    let shared = shared.take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let relative: PathBuf = up.chain(path.components().skip(shared)).collect();
    let text = relative.to_str().map(str::to_owned);
    text.ok_or_else(|| WriteError::new("name", &path, "it is not UTF-8; rename it"))
}

/// Writes the file at `path` in one step.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    let mut file = tempfile::Builder::new()
        // As open as the umask lets any file be.
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
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
