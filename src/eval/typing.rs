//! Measures what a model server reads while somebody types: replays the typing of
//! methods of a project's own files, and compares each prompt with the one before it.
//!
//! A model server keeps what it has read. Of the next prompt it reads what stands behind
//! the longest common prefix with the last one. So the figure that matters is not the
//! length of a prompt but the tokens behind that prefix.
//!
//! The [`sessions`] depend only on the project's files, the seed and their number. Who
//! runs them makes the prompts, and hands them to a [`TypingTally`].

mod bodies;
mod change;
mod desk;
mod pauses;
mod report;

use rayon::prelude::*;

pub use self::change::PromptChange;
pub use self::desk::{TypingSession, TypingStep};
pub use self::report::{
    ChangeResult, MeasuredPrompt, ServerFigures, Spread, TypingRecall, TypingReport, TypingTally,
};

use self::bodies::MethodBody;
use super::candidates::ForeignNames;
use super::hole::words;
use super::holes::draw;
use crate::index::{Snapshot, SourceFile, training_exclusion};

/// The largest file in which a session types, in bytes.
const MAX_FILE_BYTES: usize = 256 << 10;
/// The number of files that are examined at a time.
const BATCH: usize = 64;

/// A file in which a session types, with the methods that it writes.
struct TypedFile<'a> {
    file: &'a SourceFile,
    bodies: Vec<MethodBody>,
}

/// Up to `most` sessions. Each types two methods of one file and one of another, of
/// files for which `is_own` is true.
#[must_use]
pub fn sessions(
    snapshot: &Snapshot,
    seed: u64,
    most: usize,
    is_own: &(impl Fn(&str) -> bool + Sync),
) -> Vec<TypingSession> {
    let mut files: Vec<(blake3::Hash, &SourceFile)> = snapshot
        .files()
        .filter(|file| {
            !file.lossy
                && file.text.len() <= MAX_FILE_BYTES
                && is_own(&file.path)
                && training_exclusion(&file.path).is_none()
        })
        .map(|file| (draw(seed, &["typing", &file.path]), &**file))
        .collect();
    files.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    let mut typed: Vec<(blake3::Hash, TypedFile<'_>)> = Vec::new();
    for batch in files.chunks(BATCH) {
        let found: Vec<_> = batch
            .par_iter()
            .map(|(hash, file)| {
                let bodies = ForeignNames::new(snapshot, file).typed_bodies();
                (*hash, TypedFile { file, bodies })
            })
            .collect();
        typed.extend(found.into_iter().filter(|(_, file)| file.bodies.len() > 1));
        if typed.len() >= 2 * most {
            break;
        }
    }
    let pairs = typed.chunks_exact(2).take(most);
    pairs
        .map(|pair| {
            let [(hash, first), (_, second)] = pair else {
                unreachable!("chunks of two")
            };
            desk::session(*hash, first, second)
        })
        .collect()
}

/// Whether `text` holds `name` as a whole word.
#[must_use]
pub fn holds_word(text: &str, name: &str) -> bool {
    words(text).any(|word| word == name)
}
