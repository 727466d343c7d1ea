//! Finding FIM tags and making their prompts.

use serde::{Deserialize, Serialize};

use super::stops;
use crate::config::Settings;
use crate::endpoint::{ModelPrompt, ModelRequest};
use crate::tags::{Fault, Fim, Tag, TagKind, TagPrompt, Tags};
use crate::text::{TextPosition, with_newlines};

/// What the model is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptMode {
    /// Fill in the text between a prefix and a suffix.
    Fim,
    /// Continue the text before the tag.
    Completion,
}

/// A tag that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// There is no tag.
    #[error("no tag at {}; the position must be in a tag or right behind it", .position.in_words())]
    NoTag {
        /// Where the tag was expected.
        position: TextPosition,
    },
    /// The tag is not a FIM tag.
    #[error("{position}: this is a {kind} tag; only tags such as [[[100]]] generate text")]
    NotFim {
        /// The start of the tag.
        position: TextPosition,
        /// The kind of the tag.
        kind: &'static str,
    },
    /// The tag is malformed.
    #[error("{position}: {message}; {hint}")]
    Invalid {
        /// The position of the fault.
        position: TextPosition,
        /// What was expected and what was found.
        message: String,
        /// How to correct it.
        hint: &'static str,
    },
}

/// A FIM tag with its prompt, ready to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedRun {
    /// The text with the tag.
    pub(super) content: String,
    /// The options of the tag and the text around it.
    pub prompt: TagPrompt,
    /// The control tokens of the model's family: text that no document gets.
    pub(super) control_tokens: Vec<String>,
    /// The cross-file context before the prefix; may be empty.
    pub context: String,
    /// The request to the model server.
    pub request: ModelRequest,
    /// The prompt as one text, if the server is sent one text.
    pub sent: Option<String>,
}

impl PreparedRun {
    /// What the model is to do.
    #[must_use]
    pub fn mode(&self) -> PromptMode {
        match self.request.prompt {
            ModelPrompt::Plain(_) => PromptMode::Completion,
            ModelPrompt::Fim { .. } | ModelPrompt::Code { .. } => PromptMode::Fim,
        }
    }

    /// The text with the tag.
    #[must_use]
    pub fn content(&self) -> &str {
        &self.content
    }
}

/// The FIM tag of `text` that contains the byte `at` or ends right before it.
///
/// # Errors
/// If there is no tag, or it is not a FIM tag, or it is malformed.
pub fn fim_at<'t>(text: &str, tags: &'t Tags, at: usize) -> Result<(&'t Tag, &'t Fim), TagError> {
    let tag = tags.at(at).ok_or_else(|| TagError::NoTag {
        position: TextPosition::line_column(text, at),
    })?;
    fim(text, tag).map(|fim| (tag, fim))
}

/// The FIM tag `tag` of `text`.
///
/// # Errors
/// If it is not a FIM tag, or it is malformed.
pub(super) fn fim<'t>(text: &str, tag: &'t Tag) -> Result<&'t Fim, TagError> {
    let kind = match &tag.kind {
        TagKind::Fim(fim) => return Ok(fim),
        TagKind::Invalid(Fault { message, at, hint }) => {
            return Err(TagError::Invalid {
                position: TextPosition::line_column(text, tag.range.start + at),
                message: message.clone(),
                hint,
            });
        }
        kind => kind.name(),
    };
    Err(TagError::NotFim {
        position: TextPosition::line_column(text, tag.range.start),
        kind,
    })
}

/// Makes the prompt of the FIM tag of `content` at the byte `at`, for the model
/// server of `settings`. `context`, which may be empty, goes before the prefix.
///
/// # Errors
/// As [`fim_at`].
pub fn prepare(
    content: String,
    at: usize,
    settings: &Settings,
    context: String,
) -> Result<PreparedRun, TagError> {
    let Settings { endpoint, tags, .. } = settings;
    let parsed = Tags::parse(&content);
    let (tag, fim) = fim_at(&content, &parsed, at)?;
    let prompt = TagPrompt::new(&content, &parsed, tag, fim, tags.strip_inner);
    // Models are trained on `\n`, and the context has it.
    let before = with_newlines([&*context, &*prompt.window.before].concat().into());
    let after = with_newlines(prompt.window.after.as_str().into());
    let control_tokens: Vec<_> = endpoint.family.reserved().map(String::from).collect();
    let request = ModelRequest {
        prompt: ModelPrompt::new(endpoint, before.into_owned(), after.into_owned()),
        max_tokens: prompt.max_tokens,
        temperature: prompt.temperature,
        top_p: prompt.top_p,
        seed: None,
        stop: stops::for_server(&stops::plain(&prompt.stops), &control_tokens),
        max_write_ms: None,
        slot: None,
        lora: Vec::new(),
    };
    Ok(PreparedRun {
        sent: request.prompt.text(endpoint),
        content,
        control_tokens,
        prompt,
        context,
        request,
    })
}
