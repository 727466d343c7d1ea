//! Which stop patterns are sent to the model server.
//!
//! A server stops at the pattern that it sees complete first, and leaves it out of
//! its answer. The tag language stops at the pattern that begins first, and may
//! keep it. Therefore fimd sends only patterns that are left out anyway and that no
//! other pattern can overlap from the left. These save work and change nothing.

use std::borrow::Cow;

use memchr::memmem;

use crate::endpoint::MAX_STOPS;
use crate::tags::Stop;
use crate::text::with_newlines;

/// The most patterns that are considered: each is compared with all others.
const MAX_CANDIDATES: usize = 16;
/// The longest pattern that is considered, in bytes.
const MAX_BYTES: usize = 256;

/// `stops` with `\n` for each `\r\n`, as in the text that they are matched with.
pub(super) fn plain(stops: &[Stop]) -> Vec<Stop> {
    let plain = |stop: &Stop| Stop {
        pattern: with_newlines(Cow::Borrowed(&stop.pattern)).into_owned(),
        keep: stop.keep,
    };
    stops.iter().map(plain).collect()
}

/// The patterns of `stops` at which a server may stop by itself. The text ends at the
/// texts of `control_tokens`, too.
pub(super) fn for_server(stops: &[Stop], control_tokens: &[String]) -> Vec<String> {
    let others = |place: usize| {
        let others = stops.iter().enumerate();
        let others = others.filter(move |(other, _)| *other != place);
        others.map(|(_, stop)| &stop.pattern)
    };
    let may_end = |(place, stop): &(usize, &Stop)| {
        let pattern = &stop.pattern;
        let tokens = control_tokens.iter().filter(|token| *token != pattern);
        let mut others = others(*place).chain(tokens);
        others.all(|other| !reaches_into(other, pattern))
    };
    let short = |(_, stop): &(usize, &Stop)| !stop.keep && stop.pattern.len() <= MAX_BYTES;
    let tried = stops.iter().enumerate().filter(short).take(MAX_CANDIDATES);
    let given = tried.filter(may_end).take(MAX_STOPS);
    given.map(|(_, stop)| stop.pattern.clone()).collect()
}

/// Whether `other` can begin at or before the start of `pattern` and end behind it.
fn reaches_into(other: &str, pattern: &str) -> bool {
    let (other, pattern) = (other.as_bytes(), pattern.as_bytes());
    let overlaps = (1..=pattern.len()).any(|len| other.ends_with(&pattern[..len]));
    overlaps || memmem::find(other, pattern).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tags::stop::Matcher;

    fn stops(patterns: &[(&str, bool)]) -> Vec<Stop> {
        let stop = |(pattern, keep): &(&str, bool)| Stop {
            pattern: (*pattern).into(),
            keep: *keep,
        };
        patterns.iter().map(stop).collect()
    }

    fn matched(stops: &[Stop], text: &str) -> String {
        let mut shown = String::new();
        let mut matcher = Matcher::new(stops.to_vec()).unwrap();
        matcher.push(text.as_bytes(), &mut shown);
        matcher.finish(&mut shown);
        shown
    }

    /// The part of `text` before the first of the patterns `given` that a server sees
    /// complete.
    fn ended<'t>(given: &[String], text: &'t str) -> &'t str {
        for end in 0..=text.len() {
            let Some(seen) = text.get(..end) else {
                continue;
            };
            let starts = given.iter().filter(|stop| seen.ends_with(stop.as_str()));
            if let Some(longest) = starts.map(String::len).max() {
                return &text[..end - longest];
            }
        }
        text
    }

    #[test]
    fn only_what_is_left_out_and_not_overlapped_is_given() {
        let given = |patterns: &[(&str, bool)]| for_server(&stops(patterns), &["<|end|>".into()]);
        assert_eq!(given(&[("keep", true), ("END", false)]), ["END"]);
        assert_eq!(given(&[("abcd", true), ("bc", false)]), [""; 0]);
        assert_eq!(given(&[("ab", true), ("bc", false)]), [""; 0]);
        assert_eq!(given(&[("bc", true), ("ab", false)]), ["ab"]);
        assert_eq!(given(&[("d|>x", false), ("<|end|>", false)]), ["<|end|>"]);
        let many: Vec<_> = ["1", "2", "3", "4", "5"].map(|p| (p, false)).into();
        assert_eq!(given(&many), ["1", "2", "3", "4"]);
    }

    proptest! {
        #[test]
        fn a_server_that_ends_by_itself_changes_nothing(
            patterns in prop::collection::vec(("[ab\u{e9}]{1,4}", any::<bool>()), 0..6),
            text in "[ab\u{e9}]{0,24}",
        ) {
            let stops: Vec<_> = patterns
                .into_iter()
                .map(|(pattern, keep)| Stop { pattern, keep })
                .collect();
            let given = for_server(&stops, &[]);
            prop_assert!(given.len() <= MAX_STOPS);
            prop_assert_eq!(matched(&stops, ended(&given, &text)), matched(&stops, &text));
        }
    }
}
