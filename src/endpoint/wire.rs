//! What goes over the wire: the questions and the answers of each kind of
//! server.

use std::io;

use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::stream::{BoxStream, try_unfold};
use futures_util::{Stream, StreamExt, TryStreamExt};
use reqwest::{Response, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use tokio_util::bytes::Bytes;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use tokio_util::io::StreamReader;

use super::{
    EndpointError, MAX_STOPS, ModelClient, ModelPrompt, ModelRequest, StreamDelta, error,
    milliseconds,
};
use crate::config::{Endpoint, EndpointKind};
use crate::tags::server_url::server_url;

/// The most bytes of an answer. The longest that a tag can ask for takes less.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Where the questions go: the URL of the settings, and the path of the kind
/// unless it is there already.
pub(super) fn url(endpoint: &Endpoint) -> Result<Url, EndpointError> {
    let mut url = server_url(&endpoint.url).map_err(|reason| EndpointError::Url { reason })?;
    let path = path(endpoint.kind);
    let base = url.path().trim_end_matches('/');
    // What many programs call the base URL ends in the version.
    let missing = match base {
        base if base.ends_with(path) => "",
        base if base.ends_with("/v1") => path.trim_start_matches("/v1"),
        _ => path,
    };
    let whole = format!("{base}{missing}");
    url.set_path(&whole);
    Ok(url)
}

/// Where a kind of server takes questions, below its own URL.
fn path(kind: EndpointKind) -> &'static str {
    match kind {
        EndpointKind::Completions => "/v1/completions",
        EndpointKind::Infill => "/infill",
        EndpointKind::Ollama => "/api/generate",
    }
}

/// Another path of the server that takes questions at `url`.
pub(super) fn beside(url: &Url, kind: EndpointKind, other: &str) -> Url {
    let base = url.path().strip_suffix(path(kind)).unwrap_or_default();
    let mut beside = url.clone();
    beside.set_path(&format!("{base}{other}"));
    beside
}

/// The type of an answer that can be read as a stream.
pub(super) fn media_type(kind: EndpointKind) -> &'static str {
    match kind {
        EndpointKind::Completions | EndpointKind::Infill => "text/event-stream",
        EndpointKind::Ollama => "application/x-ndjson",
    }
}

/// The question as JSON. What the tag does not say is taken from the settings;
/// what they do not say either is left to the server.
pub(super) fn body(endpoint: &Endpoint, request: &ModelRequest) -> Value {
    let stop = &request.stop[..request.stop.len().min(MAX_STOPS)];
    let mut sampling = json!({});
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            sampling[key] = value;
        }
    };
    set(
        "temperature",
        request
            .temperature
            .or(endpoint.temperature)
            .map(Value::from),
    );
    set("top_p", request.top_p.or(endpoint.top_p).map(Value::from));
    set("stop", (!stop.is_empty()).then(|| json!(stop)));
    let tokens = match endpoint.kind {
        EndpointKind::Completions => "max_tokens",
        EndpointKind::Infill => "n_predict",
        EndpointKind::Ollama => "num_predict",
    };
    set(tokens, Some(request.max_tokens.into()));
    let mut body = match (endpoint.kind, &request.prompt) {
        (EndpointKind::Completions, prompt) => json!({ "prompt": prompt.text(endpoint) }),
        (EndpointKind::Infill, ModelPrompt::Plain(before)) => {
            json!({ "input_prefix": before, "input_suffix": "" })
        }
        (EndpointKind::Infill, ModelPrompt::Fim { before, after }) => {
            json!({ "input_prefix": before, "input_suffix": after })
        }
        // As it is: not in the model's template for conversations.
        (EndpointKind::Ollama, ModelPrompt::Plain(before)) => {
            json!({ "prompt": before, "raw": true })
        }
        (EndpointKind::Ollama, ModelPrompt::Fim { before, after }) => {
            json!({ "prompt": before, "suffix": after })
        }
    };
    match (endpoint.kind, sampling) {
        (EndpointKind::Ollama, sampling) => body["options"] = sampling,
        (_, Value::Object(sampling)) => {
            for (key, value) in sampling {
                body[key] = value;
            }
        }
        (_, _) => {}
    }
    body["stream"] = true.into();
    if let Some(model) = &endpoint.model {
        body["model"] = model.as_str().into();
    }
    body
}

/// What the servers' messages have in common, and what each kind has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    /// Why there is nothing else.
    error: Option<Value>,
    /// OpenAI's.
    choices: Option<Vec<Choice>>,
    /// llama.cpp's.
    content: Option<String>,
    stop: bool,
    stopping_word: Option<String>,
    /// Ollama's.
    response: Option<String>,
    done: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    text: Option<String>,
    finish_reason: Option<String>,
    /// The pattern, or the number of a token.
    stop_reason: Option<Value>,
}

/// What a message adds to the answer, and whether it is the last.
type Read = (StreamDelta, bool);

/// Reads one message of the answer.
fn read(client: &ModelClient, data: &str) -> Result<Read, EndpointError> {
    // OpenAI's last word.
    if data.trim() == "[DONE]" {
        return Ok((StreamDelta::default(), true));
    }
    let malformed = |reason: String| EndpointError::Malformed {
        at: client.at(),
        reason,
    };
    let message: Message = serde_json::from_str(data).map_err(|error| {
        let error = error.to_string();
        malformed(format!(
            "the answer cannot be read: {}",
            error::one_line(&error)
        ))
    })?;
    if let Some(error) = &message.error {
        let said = said(error).map_or_else(String::new, |said| client.shown(&said));
        return Err(EndpointError::GaveUp {
            at: client.at(),
            said,
        });
    }
    let no_text = |name: &str| malformed(format!("the answer has no {name}"));
    match client.endpoint.kind {
        EndpointKind::Completions => {
            let choices = message.choices.ok_or_else(|| no_text("choices"))?;
            // None in a message that only says what was used.
            let Some(choice) = choices.into_iter().next() else {
                return Ok((StreamDelta::default(), false));
            };
            let last = choice.finish_reason.is_some();
            let text = match choice.text {
                Some(text) => text,
                None if last => String::new(),
                None => return Err(no_text("choices[0].text")),
            };
            let stopped_by = choice.stop_reason.as_ref().and_then(Value::as_str);
            let stopped_by = stopped_by.map(ToOwned::to_owned);
            Ok((StreamDelta { text, stopped_by }, last))
        }
        EndpointKind::Infill => {
            let text = message.content.ok_or_else(|| no_text("content"))?;
            let stopped_by = message.stopping_word.filter(|word| !word.is_empty());
            Ok((StreamDelta { text, stopped_by }, message.stop))
        }
        EndpointKind::Ollama => {
            let text = message.response.ok_or_else(|| no_text("response"))?;
            let stopped_by = None;
            Ok((StreamDelta { text, stopped_by }, message.done))
        }
    }
}

/// What a server says in an answer that is an error.
pub(super) fn message(answer: &Value) -> Option<String> {
    answer.get("error").and_then(said).or_else(|| {
        ["message", "detail"]
            .iter()
            .find_map(|key| said(answer.get(key)?))
    })
}

/// The message of an error, which some servers put in an object.
fn said(error: &Value) -> Option<String> {
    let message = error.get("message").unwrap_or(error);
    message.as_str().map(ToOwned::to_owned)
}

/// The deltas of the answer, up to the one that the server says is the last.
pub(super) fn deltas(
    client: ModelClient,
    response: Response,
    deadline: Instant,
) -> impl Stream<Item = Result<StreamDelta, EndpointError>> + Send + 'static {
    let messages = messages(client.clone(), response, deadline);
    try_unfold(
        (client, messages, false),
        |(client, mut messages, ended)| async move {
            if ended {
                return Ok(None);
            }
            let Some(data) = messages.try_next().await? else {
                return Err(EndpointError::Cut { at: client.at() });
            };
            let (delta, last) = read(&client, &data)?;
            Ok(Some((delta, (client, messages, last))))
        },
    )
}

/// The messages that the answer is made of.
fn messages(
    client: ModelClient,
    response: Response,
    deadline: Instant,
) -> BoxStream<'static, Result<String, EndpointError>> {
    let at = client.at();
    let kind = client.endpoint.kind;
    let bytes = bytes(client, response, deadline);
    let malformed = move |reason: &str| EndpointError::Malformed {
        at: at.clone(),
        reason: format!("the answer {reason}"),
    };
    match kind {
        EndpointKind::Completions | EndpointKind::Infill => bytes
            .eventsource()
            .map_ok(|event| event.data)
            .map_err(move |error| match error {
                EventStreamError::Transport(error) => error,
                EventStreamError::Utf8(_) => malformed("is not UTF-8"),
                EventStreamError::Parser(_) => malformed("is no stream of events"),
            })
            .boxed(),
        EndpointKind::Ollama => {
            let bytes = StreamReader::new(bytes.map_err(io::Error::other));
            let lines = FramedRead::new(bytes, LinesCodec::new_with_max_length(MAX_ANSWER_BYTES));
            lines
                .map_err(move |error| match error {
                    LinesCodecError::MaxLineLengthExceeded => malformed("is too long"),
                    LinesCodecError::Io(error) => error
                        .downcast()
                        .unwrap_or_else(|_| malformed("is not UTF-8")),
                })
                .try_filter(|line| std::future::ready(!line.trim().is_empty()))
                .boxed()
        }
    }
}

/// The bytes of the answer: the first until `deadline`, then each chunk within
/// the time that the settings allow for a pause.
pub(super) fn bytes(
    client: ModelClient,
    response: Response,
    deadline: Instant,
) -> impl Stream<Item = Result<Bytes, EndpointError>> + Send {
    let start = (client, response, 0);
    try_unfold(start, move |(client, mut response, read)| async move {
        let idle_ms = client.endpoint.idle_timeout_ms;
        let is_first = read == 0;
        // From when the chunk is wanted: whoever reads may take their time.
        let deadline = match is_first {
            true => deadline,
            false => Instant::now() + milliseconds(idle_ms),
        };
        let chunk = match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => return Ok(None),
            Ok(Err(error)) => {
                return Err(EndpointError::Broken {
                    at: client.at(),
                    reason: error::innermost(&error),
                });
            }
            Err(_) if is_first => return Err(client.slow_to_begin()),
            Err(_) => {
                return Err(EndpointError::Slow {
                    at: client.at(),
                    ms: idle_ms,
                    setting: "idle_timeout_ms",
                });
            }
        };
        let read = read + chunk.len();
        if read > MAX_ANSWER_BYTES {
            return Err(EndpointError::Malformed {
                at: client.at(),
                reason: format!("the answer has more than {MAX_ANSWER_BYTES} bytes"),
            });
        }
        Ok(Some((chunk, (client, response, read))))
    })
    .boxed()
}
