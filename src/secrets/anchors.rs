//! Finds all anchors in a text: where a secret may be.

use std::ops::Range;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, BuildError};

/// Parts of a long text that are searched at once: each step waits for the one before
/// it in the same part, but not for the other parts.
const PARTS: usize = 4;
/// The least bytes of a text that is searched in parts. No measurement recorded.
const LONG: usize = 512;

/// Finds strings in either case, those that overlap too.
#[derive(Debug)]
pub(super) struct Anchors(DFA);

/// A part of a text in which anchors end.
struct Part {
    /// The byte behind which an anchor must end to be one of the part.
    behind: usize,
    /// The next byte.
    at: usize,
    end: usize,
}

impl Anchors {
    pub(super) fn new<'p>(anchors: impl Iterator<Item = &'p str>) -> Result<Self, BuildError> {
        let mut builder = DFA::builder();
        builder.ascii_case_insensitive(true).prefilter(false);
        Ok(Self(builder.build(anchors)?))
    }

    /// Calls `each` with the number and the bytes of every anchor in `text`, in no
    /// particular order.
    pub(super) fn find(&self, text: &str, mut each: impl FnMut(usize, Range<usize>)) {
        let Ok(start) = self.0.start_state(Anchored::No) else {
            return;
        };
        let bytes = text.as_bytes();
        let count = if bytes.len() < LONG { 1 } else { PARTS };
        let mut parts: [Part; PARTS] = std::array::from_fn(|number| {
            let border = |number: usize| bytes.len() * number.min(count) / count;
            let behind = border(number);
            // An anchor that ends in the part may begin in front of it.
            let at = behind.saturating_sub(self.0.max_pattern_len());
            let end = border(number + 1);
            Part { behind, at, end }
        });
        let mut states = [start; PARTS];
        let steps = parts.iter().map(|part| part.end - part.at).min();
        for _ in 0..steps.unwrap_or(0) {
            for (state, part) in states.iter_mut().zip(&mut parts) {
                self.step(bytes, state, part, &mut each);
            }
        }
        for (state, part) in states.iter_mut().zip(&mut parts) {
            while part.at < part.end {
                self.step(bytes, state, part, &mut each);
            }
        }
    }

    /// Reads the next byte of `part`.
    #[inline]
    fn step(
        &self,
        bytes: &[u8],
        state: &mut StateID,
        part: &mut Part,
        each: &mut impl FnMut(usize, Range<usize>),
    ) {
        *state = self.0.next_state(Anchored::No, *state, bytes[part.at]);
        part.at += 1;
        if self.0.is_special(*state) && self.0.is_match(*state) && part.at > part.behind {
            for index in 0..self.0.match_len(*state) {
                let anchor = self.0.match_pattern(*state, index);
                let start = part.at - self.0.pattern_len(anchor);
                each(anchor.as_usize(), start..part.at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_anchors_are_found_once(
            pieces in prop::collection::vec(
                prop_oneof![Just("pass"), Just("Word"), Just("as"), Just("s"), Just("x y"), Just("\u{e4}")],
                0..400,
            ),
        ) {
            let text = pieces.concat();
            let words = ["password", "ass", "s", "word", "ssw"];
            let anchors = Anchors::new(words.into_iter()).unwrap();
            let mut found = Vec::new();
            anchors.find(&text, |anchor, range| found.push((anchor, range.start, range.end)));
            found.sort_unstable();
            let lower = text.to_ascii_lowercase();
            let mut expected = Vec::new();
            for (number, word) in words.into_iter().enumerate() {
                for at in 0..text.len() {
                    if lower.as_bytes()[at..].starts_with(word.as_bytes()) {
                        expected.push((number, at, at + word.len()));
                    }
                }
            }
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
