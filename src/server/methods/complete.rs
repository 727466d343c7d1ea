//! `complete`, LSP's `textDocument/inlineCompletion`, and the notification
//! `completion/accepted`: what comes next at a cursor.

use std::future::Future;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::get_context::{buffer, cursor};
use super::tags::Asked;
use crate::cancel::Cancel;
use crate::engine::completion::{CompleteError, Completion, Completions, Question, Trigger};
use crate::index::Snapshot;
use crate::rpc::{Error, Id};
use crate::server::methods;
use crate::server::params::Params;
use crate::server::project::Connected;
use crate::server::reply::Reply;
use crate::server::requests::Requests;
use crate::text::{Units, position_offset};

/// The command of an inline completion, run by the editor once it is accepted.
pub(in crate::server) const ACCEPTED: &str = "fimd.completion.accepted";

/// LSP's `InlineCompletionContext`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InlineContext {
    /// 2 if the editor asks of its own accord.
    trigger_kind: u8,
    selected_completion_info: Option<Selected>,
}

/// LSP's `SelectedCompletionInfo`: what a list of words would put in the place
/// of a range.
#[derive(Debug, Deserialize)]
struct Selected {
    range: Value,
    text: String,
}

/// Starts what `method` asks for, once it is known who asks.
pub(in crate::server) fn start(
    method: &str,
    asked: impl Future<Output = Asked> + Send + 'static,
    completions: &Arc<Completions>,
    id: Option<Id>,
    reply: Reply,
    bytes: usize,
    requests: &mut Requests,
) {
    let completions = Arc::clone(completions);
    let method = method.to_owned();
    requests.request(id, reply, bytes, |cancel| async move {
        let asked = asked.await;
        match method.as_str() {
            "complete" => complete(asked, &completions, cancel).await,
            "textDocument/inlineCompletion" => inline(asked, &completions, cancel).await,
            "completion/accepted" => accepted(asked, &completions),
            _ => Err(Error::method_not_found(&method)),
        }
    });
}

/// What is to be completed, as `params` say it.
fn question(
    asked: &Asked,
    connected: &Connected,
    params: &Params<'_>,
    trigger: Trigger,
) -> Result<Question, Error> {
    let (path, content) = buffer(params, connected, &asked.open)?;
    let cursor = cursor(params, &content, connected)?;
    let root = connected.project.roots.root();
    Ok(Question {
        path,
        content,
        cursor,
        repo: root
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into(),
        sources: connected.sources,
        secrets: connected.secrets.clone(),
        trigger,
        max_tokens: params.optional("max_tokens", "an integer of 1 or more")?,
        max_lines: params.optional("max_lines", "an integer of 1 or more")?,
    })
}

/// The project as the client sees it, but for the file at `path`.
fn snapshot(
    asked: &Asked,
    connected: &Arc<Connected>,
    path: &str,
) -> impl FnOnce() -> Arc<Snapshot> + Send + 'static {
    let (open, connected) = (asked.open.clone(), Arc::clone(connected));
    let path = path.to_owned();
    move || open.over(connected.project.index.snapshot(), &path)
}

impl Asked {
    fn connected(&self) -> Result<&Arc<Connected>, Error> {
        self.connected.as_ref().ok_or_else(Error::not_initialized)
    }
}

/// `complete`.
async fn complete(
    asked: Asked,
    completions: &Completions,
    cancel: Cancel,
) -> Result<Box<RawValue>, Error> {
    let connected = asked.connected()?;
    let params = Params::read(asked.params.as_deref())?;
    let trigger = params
        .optional("trigger", r#""automatic" or "invoked""#)?
        .unwrap_or_default();
    let explain: Option<bool> = params.optional("explain", "true or false")?;
    let question = question(&asked, connected, &params, trigger)?;
    let at = match params.optional::<Value>("position", "a position")? {
        Some(position) => position,
        None => Units::new(&question.content, connected.offsets)
            .at(question.cursor)
            .into(),
    };
    let snapshot = snapshot(&asked, connected, &question.path);
    let completion = completions
        .complete(&asked.engine, question, snapshot, cancel)
        .await?;
    let Completion {
        text,
        context,
        snippets,
        timings,
    } = completion;
    let range = json!({ "start": at, "end": at });
    let items = match text.is_empty() {
        true => json!([]),
        false => json!([{ "text": text, "range": range }]),
    };
    let mut answer = json!({
        "items": items,
        "context_chars": context.chars().count(),
        "timings": timings,
    });
    if explain == Some(true) {
        answer["context"] = context.into();
        answer["snippets"] = json!(snippets);
    }
    methods::json(&answer)
}

/// `textDocument/inlineCompletion`.
async fn inline(
    asked: Asked,
    completions: &Completions,
    cancel: Cancel,
) -> Result<Box<RawValue>, Error> {
    let connected = asked.connected()?;
    let params = Params::read(asked.params.as_deref())?;
    let context: Option<InlineContext> =
        params.optional("context", "an object with a triggerKind")?;
    let InlineContext {
        trigger_kind,
        selected_completion_info: selected,
    } = context.unwrap_or_default();
    let trigger = match trigger_kind {
        2 => Trigger::Automatic,
        _ => Trigger::Invoked,
    };
    let mut question = question(&asked, connected, &params, trigger)?;
    let mut range = params.optional::<Value>("position", "a position")?;
    range = range.map(|at| json!({ "start": at, "end": at }));
    let mut typed = String::new();
    if let Some(Selected { range: place, text }) = selected {
        // What is completed is the text with the selected word in it.
        let offset = |end: &str| {
            let number = |key: &str| place[end][key].as_u64().unwrap_or(0);
            let (line, character) = (number("line"), number("character"));
            position_offset(&question.content, line, character, connected.positions)
        };
        let (start, end) = (offset("start"), offset("end"));
        let end = end.max(start);
        question.content.replace_range(start..end, &text);
        question.cursor = start + text.len();
        (typed, range) = (text, Some(place));
    }
    let end = question.cursor;
    let uri: Option<Value> = params.optional("textDocument", "an object with a uri")?;
    let snapshot = snapshot(&asked, connected, &question.path);
    let completion = completions
        .complete(&asked.engine, question, snapshot, cancel)
        .await?;
    if completion.text.is_empty() {
        return methods::json(&json!({ "items": [] }));
    }
    let end = end + completion.text.len();
    let accepted = json!({
        "title": "Accepted",
        "command": ACCEPTED,
        "arguments": [{ "uri": uri.map(|document| document["uri"].clone()), "byte": end }],
    });
    let text = typed + &completion.text;
    methods::json(&json!({
        "items": [{ "insertText": text, "range": range, "command": accepted }],
    }))
}

/// `completion/accepted`.
fn accepted(asked: Asked, completions: &Arc<Completions>) -> Result<Box<RawValue>, Error> {
    let connected = asked.connected()?;
    let params = Params::read(asked.params.as_deref())?;
    let question = question(&asked, connected, &params, Trigger::Invoked)?;
    let snapshot = snapshot(&asked, connected, &question.path);
    completions.prefetch(&asked.engine, question, snapshot);
    Ok(RawValue::NULL.to_owned())
}

impl From<CompleteError> for Error {
    fn from(error: CompleteError) -> Self {
        match error {
            CompleteError::Endpoint(error) => error.into(),
            CompleteError::Cancelled(_) => Self::cancelled(),
            CompleteError::Family(_) | CompleteError::Work(_) => Self::internal(error.to_string()),
        }
    }
}
