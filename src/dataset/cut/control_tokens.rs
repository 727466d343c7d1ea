//! Control tokens of the model family in source files: their neutralisation, and
//! the check that the parts of an example spell none.

use std::borrow::Cow;

use crate::dataset::options::ControlTokenPolicy;
use crate::model::{ContextStyle, ControlTokens, ModelText, PromptParts};

/// Applies the policy for control tokens that a source file spells itself.
pub(super) struct ControlTokenFilter<'m> {
    pub(super) tokens: &'m ControlTokens,
    pub(super) policy: ControlTokenPolicy,
}

/// A text as an example shows it.
pub(super) struct FilteredText<'t> {
    pub(super) text: Cow<'t, str>,
    /// How many control tokens in it are neutralised.
    pub(super) neutralised: usize,
}

impl ControlTokenFilter<'_> {
    /// Applies the policy to `text`.
    pub(super) fn apply<'t>(&self, text: Cow<'t, str>) -> FilteredText<'t> {
        let (neutral, neutralised) = match self.policy {
            ControlTokenPolicy::Drop => (None, 0),
            ControlTokenPolicy::Neutralise => match self.tokens.neutralise(&text) {
                (Cow::Owned(neutral), count) => (Some(neutral), count),
                (Cow::Borrowed(_), count) => (None, count),
            },
        };
        FilteredText {
            text: neutral.map_or(text, Cow::Owned),
            neutralised,
        }
    }
}

impl FilteredText<'_> {
    /// Its characters.
    pub(super) fn chars(&self) -> usize {
        self.text.chars().count()
    }
}

/// Whether a part of `text` spells a control token, alone or together with what
/// stands next to it.
pub(super) fn spells_control_token(
    tokens: &ControlTokens,
    parts: &PromptParts<'_>,
    text: &ModelText,
    style: ContextStyle,
) -> bool {
    let mut own = vec![&text.prefix, &text.middle, &text.suffix];
    match style {
        ContextStyle::Comment => own.push(&text.context),
        // The text has control tokens between the files of the context, so each
        // part is searched by itself.
        ContextStyle::Repo => {
            if [parts.context, parts.repo, parts.path]
                .iter()
                .any(|part| tokens.occur_in(part))
            {
                return true;
            }
        }
    }
    tokens.find(&text.text).any(|found| {
        own.iter()
            .any(|part| part.start < found.end && found.start < part.end)
    })
}
