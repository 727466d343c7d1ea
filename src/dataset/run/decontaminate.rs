//! Finds what training shows of the validation. A context may quote any file, also one
//! of the validation, and files that are no copies of each other may share a function.
//! A model that has read a middle in training repeats it from memory, so its score on
//! that middle says nothing.

use std::io;
use std::ops::Range;

use serde::Deserialize;

use crate::cancel::Cancel;
use crate::dataset::duplicates::elsewhere::ShortMiddles;
use crate::dataset::duplicates::held_out::MiddleIndex;
use crate::dataset::duplicates::{MiddleRule, StoredHole, rule};
use crate::dataset::error::DatasetError;
use crate::dataset::run::assign::{MOST_SHOWING, ShowingExamples};
use crate::dataset::sink::{ExampleText, Sink};
use crate::dataset::split::UnseenCounts;

/// The holes that are read from the sink at a time.
const HOLES: usize = 4096;

/// The texts that an example shows.
#[derive(Deserialize)]
struct Texts {
    context: String,
    prefix: String,
    middle: String,
    suffix: String,
}

/// The examples of `all` that show the middles of those of `pool`, by their context or
/// by their prefix, middle and suffix. `pool` ascends. What an example shows of its own
/// cluster does not count: `cluster` gives the number of it. All examples are read from
/// `sink`. Memory holds the middles of `pool` as hashes of their tokens.
pub(super) fn showing(
    pool: &[usize],
    all: Range<usize>,
    cluster: &(dyn Fn(usize) -> usize + Sync),
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<ShowingExamples, DatasetError> {
    if pool.is_empty() {
        return Ok(ShowingExamples::default());
    }
    let holes = pool.chunks(HOLES).map(|chunk| sink.holes(chunk));
    let held_out = MiddleIndex::try_new(holes)?;
    let seen = held_out.none(MOST_SHOWING);
    let is_own = |middle: usize, example: usize| cluster(pool[middle]) == cluster(example);
    let all: Vec<_> = all.collect();
    look(&all, sink, cancel, &|shown| match shown {
        Shown::Windows(text, windows) => {
            held_out.look_at_windows(&text, &windows, &is_own, &seen);
        }
        Shown::Whole(example, text) => held_out.look(&text, example, &is_own, &seen),
    })?;
    let seen = pool.iter().enumerate().filter_map(|(number, example)| {
        let by = seen.of(number);
        (by.as_ref().is_none_or(|by| !by.is_empty())).then_some((*example, by))
    });
    Ok(seen.collect())
}

/// What was compared of the examples of `validation`, none of whose middles an example
/// of `train` gives away.
pub(super) fn unseen(
    train: &[usize],
    validation: &[usize],
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<UnseenCounts, DatasetError> {
    let mut counts = UnseenCounts::default();
    let mut short: Vec<StoredHole> = Vec::new();
    for chunk in validation.chunks(HOLES) {
        for hole in sink.holes(chunk)? {
            let rule = rule(hole.text());
            counts.note(rule);
            short.extend((rule == MiddleRule::InPlace).then_some(hole));
        }
    }
    let short = ShortMiddles::new(&short);
    // In the order of files, so the sink gives the text of each file once.
    let mut train = train.to_vec();
    train.sort_unstable();
    look(&train, sink, cancel, &|shown| match shown {
        Shown::Windows(text, windows) => {
            let windows: Vec<_> = windows.into_iter().map(|(_, window)| window).collect();
            short.look_at_windows(&text, &windows);
        }
        Shown::Whole(_, text) => short.look(&text),
    })?;
    counts.in_place_elsewhere = short.count();
    Ok(counts)
}

/// A text that some examples show.
enum Shown {
    /// Parts of the text of a file, each with the index of its example.
    Windows(String, Vec<(usize, Range<usize>)>),
    /// All of a text, and the index of its example.
    Whole(usize, String),
}

/// Calls `look` with all texts that the examples with these indices show. The indices
/// ascend.
fn look(
    wanted: &[usize],
    sink: &dyn Sink,
    cancel: &Cancel,
    look: &(dyn Fn(Shown) + Sync),
) -> Result<(), DatasetError> {
    let looked = sink.shown(wanted, &|shown| {
        cancel.check().map_err(io::Error::other)?;
        match shown {
            ExampleText::Source(text, windows) => look(Shown::Windows(text, windows)),
            ExampleText::Line(example, line) => {
                let Texts {
                    context,
                    prefix,
                    middle,
                    suffix,
                } = serde_json::from_slice(&line)?;
                look(Shown::Whole(example, context));
                look(Shown::Whole(example, [prefix, middle, suffix].concat()));
            }
        }
        Ok(())
    });
    cancel.check()?;
    Ok(looked?)
}
