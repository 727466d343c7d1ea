//! What is told of tags and of runs, as JSON: on the command line and over the
//! wire alike. Offsets are in the units of whoever asks.

use std::ops::Range;

use serde::Serialize;

use super::{PreparedRun, PromptMode, RunOutcome};
use crate::config::Endpoint;
use crate::tags::{Arg, Note, NoteKind, Side, Stop, Tag, TagKind, Tags};
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
    says: Says<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<NoteView<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Says<'a> {
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

/// What is unusual about a tag.
#[derive(Debug, Serialize)]
struct NoteView<'a> {
    kind: &'static str,
    message: &'a str,
    at: u64,
}

/// What a kind of tag is called.
pub(super) fn kind(kind: &TagKind) -> &'static str {
    match kind {
        TagKind::Fim(_) => "fim",
        TagKind::Boundary(boundary) => match boundary.side {
            Side::Prefix => "prefix",
            Side::Suffix => "suffix",
        },
        TagKind::Comment(_) => "comment",
        TagKind::Config(_) => "config",
        TagKind::Invalid(_) => "invalid",
    }
}

impl<'a> TagsView<'a> {
    /// The tags of `text`. An `at` counts from the start of its tag.
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
        let mut notes = |notes: &'a [Note]| -> Vec<_> {
            let notes = notes.iter();
            notes
                .map(|note| NoteView {
                    kind: match note.kind {
                        NoteKind::Extension => "extension",
                        NoteKind::Warning => "warning",
                    },
                    message: &note.message,
                    at: inside(note.at),
                })
                .collect()
        };
        let (says, notes) = match &tag.kind {
            TagKind::Fim(fim) => {
                let calls = fim.calls.iter();
                let functions = calls.map(|call| FunctionView {
                    name: call.function.name(),
                    args: &call.args,
                });
                let says = Says::Fim {
                    max_tokens: fim.max_tokens,
                    functions: functions.collect(),
                };
                (says, notes(&fim.notes))
            }
            TagKind::Boundary(boundary) => (
                Says::Boundary {
                    hard: boundary.hard,
                },
                Vec::new(),
            ),
            TagKind::Comment(body) => {
                let body = &text[start + body.start..start + body.end];
                (Says::Comment { body }, Vec::new())
            }
            TagKind::Config(config) => {
                let entries = config.entries.iter();
                let entries = entries.map(|entry| EntryView {
                    key: entry.key.name(),
                    value: &entry.value,
                });
                let says = Says::Config {
                    entries: entries.collect(),
                };
                (says, notes(&config.notes))
            }
            TagKind::Invalid(fault) => {
                let says = Says::Invalid {
                    message: &fault.message,
                    at: inside(fault.at),
                    hint: fault.hint,
                };
                (says, Vec::new())
            }
        };
        Self {
            kind: kind(&tag.kind),
            start: start_units,
            end: units.at(end),
            says,
            notes,
        }
    }
}

/// What a FIM tag asks the model.
#[derive(Debug, Serialize)]
pub struct PromptView<'a> {
    mode: PromptMode,
    /// The text before the tag that the model is shown.
    before: &'a str,
    after: &'a str,
    /// The cross-file context, which stands right before `before`.
    #[serde(skip_serializing_if = "str::is_empty")]
    context: &'a str,
    /// All of it as one text, if that is what the server is sent.
    prompt: Option<&'a str>,
    max_tokens: u32,
    /// That of the tag, else of the settings; else the server has its own.
    temperature: Option<f64>,
    top_p: Option<f64>,
    stops: &'a [Stop],
    #[serde(skip_serializing_if = "str::is_empty")]
    prepend: &'a str,
    append: &'a str,
    /// The soft tags that vanish.
    deletes: Vec<SpanView>,
}

#[derive(Debug, Serialize)]
struct SpanView {
    start: u64,
    end: u64,
}

impl<'a> PromptView<'a> {
    /// What `prepared` asks the server of `endpoint`.
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

/// What a run has come to.
#[derive(Debug, Serialize)]
pub struct RunView<'a> {
    text: &'a str,
    stopped_by: Option<&'a str>,
    edits: Vec<EditView<'a>>,
    content: &'a str,
    /// Why the text is not all of the answer, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A change to the text that a run began with.
#[derive(Debug, Serialize)]
struct EditView<'a> {
    start: u64,
    end: u64,
    new_text: &'a str,
}

impl<'a> RunView<'a> {
    /// What running `prepared` has come to.
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
