//! The prompts of examples: [`Prompt`] as `complete` makes it, with the options of the
//! dataset as its settings.

use std::ops::Range;

use rand::RngExt;

use crate::cancel::{Cancel, Cancelled};
use crate::context::{Context, assemble_from};
use crate::dataset::options::{Options, SecretPolicy};
use crate::index::Snapshot;
use crate::model::Model;
use crate::php::lex::LexedText;
use crate::prompt::{Prompt, PromptBudget, PromptBuffer, PromptSettings};
use crate::secrets::Secrets;

/// What the prompts of a dataset with these options are made with.
pub(in crate::dataset) fn settings<'a>(
    options: &Options,
    budget: PromptBudget,
    model: &'a Model,
    secrets: &'a Secrets,
) -> PromptSettings<'a> {
    PromptSettings {
        budget,
        style: options.context_style,
        family: model.family(),
        control_tokens: model.family_tokens(),
        min_score: options.min_score,
        dependencies: options.cross_file_context,
        bm25: options.bm25_context,
        secrets: (options.secrets != SecretPolicy::Keep).then_some(secrets),
    }
}

/// The budget of the prompt at `hole` of the file `path`. Of some examples, as many as the
/// options ask for, the context has a quarter of its characters or none. The other parts
/// do not change.
pub(in crate::dataset) fn budget(
    options: &Options,
    path: &str,
    hole: &Range<usize>,
) -> PromptBudget {
    let mut budget = options.budget();
    budget.context = options.context_budget();
    if options.short_context > 0.0 {
        let Range { start, end } = hole;
        let mut rng = options.rng(&format!("\0context {start} {end} {path}"));
        let drawn: f64 = rng.random();
        if drawn < options.short_context / 2.0 {
            budget.context = 0;
        } else if drawn < options.short_context {
            budget.context /= 4;
        }
    }
    budget
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
