//! Finds secrets by their look alone: literals that only a machine can have made.
//!
//! Programs hold few long literals of random letters and digits that are no hex
//! digits. Hashes, checksums and UUIDs are hex digits, so these do not count.

use std::ops::Range;

use memchr::memchr2_iter;

use crate::secrets::secret::{SECRET, Secret};
use crate::secrets::spelling::randomness;
use crate::secrets::stand_ins::has_run;

/// The fewest and the most bytes of such a literal, or of such a part of a URL.
const LEN: Range<usize> = 16..129;
/// The most bytes of a URL.
const MAX_URL: usize = 512;
/// The least [`randomness`], in bits.
const LEAST: f64 = 25.0;

/// How the checksums of scripts and of passwords begin.
const CHECKSUMS: [&str; 4] = ["sha256-", "sha384-", "sha512-", "sha1-"];

/// The secrets among the literals of `text`, in order.
pub(super) fn find(text: &str) -> Vec<Secret> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut begin = None;
    for quote in memchr2_iter(b'\'', b'"', bytes) {
        if let Some(begin) = begin.replace(quote + 1) {
            examine(text, begin..quote, &mut found);
        }
    }
    found
}

/// Adds the secret that stands between two quotes, if there is one.
fn examine(text: &str, between: Range<usize>, found: &mut Vec<Secret>) {
    let value = &text.as_bytes()[between.clone()];
    if !(LEN.start..MAX_URL).contains(&value.len()) || !value.iter().all(|byte| belongs(*byte)) {
        return;
    }
    // What a page states about itself is public.
    if text.as_bytes()[..between.start - 1].ends_with(b" content=") {
        return;
    }
    let mut push = |range: Range<usize>| {
        if LEN.contains(&range.len()) && is_made(&text[range.clone()]) {
            found.push(Secret {
                range,
                kind: SECRET,
            });
        }
    };
    if !text[between.clone()].contains("://") {
        push(between);
        return;
    }
    let mut at = between.start;
    for part in value.split(|byte| matches!(byte, b'/' | b'?' | b'&' | b'=')) {
        push(at..at + part.len());
        at += part.len() + 1;
    }
}

/// Whether `byte` may stand in such a literal or in a URL.
fn belongs(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'_' | b'-' | b'.' | b'/' | b':' | b'+' | b'=' | b'~' | b'?' | b'&'
        )
}

/// Whether `value` is written like the hex keys of Mailgun or Mailchimp: 32 digits and
/// twice 8, or 32 digits and a data centre.
fn is_mail_key(value: &str) -> bool {
    let mut parts = value.split('-');
    let mut hex = |len: usize| {
        let part = parts.next()?;
        let is_hex = part.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_hex && part.len() == len).then_some(())
    };
    if hex(32).is_none() {
        return false;
    }
    match value[32..].strip_prefix("-us") {
        Some(number) => number.len() < 3 && number.bytes().all(|byte| byte.is_ascii_digit()),
        None => hex(8).is_some() && hex(8).is_some() && parts.next().is_none(),
    }
}

/// Whether `value` is the Base64 of printable text, as parameters of URLs are.
fn spells_text(value: &[u8]) -> bool {
    let sextet = |byte: &u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    value.chunks_exact(4).all(|four| {
        let bits = four.iter().try_fold(0_u32, |bits, byte| {
            Some(bits << 6 | u32::from(sextet(byte)?))
        });
        bits.is_some_and(|bits| {
            let [_, text @ ..] = bits.to_be_bytes();
            text.iter().all(|byte| matches!(byte, b' '..=b'~'))
        })
    })
}

/// Whether only a machine can have made `value`.
fn is_made(value: &str) -> bool {
    if is_mail_key(value) {
        return !has_run(value);
    }
    // The number of a Telegram bot, as such, does not look random.
    let value = value.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
    let bytes = value.as_bytes();
    let count = |test: fn(&u8) -> bool| bytes.iter().filter(|byte| test(byte)).count();
    let lower = count(u8::is_ascii_lowercase);
    let upper = count(u8::is_ascii_uppercase);
    let digits = count(u8::is_ascii_digit);
    // Names of indexes such as `IDX_5A97604412946D8B` end with hex digits.
    let is_drawn_part = |part: &[u8]| {
        part.len() >= 16
            && part.iter().filter(|byte| byte.is_ascii_digit()).count() > 1
            && !part.iter().all(u8::is_ascii_hexdigit)
    };
    let drawn = lower > 0 && upper > 0 && digits > 0
        || value.len() >= 20
            && bytes
                .split(|byte| !byte.is_ascii_alphanumeric())
                .any(is_drawn_part);
    let is_named_file = value.rsplit_once('.').is_some_and(|(_, end)| {
        (2..=6).contains(&end.len()) && end.bytes().all(|byte| byte.is_ascii_lowercase())
    });
    drawn
        && !is_named_file
        && !CHECKSUMS.iter().any(|begin| value.starts_with(begin))
        && !bytes.starts_with(b"xn--")
        && !bytes.contains(&b'?')
        && !spells_text(bytes)
        && !has_run(value)
        && randomness(value) >= LEAST
}
