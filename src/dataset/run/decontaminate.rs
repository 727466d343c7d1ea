//! Removes from the validation what training shows. A context may quote any file,
//! also one of the validation, and files that are no copies of each other may share
//! a function. A model that has read a middle in training repeats it from memory,
//! so its score on that middle says nothing.

use std::io;

use serde::Deserialize;

use crate::cancel::Cancel;
use crate::dataset::duplicates::held_out::MiddleIndex;
use crate::dataset::error::DatasetError;
use crate::dataset::sink::{ExampleText, Sink};

/// The texts that an example shows.
#[derive(Deserialize)]
struct Texts {
    context: String,
    prefix: String,
    middle: String,
    suffix: String,
}

/// Takes those examples out of `validation` whose middle an example of `train`
/// gives away, by its context or by its prefix, middle and suffix: see
/// [`crate::dataset::duplicates::near_contains`]. Returns them. It reads the
/// examples from `sink`, and holds the middles of the validation in memory, as
/// hashes of their tokens.
pub(super) fn take_leaked(
    train: &[usize],
    validation: &mut Vec<usize>,
    sink: &dyn Sink,
    cancel: &Cancel,
) -> Result<Vec<usize>, DatasetError> {
    let middles = sink.middles(validation)?;
    if middles.is_empty() {
        return Ok(Vec::new());
    }
    let held_out = MiddleIndex::new(&middles);
    drop(middles);
    let given_away = held_out.none();
    // In the order of files, so the sink gives the text of each file once.
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
    let all = std::mem::take(validation).into_iter();
    let leaked;
    (leaked, *validation) =
        all.partition(|_| numbers.next().is_some_and(|number| given_away.has(number)));
    Ok(leaked)
}
