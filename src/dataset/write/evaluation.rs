//! Reads what evaluations hold.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::dataset::duplicates::HoleText;
use crate::dataset::evaluation::{EvaluationBuilder, Evaluations};
use crate::dataset::options::Options;
use crate::dataset::split::Split;
use crate::dataset::stored::StoredDataset;
use crate::dataset::write::error::DatasetWriteError;
use crate::dataset::write::read::Dataset;

/// What [`Options::exclude_dataset`] and [`Options::contamination`] name.
///
/// # Errors
/// [`DatasetWriteError`] if one of them cannot be read.
pub fn read_evaluations(options: &Options) -> Result<Evaluations, DatasetWriteError> {
    let Options {
        exclude_dataset,
        contamination,
        ..
    } = options;
    let datasets = exclude_dataset
        .iter()
        .map(PathBuf::as_path)
        .map(read_dataset);
    let files = contamination.iter().map(PathBuf::as_path).map(read_file);
    let all = datasets.chain(files).collect::<Result<_, _>>()?;
    Ok(Evaluations::new(all))
}

/// An evaluation that is called like the last part of `path`.
fn named(path: &Path) -> EvaluationBuilder {
    let name = path.file_name().unwrap_or_default();
    EvaluationBuilder::new(&name.to_string_lossy())
}

/// The holes of the dataset in `folder`.
fn read_dataset(folder: &Path) -> Result<EvaluationBuilder, DatasetWriteError> {
    let wrong =
        |error: &dyn std::fmt::Display| DatasetWriteError(format!("exclude_dataset: {error}"));
    let mut evaluation = named(folder);
    let dataset = Dataset::open(folder).map_err(|error| wrong(&error))?;
    for split in Split::ALL {
        for example in dataset.examples(split).map_err(|error| wrong(&error))? {
            let example = example.map_err(|error| wrong(&error))?;
            evaluation.hole(HoleText {
                before: &example.prefix,
                middle: &example.middle,
                after: &example.suffix,
            });
        }
    }
    Ok(evaluation)
}

/// A line of a file of contamination. Other fields may be there.
#[derive(Deserialize)]
struct Line {
    text: Option<String>,
    middle: Option<String>,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    suffix: String,
}

/// The holes and texts in the JSON lines of `file`.
fn read_file(file: &Path) -> Result<EvaluationBuilder, DatasetWriteError> {
    let wrong = |error: &dyn std::fmt::Display| {
        DatasetWriteError(format!("contamination: {}: {error}", file.display()))
    };
    let mut evaluation = named(file);
    let is_compressed = file.extension().is_some_and(|ending| ending == "zst");
    let open = || -> io::Result<Box<dyn BufRead>> {
        let opened = File::open(file)?;
        Ok(match is_compressed {
            true => Box::new(BufReader::new(zstd::Decoder::new(opened)?)),
            false => Box::new(BufReader::new(opened)),
        })
    };
    let lines = open().map_err(|error| wrong(&error))?.lines();
    for (number, line) in (1..).zip(lines) {
        let line = line.map_err(|error| wrong(&error))?;
        if line.trim().is_empty() {
            continue;
        }
        let wrong = |error: &dyn std::fmt::Display| wrong(&format!("line {number}: {error}"));
        let line: Line = serde_json::from_str(&line).map_err(|error| wrong(&error))?;
        match (&line.middle, &line.text) {
            // The text of an example repeats its parts.
            (Some(middle), _) => evaluation.hole(HoleText {
                before: &line.prefix,
                middle,
                after: &line.suffix,
            }),
            (None, Some(text)) => evaluation.text(text),
            (None, None) => return Err(wrong(&"expected a middle or a text, found neither")),
        }
    }
    Ok(evaluation)
}
