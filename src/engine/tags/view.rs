//! The JSON of tags, prompts and runs, for the command line and for the wire.
//! Offsets are in the units that the client has chosen.

use std::ops::Range;

use serde::Serialize;

use super::outcome::RunOutcome;
use super::prepare::{PreparedRun, PromptMode};
use crate::config::Endpoint;
use crate::tags::{Arg, NoteKind, Stop, Tag, TagKind, Tags};
use crate::text::{Encoding, Units};

/// The tags of a text.
#[derive(Debug, Serialize)]
pub struct TagsView<'a> {
    tags: Vec<TagView<'a>>,
}

#[derive(Debug, Serialize)]
struct TagView<'a> {
    kind: &'static str,
    start: u64,
    end: u64,
    #[serde(flatten)]
    details: TagDetails<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<NoteView<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum TagDetails<'a> {
    Fim {
        max_tokens: u32,
        functions: Vec<FunctionView<'a>>,
    },
    Boundary {
        hard: bool,
    },
    Comment {
        body: &'a str,
    },
    Config {
        entries: Vec<EntryView<'a>>,
    },
    Invalid {
        message: &'a str,
        at: u64,
        hint: &'a str,
    },
}

#[derive(Debug, Serialize)]
struct FunctionView<'a> {
    name: &'static str,
    args: &'a [Arg],
}

#[derive(Debug, Serialize)]
struct EntryView<'a> {
    key: &'static str,
    value: &'a str,
}

/// A note on a valid tag.
#[derive(Debug, Serialize)]
struct NoteView<'a> {
    kind: &'static str,
    message: &'a str,
    at: u64,
}

impl<'a> TagsView<'a> {
    /// The tags of `text`. Each `at` counts from the start of its tag.
    #[must_use]
    pub fn new(text: &'a str, tags: &'a Tags, encoding: Encoding) -> Self {
        let mut units = Units::new(text, encoding);
        let tags = tags.all().iter();
        let tags = tags.map(|tag| TagView::new(text, tag, &mut units));
        Self {
            tags: tags.collect(),
        }
    }
}

impl<'a> TagView<'a> {
    fn new(text: &'a str, tag: &'a Tag, units: &mut Units<'_>) -> Self {
        let Range { start, end } = tag.range;
        let start_units = units.at(start);
        let mut inside = |at: usize| units.at(start + at) - start_units;
        let details = TagDetails::new(text, tag, &mut inside);
        let notes = tag.kind.notes().iter().map(|note| NoteView {
            kind: match note.kind {
                NoteKind::Extension => "extension",
                NoteKind::Warning => "warning",
            },
            message: &note.message,
            at: inside(note.at),
        });
        Self {
            kind: tag.kind.name(),
            start: start_units,
            notes: notes.collect(),
            end: units.at(end),
            details,
        }
    }
}

impl<'a> TagDetails<'a> {
    /// The details of `tag`. `inside` converts a byte offset in the tag.
    fn new(text: &'a str, tag: &'a Tag, inside: &mut impl FnMut(usize) -> u64) -> Self {
        let start = tag.range.start;
        match &tag.kind {
            TagKind::Fim(fim) => {
                let functions = fim.calls.iter().map(|call| FunctionView {
                    name: call.function.name(),
                    args: &call.args,
                });
                Self::Fim {
                    max_tokens: fim.max_tokens,
                    functions: functions.collect(),
                }
            }
            TagKind::Boundary(boundary) => Self::Boundary {
                hard: boundary.hard,
            },
            TagKind::Comment(body) => Self::Comment {
                body: &text[start + body.start..start + body.end],
            },
            TagKind::Config(config) => {
                let entries = config.entries.iter().map(|entry| EntryView {
                    key: entry.key.name(),
                    value: &entry.value,
                });
                Self::Config {
                    entries: entries.collect(),
                }
            }
            TagKind::Invalid(fault) => Self::Invalid {
                message: &fault.message,
                at: inside(fault.at),
                hint: fault.hint,
            },
        }
    }
}

/// The prompt of a FIM tag.
#[derive(Debug, Serialize)]
pub struct PromptView<'a> {
    mode: PromptMode,
    /// The text before the tag.
    before: &'a str,
    after: &'a str,
    /// The cross-file context, right before `before`.
    #[serde(skip_serializing_if = "str::is_empty")]
    context: &'a str,
    /// The prompt as one text, if the server is sent one text.
    prompt: Option<&'a str>,
    max_tokens: u32,
    /// The value of the tag, else of the settings, else none: the server has its own.
    temperature: Option<f64>,
    top_p: Option<f64>,
    stops: &'a [Stop],
    #[serde(skip_serializing_if = "str::is_empty")]
    prepend: &'a str,
    append: &'a str,
    /// The ranges of the soft tags, which are deleted.
    deletes: Vec<SpanView>,
}

#[derive(Debug, Serialize)]
struct SpanView {
    start: u64,
    end: u64,
}

impl<'a> PromptView<'a> {
    /// The prompt of `prepared` for the server at `endpoint`.
    #[must_use]
    pub fn new(prepared: &'a PreparedRun, endpoint: &Endpoint, encoding: Encoding) -> Self {
        let mut units = Units::new(&prepared.content, encoding);
        let prompt = &prepared.prompt;
        let deletes = prompt.window.deletes.iter();
        let deletes = deletes.map(|range| SpanView {
            start: units.at(range.start),
            end: units.at(range.end),
        });
        Self {
            mode: prepared.mode(),
            before: &prompt.window.before,
            after: &prompt.window.after,
            context: &prepared.context,
            prompt: prepared.sent.as_deref(),
            max_tokens: prompt.max_tokens,
            temperature: prompt.temperature.or(endpoint.temperature),
            top_p: prompt.top_p.or(endpoint.top_p),
            stops: &prompt.stops,
            prepend: &prompt.prepend,
            append: &prompt.append,
            deletes: deletes.collect(),
        }
    }
}

/// The outcome of a run.
#[derive(Debug, Serialize)]
pub struct RunView<'a> {
    text: &'a str,
    stopped_by: Option<&'a str>,
    edits: Vec<EditView<'a>>,
    content: &'a str,
    /// The error that cut the answer short.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// An edit of the text before the run.
#[derive(Debug, Serialize)]
struct EditView<'a> {
    start: u64,
    end: u64,
    new_text: &'a str,
}

impl<'a> RunView<'a> {
    /// The outcome of the run of `prepared`.
    #[must_use]
    pub fn new(prepared: &PreparedRun, outcome: &'a RunOutcome, encoding: Encoding) -> Self {
        let mut units = Units::new(&prepared.content, encoding);
        let edits = outcome.edits.iter();
        let edits = edits.map(|edit| EditView {
            start: units.at(edit.start),
            end: units.at(edit.end),
            new_text: &edit.new_text,
        });
        Self {
            text: &outcome.text,
            stopped_by: outcome.stopped_by.as_deref(),
            edits: edits.collect(),
            content: &outcome.content,
            error: outcome.broken.as_ref().map(ToString::to_string),
        }
    }
}
