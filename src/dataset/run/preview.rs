//! A few random examples of one project, without a dataset.

use std::sync::Arc;

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::cancel::Cancel;
use crate::dataset::cut::example::ExampleBuilder;
use crate::dataset::cut::holes::Hole;
use crate::dataset::cut::plan::FilePlan;
use crate::dataset::cut::quota::Quota;
use crate::dataset::error::{DatasetError, NothingCut};
use crate::dataset::evaluation::Evaluations;
use crate::dataset::options::{Dedup, Options};
use crate::dataset::record::Example;
use crate::dataset::reject::NO_HOLE;
use crate::dataset::repo::Repo;
use crate::dataset::run::tell_idle;
use crate::dataset::select::sources::{ExampleSource, SourceSelection, sources, text_hashes};
use crate::model::Model;
use crate::php::spans::SpanParser;
use crate::secrets::Secrets;

/// A planned file, and one of its holes.
type Draw<'a> = (Arc<FilePlan<'a>>, Hole);

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
    evaluations: &Evaluations,
    cancel: &Cancel,
) -> Result<Vec<Example>, DatasetError> {
    options.check()?;
    tell_idle(options);
    let secrets = Secrets::new()?;
    let hashes = text_hashes(repo, cancel)?;
    let SourceSelection {
        files,
        mut used,
        skipped,
        ..
    } = sources(repo, &quick(options), &hashes, &|_| None, cancel)?;
    let builder = ExampleBuilder {
        repo,
        options,
        model,
        secrets: &secrets,
        evaluations,
        cancel,
    };
    let mut rng = options.rng("\0preview");
    used.shuffle(&mut rng);
    let mut examples = Vec::new();
    let mut nothing = NothingCut {
        files,
        ..NothingCut::default()
    };
    for file in skipped {
        *nothing.left_out.entry(file.reason).or_default() += 1;
    }
    let drawn = &mut examples;
    let mut rest = one_of_each_file(&builder, &used, count, &mut rng, drawn, &mut nothing)?;
    rest.shuffle(&mut rng);
    for (plan, hole) in rest {
        if examples.len() == count {
            break;
        }
        let built = builder.example(&plan, &hole, None)?.example;
        examples.extend(built.ok().map(|built| built.example));
    }
    if examples.is_empty() {
        return Err(DatasetError::NoExamples(nothing));
    }
    Ok(examples)
}

/// `options` without the search for near duplicates, which compares all files of the
/// project.
fn quick(options: &Options) -> Options {
    Options {
        dedup: match options.dedup {
            Dedup::Near => Dedup::Exact,
            other => other,
        },
        val_split: 0.0,
        ..options.clone()
    }
}

/// Adds the example of a random hole of each of `files` to `examples`, up to `count`,
/// and their rejected holes to `nothing`. Returns the other holes of these files.
fn one_of_each_file<'a>(
    builder: &ExampleBuilder<'_>,
    files: &[ExampleSource<'a>],
    count: usize,
    rng: &mut ChaCha8Rng,
    examples: &mut Vec<Example>,
    nothing: &mut NothingCut,
) -> Result<Vec<Draw<'a>>, DatasetError> {
    let mut parser = SpanParser::new()?;
    let mut quota = Quota::new(&builder.options.mix, rng);
    let mut rest = Vec::new();
    for source in files {
        if examples.len() == count {
            break;
        }
        let mut plan = builder.plan(source, &mut parser)?;
        plan.take(&mut quota, Dedup::Off, |_, _| false);
        for (reason, count) in &plan.proposals.rejected {
            *nothing.rejected.entry((*reason).to_owned()).or_default() += count;
        }
        if plan.holes.is_empty() {
            *nothing.left_out.entry(NO_HOLE.to_owned()).or_default() += 1;
            continue;
        }
        let at = rng.random_range(0..plan.holes.len());
        let drawn = plan.holes.swap_remove(at);
        let built = builder.example(&plan, &drawn.hole, None)?.example;
        examples.extend(built.ok().map(|built| built.example));
        let holes = std::mem::take(&mut plan.holes);
        let plan = Arc::new(plan);
        rest.extend(
            holes
                .into_iter()
                .map(|keyed| (Arc::clone(&plan), keyed.hole)),
        );
    }
    Ok(rest)
}
