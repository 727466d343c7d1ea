//! The quality filter for middles, and the complexity of code.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashSet, FxHasher};
use xxhash_rust::xxh3::xxh3_64;

use crate::dataset::words::{is_word, tokens};

/// A middle of this many lines or more is repetitive if fewer than half of its
/// lines are distinct.
const REPETITIVE_LINES: usize = 4;
/// A middle of this many words and characters or more is repetitive if fewer
/// than two in five of its triples of them are distinct.
const REPETITIVE_TOKENS: usize = 30;
/// The least entropy of a middle, in bits per byte that is not white space. PHP
/// code has more than 4; `---- ---- ----` and `0, 0, 0, 0,` have less than 2.
const MIN_ENTROPY: f64 = 2.5;
/// The least entropy of a short middle, as a share of the most that so few bytes can
/// have: `id);` has all of it, `----` none.
const SHORT_ENTROPY: f64 = 0.6;

/// The reasons that [`objection`] returns.
pub const REASONS: [&str; 3] = [COMMENT_ONLY, LOW_ENTROPY, REPETITIVE];
const COMMENT_ONLY: &str = "comment_only";
const LOW_ENTROPY: &str = "low_entropy";
const REPETITIVE: &str = "repetitive";

/// The reason for which the quality filter rejects `middle`, if it does:
/// `repetitive`, `low_entropy` or `comment_only`. `in_comment` says that the
/// middle lies inside one comment.
#[must_use]
pub fn objection(middle: &str, in_comment: bool) -> Option<&'static str> {
    if in_comment || comment_only(middle) {
        Some(COMMENT_ONLY)
    } else {
        objection_to_text(middle)
    }
}

/// Like [`objection`], for a middle that is meant to be a comment.
#[must_use]
pub fn objection_to_text(middle: &str) -> Option<&'static str> {
    if is_monotonous(middle) {
        Some(LOW_ENTROPY)
    } else if repetitive(middle) {
        Some(REPETITIVE)
    } else {
        None
    }
}

/// Whether each line is blank, a comment or a part of one.
fn comment_only(text: &str) -> bool {
    text.lines().map(str::trim).all(|line| {
        let code_after = line
            .rsplit_once("*/")
            .is_some_and(|(_, rest)| !rest.trim().is_empty());
        let starts_like_one = line.starts_with("//")
            || line.starts_with("/*")
            || line.starts_with('*')
            || (line.starts_with('#') && !line.starts_with("#["));
        line.is_empty() || (starts_like_one && (!code_after || line.starts_with("//")))
    })
}

/// Whether the Shannon entropy of the bytes that are not white space is low: less than
/// [`MIN_ENTROPY`], or than [`SHORT_ENTROPY`] of the most that so few bytes can have.
fn is_monotonous(text: &str) -> bool {
    let mut counts = [0_u32; 256];
    let mut total = 0_u32;
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        counts[usize::from(byte)] += 1;
        total += 1;
    }
    let entropy: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / f64::from(total))
        .map(|share| -share * share.log2())
        .sum();
    entropy < MIN_ENTROPY.min(SHORT_ENTROPY * f64::from(total.max(1)).log2())
}

/// See [`REPETITIVE_LINES`] and [`REPETITIVE_TOKENS`].
fn repetitive(text: &str) -> bool {
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let distinct: FxHashSet<_> = lines.iter().collect();
    if lines.len() >= REPETITIVE_LINES && distinct.len() * 2 < lines.len() {
        return true;
    }
    let tokens: Vec<_> = tokens(text).collect();
    let triples: FxHashSet<u64> = tokens
        .windows(3)
        .map(|triple| {
            let mut hasher = FxHasher::default();
            triple.hash(&mut hasher);
            hasher.finish()
        })
        .collect();
    tokens.len() >= REPETITIVE_TOKENS && triples.len() * 5 < (tokens.len() - 2) * 2
}

/// An estimate of how hard `middle` is to write: one point per line, two per
/// decision (`if`, `elseif`, `for`, `foreach`, `while`, `case`, `catch`, `match`,
/// `fn`, `function`, `&&`, `||`, `?`), two per level of bracket nesting, half a
/// point per opening parenthesis and a quarter per distinct word. A multiple of
/// 0.25.
#[must_use]
pub fn complexity(middle: &str) -> f64 {
    let breaks = memchr::memchr_iter(b'\n', middle.as_bytes()).count();
    let is_cut = !middle.is_empty() && !middle.ends_with('\n');
    let mut quarters = 4 * (breaks + usize::from(is_cut));
    let mut words = FxHashSet::default();
    words.reserve(middle.len() / 64);
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let mut before = b' ';
    for token in tokens(middle) {
        let first = token.as_bytes()[0];
        match first {
            b'&' | b'|' if before == first => quarters += 8,
            b'?' => quarters += 8,
            b'(' | b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
                quarters += if first == b'(' { 2 } else { 0 };
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ if token.starts_with(is_word) => {
                quarters += usize::from(words.insert(xxh3_64(token.as_bytes())));
                quarters += if is_decision(token) { 8 } else { 0 };
            }
            _ => {}
        }
        before = first;
    }
    quarters += 8 * deepest;
    u32::try_from(quarters).map_or(f64::from(u32::MAX), f64::from) / 4.0
}

fn is_decision(word: &str) -> bool {
    matches!(
        word,
        "if" | "elseif"
            | "for"
            | "foreach"
            | "while"
            | "case"
            | "catch"
            | "match"
            | "fn"
            | "function"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_objection_has_its_reason_and_code_has_none() {
        for (middle, expected) in [
            ("$total += $line->price() * $line->quantity();", None),
            ("// first line\n    # second\n", Some("comment_only")),
            ("/** One. */", Some("comment_only")),
            (
                " * @param int $x\n     * @return void\n     */",
                Some("comment_only"),
            ),
            (" * done. */ $x = compute($this->left, 12);", None),
            ("#[Route('/users', methods: ['GET'])]", None),
            (
                "0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,",
                Some("low_entropy"),
            ),
            (
                "$list[] = compute(1);\n$list[] = compute(1);\n$list[] = compute(1);\n$list[] = compute(1);\n",
                Some("repetitive"),
            ),
        ] {
            assert_eq!(objection(middle, false), expected, "{middle:?}");
        }
        assert_eq!(objection("some words inside", true), Some("comment_only"));
        assert_eq!(objection_to_text("/** Gives the total. */"), None);
        for short in ["id);", "null", "user()", "->get();"] {
            assert_eq!(objection(short, false), None, "{short}");
        }
        assert_eq!(objection("0000", false), Some("low_entropy"));
    }

    #[test]
    fn branching_code_is_harder_than_a_list() {
        let list = "'alpha',\n'beta',\n'gamma',";
        let code = "if ($a && $b) {\n    return $c ? f($a) : g($b);\n}";
        assert!(complexity(code) > 2.0 * complexity(list));
        assert_eq!(complexity(""), 0.0);
    }
}
