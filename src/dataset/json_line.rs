//! JSON that is safe in a file of lines, whatever its reader takes for the end of a line.
//!
//! JSON lets three characters stand in strings that Unicode calls line ends: U+0085,
//! U+2028 and U+2029. Readers that split a file where Unicode ends a line would break
//! a record there, so they are written as escapes.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter};

/// Writes `value` as JSON without line ends.
///
/// # Errors
/// If `value` is no JSON, or `writer` fails.
pub(super) fn write<T: Serialize + ?Sized>(writer: impl Write, value: &T) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(writer, LineFormatter(CompactFormatter));
    Ok(value.serialize(&mut serializer)?)
}

/// `value` as JSON without line ends.
///
/// # Errors
/// If `value` is no JSON.
pub(super) fn text<T: Serialize + ?Sized>(value: &T) -> io::Result<String> {
    let mut json = Vec::with_capacity(256);
    write(&mut json, value)?;
    String::from_utf8(json).map_err(io::Error::other)
}

/// Compact JSON in which line ends are escaped.
struct LineFormatter(CompactFormatter);

impl Formatter for LineFormatter {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let bytes = fragment.as_bytes();
        let mut from = 0;
        for at in memchr::memchr2_iter(0xC2, 0xE2, bytes) {
            let escape = match &bytes[at..] {
                [0xC2, 0x85, ..] => r"\u0085",
                [0xE2, 0x80, 0xA8, ..] => r"\u2028",
                [0xE2, 0x80, 0xA9, ..] => r"\u2029",
                _ => continue,
            };
            self.0.write_string_fragment(writer, &fragment[from..at])?;
            writer.write_all(escape.as_bytes())?;
            from = at + if bytes[at] == 0xC2 { 2 } else { 3 };
        }
        self.0.write_string_fragment(writer, &fragment[from..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_line_has_no_line_end_and_says_the_same(
            pieces in prop::collection::vec(prop_oneof![
                any::<String>(),
                "[\u{85}\u{2028}\u{2029}\u{2027}\u{202a}\u{84}\u{a0}\n\r\"\\\\]{0,8}",
            ], 0..4),
        ) {
            let value = pieces.concat();
            let json = text(&value).unwrap();
            let has_line_end = json.contains(['\u{85}', '\u{2028}', '\u{2029}', '\n', '\r']);
            prop_assert!(!has_line_end);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), value);
        }
    }
}
