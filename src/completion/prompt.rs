//! The prompt for a completion. It is made like a training example: of the same
//! context, the same window of the file and the same control tokens.

use std::borrow::Cow;
use std::ops::Range;

use crate::context::Context;
use crate::model::{
    ContextFile, ContextStyle, ControlTokens, Family, ModelText, PromptParts, source_text,
};
use crate::secrets::Secret;
use crate::text::window;

/// The buffer and the settings from which a prompt is made.
#[derive(Clone, Copy, Debug)]
pub struct PromptInput<'a> {
    /// The name of the project.
    pub repo: &'a str,
    /// The key of the buffer's file.
    pub path: &'a str,
    /// The buffer's text.
    pub content: &'a str,
    /// The cursor, in bytes.
    pub cursor: usize,
    /// The secrets of the text. The prompt has placeholders for them.
    pub secrets: &'a [Secret],
    /// The most characters of context, prefix and suffix together.
    pub max_chars: usize,
}

/// A prompt in the two forms that model servers take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionPrompt {
    /// The whole prompt, with the family's control tokens.
    pub text: ModelText,
    /// The files of the context.
    pub context: Vec<ContextFile>,
    /// The text before the cursor, without control tokens.
    pub before: String,
    /// The text behind the cursor.
    pub after: String,
}

impl CompletionPrompt {
    /// The prompt for a model of `family`. Control tokens in the files are
    /// neutralised, so that the model does not take them for real ones.
    #[must_use]
    pub fn new(
        input: &PromptInput<'_>,
        context: &Context,
        family: &Family,
        control_tokens: &ControlTokens,
        style: ContextStyle,
    ) -> Self {
        let code = control_tokens.neutralise(&context.text).0;
        let room = input.max_chars.saturating_sub(code.chars().count());
        let (prefix, suffix) = sides(input, control_tokens, room);
        let parts = PromptParts {
            context: &code,
            files: &context.files,
            repo: input.repo,
            path: input.path,
            prefix: &prefix,
            suffix: &suffix,
        };
        let text = family.prompt(&parts, family.format(), style);
        Self {
            text,
            context: ContextFile::all_of(&code, &context.files),
            before: prefix.into_owned(),
            after: suffix.into_owned(),
        }
    }
}

/// The text on both sides of the cursor, in at most `room` characters.
fn sides<'a>(
    input: &PromptInput<'a>,
    control_tokens: &ControlTokens,
    room: usize,
) -> (Cow<'a, str>, Cow<'a, str>) {
    let (content, cursor) = (input.content, input.cursor);
    let clear = |part: Range<usize>| {
        let redacted = source_text(content, part, input.secrets);
        match control_tokens.neutralise(&redacted) {
            (Cow::Owned(neutral), _) => Cow::Owned(neutral),
            (Cow::Borrowed(_), _) => redacted,
        }
    };
    let count = |part: Range<usize>| content[part].chars().count();
    let mut own = room;
    loop {
        let window = window(content, &(cursor..cursor), own, count);
        let (prefix, suffix) = (clear(window.start..cursor), clear(cursor..window.end));
        // A placeholder may be longer than its secret.
        let used = prefix.chars().count() + suffix.chars().count();
        if used <= room || own == 0 {
            return (prefix, suffix);
        }
        own = own.saturating_sub(used - room);
    }
}
