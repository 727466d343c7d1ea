//! A few random examples of one project, without a dataset.

use std::sync::Arc;

use rand::RngExt;
use rand::seq::SliceRandom;

use crate::cancel::Cancel;
use crate::dataset::cut::example::ExampleBuilder;
use crate::dataset::error::DatasetError;
use crate::dataset::options::{Dedup, Options};
use crate::dataset::record::Example;
use crate::dataset::repo::Repo;
use crate::dataset::select::sources::{sources, text_hashes};
use crate::model::Model;
use crate::php::spans::SpanParser;
use crate::secrets::Secrets;

/// Up to `count` random examples for `model`, from as many different files as
/// possible.
///
/// # Errors
/// See [`DatasetError`].
pub fn preview(
    repo: &Repo<'_>,
    options: &Options,
    model: &Model,
    count: usize,
    cancel: &Cancel,
) -> Result<Vec<Example>, DatasetError> {
    options.check()?;
    let secrets = Secrets::new()?;
    // The search for near duplicates would compare the whole project.
    let quick = Options {
        dedup: match options.dedup {
            Dedup::Near => Dedup::Exact,
            other => other,
        },
        val_split: 0.0,
        ..options.clone()
    };
    let hashes = text_hashes(repo, cancel)?;
    let sources = sources(repo, &quick, &hashes, &|_| None, cancel)?;
    let maker = ExampleBuilder {
        repo,
        options,
        model,
        secrets: &secrets,
        cancel,
    };
    let mut parser = SpanParser::new()?;
    let mut files = sources.used;
    let mut rng = options.rng("\0preview");
    files.shuffle(&mut rng);
    let mut pending = Vec::new();
    let mut examples = Vec::new();
    for source in files {
        if examples.len() == count {
            break;
        }
        let mut plan = maker.plan(source.file, &mut parser)?;
        if !plan.holes.is_empty() {
            let at = rng.random_range(0..plan.holes.len());
            let planned = plan.holes.swap_remove(at);
            let made = maker.example(&plan, &planned.hole)?.example;
            examples.extend(made.ok().map(|made| made.example));
            let holes = std::mem::take(&mut plan.holes);
            let plan = Arc::new(plan);
            let others = holes.into_iter().map(|planned| planned.hole);
            pending.extend(others.map(|hole| (Arc::clone(&plan), hole)));
        }
    }
    pending.shuffle(&mut rng);
    for (plan, hole) in pending {
        if examples.len() == count {
            break;
        }
        let made = maker.example(&plan, &hole)?.example;
        examples.extend(made.ok().map(|made| made.example));
    }
    if examples.is_empty() {
        return Err(DatasetError::NoExamples(sources.files));
    }
    Ok(examples)
}
