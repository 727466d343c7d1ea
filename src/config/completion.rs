//! The section `[completion]`: how code is completed.

use toml_edit::TableLike;

use super::section::{Section, Wrong};
use super::{Endpoint, EndpointKind};
use crate::context::budget::{CharBudget, DEFAULT_MAX_CONTEXT_CHARS, DEFAULT_MAX_TOTAL_CHARS};
use crate::model::ContextStyle;

/// How code is completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionSettings {
    /// The most tokens that a model is asked for, unless a request says less.
    pub max_tokens: u32,
    /// The most lines that are shown, unless a request says less.
    pub max_lines: usize,
    /// How long it must be quiet before a model is asked of its own accord, in
    /// milliseconds.
    pub debounce_ms: u64,
    /// The most characters of context, prefix and suffix together.
    pub max_total_chars: usize,
    /// The most characters of the cross-file context.
    pub max_context_chars: usize,
    /// How the context is laid out.
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
    const KEYS: [&str; 6] = [
        "max_tokens",
        "max_lines",
        "debounce_ms",
        "max_total_chars",
        "max_context_chars",
        "context_style",
    ];

    /// How context, prefix and suffix share their characters.
    #[must_use]
    pub fn budget(&self) -> CharBudget {
        CharBudget {
            max_total: self.max_total_chars,
            max_context: self.max_context_chars,
        }
    }
}

/// What the section says of completions by the model at `endpoint`.
pub(super) fn read(
    table: &dyn TableLike,
    endpoint: &Endpoint,
) -> Result<CompletionSettings, Wrong> {
    let section = Section::new("completion", table, &CompletionSettings::KEYS)?;
    let default = CompletionSettings::default();
    let style = section.get("context_style", r#""comment" or "repo""#, |item| {
        Some(match item.as_str()? {
            "comment" => ContextStyle::Comment,
            "repo" => ContextStyle::Repo,
            _ => return None,
        })
    })?;
    if style == Some(ContextStyle::Repo) {
        let family = &endpoint.family;
        let what = match endpoint.kind {
            EndpointKind::Completions if family.repo.is_some() => None,
            EndpointKind::Completions => Some(format!(
                "the family {} has no tokens for repositories and files; set \"comment\"",
                family.name
            )),
            EndpointKind::Infill | EndpointKind::Ollama => Some(
                "a server that puts its own tokens around the code takes no others; set \
                 \"comment\", or kind = \"completions\" under [endpoint]"
                    .into(),
            ),
        };
        if let Some(what) = what {
            return Err(section.wrong("context_style", what));
        }
    }
    Ok(CompletionSettings {
        max_tokens: section
            .integer("max_tokens", &(1..=16_384))?
            .unwrap_or(default.max_tokens),
        max_lines: section
            .integer("max_lines", &(1..=1000))?
            .unwrap_or(default.max_lines),
        debounce_ms: section
            .integer("debounce_ms", &(0..=10_000))?
            .unwrap_or(default.debounce_ms),
        max_total_chars: section
            .integer("max_total_chars", &(256..=1 << 20))?
            .unwrap_or(default.max_total_chars),
        max_context_chars: section
            .integer("max_context_chars", &(0..=1 << 20))?
            .unwrap_or(default.max_context_chars),
        context_style: style.unwrap_or(default.context_style),
    })
}
