//! Whether a value is a secret or stands for one: `changeme`, `%s`,
//! `required|string`, a class or a translation key are none.

/// What a name promises of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promise {
    /// Something that a person chose.
    Password,
    /// Something that a machine made.
    Key,
}

/// The fewest bytes of a password. Shorter ones cannot be told from words.
const MIN_PASSWORD: usize = 8;
/// The fewest bytes of a key.
const MIN_KEY: usize = 16;
/// The most bytes of either.
pub(super) const MAX_VALUE: usize = 512;
/// The entropy, in bits a character, that a key has at least. Random hex of 16
/// characters lies above 2.9 and base64 above 3.5.
const MIN_KEY_ENTROPY: f64 = 2.9;
/// The same for a password.
const MIN_PASSWORD_ENTROPY: f64 = 2.5;
/// The entropy from which a value may hold any character, as the salts that
/// WordPress makes do.
const NOISE_ENTROPY: f64 = 4.5;
/// The fewest bytes of such a value.
const MIN_NOISE: usize = 32;

/// What values that stand for a secret hold, in lower case.
const STAND_INS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "changeme",
    "change_me",
    "change-me",
    "example",
    "your",
    "dummy",
    "sample",
    "placeholder",
    "replace",
    "insert",
    "xxxx",
    "****",
    "....",
    "----",
    "0000",
    "1234",
    "4321",
    "abcd",
    "qwert",
    "aaaa",
    "test",
    "fake",
    "demo",
    "foo",
    "bar",
    "baz",
    "redacted",
    "lorem",
    "some",
    "invalid",
    "default",
    "unknown",
    "hash",
];

/// Digests of the empty string, which every test of a hash function knows:
/// MD5, SHA-1, SHA-256.
const EMPTY_DIGESTS: &[&str] = &[
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
];

/// Whether `value` is a secret of the sort that its name promises.
/// `interpolates` says that it stands in a string where `$name` is a variable.
pub(super) fn is_secret(value: &str, promise: Promise, interpolates: bool) -> bool {
    if value.len() > MAX_VALUE {
        return false;
    }
    let shape = Shape::of(value);
    if !interpolates && promise == Promise::Key && shape.is_noise(value) {
        return true;
    }
    if shape.blank > 0 || shape.other > 0 || is_syntax(value, interpolates) || is_stand_in(value) {
        return false;
    }
    match promise {
        Promise::Password => {
            let mixed = shape.digits > 0 || shape.marks > 0 && shape.lower > 0 && shape.upper > 0;
            value.len() >= MIN_PASSWORD
                && mixed
                && shape.letters() > 0
                && entropy(value) >= MIN_PASSWORD_ENTROPY
                && !is_words(value, &shape)
        }
        Promise::Key => {
            value.len() >= MIN_KEY
                && shape.digits > 0
                && shape.letters() > 0
                && entropy(value) >= MIN_KEY_ENTROPY
                && !EMPTY_DIGESTS.contains(&value)
                && !is_words(value, &shape)
        }
    }
}

/// Whether the body of an issued token is as random as those are, and no
/// example. `spells` says that its alphabet has marks that join words.
pub(super) fn is_random(body: &str, spells: bool) -> bool {
    // Vendors' documents end their examples so.
    let is_example = body.ends_with("EXAMPLE") || has_run(body);
    let is_prose = spells && is_words(body, &Shape::of(body));
    !is_example && !is_prose && entropy(body) >= MIN_KEY_ENTROPY
}

/// Counts of the sorts of characters in a value, in bytes.
#[derive(Default)]
struct Shape {
    lower: usize,
    upper: usize,
    digits: usize,
    marks: usize,
    blank: usize,
    other: usize,
}

impl Shape {
    fn of(value: &str) -> Self {
        let mut shape = Self::default();
        for byte in value.bytes() {
            *match byte {
                b'a'..=b'z' => &mut shape.lower,
                b'A'..=b'Z' => &mut shape.upper,
                b'0'..=b'9' => &mut shape.digits,
                b'!'..=b'~' => &mut shape.marks,
                b' ' | b'\t' => &mut shape.blank,
                _ => &mut shape.other,
            } += 1;
        }
        shape
    }

    fn letters(&self) -> usize {
        self.lower + self.upper
    }

    /// Whether `value` is random over all printable characters.
    fn is_noise(&self, value: &str) -> bool {
        value.len() >= MIN_NOISE
            && self.marks >= 4
            && self.lower.min(self.upper).min(self.digits) > 0
            && self.other == 0
            && self.blank * 8 <= value.len()
            && self.marks * 8 >= value.len()
            && entropy(value) >= NOISE_ENTROPY
    }
}

/// Whether `value` is a path, a name in code, a format or a variable.
fn is_syntax(value: &str, interpolates: bool) -> bool {
    let variable = |(at, _): (usize, &str)| {
        value
            .as_bytes()
            .get(at + 1)
            .is_some_and(|&next| next.is_ascii_alphabetic() || matches!(next, b'_' | b'{'))
    };
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
        || interpolates && value.match_indices('$').any(variable)
}

/// Whether `value` stands for a secret.
fn is_stand_in(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    STAND_INS.iter().any(|word| lower.contains(word)) || has_run(value)
}

/// Whether six characters in a row count up or repeat: `123456`, `abcdef`, `xxxxxx`.
fn has_run(value: &str) -> bool {
    let bytes = value.as_bytes();
    [0, 1].into_iter().any(|step| {
        let mut run = 1;
        bytes.windows(2).any(|pair| {
            run = if pair[1] == pair[0].wrapping_add(step) {
                run + 1
            } else {
                1
            };
            run >= 6
        })
    })
}

/// Whether `value` is made of words, as a name is: a constant like `WIN32_ERROR`,
/// or few digits and most letters in runs of one case.
fn is_words(value: &str, shape: &Shape) -> bool {
    let is_constant = shape.lower == 0
        && value.contains('_')
        && value
            .bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    let in_words: usize = value
        .as_bytes()
        .chunk_by(|a, b| {
            (a.is_ascii_lowercase(), a.is_ascii_uppercase())
                == (b.is_ascii_lowercase(), b.is_ascii_uppercase())
        })
        .filter(|run| run.len() >= 4 && run[0].is_ascii_alphabetic())
        .map(<[u8]>::len)
        .sum();
    is_constant || shape.digits * 8 < value.len() && in_words * 2 >= value.len()
}

/// Shannon entropy of the bytes of `value`, in bits.
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
