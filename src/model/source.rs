//! The text of a file as a model reads it, in prompts and in training alike.

use std::borrow::Cow;
use std::ops::Range;

use crate::secrets::{self, Secret};
use crate::text::with_newlines;

/// The byte order mark that a file may begin with.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The `part` (in bytes) of the text of a file as a model reads it: with placeholders
/// for `secrets`, which are those of the whole text, with `\n` for each `\r\n`, and
/// without the byte order mark of the file. What a part gives does not depend on the
/// text behind it: a prompt has no middle there.
#[must_use]
pub fn source_text<'t>(text: &'t str, part: Range<usize>, secrets: &[Secret]) -> Cow<'t, str> {
    let Range { mut start, mut end } = part;
    if start == 0 && end > 0 && text.starts_with(BYTE_ORDER_MARK) {
        start = BYTE_ORDER_MARK.len_utf8();
    }
    // The end of the part divides a line break, which belongs to the next part.
    let inside = text.get(start..end);
    if inside.is_some_and(|inside| inside.ends_with('\r')) {
        end -= 1;
    }
    with_newlines(secrets::replace(text, start..end, secrets))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_model_reads_no_byte_order_mark_and_no_carriage_return() {
        let text = "\u{feff}<?php\r\n$a;\r\n";
        assert_eq!(source_text(text, 0..text.len(), &[]), "<?php\n$a;\n");
        assert_eq!(source_text(text, 3..text.len(), &[]), "<?php\n$a;\n");
        assert_eq!(source_text(text, 0..0, &[]), "");
        assert!(matches!(
            source_text("a\n", 0..2, &[]),
            Cow::Borrowed("a\n")
        ));
    }

    proptest! {
        #[test]
        fn parts_give_what_their_union_gives(text in "\u{feff}?[a\n]{0,9}", cut in 0..20_usize) {
            let text = text.replace('\n', "\r\n");
            let cut = text.floor_char_boundary(cut.min(text.len()));
            let parts = [0..cut, cut..text.len()].map(|part| source_text(&text, part, &[]));
            prop_assert_eq!(parts.concat(), source_text(&text, 0..text.len(), &[]));
        }
    }
}
