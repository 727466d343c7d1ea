//! The pools from which holes of each kind are drawn: those nodes, brackets,
//! lines and comments of one file that have the size of a middle.

use std::ops::Range;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::category::HoleCategory;
use crate::dataset::cut::measure::TextMeasure;
use crate::dataset::cut::quality;
use crate::dataset::options::Options;
use crate::dataset::record::SpanKind;
use crate::dataset::reject::TOO_SHORT;
use crate::php::spans::{NodeKind, Spans};
use crate::text::{line_end, line_start};

/// The texts after which the rest of a line is cut as [`SpanKind::LineRest`].
pub(super) const TRIGGERS: [&str; 5] = ["->", "::", "= ", "return ", "("];

/// The pools of one file.
pub(super) struct HolePools<'a> {
    measure: TextMeasure<'a>,
    /// None if the file is not parsed.
    spans: Option<&'a Spans>,
    pub(super) options: &'a Options,
    /// Each node, and the sum of the bytes of all nodes up to it.
    nodes: Vec<(Range<usize>, usize)>,
    braces: Vec<Range<usize>>,
    line_rests: Vec<Range<usize>>,
    brackets: Vec<Range<usize>>,
    after_comments: Vec<Range<usize>>,
    doc_comments: Vec<Range<usize>>,
}

impl<'a> HolePools<'a> {
    /// Collects the pools of `text`. `spans` is its syntax tree, if it is parsed.
    pub(super) fn new(text: &'a str, spans: Option<&'a Spans>, options: &'a Options) -> Self {
        let mut pools = Self {
            measure: TextMeasure::new(text),
            spans,
            options,
            nodes: Vec::new(),
            braces: Vec::new(),
            line_rests: Vec::new(),
            brackets: Vec::new(),
            after_comments: Vec::new(),
            doc_comments: Vec::new(),
        };
        pools.line_rests = pools.fitting(line_rests(text, spans));
        match spans {
            Some(spans) => {
                let insides = spans.brackets.iter().map(|span| inside(text, span.range()));
                pools.brackets = pools.fitting(insides);
                let after = spans.after_comments.iter().map(|span| span.range());
                pools.after_comments = pools.fitting(after);
                let docs = spans.doc_comments.iter().map(|span| span.range());
                pools.doc_comments = pools.fitting(docs);
                let nodes = spans
                    .nodes()
                    .iter()
                    .filter(|node| !node.broken && node.kind.is_code())
                    .filter(|node| !spans.repeats_parent(node))
                    .map(|node| node.span.range());
                let mut bytes = 0;
                pools.nodes = pools
                    .fitting(nodes)
                    .into_iter()
                    .map(|node| {
                        bytes += node.len();
                        (node, bytes)
                    })
                    .collect();
            }
            None => {
                pools.braces = pools.fitting(brace_pairs(text).into_iter());
                pools.brackets = pools.braces.clone();
            }
        }
        pools
    }

    /// Those of `ranges` that have the size of a middle.
    fn fitting(&self, ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
        ranges
            .filter(|range| self.misfit(range).is_none())
            .collect()
    }

    /// The reason why `range` is no middle by its size, if there is one.
    fn misfit(&self, range: &Range<usize>) -> Option<&'static str> {
        let Self {
            measure, options, ..
        } = self;
        if range.len() < options.min_middle_chars {
            Some(TOO_SHORT)
        } else if range.len() > options.max_middle_chars().saturating_mul(4) {
            Some("too_long")
        } else if measure.lines(range.clone()) > options.max_middle_lines {
            Some("too_many_lines")
        } else {
            let chars = measure.chars(range.clone());
            if chars < options.min_middle_chars {
                Some(TOO_SHORT)
            } else if chars > options.max_middle_chars() {
                Some("too_long")
            } else if measure.text()[range.clone()].trim().is_empty() {
                Some("blank")
            } else {
                None
            }
        }
    }

    /// The reason to reject `range`, by its size or by the quality filter, if
    /// there is one.
    pub(super) fn objection(&self, range: &Range<usize>) -> Option<&'static str> {
        self.misfit(range).or_else(|| {
            if !self.options.quality_filter {
                return None;
            }
            let in_comment = self
                .spans
                .and_then(|spans| spans.innermost(range.clone()))
                .is_some_and(|node| node.kind == NodeKind::Comment);
            quality::objection(&self.measure.text()[range.clone()], in_comment)
        })
    }

    /// The kinds of `category` that the options allow and whose pool is not empty.
    pub(super) fn kinds(&self, category: HoleCategory) -> impl Iterator<Item = SpanKind> {
        self.options
            .spans()
            .filter(move |kind| HoleCategory::of(*kind) == category)
            .filter(|kind| match kind {
                SpanKind::AstNode => !self.nodes.is_empty(),
                SpanKind::AstAligned => self.spans.is_some() && self.measure.text().len() > 1,
                SpanKind::Lines => self.spans.is_none() && !self.measure.text().is_empty(),
                SpanKind::Braces => !self.braces.is_empty(),
                SpanKind::LineRest => !self.line_rests.is_empty(),
                SpanKind::BracketContent => !self.brackets.is_empty(),
                SpanKind::AfterComment => !self.after_comments.is_empty(),
                SpanKind::DocComment => !self.doc_comments.is_empty(),
                SpanKind::CharSpan => !self.measure.text().is_empty(),
                // The history of the file has these.
                SpanKind::Commit => false,
            })
    }

    /// Draws a hole of `kind`, one of [`Self::kinds`]. None if the draw hits no run
    /// of sibling nodes.
    pub(super) fn propose(&self, kind: SpanKind, rng: &mut ChaCha8Rng) -> Option<Range<usize>> {
        let any = |pool: &[Range<usize>], rng: &mut ChaCha8Rng| {
            Some(pool[rng.random_range(0..pool.len())].clone())
        };
        match kind {
            SpanKind::AstNode => {
                let (_, all) = self.nodes.last()?;
                let at = rng.random_range(0..*all);
                let node = self.nodes.partition_point(|(_, upto)| *upto <= at);
                Some(self.nodes[node].0.clone())
            }
            SpanKind::AstAligned => {
                let range = self.random_span(rng);
                self.spans?.aligned(range).map(|span| span.range())
            }
            SpanKind::Lines => Some(self.random_lines(rng)),
            SpanKind::Braces => any(&self.braces, rng),
            SpanKind::LineRest => any(&self.line_rests, rng),
            SpanKind::BracketContent => any(&self.brackets, rng),
            SpanKind::AfterComment => any(&self.after_comments, rng),
            SpanKind::DocComment => any(&self.doc_comments, rng),
            SpanKind::CharSpan => Some(self.random_span(rng)),
            SpanKind::Commit => None,
        }
    }

    /// Draws a span anywhere in the text. Short spans are likelier than long ones.
    fn random_span(&self, rng: &mut ChaCha8Rng) -> Range<usize> {
        let text = self.measure.text();
        let least = self.options.min_middle_chars;
        let most = rng.random_range(least..=self.options.max_middle_chars());
        let length = rng.random_range(least..=most);
        let start = text.floor_char_boundary(rng.random_range(0..text.len()));
        let end = if text.is_ascii() {
            start.saturating_add(length).min(text.len())
        } else {
            let after = text[start..].char_indices().nth(length);
            after.map_or(text.len(), |(at, _)| start + at)
        };
        start..end
    }

    /// Draws a run of whole lines, from the indentation of the first to the end of
    /// the last.
    fn random_lines(&self, rng: &mut ChaCha8Rng) -> Range<usize> {
        let lines = self.measure.line_count();
        let first = rng.random_range(0..lines);
        let count = rng.random_range(1..=self.options.max_middle_lines);
        let last = first.saturating_add(count).min(lines) - 1;
        let range = self.measure.line(first).start..self.measure.line(last).end;
        let text = &self.measure.text()[range.clone()];
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

/// The rest of each line after one of [`TRIGGERS`] that stands in code, not in a
/// comment, a string or HTML.
pub(super) fn line_rests<'a>(
    text: &'a str,
    spans: Option<&'a Spans>,
) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut line = 0..0;
    let is_code = move |at: usize| {
        let node = spans.and_then(|spans| spans.innermost(at..at + 1));
        node.is_none_or(|node| node.kind.is_code() && node.kind != NodeKind::String)
    };
    (0..text.len()).filter_map(move |at| {
        let bytes = &text.as_bytes()[at..];
        let is_here = |t: &&&str| t.as_bytes()[0] == bytes[0] && bytes.starts_with(t.as_bytes());
        let trigger = TRIGGERS.iter().find(is_here)?;
        if !line.contains(&at) {
            line = line_start(text, at)..line_end(text, at);
        }
        let start = at + trigger.len();
        (start < line.end && is_code(at)).then(|| inside(text, start..line.end))
    })
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
