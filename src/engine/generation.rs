//! Writing the dataset of a project: what `fimd generate` and the server's
//! jobs have in common.

use crate::cancel::Cancel;
use crate::dataset::report::Counts;
use crate::dataset::write::{Stage, WriteError};
use crate::dataset::{self, Options, Progress};

use super::Project;

/// Why a dataset was not written.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// There is none.
    #[error(transparent)]
    Dataset(#[from] dataset::Error),
    /// It cannot be put where it is wanted.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Generates the dataset of `project` as it is now and publishes it, in
/// parallel on the current rayon pool. The project should be one whose files
/// were found with the options' own include paths and limit of bytes.
///
/// # Errors
/// See [`GenerateError`]; the stage's output is then what it was.
pub fn generate(
    project: &Project,
    options: &Options,
    stage: Stage,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Counts, GenerateError> {
    let mut sink = stage.sink(options)?;
    let left_out = project.left_out();
    let snapshot = project.index.snapshot();
    let in_root = |key: &str| project.roots.owns(key);
    let mut report = dataset::run(&snapshot, options, &in_root, &mut sink, cancel, progress)?;
    for left_out in left_out.iter() {
        report.skip(&left_out.key, &left_out.rule);
    }
    cancel.check().map_err(dataset::Error::from)?;
    stage.publish(&report)?;
    Ok(report.counts)
}
