//! Which part of a chunk is worth showing: whole statements, without the comments and
//! imports around them.

use std::ops::Range;

use crate::context::weights::MIN_CODE_TENTHS;
use crate::index::SourceFile;
use crate::php::Span;

/// What a line of a chunk is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Comment,
    Import,
    Blank,
    Code,
}

/// The bytes of `chunk` that are worth showing; `None` if it is mostly comment, holds
/// imports only, or no whole statement.
pub(super) fn whole_statements(file: &SourceFile, chunk: Span) -> Option<Range<usize>> {
    let start = chunk.start as usize;
    let text = chunk.of(&file.text);
    let mut lines: Vec<(Range<usize>, Line)> = Vec::new();
    let mut in_comment = begins_in_comment(text);
    let mut at = start;
    for line in text.split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        lines.push((range, kind_of(line.trim(), &mut in_comment)));
    }
    let is_code = |line: &(Range<usize>, Line)| line.1 == Line::Code;
    let before = file.text[..start].trim_end();
    let mut first = lines.iter().position(is_code)?;
    // A chunk that goes on with a statement begins behind the end of it.
    if first == 0 && !ends_statement(last_line(before)) {
        let borders = lines.iter();
        let mut borders = borders.map(|(range, _)| ends_statement(&file.text[range.clone()]));
        let border = borders.position(|ends| ends)?;
        first = border + 1 + lines[border + 1..].iter().position(is_code)?;
    }
    let last = (first..lines.len())
        .rev()
        .find(|&line| is_code(&lines[line]) && ends_statement(&file.text[lines[line].0.clone()]))?;
    let shown = &lines[first..=last];
    let code = shown.iter().filter(|line| is_code(line)).count();
    let is_code_mostly = code * 10 >= shown.len() * MIN_CODE_TENTHS;
    is_code_mostly.then(|| lines[first].0.start..lines[last].0.end)
}

/// Whether `text`, the beginning of a chunk, goes on with a comment.
fn begins_in_comment(text: &str) -> bool {
    match (text.find("*/"), text.find("/*")) {
        (Some(end), Some(start)) => end < start,
        (Some(_), None) => true,
        (None, _) => text.trim_start().starts_with("* "),
    }
}

/// What the trimmed `line` is. `in_comment` says whether it begins inside a comment,
/// and then whether the next line does.
fn kind_of(line: &str, in_comment: &mut bool) -> Line {
    if *in_comment {
        *in_comment = !line.contains("*/");
        return Line::Comment;
    }
    if line.is_empty() {
        return Line::Blank;
    }
    if line.starts_with("/*") {
        *in_comment = !line.contains("*/");
        return Line::Comment;
    }
    if line.starts_with("//") || line.starts_with('#') && !line.starts_with("#[") {
        return Line::Comment;
    }
    let is_import = line.starts_with("use ") && line.contains('\\') && line.ends_with(';');
    let is_head = ["<?php", "namespace ", "declare("]
        .iter()
        .any(|word| line.starts_with(word));
    if is_import || is_head {
        return Line::Import;
    }
    Line::Code
}

/// Whether `line` has code in it that is no import. `in_comment` says whether it begins
/// inside a comment, and then whether the next line does.
pub(super) fn is_code(line: &str, in_comment: &mut bool) -> bool {
    kind_of(line.trim(), in_comment) == Line::Code
}

/// Whether a statement or block ends or begins behind `line`.
fn ends_statement(line: &str) -> bool {
    // A comment behind the code does not count.
    let code = line.split(" //").next().unwrap_or(line).trim_end();
    code.is_empty()
        || code.ends_with([';', '{', '}', ':'])
        || code.ends_with("*/")
        || code.ends_with("?>")
        || code.ends_with("<?php")
}

fn last_line(text: &str) -> &str {
    text.rsplit('\n').next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::php;

    /// What is shown of the part of `text` between two `|`.
    fn shown(text: &str) -> Option<String> {
        let start = text.find('|').unwrap();
        let end = text.rfind('|').unwrap() - 1;
        let text = text.replace('|', "");
        let facts = php::facts(&text);
        let file = SourceFile::new("a.php".into(), text.into(), false, facts);
        let range = whole_statements(&file, Span::new(start, end))?;
        Some(file.text[range].trim_end().to_owned())
    }

    #[test]
    fn a_chunk_begins_and_ends_with_a_statement() {
        assert_eq!(
            shown("<?php\n$a = f(1,\n|\t2);\ng();\nh(3,|\n4);").as_deref(),
            Some("g();")
        );
        assert_eq!(shown("<?php\n|g();\nh();|").as_deref(), Some("g();\nh();"));
        assert_eq!(shown("<?php\n$a = [\n|1,\n2,|\n];"), None);
    }

    #[test]
    fn a_chunk_shows_no_comment_at_its_ends_and_no_import() {
        assert_eq!(
            shown("<?php\n/**\n|* Text.\n*/\nf();\n// end\n/* more|\n*/").as_deref(),
            Some("f();")
        );
        assert_eq!(
            shown("|<?php\nnamespace A;\nuse B\\C;\nf();\n|").as_deref(),
            Some("f();")
        );
        assert_eq!(shown("|<?php\nuse B\\C;\nuse B\\D;\n|"), None);
        assert_eq!(shown("<?php\n|f();\n// a\n// b\n// c\n// d\ng();|"), None);
    }
}
