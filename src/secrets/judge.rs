//! Decides whether a value is a secret. Values such as `changeme`, `%s`,
//! `required|string`, the name of a class or a translation key are none.

/// What kind of secret the name of a value announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueKind {
    /// A secret that a person chose.
    Password,
    /// A secret that a machine made.
    Key,
}

/// The fewest bytes of a password. Shorter passwords look like words.
const MIN_PASSWORD: usize = 8;
/// The fewest bytes of a key.
const MIN_KEY: usize = 16;
/// The most bytes of either.
pub(super) const MAX_VALUE: usize = 512;
/// The least entropy of a key, in bits per character. 16 characters of random
/// hex have more than 2.9, and of random base64 more than 3.5.
const MIN_KEY_ENTROPY: f64 = 2.9;
/// The least entropy of a password, in bits per character.
const MIN_PASSWORD_ENTROPY: f64 = 2.5;
/// The least entropy, in bits per character, of a value that may hold any
/// printable character, such as the salts that WordPress makes.
const NOISE_ENTROPY: f64 = 4.5;
/// The fewest bytes of such a value.
const MIN_NOISE: usize = 32;

/// Words, in lower case, that mark a value as a stand-in for a secret.
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
    if counts.blank > 0 || counts.other > 0 || is_syntax(value, interpolates) || is_stand_in(value)
    {
        return false;
    }
    match kind {
        ValueKind::Password => {
            let mixed =
                counts.digits > 0 || counts.punctuation > 0 && counts.lower > 0 && counts.upper > 0;
            value.len() >= MIN_PASSWORD
                && mixed
                && counts.letters() > 0
                && entropy(value) >= MIN_PASSWORD_ENTROPY
                && !is_words(value, &counts)
        }
        ValueKind::Key => {
            value.len() >= MIN_KEY
                && counts.digits > 0
                && counts.letters() > 0
                && entropy(value) >= MIN_KEY_ENTROPY
                && !EMPTY_DIGESTS.contains(&value)
                && !is_words(value, &counts)
        }
    }
}

/// Whether the body of a token is random enough to be an issued one, and no
/// example. `spells` tells that its alphabet has characters that join words.
pub(super) fn is_random(body: &str, spells: bool) -> bool {
    // Vendors' documentation ends its examples with this word.
    let is_example = body.ends_with("EXAMPLE") || has_run(body);
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

/// Whether `value` is a stand-in for a secret.
fn is_stand_in(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    STAND_INS.iter().any(|word| lower.contains(word)) || has_run(value)
}

/// Whether six consecutive bytes count up or repeat: `123456`, `abcdef`, `xxxxxx`.
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

/// Whether `value` consists of words, as a name does. Such a value is a constant
/// like `WIN32_ERROR`, or has few digits and most letters in runs of one case.
fn is_words(value: &str, counts: &CharCounts) -> bool {
    let is_constant = counts.lower == 0
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
    is_constant || counts.digits * 8 < value.len() && in_words * 2 >= value.len()
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
