//! Finds the chunks of other files that resemble the code around the cursor.

use rustc_hash::FxHashMap;

use super::buffer::Buffer;
use super::weights::{
    QUERY_AFTER_BYTES, QUERY_BEFORE_BYTES, QUERY_TERMS, SEARCHED_TERMS, TERM_AFTER,
    TERM_AFTER_DECAY, TERM_BEFORE, TERM_BEFORE_DECAY, TERM_REPEATED, TERM_TYPED,
};
use crate::cancel::{Cancel, Cancelled};
use crate::index::terms::terms;
use crate::index::{Hit, Query, Snapshot};

/// Words of nearly every chunk, which do not tell chunks apart.
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
///
/// # Errors
/// [`Cancelled`] once `cancel` is set.
pub(super) fn similar_chunks(
    snapshot: &Snapshot,
    buffer: &Buffer<'_>,
    limit: usize,
    cancel: &Cancel,
) -> Result<Vec<Hit>, Cancelled> {
    let weighted = weighted_terms(buffer);
    let terms: Vec<(&str, f32)> = weighted
        .iter()
        .map(|(term, w)| (term.as_str(), *w))
        .collect();
    let query = Query {
        terms: &terms,
        most: SEARCHED_TERMS,
    };
    snapshot.search(&query, buffer.path, limit, cancel)
}

/// The weighted terms around the cursor: what stands before it counts more
/// than what follows, and near lines more than far ones.
fn weighted_terms(buffer: &Buffer<'_>) -> Vec<(String, f32)> {
    let content = buffer.content;
    let mut weights: FxHashMap<String, f32> = FxHashMap::default();
    let mut add = |text: &str, weight: f32| {
        terms(text, |term| {
            if !STOP_WORDS.contains(&term) {
                let sum = weights.entry(term.to_owned()).or_default();
                // The nearest occurrence counts in full, the others in part.
                *sum = sum.max(weight) + TERM_REPEATED * weight.min(*sum);
            }
        });
    };
    let start = content.floor_char_boundary(buffer.word_start.saturating_sub(QUERY_BEFORE_BYTES));
    for (distance, line) in content[start..buffer.word_start].lines().rev().enumerate() {
        add(
            line,
            TERM_BEFORE / (1.0 + TERM_BEFORE_DECAY * distance as f32),
        );
    }
    add(buffer.typed, TERM_TYPED);
    let end = content.floor_char_boundary((buffer.after + QUERY_AFTER_BYTES).min(content.len()));
    for (distance, line) in content[buffer.after..end].lines().enumerate() {
        add(
            line,
            TERM_AFTER / (1.0 + TERM_AFTER_DECAY * distance as f32),
        );
    }
    let mut terms: Vec<(String, f32)> = weights.into_iter().collect();
    terms.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    terms.truncate(QUERY_TERMS);
    terms
}
