//! What a model is asked with: made as the examples are that it was trained
//! on, of the same context, the same window of the file, the same tokens.

use std::borrow::Cow;
use std::ops::Range;

use crate::context::Context;
use crate::model::{ContextStyle, ControlTokens, Family, PromptParts};
use crate::secrets::{self, Secret};
use crate::text::window;

/// What is shown of a buffer.
#[derive(Clone, Copy, Debug)]
pub struct PromptInput<'a> {
    /// What the project is called.
    pub repo: &'a str,
    /// The key of the buffer's file.
    pub path: &'a str,
    /// The buffer's text.
    pub content: &'a str,
    /// Where the completion goes, in bytes.
    pub cursor: usize,
    /// The secrets of the text, for which placeholders stand.
    pub secrets: &'a [Secret],
    /// The most characters of context, prefix and suffix together.
    pub max_chars: usize,
}

/// A question to a model, in the two ways in which servers take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionPrompt {
    /// All of it, with the family's tokens.
    pub text: String,
    /// The context and what stands before the cursor, without tokens.
    pub before: String,
    /// What stands behind the cursor.
    pub after: String,
}

impl CompletionPrompt {
    /// What a model of `family` is asked with. Control tokens that the files
    /// spell are neutralised, so that they end nothing.
    #[must_use]
    pub fn new(
        shown: &PromptInput<'_>,
        context: &Context,
        family: &Family,
        control_tokens: &ControlTokens,
        style: ContextStyle,
    ) -> Self {
        let code = control_tokens.neutralise(&context.text).0;
        let room = shown.max_chars.saturating_sub(code.chars().count());
        let (prefix, suffix) = sides(shown, control_tokens, room);
        let parts = PromptParts {
            context: &code,
            files: &context.files,
            repo: shown.repo,
            path: shown.path,
            prefix: &prefix,
            suffix: &suffix,
        };
        let text = family.prompt(&parts, family.format(), style).text;
        Self {
            text,
            before: [&*code, &*prefix].concat(),
            after: suffix.into_owned(),
        }
    }
}

/// The text on both sides of the cursor, in at most `room` characters.
fn sides<'a>(
    shown: &PromptInput<'a>,
    control_tokens: &ControlTokens,
    room: usize,
) -> (Cow<'a, str>, Cow<'a, str>) {
    let (content, cursor) = (shown.content, shown.cursor);
    let clear = |part: Range<usize>| {
        let redacted = secrets::replace(content, part, shown.secrets);
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
        // Placeholders may be longer than what they stand for.
        let used = prefix.chars().count() + suffix.chars().count();
        if used <= room || own == 0 {
            return (prefix, suffix);
        }
        own = own.saturating_sub(used - room);
    }
}
