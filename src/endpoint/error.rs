//! The errors of requests to a model server.

use std::error::Error;
use std::fmt;

use reqwest::{StatusCode, Url};

use crate::config::EndpointPlace;

/// The most characters of a server's message that an error shows.
const MAX_CHARS: usize = 300;

/// A model server, and where a user sets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerPlace {
    /// The URL of requests.
    pub(super) url: Url,
    pub(super) place: EndpointPlace,
}

impl ServerPlace {
    /// The key `key` of the settings, and where it is set.
    fn key(&self, key: &str) -> String {
        self.place.key(key)
    }
}

impl fmt::Display for ServerPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

/// A request to a model server failed. The message is one line that names the server
/// and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The URL in the settings is invalid.
    #[error("{key}: {reason}")]
    Url {
        /// Where the URL is set.
        key: String,
        /// What is wrong with the URL.
        reason: String,
    },
    /// The server needs the name of a model, and the settings have none.
    #[error("{at}: Ollama needs the name of a model; set {}", at.key("model"))]
    NoModel {
        /// The server.
        at: Box<ServerPlace>,
    },
    /// The HTTP client cannot be made.
    #[error("cannot set up a client for model servers: {reason}")]
    Client {
        /// The error of the client library.
        reason: String,
    },
    /// No connection to the server.
    #[error(
        "{at}: cannot reach the model server: {reason}; start it, or change {}",
        at.key("url")
    )]
    Unreachable {
        /// The server.
        at: Box<ServerPlace>,
        /// The error of the system.
        reason: String,
    },
    /// The server takes too long.
    #[error(
        "{at}: no text came for {ms} ms; see whether the server is at work, or raise {}",
        at.key(setting)
    )]
    Slow {
        /// The server.
        at: Box<ServerPlace>,
        /// The time limit, in milliseconds.
        ms: u64,
        /// The setting of the time limit.
        setting: &'static str,
    },
    /// The whole answer takes too long.
    #[error(
        "{at}: the answer was not complete after {ms} ms; see whether the server is at work, or \
         raise {}",
        at.key("total_timeout_ms")
    )]
    Endless {
        /// The server.
        at: Box<ServerPlace>,
        /// The time limit, in milliseconds.
        ms: u64,
    },
    /// The server redirects to another server.
    #[error(
        "{at}: the server redirects to {to}, which is not followed; set {} to where the model is \
         served",
        at.key("url")
    )]
    Redirected {
        /// The server.
        at: Box<ServerPlace>,
        /// The target of the redirection.
        to: String,
    },
    /// The server answers with an error status.
    #[error("{at}: {status}{}; {}", quoted(said), hint(*status, at))]
    Refused {
        /// The server.
        at: Box<ServerPlace>,
        /// The status.
        status: StatusCode,
        /// The message of the server; may be empty.
        said: String,
    },
    /// The server sends a page for people, which no model server does at this path.
    #[error(
        "{at}: no model server answers here: it sent an HTML page{}; set {} to where the model \
         server is",
        quoted(title),
        at.key("url")
    )]
    Page {
        /// The server.
        at: Box<ServerPlace>,
        /// The status of the page.
        status: StatusCode,
        /// The title of the page; may be empty.
        title: String,
    },
    /// What answers does not speak HTTP.
    #[error(
        "{at}: no model server answers here: its answer is not HTTP ({reason}); set {} to where \
         the model server is",
        at.key("url")
    )]
    NoHttp {
        /// The server.
        at: Box<ServerPlace>,
        /// The error of the HTTP library.
        reason: String,
    },
    /// The answer has another media type than a stream.
    #[error(
        "{at}: no model server of this kind answers here: expected an answer of type {expected}, \
         found {}{}; see whether kind and {} are those of the model server",
        or_nothing(found),
        quoted(said),
        at.key("url")
    )]
    NoStream {
        /// The server.
        at: Box<ServerPlace>,
        /// The media type of the answer.
        found: String,
        /// The media type of a stream.
        expected: &'static str,
        /// The message of the server; may be empty.
        said: String,
    },
    /// The server reports an error in the middle of its stream.
    #[error("{at}: the server gave up{}; see its log", quoted(said))]
    GaveUp {
        /// The server.
        at: Box<ServerPlace>,
        /// The message of the server; may be empty.
        said: String,
    },
    /// The server has cut the prompt.
    #[error(
        "{at}: the server has cut the prompt to {limit} tokens, so its answer does not know the \
         code; lower max_total_chars under [completion], or show the model less"
    )]
    PromptCut {
        /// The server.
        at: Box<ServerPlace>,
        /// The most tokens that it takes.
        limit: u32,
    },
    /// The answer is malformed.
    #[error("{at}: {reason}; see whether {} is what this server understands", at.key("kind"))]
    Malformed {
        /// The server.
        at: Box<ServerPlace>,
        /// What is malformed.
        reason: String,
    },
    /// The connection broke.
    #[error("{at}: the connection broke: {reason}; see the server's log")]
    Broken {
        /// The server.
        at: Box<ServerPlace>,
        /// The error of the system.
        reason: String,
    },
    /// The stream ended before the server marked it as complete.
    #[error("{at}: the answer ended before it was complete; see the server's log")]
    Incomplete {
        /// The server.
        at: Box<ServerPlace>,
    },
}

impl EndpointError {
    /// Whether the server is there and does not take this prompt: it may answer another
    /// one.
    #[must_use]
    pub fn is_of_prompt(&self) -> bool {
        match self {
            Self::Refused { status, .. } => {
                matches!(status.as_u16(), 400 | 413 | 422 | 500)
            }
            Self::PromptCut { .. } | Self::GaveUp { .. } => true,
            _ => false,
        }
    }
}

/// The message of a server, with a colon before it; empty if there is none.
fn quoted(said: &str) -> String {
    match said {
        "" => String::new(),
        said => format!(": {said}"),
    }
}

fn or_nothing(found: &str) -> &str {
    match found {
        "" => "none",
        found => found,
    }
}

/// The title of a page of HTML; empty if it has none.
pub(super) fn title(html: &str) -> &str {
    let lower = html.to_ascii_lowercase();
    let title = || {
        let tag = lower.find("<title")?;
        let start = tag + lower[tag..].find('>')? + 1;
        let end = start + lower[start..].find("</title")?;
        html.get(start..end)
    };
    title().unwrap_or_default()
}

/// Whether `error` means that what answers does not speak HTTP.
pub(super) fn is_not_http(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return error.is_parse();
        }
        cause = error.source();
    }
    false
}

/// Whether the status means that the server has nothing at the path of the request.
pub(super) fn is_not_there(status: StatusCode) -> bool {
    let not_there = [
        StatusCode::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::NOT_IMPLEMENTED,
    ];
    not_there.contains(&status)
}

/// The remedy for an answer of the server `at` with this status.
fn hint(status: StatusCode, at: &ServerPlace) -> String {
    match status.as_u16() {
        401 | 403 => match at.place {
            EndpointPlace::Editor => format!("set {} to a key that it takes", at.key("api_key")),
            EndpointPlace::File(_) | EndpointPlace::Flags(_) => format!(
                "set FIMD_API_KEY, or {}, to a key that it takes",
                at.key("api_key")
            ),
        },
        404 | 405 => format!(
            "see whether kind and {} are those of this server",
            at.key("url")
        ),
        413 => "show the model less, with a prefix and a suffix tag nearer to the FIM tag".into(),
        429 => "wait, then try again".into(),
        503 => "try again once its model is loaded".into(),
        500.. => "see its log".into(),
        _ => format!("see whether {} suits this server", at.key("kind")),
    }
}

/// The message of the innermost cause, which says what has happened.
pub(super) fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    one_line(&cause.to_string())
}

/// `text` without line breaks and control characters, cut to [`MAX_CHARS`].
pub(super) fn one_line(text: &str) -> String {
    let plain = text.replace(|c: char| c.is_control(), " ");
    let words: Vec<_> = plain.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}\u{2026}", &line[..end]),
        None => line,
    }
}
