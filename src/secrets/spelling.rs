//! Tells words from random characters.
//!
//! Two models describe how a value came about. In the one, somebody spelled it: it
//! consists of words, numbers and separators, and letters follow one another as they
//! do in words. In the other, a machine drew each character from an alphabet. The
//! difference of the bits that the models need is the evidence for the second one.

/// How unlikely a letter is behind another one in words, in [`STEP`] bits: `a` stands
/// for 0, `b` for 1 and so on. The first row is for the beginning of a word, the
/// others are for a letter each; the last column is for the end of the word.
///
/// The counts are from the words of 370,000 different string literals of wordpress,
/// mediawiki, zabbix, cacti, drupal and monica.
const FOLLOWS: [&[u8; 27]; 27] = [
    b"kmhlmmmnlqqmlmnkumjjnontvtw",
    b"tmklsrltmuqilivmwikinpsrpsi",
    b"hqrshvsujrwhrsiuwjmrjwwqowi",
    b"jwqvkqwinwllwudwwnpkowwwsrl",
    b"jqroftpuhvtonrlswmnsltuwrwg",
    b"mqmlppqurwslmjspvhikrpposvg",
    b"iutvjmvvfwwmtvgvwjqmmwvwrwj",
    b"itsugwookwwosoitqjmrmwwwswf",
    b"hssugvwwjwtqrqhiwoqkmwtwpwh",
    b"lpklkqmvwuokmgjpvnkiuowswql",
    b"htrrhtvulpqtqpikmsgskurwpvl",
    b"jsstisusiwqpsqmtwplpnwtwpwd",
    b"irslgtuuhwtksviqwvolkuwwpwh",
    b"hptvhwvwjwwnotjlwvpupwswpwe",
    b"ktlkinjtluonspkswukhprvwrtg",
    b"qqnmsqouruplghnnwhmnlmotuwj",
    b"hvspiwujlwwittjmwjomnwvwtwg",
    b"nurttwwwowwjvuuvuqrtcwuwwwg",
    b"ismogsmwjwppmpjswomlmquwnwh",
    b"mtmtiuumkwqqqtmnupkgnurwqwe",
    b"jvqvguwliwkqrukqwlnnovswmwg",
    b"mmolktnvmwmjljukwiijuvwtutj",
    b"hwttewsufwvuvoltwqstswwwtwh",
    b"itttiusogwwstmijwojrtwnwtwg",
    b"kqltmtvtkwwsnnmjwtqgrvvqlwe",
    b"kpnqmqrsqvtmnnljwpkoqtrwupd",
    b"hlsrgvtojwspqpkswusqnvswomf",
];
/// The unit of [`FOLLOWS`], in bits.
const STEP: f64 = 0.4;
/// The bits of a word that begins, by how its letters are written: small, with a
/// capital in front, or in capitals.
const WORD: [f64; 3] = [1.0, 1.5, 2.0];
/// The bits of a number that begins, and of each of its digits.
const NUMBER: f64 = 3.0;
const DIGIT: f64 = 3.6;
/// The bits of a separator of words, and of any other character.
const SEPARATOR: f64 = 2.0;
const OTHER: f64 = 6.0;

/// The evidence in bits that the characters of `value` were drawn at random: above 0
/// if that explains them better than words do.
pub(super) fn randomness(value: &str) -> f64 {
    spelled_bits(value.as_bytes()) - drawn_bits(value.as_bytes())
}

/// The bits of `value` if somebody spelled it.
fn spelled_bits(value: &[u8]) -> f64 {
    let mut bits = 0.0;
    let mut at = 0;
    while at < value.len() {
        let rest = &value[at..];
        let len = match rest[0] {
            b'a'..=b'z' | b'A'..=b'Z' => {
                let word = &rest[..word_len(rest)];
                bits += word_bits(word);
                word.len()
            }
            b'0'..=b'9' => {
                let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                // A value is far shorter than 2^52 bytes.
                bits += NUMBER + DIGIT * digits as f64;
                digits
            }
            b'_' | b'-' | b'.' | b'/' | b':' | b' ' => {
                bits += SEPARATOR;
                1
            }
            _ => {
                bits += OTHER;
                1
            }
        };
        at += len;
    }
    bits
}

/// The length of the word at the beginning of `rest`, which begins with a letter. A
/// word is written in small letters, with a capital in front, or in capitals; of
/// several capitals before a small letter, the last one begins the next word.
pub(super) fn word_len(rest: &[u8]) -> usize {
    let upper = rest
        .iter()
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    let small = |from: usize| {
        let rest = &rest[from..];
        rest.iter()
            .take_while(|byte| byte.is_ascii_lowercase())
            .count()
    };
    match upper {
        0 | 1 => upper + small(upper),
        _ if rest.get(upper).is_some_and(u8::is_ascii_lowercase) => upper - 1,
        _ => upper,
    }
}

/// The bits of `word` among words.
fn word_bits(word: &[u8]) -> f64 {
    let capitals = word.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let style = match capitals {
        0 => WORD[0],
        1 if word.len() > 1 => WORD[1],
        _ => WORD[2],
    };
    let mut steps = 0_u32;
    let mut row = 0;
    for byte in word {
        let letter = usize::from(byte.to_ascii_lowercase() - b'a');
        steps += u32::from(FOLLOWS[row][letter] - b'a');
        row = letter + 1;
    }
    steps += u32::from(FOLLOWS[row][26] - b'a');
    style + STEP * f64::from(steps)
}

/// The bits of `value` if each character was drawn from the alphabet that it shows.
fn drawn_bits(value: &[u8]) -> f64 {
    let has = |test: fn(&u8) -> bool| value.iter().any(test);
    let hex = |letters: std::ops::RangeInclusive<u8>| {
        let mut bytes = value.iter();
        bytes.all(|byte| byte.is_ascii_digit() || letters.contains(byte))
    };
    let size = if hex(b'a'..=b'f') || hex(b'A'..=b'F') {
        16
    } else {
        let mut other = [false; 128];
        for byte in value.iter().filter(|byte| byte.is_ascii()) {
            other[usize::from(*byte)] |= !byte.is_ascii_alphanumeric();
        }
        let other = other.iter().filter(|seen| **seen).count();
        26 * usize::from(has(u8::is_ascii_lowercase))
            + 26 * usize::from(has(u8::is_ascii_uppercase))
            + 10 * usize::from(has(u8::is_ascii_digit))
            + 2 * other
    };
    // Both numbers are far below 2^52.
    value.len() as f64 * (size.max(10) as f64).log2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::tests::{ALPHABETS, drawn};

    /// At 4 bits, as names ask for, 97 of 100 random keys are found from 12
    /// characters on, and 93 of shorter ones.
    #[test]
    fn random_keys_of_every_alphabet_and_length_are_random() {
        for alphabet in ALPHABETS {
            for (len, least) in [
                (8, 930),
                (10, 950),
                (12, 970),
                (16, 980),
                (24, 990),
                (40, 1000),
            ] {
                let random = (0..1000_u64)
                    .filter(|seed| randomness(&drawn(alphabet, len, *seed)) > 4.0)
                    .count();
                assert!(random >= least, "{alphabet} {len}: {random}");
            }
        }
    }

    #[test]
    fn what_programs_spell_is_not_random() {
        for value in [
            "translation",
            "reset_token_id",
            "ResetPasswordController",
            "security.token_storage.v2",
            "application/x-www-form-urlencoded",
            "getElementsByTagName",
            "UTF8_GENERAL_CI",
            "oauth2_access_token",
            "createdAt",
            "Benutzername",
            "mot_de_passe",
        ] {
            assert!(randomness(value) < 0.0, "{value}: {}", randomness(value));
        }
    }

    #[test]
    fn words_end_where_their_writing_changes() {
        let words = |text: &str| {
            let mut lens = Vec::new();
            let mut rest = text.as_bytes();
            while !rest.is_empty() {
                lens.push(word_len(rest));
                rest = &rest[word_len(rest)..];
            }
            lens
        };
        assert_eq!(words("fooBarBAZQux"), [3, 3, 3, 3]);
        assert_eq!(words("HTTPServer"), [4, 6]);
        assert_eq!(words("aBC"), [1, 2]);
    }
}
