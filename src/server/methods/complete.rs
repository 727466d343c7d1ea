//! `complete`, LSP's `textDocument/inlineCompletion`, and the notification
//! `completion/accepted`: what comes next at a cursor.

use std::future::Future;
use std::num::NonZero;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Asked;
use super::get_context::{buffer, cursor};
use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::engine::completion::{
    BufferPosition, CompleteError, Completion, CompletionRequest, Completions, Trigger, Turn,
};
use crate::index::Snapshot;
use crate::rpc::{Error, Id};
use crate::server::buffers::OpenBuffers;
use crate::server::methods;
use crate::server::params::Params;
use crate::server::project::Connected;
use crate::server::reply::Reply;
use crate::server::requests::Requests;
use crate::text::{Positions, Units, position_offset};

/// The command of an inline completion, run by the editor once it is accepted.
pub(in crate::server) const ACCEPTED: &str = "fimd.completion.accepted";

/// The methods here.
pub(in crate::server) const METHODS: [&str; 3] = [
    "complete",
    "completion/accepted",
    "textDocument/inlineCompletion",
];

const ONE_OR_MORE: &str = "an integer of 1 or more";

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
    // In the order of messages, whenever their tasks get to run.
    let turn = completions.turn();
    let completions = Arc::clone(completions);
    let method = method.to_owned();
    requests.request(id, reply, bytes, |cancel| async move {
        let asked = asked.await;
        match method.as_str() {
            "complete" => complete(asked, &completions, turn, cancel).await,
            "textDocument/inlineCompletion" => inline(asked, &completions, turn, cancel).await,
            "completion/accepted" => accepted(&asked, &completions),
            _ => Err(Error::method_not_found(&method)),
        }
    });
}

/// A cursor in a buffer of a client.
pub(in crate::server) struct Site<'c> {
    /// What the client has opened.
    pub(in crate::server) connected: &'c Arc<Connected>,
    /// Its open buffers.
    pub(in crate::server) open: &'c OpenBuffers,
    /// The key of the buffer's file.
    pub(in crate::server) path: String,
    /// The buffer's text.
    pub(in crate::server) content: String,
    /// Where the cursor is, in bytes.
    pub(in crate::server) cursor: usize,
}

impl<'c> Site<'c> {
    /// That which the parameters name.
    fn read(asked: &'c Asked, params: &Params<'_>) -> Result<Self, Error> {
        let (connected, open) = (asked.connected()?, &asked.open);
        let (path, content) = buffer(params, connected, open)?;
        let cursor = cursor(params, &content, connected)?;
        Ok(Self {
            connected,
            open,
            path,
            content,
            cursor,
        })
    }

    /// The project as the client sees it, but for this buffer.
    fn snapshot(&self) -> impl FnOnce() -> Arc<Snapshot> + Send + use<> {
        let (open, connected) = (self.open.clone(), Arc::clone(self.connected));
        let path = self.path.clone();
        move || open.over(connected.project.index.snapshot(), &path)
    }

    /// What is to be completed here.
    fn request(self) -> CompletionRequest {
        let root = self.connected.project.roots.root();
        CompletionRequest {
            repo: root
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into(),
            sources: self.connected.sources,
            secrets: self.connected.secrets.clone(),
            gap: BufferPosition {
                path: self.path,
                content: self.content,
                cursor: self.cursor,
            },
            trigger: Trigger::default(),
            max_tokens: None,
            max_lines: None,
        }
    }

    /// Asks for what comes here before anybody does.
    pub(in crate::server) fn prefetch(self, engine: &Engine, completions: &Arc<Completions>) {
        let snapshot = self.snapshot();
        completions.prefetch(engine, self.request(), snapshot);
    }
}

/// `complete`.
async fn complete(
    asked: Asked,
    completions: &Completions,
    turn: Turn,
    cancel: Cancel,
) -> Result<Box<RawValue>, Error> {
    let params = Params::read(asked.params.as_deref())?;
    let trigger = params.optional("trigger", r#""automatic" or "invoked""#)?;
    let explain: Option<bool> = params.optional("explain", "true or false")?;
    let site = Site::read(&asked, &params)?;
    let at = match params.optional::<Value>("position", "a position")? {
        Some(position) => position,
        None => Units::new(&site.content, site.connected.offsets)
            .at(site.cursor)
            .into(),
    };
    let snapshot = site.snapshot();
    let request = CompletionRequest {
        trigger: trigger.unwrap_or_default(),
        max_tokens: params
            .optional("max_tokens", ONE_OR_MORE)?
            .map(NonZero::get),
        max_lines: params.optional("max_lines", ONE_OR_MORE)?.map(NonZero::get),
        ..site.request()
    };
    let Completion {
        text,
        context,
        timings,
    } = completions
        .complete(&asked.engine, turn, request, snapshot, cancel)
        .await?;
    let range = json!({ "start": at, "end": at });
    let items = match text.is_empty() {
        true => json!([]),
        false => json!([{ "text": text, "range": range }]),
    };
    let mut answer = json!({
        "items": items,
        "context_chars": context.text.chars().count(),
        "timings": timings,
    });
    if explain == Some(true) {
        answer["context"] = context.text.as_str().into();
        answer["snippets"] = json!(context.snippets);
    }
    methods::json(&answer)
}

/// `textDocument/inlineCompletion`.
async fn inline(
    asked: Asked,
    completions: &Completions,
    turn: Turn,
    cancel: Cancel,
) -> Result<Box<RawValue>, Error> {
    let params = Params::read(asked.params.as_deref())?;
    let context: Option<InlineContext> =
        params.optional("context", "an object with a triggerKind")?;
    let context = context.unwrap_or_default();
    let mut site = Site::read(&asked, &params)?;
    let position: Value = params.required("position", "a position")?;
    let mut range = json!({ "start": position, "end": position });
    let mut typed = String::new();
    if let Some(Selected { range: place, text }) = context.selected_completion_info {
        // What is completed is the text with the selected word in it.
        let offset = |end: &str| {
            let number = |key: &str| place[end][key].as_u64().unwrap_or(0);
            let (line, character) = (number("line"), number("character"));
            position_offset(&site.content, line, character, site.connected.positions)
        };
        let (start, end) = (offset("start"), offset("end"));
        site.content.replace_range(start..end.max(start), &text);
        site.cursor = start + text.len();
        (typed, range) = (text, place);
    }
    let uri = params.optional::<Value>("textDocument", "an object with a uri")?;
    let uri = uri.map(|document| document["uri"].clone());
    let encoding = site.connected.positions;
    let snapshot = site.snapshot();
    let request = CompletionRequest {
        trigger: match context.trigger_kind {
            2 => Trigger::Automatic,
            _ => Trigger::Invoked,
        },
        ..site.request()
    };
    let (mut content, cursor) = (request.gap.content.clone(), request.gap.cursor);
    let completion = completions
        .complete(&asked.engine, turn, request, snapshot, cancel)
        .await?;
    if completion.text.is_empty() {
        return methods::json(&json!({ "items": [] }));
    }
    content.insert_str(cursor, &completion.text);
    let end = cursor + completion.text.len();
    let (line, character) = Positions::new(&content, encoding).of(end);
    let end = json!({ "line": line, "character": character });
    let accepted = json!({
        "title": "Accepted",
        "command": ACCEPTED,
        "arguments": [{ "uri": uri, "position": end }],
    });
    let text = typed + &completion.text;
    methods::json(&json!({
        "items": [{ "insertText": text, "range": range, "command": accepted }],
    }))
}

/// `completion/accepted`.
fn accepted(asked: &Asked, completions: &Arc<Completions>) -> Result<Box<RawValue>, Error> {
    let params = Params::read(asked.params.as_deref())?;
    Site::read(asked, &params)?.prefetch(&asked.engine, completions);
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
