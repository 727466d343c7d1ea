//! The streaming client of a model server. No other module speaks HTTP.
//!
//! [`ModelClient::stream`] returns the text in deltas, as the server writes it.
//! Dropping the stream closes the connection, which stops the generation at the
//! server. An [`EndpointError`] is one line that names the server and the remedy.
//! The API key is in no error and in no log.

mod answer;
mod error;
mod infill;
mod message;
mod messages;
mod observed;
mod probe;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, TryFutureExt};
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout, timeout_at};

pub use self::error::{EndpointError, ServerPlace};
pub use self::observed::Observed;
pub use self::probe::{REREADS, ServerFacts};

use self::answer::AnswerLimits;
use crate::config::{Endpoint, EndpointKind};
use crate::model::{ContextFile, ContextStyle, Family, PartOrder, PromptParts};
use crate::tags::server_url::is_local;

/// The most stop patterns that are sent to a server that was not seen to take more:
/// the limit of OpenAI's API.
pub const MAX_STOPS: usize = 4;

/// The most redirections that are followed.
const MAX_REDIRECTIONS: usize = 5;

/// The most bytes that are read of an error answer.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// The prompt of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelPrompt {
    /// Text to continue.
    Plain(String),
    /// Text around the middle to fill in.
    Fim {
        /// The text before it.
        before: String,
        /// The text behind it.
        after: String,
    },
    /// Code around the middle to fill in, with the text of other files, for a server
    /// that adds the control tokens itself.
    Code {
        /// The text of other files.
        context: Vec<ContextFile>,
        /// The text before the middle.
        before: String,
        /// The text behind it.
        after: String,
    },
}

impl ModelPrompt {
    /// The prompt for the text between `before` and `after`. If `after` is blank, or if
    /// the model has no FIM tokens, the model continues `before`.
    #[must_use]
    pub fn new(endpoint: &Endpoint, before: String, after: String) -> Self {
        let has_tokens = match endpoint.kind {
            EndpointKind::Completions => has_fim_tokens(&endpoint.family),
            // The server knows the tokens of its model.
            EndpointKind::Infill | EndpointKind::Ollama => true,
        };
        if after.trim().is_empty() || !has_tokens {
            Self::Plain(before)
        } else {
            Self::Fim { before, after }
        }
    }

    /// The first `chars` characters of the prompt. Of one to which the server adds the
    /// control tokens, nothing is left out behind the end of `before`.
    pub(crate) fn beginning(&self, chars: usize) -> Self {
        let Self::Code {
            context, before, ..
        } = self
        else {
            return match self {
                Self::Plain(text) => Self::Plain(first_chars(text, chars).to_owned()),
                whole => whole.clone(),
            };
        };
        let mut left = chars;
        let mut files = Vec::new();
        for file in context {
            let text = first_chars(&file.text, left).to_owned();
            left = left.saturating_sub(file.header.chars().count() + file.text.chars().count());
            files.push(ContextFile {
                text,
                ..file.clone()
            });
            if left == 0 {
                break;
            }
        }
        if left >= before.chars().count() {
            return self.clone();
        }
        Self::Code {
            context: files,
            before: first_chars(before, left).to_owned(),
            after: String::new(),
        }
    }

    /// The prompt as one text; none if the server is sent prefix and suffix and adds the
    /// FIM tokens itself.
    #[must_use]
    pub fn text(&self, endpoint: &Endpoint) -> Option<String> {
        match (self, endpoint.kind) {
            (Self::Plain(before), _) => Some(before.clone()),
            (Self::Fim { before, after }, EndpointKind::Completions) => {
                let parts = PromptParts {
                    context: "",
                    files: &[],
                    repo: "",
                    path: "",
                    prefix: before,
                    suffix: after,
                };
                let family = &endpoint.family;
                let prompt = family.prompt(&parts, family.format(), ContextStyle::Comment);
                Some(prompt.text)
            }
            (Self::Fim { .. }, EndpointKind::Infill | EndpointKind::Ollama)
            | (Self::Code { .. }, _) => None,
        }
    }
}

fn first_chars(text: &str, chars: usize) -> &str {
    let end = text.char_indices().nth(chars).map(|(end, _)| end);
    &text[..end.unwrap_or(text.len())]
}

/// Whether a family has the control tokens for filling in the middle.
fn has_fim_tokens(family: &Family) -> bool {
    let has_middle = !family.middle.is_empty() || family.order == PartOrder::SuffixFirst;
    !family.prefix.is_empty() && !family.suffix.is_empty() && has_middle
}

/// A request to a model server.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRequest {
    /// The prompt.
    pub prompt: ModelPrompt,
    /// The most tokens of the answer.
    pub max_tokens: u32,
    /// The temperature; none for that of the settings.
    pub temperature: Option<f64>,
    /// The probability mass of nucleus sampling; none for that of the settings.
    pub top_p: Option<f64>,
    /// The seed of sampling; none for the server's own.
    pub seed: Option<u32>,
    /// The patterns at which the server stops by itself. It leaves the pattern out of
    /// its answer. Only the first [`MAX_STOPS`] are sent, unless the server was seen to
    /// take more.
    pub stop: Vec<String>,
    /// How long the server may write once it has begun a second line, in milliseconds;
    /// for a server that was seen to know of it.
    pub max_write_ms: Option<u32>,
    /// The slot of the server that works on it; for a server that was seen to have
    /// several.
    pub slot: Option<u32>,
    /// With what strength llama.cpp's adapters work on this request; empty for what the
    /// server is set to.
    pub lora: Vec<LoraScale>,
}

/// The strength of an adapter of a model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LoraScale {
    /// The number of the adapter, in the order in which the server has loaded them.
    pub id: u32,
    /// 0 switches it off; 1 is its full strength.
    pub scale: f64,
}

/// The part of the answer in one message of the stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamDelta {
    /// The text; may be empty.
    pub text: String,
    /// The pattern at which the server has stopped, if it says so.
    pub stopped_by: Option<String>,
    /// The server's work on the request so far, if it says so.
    pub work: Option<ServerWork>,
    /// Whether the server ends the answer here though the model has more to say.
    pub is_cut: bool,
}

/// What a model server was seen to have beyond what servers of its kind have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerFeatures {
    /// Whether it is the server of llama.cpp.
    pub is_llama: bool,
    /// How many requests it works on at a time, each with a cache of its own; 0 if it
    /// does not tell.
    pub slots: u32,
    /// The most tokens of prompt and answer together; none if it does not tell.
    pub context_tokens: Option<usize>,
}

/// What a server says about its work on a request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServerWork {
    /// Tokens of the prompt that it has read for this request.
    pub read_tokens: u32,
    /// Tokens of the prompt that it had read for earlier ones; none if it does not say.
    pub reused_tokens: Option<u32>,
    /// The time of reading, in milliseconds; none if it does not say.
    pub read_ms: Option<f64>,
    /// Tokens that it has written.
    pub written_tokens: u32,
    /// The time of writing, in milliseconds; none if it does not say.
    pub write_ms: Option<f64>,
}

/// A client of a model server. It keeps connections open for the next request.
#[derive(Clone, Debug)]
pub struct ModelClient {
    http: reqwest::Client,
    /// The URL of requests.
    url: Url,
    endpoint: Endpoint,
    /// What the server was seen to have; empty until it has answered.
    features: Arc<OnceCell<ServerFeatures>>,
}

impl ModelClient {
    /// A client of the server at `endpoint`. Does not connect yet.
    ///
    /// # Errors
    /// If the URL is invalid, if the server needs the name of a model, or if the
    /// system has no root certificates.
    pub fn new(endpoint: &Endpoint) -> Result<Self, EndpointError> {
        let url = wire::url(endpoint)?;
        if endpoint.kind == EndpointKind::Ollama && endpoint.model.is_none() {
            let place = endpoint.place.clone();
            let at = Box::new(ServerPlace { url, place });
            return Err(EndpointError::NoModel { at });
        }
        let mut http = reqwest::Client::builder()
            .connect_timeout(milliseconds(endpoint.connect_timeout_ms))
            .user_agent(concat!("fimd/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::custom(within_one_server));
        if is_local(&url) {
            http = http.no_proxy();
        }
        if url.scheme() == "http" {
            // Some systems have no root certificates, and reading them takes time.
            http = http.tls_certs_only([]);
        }
        // This fails if a provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = http.build().map_err(|error| EndpointError::Client {
            reason: error::innermost(&error),
        })?;
        Ok(Self {
            http,
            url,
            endpoint: endpoint.clone(),
            features: Arc::default(),
        })
    }

    /// Sends `request` and streams the answer. The stream ends when the server marks the
    /// answer as complete; otherwise its last item is an error. The time limits of the
    /// settings count text only: a server that sends anything else is silent to them.
    pub fn stream(
        &self,
        request: ModelRequest,
    ) -> impl Stream<Item = Result<StreamDelta, EndpointError>> + Send + 'static {
        let client = self.clone();
        async move {
            let limits = AnswerLimits::new(&client, &request);
            let sent = timeout_at(limits.end, client.send(&request, limits.begin)).await;
            let response = sent.unwrap_or_else(|_| Err(client.endless()))?;
            Ok(answer::deltas(client, response, limits))
        }
        .try_flatten_stream()
    }

    /// Sends the request. The media type of the response is that of a stream.
    async fn send(
        &self,
        request: &ModelRequest,
        deadline: Instant,
    ) -> Result<Response, EndpointError> {
        let features = match self.endpoint.kind {
            // What it is sent depends on them.
            EndpointKind::Infill => self.features().await,
            EndpointKind::Completions | EndpointKind::Ollama => {
                self.features.get().copied().unwrap_or_default()
            }
        };
        let body = wire::body(&self.endpoint, request, features);
        let request = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        let expected = wire::media_type(self.endpoint.kind);
        self.exchange(request, expected, deadline).await
    }

    /// Sends `request`. The response has the media type `expected`.
    async fn exchange(
        &self,
        request: RequestBuilder,
        expected: &'static str,
        deadline: Instant,
    ) -> Result<Response, EndpointError> {
        let mut request = request.header(ACCEPT, expected);
        if let Some(key) = &self.endpoint.api_key {
            // The library marks the header as sensitive, so no trace shows it.
            request = request.bearer_auth(key.reveal());
        }
        let again = request.try_clone();
        let asked = async {
            match (request.send().await, again) {
                // Most likely the server has closed a kept connection. It is safe to
                // send a request twice.
                (Err(error), Some(again)) if !error.is_connect() && !error.is_redirect() => {
                    again.send().await
                }
                (sent, _) => sent,
            }
        };
        let response = match timeout_at(deadline, asked).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if error.is_connect() && error.is_timeout() => {
                return Err(EndpointError::Slow {
                    at: self.at(),
                    ms: self.endpoint.connect_timeout_ms,
                    setting: "connect_timeout_ms",
                });
            }
            Ok(Err(error)) if error::is_not_http(&error) => {
                return Err(EndpointError::NoHttp {
                    at: self.at(),
                    reason: error::innermost(&error),
                });
            }
            Ok(Err(error)) => {
                return Err(EndpointError::Unreachable {
                    at: self.at(),
                    reason: error::innermost(&error),
                });
            }
            Err(_) => return Err(self.slow_to_begin()),
        };
        self.check(response, expected).await
    }

    /// The response, if its status and media type are the expected ones.
    async fn check(
        &self,
        response: Response,
        expected: &'static str,
    ) -> Result<Response, EndpointError> {
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(LOCATION);
            let to = to.and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
            return Err(EndpointError::Redirected {
                at: self.at(),
                to: self.shown(to),
            });
        }
        let found = response.headers().get(CONTENT_TYPE);
        let found = found.and_then(|found| found.to_str().ok()).unwrap_or("");
        let found = found.split(';').next().unwrap_or("").trim().to_lowercase();
        if status == StatusCode::OK && found == expected {
            return Ok(response);
        }
        let body = self.error_body(response).await;
        let is_page = matches!(&*found, "text/html" | "application/xhtml+xml");
        if is_page && (status == StatusCode::OK || error::is_not_there(status)) {
            return Err(EndpointError::Page {
                at: self.at(),
                status,
                title: self.shown(error::title(&body)),
            });
        }
        let said = match is_page {
            true => self.shown(error::title(&body)),
            false => self.error_message(&body),
        };
        if status != StatusCode::OK {
            return Err(EndpointError::Refused {
                at: self.at(),
                status,
                said,
            });
        }
        Err(EndpointError::NoStream {
            at: self.at(),
            found: self.shown(&found),
            expected,
            said,
        })
    }

    /// The beginning of the body of an error response.
    async fn error_body(&self, mut response: Response) -> String {
        let mut body = Vec::new();
        let read = async {
            while let Ok(Some(chunk)) = response.chunk().await
                && body.len() < MAX_ERROR_BYTES
            {
                body.extend_from_slice(&chunk);
            }
        };
        // After the time limit, the part that has arrived suffices.
        let _ = timeout(milliseconds(self.endpoint.idle_timeout_ms), read).await;
        String::from_utf8_lossy(&body).into_owned()
    }

    /// The message in the body of an error response; may be empty.
    fn error_message(&self, body: &str) -> String {
        match serde_json::from_str::<Value>(body) {
            Ok(json) => message::of_error(&json).map_or_else(String::new, |said| self.shown(&said)),
            Err(_) => self.shown(body),
        }
    }

    /// The message of a server, as an error may show it: without the API key.
    fn shown(&self, said: &str) -> String {
        match &self.endpoint.api_key {
            Some(key) => error::one_line(&key.hide_in(said)),
            None => error::one_line(said),
        }
    }

    /// The server, for an error.
    fn at(&self) -> Box<ServerPlace> {
        Box::new(ServerPlace {
            url: self.url.clone(),
            place: self.endpoint.place.clone(),
        })
    }

    fn slow_to_begin(&self) -> EndpointError {
        EndpointError::Slow {
            at: self.at(),
            ms: self.endpoint.first_byte_timeout_ms,
            setting: "first_byte_timeout_ms",
        }
    }

    fn endless(&self) -> EndpointError {
        EndpointError::Endless {
            at: self.at(),
            ms: self.endpoint.total_timeout_ms,
        }
    }

    fn first_byte_timeout(&self) -> Duration {
        let Endpoint {
            connect_timeout_ms,
            first_byte_timeout_ms,
            ..
        } = self.endpoint;
        milliseconds(connect_timeout_ms.saturating_add(first_byte_timeout_ms))
    }
}

fn milliseconds(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Follows a redirection that stays on the server and repeats the same request. All
/// others are not followed, because the text of a document must only be sent to the
/// server in the settings.
fn within_one_server(attempt: Attempt<'_>) -> Action {
    let repeats = matches!(
        attempt.status(),
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    );
    let from = attempt.previous().last();
    let stays = from.is_some_and(|from| from.origin() == attempt.url().origin());
    if repeats && stays && attempt.previous().len() <= MAX_REDIRECTIONS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}
