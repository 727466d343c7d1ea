//! The check that the parts of an example spell no control token of the model.

use crate::model::{ContextStyle, ControlTokens, ModelText, PromptParts};

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
