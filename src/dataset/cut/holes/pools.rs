//! The pools from which holes of each kind are drawn: those tokens, nodes, brackets,
//! lines and comments of one file that have the size of a middle.

use std::ops::Range;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::code::{CodeTokens, MAX_ONE_LINE, has_word};
use crate::dataset::cut::measure::TextMeasure;
use crate::dataset::cut::quality;
use crate::dataset::options::Options;
use crate::dataset::record::SpanKind;
use crate::dataset::reject::{TOO_LONG, TOO_SHORT};
use crate::dataset::words;
use crate::php::Span;
use crate::php::spans::{NodeKind, Spans};

/// The share of the blocks that are cut from the start of their first line on, where an
/// editor has broken the line. The others are cut right behind their `{`.
const ON_NEW_LINE: f64 = 0.5;

/// The pools of one file.
pub(super) struct HolePools<'a> {
    measure: TextMeasure<'a>,
    /// None if the file is not parsed.
    spans: Option<&'a Spans>,
    code: CodeTokens<'a>,
    pub(super) options: &'a Options,
    /// Each node, and the sum of the bytes of all nodes up to it.
    nodes: Vec<(Range<usize>, usize)>,
    multi_line: Vec<Range<usize>>,
    braces: Vec<Range<usize>>,
    line_rests: Vec<Range<usize>>,
    brackets: Vec<Range<usize>>,
    after_comments: Vec<Range<usize>>,
    doc_comments: Vec<Range<usize>>,
    statements: Vec<Range<usize>>,
    arguments: Vec<Range<usize>>,
    blocks: Vec<Range<usize>>,
}

impl<'a> HolePools<'a> {
    /// Collects the pools of `text`. `spans` is its syntax tree, if it is parsed.
    pub(super) fn new(text: &'a str, spans: Option<&'a Spans>, options: &'a Options) -> Self {
        let mut pools = Self {
            measure: TextMeasure::new(text),
            spans,
            code: CodeTokens::new(text),
            options,
            nodes: Vec::new(),
            multi_line: Vec::new(),
            braces: Vec::new(),
            line_rests: Vec::new(),
            brackets: Vec::new(),
            after_comments: Vec::new(),
            doc_comments: Vec::new(),
            statements: Vec::new(),
            arguments: Vec::new(),
            blocks: Vec::new(),
        };
        pools.line_rests = match pools.is_cut(SpanKind::LineRest) {
            true => pools.fitting(SpanKind::LineRest, pools.code.line_rests().into_iter()),
            false => Vec::new(),
        };
        match spans {
            Some(spans) => pools.read(text, spans),
            None => {
                let pairs = brace_pairs(text).into_iter();
                pools.braces = pools.fitting(SpanKind::Braces, pairs);
            }
        }
        pools
    }

    /// Whether the mix has `kind`.
    fn is_cut(&self, kind: SpanKind) -> bool {
        self.options.mix.share(kind) > 0.0
    }

    /// Collects the pools of a syntax tree.
    fn read(&mut self, text: &str, spans: &Spans) {
        let of =
            |pools: &Self, kind: SpanKind, all: &[Span], change: fn(&str, Span) -> Range<usize>| {
                match pools.is_cut(kind) {
                    true => pools.fitting(kind, all.iter().map(|span| change(text, *span))),
                    false => Vec::new(),
                }
            };
        let whole: fn(&str, Span) -> Range<usize> = |_, span| span.range();
        let inside: fn(&str, Span) -> Range<usize> = |text, span| inside(text, span.range());
        let within: fn(&str, Span) -> Range<usize> = |text, span| {
            let range = inside_of(text, span.range());
            range.start.min(range.end)..range.end
        };
        self.brackets = of(self, SpanKind::BracketContent, &spans.brackets, inside);
        self.arguments = of(self, SpanKind::Arguments, &spans.arguments, within);
        self.blocks = of(self, SpanKind::Block, &spans.blocks, inside);
        self.after_comments = of(self, SpanKind::AfterComment, &spans.after_comments, whole);
        self.doc_comments = of(self, SpanKind::DocComment, &spans.doc_comments, whole);
        self.statements = of(self, SpanKind::StatementRest, &spans.statements, whole);
        let nodes = || {
            let nodes = spans.nodes().iter();
            nodes
                .filter(|node| !node.broken && node.kind.is_code())
                .filter(|node| !spans.repeats_parent(node))
                .map(|node| node.span.range())
        };
        if self.is_cut(SpanKind::MultiLine) {
            let lines = |range: &Range<usize>| self.measure.lines(range.clone());
            let several = nodes().filter(|range| lines(range) > 1);
            self.multi_line = self.fitting(SpanKind::MultiLine, several);
        }
        if self.is_cut(SpanKind::AstNode) {
            let mut bytes = 0;
            let fitting = self.fitting(SpanKind::AstNode, nodes()).into_iter();
            self.nodes = fitting
                .map(|node| {
                    bytes += node.len();
                    (node, bytes)
                })
                .collect();
        }
    }

    /// Those of `ranges` that have the size of a middle of `kind`.
    fn fitting(
        &self,
        kind: SpanKind,
        ranges: impl Iterator<Item = Range<usize>>,
    ) -> Vec<Range<usize>> {
        ranges
            .filter(|range| self.misfit(kind, range).is_none())
            .collect()
    }

    /// The reason why `range` is no middle of `kind` by its size, if there is one.
    fn misfit(&self, kind: SpanKind, range: &Range<usize>) -> Option<&'static str> {
        let Self {
            measure, options, ..
        } = self;
        let least = options.min_chars(kind);
        let most = self.max_chars(kind);
        if range.len() < least {
            Some(TOO_SHORT)
        } else if range.len() > most.saturating_mul(4) {
            Some(TOO_LONG)
        } else if measure.lines(range.clone()) > options.max_middle_lines {
            Some("too_many_lines")
        } else {
            let chars = measure.chars(range.clone());
            if chars < least {
                Some(TOO_SHORT)
            } else if chars > most {
                Some(TOO_LONG)
            } else if measure.text()[range.clone()].trim().is_empty() {
                Some("blank")
            } else {
                None
            }
        }
    }

    /// The most characters of a middle of `kind`.
    fn max_chars(&self, kind: SpanKind) -> usize {
        let most = self.options.max_middle_chars();
        match kind {
            SpanKind::Typing | SpanKind::OneLine => most.min(MAX_ONE_LINE),
            _ => most,
        }
    }

    /// The reason to reject `range` as a hole of `kind`, by its size, by what it holds or
    /// by the quality filter, if there is one.
    pub(super) fn objection(&self, kind: SpanKind, range: &Range<usize>) -> Option<&'static str> {
        if let Some(reason) = self.misfit(kind, range) {
            return Some(reason);
        }
        let middle = &self.measure.text()[range.clone()];
        if !has_word(middle) {
            return Some("no_word");
        }
        if kind == SpanKind::DocComment {
            if says_nothing(middle) {
                return Some("says_nothing");
            }
        } else if let Some(reason) = self.code.objection(range) {
            return Some(reason);
        }
        if !self.options.quality_filter {
            return None;
        }
        let is_comment = kind == SpanKind::DocComment;
        let in_comment = || {
            self.spans
                .and_then(|spans| spans.innermost(range.clone()))
                .is_some_and(|node| node.kind == NodeKind::Comment)
        };
        match is_comment {
            true => quality::objection_to_text(middle),
            false => quality::objection(middle, in_comment()),
        }
    }

    /// How many holes of `kind` the file has at most.
    pub(super) fn count(&self, kind: SpanKind) -> usize {
        let bytes = self.measure.text().len();
        match kind {
            SpanKind::Typing | SpanKind::OneLine => self.code.count(),
            SpanKind::StatementRest if self.statements.is_empty() => 0,
            SpanKind::StatementRest => self.code.count(),
            SpanKind::AstAligned if self.spans.is_none() || bytes < 2 => 0,
            SpanKind::Lines if self.spans.is_some() => 0,
            SpanKind::AstAligned | SpanKind::Lines | SpanKind::CharSpan => bytes,
            SpanKind::AstNode => self.nodes.len(),
            SpanKind::Braces => self.braces.len(),
            SpanKind::LineRest => self.line_rests.len(),
            SpanKind::Arguments => self.arguments.len(),
            SpanKind::Block => self.blocks.len(),
            SpanKind::BracketContent => self.brackets.len(),
            SpanKind::AfterComment => self.after_comments.len(),
            SpanKind::DocComment => self.doc_comments.len(),
            SpanKind::MultiLine => self.multi_line.len(),
            // The history of the file has these.
            SpanKind::Commit => 0,
        }
    }

    /// Draws a hole of `kind`, which the file has. None if the draw hits no hole.
    pub(super) fn propose(&self, kind: SpanKind, rng: &mut ChaCha8Rng) -> Option<Range<usize>> {
        let any = |pool: &[Range<usize>], rng: &mut ChaCha8Rng| {
            Some(pool[rng.random_range(0..pool.len())].clone())
        };
        match kind {
            SpanKind::Typing => self.code.typing(rng),
            SpanKind::OneLine => self.code.one_line(rng),
            SpanKind::AstNode => {
                let (_, all) = self.nodes.last()?;
                let at = rng.random_range(0..*all);
                let node = self.nodes.partition_point(|(_, upto)| *upto <= at);
                Some(self.nodes[node].0.clone())
            }
            SpanKind::AstAligned => {
                let range = self.random_span(kind, rng)?;
                self.spans?.aligned(range).map(|span| span.range())
            }
            SpanKind::StatementRest => {
                let statement = any(&self.statements, rng)?;
                self.code.rest_of(&statement, rng)
            }
            SpanKind::Block => {
                let block = any(&self.blocks, rng)?;
                match rng.random_bool(ON_NEW_LINE) {
                    true => Some(inside_of(self.measure.text(), block)),
                    false => Some(block),
                }
            }
            SpanKind::Lines => Some(self.random_lines(rng)),
            SpanKind::Braces => any(&self.braces, rng),
            SpanKind::LineRest => any(&self.line_rests, rng),
            SpanKind::Arguments => any(&self.arguments, rng),
            SpanKind::BracketContent => any(&self.brackets, rng),
            SpanKind::AfterComment => any(&self.after_comments, rng),
            SpanKind::DocComment => any(&self.doc_comments, rng),
            SpanKind::MultiLine => any(&self.multi_line, rng),
            SpanKind::CharSpan => self
                .random_span(kind, rng)
                .map(|span| span.start..end_of_word(self.measure.text(), span.end)),
            SpanKind::Commit => None,
        }
    }

    /// Draws a span anywhere in the text. Short spans are likelier than long ones. None
    /// if no middle may be that long.
    fn random_span(&self, kind: SpanKind, rng: &mut ChaCha8Rng) -> Option<Range<usize>> {
        let text = self.measure.text();
        let least = self.options.min_chars(kind);
        if least > self.options.max_middle_chars() {
            return None;
        }
        let most = rng.random_range(least..=self.options.max_middle_chars());
        let length = rng.random_range(least..=most);
        let start = text.floor_char_boundary(rng.random_range(0..text.len()));
        let end = if text.is_ascii() {
            start.saturating_add(length).min(text.len())
        } else {
            let after = text[start..].char_indices().nth(length);
            after.map_or(text.len(), |(at, _)| start + at)
        };
        Some(start..end)
    }

    /// Draws a run of whole lines, from the indentation of the first to the end of
    /// the last. Comments at its end belong to what follows and are left out.
    fn random_lines(&self, rng: &mut ChaCha8Rng) -> Range<usize> {
        let lines = self.measure.line_count();
        let first = rng.random_range(0..lines);
        let count = rng.random_range(1..=self.options.max_middle_lines);
        let mut last = first.saturating_add(count).min(lines) - 1;
        let all = self.measure.text();
        while last > first && is_comment_line(&all[self.measure.line(last)]) {
            last -= 1;
        }
        let range = self.measure.line(first).start..self.measure.line(last).end;
        let text = &all[range.clone()];
        range.end - text.trim_start().len()..range.end
    }

    /// The name of the hole `range`: see
    /// [`Hole::name`](crate::dataset::cut::holes::Hole::name).
    pub(super) fn name(&self, range: &Range<usize>) -> String {
        let text = self.measure.text();
        self.spans
            .and_then(|spans| {
                let node = spans.innermost(range.clone())?;
                Some(spans.name_of(node).of(text).to_owned())
            })
            .unwrap_or_default()
    }
}

/// `range` without white space at its end.
fn inside(text: &str, range: Range<usize>) -> Range<usize> {
    let kept = text[range.clone()].trim_ascii_end().len();
    range.start..range.start + kept
}

/// `range` without white space on either side.
fn inside_of(text: &str, range: Range<usize>) -> Range<usize> {
    let range = inside(text, range);
    range.end - text[range.clone()].trim_ascii_start().len()..range.end
}

/// The end of the word in which byte `at` of `text` stands, or `at`.
fn end_of_word(text: &str, at: usize) -> usize {
    match words::is_in_word(text, at) {
        true => {
            at + text[at..]
                .find(|c| !words::is_word(c))
                .unwrap_or(text.len() - at)
        }
        false => at,
    }
}

/// Whether the doc comment `text` only refers to another one.
fn says_nothing(text: &str) -> bool {
    let mut others = text
        .split(|c: char| !(words::is_word(c) || c == '@'))
        .filter(|word| !word.is_empty())
        .filter(|word| !word.eq_ignore_ascii_case("@inheritdoc"));
    others.next().is_none()
}

/// Whether `line` is blank or a comment by itself.
fn is_comment_line(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty()
        || ["//", "/*", "*", "# "]
            .iter()
            .any(|start| line.starts_with(start))
}

/// The insides of matching braces in a text that is not parsed. Braces in strings
/// and comments count, too.
fn brace_pairs(text: &str) -> Vec<Range<usize>> {
    let mut open = Vec::new();
    let mut pairs = Vec::new();
    for at in memchr::memchr2_iter(b'{', b'}', text.as_bytes()) {
        if text.as_bytes()[at] == b'{' {
            open.push(at + 1);
        } else if let Some(start) = open.pop() {
            pairs.push(inside(text, start..at));
        }
    }
    pairs
}
