//! The messages of streams, and of error responses.

use serde::Deserialize;
use serde_json::Value;

use super::{EndpointError, ModelClient, ServerWork, StreamDelta, error};
use crate::config::EndpointKind;

/// A message of a stream, with the fields of all kinds of servers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StreamMessage {
    /// An error, in place of all other fields.
    error: Option<Value>,
    /// Field of OpenAI's API.
    choices: Option<Vec<Choice>>,
    /// Fields of llama.cpp, with the next three.
    content: Option<String>,
    stop: bool,
    stopping_word: Option<String>,
    stop_type: Option<String>,
    /// Fields of Ollama, with the next ones. Times are in nanoseconds.
    response: Option<String>,
    done: bool,
    done_reason: Option<String>,
    prompt_eval_count: Option<u32>,
    prompt_eval_duration: Option<u64>,
    eval_count: Option<u32>,
    eval_duration: Option<u64>,
    /// Field of llama.cpp, beside those of any kind.
    timings: Option<LlamaTimings>,
    /// Field of OpenAI's API.
    usage: Option<Usage>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct LlamaTimings {
    cache_n: Option<u32>,
    prompt_n: u32,
    prompt_ms: f64,
    predicted_n: u32,
    predicted_ms: f64,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Usage {
    prompt_tokens: u32,
    completion_tokens: u32,
    prompt_tokens_details: Option<PromptTokens>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct PromptTokens {
    cached_tokens: Option<u32>,
}

impl StreamMessage {
    /// The delta without the server's work, and whether it is the last. The error is the
    /// name of a field that is missing.
    fn delta(self, kind: EndpointKind) -> Result<(StreamDelta, bool), &'static str> {
        let delta = |text: String, stopped_by: Option<String>, end: Option<&str>| StreamDelta {
            text,
            stopped_by,
            work: None,
            is_cut: matches!(end, Some("length" | "limit")),
        };
        match kind {
            EndpointKind::Completions => {
                // A message with the token usage has no choice.
                let Some(choice) = self.choices.ok_or("choices")?.into_iter().next() else {
                    return Ok((StreamDelta::default(), false));
                };
                let end = choice.finish_reason.as_deref();
                let text = match choice.text {
                    Some(text) => text,
                    None if end.is_some() => String::new(),
                    None => return Err("choices[0].text"),
                };
                let stopped_by = choice.stop_reason.as_ref().and_then(Value::as_str);
                let stopped_by = stopped_by.map(ToOwned::to_owned);
                Ok((delta(text, stopped_by, end), end.is_some()))
            }
            EndpointKind::Infill => {
                let text = self.content.ok_or("content")?;
                let stopped_by = self.stopping_word.filter(|word| !word.is_empty());
                Ok((
                    delta(text, stopped_by, self.stop_type.as_deref()),
                    self.stop,
                ))
            }
            EndpointKind::Ollama => {
                let text = self.response.ok_or("response")?;
                Ok((delta(text, None, self.done_reason.as_deref()), self.done))
            }
        }
    }

    /// What the message says about the work of the server.
    fn work(&self) -> Option<ServerWork> {
        if let Some(timings) = self.timings {
            return Some(ServerWork {
                read_tokens: timings.prompt_n,
                reused_tokens: timings.cache_n,
                read_ms: Some(timings.prompt_ms),
                written_tokens: timings.predicted_n,
                write_ms: Some(timings.predicted_ms),
            });
        }
        if let Some(usage) = self.usage {
            let cached = usage.prompt_tokens_details.and_then(|of| of.cached_tokens);
            return Some(ServerWork {
                read_tokens: usage.prompt_tokens.saturating_sub(cached.unwrap_or(0)),
                reused_tokens: cached,
                written_tokens: usage.completion_tokens,
                ..ServerWork::default()
            });
        }
        let ms = |nanoseconds: Option<u64>| nanoseconds.map(|ns| ns as f64 / 1e6);
        self.prompt_eval_count.map(|read_tokens| ServerWork {
            read_tokens,
            reused_tokens: None,
            read_ms: ms(self.prompt_eval_duration),
            written_tokens: self.eval_count.unwrap_or(0),
            write_ms: ms(self.eval_duration),
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    text: Option<String>,
    finish_reason: Option<String>,
    /// The stop pattern, or the number of a token.
    stop_reason: Option<Value>,
}

/// Reads one message of the stream. Returns its delta and whether it is the last. A
/// prompt of `limit` tokens or more was cut by the server.
pub(super) fn read(
    client: &ModelClient,
    data: &str,
    limit: Option<u32>,
) -> Result<(StreamDelta, bool), EndpointError> {
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
    if let (Some(limit), Some(work)) = (limit, message.work())
        && work.read_tokens >= limit
    {
        return Err(EndpointError::PromptCut {
            at: client.at(),
            limit,
        });
    }
    let work = message.work();
    message
        .delta(client.endpoint.kind)
        .map(|(delta, last)| (StreamDelta { work, ..delta }, last))
        .map_err(|missing| malformed(format!("the answer has no {missing}")))
}

/// The message of an error response.
pub(super) fn of_error(answer: &Value) -> Option<String> {
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
