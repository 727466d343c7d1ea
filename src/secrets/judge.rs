//! Decides whether a value is a secret. Values such as `changeme`, `%s`,
//! `required|string`, the name of a class or a translation key are none. How much a
//! value must look like a secret depends on how much its place says already.

use crate::secrets::spelling::randomness;
use crate::secrets::stand_ins::{has_run, is_spelled_stand_in, is_stand_in};

/// What kind of secret the name of a value announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueKind {
    /// A secret that a person chose.
    Password,
    /// A secret that a machine made.
    Key,
}

/// The fewest bytes of a password or key behind a name. Shorter ones look like words.
const MIN_NAMED: usize = 8;
/// The fewest bytes of a secret that is the argument of a function that takes one.
const MIN_ARGUMENT: usize = 6;
/// The most bytes of either.
pub(super) const MAX_VALUE: usize = 512;
/// The fewest bytes of a password of several words.
const MIN_PHRASE: usize = 12;
/// The least entropy of a key, in bits per character. 16 characters of random
/// hex have more than 2.9, and of random base64 more than 3.5.
const MIN_KEY_ENTROPY: f64 = 2.9;
/// The least entropy of a password, in bits per character.
const MIN_PASSWORD_ENTROPY: f64 = 2.5;
/// The least [`randomness`] of a key behind a name, in bits.
const NAMED_RANDOMNESS: f64 = 4.0;
/// The same of a value that is written like a constant.
const CONSTANT_RANDOMNESS: f64 = 20.0;
/// The least entropy, in bits per character, of a value that may hold any
/// printable character, such as the salts that WordPress makes.
const NOISE_ENTROPY: f64 = 4.5;
/// The fewest bytes of such a value.
const MIN_NOISE: usize = 32;

/// The MD5, SHA-1 and SHA-256 digests of the empty string. Tests of hash
/// functions contain them.
const EMPTY_DIGESTS: &[&str] = &[
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
];

/// Whether `value` is a secret of the kind that its name announces.
/// `interpolates` tells that the value stands in a string in which PHP replaces
/// `$name` by a variable.
pub(super) fn is_secret(value: &str, kind: ValueKind, interpolates: bool) -> bool {
    if value.len() > MAX_VALUE {
        return false;
    }
    let counts = CharCounts::of(value);
    if !interpolates && kind == ValueKind::Key && counts.is_noise(value) {
        return true;
    }
    if value.len() < MIN_NAMED
        || counts.blank > 0
        || counts.other > 0
        || counts.letters() == 0
        || is_syntax(value, interpolates)
        || is_stand_in(value)
    {
        return false;
    }
    let random = randomness(value) >= NAMED_RANDOMNESS;
    match kind {
        ValueKind::Password => {
            let mixed =
                counts.digits > 0 || counts.punctuation > 0 && counts.lower > 0 && counts.upper > 0;
            entropy(value) >= MIN_PASSWORD_ENTROPY && (random || mixed && !is_words(value, &counts))
        }
        ValueKind::Key => {
            let constant = is_constant(value, &counts) && randomness(value) < CONSTANT_RANDOMNESS;
            random && !constant && !EMPTY_DIGESTS.contains(&value)
        }
    }
}

/// Whether `value` is a secret if it is the argument of a function that takes one: all
/// literals are, except for stand-ins and what the program fills in.
pub(super) fn is_argument(value: &str, interpolates: bool) -> bool {
    let filled_in = |open: char, close: char| value.starts_with(open) && value.ends_with(close);
    let variable = interpolates && has_variable(value);
    let path = value.starts_with(['/', '.', '~']) || value.contains("://");
    let code = value.contains("::") || value.contains("->") || value.contains('\\');
    (MIN_ARGUMENT..=MAX_VALUE).contains(&value.len())
        && !variable
        && !path
        && !code
        && !filled_in('%', '%')
        && !filled_in('{', '}')
        && !filled_in('<', '>')
        && !value.starts_with("%env(")
        && !["%s", "%d", "%1$"]
            .iter()
            .any(|format| value.contains(format))
        && !is_spelled_stand_in(value)
        && value.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

/// Whether `value` is a password if it is an argument of a method whose name is that of
/// methods of other purposes, too.
pub(super) fn is_likely_argument(value: &str, interpolates: bool) -> bool {
    let counts = CharCounts::of(value);
    is_argument(value, interpolates)
        && counts.blank + counts.other == 0
        && (counts.digits > 0 || counts.is_phrase(value) || randomness(value) >= NAMED_RANDOMNESS)
        && !is_constant(value, &counts)
}

/// Whether `value` is a password of several words, in small letters and capitals.
pub(super) fn is_phrase(value: &str, interpolates: bool) -> bool {
    let counts = CharCounts::of(value);
    counts.blank + counts.other == 0
        && counts.is_phrase(value)
        && counts.lower > 0
        && counts.upper > 0
        && counts.punctuation + counts.digits > 0
        && !is_syntax(value, interpolates)
        && !is_stand_in(value)
}

/// Whether the body of a token is random enough to be an issued one, and no
/// example. `spells` tells that its alphabet has characters that join words.
pub(super) fn is_random(body: &str, spells: bool) -> bool {
    // Vendors' documentation ends its examples with this word.
    // Zero bytes are runs of `A` in Base64; keys of reCAPTCHA have some.
    let is_example = body.ends_with("EXAMPLE") || has_run(&body.replace("AAAAA", ""));
    let is_prose = spells && is_words(body, &CharCounts::of(body));
    !is_example && !is_prose && entropy(body) >= MIN_KEY_ENTROPY
}

/// How many bytes of a value belong to each kind of character.
#[derive(Default)]
struct CharCounts {
    lower: usize,
    upper: usize,
    digits: usize,
    punctuation: usize,
    blank: usize,
    other: usize,
}

impl CharCounts {
    fn of(value: &str) -> Self {
        let mut counts = Self::default();
        for byte in value.bytes() {
            *match byte {
                b'a'..=b'z' => &mut counts.lower,
                b'A'..=b'Z' => &mut counts.upper,
                b'0'..=b'9' => &mut counts.digits,
                b'!'..=b'~' => &mut counts.punctuation,
                b' ' | b'\t' => &mut counts.blank,
                _ => &mut counts.other,
            } += 1;
        }
        counts
    }

    fn letters(&self) -> usize {
        self.lower + self.upper
    }

    /// Whether `value` is as long as several words, and has marks between them.
    fn is_phrase(&self, value: &str) -> bool {
        value.len() >= MIN_PHRASE && self.punctuation + self.upper > 1
    }

    /// Whether `value` looks like random printable characters of all kinds.
    fn is_noise(&self, value: &str) -> bool {
        value.len() >= MIN_NOISE
            && self.punctuation >= 4
            && self.lower.min(self.upper).min(self.digits) > 0
            && self.other == 0
            && self.blank * 8 <= value.len()
            && self.punctuation * 8 >= value.len()
            && entropy(value) >= NOISE_ENTROPY
    }
}

/// Whether `value` is a path, a name in code, a format or a variable.
fn is_syntax(value: &str, interpolates: bool) -> bool {
    let format = |(at, _): (usize, &str)| {
        matches!(
            value.as_bytes().get(at + 1),
            Some(b's' | b'd' | b'1'..=b'9' | b'%' | b'u')
        )
    };
    value.starts_with(['/', '.', '%', '#', '@', ':', '$', '?', '&', '-'])
        || value.contains("://")
        || value.contains("::")
        || value.contains("->")
        || value.contains([
            '\\', '{', '}', '<', '>', '|', '(', ')', '[', ']', ';', '"', '\'', ',',
        ])
        || value.match_indices('%').any(format)
        || interpolates && has_variable(value)
}

/// Whether PHP replaces a part of `value` by a variable.
fn has_variable(value: &str) -> bool {
    let variable = |(at, _): (usize, &str)| {
        let next = value.as_bytes().get(at + 1);
        next.is_some_and(|&next| next.is_ascii_alphabetic() || matches!(next, b'_' | b'{'))
    };
    value.match_indices('$').any(variable) || value.contains("{$")
}

/// Whether `value` is written like a constant such as `WIN32_ERROR`.
fn is_constant(value: &str, counts: &CharCounts) -> bool {
    counts.lower == 0
        && value.contains('_')
        && value
            .bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

/// Whether `value` consists of words, as a name does. Such a value is a constant, or has
/// few digits and most letters in runs of one case.
fn is_words(value: &str, counts: &CharCounts) -> bool {
    let in_words: usize = value
        .as_bytes()
        .chunk_by(|a, b| {
            (a.is_ascii_lowercase(), a.is_ascii_uppercase())
                == (b.is_ascii_lowercase(), b.is_ascii_uppercase())
        })
        .filter(|run| run.len() >= 4 && run[0].is_ascii_alphabetic())
        .map(<[u8]>::len)
        .sum();
    is_constant(value, counts) || counts.digits * 8 < value.len() && in_words * 2 >= value.len()
}

/// The Shannon entropy of the bytes of `value`, in bits per byte.
fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    let mut total = 0_u32;
    for byte in value.bytes() {
        counts[usize::from(byte)] += 1;
        total += 1;
    }
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / f64::from(total))
        .map(|share| -share * share.log2())
        .sum()
}
