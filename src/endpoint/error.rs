//! What can go wrong between fimd and a model server.

use std::error::Error;

use reqwest::{StatusCode, Url};

/// The most characters of a server's own words that are shown.
const MAX_CHARS: usize = 300;

/// Why there is no text, or no more of it: one line that names the server and
/// says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The settings name no server.
    #[error("endpoint.url: {reason}")]
    Url {
        /// What is wrong with it.
        reason: String,
    },
    /// The server serves several models and none is named.
    #[error(
        "{at}: Ollama needs the name of a model; set model under [endpoint] in the settings file"
    )]
    NoModel {
        /// The server.
        at: Box<Url>,
    },
    /// There can be no client.
    #[error("cannot set up a client for model servers: {reason}")]
    Client {
        /// Why.
        reason: String,
    },
    /// Nobody is there.
    #[error(
        "{at}: cannot reach the model server: {reason}; start it, or set url under [endpoint] in \
         the settings file"
    )]
    Unreachable {
        /// The server.
        at: Box<Url>,
        /// What the system says.
        reason: String,
    },
    /// It takes too long.
    #[error(
        "{at}: nothing came for {ms} ms; see whether the server is at work, or raise {setting} \
         under [endpoint] in the settings file"
    )]
    Slow {
        /// The server.
        at: Box<Url>,
        /// How long was waited, in milliseconds.
        ms: u64,
        /// The setting that says so.
        setting: &'static str,
    },
    /// It sends us elsewhere.
    #[error(
        "{at}: the server redirects to {to}, which is not followed; set url under [endpoint] to \
         where the model is served"
    )]
    Redirected {
        /// The server.
        at: Box<Url>,
        /// Where to.
        to: String,
    },
    /// It answers with an error.
    #[error("{at}: {status}{}; {}", quoted(said), hint(*status))]
    Refused {
        /// The server.
        at: Box<Url>,
        /// The status of its answer.
        status: StatusCode,
        /// What it says.
        said: String,
    },
    /// It answers with something else than a stream of text.
    #[error(
        "{at}: expected an answer of type {expected}, found {}{}; see whether kind under \
         [endpoint] is what this server understands",
        or_nothing(found),
        quoted(said)
    )]
    NoStream {
        /// The server.
        at: Box<Url>,
        /// The type of its answer.
        found: String,
        /// The type that it should be.
        expected: &'static str,
        /// What it says.
        said: String,
    },
    /// It gives up in the middle of its answer.
    #[error("{at}: the server gave up{}; see its log", quoted(said))]
    GaveUp {
        /// The server.
        at: Box<Url>,
        /// What it says.
        said: String,
    },
    /// Its answer makes no sense.
    #[error("{at}: {reason}; see whether kind under [endpoint] is what this server understands")]
    Malformed {
        /// The server.
        at: Box<Url>,
        /// What does not.
        reason: String,
    },
    /// The connection broke.
    #[error("{at}: the connection broke: {reason}; see the server's log")]
    Broken {
        /// The server.
        at: Box<Url>,
        /// What the system says.
        reason: String,
    },
    /// The answer ended before the server said that it is complete.
    #[error("{at}: the answer ended before it was complete; see the server's log")]
    Cut {
        /// The server.
        at: Box<Url>,
    },
}

/// What a server said, behind something else.
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

/// What to do about an answer with this status.
fn hint(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 => {
            "set FIMD_API_KEY, or api_key under [endpoint] in the settings file, to a key that \
             it takes"
        }
        404 | 405 => "see whether url and kind under [endpoint] are those of this server",
        413 => "show the model less, with a prefix and a suffix tag nearer to the FIM tag",
        429 => "wait, then try again",
        503 => "try again once its model is loaded",
        500.. => "see its log",
        _ => "see whether the settings under [endpoint] suit this server",
    }
}

/// The cause of the cause and so on, which says what really happened.
pub(super) fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    one_line(&cause.to_string())
}

/// `text` without line breaks and control characters, and not too long.
pub(super) fn one_line(text: &str) -> String {
    let plain = text.replace(|c: char| c.is_control(), " ");
    let words: Vec<_> = plain.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}\u{2026}", &line[..end]),
        None => line,
    }
}
