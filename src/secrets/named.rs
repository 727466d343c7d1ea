//! Finds secrets by the name in front of them: `$password = '…'`,
//! `'api_key' => '…'`, `define('DB_PASSWORD', '…')`, `->setPassword('…')`,
//! `SECRET=…`, `<password>…</password>`, `$token === '…'`.
//!
//! The bytes from the name to the end of the value decide, and in front of the name
//! two bytes and the path of a setting such as `services.mail.`; no other bytes do.

use std::ops::Range;

use crate::secrets::judge::{self, MAX_VALUE, ValueKind};
use crate::secrets::literals::{MAX_BLANK, skip_blank, value};
use crate::secrets::secret::{PASSWORD, SECRET, Secret};

/// The most bytes of a name. A longer word is no name.
const MAX_NAME: usize = 64;

/// The most bytes of a connection string before the name of the password.
const MAX_CONNECTION: usize = 192;

/// The ends of the names of passwords, in small letters.
const PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "kennwort",
    "pwd",
];
/// The ends of the names of tokens and of other secrets that are no `key`.
const TOKENS: &[&str] = &[
    "token",
    "secret",
    "salt",
    "pepper",
    "credential",
    "credentials",
    "bearer",
];

/// The words that make a following `key` the name of a secret.
const KEYS: &[&str] = &[
    "api",
    "secret",
    "private",
    "access",
    "auth",
    "encryption",
    "encrypt",
    "crypt",
    "crypto",
    "app",
    "license",
    "signing",
    "signature",
    "master",
    "account",
    "consumer",
    "shared",
    "nonce",
    "in",
    "hmac",
    "jwt",
    "webhook",
    "storage",
    "security",
    "server",
    "upgrade",
    "set",
    "client",
    "user",
    "session",
    "cookie",
    "hash",
    "sign",
    "cipher",
    "aes",
    "des",
    "rsa",
    "ssh",
    "service",
    "merchant",
    "partner",
    "vendor",
    "bot",
    "push",
    "vapid",
    "fcm",
    "rest",
    "oauth",
    "integration",
    "deploy",
    "admin",
    "ftp",
    "mail",
    "smtp",
    "sms",
    "payment",
    "gateway",
    "subscription",
    "recaptcha",
    "captcha",
    "preshared",
    "stripe",
    "mailgun",
    "mailchimp",
    "sendgrid",
    "twilio",
    "google",
    "maps",
    "firebase",
    "openai",
    "azure",
    "aws",
    "algolia",
    "pusher",
    "paypal",
    "cloudflare",
];

/// The secret in `text` whose name has a part of [`super::NAMES`] at `hit`.
pub(super) fn find(text: &str, hit: Range<usize>) -> Option<Secret> {
    let bytes = text.as_bytes();
    let name = name_around(bytes, &hit)?;
    let announced = announced(&text[name.clone()], hit.start - name.start)?;
    let (at, operator, quoted) = operator(bytes, name.end)?;
    match operator {
        Operator::Comma if !is_first_argument(&bytes[..name.start]) => return None,
        Operator::Tag if bytes[..name.start].last() != Some(&b'<') => return None,
        _ => {}
    }
    let mut connecting = false;
    let (value, interpolates) = match value(bytes, at) {
        Some(literal) => (literal.content, literal.interpolates),
        _ if operator == Operator::Tag => (bare(bytes, at, Some(b'<'))?, true),
        _ if matches!(operator, Operator::Adjacent | Operator::Colon)
            && !quoted
            && stands_alone(bytes, name.start) =>
        {
            let in_query = matches!(bytes[..name.start].last(), Some(b'?' | b'&'));
            connecting = announced == ValueKind::Password && connects(&text[..name.start]);
            (bare(bytes, at, in_query.then_some(b'&'))?, true)
        }
        _ => return None,
    };
    let kind = match announced {
        ValueKind::Password => PASSWORD,
        ValueKind::Key => SECRET,
    };
    let shown = &text[value.clone()];
    let is_secret = judge::is_secret(shown, announced, interpolates)
        || connecting && judge::is_argument(shown, interpolates)
        || announced == ValueKind::Password && judge::is_phrase(shown, interpolates);
    is_secret.then_some(Secret { range: value, kind })
}

/// Whether `before` ends in a connection string, which names a server or a user.
fn connects(before: &str) -> bool {
    let from = before.floor_char_boundary(before.len().saturating_sub(MAX_CONNECTION));
    let line = before[from..].rsplit(['\n', '\'', '"']).next();
    let line = line.unwrap_or_default().to_ascii_lowercase();
    let keys = ["host=", "user=", "uid=", "server=", "dbname=", "database="];
    keys.iter().any(|key| line.contains(key))
}

/// The identifier around `hit`.
fn name_around(bytes: &[u8], hit: &Range<usize>) -> Option<Range<usize>> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let before = bytes[hit.start.saturating_sub(MAX_NAME)..hit.start]
        .iter()
        .rev()
        .take_while(|byte| is_name(byte))
        .count();
    let end = (hit.end + MAX_NAME).min(bytes.len());
    let mut after = bytes[hit.end..end]
        .iter()
        .take_while(|byte| is_name(byte))
        .count();
    // The dash of `$password->` is no part of the name.
    if after > 0 && bytes[hit.end + after - 1] == b'-' {
        after -= 1;
    }
    let mut name = hit.start - before..hit.end + after;
    // The letter of an escape such as `\n` is no part of the name either.
    if name.start < hit.start && is_escape(&bytes[..=name.start]) {
        name.start += 1;
    }
    (name.len() <= MAX_NAME).then_some(name)
}

/// Whether `text` ends with an escape that stands for white space.
fn is_escape(text: &[u8]) -> bool {
    matches!(text, [.., b'\\', b'n' | b'r' | b't'])
}

/// What the last word of `name` says about its value, if the part at `hit` lies
/// in that word: `reset_password` names a password, `password_reset` does not.
fn announced(name: &str, hit: usize) -> Option<ValueKind> {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_' || c == '-');
    let start = last_word(name);
    if hit < start {
        // A name such as `api_key` has another hit, in its last word.
        return None;
    }
    let last = name[start..].to_ascii_lowercase();
    let ends = |tails: &[&str]| tails.iter().any(|tail| last.ends_with(tail));
    if ends(PASSWORDS) || last.ends_with("pass") && last.len() <= 8 || last == "pw" {
        return Some(ValueKind::Password);
    }
    if ends(TOKENS) {
        return Some(ValueKind::Key);
    }
    let before = name[..start].trim_end_matches(['_', '-']);
    let before = before[last_word(before)..].to_ascii_lowercase();
    let key = last.strip_suffix("key")?;
    let owner = if key.is_empty() { &*before } else { key };
    KEYS.contains(&owner).then_some(ValueKind::Key)
}

/// The byte at which the last word of `name` starts. A word starts behind `_`
/// and `-`, and at a capital that stands behind or in front of a small letter.
fn last_word(name: &str) -> usize {
    let bytes = name.as_bytes();
    (1..bytes.len())
        .rev()
        .find(|&at| {
            let (before, here) = (bytes[at - 1], bytes[at]);
            let small_next = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
            matches!(before, b'_' | b'-')
                || here.is_ascii_uppercase() && (!before.is_ascii_uppercase() || small_next)
        })
        .unwrap_or(0)
}

/// The operator between a name and its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// `=>`, `=` with blanks, `??`, `?:`, or a comparison.
    Assign,
    /// The comma behind a quoted name.
    Comma,
    /// `=` without blanks, as in env files and connection strings.
    Adjacent,
    /// `:`.
    Colon,
    /// `(`.
    Call,
    /// The end of a tag, `>`.
    Tag,
}

/// The operator behind a name that ends at byte `at`: the byte at which the
/// value starts, the operator, and whether a quote follows the name.
fn operator(bytes: &[u8], at: usize) -> Option<(usize, Operator, bool)> {
    let quoted = matches!(bytes.get(at), Some(b'\'' | b'"'));
    let mut from = at + usize::from(quoted);
    if quoted && matches!(bytes.get(from), Some(b']' | b')')) {
        from += 1;
    }
    let from = skip_blank(bytes, from);
    let (len, operator) = match bytes.get(from..)? {
        [b'=' | b'!', b'=', b'=', ..] => (3, Operator::Assign),
        [b'=' | b'!', b'=', ..] => (2, Operator::Assign),
        [b':', b':', ..] => return None,
        [b'?', b'?', b'=', ..] => (3, Operator::Assign),
        [b'=', b'>', ..] | [b'?', b'?' | b':', ..] => (2, Operator::Assign),
        [b'=', next, ..] if from == at && !next.is_ascii_whitespace() => (1, Operator::Adjacent),
        [b'=', ..] => (1, Operator::Assign),
        [b':', ..] => (1, Operator::Colon),
        [b',', ..] if quoted => (1, Operator::Comma),
        [b'(', ..] if !quoted => (1, Operator::Call),
        [b'>', ..] if !quoted && from == at => (1, Operator::Tag),
        _ => return None,
    };
    Some((skip_blank(bytes, from + len), operator, quoted))
}

/// Whether `before` ends with the beginning of a call's first argument, as in
/// `define('` or `set('services.mail.`.
fn is_first_argument(before: &[u8]) -> bool {
    let path = before.iter().rev().take(MAX_NAME);
    let path = path.take_while(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(byte));
    let [head @ .., b'\'' | b'"'] = &before[..before.len() - path.count()] else {
        return false;
    };
    let head = &head[head.len().saturating_sub(MAX_BLANK)..];
    let Some((b'(', call)) = head.trim_ascii_end().split_last() else {
        return false;
    };
    let is_array = call
        .last_chunk::<5>()
        .is_some_and(|last| last.eq_ignore_ascii_case(b"array"));
    call.last().is_some_and(u8::is_ascii_alphanumeric) && !is_array
}

/// Whether a value without quotes may follow the name at byte `start`, because
/// no PHP code stands directly in front of the name.
fn stands_alone(bytes: &[u8], start: usize) -> bool {
    start == 0
        || is_escape(&bytes[..start])
        || matches!(
            bytes[start - 1],
            b'\n' | b'\r' | b' ' | b'\t' | b';' | b'?' | b'&' | b'\'' | b'"'
        )
}

/// The value without quotes that starts at byte `from`. The byte `close` ends it, too.
fn bare(bytes: &[u8], from: usize, close: Option<u8>) -> Option<Range<usize>> {
    let is_value = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || *byte == b'&' && close != Some(b'&')
            || matches!(byte, b'!' | b'#' | b'%' | b'*'..=b'+' | b'-'..=b'/' | b':' | b'=' | b'?' | b'@' | b'^' | b'_' | b'~')
    };
    let rest = bytes.get(from..)?;
    let len = rest
        .iter()
        .take(MAX_VALUE + 1)
        .take_while(|byte| is_value(byte))
        .count();
    match rest.get(len).filter(|next| close != Some(**next)) {
        // The value is an expression, or the program builds it at run time.
        Some(b'(' | b'$' | b'{' | b'<' | b'>' | b'[') => None,
        _ => Some(from..from + len),
    }
}
