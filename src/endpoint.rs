//! The streaming client of a model server. No other module speaks HTTP.
//!
//! [`ModelClient::stream`] asks for text and gives it out in deltas, as the
//! server writes it. Dropping the stream closes the connection, which is how a
//! server learns that nobody waits for the rest. What can go wrong is an
//! [`EndpointError`]: one line that names the server and says what to do; the
//! key is in none of them, and in no log.

mod error;
mod probe;
mod wire;

use std::time::Duration;

use futures_util::{Stream, TryFutureExt};
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

pub use self::error::EndpointError;
pub use self::probe::ServerFacts;

use crate::config::{Endpoint, EndpointKind};
use crate::model::{ContextStyle, Family, PartOrder, PromptParts};
use crate::tags::server_url::is_local;

/// How many patterns a server is told to end at: as many as OpenAI's takes.
pub const MAX_STOPS: usize = 4;

/// How many redirections on one server are followed.
const MAX_REDIRECTIONS: usize = 5;

/// How much of an answer that is an error is read, in bytes.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// What a model is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelPrompt {
    /// Text to go on from.
    Plain(String),
    /// Text around a gap.
    Fim {
        /// The text before it.
        before: String,
        /// The text behind it.
        after: String,
    },
}

impl ModelPrompt {
    /// What the model behind `endpoint` is shown for a gap: the text before it
    /// alone if nothing but white space is behind it, or if the model has no
    /// tokens that mark a gap.
    #[must_use]
    pub fn new(endpoint: &Endpoint, before: String, after: String) -> Self {
        let has_tokens = match endpoint.kind {
            EndpointKind::Completions => marks_gaps(&endpoint.family),
            // The server knows them.
            EndpointKind::Infill | EndpointKind::Ollama => true,
        };
        if after.trim().is_empty() || !has_tokens {
            Self::Plain(before)
        } else {
            Self::Fim { before, after }
        }
    }

    /// The one text that the server is sent; none if it is sent both sides and
    /// puts its own tokens around them.
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
            (Self::Fim { .. }, EndpointKind::Infill | EndpointKind::Ollama) => None,
        }
    }
}

/// Whether a family has the tokens that a gap needs.
fn marks_gaps(family: &Family) -> bool {
    let has_middle = !family.middle.is_empty() || family.order == PartOrder::SuffixFirst;
    !family.prefix.is_empty() && !family.suffix.is_empty() && has_middle
}

/// What a server is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRequest {
    /// What the model is shown.
    pub prompt: ModelPrompt,
    /// The most tokens of the answer.
    pub max_tokens: u32,
    /// How random its choices are, in place of what the settings say.
    pub temperature: Option<f64>,
    /// From how much of the probability it chooses, in place of what the
    /// settings say.
    pub top_p: Option<f64>,
    /// Where the server is to end by itself, leaving out what it ends at. The
    /// first [`MAX_STOPS`] count.
    pub stop: Vec<String>,
}

/// What one message of the server adds to the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamDelta {
    /// Its text; may be empty.
    pub text: String,
    /// The stop that the server has ended at, if it says so.
    pub stopped_by: Option<String>,
}

/// A model server. Connections are kept for the next question.
#[derive(Clone, Debug)]
pub struct ModelClient {
    http: reqwest::Client,
    /// Where questions go.
    url: Url,
    endpoint: Endpoint,
}

impl ModelClient {
    /// A client of the server that `endpoint` names. Connects to nothing yet.
    ///
    /// # Errors
    /// If it is no URL, if a model is needed and not named, or if the system
    /// has no certificates to check those of servers with.
    pub fn new(endpoint: &Endpoint) -> Result<Self, EndpointError> {
        let url = wire::url(endpoint)?;
        if endpoint.kind == EndpointKind::Ollama && endpoint.model.is_none() {
            return Err(EndpointError::NoModel { at: Box::new(url) });
        }
        let mut http = reqwest::Client::builder()
            .connect_timeout(milliseconds(endpoint.connect_timeout_ms))
            .user_agent(concat!("fimd/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::custom(within_one_server));
        if is_local(&url) {
            http = http.no_proxy();
        }
        if url.scheme() == "http" {
            // Certificates are not there everywhere, and cost time to read.
            http = http.tls_certs_only([]);
        }
        // Fails where it has been done before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = http.build().map_err(|error| EndpointError::Client {
            reason: error::innermost(&error),
        })?;
        Ok(Self {
            http,
            url,
            endpoint: endpoint.clone(),
        })
    }

    /// Asks, and gives out the answer as it comes. Ends after the server has
    /// said that the answer is complete; else its last item is an error.
    pub fn stream(
        &self,
        request: ModelRequest,
    ) -> impl Stream<Item = Result<StreamDelta, EndpointError>> + Send + 'static {
        let client = self.clone();
        async move {
            let deadline = Instant::now() + client.first_byte_timeout();
            let response = client.send(&request, deadline).await?;
            Ok(wire::deltas(client, response, deadline))
        }
        .try_flatten_stream()
    }

    /// Sends the question. The answer is one that can be read as a stream.
    async fn send(
        &self,
        request: &ModelRequest,
        deadline: Instant,
    ) -> Result<Response, EndpointError> {
        let body = wire::body(&self.endpoint, request);
        let request = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string());
        let expected = wire::media_type(self.endpoint.kind);
        self.exchange(request, expected, deadline).await
    }

    /// The answer to `request`, which is of the type `expected`.
    async fn exchange(
        &self,
        request: RequestBuilder,
        expected: &'static str,
        deadline: Instant,
    ) -> Result<Response, EndpointError> {
        let mut request = request.header(ACCEPT, expected);
        if let Some(key) = &self.endpoint.api_key {
            // Marked as sensitive by the library, so no trace of it shows it.
            request = request.bearer_auth(key.reveal());
        }
        let again = request.try_clone();
        let asked = async {
            match (request.send().await, again) {
                // Most likely the server closed a kept connection while the
                // question was under way. Asking twice changes nothing there.
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

    /// The answer, if it is what was asked for.
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
                to: error::one_line(to),
            });
        }
        let found = response.headers().get(CONTENT_TYPE);
        let found = found.and_then(|found| found.to_str().ok()).unwrap_or("");
        let found = found.split(';').next().unwrap_or("").trim().to_lowercase();
        if status == StatusCode::OK && found == expected {
            return Ok(response);
        }
        let said = self.what_is_said(response).await;
        if status != StatusCode::OK {
            return Err(EndpointError::Refused {
                at: self.at(),
                status,
                said,
            });
        }
        Err(EndpointError::NoStream {
            at: self.at(),
            found: error::one_line(&found),
            expected,
            said,
        })
    }

    /// What a server says in an answer that is an error; empty if it says
    /// nothing that can be shown.
    async fn what_is_said(&self, mut response: Response) -> String {
        let mut body = Vec::new();
        let read = async {
            while let Ok(Some(chunk)) = response.chunk().await
                && body.len() < MAX_ERROR_BYTES
            {
                body.extend_from_slice(&chunk);
            }
        };
        // What has come until then will do.
        let _ = timeout(milliseconds(self.endpoint.idle_timeout_ms), read).await;
        let body = String::from_utf8_lossy(&body);
        match serde_json::from_str::<Value>(&body) {
            Ok(json) => wire::message(&json).map_or_else(String::new, |said| self.shown(&said)),
            Err(_) => self.shown(&body),
        }
    }

    /// Text of the server's as an error may show it.
    fn shown(&self, said: &str) -> String {
        let key = self.endpoint.api_key.as_ref().map(|key| key.reveal());
        match key {
            // Some servers repeat the key that they refuse.
            Some(key) => error::one_line(&said.replace(key, "[the key]")),
            None => error::one_line(said),
        }
    }

    /// The server, for an error.
    fn at(&self) -> Box<Url> {
        Box::new(self.url.clone())
    }

    fn slow_to_begin(&self) -> EndpointError {
        EndpointError::Slow {
            at: self.at(),
            ms: self.endpoint.first_byte_timeout_ms,
            setting: "first_byte_timeout_ms",
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

/// Follows a redirection that stays on the server and asks for the same
/// question again; leaves others as they are. The text of a document goes to
/// nobody whom the settings do not name.
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
