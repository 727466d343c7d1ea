//! The prompt of a FIM tag, and the edits that its answer makes.

use std::ops::Range;

use super::document::Tags;
use super::fim::Fim;
use super::function::TagFunction;
use super::stop::Stop;
use super::tag::{Side, Tag, TagKind};

/// The text that the model is shown for a FIM tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagWindow {
    /// The range of the window in the text, in bytes.
    pub range: Range<usize>,
    /// The text before the tag, without comments.
    pub before: String,
    /// The text after the tag, without comments.
    pub after: String,
    /// The ranges of the soft prefix and suffix tags that bound the window; a run
    /// deletes them.
    pub deletes: Vec<Range<usize>>,
}

/// The prompt of a FIM tag.
#[derive(Clone, Debug, PartialEq)]
pub struct TagPrompt {
    /// The range of the tag, in bytes.
    pub tag: Range<usize>,
    /// The text that the model is shown.
    pub window: TagWindow,
    /// The most tokens to generate.
    pub max_tokens: u32,
    /// The temperature, if the tag sets it.
    pub temperature: Option<f64>,
    /// The probability mass of nucleus sampling, if the tag sets it.
    pub top_p: Option<f64>,
    /// The stop patterns, in the order of the tag.
    pub stops: Vec<Stop>,
    /// The text to put before the generated text.
    pub prepend: String,
    /// The text to put behind the generated text.
    pub append: String,
}

/// An edit of a text.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Edit {
    /// The start of the replaced range in the text before all edits, in bytes.
    pub start: usize,
    /// The end of the replaced range, in bytes.
    pub end: usize,
    /// The text that replaces the range.
    pub new_text: String,
}

fn window(text: &str, tags: &Tags, fim: &Range<usize>, strip: bool) -> TagWindow {
    let all = tags.all();
    let here = all.partition_point(|tag| tag.range.start < fim.start);
    let bounds =
        |tag: &&Tag, wanted: Side| matches!(&tag.kind, TagKind::Boundary(b) if b.side == wanted);
    let first = all[..here].iter().rfind(|tag| bounds(tag, Side::Prefix));
    let last = all[here..].iter().find(|tag| bounds(tag, Side::Suffix));
    let start = first.map_or(0, |tag| tag.range.end);
    let end = last.map_or(text.len(), |tag| tag.range.start);
    let soft = |tag: &&Tag| matches!(&tag.kind, TagKind::Boundary(b) if !b.hard);
    let shown = |range: Range<usize>| {
        let mut shown = String::with_capacity(range.len());
        let mut at = range.start;
        let within = all
            .iter()
            .filter(|tag| range.start <= tag.range.start && tag.range.end <= range.end);
        for tag in within.filter(|tag| strip || matches!(tag.kind, TagKind::Comment(_))) {
            shown.push_str(&text[at..tag.range.start]);
            at = tag.range.end;
        }
        shown.push_str(&text[at..range.end]);
        shown
    };
    TagWindow {
        before: shown(start..fim.start),
        after: shown(fim.end..end),
        range: start..end,
        deletes: first
            .into_iter()
            .chain(last)
            .filter(soft)
            .map(|tag| tag.range.clone())
            .collect(),
    }
}

impl TagPrompt {
    /// The prompt of the FIM tag `fim` at `tag` of `text`. With `strip`, the window
    /// leaves out the other tags in it.
    #[must_use]
    pub fn new(text: &str, tags: &Tags, tag: &Tag, fim: &Fim, strip: bool) -> Self {
        let mut prompt = Self {
            tag: tag.range.clone(),
            window: window(text, tags, &tag.range, strip),
            max_tokens: fim.max_tokens,
            temperature: None,
            top_p: None,
            stops: Vec::new(),
            prepend: String::new(),
            append: String::new(),
        };
        for call in &fim.calls {
            let texts = call.args.iter().filter_map(|arg| arg.text());
            let number = call.args.first().and_then(|arg| arg.number());
            match call.function {
                TagFunction::Stop | TagFunction::Chop => {
                    prompt.stops.extend(texts.map(|pattern| Stop {
                        pattern: pattern.to_owned(),
                        keep: call.function == TagFunction::Stop,
                    }))
                }
                TagFunction::Temp => prompt.temperature = number,
                TagFunction::TopP => prompt.top_p = number,
                TagFunction::Append => prompt.append.extend(texts),
                TagFunction::Prepend => prompt.prepend.extend(texts),
                TagFunction::Keep => prompt.window.deletes.clear(),
            }
        }
        prompt
    }

    /// The edits, in the order of the text, that replace the tag by `generated` and
    /// delete the soft prefix and suffix tags of the window.
    #[must_use]
    pub fn edits(&self, generated: &str) -> Vec<Edit> {
        self.edits_to([&self.prepend, generated, &self.append].concat())
    }

    /// Like [`Self::edits`], with `new_text` as the whole text in place of the tag.
    #[must_use]
    pub fn edits_to(&self, new_text: String) -> Vec<Edit> {
        let edit = |range: &Range<usize>, new_text| Edit {
            start: range.start,
            end: range.end,
            new_text,
        };
        let deletes = self.window.deletes.iter();
        let mut edits: Vec<_> = deletes.map(|range| edit(range, String::new())).collect();
        edits.push(edit(&self.tag, new_text));
        edits.sort_by_key(|edit| edit.start);
        edits
    }
}

impl Edit {
    /// `text` after `edits`, which are in order and do not overlap.
    #[must_use]
    pub fn apply(text: &str, edits: &[Self]) -> String {
        let mut result = String::with_capacity(text.len());
        let mut at = 0;
        for edit in edits {
            result.push_str(&text[at..edit.start]);
            result.push_str(&edit.new_text);
            at = edit.end;
        }
        result.push_str(&text[at..]);
        result
    }
}
