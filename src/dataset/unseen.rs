//! Keeps what validates unseen: an editor's context may quote any file, those
//! of the validation too, and files that are no copies of each other may share
//! a function. Whoever measures on such a middle measures memory.

use std::io;

use serde::Deserialize;

use super::duplicates::held_out::HeldOut;
use super::split::Parts;
use super::{Error, Shown, Sink};
use crate::cancel::Cancel;

/// The reason of an example that would validate with what training shows.
pub(super) const SEEN: &str = "seen_in_training";

/// What an example shows.
#[derive(Deserialize)]
struct Texts {
    context: String,
    prefix: String,
    middle: String,
    suffix: String,
}

/// Moves those examples of `parts.val` to `parts.seen` whose middle an example
/// to train on gives away, by its context or by its own text around and in the
/// hole: see [`super::duplicates::near_contains`]. They are read from `sink`;
/// in memory are the middles of the validation, as hashes of their tokens.
pub(super) fn set_apart(
    parts: &mut Parts,
    sink: &mut dyn Sink,
    cancel: &Cancel,
) -> Result<(), Error> {
    let middles = sink.middles(&parts.val)?;
    if middles.is_empty() {
        return Ok(());
    }
    let held_out = HeldOut::new(&middles);
    drop(middles);
    let given_away = held_out.none();
    // File by file: their windows overlap, and a text is looked through once.
    let mut train = parts.train.clone();
    train.sort_unstable();
    let looked = sink.shown(&train, &|shown| {
        cancel.check().map_err(io::Error::other)?;
        match shown {
            Shown::Text(text, windows) => held_out.look_at_windows(&text, &windows, &given_away),
            Shown::Line(line) => {
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
    let val = std::mem::take(&mut parts.val).into_iter();
    (parts.seen, parts.val) =
        val.partition(|_| numbers.next().is_some_and(|number| given_away.has(number)));
    Ok(())
}
