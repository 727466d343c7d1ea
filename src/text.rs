//! Positions and line breaks in text. Inside fimd every offset counts UTF-8
//! bytes. The protocol's edge converts the units of clients here, once.

mod line_break;

use std::borrow::Cow;
use std::str::FromStr;

pub use self::line_break::{LineBreak, with_newlines};

/// The unit in which a client counts offsets (LSP's `positionEncoding`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub enum Encoding {
    /// One unit per byte.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// One unit per UTF-16 code unit. A character above U+FFFF counts two.
    #[serde(rename = "utf-16")]
    Utf16,
    /// One unit per character.
    #[serde(rename = "utf-32")]
    Utf32,
}

impl Encoding {
    /// The number of units of `c`.
    fn width(self, c: char) -> u64 {
        match self {
            Self::Utf8 => c.len_utf8() as u64,
            Self::Utf16 => c.len_utf16() as u64,
            Self::Utf32 => 1,
        }
    }
}

/// `name` as a line may show it: with U+FFFD for each line break and other control
/// character, so that the name of a file ends no header and no line of a list.
#[must_use]
pub fn on_one_line(name: &str) -> Cow<'_, str> {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    match name.contains(breaks) {
        true => name.replace(breaks, "\u{FFFD}").into(),
        false => name.into(),
    }
}

/// The byte offset of the position `offset` units from the start of `text`. An
/// offset past the end or inside a character becomes the last character boundary
/// before it.
#[must_use]
pub fn byte_offset(text: &str, offset: u64, encoding: Encoding) -> usize {
    if encoding == Encoding::Utf8 {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        return text.floor_char_boundary(offset.min(text.len()));
    }
    let mut units = 0;
    for (at, c) in text.char_indices() {
        units += encoding.width(c);
        if units > offset {
            return at;
        }
    }
    text.len()
}

/// Converts byte offsets of a text to a client's units. Calls in ascending order
/// cost one pass over the text in all.
#[derive(Clone, Debug)]
pub struct Units<'t> {
    text: &'t str,
    encoding: Encoding,
    /// The last offset converted, in bytes and in units.
    last: (usize, u64),
}

impl<'t> Units<'t> {
    /// Units of `encoding` in `text`.
    #[must_use]
    pub fn new(text: &'t str, encoding: Encoding) -> Self {
        Self {
            text,
            encoding,
            last: (0, 0),
        }
    }

    /// The number of units before byte `at`, which must be on a character boundary.
    pub fn at(&mut self, at: usize) -> u64 {
        if self.encoding == Encoding::Utf8 {
            return at as u64;
        }
        if at < self.last.0 {
            self.last = (0, 0);
        }
        let (from, units) = self.last;
        let between = self.text[from..at].chars();
        let between: u64 = between.map(|c| self.encoding.width(c)).sum();
        self.last = (at, units + between);
        self.last.1
    }
}

/// The byte offset of an LSP position: a line, counted from 0, and units from the
/// start of the line. Lines end with `\n`, `\r\n` or `\r`.
///
/// A position past the end of its line or of the text becomes that end. A position
/// inside a character becomes the boundary before it.
#[must_use]
pub fn position_offset(text: &str, line: u64, character: u64, encoding: Encoding) -> usize {
    let bytes = text.as_bytes();
    let mut start = 0;
    for _ in 0..line {
        match memchr::memchr2(b'\n', b'\r', &bytes[start..]) {
            None => return text.len(),
            Some(at) => start += at + 1,
        }
        if bytes[start - 1] == b'\r' && bytes.get(start) == Some(&b'\n') {
            start += 1;
        }
    }
    let length = memchr::memchr2(b'\n', b'\r', &bytes[start..]);
    let end = length.map_or(text.len(), |length| start + length);
    start + byte_offset(&text[start..end], character, encoding)
}

/// Like [`position_offset`], for the end of an edit: none if the text has no such
/// position. A position past the end of its line becomes that end, as LSP says, and the
/// line behind the last one is the end of the text, as many clients mean it.
#[must_use]
pub fn edit_offset(text: &str, line: u64, character: u64, encoding: Encoding) -> Option<usize> {
    let at = position_offset(text, line, character, encoding);
    let (found_line, found) = Positions::new(text, encoding).of(at);
    let found_line = u64::from(found_line);
    if found_line < line {
        let is_behind_last = found_line + 1 == line && at == text.len();
        return is_behind_last.then_some(at);
    }
    let rest = text[at..].chars().next();
    let is_line_end = rest.is_none_or(|next| matches!(next, '\n' | '\r'));
    (u64::from(found) == character || is_line_end).then_some(at)
}

/// Converts byte offsets of a text to LSP positions. Calls in ascending order cost
/// one pass over the text in all.
#[derive(Clone, Debug)]
pub struct Positions<'t> {
    text: &'t str,
    encoding: Encoding,
    at: usize,
    line: u32,
    character: u64,
}

impl<'t> Positions<'t> {
    /// Positions in `text`, in units of `encoding`.
    #[must_use]
    pub fn new(text: &'t str, encoding: Encoding) -> Self {
        Self {
            text,
            encoding,
            at: 0,
            line: 0,
            character: 0,
        }
    }

    /// The line of byte `at`, counted from 0, and the units from the start of the
    /// line. An offset past the end becomes the end. This is the inverse of
    /// [`position_offset`] for every offset between characters, except between
    /// `\r` and `\n`.
    pub fn of(&mut self, at: usize) -> (u32, u32) {
        let at = self.text.floor_char_boundary(at.min(self.text.len()));
        if at < self.at {
            *self = Self::new(self.text, self.encoding);
        }
        let bytes = self.text.as_bytes();
        let mut start = self.at;
        while let Some(found) = memchr::memchr2(b'\n', b'\r', &bytes[start..at]) {
            start += found + 1;
            if bytes[start - 1] == b'\r' && bytes.get(start) == Some(&b'\n') {
                if start == at {
                    // Inside a line break the position is still on the old line.
                    break;
                }
                start += 1;
            }
            (self.at, self.character) = (start, 0);
            self.line += 1;
        }
        let run = &self.text[self.at..at];
        self.character += match self.encoding {
            Encoding::Utf8 => run.len() as u64,
            encoding => run.chars().map(|c| encoding.width(c)).sum(),
        };
        self.at = at;
        (self.line, u32::try_from(self.character).unwrap_or(u32::MAX))
    }
}

/// A position in a text as people write it: `LINE:COL`, both counted from 1 and
/// the column in characters, or a byte offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextPosition {
    /// A byte offset from the start.
    Byte(usize),
    /// A line and a column in characters, both counted from 1.
    LineColumn(usize, usize),
}

impl FromStr for TextPosition {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let number = |part: &str| {
            part.parse::<usize>()
                .map_err(|_| format!("{s:?} is neither LINE:COL nor a byte offset"))
        };
        match s.split_once(':') {
            None => Ok(Self::Byte(number(s)?)),
            Some((line, column)) => match (number(line)?, number(column)?) {
                (0, _) | (_, 0) => Err("lines and columns count from 1".into()),
                (line, column) => Ok(Self::LineColumn(line, column)),
            },
        }
    }
}

impl std::fmt::Display for TextPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Byte(at) => write!(f, "byte {at}"),
            Self::LineColumn(line, column) => write!(f, "{line}:{column}"),
        }
    }
}

impl TextPosition {
    /// The line and column of byte `at` of `text`, which must be on a character
    /// boundary.
    #[must_use]
    pub fn line_column(text: &str, at: usize) -> Self {
        let line = memchr::memchr_iter(b'\n', &text.as_bytes()[..at]).count() + 1;
        let column = text[line_start(text, at)..at].chars().count() + 1;
        Self::LineColumn(line, column)
    }

    /// The position in words, for messages.
    #[must_use]
    pub fn in_words(self) -> String {
        match self {
            Self::Byte(at) => format!("byte {at}"),
            Self::LineColumn(line, column) => format!("line {line}, column {column}"),
        }
    }

    /// The byte offset of this position in `text`. The end of a line and of the text
    /// are positions, too. A position inside a character becomes the boundary before
    /// it.
    ///
    /// # Errors
    /// If the position is past the end of its line or of the text: how long that is,
    /// in the units of the position.
    pub fn byte_in(self, text: &str) -> Result<usize, String> {
        let (line, column) = match self {
            Self::Byte(at) if at > text.len() => {
                return Err(format!("the text ends at byte {}", text.len()));
            }
            Self::Byte(at) => return Ok(text.floor_char_boundary(at)),
            Self::LineColumn(line, column) => (line, column),
        };
        let start = match line {
            1 => 0,
            _ => match memchr::memchr_iter(b'\n', text.as_bytes()).nth(line - 2) {
                Some(newline) => newline + 1,
                None => {
                    let end = Self::line_column(text, text.len());
                    return Err(format!("the text ends at {}", end.in_words()));
                }
            },
        };
        let rest = &text[start..line_end(text, start)];
        let mut boundaries = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        boundaries.nth(column - 1).map_or_else(
            || {
                let end = rest.chars().count() + 1;
                let last = Self::line_column(text, text.len()).in_words();
                Err(format!(
                    "line {line} ends at column {end}, the text at {last}"
                ))
            },
            |at| Ok(start + at),
        )
    }
}

/// The byte where the line of byte `at` starts.
#[must_use]
pub fn line_start(text: &str, at: usize) -> usize {
    memchr::memrchr(b'\n', &text.as_bytes()[..at]).map_or(0, |newline| newline + 1)
}

/// The byte where the line of byte `at` ends, before its `\n` or `\r\n`.
#[must_use]
pub fn line_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    match memchr::memchr(b'\n', &bytes[at..]) {
        Some(newline) if newline > 0 && bytes[at + newline - 1] == b'\r' => at + newline - 1,
        Some(newline) => at + newline,
        None => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_in_every_encoding_name_the_same_place() {
        let text = "a\u{e4}\u{1F600}b";
        assert_eq!(byte_offset(text, 7, Encoding::Utf8), 7);
        assert_eq!(byte_offset(text, 4, Encoding::Utf16), 7);
        assert_eq!(byte_offset(text, 3, Encoding::Utf32), 7);
    }

    #[test]
    fn bytes_are_told_in_units_in_any_order() {
        let text = "a\u{e4}\u{1F600}b";
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            let mut units = Units::new(text, encoding);
            for at in [0, 1, 3, 7, 8, 3, 0, 8] {
                assert_eq!(byte_offset(text, units.at(at), encoding), at);
            }
        }
        assert_eq!(Units::new(text, Encoding::Utf16).at(8), 5);
    }

    #[test]
    fn an_offset_inside_a_character_or_past_the_end_is_clamped() {
        let text = "a\u{e4}\u{1F600}";
        assert_eq!(byte_offset(text, 2, Encoding::Utf8), 1);
        assert_eq!(byte_offset(text, 3, Encoding::Utf16), 3);
        assert_eq!(byte_offset(text, u64::MAX, Encoding::Utf8), text.len());
        assert_eq!(byte_offset(text, u64::MAX, Encoding::Utf16), text.len());
    }

    #[test]
    fn positions_count_lines_of_every_kind_and_units_in_them() {
        let text = "a\r\n\u{1F600}b\rc\n";
        let at = |line, character, encoding| position_offset(text, line, character, encoding);
        assert_eq!(at(0, 9, Encoding::Utf16), 1, "before the line break");
        assert_eq!(at(1, 0, Encoding::Utf16), 3);
        assert_eq!(at(1, 1, Encoding::Utf16), 3, "inside a surrogate pair");
        assert_eq!(at(1, 2, Encoding::Utf16), 7);
        assert_eq!(at(1, 1, Encoding::Utf32), 7);
        assert_eq!(at(1, 4, Encoding::Utf8), 7);
        assert_eq!(at(2, 1, Encoding::Utf8), 10);
        assert_eq!(at(3, 0, Encoding::Utf8), text.len());
        assert_eq!(at(u64::MAX, u64::MAX, Encoding::Utf32), text.len());
    }

    #[test]
    fn positions_of_offsets_are_found_in_any_order() {
        let text = "a\r\n\u{1F600}b\rc\n\n\u{e4}";
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            let mut positions = Positions::new(text, encoding);
            let places: Vec<_> = (0..=text.len())
                .filter(|at| text.is_char_boundary(*at) && *at != 2)
                .collect();
            for at in places.iter().chain(places.iter().rev()) {
                let (line, character) = positions.of(*at);
                let back = position_offset(text, line.into(), character.into(), encoding);
                assert_eq!(back, *at, "{line}:{character}");
            }
        }
        let mut positions = Positions::new(text, Encoding::Utf16);
        assert_eq!(positions.of(2), (0, 2));
        assert_eq!(positions.of(3), (1, 0));
        assert_eq!(positions.of(7), (1, 2));
        assert_eq!(positions.of(99), (4, 1));
    }

    #[test]
    fn places_are_read_and_found() {
        let text = "one\r\ntw\u{f6} x\n";
        let byte_in = |place: &str| place.parse::<TextPosition>().unwrap().byte_in(text);
        assert_eq!(byte_in("2:4"), Ok(9));
        assert_eq!(byte_in("2:6"), Ok(11), "the end of a line");
        assert_eq!(byte_in("3:1"), Ok(text.len()), "behind the last line break");
        assert_eq!(byte_in("8"), Ok(7), "inside a character");
        assert_eq!(byte_in("12"), Ok(text.len()));
        assert_eq!(TextPosition::line_column(text, 9).to_string(), "2:4");
        assert!("0:1".parse::<TextPosition>().is_err());
        assert!("x".parse::<TextPosition>().is_err());
    }

    #[test]
    fn a_position_past_the_end_is_an_error_that_says_where_the_end_is() {
        let text = "one\r\ntw\u{f6} x\n";
        let error = |place: &str| {
            let place = place.parse::<TextPosition>().unwrap();
            place.byte_in(text).unwrap_err()
        };
        assert_eq!(error("13"), "the text ends at byte 12");
        assert_eq!(error("9:1"), "the text ends at line 3, column 1");
        assert_eq!(
            error("2:7"),
            "line 2 ends at column 6, the text at line 3, column 1"
        );
        assert_eq!(
            TextPosition::Byte(4).byte_in("").unwrap_err(),
            "the text ends at byte 0"
        );
    }

    #[test]
    fn a_line_ends_before_its_line_break() {
        assert_eq!(line_end("ab\r\nc", 1), 2);
        assert_eq!(line_end("ab\nc", 0), 2);
        assert_eq!(line_end("ab", 0), 2);
        assert_eq!(line_end("ab\r\nc", 3), 3);
        assert_eq!(line_start("ab\ncd", 4), 3);
    }
}
