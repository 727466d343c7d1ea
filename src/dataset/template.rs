//! The form in which a sink stores an example: its line with gaps for the text of
//! the file, and the place of that text in the file.
//!
//! The examples of one file overlap about ten times, and each line has its text
//! twice. Without that text a line has a few hundred bytes. What a sink stores and
//! reads again is then little more than the source.

use std::borrow::Cow;
use std::io::{self, Write};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::dataset::json_line;
use crate::dataset::record::Example;

/// The bytes that stand for prefix, middle and suffix in a template. JSON has no
/// unescaped control characters.
const GAPS: [u8; 3] = [1, 2, 3];

/// The start of the line of an example whose texts are empty.
const HEAD: &str = r#"{"text":"","prefix":"","middle":"","suffix":"""#;

/// How a sink stores an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpooledExample {
    /// The length of its template, in bytes.
    pub bytes: usize,
    /// The place of its parts in the text of its file. None if they are not the
    /// file's own text; the template is then the whole line.
    pub window: Option<Window>,
    /// Whether the example has a context.
    pub has_context: bool,
}

impl SpooledExample {
    /// The length of its line in bytes, with the line break. The line has all of the
    /// window twice.
    #[must_use]
    pub fn line_bytes(&self) -> u64 {
        let Some(window) = self.window else {
            return self.bytes as u64;
        };
        (self.bytes + 2 * window.range().len() - 2 * GAPS.len()) as u64
    }

    /// For tests: an example of which `line` is the whole line.
    #[cfg(test)]
    pub(super) fn whole(line: &str) -> Self {
        Self {
            bytes: line.len(),
            window: None,
            has_context: false,
        }
    }
}

/// The place of an example in the JSON spelling of the text of its file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Where the prefix starts.
    pub start: u32,
    /// Where the hole starts.
    pub hole: u32,
    /// One past the hole's last byte, where the suffix starts.
    pub after: u32,
    /// One past the suffix's last byte.
    pub end: u32,
}

impl Window {
    /// The whole window.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The middle.
    #[must_use]
    pub fn middle(&self) -> Range<usize> {
        self.hole as usize..self.after as usize
    }

    /// Divides `shown`, the bytes of [`Self::range`], into prefix, middle and suffix.
    /// None if it is shorter.
    #[must_use]
    pub fn parts<'t>(&self, shown: &'t [u8]) -> Option<[&'t [u8]; 3]> {
        let place = |at: u32| (at - self.start) as usize;
        let (hole, after) = (place(self.hole), place(self.after));
        Some([
            shown.get(..hole)?,
            shown.get(hole..after)?,
            shown.get(after..place(self.end))?,
        ])
    }
}

/// A text as it stands in a JSON string, without the quotes. It is escaped once for
/// all examples that show a part of it.
#[derive(Debug)]
pub(super) struct EscapedText<'a> {
    plain: Cow<'a, str>,
    text: Vec<u8>,
    /// Where each block starts, in `plain` and in `text`, in bytes.
    blocks: Vec<(usize, usize)>,
}

impl<'a> EscapedText<'a> {
    /// The bytes of a block of the plain text. To find a place, at most a block is
    /// escaped again.
    const BLOCK: usize = 256;

    /// Escapes `plain`.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub(super) fn new(plain: Cow<'a, str>) -> io::Result<Self> {
        let mut text = Vec::with_capacity(plain.len() * 9 / 8);
        let mut blocks = Vec::with_capacity(plain.len() / Self::BLOCK + 1);
        let mut start = 0;
        while start < plain.len() {
            blocks.push((start, text.len()));
            let end = plain.ceil_char_boundary(start + Self::BLOCK);
            escape(&plain[start..end], &mut text)?;
            start = end;
        }
        Ok(Self {
            plain,
            text,
            blocks,
        })
    }

    /// The escaped text.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The place of an example that shows `window` of the plain text around `hole`.
    /// None if the text has 4 GiB or more.
    ///
    /// # Errors
    /// If the text cannot be written as JSON.
    pub(super) fn window(
        &self,
        window: &Range<usize>,
        hole: &Range<usize>,
    ) -> io::Result<Option<Window>> {
        if u32::try_from(self.text.len()).is_err() {
            return Ok(None);
        }
        Ok(Some(Window {
            start: self.place(window.start)?,
            hole: self.place(hole.start)?,
            after: self.place(hole.end)?,
            end: self.place(window.end)?,
        }))
    }

    /// The place of byte `at` of the plain text in the escaped text.
    fn place(&self, at: usize) -> io::Result<u32> {
        let after = self.blocks.partition_point(|(start, _)| *start <= at);
        let Some((start, escaped)) = after.checked_sub(1).map(|block| self.blocks[block]) else {
            return Ok(0);
        };
        let mut before = ByteCounter(0);
        json_line::write(&mut before, &self.plain[start..at])?;
        // The two quotes are not part of the text.
        Ok((escaped + before.0 - 2) as u32)
    }
}

/// Counts the bytes that are written to it.
struct ByteCounter(usize);

impl Write for ByteCounter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Decodes `escaped`, a text as it stands in a JSON string, and maps `windows` of
/// it to the plain text, in bytes.
///
/// # Errors
/// If it is no such text.
pub(super) fn plain(
    escaped: &[u8],
    windows: &[Range<usize>],
) -> io::Result<(String, Vec<Range<usize>>)> {
    let mut cuts: Vec<_> = windows.iter().flat_map(|w| [w.start, w.end]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut text = String::with_capacity(escaped.len());
    let mut places = Vec::with_capacity(cuts.len());
    let mut quoted = Vec::new();
    let mut start = 0;
    for cut in &cuts {
        quoted.clear();
        quoted.push(b'"');
        quoted.extend_from_slice(&escaped[start..*cut]);
        quoted.push(b'"');
        text.push_str(&serde_json::from_slice::<Cow<'_, str>>(&quoted)?);
        places.push(text.len());
        start = *cut;
    }
    let place = |cut: usize| places[cuts.partition_point(|other| *other < cut)];
    let windows = windows.iter().map(|w| place(w.start)..place(w.end));
    let windows = windows.collect();
    Ok((text, windows))
}

/// The line of `example` with gaps for prefix, middle and suffix: as fields, and in
/// its text, where they stand at `places`, in bytes.
///
/// # Errors
/// If it cannot be written as JSON.
pub(super) fn with_gaps(mut example: Example, places: &[Range<usize>; 3]) -> io::Result<String> {
    let text = std::mem::take(&mut example.text);
    for part in [
        &mut example.prefix,
        &mut example.middle,
        &mut example.suffix,
    ] {
        part.clear();
    }
    let json = json_line::text(&example)?;
    let rest = json
        .strip_prefix(HEAD)
        .ok_or_else(|| io::Error::other("the fields of an example do not begin with its texts"))?;
    let mut order = [0, 1, 2];
    // An empty part starts where the next one starts, so it comes first.
    order.sort_by_key(|part| (places[*part].start, places[*part].end));
    let mut line = Vec::with_capacity(json.len() + 256);
    line.extend_from_slice(b"{\"text\":\"");
    let mut at = 0;
    for part in order {
        escape(&text[at..places[part].start], &mut line)?;
        line.push(GAPS[part]);
        at = places[part].end;
    }
    escape(&text[at..], &mut line)?;
    for (name, gap) in ["prefix", "middle", "suffix"].iter().zip(GAPS) {
        write!(line, "\",\"{name}\":\"")?;
        line.push(gap);
    }
    line.push(b'"');
    line.extend_from_slice(rest.as_bytes());
    line.push(b'\n');
    String::from_utf8(line).map_err(io::Error::other)
}

/// Appends the line that `template` gives with these parts to `line`. The parts
/// are as they stand in JSON strings.
pub(super) fn fill(template: &[u8], parts: [&[u8]; 3], line: &mut Vec<u8>) {
    let mut at = 0;
    for gap in memchr::memchr3_iter(GAPS[0], GAPS[1], GAPS[2], template) {
        line.extend_from_slice(&template[at..gap]);
        line.extend_from_slice(parts[usize::from(template[gap] - GAPS[0])]);
        at = gap + 1;
    }
    line.extend_from_slice(&template[at..]);
}

/// Appends `text` to `line`, as it stands in a JSON string.
fn escape(text: &str, line: &mut Vec<u8>) -> io::Result<()> {
    let start = line.len();
    json_line::write(&mut *line, text)?;
    line.pop();
    line.remove(start);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dataset::SpanKind;
    use crate::model::FimFormat;

    fn example(parts: [&str; 4]) -> Example {
        let [prefix, middle, suffix, context] = parts.map(str::to_owned);
        Example {
            text: String::new(),
            prefix,
            middle,
            suffix,
            context,
            filepath: "a\u{1}\".php".into(),
            span_kind: SpanKind::AstNode,
            span_name: "\u{2}".into(),
            start_byte: 0,
            end_byte: 0,
            middle_lines: 1,
            complexity_score: 1.5,
            file_complexity: 2.0,
            context_max_chars: 0,
            context_start: 0,
            format: FimFormat::Psm,
            tokens: None,
            markers_neutralised: 0,
            redacted: 0,
            buffer: None,
            history_commit: None,
            history_path: None,
            history_places: None,
            repo: None,
            commit: None,
            license: None,
            content_hash: None,
        }
    }

    proptest! {
        #[test]
        fn a_template_makes_the_line_that_the_example_makes(
            prefix in any::<String>(),
            middle in any::<String>(),
            suffix in any::<String>(),
            context in any::<String>(),
            suffix_first in any::<bool>(),
        ) {
            let mut example = example([&prefix, &middle, &suffix, &context]);
            let mut push = |part: &str| {
                let start = example.text.len();
                example.text.push_str(part);
                start..example.text.len()
            };
            push(&context);
            let places = match suffix_first {
                true => {
                    let suffix = push(&suffix);
                    push("\u{3}<PRE>");
                    [push(&prefix), push(&middle), suffix]
                }
                false => {
                    let prefix = push(&prefix);
                    let suffix = push(&suffix);
                    [prefix, push(&middle), suffix]
                }
            };
            push("<END>\n");
            let mut expected = json_line::text(&example).unwrap();
            expected.push('\n');
            let template = with_gaps(example, &places).unwrap();
            let escaped = [&prefix, &middle, &suffix].map(|part| EscapedText::new(part.into()).unwrap());
            let mut line = Vec::new();
            fill(template.as_bytes(), escaped.each_ref().map(EscapedText::text), &mut line);
            let shown = [&prefix, &middle, &suffix].map(|part| part.as_str()).concat();
            let escaped = EscapedText::new(shown.as_str().into()).unwrap();
            let window = escaped.window(&(0..shown.len()), &(0..0)).unwrap();
            let kept = SpooledExample { bytes: template.len(), window, has_context: false };
            prop_assert_eq!(kept.line_bytes(), line.len() as u64);
            prop_assert_eq!(String::from_utf8(line).unwrap(), expected);
        }

        #[test]
        fn windows_of_what_is_escaped_are_those_of_the_text(
            pieces in prop::collection::vec(prop_oneof![
                any::<String>(),
                Just("\"q\\\n\t".repeat(40)),
                "[a-z\u{e4}]{200}",
            ], 0..6),
            cuts in prop::collection::vec(any::<[prop::sample::Index; 4]>(), 1..4),
        ) {
            let text = pieces.concat();
            let escaped = EscapedText::new((&*text).into()).unwrap();
            let windows: Vec<_> = cuts.iter().map(|cuts| {
                let mut cuts = cuts.map(|cut| text.floor_char_boundary(cut.index(text.len() + 1)));
                cuts.sort_unstable();
                cuts
            }).collect();
            let mut ranges = Vec::new();
            for [start, hole, after, end] in &windows {
                let window = escaped.window(&(*start..*end), &(*hole..*after)).unwrap().unwrap();
                let parts = window.parts(&escaped.text()[window.range()]).unwrap();
                for (part, range) in parts.iter().zip([*start..*hole, *hole..*after, *after..*end]) {
                    let json = json_line::text(&text[range]).unwrap();
                    prop_assert_eq!(*part, &json.as_bytes()[1..json.len() - 1]);
                }
                ranges.push(window.range());
            }
            let (plain, places) = plain(escaped.text(), &ranges).unwrap();
            prop_assert!(text.starts_with(&plain));
            for ([start, .., end], place) in windows.iter().zip(places) {
                prop_assert_eq!(place, *start..*end);
            }
        }
    }
}
