//! The prompts of examples: [`Prompt`] as `complete` makes it, with the options of the
//! dataset as its settings.

use crate::cancel::{Cancel, Cancelled};
use crate::context::{Context, assemble_from};
use crate::dataset::options::{Options, SecretPolicy};
use crate::index::Snapshot;
use crate::model::Model;
use crate::php::lex::LexedText;
use crate::prompt::{Prompt, PromptBuffer, PromptSettings};
use crate::secrets::Secrets;

/// What the prompts of a dataset with these options are made with.
pub(in crate::dataset) fn settings<'a>(
    options: &Options,
    model: &'a Model,
    secrets: &'a Secrets,
) -> PromptSettings<'a> {
    PromptSettings {
        budget: options.budget(),
        style: options.context_style,
        family: model.family(),
        control_tokens: model.family_tokens(),
        min_score: options.min_score,
        dependencies: options.cross_file_context,
        bm25: options.bm25_context,
        secrets: (options.secrets != SecretPolicy::Keep).then_some(secrets),
    }
}

/// The context for `buffer` if its text was typed from byte `start` on. The buffer may be
/// `lexed` without the hole.
pub(in crate::dataset) fn context(
    settings: &PromptSettings<'_>,
    snapshot: &Snapshot,
    buffer: &PromptBuffer<'_>,
    start: usize,
    lexed: Option<&LexedText<'_>>,
    cancel: &Cancel,
) -> Result<Context, Cancelled> {
    let PromptBuffer {
        path,
        before,
        after,
        ..
    } = *buffer;
    let content = [before, after].concat();
    match settings.context_request(path, &content, before.len()) {
        Some(mut request) => {
            request.lexed = lexed;
            assemble_from(start, snapshot, &request, cancel)
        }
        None => Ok(Context::default()),
    }
}

/// How many control tokens are neutralised in all of `prompt`.
pub(in crate::dataset) fn neutralised(prompt: &Prompt<'_>) -> usize {
    prompt.neutralised.iter().sum()
}
