//! Which part of a chunk is worth showing: whole statements, without the comments and
//! imports around them.

use std::ops::Range;

use crate::context::rank::LikelyName;
use crate::context::weights::{MIN_CODE_TENTHS, USED_AGAIN};
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

/// Whole statements of a chunk, with the likely names that they use.
pub(super) struct Statements {
    /// The bytes of each statement or group of statements that no border divides; the
    /// comments around them are groups of their own.
    groups: Vec<Group>,
}

/// Lines that are shown together or not at all.
struct Group {
    range: Range<usize>,
    lines: usize,
    /// Lines that are neither comment nor blank.
    code: usize,
    names: Vec<LikelyName>,
}

impl Statements {
    /// The whole statements of `chunk`, which uses the likely names `used`.
    pub(super) fn of(file: &SourceFile, chunk: Span, used: &[(u32, LikelyName)]) -> Self {
        let text = chunk.of(&file.text);
        let mut in_comment = begins_in_comment(text);
        let mut at = chunk.start as usize;
        let before = file.text[..at].trim_end();
        // A chunk that goes on with a statement begins behind the end of it.
        let mut is_whole = ends_statement(last_line(before));
        let mut groups: Vec<Group> = Vec::new();
        let mut open: Option<Group> = None;
        for line in text.split_inclusive('\n') {
            let start = at;
            at += line.len();
            let kind = kind_of(line.trim(), &mut in_comment);
            let is_code = kind == Line::Code;
            // Comments in front of a statement are a group of their own.
            groups.extend(open.take_if(|group| is_code && group.code == 0));
            if is_whole && (is_code || open.is_some() || !groups.is_empty()) {
                let group = open.get_or_insert_with(|| Group {
                    range: start..start,
                    lines: 0,
                    code: 0,
                    names: Vec::new(),
                });
                group.range.end = at;
                group.lines += 1;
                group.code += usize::from(is_code);
            }
            if ends_statement(line) {
                is_whole = true;
                groups.extend(open.take());
            }
        }
        for group in &mut groups {
            let first = used.partition_point(|(at, _)| (*at as usize) < group.range.start);
            let inside = used[first..].iter();
            let inside = inside.take_while(|(at, _)| (*at as usize) < group.range.end);
            group.names.extend(inside.map(|(_, name)| *name));
        }
        Self { groups }
    }

    /// The run of statements whose likely names are worth most beyond their
    /// characters, and what it is worth: the probabilities of the names, less those
    /// that `shown` says the context shows in use already, minus `per_char` for each
    /// character. `None` if no run is worth anything.
    pub(super) fn best_run(&self, per_char: f32, shown: &[bool]) -> Option<(Range<usize>, f32)> {
        let mut best: Option<(Range<usize>, f32)> = None;
        let mut seen: Vec<usize> = Vec::new();
        for (first, from) in self.groups.iter().enumerate() {
            if from.names.is_empty() {
                continue;
            }
            seen.clear();
            let (mut worth, mut code, mut lines) = (0.0, 0, 0);
            for group in &self.groups[first..] {
                for name in &group.names {
                    if seen.contains(&name.number) {
                        continue;
                    }
                    seen.push(name.number);
                    let is_shown = shown.get(name.number).copied().unwrap_or(false);
                    worth += name.score * if is_shown { USED_AGAIN } else { 1.0 };
                }
                code += group.code;
                lines += group.lines;
                worth -= per_char * (group.range.end - group.range.start) as f32;
                let ends_well = !group.names.is_empty() && code * 10 >= lines * MIN_CODE_TENTHS;
                if ends_well && best.as_ref().is_none_or(|(_, most)| worth > *most) {
                    best = Some((from.range.start..group.range.end, worth));
                }
            }
        }
        best.filter(|(_, worth)| *worth > 0.0)
    }

    /// All statements; `None` if they are mostly comment, or there is none.
    pub(super) fn whole(&self) -> Option<Range<usize>> {
        let last = self.groups.iter().rposition(|group| group.code > 0)?;
        let shown = &self.groups[..=last];
        let code: usize = shown.iter().map(|group| group.code).sum();
        let lines: usize = shown.iter().map(|group| group.lines).sum();
        let range = shown[0].range.start..shown[last].range.end;
        (code * 10 >= lines * MIN_CODE_TENTHS).then_some(range)
    }

    /// The numbers of the likely names that the statements in `range` use.
    pub(super) fn names_in(&self, range: &Range<usize>) -> impl Iterator<Item = usize> {
        let (start, end) = (range.start, range.end);
        let groups = self.groups.iter();
        let inside =
            groups.filter(move |group| start <= group.range.start && group.range.end <= end);
        inside.flat_map(|group| group.names.iter().map(|name| name.number))
    }
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
        let range = Statements::of(&file, Span::new(start, end), &[]).whole()?;
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

    #[test]
    fn an_excerpt_is_the_statements_with_likely_names() {
        let text = "<?php\nfirst();\n$x = 1;\n// why\nlikely(1,\n  2);\nother();\nsecond();\n";
        let facts = php::facts(text);
        let file = SourceFile::new("a.php".into(), text.into(), false, facts);
        let names = [("first", 0.01), ("likely", 0.5), ("second", 0.2)];
        let used: Vec<(u32, LikelyName)> = (0..)
            .zip(names)
            .map(|(number, (name, score))| {
                let at = text.find(name).unwrap() as u32;
                (at, LikelyName { number, score })
            })
            .collect();
        let statements = Statements::of(&file, Span::new(6, text.len()), &used);
        let run = |per_char, shown: &[bool]| {
            let best = statements.best_run(per_char, shown)?;
            Some(file.text[best.0].trim_end().to_owned())
        };
        // What a character must be worth decides how far an excerpt reaches.
        let both = "likely(1,\n  2);\nother();\nsecond();";
        assert_eq!(run(0.005, &[]).as_deref(), Some(both));
        assert_eq!(run(0.02, &[]).as_deref(), Some("likely(1,\n  2);"));
        assert_eq!(run(0.1, &[]), None);
        // What is shown in use already counts less.
        assert_eq!(run(0.012, &[false, true]).as_deref(), Some("second();"));
    }
}
