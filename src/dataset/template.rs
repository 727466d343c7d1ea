//! An example as a sink keeps it: its line with gaps where the file's own text
//! goes, and where in the file that stands.
//!
//! The windows of one file's examples overlap some ten times over, and each
//! stands in its line twice. Without them a line is a few hundred bytes, so
//! what is kept, checked and read again is little more than the source.

use std::io::{self, Write};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Example;

/// What stands for prefix, middle and suffix in a template. JSON never holds a
/// control character as it is.
const GAPS: [u8; 3] = [1, 2, 3];

/// How the line of an example without its texts begins.
const HEAD: &str = r#"{"text":"","prefix":"","middle":"","suffix":"""#;

/// How an example is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The length of its template, in bytes.
    pub bytes: usize,
    /// Its place in the text of its file; none if what it shows is not the
    /// file's own, and its template is the whole line.
    pub window: Option<Window>,
    /// Whether it has a context.
    pub has_context: bool,
}

impl Kept {
    /// That of an example of which `line` is the whole line, for tests.
    #[cfg(test)]
    pub(super) fn whole(line: &str) -> Self {
        Self {
            bytes: line.len(),
            window: None,
            has_context: false,
        }
    }
}

/// The place of an example in the text of its file, in bytes.
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
    /// `window` around `hole`; none in a file of 4 GiB or more.
    pub(super) fn new(window: &Range<usize>, hole: &Range<usize>) -> Option<Self> {
        Some(Self {
            start: u32::try_from(window.start).ok()?,
            hole: u32::try_from(hole.start).ok()?,
            after: u32::try_from(hole.end).ok()?,
            end: u32::try_from(window.end).ok()?,
        })
    }

    /// All of it.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Prefix, middle and suffix out of `shown`, which is what [`Self::range`]
    /// names; none if it is shorter.
    #[must_use]
    pub fn parts<'t>(&self, shown: &'t str) -> Option<[&'t str; 3]> {
        let place = |at: u32| (at - self.start) as usize;
        let (hole, after) = (place(self.hole), place(self.after));
        Some([
            shown.get(..hole)?,
            shown.get(hole..after)?,
            shown.get(after..place(self.end))?,
        ])
    }
}

/// The line of `example` with gaps for prefix, middle and suffix, both in its
/// text, where they stand at `places`, and as fields.
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
    let json = serde_json::to_string(&example)?;
    let rest = json
        .strip_prefix(HEAD)
        .ok_or_else(|| io::Error::other("the fields of an example do not begin with its texts"))?;
    let mut order = [0, 1, 2];
    // An empty part stands where the next one starts.
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

/// Adds the line that `template` makes with these parts to `line`.
///
/// # Errors
/// If a part cannot be written as JSON.
pub(super) fn fill(template: &[u8], parts: [&str; 3], line: &mut Vec<u8>) -> io::Result<()> {
    let mut escaped = Vec::with_capacity(parts.iter().map(|part| part.len() * 5 / 4).sum());
    let mut ends = [0; 3];
    for (part, end) in parts.iter().zip(&mut ends) {
        escape(part, &mut escaped)?;
        *end = escaped.len();
    }
    let [prefix, middle, suffix] = ends;
    let parts = [0..prefix, prefix..middle, middle..suffix];
    line.reserve(template.len() + 2 * escaped.len());
    let mut at = 0;
    for gap in memchr::memchr3_iter(GAPS[0], GAPS[1], GAPS[2], template) {
        line.extend_from_slice(&template[at..gap]);
        let part = usize::from(template[gap] - GAPS[0]);
        line.extend_from_slice(&escaped[parts[part].clone()]);
        at = gap + 1;
    }
    line.extend_from_slice(&template[at..]);
    Ok(())
}

/// Adds `text` as it stands in a JSON string to `line`.
fn escape(text: &str, line: &mut Vec<u8>) -> io::Result<()> {
    let start = line.len();
    serde_json::to_writer(&mut *line, text)?;
    line.pop();
    line.remove(start);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dataset::SpanKind;
    use crate::model::Format;

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
            format: Format::Psm,
            tokens: None,
            markers_neutralised: 0,
            redacted: 0,
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
            let mut expected = serde_json::to_string(&example).unwrap();
            expected.push('\n');
            let template = with_gaps(example, &places).unwrap();
            let mut line = Vec::new();
            fill(template.as_bytes(), [&prefix, &middle, &suffix], &mut line).unwrap();
            prop_assert_eq!(String::from_utf8(line).unwrap(), expected);
        }
    }
}
