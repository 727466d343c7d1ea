//! The claims that an example makes by itself, beside its source.

use memchr::memmem;
use rayon::prelude::*;

use super::{Claim, Placed, quoted};
use crate::cancel::{Cancel, Cancelled};
use crate::context;
use crate::dataset::duplicates::near_contains;
use crate::dataset::{Example, InRoot, Options, quality};
use crate::index::Snapshot;

/// The claims that [`Checker::check`] checks of each example.
pub(super) const CLAIMS: [Claim; 7] = [
    Claim::Source,
    Claim::RoundTrip,
    Claim::Text,
    Claim::Markers,
    Claim::Budget,
    Claim::Context,
    Claim::Metadata,
];

/// What examples are held against.
pub(super) struct Checker<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) in_root: InRoot<'a>,
    pub(super) options: Options,
    pub(super) cancel: &'a Cancel,
}

/// What came of checking one example.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) breaches: Vec<(Claim, String)>,
    /// Whether its parts stand in its file as they should.
    pub(super) fits: bool,
}

impl Checker<'_> {
    /// Checks each example of `batch`, in its order.
    pub(super) fn check(&self, batch: &[Placed]) -> Result<Vec<Checked>, Cancelled> {
        let check = |(_, example): &Placed| {
            self.cancel.check()?;
            let mut breaches = Vec::new();
            let fits = self.fits_source(example, &mut breaches);
            self.text(example, &mut breaches);
            self.budget(example, &mut breaches);
            if near_contains(&example.context, &example.middle) {
                let what = format!("the context gives {} away", quoted(&example.middle));
                breaches.push((Claim::Context, what));
            }
            figures(example, &mut breaches);
            Ok(Checked { breaches, fits })
        };
        batch.par_iter().map(check).collect()
    }

    /// Whether the example's parts are its file's own text.
    fn fits_source(&self, example: &Example, breaches: &mut Vec<(Claim, String)>) -> bool {
        let text = match self.source(&example.filepath) {
            Ok(text) => text,
            Err(why) => {
                breaches.push((Claim::Source, why));
                return false;
            }
        };
        if example.end_byte > text.len() {
            let what = format!(
                "the file has changed since: it has {} bytes, and the hole is {}..{}",
                text.len(),
                example.start_byte,
                example.end_byte
            );
            breaches.push((Claim::Source, what));
            return false;
        }
        match misfit(example, text) {
            Some(what) => {
                breaches.push((Claim::RoundTrip, what));
                false
            }
            None => true,
        }
    }

    /// The text of the project's own file `key`, or what has become of it.
    pub(super) fn source(&self, key: &str) -> Result<&str, String> {
        match self.snapshot.file(key) {
            None => Err("the file has changed since: it is not among the project's files".into()),
            Some(_) if !(self.in_root)(key) => {
                Err("expected a file of the project itself, found one of an include path".into())
            }
            Some(file) if file.lossy => Err("the file has changed since: it is not UTF-8".into()),
            Some(file) => Ok(&file.text),
        }
    }

    /// Whether `text` is made as the family wants it, and of parts that may be
    /// in it.
    fn text(&self, example: &Example, breaches: &mut Vec<(Claim, String)>) {
        let Example {
            text,
            prefix,
            middle,
            suffix,
            context,
            ..
        } = example;
        let tokens = self.options.base_model.tokens();
        let parts = [
            ("context", context),
            ("prefix", prefix),
            ("middle", middle),
            ("suffix", suffix),
        ];
        for (name, part) in parts {
            if tokens.occur_in(part) {
                let what = format!("the {name} spells a marker of the family");
                breaches.push((Claim::Markers, what));
            }
        }
        let expected = tokens.render(context, prefix, middle, suffix);
        if let Some(at) = first_difference(&expected, text) {
            let what = format!(
                "text: expected {} at byte {at}, found {}",
                quoted(&expected[at..]),
                quoted(&text[at..])
            );
            breaches.push((Claim::Text, what));
        }
        for marker in [tokens.prefix, tokens.suffix, tokens.middle, tokens.end] {
            let marker = marker.trim();
            let times = memmem::find_iter(text.as_bytes(), marker).count();
            if times != 1 {
                let what = format!("text: expected {marker} once, found it {times} times");
                breaches.push((Claim::Text, what));
            }
        }
    }

    fn budget(&self, example: &Example, breaches: &mut Vec<(Claim, String)>) {
        let options = &self.options;
        let chars = |text: &str| text.chars().count();
        let (middle, context) = (chars(&example.middle), chars(&example.context));
        let total = context + chars(&example.prefix) + middle + chars(&example.suffix);
        let lines = example.middle.lines().count();
        let mut most = |what: &str, found: usize, most: usize, from: &str| {
            if found > most {
                let what = format!("expected at most {most} {what} ({from}), found {found}");
                breaches.push((Claim::Budget, what));
            }
        };
        let max_total = options.max_total_chars;
        most("characters in all", total, max_total, "max_total_chars");
        let quarter = options.max_middle_chars();
        let from = "a quarter of max_total_chars";
        most("characters of middle", middle, quarter, from);
        let max_lines = options.max_middle_lines;
        most("lines of middle", lines, max_lines, "max_middle_lines");
        let asked = example.context_max_chars;
        most("characters of context", context, asked, "context_max_chars");
        let budget = options.context_budget();
        most("context_max_chars", asked, budget, "the options' budget");
        if middle < options.min_middle_chars {
            let what = format!(
                "expected at least {} characters of middle (min_middle_chars), found {middle}",
                options.min_middle_chars
            );
            breaches.push((Claim::Budget, what));
        }
    }

    /// What is wrong with the context of each example of `batch`, if anything.
    pub(super) fn parity(&self, batch: &[&Placed]) -> Result<Vec<Option<String>>, Cancelled> {
        let objection = |(_, example): &&Placed| {
            let Some(context) = self.context(example)? else {
                return Ok(Some(
                    "expected a hole that can be cut out of the file, found none".into(),
                ));
            };
            Ok(first_difference(&context, &example.context).map(|at| {
                format!(
                    "context: expected {} at byte {at}, found {}; the example, or some file of the project, has changed since",
                    quoted(&context[at..]),
                    quoted(&example.context[at..])
                )
            }))
        };
        batch.par_iter().map(objection).collect()
    }

    /// The context for the example's hole; `None` if its file has no such hole.
    fn context(&self, example: &Example) -> Result<Option<String>, Cancelled> {
        self.cancel.check()?;
        let (start, end) = (example.start_byte, example.end_byte);
        let Ok(text) = self.source(&example.filepath) else {
            return Ok(None);
        };
        let (Some(before), Some(_), Some(after)) =
            (text.get(..start), text.get(start..end), text.get(end..))
        else {
            return Ok(None);
        };
        if example.context_max_chars == 0 {
            return Ok(Some(String::new()));
        }
        let request = context::Request {
            path: &example.filepath,
            content: &[before, after].concat(),
            cursor: start,
            max_chars: example.context_max_chars,
            min_score: self.options.min_score,
            dependencies: self.options.cross_file_context,
            bm25: self.options.bm25_context,
        };
        let context = context::assemble(self.snapshot, &request, self.cancel)?;
        Ok(Some(context.text))
    }
}

/// How the example's parts differ from the file's `text`, if they do.
fn misfit(example: &Example, text: &str) -> Option<String> {
    let (start, end) = (example.start_byte, example.end_byte);
    let (Some(before), Some(hole), Some(after)) =
        (text.get(..start), text.get(start..end), text.get(end..))
    else {
        return Some(format!(
            "expected {start}..{end} to start and end between characters of the file"
        ));
    };
    let expected = |part: &str, found: &str, expected: &str| {
        Some(format!(
            "{part}: expected {} as in the file, found {}",
            quoted(expected),
            quoted(found)
        ))
    };
    let Example {
        prefix,
        middle,
        suffix,
        ..
    } = example;
    if hole != middle {
        let at = first_difference(hole, middle).unwrap_or(0);
        expected("middle", &middle[at..], &hole[at..])
    } else if !before.ends_with(prefix.as_str()) {
        let from = before.len().saturating_sub(prefix.len());
        let own = &before[before.floor_char_boundary(from)..];
        let at = first_difference(own, prefix).unwrap_or(0);
        expected("prefix", &prefix[at..], &own[at..])
    } else if !after.starts_with(suffix.as_str()) {
        let at = first_difference(after, suffix).unwrap_or(0);
        expected("suffix", &suffix[at..], &after[at..])
    } else {
        None
    }
}

/// What an example says of itself.
fn figures(example: &Example, breaches: &mut Vec<(Claim, String)>) {
    let lines = example.middle.lines().count();
    if lines != example.middle_lines {
        let what = format!(
            "middle_lines: expected {lines}, found {}",
            example.middle_lines
        );
        breaches.push((Claim::Metadata, what));
    }
    let complexity = quality::complexity(&example.middle);
    // Both are multiples of a quarter, so equal ones are equal bit by bit.
    if complexity.total_cmp(&example.complexity_score).is_ne() {
        let what = format!(
            "complexity_score: expected {complexity}, found {}",
            example.complexity_score
        );
        breaches.push((Claim::Metadata, what));
    }
}

/// Where `a` and `b` begin to differ, in bytes, at a character of both.
fn first_difference(a: &str, b: &str) -> Option<usize> {
    if a == b {
        return None;
    }
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b);
    // What is equal so far, ends in the middle of a character in both or none.
    Some(a.floor_char_boundary(same.count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_differ_from_a_character_on() {
        assert_eq!(first_difference("abc", "abc"), None);
        assert_eq!(first_difference("abc", "ab"), Some(2));
        assert_eq!(first_difference("ab", "abc"), Some(2));
        assert_eq!(first_difference("", "abc"), Some(0));
        // Both start with the byte 0xc3.
        assert_eq!(first_difference("a\u{e4}", "a\u{f6}"), Some(1));
        assert_eq!(first_difference("a\u{e4}", "a\u{e4}b"), Some(3));
    }
}
