//! The section `[completion]`: the size and the timing of completions.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

use super::endpoint::{Endpoint, EndpointKind};
use super::values::{choice, name, some_flag, some_integer};
use crate::context::budget::DEFAULT_MAX_CONTEXT_CHARS;
use crate::model::{ContextStyle, FimFormat, OrderChoice};
use crate::prompt::{
    DEFAULT_MAX_SUFFIX_CHARS, DEFAULT_MAX_TOTAL_CHARS, PromptBudget, PromptLimits,
};

/// The size and the timing of completions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionSettings {
    /// The most tokens of a completion, unless a request has a lower limit.
    pub max_tokens: u32,
    /// The most lines of a completion, unless a request has a lower limit.
    pub max_lines: usize,
    /// How long an automatic completion waits for a pause in the typing, in
    /// milliseconds.
    pub debounce_ms: u64,
    /// The most characters of context, prefix, suffix and the longest middle together.
    pub max_total_chars: usize,
    /// The most characters of the cross-file context.
    pub max_context_chars: usize,
    /// The most characters of the prefix; none for what the total leaves.
    pub max_prefix_chars: Option<usize>,
    /// The most characters of the suffix.
    pub max_suffix_chars: usize,
    /// How the context is laid out.
    pub context_style: ContextStyle,
    /// The order of prefix and suffix in prompts.
    pub order: OrderChoice,
    /// In which time the model server is to have read a prompt and written a line, in
    /// milliseconds; none for prompts of one size.
    pub target_ms: Option<u64>,
    /// The file that tells what the model was tuned for, as
    /// [`Settings::check_tuned`](super::Settings::check_tuned) reads it; none if the model
    /// was not tuned on a dataset.
    pub tuned: Option<PathBuf>,
    /// Whether a server that keeps what it has read may read a prompt before a
    /// completion is asked for.
    pub read_ahead: bool,
}

impl Default for CompletionSettings {
    fn default() -> Self {
        Self {
            max_tokens: 256,
            max_lines: 24,
            debounce_ms: 75,
            max_total_chars: DEFAULT_MAX_TOTAL_CHARS,
            max_context_chars: DEFAULT_MAX_CONTEXT_CHARS,
            max_prefix_chars: None,
            max_suffix_chars: DEFAULT_MAX_SUFFIX_CHARS,
            context_style: ContextStyle::default(),
            order: OrderChoice::default(),
            target_ms: None,
            tuned: None,
            read_ahead: true,
        }
    }
}

impl CompletionSettings {
    /// How context, prefix and suffix share the characters of a prompt.
    #[must_use]
    pub fn budget(&self) -> PromptBudget {
        self.limits().budget()
    }

    /// What is set of the budgets.
    #[must_use]
    pub fn limits(&self) -> PromptLimits {
        PromptLimits {
            total: self.max_total_chars,
            context: self.max_context_chars,
            prefix: self.max_prefix_chars,
            suffix: self.max_suffix_chars,
        }
    }

    /// Checks that the model at `endpoint` takes prompts in this order, and contexts in
    /// this style.
    ///
    /// # Errors
    /// If it does not: the key, and the message for it.
    pub(super) fn check(&self, endpoint: &Endpoint) -> Result<(), (&'static str, String)> {
        if let OrderChoice::Fixed(format) = self.order {
            let check = endpoint.family.check_order(format);
            check.map_err(|why| ("order", format!("{why}; set \"auto\" or \"spm\"")))?;
        }
        self.check_style(endpoint)
            .map_err(|why| ("context_style", why))
    }

    fn check_style(&self, endpoint: &Endpoint) -> Result<(), String> {
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

/// The section as it is written, in the settings file or in a client's settings: what
/// is not written is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CompletionSection {
    #[serde(deserialize_with = "some_integer::<_, _, 1, 16_384>")]
    max_tokens: Option<u32>,
    #[serde(deserialize_with = "some_integer::<_, _, 1, 1000>")]
    max_lines: Option<usize>,
    #[serde(deserialize_with = "some_integer::<_, _, 0, 10_000>")]
    debounce_ms: Option<u64>,
    #[serde(deserialize_with = "some_integer::<_, _, 256, 1_048_576>")]
    max_total_chars: Option<usize>,
    #[serde(deserialize_with = "some_integer::<_, _, 0, 1_048_576>")]
    max_context_chars: Option<usize>,
    #[serde(deserialize_with = "some_integer::<_, _, 0, 1_048_576>")]
    max_prefix_chars: Option<usize>,
    #[serde(deserialize_with = "some_integer::<_, _, 0, 1_048_576>")]
    max_suffix_chars: Option<usize>,
    #[serde(deserialize_with = "context_style")]
    context_style: Option<ContextStyle>,
    #[serde(deserialize_with = "order")]
    order: Option<OrderChoice>,
    #[serde(deserialize_with = "some_integer::<_, _, 50, 60_000>")]
    target_ms: Option<u64>,
    #[serde(deserialize_with = "name")]
    tuned: Option<String>,
    #[serde(deserialize_with = "some_flag")]
    read_ahead: Option<bool>,
}

impl CompletionSection {
    /// `base` with what the section sets.
    pub(super) fn over(self, base: &CompletionSettings) -> CompletionSettings {
        CompletionSettings {
            max_tokens: self.max_tokens.unwrap_or(base.max_tokens),
            max_lines: self.max_lines.unwrap_or(base.max_lines),
            debounce_ms: self.debounce_ms.unwrap_or(base.debounce_ms),
            max_total_chars: self.max_total_chars.unwrap_or(base.max_total_chars),
            max_context_chars: self.max_context_chars.unwrap_or(base.max_context_chars),
            max_prefix_chars: self.max_prefix_chars.or(base.max_prefix_chars),
            max_suffix_chars: self.max_suffix_chars.unwrap_or(base.max_suffix_chars),
            context_style: self.context_style.unwrap_or(base.context_style),
            order: self.order.unwrap_or(base.order),
            target_ms: self.target_ms.or(base.target_ms),
            tuned: self.tuned.map(PathBuf::from).or_else(|| base.tuned.clone()),
            read_ahead: self.read_ahead.unwrap_or(base.read_ahead),
        }
    }
}

fn context_style<'de, D>(deserializer: D) -> Result<Option<ContextStyle>, D::Error>
where
    D: Deserializer<'de>,
{
    let choices = [
        ("comment", ContextStyle::Comment),
        ("repo", ContextStyle::Repo),
    ];
    choice(deserializer, &choices).map(Some)
}

fn order<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OrderChoice>, D::Error> {
    let choices = [
        ("auto", OrderChoice::Auto),
        ("psm", OrderChoice::Fixed(FimFormat::Psm)),
        ("spm", OrderChoice::Fixed(FimFormat::Spm)),
    ];
    choice(deserializer, &choices).map(Some)
}
