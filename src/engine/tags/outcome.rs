//! The outcome of a run: the edits of the text, or the error.

use std::ops::Range;

use crate::endpoint::EndpointError;
use crate::tags::Edit;
use crate::tags::stop::StopError;

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOutcome {
    /// The range of the tag, in bytes of the text before the run.
    pub tag: Range<usize>,
    /// The text that replaces the tag.
    pub text: String,
    /// The stop pattern that ended the text, if known: a server that stops at a
    /// pattern need not say which.
    pub stopped_by: Option<String>,
    /// The edits of the text, in order.
    pub edits: Vec<Edit>,
    /// The text after the edits.
    pub content: String,
    /// The error that cut the answer short, if the settings keep partial answers.
    pub broken: Option<EndpointError>,
}

impl RunOutcome {
    /// The end of the text that replaces the tag, in bytes of [`Self::content`].
    #[must_use]
    pub fn end(&self) -> usize {
        let mut end = 0;
        let mut at = 0;
        for edit in &self.edits {
            end += edit.start - at + edit.new_text.len();
            at = edit.end;
            if edit.end == self.tag.end {
                break;
            }
        }
        end
    }
}

/// A run failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RunError {
    /// The stop patterns cannot be compiled.
    #[error("{0}")]
    Stops(String),
    /// The model server did not answer, or not completely.
    #[error("{error}{}", lost(.partial))]
    Endpoint {
        /// The error.
        error: EndpointError,
        /// The text that had arrived.
        partial: String,
    },
}

impl RunError {
    /// The text that had arrived before the error.
    #[must_use]
    pub fn partial(&self) -> &str {
        match self {
            Self::Stops(_) => "",
            Self::Endpoint { partial, .. } => partial,
        }
    }
}

fn lost(partial: &str) -> String {
    match partial.chars().count() {
        0 => String::new(),
        chars => format!(
            "; {chars} characters had come and are not kept (keep_partial under [tags] in the \
             settings file keeps them)"
        ),
    }
}

impl From<StopError> for RunError {
    fn from(error: StopError) -> Self {
        Self::Stops(error.to_string())
    }
}
