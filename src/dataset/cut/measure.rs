//! Counts the lines and characters of any part of a text.

use std::ops::Range;

use crate::text::line_end;

/// Counts the lines and characters of any part of a text, in time that does not
/// grow with the part.
#[derive(Debug)]
pub(in crate::dataset) struct TextMeasure<'a> {
    text: &'a str,
    /// Where each line starts, in bytes.
    lines: Vec<u32>,
    /// The characters before every [`Self::STEP`]th byte. Empty if the text is
    /// ASCII.
    chars: Vec<u32>,
}

impl<'a> TextMeasure<'a> {
    /// The bytes between two entries of `chars`.
    const STEP: usize = 256;

    /// Indexes `text`.
    pub(in crate::dataset) fn new(text: &'a str) -> Self {
        let newlines = memchr::memchr_iter(b'\n', text.as_bytes());
        let lines = std::iter::once(0)
            .chain(newlines.map(|at| at + 1))
            .filter_map(|at| u32::try_from(at).ok())
            .collect();
        let mut chars = Vec::new();
        if !text.is_ascii() {
            let mut before = 0;
            for block in text.as_bytes().chunks(Self::STEP) {
                chars.push(before);
                before += starts_of_chars(block);
            }
            chars.push(before);
        }
        Self { text, lines, chars }
    }

    /// The number of characters in `range`.
    pub(in crate::dataset) fn chars(&self, range: Range<usize>) -> usize {
        if self.chars.is_empty() {
            return range.len();
        }
        let before = |at: usize| {
            let block = at / Self::STEP;
            let rest = &self.text.as_bytes()[block * Self::STEP..at];
            (self.chars[block] + starts_of_chars(rest)) as usize
        };
        before(range.end) - before(range.start)
    }

    /// The number of lines that `range` has a part of. A line break at its end
    /// begins no new line.
    pub(in crate::dataset) fn lines(&self, range: Range<usize>) -> usize {
        let line = |at: usize| self.lines.partition_point(|start| *start as usize <= at);
        if range.is_empty() {
            return 0;
        }
        line(range.end - 1) - line(range.start) + 1
    }

    /// The text.
    pub(in crate::dataset) fn text(&self) -> &'a str {
        self.text
    }

    /// The number of lines of the text, an empty last line included.
    pub(in crate::dataset) fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// The bytes of line `number`, counted from 0, without its line break.
    pub(in crate::dataset) fn line(&self, number: usize) -> Range<usize> {
        let start = self.lines[number] as usize;
        start..line_end(self.text, start)
    }
}

/// The number of characters that start in `bytes` of UTF-8.
fn starts_of_chars(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .map(|byte| u32::from(byte & 0xC0 != 0x80))
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn measures_agree_with_counting(text: String, a: prop::sample::Index, b: prop::sample::Index) {
            let at = |index: prop::sample::Index| text.floor_char_boundary(index.index(text.len() + 1));
            let (a, b) = (at(a), at(b));
            let range = a.min(b)..a.max(b);
            let measure = TextMeasure::new(&text);
            prop_assert_eq!(measure.chars(range.clone()), text[range.clone()].chars().count());
            prop_assert_eq!(measure.lines(range.clone()), text[range].lines().count());
        }
    }
}
