//! The key of near duplicates among examples.

use xxhash_rust::xxh3::xxh3_128;

use super::files::LONG_TOKEN;
use crate::dataset::words;

/// The tokens on each side of a middle that are compared with it.
pub const NEAR_TOKENS: usize = 16;

/// The key of an example, equal for near duplicates: a hash of the tokens of the
/// middle and of the [`NEAR_TOKENS`] tokens before and after it.
#[must_use]
pub fn example_key(prefix: &str, middle: &str, suffix: &str) -> u128 {
    let before = last_tokens(prefix, NEAR_TOKENS);
    let after: Vec<_> = words::tokens(suffix).take(NEAR_TOKENS).collect();
    let middle: Vec<_> = words::tokens(middle).collect();
    let mut bytes = Vec::with_capacity(2 * (before.len() + middle.len() + after.len()));
    for part in [before, middle, after] {
        bytes.extend_from_slice(&part.len().to_le_bytes());
        for token in part {
            bytes.extend_from_slice(&token.len().to_le_bytes());
            bytes.extend_from_slice(token.as_bytes());
        }
    }
    xxh3_128(&bytes)
}

/// The last `count` tokens of `text`. It reads the last `count` times
/// [`LONG_TOKEN`] bytes only, so it gives fewer if tokens are very long.
fn last_tokens(text: &str, count: usize) -> Vec<&str> {
    let from = text.floor_char_boundary(text.len().saturating_sub(count * LONG_TOKEN));
    let mut tokens: Vec<_> = words::tokens(&text[from..]).collect();
    tokens.drain(..tokens.len().saturating_sub(count));
    tokens
}
