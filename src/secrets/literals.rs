//! String literals of PHP, and what stands around them.

use std::ops::Range;

use memchr::memchr3;

use crate::secrets::judge::MAX_VALUE;

/// The most white space between a name, its operator and its value, in bytes.
pub(super) const MAX_BLANK: usize = 64;

/// Functions that only spell their argument in another way: a literal in their
/// brackets is as secret as one without them.
const DECODERS: [&str; 6] = [
    "base64_decode",
    "hex2bin",
    "sodium_hex2bin",
    "sodium_base642bin",
    "rawurldecode",
    "trim",
];

/// A string literal.
#[derive(Clone, Debug)]
pub(super) struct Quoted {
    /// The place of its content, in bytes.
    pub(super) content: Range<usize>,
    /// Whether PHP replaces variables in it.
    pub(super) interpolates: bool,
    /// The first byte behind it and behind the call that decodes it.
    pub(super) end: usize,
}

/// The literal at byte `at`, or in the brackets of a decoder that is called there.
pub(super) fn value(bytes: &[u8], at: usize) -> Option<Quoted> {
    if let Some(&quote @ (b'\'' | b'"')) = bytes.get(at) {
        let content = literal(bytes, at + 1, quote)?;
        return Some(Quoted {
            interpolates: quote == b'"',
            end: content.end + 1,
            content,
        });
    }
    let rest = bytes.get(at..)?;
    let name = rest.iter().take_while(|byte| is_name(**byte)).count();
    let is_decoder = |known: &&str| rest[..name].eq_ignore_ascii_case(known.as_bytes());
    if name == 0 || rest.get(name) != Some(&b'(') || !DECODERS.iter().any(is_decoder) {
        return None;
    }
    let open = skip_blank(bytes, at + name + 1);
    let &quote = bytes
        .get(open)
        .filter(|byte| matches!(byte, b'\'' | b'"'))?;
    let content = literal(bytes, open + 1, quote)?;
    let close = skip_blank(bytes, content.end + 1);
    (bytes.get(close) == Some(&b')')).then_some(Quoted {
        interpolates: quote == b'"',
        end: close + 1,
        content,
    })
}

/// The content of the string literal, which starts at byte `from` and ends at
/// `quote`.
pub(super) fn literal(bytes: &[u8], from: usize, quote: u8) -> Option<Range<usize>> {
    let end = (from + MAX_VALUE + 1).min(bytes.len());
    let mut at = from;
    loop {
        at += memchr3(quote, b'\\', b'\n', bytes.get(at..end)?)?;
        match bytes[at] {
            b'\\' => at += 2,
            b'\n' => return None,
            _ => return Some(from..at),
        }
    }
}

/// The first byte at or behind `from` that is no white space, at most
/// [`MAX_BLANK`] bytes away.
pub(super) fn skip_blank(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest
        .iter()
        .take(MAX_BLANK)
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}

/// Whether `byte` belongs to the name of a function or class.
pub(super) fn is_name(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}
