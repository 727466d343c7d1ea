//! Splits text into search terms, in the same way for the index and for queries.
//!
//! A *word* is a PHP identifier: one of `[A-Za-z_\x80-\xff]`, and then those or
//! digits. A word yields itself as written, and its parts in lower case if they
//! differ from it: `getUserName` gives `getUserName`, `get`, `user` and `name`;
//! `HTTP_CODE` gives `HTTP_CODE`, `http` and `code`. So a query finds the exact name
//! first and then related names.

/// The most bytes of a word. Longer words are data (base64, hashes), not names, and
/// yield no terms.
pub const MAX_WORD_BYTES: usize = 128;

/// The class of a byte in a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ByteClass {
    /// Not part of a word.
    Other,
    /// `_`.
    Underscore,
    /// `0-9`, which do not start a word.
    Digit,
    /// `A-Z`.
    Upper,
    /// `a-z` and every byte of a character outside ASCII.
    Lower,
}

const CLASSES: [ByteClass; 256] = {
    let mut classes = [ByteClass::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'_' => ByteClass::Underscore,
            b'0'..=b'9' => ByteClass::Digit,
            b'A'..=b'Z' => ByteClass::Upper,
            b'a'..=b'z' | 0x80..=0xff => ByteClass::Lower,
            _ => ByteClass::Other,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> ByteClass {
    CLASSES[byte as usize]
}

/// Calls `each` with every term of `text`, in the order of the text: each word as
/// written, then its parts. A term that occurs twice comes twice.
pub fn terms(text: &str, mut each: impl FnMut(&str)) {
    let mut lower = String::new();
    words(text, |word| {
        each(word);
        parts(word, &mut lower, &mut each);
    });
}

/// Calls `each` with the words that the name `name` consists of, in lower case:
/// `getUserName` gives `get`, `user` and `name`.
pub fn name_words(name: &str, mut each: impl FnMut(&str)) {
    let mut lower = String::new();
    let mut has_parts = false;
    parts(name, &mut lower, &mut |part: &str| {
        has_parts = true;
        each(part);
    });
    if !has_parts {
        name.clone_into(&mut lower);
        lower.make_ascii_lowercase();
        each(&lower);
    }
}

/// Calls `each` with every word of `text`.
fn words(text: &str, mut each: impl FnMut(&str)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let first = class(bytes[at]);
        let start = at;
        at += 1;
        if first == ByteClass::Other {
            continue;
        }
        while at < bytes.len() && class(bytes[at]) != ByteClass::Other {
            at += 1;
        }
        // The letters of a number belong to it: `0xFF` and `1e5` contain no words.
        if first != ByteClass::Digit && at - start <= MAX_WORD_BYTES {
            each(&text[start..at]);
        }
    }
}

/// Calls `each` with the lower-cased parts of `word`, unless the word is its own only
/// part. `lower` is a reused buffer.
fn parts(word: &str, lower: &mut String, each: &mut impl FnMut(&str)) {
    let bytes = word.as_bytes();
    if bytes
        .iter()
        .all(|&b| matches!(class(b), ByteClass::Lower | ByteClass::Digit))
    {
        return;
    }
    lower.clear();
    lower.push_str(word);
    lower.make_ascii_lowercase();
    let mut start = 0;
    let mut previous = ByteClass::Underscore;
    for (at, &byte) in bytes.iter().enumerate() {
        let this = class(byte);
        let next = bytes.get(at + 1).map_or(ByteClass::Other, |&b| class(b));
        let begins = match this {
            ByteClass::Underscore => true,
            ByteClass::Upper => previous != ByteClass::Upper || next == ByteClass::Lower,
            ByteClass::Lower | ByteClass::Digit | ByteClass::Other => false,
        };
        if begins {
            if start < at {
                each(&lower[start..at]);
            }
            start = at + usize::from(this == ByteClass::Underscore);
        }
        previous = this;
    }
    if start < bytes.len() {
        each(&lower[start..]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        terms(text, |term| found.push(term.to_owned()));
        found
    }

    #[test]
    fn words_come_as_written_and_in_parts() {
        for (text, expected) in [
            ("foo", "foo"),
            ("$fooBar", "fooBar foo bar"),
            ("User::FIND_ALL", "User user FIND_ALL find all"),
            ("HTTPServer2x", "HTTPServer2x http server2x"),
            ("__construct", "__construct construct"),
            ("_", "_"),
            ("_a__b_", "_a__b_ a b"),
            ("0xFF 12ab 1e5", ""),
            ("größeMax = Über", "größeMax größe max Über Über"),
            ("a\u{a0}b", "a\u{a0}b"),
        ] {
            let expected: Vec<_> = expected.split(' ').filter(|t| !t.is_empty()).collect();
            let expected = match text {
                // Only ASCII is lower-cased, and a word equal to its part comes once.
                "größeMax = Über" => vec!["größeMax", "größe", "max", "Über"],
                "a\u{a0}b" => vec!["a\u{a0}b"],
                _ => expected,
            };
            assert_eq!(all(text), expected, "{text}");
        }
    }

    #[test]
    fn data_is_no_word() {
        assert!(all(&"x".repeat(MAX_WORD_BYTES + 1)).is_empty());
        assert_eq!(all(&"x".repeat(MAX_WORD_BYTES)).len(), 1);
    }

    proptest! {
        #[test]
        fn any_text_has_terms_that_stand_in_it(text in "\\PC{0,60}") {
            let lower = text.to_ascii_lowercase();
            for term in all(&text) {
                prop_assert!(!term.is_empty());
                prop_assert!(text.contains(&term) || lower.contains(&term));
            }
        }
    }
}
