//! Cuts holes at what commits added. The text with the hole is the file as it was before
//! the commit, with the edits of the commit from the top down to the hole: what somebody
//! had who worked downwards. In half of the versions all edits are applied.

use std::collections::BTreeMap;
use std::ops::Range;

use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::dataset::cut::edit::{Addition, LineEdits};
use crate::dataset::cut::holes::Hole;
use crate::dataset::cut::quality;
use crate::dataset::options::Options;
use crate::dataset::record::SpanKind;
use crate::dataset::reject::{TOO_LONG, TOO_SHORT};
use crate::dataset::select::generated;
use crate::dataset::select::history::FileVersion;
use crate::index::SourceFile;
use crate::php::FileFacts;
use crate::php::spans::{NodeKind, SpanParser, Spans};

/// The share of versions with all edits of their commit applied.
const WHOLE_RATE: f64 = 0.5;
/// The share of holes that begin at a later line of what was added, if it has several.
const LATER_LINE_RATE: f64 = 0.5;
/// The most holes of one version.
const MAX_HOLES: usize = 3;
/// The most places at which a commit changes a file from which examples are cut. More
/// are mostly another coding style, or a name that was replaced everywhere.
const MAX_PLACES: usize = 30;
/// A middle of this many bytes or more that stands in the file before the commit was
/// moved.
const MOVED: usize = 24;

/// Where the text of a version is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dataset) struct VersionOrigin {
    /// See [`Example::history_commit`](crate::dataset::Example::history_commit).
    pub(in crate::dataset) commit: String,
    /// See [`Example::history_path`](crate::dataset::Example::history_path).
    pub(in crate::dataset) path: String,
    /// See [`Example::history_places`](crate::dataset::Example::history_places).
    pub(in crate::dataset) places: usize,
}

/// The text of a file while its commit was made, and the holes in it.
#[derive(Debug)]
pub(in crate::dataset) struct CutVersion {
    /// The file, under its key of today.
    pub(in crate::dataset) file: SourceFile,
    /// The holes, in the order of their starts.
    pub(in crate::dataset) holes: Vec<Hole>,
    /// How many places give no hole, by reason.
    pub(in crate::dataset) rejected: BTreeMap<&'static str, u64>,
    /// Where the text is from.
    pub(in crate::dataset) origin: VersionOrigin,
}

impl CutVersion {
    /// A version that gives no hole for `reason`.
    pub(in crate::dataset) fn without(version: &FileVersion<'_>, reason: &'static str) -> Self {
        let mut cut = Self::empty(version);
        cut.rejected.insert(reason, 1);
        cut
    }

    fn empty(version: &FileVersion<'_>) -> Self {
        Self {
            file: source(version, String::new()),
            holes: Vec::new(),
            rejected: BTreeMap::new(),
            origin: VersionOrigin {
                commit: version.commit.to_owned(),
                path: version.change.path.clone(),
                places: 0,
            },
        }
    }

    /// Cuts `version`, whose texts before and after the commit are these.
    pub(in crate::dataset) fn new(
        version: &FileVersion<'_>,
        [before, after]: [&str; 2],
        options: &Options,
        parser: &mut SpanParser,
    ) -> Self {
        let edits = LineEdits::new(before, after);
        if edits.places() > MAX_PLACES {
            return Self::without(version, "commit_of_many_places");
        }
        let mut cut = Self::empty(version);
        let FileVersion { commit, key, .. } = version;
        let mut rng = options.rng(&format!("\0history {commit} {key}"));
        let whole = rng.random_bool(WHOLE_RATE);
        let mut places: Vec<_> = (0..edits.places()).collect();
        places.shuffle(&mut rng);
        let all = edits.applied(edits.places());
        for place in places {
            let applied = if whole { edits.places() } else { place + 1 };
            let (text, additions) = match applied == edits.places() {
                true => all.clone(),
                false => edits.applied(applied),
            };
            match hole(&text, &additions[place], before, options, &mut rng) {
                Ok(range) => cut.take(version, text, range, applied),
                Err(reason) => *cut.rejected.entry(reason).or_default() += 1,
            }
            if cut.holes.len() == MAX_HOLES || (!whole && !cut.holes.is_empty()) {
                break;
            }
        }
        cut.holes.sort_by_key(|hole| hole.range.start);
        cut.judge(options, parser);
        cut
    }

    /// Adds the hole `range` of `text`, which has so many places applied.
    fn take(
        &mut self,
        version: &FileVersion<'_>,
        text: String,
        range: Range<usize>,
        places: usize,
    ) {
        if self.holes.is_empty() {
            self.file = source(version, text);
            self.origin.places = places;
        }
        self.holes.push(Hole {
            range,
            kind: SpanKind::Commit,
            name: String::new(),
        });
    }

    /// Removes the holes of a text that is generated and those that the quality filter
    /// rejects. Names the others.
    fn judge(&mut self, options: &Options, parser: &mut SpanParser) {
        let text = &*self.file.text;
        if self.holes.is_empty() {
            return;
        }
        if !options.keep_generated
            && let Some(reason) = generated::objection(text)
        {
            self.rejected.insert(reason, self.holes.len() as u64);
            self.holes.clear();
            return;
        }
        let spans = match options.no_ast_fim {
            true => None,
            false => parser.parse(text, 0),
        };
        let rejected = &mut self.rejected;
        self.holes.retain_mut(|hole| {
            let node = spans
                .as_ref()
                .and_then(|spans: &Spans| Some((spans, spans.innermost(hole.range.clone())?)));
            if options.quality_filter
                && let Some(reason) = objection(text, &hole.range, spans.as_ref())
            {
                *rejected.entry(reason).or_default() += 1;
                return false;
            }
            if let Some((spans, node)) = node {
                hole.name = spans.name_of(node).of(text).to_owned();
            }
            true
        });
    }
}

/// The reason for which the quality filter rejects the hole `range` of `text`. A hole that
/// begins inside a comment is judged with the beginning of the comment.
fn objection(text: &str, range: &Range<usize>, spans: Option<&Spans>) -> Option<&'static str> {
    let comment_at = |range: Range<usize>| {
        let node = spans?.innermost(range)?;
        (node.kind == NodeKind::Comment).then(|| node.span.range().start)
    };
    let in_comment = comment_at(range.clone()).is_some();
    quality::objection(&text[range.clone()], in_comment).or_else(|| {
        let start = comment_at(range.start..range.start + 1)?;
        quality::objection(&text[start..range.end], false)
    })
}

/// The file of `version` with this text. Its facts are not read: nothing indexes it.
fn source(version: &FileVersion<'_>, text: String) -> SourceFile {
    let path = version.key.clone();
    SourceFile::new(path, text.into(), false, FileFacts::default())
}

/// The hole at `addition` to `text`, or why there is none. `before` is the text before
/// the commit.
fn hole(
    text: &str,
    addition: &Addition,
    before: &str,
    options: &Options,
    rng: &mut ChaCha8Rng,
) -> Result<Range<usize>, &'static str> {
    let Addition { added, removed } = addition;
    let lines = &text[added.clone()];
    if lines.is_empty() {
        return Err("commit_only_removes");
    }
    let visible = |text: &str| text.split_whitespace().collect::<String>();
    if visible(lines) == visible(removed) {
        return Err("commit_of_white_space");
    }
    let same = same_start(removed, lines);
    let start = added.end - text[added.start + same..added.end].trim_start().len();
    let end = added.start + lines.trim_end().len();
    if start >= end {
        return Err("blank");
    }
    let start = later_line(text, start..end, rng).unwrap_or(start);
    let end = start + within_limits(&text[start..end], options).ok_or(TOO_LONG)?;
    let middle = &text[start..end];
    if middle.chars().count() < options.min_chars(SpanKind::Commit) {
        Err(TOO_SHORT)
    } else if middle.lines().all(is_import) {
        Err("imports_only")
    } else if middle.len() >= MOVED && before.contains(middle) {
        Err("moved_code")
    } else {
        Ok(start..end)
    }
}

/// The length of what `lines` begin with as the `removed` lines do, without a word of
/// which they have only the beginning.
fn same_start(removed: &str, lines: &str) -> usize {
    let pairs = removed.bytes().zip(lines.bytes());
    let same = pairs.take_while(|(a, b)| a == b).count();
    let same = lines.floor_char_boundary(same);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if !lines[same..].starts_with(is_word) {
        return same;
    }
    lines[..same].trim_end_matches(is_word).len()
}

/// In a share of cases, a line of `range` behind the first one at which somebody might
/// ask, at the end of its indentation.
fn later_line(text: &str, range: Range<usize>, rng: &mut ChaCha8Rng) -> Option<usize> {
    let begins = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '\\' | '\'' | '[');
    let mut at = range.start;
    let mut later = Vec::new();
    for line in text[range.clone()].split_inclusive('\n') {
        let code = line.trim_start();
        if at > range.start && code.starts_with(begins) {
            later.push(at + line.len() - code.len());
        }
        at += line.len();
    }
    match !later.is_empty() && rng.random_bool(LATER_LINE_RATE) {
        true => later.choose(rng).copied(),
        false => None,
    }
}

/// The bytes of `rest` that a middle can have: all of it, or the longest run of lines
/// that keeps to the limits, shortened by up to half to where fewer brackets are open. A
/// line that closes what is open before the middle is no part of it: editors close
/// brackets at once.
fn within_limits(rest: &str, options: &Options) -> Option<usize> {
    let (mut at, mut chars, mut depth) = (0, 0, 0_i64);
    let mut outside = 0;
    let mut ends = Vec::new();
    let mut is_whole = true;
    for line in rest.split_inclusive('\n') {
        let code = line.trim_end();
        let most = options.max_middle_chars();
        if ends.len() == options.max_middle_lines || chars + code.chars().count() > most {
            is_whole = false;
            break;
        }
        if at > 0 && depth <= outside && code.trim_start().starts_with(['}', ')', ']']) {
            break;
        }
        for byte in code.bytes() {
            depth += match byte {
                b'(' | b'[' | b'{' => 1,
                b')' | b']' | b'}' => -1,
                _ => 0,
            };
            if at == 0 {
                outside = depth.min(outside);
            }
        }
        ends.push((depth, at + code.len()));
        at += line.len();
        chars += line.chars().count();
    }
    let is_blank = |end: usize| rest[..end].ends_with('\n');
    ends.retain(|(_, end)| !is_blank(*end));
    let (_, last) = *ends.last()?;
    if is_whole {
        return Some(last);
    }
    let later = ends[ends.len() / 2..].iter().rev();
    later.min_by_key(|(depth, _)| *depth).map(|(_, end)| *end)
}

/// Whether `line` is blank or only imports a name.
fn is_import(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || (line.starts_with("use ") && line.ends_with(';') && !line.contains('('))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_middle_ends_with_a_line_and_before_what_closes_an_earlier_bracket() {
        let options = Options {
            max_middle_lines: 4,
            ..Options::default()
        };
        for (rest, expected) in [
            ("$a = 1;\n    }", "$a = 1;"),
            (
                "if ($a) {\n    f();\n}\n$b = 2;",
                "if ($a) {\n    f();\n}\n$b = 2;",
            ),
            ("$rows,\n    3\n);", "$rows,\n    3"),
            ("== 2) {\n    f();\n}\n}", "== 2) {\n    f();\n}"),
            // The limit falls into a block, and what stands before it is shorter.
            (
                "$a = 1;\n$b = 2;\nif ($c) {\n    f();\n    g();\n}",
                "$a = 1;\n$b = 2;\nif ($c) {\n    f();",
            ),
            (
                "$a = 1;\n$b = 2;\n$c = 3;\nif ($d) {\n    g();\n}",
                "$a = 1;\n$b = 2;\n$c = 3;",
            ),
        ] {
            let length = within_limits(rest, &options).unwrap();
            assert_eq!(&rest[..length], expected);
        }
    }

    #[test]
    fn prose_in_comments_is_rejected_wherever_it_begins() {
        let text = "<?php\n// It must not be null here.\n// Empty strings are allowed.\n$a = f($b, 'some text', 12);\n";
        let spans = SpanParser::new().unwrap().parse(text, 0).unwrap();
        let of = |from: &str, to: &str| {
            let range = text.find(from).unwrap()..text.find(to).unwrap() + to.len();
            objection(text, &range, Some(&spans))
        };
        assert_eq!(of("null here", "allowed."), Some("comment_only"));
        assert_eq!(of("null here", "12);"), None);
        assert_eq!(of("$a = f", "12);"), None);
    }

    #[test]
    fn a_middle_begins_where_the_line_differs_but_not_inside_a_word() {
        for (removed, lines, same) in [
            ("", "$a = 1;", ""),
            ("$a = 1;\n", "$a = 1 + $b;\n", "$a = 1"),
            ("f($total);\n", "f($totals);\n", "f($"),
            ("Helper::strlen($x)\n", "Helper::width($x)\n", "Helper::"),
            ("private $a;\n", "protected $a;\n", ""),
        ] {
            assert_eq!(&lines[..same_start(removed, lines)], same);
        }
    }
}
