//! Generating a dataset: `fimd generate` and the server's jobs call the same
//! function.

use super::error::GenerateError;
use super::sources::{DatasetSources, SourceItem, SourceNeeds};
use crate::cancel::Cancel;
use crate::dataset::report::DatasetCounts;
use crate::dataset::write::{StagingFolder, Task, WithRejects, read_evaluations};
use crate::dataset::{DatasetError, Options, Progress, Run};
use crate::model::{Families, Model};

/// Generates the dataset of `sources`, one project after another, in parallel on
/// the current rayon pool, and publishes it.
///
/// # Errors
/// See [`GenerateError`]. The output of `stage` is then unchanged.
pub fn generate(
    sources: DatasetSources,
    options: &Options,
    families: &Families,
    stage: StagingFolder,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<DatasetCounts, GenerateError> {
    let model = options
        .model(families, std::fs::read)
        .map_err(DatasetError::from)?;
    let options = &measured(options, &sources, &model, cancel)?;
    let evaluations = read_evaluations(options)?;
    let paths = sources.paths().map(|path| path.display().to_string());
    // A run is not resumed if an evaluation holds something else than before.
    let held = evaluations.summaries().iter();
    let held = held.map(|evaluation| format!("{} {}", evaluation.name, evaluation.digest));
    let task = Task::new(options, model.family(), paths.chain(held))?;
    let sink = stage.sink(&task, options)?;
    let mut sink = WithRejects::new(sink, options.rejects.as_deref(), &stage)?;
    let mut run = Run::new(options, &model, &evaluations, &mut sink, cancel, progress)?;
    let check = || cancel.check().map_err(GenerateError::from);
    let needs = SourceNeeds {
        names: options.provenance || options.partial || sources.only().is_none(),
        origin: options.provenance,
        contexts: options.context_budget() > 0,
        history: options.git,
    };
    sources.each(needs, &check, &mut |item| match item {
        SourceItem::Project(repo) => Ok(run.project(repo)?),
        SourceItem::RefusedRow(row) => {
            run.skip_row(row);
            Ok(())
        }
    })?;
    let (report, page) = run.finish()?;
    check()?;
    sink.publish(|| stage.publish(&report, page.as_deref()))?;
    Ok(report.counts)
}

/// `options` with the characters per token of the first project, if they are to be
/// measured.
fn measured(
    options: &Options,
    sources: &DatasetSources,
    model: &Model,
    cancel: &Cancel,
) -> Result<Options, GenerateError> {
    let mut options = options.clone();
    if options.measures_tokens() {
        let files = sources.first_files(&|| cancel.check().map_err(GenerateError::from))?;
        options.measure_tokens(&files, model)?;
    }
    Ok(options)
}
