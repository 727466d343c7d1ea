//! Line breaks. A model reads and writes `\n`; a buffer may have `\r\n`.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter, memmem, memrchr};

/// The line break of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineBreak {
    /// `\n`.
    #[default]
    Lf,
    /// `\r\n`.
    CrLf,
}

impl LineBreak {
    /// The line break of `text` at byte `at`: the last one before it, or else the
    /// first one behind it.
    #[must_use]
    pub fn at(text: &str, at: usize) -> Self {
        let bytes = text.as_bytes();
        let before = memrchr(b'\n', &bytes[..at]);
        let newline = before.or_else(|| memchr(b'\n', &bytes[at..]).map(|found| at + found));
        match newline {
            Some(newline) if newline > 0 && bytes[newline - 1] == b'\r' => Self::CrLf,
            _ => Self::Lf,
        }
    }

    /// `text` with this line break for each `\n` that has no `\r` before it. `last`
    /// is the byte before `text`, if there is one.
    #[must_use]
    pub fn apply(self, text: &str, last: Option<u8>) -> Cow<'_, str> {
        if self == Self::Lf || memchr(b'\n', text.as_bytes()).is_none() {
            return Cow::Borrowed(text);
        }
        let bytes = text.as_bytes();
        let mut broken = String::with_capacity(text.len() + text.len() / 16 + 1);
        let mut from = 0;
        for newline in memchr_iter(b'\n', bytes) {
            let before = newline.checked_sub(1).map_or(last, |at| Some(bytes[at]));
            if before != Some(b'\r') {
                broken.push_str(&text[from..newline]);
                broken.push('\r');
                from = newline;
            }
        }
        broken.push_str(&text[from..]);
        Cow::Owned(broken)
    }
}

/// `text` with `\n` for each `\r\n`.
#[must_use]
pub fn with_newlines(text: Cow<'_, str>) -> Cow<'_, str> {
    match memmem::find(text.as_bytes(), b"\r\n") {
        Some(_) => Cow::Owned(text.replace("\r\n", "\n")),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_nearest_line_break_counts() {
        assert_eq!(LineBreak::at("a\r\nb\n", 3), LineBreak::CrLf);
        assert_eq!(LineBreak::at("a\r\nb\nc", 5), LineBreak::Lf);
        assert_eq!(LineBreak::at("ab\r\nc", 1), LineBreak::CrLf);
        assert_eq!(LineBreak::at("\n", 0), LineBreak::Lf);
        assert_eq!(LineBreak::at("", 0), LineBreak::Lf);
    }

    proptest! {
        #[test]
        fn line_breaks_are_exchanged(text in "[ab\r\n]{0,12}", cut in 0..12_usize) {
            let newlines = with_newlines(Cow::Borrowed(&text)).into_owned();
            prop_assert!(!newlines.contains("\r\n") || text.contains("\r\r\n"));
            let broken = LineBreak::CrLf.apply(&text, None).into_owned();
            prop_assert!(!broken.replace("\r\n", "").contains('\n'));
            prop_assert_eq!(broken.replace('\r', ""), text.replace('\r', ""));
            // Applied piece by piece, it is the same.
            let (first, rest) = text.split_at(cut.min(text.len()));
            let last = first.bytes().last();
            let pieces = [LineBreak::CrLf.apply(first, None), LineBreak::CrLf.apply(rest, last)];
            prop_assert_eq!(pieces.concat(), broken);
        }
    }
}
