//! `complete`, and the notifications `completion/accepted`, `completion/declined` and
//! `completion/readAhead`: the code that comes next at a cursor.

use std::num::NonZero;

use serde_json::json;
use serde_json::value::RawValue;

use super::buffer::{BufferParams, CursorParams, UnsavedBuffers};
use super::completion_cursor::CompletionCursor;
use crate::cancel::Cancel;
use crate::engine::completion::{CompleteError, Completion, CompletionRequest, MAX_ITEMS, Trigger};
use crate::rpc::Error;
use crate::server::params::Params;
use crate::server::result::{MethodResult, json};
use crate::server::session_view::SessionView;
use crate::text::{Positions, Units};

/// The parameters of `complete`.
#[derive(Debug)]
pub(in crate::server) struct CompleteParams {
    buffer: BufferParams,
    others: UnsavedBuffers,
    cursor: CursorParams,
    trigger: Trigger,
    max_items: usize,
    /// The most tokens of the answer.
    max_tokens: Option<u32>,
    /// The most lines of the answer.
    max_lines: Option<usize>,
    explain: bool,
}

impl CompleteParams {
    pub(super) fn read(raw: Option<&RawValue>) -> Result<Self, Error> {
        const ONE_OR_MORE: &str = "an integer of 1 or more";
        let params = &Params::read(raw)?;
        let trigger: Option<Trigger> = params.optional("trigger", r#""automatic" or "invoked""#)?;
        let explain: Option<bool> = params.optional("explain", "true or false")?;
        let max_tokens: Option<NonZero<u32>> = params.optional("max_tokens", ONE_OR_MORE)?;
        let max_lines: Option<NonZero<usize>> = params.optional("max_lines", ONE_OR_MORE)?;
        Ok(Self {
            buffer: BufferParams::read(params)?,
            others: UnsavedBuffers::read(params)?,
            cursor: CursorParams::read(params)?,
            trigger: trigger.unwrap_or_default(),
            max_items: read_max_items(params)?.unwrap_or(1),
            max_tokens: max_tokens.map(NonZero::get),
            max_lines: max_lines.map(NonZero::get),
            explain: explain.unwrap_or(false),
        })
    }
}

/// Reads how many items the client wants at most.
pub(super) fn read_max_items(params: &Params<'_>) -> Result<Option<usize>, Error> {
    let expected = format!("an integer from 1 to {MAX_ITEMS}");
    let max_items: Option<usize> = params.optional("max_items", &expected)?;
    match max_items {
        Some(wrong) if !(1..=MAX_ITEMS).contains(&wrong) => Err(Error::invalid_params(format!(
            "max_items: expected {expected}, found {wrong}"
        ))),
        max_items => Ok(max_items),
    }
}

/// The parameters of `completion/declined`.
#[derive(Debug)]
pub(in crate::server) struct DeclinedParams {
    id: u64,
}

impl DeclinedParams {
    pub(super) fn read(raw: Option<&RawValue>) -> Result<Self, Error> {
        let id = Params::read(raw)?.required("id", "the id of an item")?;
        Ok(Self { id })
    }
}

/// The parameters of `completion/accepted` and `completion/readAhead`.
#[derive(Debug)]
pub(in crate::server) struct PlaceParams {
    buffer: BufferParams,
    others: UnsavedBuffers,
    cursor: CursorParams,
}

impl PlaceParams {
    pub(super) fn read(raw: Option<&RawValue>) -> Result<Self, Error> {
        let params = &Params::read(raw)?;
        Ok(Self {
            buffer: BufferParams::read(params)?,
            others: UnsavedBuffers::read(params)?,
            cursor: CursorParams::read(params)?,
        })
    }
}

/// Completes at a cursor.
pub(super) async fn run(
    session: SessionView,
    params: Result<CompleteParams, Error>,
    cancel: Cancel,
) -> Result<Box<RawValue>, Error> {
    // Before the first await, so that turns follow the order of messages.
    let turn = session.completions.turn();
    session.projects.initialized().await?;
    let params = params?;
    let project = session.projects.of(params.buffer.name()).await?;
    let mut site = CompletionCursor::resolve(&session, project, params.buffer, params.cursor)?;
    site.open = params.others.with(site.open, &site.project)?;
    let at = match params.cursor {
        CursorParams::Position(_) => {
            let positions = site.project.options.positions;
            let (line, character) = Positions::new(&site.content, positions).of(site.cursor);
            json!({ "line": line, "character": character })
        }
        CursorParams::Offset(_) | CursorParams::Middle => {
            let mut units = Units::new(&site.content, site.project.options.offsets);
            units.at(site.cursor).into()
        }
    };
    let snapshot = site.snapshot();
    let offsets = site.project.options.offsets;
    let content = params.explain.then(|| site.content.clone());
    let request = CompletionRequest {
        trigger: params.trigger,
        max_items: params.max_items,
        max_tokens: params.max_tokens,
        max_lines: params.max_lines,
        ..site.request()
    };
    let Completion {
        items,
        context,
        context_start,
        timings,
    } = session
        .completions
        .complete(&session.engine, turn, request, snapshot, cancel)
        .await?;
    let range = json!({ "start": at, "end": at });
    let items = items.iter();
    let items = items.map(|item| json!({ "id": item.id, "text": item.text, "range": range }));
    let mut answer = json!({
        "items": Vec::from_iter(items),
        "context_chars": context.text.chars().count(),
        "timings": timings,
    });
    if let Some(content) = content {
        answer["context"] = context.text.as_str().into();
        answer["snippets"] = json!(context.snippets);
        if let Some(start) = context_start {
            answer["start_offset"] = Units::new(&content, offsets).at(start).into();
        }
    }
    json(&answer)
}

/// Asks the model ahead for the completion that follows an accepted one.
pub(super) async fn accepted(
    session: SessionView,
    params: Result<PlaceParams, Error>,
) -> Result<MethodResult, Error> {
    // Supersedes the automatic completions that are at work.
    drop(session.completions.turn());
    let cursor = cursor_at(&session, params).await?;
    cursor.prefetch(&session.engine, &session.completions);
    Ok(MethodResult::null())
}

/// Lets the model server read the prompt for a place where the user may type next.
pub(super) async fn read_ahead(
    session: SessionView,
    params: Result<PlaceParams, Error>,
) -> Result<MethodResult, Error> {
    let cursor = cursor_at(&session, params).await?;
    cursor.read_ahead(&session.engine, &session.completions);
    Ok(MethodResult::null())
}

/// The cursor that the parameters name.
async fn cursor_at(
    session: &SessionView,
    params: Result<PlaceParams, Error>,
) -> Result<CompletionCursor, Error> {
    session.projects.initialized().await?;
    let PlaceParams {
        buffer,
        others,
        cursor,
    } = params?;
    let project = session.projects.of(buffer.name()).await?;
    let mut cursor = CompletionCursor::resolve(session, project, buffer, cursor)?;
    cursor.open = others.with(cursor.open, &cursor.project)?;
    Ok(cursor)
}

/// Notes that the user does not want a completion.
pub(super) async fn declined(
    session: SessionView,
    params: Result<DeclinedParams, Error>,
) -> Result<MethodResult, Error> {
    session.completions.decline(params?.id);
    Ok(MethodResult::null())
}

impl From<CompleteError> for Error {
    fn from(error: CompleteError) -> Self {
        match error {
            CompleteError::Endpoint(error) => error.into(),
            CompleteError::Cancelled(_) => Self::cancelled(),
            CompleteError::Family { .. } | CompleteError::Tuned(_) | CompleteError::Work(_) => {
                Self::internal(error.to_string())
            }
        }
    }
}
