//! The requests and the streams of each kind of model server, as they go over the
//! wire.

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

/// The most bytes of an answer: more than any request can ask for.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The URL of requests: the URL in the settings, with the path of the kind appended
/// unless it is there already.
pub(super) fn url(endpoint: &Endpoint) -> Result<Url, EndpointError> {
    let mut url = server_url(&endpoint.url).map_err(|reason| EndpointError::Url {
        key: endpoint.place.key("url"),
        reason,
    })?;
    let path = path(endpoint.kind);
    let base = url.path().trim_end_matches('/');
    // The base URL of many programs ends in the version.
    let missing = match base {
        base if base.ends_with(path) => "",
        base if base.ends_with("/v1") => path.trim_start_matches("/v1"),
        _ => path,
    };
    let whole = format!("{base}{missing}");
    url.set_path(&whole);
    Ok(url)
}

/// The path of requests for a kind of server.
fn path(kind: EndpointKind) -> &'static str {
    match kind {
        EndpointKind::Completions => "/v1/completions",
        EndpointKind::Infill => "/infill",
        EndpointKind::Ollama => "/api/generate",
    }
}

/// The URL of another path of the server whose requests go to `url`.
pub(super) fn beside(url: &Url, kind: EndpointKind, other: &str) -> Url {
    let base = url.path().strip_suffix(path(kind)).unwrap_or_default();
    let mut beside = url.clone();
    beside.set_path(&format!("{base}{other}"));
    beside
}

/// The media type of a stream.
pub(super) fn media_type(kind: EndpointKind) -> &'static str {
    match kind {
        EndpointKind::Completions | EndpointKind::Infill => "text/event-stream",
        EndpointKind::Ollama => "application/x-ndjson",
    }
}

/// The body of a request. Values that the request does not set are taken from the
/// settings; the server decides about those that the settings do not set either.
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
    set("seed", request.seed.map(Value::from));
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
        // `raw` keeps Ollama from putting the text into a chat template.
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

/// A message of a stream, with the fields of all kinds of servers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StreamMessage {
    /// An error, in place of all other fields.
    error: Option<Value>,
    /// Field of OpenAI's API.
    choices: Option<Vec<Choice>>,
    /// Fields of llama.cpp, with the next two.
    content: Option<String>,
    stop: bool,
    stopping_word: Option<String>,
    /// Fields of Ollama, with the next one.
    response: Option<String>,
    done: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    text: Option<String>,
    finish_reason: Option<String>,
    /// The stop pattern, or the number of a token.
    stop_reason: Option<Value>,
}

/// Reads one message of the stream. Returns its delta and whether it is the last.
fn read(client: &ModelClient, data: &str) -> Result<(StreamDelta, bool), EndpointError> {
    // The last message of OpenAI's API.
    if data.trim() == "[DONE]" {
        return Ok((StreamDelta::default(), true));
    }
    let malformed = |reason: String| EndpointError::Malformed {
        at: client.at(),
        reason,
    };
    let message: StreamMessage = serde_json::from_str(data).map_err(|error| {
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
            // A message with the token usage has no choice.
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

/// The message of an error response.
pub(super) fn message(answer: &Value) -> Option<String> {
    answer.get("error").and_then(said).or_else(|| {
        ["message", "detail"]
            .iter()
            .find_map(|key| said(answer.get(key)?))
    })
}

/// The message of an error, which some servers put into an object.
fn said(error: &Value) -> Option<String> {
    let message = error.get("message").unwrap_or(error);
    message.as_str().map(ToOwned::to_owned)
}

/// The deltas of the stream, up to the one that the server marks as the last.
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
                return Err(EndpointError::Incomplete { at: client.at() });
            };
            let (delta, last) = read(&client, &data)?;
            Ok(Some((delta, (client, messages, last))))
        },
    )
}

/// The messages of the stream.
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

/// The bytes of the response: the first chunk until `deadline`, each further chunk
/// within the idle timeout of the settings.
pub(super) fn bytes(
    client: ModelClient,
    response: Response,
    deadline: Instant,
) -> impl Stream<Item = Result<Bytes, EndpointError>> + Send {
    let start = (client, response, 0);
    try_unfold(start, move |(client, mut response, read)| async move {
        let idle_ms = client.endpoint.idle_timeout_ms;
        let is_first = read == 0;
        // Counts from the moment that the reader asks for the chunk.
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
