//! Values that stand in for a secret, such as `changeme` and `YOUR-KEY-HERE`.

use crate::secrets::spelling::{randomness, word_len};

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
    "username",
    "your",
    "dummy",
    "sample",
    "placeholder",
    "replace",
    "insert",
    "xxxx",
    "**",
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
    "redacted",
    "lorem",
    "some_",
    "some-",
    "something",
    "invalid",
    "default",
    "unknown",
    "hash",
];

/// Words, in lower case, of which an argument may consist that stands in for a secret.
/// A value that has other words is a secret.
const STAND_IN_WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "phrase",
    "pass",
    "pwd",
    "pw",
    "secret",
    "secrets",
    "token",
    "key",
    "api",
    "app",
    "db",
    "database",
    "test",
    "testing",
    "tester",
    "user",
    "username",
    "name",
    "my",
    "your",
    "the",
    "a",
    "is",
    "here",
    "change",
    "changeme",
    "me",
    "this",
    "example",
    "dummy",
    "sample",
    "fake",
    "foo",
    "bar",
    "baz",
    "qux",
    "root",
    "guest",
    "default",
    "null",
    "none",
    "empty",
    "demo",
    "some",
    "invalid",
    "wrong",
    "incorrect",
    "new",
    "old",
    "value",
    "salt",
    "hash",
    "string",
    "data",
    "private",
    "public",
    "auth",
    "client",
    "server",
    "redacted",
    "xxx",
    "xxxx",
    "xxxxx",
    "xxxxxx",
    "todo",
    "enter",
    "insert",
    "replace",
    "lorem",
    "ipsum",
    "hello",
    "world",
    "message",
    "payload",
];

/// The [`randomness`], in bits, above which a value is no stand-in, whatever words the
/// characters happen to spell.
const CERTAIN_RANDOMNESS: f64 = 20.0;
/// The most bytes of a value of which a run is nearly all.
const SHORT: usize = 8;

/// Whether `value` is a stand-in for a secret.
pub(super) fn is_stand_in(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let named = || STAND_INS.iter().any(|word| lower.contains(word)) || has_nonsense_word(value);
    has_run(value) || named() && randomness(value) < CERTAIN_RANDOMNESS
}

/// Whether a word of `value` is `foo`, `barbaz` or the like.
fn has_nonsense_word(value: &str) -> bool {
    let is_nonsense = |word: &[u8]| {
        word.len().is_multiple_of(3)
            && word.chunks(3).all(|part| {
                let mut known = ["foo", "bar", "baz"].iter();
                known.any(|known| part.eq_ignore_ascii_case(known.as_bytes()))
            })
    };
    let mut rest = value.as_bytes();
    while let Some(first) = rest.first() {
        let len = if first.is_ascii_alphabetic() {
            word_len(rest)
        } else {
            1
        };
        if first.is_ascii_alphabetic() && is_nonsense(&rest[..len]) {
            return true;
        }
        rest = &rest[len..];
    }
    false
}

/// Whether `value` consists of nothing but [`STAND_IN_WORDS`] and short numbers, or
/// mostly of a run: `secret`, `my_password1`, `YOUR-KEY-HERE`, `123456`.
pub(super) fn is_spelled_stand_in(value: &str) -> bool {
    let mut rest = value.as_bytes();
    let mut numbers = 0;
    while let Some(first) = rest.first() {
        let len = match first {
            byte if byte.is_ascii_alphabetic() => {
                let word = &rest[..word_len(rest)];
                let known = STAND_IN_WORDS.iter().any(|known| {
                    word.get(..known.len())
                        .is_some_and(|start| start.eq_ignore_ascii_case(known.as_bytes()))
                        && is_stand_in_word(&word[known.len()..])
                });
                if !known {
                    return has_run(value) && value.len() <= SHORT;
                }
                word.len()
            }
            byte => {
                numbers += usize::from(byte.is_ascii_digit());
                1
            }
        };
        rest = &rest[len..];
    }
    numbers < 6 || has_run(value)
}

/// Whether nothing is left of a word, or another word of [`STAND_IN_WORDS`].
fn is_stand_in_word(rest: &[u8]) -> bool {
    rest.is_empty()
        || STAND_IN_WORDS
            .iter()
            .any(|known| rest.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether six consecutive bytes count up or repeat: `123456`, `abcdef`, `xxxxxx`.
pub(super) fn has_run(value: &str) -> bool {
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
