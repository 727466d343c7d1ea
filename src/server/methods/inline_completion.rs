//! LSP's `textDocument/inlineCompletion`: the code that comes next at a cursor,
//! in the shapes of LSP.

use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use tower_lsp::ls_types::{
    Command, InlineCompletionContext, InlineCompletionItem, InlineCompletionTriggerKind, Position,
    Range, SelectedCompletionInfo,
};

use super::buffer::{BufferParams, CursorParams};
use super::complete::read_max_items;
use super::completion_cursor::CompletionCursor;
use crate::cancel::Cancel;
use crate::engine::completion::{CompletionItem, CompletionRequest, Timings, Trigger};
use crate::rpc::Error;
use crate::server::params::Params;
use crate::server::result::json;
use crate::server::session_view::SessionView;
use crate::text::{Encoding, Positions, line_start, position_offset};

/// The command of a completion, which the editor runs once it is accepted.
pub(in crate::server) const ACCEPTED: &str = "fimd.completion.accepted";

/// How many items an editor gets whose user asks explicitly. Each takes a request to
/// the model server, and the editor waits for all of them.
const MAX_ITEMS_ON_REQUEST: usize = 3;

/// The parameters of `textDocument/inlineCompletion`. The type of `ls_types` has
/// no room for a buffer's content, which clients may give.
#[derive(Debug)]
pub(in crate::server) struct InlineCompletionParams {
    buffer: BufferParams,
    position: Position,
    trigger: Trigger,
    /// An extension of LSP's parameters.
    max_items: usize,
    /// The word that a list of words would insert, and its range.
    selected: Option<SelectedCompletionInfo>,
}

impl InlineCompletionParams {
    pub(in crate::server) fn read(raw: Option<&RawValue>) -> Result<Self, Error> {
        let params = &Params::read(raw)?;
        let context: Option<InlineCompletionContext> =
            params.optional("context", "an object with a triggerKind")?;
        let is_automatic = context
            .as_ref()
            .is_some_and(|context| context.trigger_kind == InlineCompletionTriggerKind::AUTOMATIC);
        let buffer = BufferParams::read(params)?;
        params.raw("position", "a position")?;
        let position = params.required("position", "an object with a line and a character")?;
        Ok(Self {
            buffer,
            position,
            trigger: match is_automatic {
                true => Trigger::Automatic,
                false => Trigger::Invoked,
            },
            max_items: read_max_items(params)?.unwrap_or(MAX_ITEMS_ON_REQUEST),
            selected: context.and_then(|context| context.selected_completion_info),
        })
    }
}

/// LSP's list of items, and an extension of it.
#[derive(Serialize)]
struct InlineCompletionResult {
    items: Vec<InlineCompletionItem>,
    /// By these an editor tells whether the model has answered just now.
    timings: Timings,
}

/// Completes at a cursor.
pub(super) async fn run(
    session: SessionView,
    params: Result<InlineCompletionParams, Error>,
    cancel: Cancel,
) -> Result<Box<RawValue>, Error> {
    // Before the first await, so that turns follow the order of messages.
    let turn = session.completions.turn();
    session.projects.initialized().await?;
    let InlineCompletionParams {
        buffer,
        position,
        trigger,
        max_items,
        selected,
    } = params?;
    let project = session.projects.of(buffer.name()).await?;
    let uri = buffer.uri().map(ToOwned::to_owned);
    let at = CursorParams::at(position);
    let mut cursor = CompletionCursor::resolve(&session, project, buffer, at)?;
    let positions = cursor.project.options.positions;
    let (inserted, range) = match selected {
        None => {
            let at = position_of(&cursor.content, cursor.cursor, positions);
            (String::new(), Range::new(at, at))
        }
        Some(selected) => select(&mut cursor, selected),
    };
    let snapshot = cursor.snapshot();
    let request = CompletionRequest {
        trigger,
        max_items,
        ..cursor.request()
    };
    let (content, start) = (request.position.content.clone(), request.position.cursor);
    let completion = session
        .completions
        .complete(&session.engine, turn, request, snapshot, cancel)
        .await?;
    let items = completion
        .items
        .into_iter()
        .map(|CompletionItem { id, text }| {
            let end = end_of(&text, &content, start, positions);
            InlineCompletionItem {
                insert_text: [&*inserted, &*text].concat(),
                filter_text: None,
                range: Some(range),
                command: Some(accepted(uri.as_deref(), end, id)),
                insert_text_format: None,
            }
        });
    json(&InlineCompletionResult {
        items: items.collect(),
        timings: completion.timings,
    })
}

/// Puts the word that is selected in a list of words into the buffer, so that the
/// completion continues it. Returns the word and the range that it replaces.
fn select(cursor: &mut CompletionCursor, selected: SelectedCompletionInfo) -> (String, Range) {
    let SelectedCompletionInfo { range, text } = selected;
    let positions = cursor.project.options.positions;
    let [start, end] = [range.start, range.end].map(|at| {
        position_offset(
            &cursor.content,
            at.line.into(),
            at.character.into(),
            positions,
        )
    });
    let end = end.max(start);
    let [first, last] = [start, end].map(|at| position_of(&cursor.content, at, positions));
    cursor.content.replace_range(start..end, &text);
    cursor.cursor = start + text.len();
    (text, Range::new(first, last))
}

/// The position of the byte `at`.
fn position_of(content: &str, at: usize, positions: Encoding) -> Position {
    let (line, character) = Positions::new(content, positions).of(at);
    Position { line, character }
}

/// The position where `text` ends once it is inserted at byte `at` of `content`.
fn end_of(text: &str, content: &str, at: usize, positions: Encoding) -> Position {
    let line = line_start(content, at);
    let inserted = [&content[line..at], text].concat();
    let end = position_of(&inserted, inserted.len(), positions);
    let first = position_of(content, line, positions).line;
    Position {
        line: first + end.line,
        ..end
    }
}

/// The command that the editor runs once the user has accepted the item `id`, whose
/// text ends at `end`.
fn accepted(uri: Option<&str>, end: Position, id: u64) -> Command {
    Command {
        title: "Accepted".into(),
        command: ACCEPTED.into(),
        arguments: Some(vec![json!({ "uri": uri, "position": end, "id": id })]),
    }
}
