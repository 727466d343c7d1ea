//! Compares the holes of a run with training data.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::holes::Plan;
use crate::cancel::Cancel;
use crate::cli::CliError;
use crate::dataset::duplicates::{HoleText, StoredHole};
use crate::dataset::verify::training::{TrainingOverlap, TrainingSearch};
use crate::dataset::write::read::Dataset;

/// The most files that a message names.
const NAMED_FILES: usize = 5;

/// What training data has of the holes of a run.
struct PlanOverlap {
    /// The number of files with holes.
    files: usize,
    /// Those of them that it has.
    held: Vec<String>,
    found: TrainingOverlap,
}

/// Compares the holes of `plan` with the training splits of the datasets in `folders`, and
/// leaves out those whose middles these show. With `allow` all stay.
///
/// # Errors
/// If a dataset cannot be read, or has files with holes and they are not allowed.
pub(super) fn leave_out_trained<'f>(
    plan: &mut Plan,
    folders: impl Iterator<Item = &'f PathBuf>,
    allow: bool,
) -> Result<(), CliError> {
    let opened = folders.map(|folder| Dataset::open(folder));
    let training: Vec<Dataset> = opened.collect::<Result<_, _>>()?;
    if training.is_empty() {
        return Ok(());
    }
    let found = overlap(plan, &training)?;
    plan.without(found, allow)
}

/// Looks for the files of the holes of `plan`, and for their middles, in the training
/// splits of `training`.
fn overlap(plan: &Plan, training: &[Dataset]) -> Result<PlanOverlap, CliError> {
    let mut by_path: BTreeMap<(&str, usize), &str> = BTreeMap::new();
    for hole in &plan.holes {
        by_path.insert((&hole.file.path, hole.project), &hole.file.text);
    }
    let files: Vec<(&str, &str)> = by_path
        .iter()
        .map(|((path, _), text)| (*path, *text))
        .collect();
    let stored = plan.holes.iter().map(|hole| {
        let text = &*hole.file.text;
        StoredHole::new(HoleText {
            before: &text[..hole.range.start],
            middle: hole.middle(),
            after: &text[hole.range.end..],
        })
    });
    let stored: Vec<StoredHole> = stored.collect();
    let mut search = TrainingSearch::new(&files, &stored);
    for dataset in training {
        search
            .look(dataset, &Cancel::default())
            .map_err(|error| CliError::Failure(error.to_string()))?;
    }
    let found = search.finish(stored.len());
    let label = |(path, project): &(&str, usize)| plan.label(path, *project);
    let names: Vec<String> = by_path.keys().map(label).collect();
    Ok(PlanOverlap {
        files: files.len(),
        held: found.files.iter().map(|at| names[*at].clone()).collect(),
        found,
    })
}

impl Plan {
    /// Leaves out the holes that training data shows.
    fn without(&mut self, overlap: PlanOverlap, allow: bool) -> Result<(), CliError> {
        let PlanOverlap { files, held, found } = overlap;
        if allow {
            self.note(held.len(), "files with holes are in the training data");
            self.note(
                found.holes.len(),
                "holes have middles that the training data shows",
            );
            return Ok(());
        }
        if !held.is_empty() {
            let shown = held[..held.len().min(NAMED_FILES)].join(", ");
            let more = match held.len().saturating_sub(NAMED_FILES) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            return Err(CliError::Failure(format!(
                "the training data has text of {} of {files} files: {shown}{more}; measure \
                 files that are held out, or say --allow-overlap",
                held.len(),
            )));
        }
        self.note(
            found.holes.len(),
            "holes have middles that the training data shows: left out",
        );
        let mut number = 0..;
        self.holes.retain(|_| {
            let number = number.next();
            number.is_some_and(|number| !found.holes.contains(&number))
        });
        Ok(())
    }
}
