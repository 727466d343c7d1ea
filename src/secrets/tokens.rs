//! Finds secrets by their own form: tokens of known issuers, JSON Web Tokens, passwords in
//! URLs, and private keys.

use std::ops::Range;

use memchr::{memchr, memmem};

use crate::secrets::judge::{self, ValueKind};
use crate::secrets::rules::{Alphabet, Form};
use crate::secrets::secret::{PASSWORD, Secret};

/// The beginning of a private key.
pub(super) const PEM_BEGIN: &str = "-----BEGIN ";
/// What separates the scheme of a URL from the rest.
pub(super) const URL_SEPARATOR: &str = "://";
/// The beginning of a JSON Web Token's header and of its claims.
pub(super) const JWT_BEGIN: &str = "eyJ";

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
pub(super) fn token(text: &str, prefix: Range<usize>, form: &Form) -> Option<Secret> {
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
pub(super) fn json_web_token(text: &str, begin: Range<usize>) -> Option<Secret> {
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
pub(super) fn password_of_url(text: &str, separator: Range<usize>) -> Option<Secret> {
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
            kind: PASSWORD,
        })
}

/// Adds the parts of the private key whose `-----BEGIN ` stands at `begin`: one
/// part for a key in one piece, one part for each literal if the source joins
/// literals. `BEGIN`, `END` and text that is no key are no part.
pub(super) fn private_key(text: &str, begin: Range<usize>, found: &mut Vec<Secret>) {
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
