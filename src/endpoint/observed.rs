//! What the stream of an answer shows of the server.

use super::ServerWork;

/// What a request has shown of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Observed {
    /// Milliseconds from the request to the first text; none without a text.
    pub first_token_ms: Option<f64>,
    /// The characters that came behind the first text, and in how many milliseconds.
    pub written: (usize, f64),
    /// The server's work, if it says so.
    pub work: Option<ServerWork>,
}

impl Observed {
    /// Notes that a text of `chars` characters has come, `ms` milliseconds after the
    /// request.
    pub fn text(&mut self, chars: usize, ms: f64) {
        match self.first_token_ms {
            None => self.first_token_ms = Some(ms),
            Some(first) => self.written = (self.written.0 + chars, ms - first),
        }
    }
}
