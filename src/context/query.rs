//! Lexical neighbours: the chunks of other files that resemble the code around
//! the cursor.

use rustc_hash::FxHashMap;

use super::buffer::Buffer;
use crate::cancel::{Cancel, Cancelled};
use crate::index::terms::terms;
use crate::index::{Hit, Query, Snapshot};

/// How much text before the cursor asks, in bytes.
const BEFORE_BYTES: usize = 1200;
/// How much text after the cursor's line asks, in bytes.
const AFTER_BYTES: usize = 400;
/// The most terms of a query …
const MAX_TERMS: usize = 28;
/// … and how many of those are used: what a search costs grows with them, and
/// with more of them it finds worse.
const MAX_TELLING_TERMS: usize = 16;
/// Words that stand in nearly every chunk and tell nothing.
const STOP_WORDS: [&str; 28] = [
    "this",
    "function",
    "public",
    "return",
    "if",
    "else",
    "array",
    "foreach",
    "as",
    "new",
    "null",
    "true",
    "false",
    "static",
    "string",
    "int",
    "protected",
    "private",
    "class",
    "self",
    "isset",
    "empty",
    "param",
    "the",
    "a",
    "is",
    "of",
    "to",
];

/// The `limit` chunks most like the code around the cursor, best first.
pub(super) fn neighbours(
    snapshot: &Snapshot,
    buffer: &Buffer<'_>,
    limit: usize,
    cancel: &Cancel,
) -> Result<Vec<Hit>, Cancelled> {
    let query = query(buffer);
    let terms: Vec<(&str, f32)> = query.iter().map(|(term, w)| (term.as_str(), *w)).collect();
    let query = Query {
        terms: &terms,
        most: MAX_TELLING_TERMS,
    };
    snapshot.search(&query, buffer.path, limit, cancel)
}

/// The weighted terms around the cursor: what stands before it counts more
/// than what follows, and near lines more than far ones.
fn query(buffer: &Buffer<'_>) -> Vec<(String, f32)> {
    let content = buffer.content;
    let mut weights: FxHashMap<String, f32> = FxHashMap::default();
    let mut add = |text: &str, weight: f32| {
        terms(text, |term| {
            if !STOP_WORDS.contains(&term) {
                let sum = weights.entry(term.to_owned()).or_default();
                // A term that comes again adds less each time.
                *sum = sum.max(weight) + 0.25 * weight.min(*sum);
            }
        });
    };
    let start = content.floor_char_boundary(buffer.word_start.saturating_sub(BEFORE_BYTES));
    for (distance, line) in content[start..buffer.word_start].lines().rev().enumerate() {
        add(line, 2.0 / (1.0 + 0.15 * distance as f32));
    }
    add(buffer.typed, 2.0);
    let end = content.floor_char_boundary((buffer.after + AFTER_BYTES).min(content.len()));
    for (distance, line) in content[buffer.after..end].lines().enumerate() {
        add(line, 0.7 / (1.0 + 0.2 * distance as f32));
    }
    let mut terms: Vec<(String, f32)> = weights.into_iter().collect();
    terms.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    terms.truncate(MAX_TERMS);
    terms
}
