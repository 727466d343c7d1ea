//! Keeps what validates unseen: an editor's context may quote any file, those
//! of the validation too, and files that are no copies of each other may share
//! a function. Whoever measures on such a middle measures memory.

use std::io;

use serde::Deserialize;

use crate::cancel::Cancel;
use crate::dataset::duplicates::held_out::MiddleIndex;
use crate::dataset::error::DatasetError;
use crate::dataset::sink::{ExampleText, Sink};

/// What an example shows.
#[derive(Deserialize)]
struct Texts {
    context: String,
    prefix: String,
    middle: String,
    suffix: String,
}

/// Takes those examples out of `val` whose middle one of `train` gives away, by
/// its context or by its own text around and in the hole: see
/// [`crate::dataset::duplicates::near_contains`]. They are read from `sink`; in memory are
/// the middles of the validation, as hashes of their tokens.
pub(in crate::dataset) fn take_seen(
    train: &[usize],
    val: &mut Vec<usize>,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Vec<usize>, DatasetError> {
    let middles = sink.middles(val)?;
    if middles.is_empty() {
        return Ok(Vec::new());
    }
    let held_out = MiddleIndex::new(&middles);
    drop(middles);
    let given_away = held_out.none();
    // File by file: their windows overlap, and a text is looked through once.
    let mut train = train.to_vec();
    train.sort_unstable();
    let looked = sink.shown(&train, &|shown| {
        cancel.check().map_err(io::Error::other)?;
        match shown {
            ExampleText::Source(text, windows) => {
                held_out.look_at_windows(&text, &windows, &given_away)
            }
            ExampleText::Line(line) => {
                let Texts {
                    context,
                    prefix,
                    middle,
                    suffix,
                } = serde_json::from_slice(&line)?;
                held_out.look(&context, &given_away);
                held_out.look(&[prefix, middle, suffix].concat(), &given_away);
            }
        }
        Ok(())
    });
    cancel.check()?;
    looked?;
    let mut numbers = 0..;
    let all = std::mem::take(val).into_iter();
    let seen;
    (seen, *val) = all.partition(|_| numbers.next().is_some_and(|number| given_away.has(number)));
    Ok(seen)
}
