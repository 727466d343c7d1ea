//! The section `[completion]`: the size and the timing of completions.

use serde::{Deserialize, Deserializer};

use super::endpoint::{Endpoint, EndpointKind};
use super::values::{choice, integer};
use crate::context::budget::{CharBudget, DEFAULT_MAX_CONTEXT_CHARS, DEFAULT_MAX_TOTAL_CHARS};
use crate::model::ContextStyle;

/// The size and the timing of completions.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompletionSettings {
    /// The most tokens of a completion, unless a request has a lower limit.
    #[serde(deserialize_with = "integer::<_, _, 1, 16_384>")]
    pub max_tokens: u32,
    /// The most lines of a completion, unless a request has a lower limit.
    #[serde(deserialize_with = "integer::<_, _, 1, 1000>")]
    pub max_lines: usize,
    /// How long an automatic completion waits for a pause in the typing, in
    /// milliseconds.
    #[serde(deserialize_with = "integer::<_, _, 0, 10_000>")]
    pub debounce_ms: u64,
    /// The most characters of context, prefix and suffix together.
    #[serde(deserialize_with = "integer::<_, _, 256, 1_048_576>")]
    pub max_total_chars: usize,
    /// The most characters of the cross-file context.
    #[serde(deserialize_with = "integer::<_, _, 0, 1_048_576>")]
    pub max_context_chars: usize,
    /// How the context is laid out.
    #[serde(deserialize_with = "context_style")]
    pub context_style: ContextStyle,
}

impl Default for CompletionSettings {
    fn default() -> Self {
        Self {
            max_tokens: 256,
            max_lines: 24,
            debounce_ms: 75,
            max_total_chars: DEFAULT_MAX_TOTAL_CHARS,
            max_context_chars: DEFAULT_MAX_CONTEXT_CHARS,
            context_style: ContextStyle::default(),
        }
    }
}

impl CompletionSettings {
    /// How context, prefix and suffix share their characters.
    #[must_use]
    pub fn budget(&self) -> CharBudget {
        CharBudget {
            max_total: self.max_total_chars,
            max_context: self.max_context_chars,
        }
    }

    /// Checks that the model at `endpoint` takes contexts in this style.
    ///
    /// # Errors
    /// If it does not; the message is for the key `context_style`.
    pub(super) fn check(&self, endpoint: &Endpoint) -> Result<(), String> {
        match (self.context_style, endpoint.kind) {
            (ContextStyle::Comment, _) => Ok(()),
            (ContextStyle::Repo, EndpointKind::Completions) if endpoint.family.repo.is_some() => {
                Ok(())
            }
            (ContextStyle::Repo, EndpointKind::Completions) => Err(format!(
                "the family {} has no tokens for repositories and files; set \"comment\"",
                endpoint.family.name
            )),
            (ContextStyle::Repo, EndpointKind::Infill | EndpointKind::Ollama) => Err(
                "a server that puts its own tokens around the code takes no others; set \
                 \"comment\", or kind = \"completions\" under [endpoint]"
                    .into(),
            ),
        }
    }
}

fn context_style<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ContextStyle, D::Error> {
    let choices = [
        ("comment", ContextStyle::Comment),
        ("repo", ContextStyle::Repo),
    ];
    choice(deserializer, &choices)
}
