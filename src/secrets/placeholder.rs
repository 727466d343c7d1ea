//! Replaces secrets by placeholders.

use std::borrow::Cow;
use std::ops::Range;

use crate::secrets::secret::Secret;

/// What every placeholder starts with.
pub(super) const PLACEHOLDER_PREFIX: &str = "REDACTED_";
/// The key context of the placeholders' hashes. It keeps them apart from all
/// other uses of BLAKE3.
const HASH_CONTEXT: &str = "fimd 2026 placeholder of a secret";

/// The `window` (in bytes) of `text` with a placeholder for each of `secrets`.
/// `secrets` are those of the whole text. If an edge of the window cuts through
/// a secret, the whole placeholder replaces the part inside the window. The
/// result is empty if the window does not lie in the text.
#[must_use]
pub fn replace<'t>(text: &'t str, window: Range<usize>, secrets: &[Secret]) -> Cow<'t, str> {
    let Some(inside) = text.get(window.clone()) else {
        return Cow::Borrowed("");
    };
    let mut within = within(secrets, window.clone()).peekable();
    if within.peek().is_none() {
        return Cow::Borrowed(inside);
    }
    let mut redacted = String::with_capacity(inside.len());
    let mut at = window.start;
    for secret in within {
        redacted.push_str(&text[at..secret.range.start.max(at)]);
        redacted.push_str(&placeholder(secret.kind, &text[secret.range.clone()]));
        at = secret.range.end.min(window.end);
    }
    redacted.push_str(&text[at..window.end]);
    Cow::Owned(redacted)
}

/// Those of `secrets` that overlap `window` (in bytes).
pub fn within(secrets: &[Secret], window: Range<usize>) -> impl Iterator<Item = &Secret> {
    let first = secrets.partition_point(|secret| secret.range.end <= window.start);
    secrets[first..]
        .iter()
        .take_while(move |secret| secret.range.start < window.end)
}

/// The one of `secrets` that an edge at byte `at` cuts through, if any.
#[must_use]
pub fn cut(secrets: &[Secret], at: usize) -> Option<&Secret> {
    let first = secrets.partition_point(|secret| secret.range.end <= at);
    secrets.get(first).filter(|secret| secret.range.start < at)
}

/// The placeholder of `secret`.
fn placeholder(kind: &str, secret: &str) -> String {
    let hash = blake3::derive_key(HASH_CONTEXT, secret.as_bytes());
    let kind = kind.to_ascii_uppercase();
    format!("{PLACEHOLDER_PREFIX}{kind}_{:02x}{:02x}", hash[0], hash[1])
}
