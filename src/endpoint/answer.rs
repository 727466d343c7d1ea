//! Reading the answer of a model server: its bytes as they come, within limits of time
//! and of size.

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use reqwest::Response;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::messages::{MAX_MESSAGE_BYTES, MessageError, MessageForm, Messages};
use super::{
    EndpointError, ModelClient, ModelRequest, StreamDelta, error, message, milliseconds, wire,
};
use crate::config::EndpointKind;

/// The most bytes of an answer as it is sent: more than any request can ask for.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The most bytes of text that a token can have: more than the longest token of any
/// tokenizer, which is a run of blanks.
const MAX_TOKEN_BYTES: usize = 256;

/// A message of more bytes than these is parsed outside the threads that serve clients.
const LARGE_MESSAGE_BYTES: usize = 64 << 10;

/// The limits of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnswerLimits {
    /// When the first text must have come.
    pub(super) begin: Instant,
    /// When the whole answer must have come.
    pub(super) end: Instant,
    /// The most bytes of its text.
    text_bytes: usize,
    /// The server cuts a prompt of as many tokens, or more; none if it does not.
    prompt_tokens: Option<u32>,
}

impl AnswerLimits {
    /// The limits of the answer to `request`, which is sent now.
    pub(super) fn new(client: &ModelClient, request: &ModelRequest) -> Self {
        let now = Instant::now();
        let tokens = usize::try_from(request.max_tokens.max(1)).unwrap_or(usize::MAX);
        Self {
            begin: now + client.first_byte_timeout(),
            end: now + milliseconds(client.endpoint.total_timeout_ms),
            text_bytes: tokens.saturating_mul(MAX_TOKEN_BYTES),
            prompt_tokens: wire::context_limit(client.endpoint.kind, request),
        }
    }
}

/// An answer that is being read.
struct Answer {
    client: ModelClient,
    response: Response,
    limits: AnswerLimits,
    messages: Messages,
    /// What is wrong with the bytes behind these messages.
    fault: Option<MessageError>,
    /// How many bytes have come.
    bytes: usize,
    /// How many of the text.
    text_bytes: usize,
    /// When the next text must have come; none until the reader asks for it.
    next_text: Option<Instant>,
    has_ended: bool,
}

/// The deltas of the answer, up to the one that the server marks as the last.
pub(super) fn deltas(
    client: ModelClient,
    response: Response,
    limits: AnswerLimits,
) -> impl Stream<Item = Result<StreamDelta, EndpointError>> + Send + 'static {
    let form = match client.endpoint.kind {
        EndpointKind::Completions | EndpointKind::Infill => MessageForm::Events,
        EndpointKind::Ollama => MessageForm::Lines,
    };
    let answer = Answer {
        client,
        response,
        limits,
        messages: Messages::new(form),
        fault: None,
        bytes: 0,
        text_bytes: 0,
        next_text: Some(limits.begin),
        has_ended: false,
    };
    try_unfold(answer, |mut answer| async move {
        let delta = answer.next().await?;
        Ok(delta.map(|delta| (delta, answer)))
    })
}

impl Answer {
    /// The next delta; none behind the last.
    async fn next(&mut self) -> Result<Option<StreamDelta>, EndpointError> {
        if self.has_ended {
            return Ok(None);
        }
        let data = self.message().await?;
        let limit = self.limits.prompt_tokens;
        let read = match data.len() > LARGE_MESSAGE_BYTES {
            true => {
                let client = self.client.clone();
                let read = spawn_blocking(move || message::read(&client, &data, limit));
                read.await.unwrap_or_else(|error| {
                    let reason = format!("the answer cannot be read: {error}");
                    Err(malformed(&self.client, reason))
                })
            }
            false => message::read(&self.client, &data, limit),
        };
        let (delta, is_last) = read?;
        self.has_ended = is_last;
        if !delta.text.is_empty() {
            // A delta without text, like a comment, is no sign of an answer that goes on.
            self.next_text = None;
            self.text_bytes += delta.text.len();
            self.check_size(self.text_bytes, self.limits.text_bytes, "bytes of text")?;
        }
        Ok(Some(delta))
    }

    /// The next message.
    async fn message(&mut self) -> Result<String, EndpointError> {
        // The time that the reader took for the last text does not count.
        let idle = milliseconds(self.client.endpoint.idle_timeout_ms);
        let next_text = *self.next_text.get_or_insert_with(|| Instant::now() + idle);
        let mut has_ended = false;
        loop {
            if let Some(message) = self.messages.next() {
                return Ok(message);
            }
            if let Some(fault) = self.fault {
                return Err(malformed(&self.client, fault.to_string()));
            }
            if has_ended {
                let at = self.client.at();
                return Err(EndpointError::Incomplete { at });
            }
            let deadline = next_text.min(self.limits.end);
            let pushed = match chunk(&self.client, &mut self.response, deadline).await? {
                Chunk::Bytes(bytes) => {
                    self.bytes += bytes.len();
                    self.check_size(self.bytes, MAX_ANSWER_BYTES, "bytes")?;
                    self.messages.push(&bytes)
                }
                Chunk::End => {
                    has_ended = true;
                    self.messages.finish()
                }
                Chunk::Late => return Err(self.late(deadline)),
            };
            // The messages before the fault count.
            self.fault = pushed.err();
        }
    }

    fn check_size(&self, found: usize, most: usize, what: &str) -> Result<(), EndpointError> {
        match found > most {
            true => {
                let reason = format!("the answer has more than {most} {what}");
                Err(malformed(&self.client, reason))
            }
            false => Ok(()),
        }
    }

    /// The error for `deadline`, which has passed.
    fn late(&self, deadline: Instant) -> EndpointError {
        if deadline == self.limits.end {
            return self.client.endless();
        }
        if self.text_bytes == 0 {
            return self.client.slow_to_begin();
        }
        EndpointError::Slow {
            at: self.client.at(),
            ms: self.client.endpoint.idle_timeout_ms,
            setting: "idle_timeout_ms",
        }
    }
}

/// The whole body of a response that is no stream.
pub(super) async fn whole(
    client: &ModelClient,
    mut response: Response,
    deadline: Instant,
) -> Result<Vec<u8>, EndpointError> {
    let mut body = Vec::new();
    loop {
        match chunk(client, &mut response, deadline).await? {
            Chunk::Bytes(bytes) if body.len() + bytes.len() > MAX_MESSAGE_BYTES => {
                let error = MessageError::TooLong;
                return Err(malformed(client, error.to_string()));
            }
            Chunk::Bytes(bytes) => body.extend_from_slice(&bytes),
            Chunk::End => return Ok(body),
            Chunk::Late => return Err(client.slow_to_begin()),
        }
    }
}

/// What comes next of a response.
enum Chunk {
    Bytes(Bytes),
    End,
    /// The time is over.
    Late,
}

async fn chunk(
    client: &ModelClient,
    response: &mut Response,
    deadline: Instant,
) -> Result<Chunk, EndpointError> {
    match timeout_at(deadline, response.chunk()).await {
        Err(_) => Ok(Chunk::Late),
        // A server that never pauses gives the timeout no chance.
        Ok(_) if Instant::now() > deadline => Ok(Chunk::Late),
        Ok(Ok(Some(bytes))) => Ok(Chunk::Bytes(bytes)),
        Ok(Ok(None)) => Ok(Chunk::End),
        Ok(Err(error)) => Err(EndpointError::Broken {
            at: client.at(),
            reason: error::innermost(&error),
        }),
    }
}

fn malformed(client: &ModelClient, reason: String) -> EndpointError {
    let at = client.at();
    EndpointError::Malformed { at, reason }
}
