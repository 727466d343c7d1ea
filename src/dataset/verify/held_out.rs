//! The holes of a dataset's validation split, found again in the source that it was made
//! from.

use std::ops::Range;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::cancel::Cancel;
use crate::dataset::cut::foreign_names::NamesOfOthers;
use crate::dataset::cut::unfinished::Unfinished;
use crate::dataset::error::DatasetError;
use crate::dataset::record::{Example, SpanKind};
use crate::dataset::report::sample::Sample;
use crate::dataset::split::Split;
use crate::dataset::stored::{ReadError, StoredDataset};
use crate::dataset::verify::checker::around_hole;
use crate::index::{Snapshot, SourceFile};
use crate::model::{ControlTokens, source_text};
use crate::secrets::{Secrets, within};

/// A hole of the validation split.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldOutHole {
    /// The number of the project that its file is in.
    pub project: usize,
    /// The key of the file.
    pub path: String,
    /// The bytes of the file.
    pub range: Range<usize>,
    /// How it was chosen.
    pub kind: SpanKind,
    /// The first name in it that stands nowhere else in the file and that another file
    /// declares.
    pub needed: Option<String>,
    /// What is not typed yet in the buffer, beside the middle.
    pub unfinished: Option<Unfinished>,
}

/// Holes of the validation split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldOutHoles {
    /// The holes, in random order.
    pub holes: Vec<HeldOutHole>,
    /// The number of examples that are from the history of files, whose text is not in
    /// the files today. They give no holes.
    pub from_history: usize,
    /// The number of examples whose middle has a secret. They give no holes.
    pub with_secrets: usize,
}

/// Why there are no such holes.
#[derive(Debug, thiserror::Error)]
pub enum HeldOutError {
    /// The dataset cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An example is not from the projects as they are.
    #[error("{file}: {reason}; name the projects that the dataset was made from, as they were")]
    Source {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// Another error.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

impl HeldOutError {
    fn of(example: &Example, reason: String) -> Self {
        Self::Source {
            file: example.filepath.clone(),
            reason,
        }
    }
}

/// A project that a dataset was made from.
#[derive(Clone, Copy, Debug)]
pub struct DatasetSource<'a> {
    /// Its name in the examples; none if the dataset has one project.
    pub name: Option<&'a str>,
    /// Its index.
    pub snapshot: &'a Snapshot,
}

/// Up to `most` holes of the validation split of `dataset`, of these `kinds` or of any,
/// drawn with `seed`. Each is compared with its file in `sources`. `tokens` are those of
/// the dataset's family.
///
/// # Errors
/// [`HeldOutError`], and once `cancel` is set.
pub fn held_out_holes(
    dataset: &impl StoredDataset,
    sources: &[DatasetSource<'_>],
    tokens: &ControlTokens,
    kinds: &[SpanKind],
    most: usize,
    seed: u64,
    cancel: &Cancel,
) -> Result<HeldOutHoles, HeldOutError> {
    let secrets = Secrets::new().map_err(DatasetError::from)?;
    let files = sources.iter().map(|source| {
        let files = source.snapshot.files();
        files.map(|file| (&*file.path, &**file)).collect()
    });
    let files: Vec<FxHashMap<&str, &SourceFile>> = files.collect();
    let mut sample = Sample::new(most, seed, "\0completion");
    let mut held_out = HeldOutHoles::default();
    for (number, example) in (1..).zip(dataset.examples(Split::Validation)?) {
        cancel.check().map_err(DatasetError::from)?;
        let example = example?;
        if !kinds.is_empty() && !kinds.contains(&example.span_kind) {
            continue;
        }
        if example.history_commit.is_some() {
            held_out.from_history += 1;
            continue;
        }
        let (project, file) = source_of(&example, sources, &files)?;
        let range = example.start_byte..example.end_byte;
        let found = file.secrets(&secrets);
        if example.redacted > 0 && within(found, range.clone()).next().is_some() {
            held_out.with_secrets += 1;
            continue;
        }
        let unfinished = unfinished(&example, file, tokens);
        let unfinished = unfinished.map_err(|reason| HeldOutError::of(&example, reason))?;
        sample.offer((Split::Validation, number), || HeldOutHole {
            project,
            path: example.filepath,
            range,
            kind: example.span_kind,
            needed: None,
            unfinished,
        });
    }
    held_out.holes = sample.drawn().map(|(_, hole)| hole).collect();
    held_out.holes.par_iter_mut().for_each(|hole| {
        let file = files[hole.project][&*hole.path];
        let snapshot = sources[hole.project].snapshot;
        let names = NamesOfOthers::new(snapshot, &file.path, &file.text);
        hole.needed = names.first_in(&hole.range).map(str::to_owned);
    });
    Ok(held_out)
}

/// The number of the project that `example` is of, and its file there. `files` are those
/// of each of `sources`, by their keys.
fn source_of<'f>(
    example: &Example,
    sources: &[DatasetSource<'_>],
    files: &[FxHashMap<&str, &'f SourceFile>],
) -> Result<(usize, &'f SourceFile), HeldOutError> {
    let repo = example.repo.as_deref();
    let project = sources.iter().position(|source| source.name == repo);
    let project = project.ok_or_else(|| {
        let repo = repo.unwrap_or("without a name");
        HeldOutError::of(
            example,
            format!("it is of the project {repo}, which is not named"),
        )
    })?;
    match files[project].get(&*example.filepath) {
        Some(file) => Ok((project, file)),
        None => Err(HeldOutError::of(example, "it is not in the project".into())),
    }
}

/// What is not typed yet in the buffer of `example`, beside the middle.
///
/// # Errors
/// If the example is not from the text of `file`: what is wrong, in words.
fn unfinished(
    example: &Example,
    file: &SourceFile,
    tokens: &ControlTokens,
) -> Result<Option<Unfinished>, String> {
    let changed = || "it has changed since the dataset was made".to_owned();
    let text = &*file.text;
    let range = example.start_byte..example.end_byte;
    around_hole(text, example).ok_or_else(changed)?;
    if source_text(text, range.clone(), &[]) != tokens.restore(&example.middle) {
        return Err(changed());
    }
    let Some(written) = &example.buffer else {
        return Ok(None);
    };
    let unfinished: Unfinished = written
        .parse()
        .map_err(|()| format!("its example has the buffer {written:?}, which is none"))?;
    unfinished.around(text, &range).ok_or_else(changed)?;
    Ok(Some(unfinished))
}
