//! Finds secrets in source text and replaces them by placeholders. Secrets are
//! keys and tokens of known issuers, private keys, passwords in URLs and
//! connection strings, and values that look like a secret and have a name such
//! as `password`.
//!
//! [`Secrets::find`] runs one automaton over the text. The automaton knows all
//! prefixes and names, and the rules examine only what it hits. Each rule reads
//! a bounded number of bytes or stops where the next hit may begin, so the time
//! is linear in the length of the text.
//!
//! # What decides about a secret
//! Whether some bytes are a secret depends on the bytes themselves, on one byte
//! behind them and on a few bytes in front of them: the two bytes in front of a
//! token; name, operator and quote in front of a named value (at most 256
//! bytes); `BEGIN` and `END` of a private key; scheme and user of a URL.
//! Cutting a window out of a text and redacting it therefore gives the same as
//! redacting the text and cutting the window, unless an edge of the window lies
//! in a secret or in those bytes in front of it. Code that cuts windows finds
//! the secrets of the whole text once and maps them onto each window with
//! [`replace`]. [`cut`] tells whether an edge goes through a secret.
//!
//! # Placeholders
//! A placeholder is `REDACTED_`, the kind in capitals, `_` and four hex digits
//! of a keyed BLAKE3 hash of the secret: `REDACTED_GITHUB_TOKEN_1a2b`. Equal
//! secrets of the same kind have equal placeholders. A placeholder reveals 16
//! bits of its secret and no more: of a list of ten million passwords some 150
//! share it. A placeholder is a word, so it ends no string and no comment where
//! it stands. No rule takes it for a secret, so redacting a text twice gives the
//! same as redacting it once.
//!
//! # Limits
//! The rules do not find secrets that are put together from several literals,
//! that are encoded, or that are compared instead of assigned.

mod generic;
mod judge;
mod rules;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;

use aho_corasick::{AhoCorasick, BuildError};
use memchr::{memchr, memmem};
use serde::{Deserialize, Serialize};

use self::judge::ValueKind;
use self::rules::{Alphabet, FORMS, Form, NAMES};

/// What every placeholder starts with.
const PLACEHOLDER_PREFIX: &str = "REDACTED_";
/// The key context of the placeholders' hashes. It keeps them apart from all
/// other uses of BLAKE3.
const HASH_CONTEXT: &str = "fimd 2026 placeholder of a secret";

/// Anchors that are neither the prefix of a token nor a part of a name. In the
/// automaton they follow those of [`FORMS`] and precede those of [`NAMES`].
const SPECIAL: [&str; 3] = [PEM_BEGIN, URL_SEPARATOR, JWT_BEGIN];
const PEM_BEGIN: &str = "-----BEGIN ";
const URL_SEPARATOR: &str = "://";
const JWT_BEGIN: &str = "eyJ";

/// The most bytes of a private key between `BEGIN` and `END`.
const MAX_PEM: usize = 16 << 10;
/// The fewest characters of a line of a private key.
const MIN_PEM_RUN: usize = 24;
/// The most bytes of a JSON Web Token.
const MAX_JWT: usize = 4 << 10;
/// The fewest bytes of a JSON Web Token's header and of its claims.
const MIN_JWT_PART: usize = 17;
/// The most bytes of a URL's scheme, of its user and of its password, each.
const MAX_URL_PART: usize = 128;
/// What a private key has behind `BEGIN` and `END`.
const PEM_LABEL: &[u8] = b"PRIVATE KEY";

/// How fimd treats the secrets in a context that an editor asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum InContext {
    /// Placeholders replace them.
    #[default]
    Redact,
    /// They stay as they are.
    Keep,
}

/// A secret in a text. It holds no part of the text, so fimd may log it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Its position in the text, in bytes.
    pub range: Range<usize>,
    /// Its kind in `snake_case`: `github_token`, `private_key`, `password`;
    /// `secret` for keys and tokens of an unknown issuer.
    pub kind: &'static str,
}

/// The automaton cannot be built from the rules for secrets.
#[derive(Debug, thiserror::Error)]
#[error("the rules for secrets cannot be used: {0}")]
pub struct RulesError(#[from] BuildError);

/// Finds secrets. Build it once and share it.
#[derive(Debug)]
pub struct Secrets {
    /// Finds the prefixes of [`FORMS`], then [`SPECIAL`], then [`NAMES`], in
    /// either case.
    anchors: AhoCorasick,
}

impl Secrets {
    /// Builds the automaton.
    ///
    /// # Errors
    /// [`RulesError`] if the automaton would be too large.
    pub fn new() -> Result<Self, RulesError> {
        let forms = FORMS.iter().map(|form| form.prefix);
        let anchors = forms.chain(SPECIAL).chain(NAMES.iter().copied());
        let anchors = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(aho_corasick::AhoCorasickKind::DFA))
            .build(anchors)?;
        Ok(Self { anchors })
    }

    /// The secrets of `text` in ascending order. They do not overlap.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Secret> {
        let mut found = Vec::new();
        for hit in self.anchors.find_overlapping_iter(text) {
            let (anchor, range) = (hit.pattern().as_usize(), hit.range());
            if let Some(form) = FORMS.get(anchor) {
                found.extend(token(text, range, form));
            } else if let Some(&special) = SPECIAL.get(anchor - FORMS.len()) {
                match special {
                    PEM_BEGIN => private_key(text, range, &mut found),
                    URL_SEPARATOR => found.extend(password_of_url(text, range)),
                    _ => found.extend(json_web_token(text, range)),
                }
            } else {
                found.extend(generic::find(text, range));
            }
        }
        found.retain(|secret| !text[secret.range.clone()].contains(PLACEHOLDER_PREFIX));
        merge(found)
    }

    /// `text` with a placeholder for each secret, and these secrets.
    #[must_use]
    pub fn redact<'t>(&self, text: &'t str) -> (Cow<'t, str>, Vec<Secret>) {
        let secrets = self.find(text);
        (replace(text, 0..text.len(), &secrets), secrets)
    }
}

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

/// Sorts `found` and joins secrets that overlap. A joined secret has the kind of
/// the one that starts first. If several start together, the longest decides,
/// and among equally long ones a kind of a known form.
fn merge(mut found: Vec<Secret>) -> Vec<Secret> {
    let unnamed = |kind| matches!(kind, generic::PASSWORD | generic::SECRET);
    found.sort_by_key(|s| (s.range.start, Reverse(s.range.end), unnamed(s.kind), s.kind));
    let mut merged: Vec<Secret> = Vec::with_capacity(found.len());
    for secret in found {
        match merged.last_mut() {
            Some(last) if secret.range.start < last.range.end => {
                last.range.end = last.range.end.max(secret.range.end);
            }
            _ => merged.push(secret),
        }
    }
    merged
}

/// Whether a token of `alphabet` may start at byte `at`. It may not start inside
/// a longer token. The letter of an escape such as `\n` belongs to no token.
fn starts_token(bytes: &[u8], at: usize, alphabet: Alphabet) -> bool {
    match bytes[..at] {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., before] => !(before == b'_' || before.is_ascii_alphanumeric() || alphabet.has(before)),
        [] => true,
    }
}

/// The run of characters of `alphabet` that starts at byte `from`, if it has at
/// most `max` bytes.
fn run(bytes: &[u8], from: usize, alphabet: Alphabet, max: usize) -> Option<Range<usize>> {
    let rest = &bytes[from..];
    let len = rest
        .iter()
        .take(max + 1)
        .take_while(|byte| alphabet.has(**byte))
        .count();
    (len <= max).then_some(from..from + len)
}

/// The token of the known `form` whose prefix stands at `prefix`.
fn token(text: &str, prefix: Range<usize>, form: &Form) -> Option<Secret> {
    let bytes = text.as_bytes();
    // Prefixes like `Bearer ` and `AccountKey=` introduce a token and are no
    // part of it.
    let introduces = form.prefix.ends_with([' ', '=', '/']);
    let starts = if introduces {
        starts_token(bytes, prefix.start, Alphabet::Word)
    } else {
        starts_token(bytes, prefix.start, form.alphabet)
    };
    if !starts || text[prefix.clone()] != *form.prefix {
        return None;
    }
    let mut body = run(bytes, prefix.end, form.alphabet, form.max)?;
    while body.end > body.start && bytes[body.end - 1] == b'.' {
        body.end -= 1;
    }
    if body.len() < form.min || !judge::is_random(&text[body.clone()], form.alphabet.spells()) {
        return None;
    }
    let start = if introduces { body.start } else { prefix.start };
    Some(Secret {
        range: start..body.end,
        kind: form.kind,
    })
}

/// The JSON Web Token whose header begins at `begin`.
fn json_web_token(text: &str, begin: Range<usize>) -> Option<Secret> {
    let bytes = text.as_bytes();
    if !starts_token(bytes, begin.start, Alphabet::Dotted) {
        return None;
    }
    let range = run(bytes, begin.start, Alphabet::Dotted, MAX_JWT)?;
    let mut parts = text[range.clone()].split('.');
    let mut part = || {
        let part = parts.next()?;
        (part.len() >= MIN_JWT_PART && part.starts_with(JWT_BEGIN)).then_some(part)
    };
    let (header, claims) = (part()?, part()?);
    let signature = parts.next().map_or(0, |signature| 1 + signature.len());
    let end = range.start + header.len() + 1 + claims.len() + signature;
    Some(Secret {
        range: range.start..end,
        kind: "json_web_token",
    })
}

/// The password of the URL whose `://` stands at `separator`.
fn password_of_url(text: &str, separator: Range<usize>) -> Option<Secret> {
    let bytes = text.as_bytes();
    let scheme = bytes[separator.start.saturating_sub(MAX_URL_PART)..separator.start]
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        .count();
    let is_part = |byte: u8| byte.is_ascii_graphic() && !b"'\"<>/@?`\\".contains(&byte);
    let part = |from: usize, close: u8| {
        let rest = &bytes[from..(from + MAX_URL_PART).min(bytes.len())];
        let len = memchr(close, rest)?;
        rest[..len]
            .iter()
            .all(|b| is_part(*b))
            .then_some(from + len)
    };
    let colon = part(separator.end, b':')?;
    let at = part(colon + 1, b'@')?;
    let range = colon + 1..at;
    let host = bytes
        .get(at + 1)
        .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'[');
    (scheme >= 2 && host && judge::is_secret(&text[range.clone()], ValueKind::Password, true))
        .then_some(Secret {
            range,
            kind: generic::PASSWORD,
        })
}

/// Adds the parts of the private key whose `-----BEGIN ` stands at `begin`: one
/// part for a key in one piece, one part for each literal if the source joins
/// literals. `BEGIN`, `END` and text that is no key are no part.
fn private_key(text: &str, begin: Range<usize>, found: &mut Vec<Secret>) {
    let bytes = text.as_bytes();
    let label_end = (begin.end + 40).min(bytes.len());
    let Some(label) = memmem::find(&bytes[begin.end..label_end], b"-----") else {
        return;
    };
    let body = begin.end + label + 5;
    if memmem::find(&bytes[begin.end..body], PEM_LABEL).is_none() {
        return;
    }
    let rest = &bytes[body..(body + MAX_PEM).min(bytes.len())];
    // The search ends at the next `-----` of any kind, so many beginnings in
    // front of one end cost no more than one.
    let Some(len) = memmem::find(rest, b"-----") else {
        return;
    };
    if !rest[len..].starts_with(b"-----END ") {
        return;
    }
    let is_key = |byte: u8| Alphabet::Base64.has(byte);
    let is_break = |byte: u8| byte.is_ascii_whitespace() || byte == b'\\';
    let mut at = body;
    for piece in rest[..len].split(|&byte| !is_key(byte) && !is_break(byte)) {
        let mut range = at..at + piece.len();
        at = range.end + 1;
        // Line breaks at both ends, real or escaped, are no part of the key.
        while let Some(rest) = strip_break(&bytes[range.clone()]) {
            range.start = range.end - rest.len();
        }
        while range.end > range.start {
            let piece = &bytes[range.clone()];
            let trailing = match piece {
                [.., b'\\', b'n' | b'r' | b't'] => 2,
                [.., last] if is_break(*last) => 1,
                _ => break,
            };
            range.end -= trailing;
        }
        let is_long = bytes[range.clone()]
            .split(|&byte| !is_key(byte))
            .any(|run| run.len() >= MIN_PEM_RUN && run.iter().any(u8::is_ascii_digit));
        if is_long {
            found.push(Secret {
                range,
                kind: "private_key",
            });
        }
    }
}

/// `bytes` without the line break, blank or escape that they start with; `None`
/// if they start with another byte.
fn strip_break(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [b'\\', b'n' | b'r' | b't', rest @ ..] => Some(rest),
        [first, rest @ ..] if first.is_ascii_whitespace() => Some(rest),
        _ => None,
    }
}
