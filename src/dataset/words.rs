//! Splits source text into words and single characters, without a lexer: the
//! tokens by which middles and examples are filtered and compared.

/// The words of `text`, and each other character that is not white space.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let class = |at: usize| text.as_bytes().get(at).map(WordClass::of);
    let mut at = 0;
    std::iter::from_fn(move || {
        while class(at) == Some(WordClass::Space) {
            at += 1;
        }
        let (start, end) = match class(at)? {
            WordClass::Word => (at, end_of_word(text, at + 1)),
            WordClass::Space | WordClass::Other => (at, at + 1),
            WordClass::NotAscii => {
                let start = text.len() - text[at..].trim_start().len();
                let first = text[start..].chars().next()?;
                let end = start + first.len_utf8();
                match is_word(first) {
                    true => (start, end_of_word(text, end)),
                    false => (start, end),
                }
            }
        };
        at = end;
        Some(&text[start..end])
    })
}

/// The end of the word that reaches to byte `at` of `text` at least.
fn end_of_word(text: &str, mut at: usize) -> usize {
    let class = |at: usize| text.as_bytes().get(at).map(WordClass::of);
    while class(at) == Some(WordClass::Word) {
        at += 1;
    }
    match class(at) {
        Some(WordClass::NotAscii) => {
            let end = text[at..].find(|c| !is_word(c));
            end.map_or(text.len(), |end| at + end)
        }
        _ => at,
    }
}

/// The class of a byte. Nearly all text is ASCII, where the byte alone gives the
/// class and no character is decoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WordClass {
    Space,
    Word,
    Other,
    NotAscii,
}

impl WordClass {
    const ALL: [Self; 256] = {
        let mut all = [Self::Other; 256];
        let mut byte = 0;
        while byte < all.len() {
            all[byte] = match byte as u8 {
                b'\t'..=b'\r' | b' ' => Self::Space,
                b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => Self::Word,
                0x80.. => Self::NotAscii,
                _ => Self::Other,
            };
            byte += 1;
        }
        all
    };

    fn of(byte: &u8) -> Self {
        Self::ALL[usize::from(*byte)]
    }
}

/// Whether byte `at` of `text` lies between two characters of one word.
pub(super) fn is_in_word(text: &str, at: usize) -> bool {
    let (before, after) = text.split_at(at);
    before.ends_with(is_word) && after.starts_with(is_word)
}

/// Whether `c` may stand in a word.
pub(super) fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tokens_are_words_and_single_characters(
            text in prop_oneof![any::<String>(), "[ a\\u{e4}\\u{a0}1_(\t\u{b}]{0,20}"],
        ) {
            let mut expected: Vec<String> = Vec::new();
            let mut before = ' ';
            for c in text.chars() {
                match expected.last_mut() {
                    _ if c.is_whitespace() => {}
                    Some(word) if is_word(before) && is_word(c) => word.push(c),
                    _ => expected.push(c.into()),
                }
                before = c;
            }
            prop_assert_eq!(tokens(&text).collect::<Vec<_>>(), expected);
        }
    }
}
