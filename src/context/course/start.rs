//! Where a course begins at a cursor for which no course is known.
//!
//! A context grows while somebody types, so a model has to learn from contexts that have
//! grown. A training example knows no earlier requests, so the text before the cursor
//! draws how many checkpoints before it the course begins. The first request of a client
//! at a place begins there as well: it is asked with the bytes that training shows.

use xxhash_rust::xxh3::xxh3_64;

use super::checkpoint::checkpoints;
use crate::context::weights::COURSE_BYTES;

/// How many in a hundred courses begin how many checkpoints before their first cursor.
/// Each checkpoint takes as long as a context.
const STEPS: [(u64, usize); 5] = [(60, 0), (20, 1), (12, 2), (5, 3), (3, 5)];
/// The bytes before the cursor that draw.
const DRAWING_BYTES: usize = 1024;

/// The byte of `before`, the text before the cursor, at which a course begins if none is
/// known for the cursor.
#[must_use]
pub fn first_start(before: &str) -> usize {
    let from = before.len().saturating_sub(DRAWING_BYTES);
    let mut drawn = xxh3_64(&before.as_bytes()[from..]) % 100;
    for (share, steps) in STEPS {
        if drawn < share {
            return start_before(before, steps);
        }
        drawn -= share;
    }
    before.len()
}

/// The start of a course that has `steps` checkpoints in `before`, the start included;
/// the end of the text with 0, or without so many near by.
fn start_before(before: &str, steps: usize) -> usize {
    // Each line begins with a checkpoint.
    let lines = memchr::memrchr_iter(b'\n', before.as_bytes());
    let from = lines
        .take(steps)
        .last()
        .filter(|from| before.len() - from <= COURSE_BYTES);
    let near = from.map(|from| checkpoints(before, from));
    let near = near.unwrap_or_default();
    near.len()
        .checked_sub(steps)
        .and_then(|at| near.get(at).copied())
        .unwrap_or(before.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_courses_begin_at_the_cursor_and_all_others_before_it() {
        let tail = "\n$a->b(\n$c->d(\n$e";
        let starts: Vec<usize> = (1000..2000)
            .map(|number| first_start(&format!("<?php {number}{tail}")) - "<?php 1000".len())
            .collect();
        let count = |at: usize| starts.iter().filter(|start| **start == at).count();
        assert!((550..650).contains(&count(tail.len())));
        let others = [
            (20, "\n$a->b(\n$c->d(\n"),
            (12, "\n$a->b(\n$c->d("),
            (5, "\n$a->b(\n$c->"),
            (3, "\n$a->b("),
        ];
        for (share, at) in others {
            let found = count(at.len());
            assert!((share * 6..share * 14).contains(&found), "{at:?}: {found}");
        }
    }

    #[test]
    fn a_text_without_a_checkpoint_begins_at_the_cursor() {
        for number in 0..100 {
            let text = format!("<?php {number}");
            assert_eq!(first_start(&text), text.len());
        }
    }
}
