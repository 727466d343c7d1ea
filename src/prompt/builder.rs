//! Makes the prompt.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

use super::budget::PromptBudget;
use super::window::{prefix_start, suffix_end, window};
use crate::context::{Context, ContextRequest, MinScore};
use crate::model::{
    ContextFile, ContextStyle, ControlTokens, Family, FimFormat, ModelText, PromptParts,
    source_text,
};
use crate::secrets::{Secret, Secrets};

/// How far the text before the prefix and behind the suffix is searched for secrets that
/// reach into them, in bytes: more than a name in front of its value.
const LINE_MARGIN: usize = 512;
/// The same where prefix or suffix begin or end inside a line: more than the longest
/// token.
const TOKEN_MARGIN: usize = 5 << 10;
/// The same where a private key may stand, the only secret of several lines.
const KEY_MARGIN: usize = 17 << 10;
/// What the first and the last line of a private key hold.
const KEY_LABEL: &[u8] = b"PRIVATE KEY";

/// What every prompt of a client or of a dataset is made with.
#[derive(Clone, Copy, Debug)]
pub struct PromptSettings<'a> {
    /// The budgets of the parts.
    pub budget: PromptBudget,
    /// How the context is laid out.
    pub style: ContextStyle,
    /// The family of the model.
    pub family: &'a Family,
    /// The control tokens that are neutralised in files, so that the model does not
    /// take them for real ones.
    pub control_tokens: &'a ControlTokens,
    /// The relevance threshold of the context.
    pub min_score: MinScore,
    /// Whether the context may show declarations.
    pub dependencies: bool,
    /// Whether the context may show chunks found by BM25.
    pub bm25: bool,
    /// Finds the secrets that placeholders replace; none to keep them.
    pub secrets: Option<&'a Secrets>,
}

/// A buffer without the middle, and the cursor in it.
#[derive(Clone, Copy, Debug)]
pub struct PromptBuffer<'a> {
    /// The name of the project.
    pub repo: &'a str,
    /// The key of the file.
    pub path: &'a str,
    /// All text before the cursor.
    pub before: &'a str,
    /// All text behind it.
    pub after: &'a str,
}

/// A prompt: what a model server is asked, and what a training example has before its
/// middle.
#[derive(Clone, Debug)]
pub struct Prompt<'a> {
    settings: PromptSettings<'a>,
    buffer: PromptBuffer<'a>,
    /// The files of the context.
    files: &'a [String],
    /// The context as the prompt shows it.
    pub context: Cow<'a, str>,
    /// The text before the cursor as the prompt shows it.
    pub prefix: String,
    /// The text behind the cursor as the prompt shows it.
    pub suffix: String,
    /// The byte of the text before the cursor at which the prefix begins.
    pub start: usize,
    /// The byte of the text behind the cursor at which the suffix ends.
    pub end: usize,
    /// The secrets in prefix and suffix that placeholders stand for, by their places in
    /// the buffer.
    pub hidden: Vec<Secret>,
    /// How many control tokens in context, prefix and suffix are neutralised.
    pub neutralised: [usize; 3],
}

impl<'a> PromptSettings<'a> {
    /// The request for the context at `cursor`, a byte of `content`, in the file `path`;
    /// none if the settings ask for no context.
    #[must_use]
    pub fn context_request<'b>(
        &self,
        path: &'b str,
        content: &'b str,
        cursor: usize,
    ) -> Option<ContextRequest<'b>>
    where
        'a: 'b,
    {
        self.has_context().then(|| ContextRequest {
            path,
            content,
            cursor,
            window: Some(window(content, cursor, self.budget)),
            max_chars: self.budget.context,
            min_score: self.min_score,
            dependencies: self.dependencies,
            bm25: self.bm25,
            secrets: self.secrets,
            lexed: None,
        })
    }

    /// Whether prompts have contexts.
    #[must_use]
    pub fn has_context(&self) -> bool {
        self.budget.context > 0 && (self.dependencies || self.bm25)
    }
}

impl<'a> Prompt<'a> {
    /// The prompt for `buffer` with `context`.
    #[must_use]
    pub fn new(
        settings: PromptSettings<'a>,
        buffer: PromptBuffer<'a>,
        context: &'a Context,
    ) -> Self {
        let PromptBuffer { before, after, .. } = buffer;
        let start = prefix_start(before, settings.budget.prefix);
        let end = suffix_end(after, settings.budget.suffix);
        let region = Region::new(before, after, start, end, settings.secrets);
        let tokens = settings.control_tokens;
        let (code, in_context) = tokens.neutralise(&context.text);
        let (prefix, in_prefix) = neutral(tokens, region.prefix());
        let (suffix, in_suffix) = neutral(tokens, region.suffix());
        Self {
            settings,
            buffer,
            files: &context.files,
            context: code,
            prefix,
            suffix,
            start,
            end,
            hidden: region.hidden(),
            neutralised: [in_context, in_prefix, in_suffix],
        }
    }

    /// The most characters that its context may have.
    #[must_use]
    pub fn context_budget(&self) -> usize {
        self.settings.budget.context
    }

    /// The whole prompt in the order `format`, with the family's control tokens.
    #[must_use]
    pub fn text(&self, format: FimFormat) -> ModelText {
        let PromptSettings { family, style, .. } = self.settings;
        family.prompt(&self.parts(), format, style)
    }

    /// The training example: [`Self::text`], then `middle` and the end token.
    #[must_use]
    pub fn example(&self, middle: &str, format: FimFormat) -> ModelText {
        let PromptSettings { family, style, .. } = self.settings;
        family.example(&self.parts(), middle, format, style)
    }

    /// The files of the context, for servers that add the control tokens themselves.
    #[must_use]
    pub fn context_files(&self) -> Vec<ContextFile> {
        ContextFile::all_of(&self.context, self.files)
    }

    /// The parts that the family puts together.
    #[must_use]
    pub fn parts(&self) -> PromptParts<'_> {
        PromptParts {
            context: &self.context,
            files: self.files,
            repo: self.buffer.repo,
            path: self.buffer.path,
            prefix: &self.prefix,
            suffix: &self.suffix,
        }
    }
}

/// `text` with its control tokens neutralised, and how many they are.
fn neutral(tokens: &ControlTokens, text: Cow<'_, str>) -> (String, usize) {
    match tokens.neutralise(&text) {
        (Cow::Owned(neutral), count) => (neutral, count),
        (Cow::Borrowed(_), count) => (text.into_owned(), count),
    }
}

/// The text around the cursor with its secrets: prefix, suffix and a margin on either
/// side. It has the same length however long the file is.
struct Region {
    text: String,
    secrets: Vec<Secret>,
    /// The byte of the buffer at which it begins.
    from: usize,
    /// Where the prefix begins, the cursor is and the suffix ends, in bytes of `text`.
    borders: [usize; 3],
}

impl Region {
    fn new(before: &str, after: &str, start: usize, end: usize, secrets: Option<&Secrets>) -> Self {
        let (from, to) = match secrets {
            Some(_) => (searched_from(before, start), searched_to(after, end)),
            None => (start, end),
        };
        let text = [&before[from..], &after[..to]].concat();
        let cursor = before.len() - from;
        Self {
            secrets: secrets.map_or_else(Vec::new, |secrets| secrets.find(&text)),
            text,
            from,
            borders: [start - from, cursor, cursor + end],
        }
    }

    fn prefix(&self) -> Cow<'_, str> {
        let [start, cursor, _] = self.borders;
        self.shown(start..cursor)
    }

    fn suffix(&self) -> Cow<'_, str> {
        let [_, cursor, end] = self.borders;
        self.shown(cursor..end)
    }

    /// The part as a model reads it.
    fn shown(&self, part: Range<usize>) -> Cow<'_, str> {
        source_text(&self.text, part, &self.secrets)
    }

    /// The secrets in prefix and suffix, by their places in the buffer.
    fn hidden(&self) -> Vec<Secret> {
        let [start, _, end] = self.borders;
        let hidden = crate::secrets::within(&self.secrets, start..end);
        let in_buffer = |secret: &Secret| Secret {
            range: secret.range.start + self.from..secret.range.end + self.from,
            kind: secret.kind,
        };
        hidden.map(in_buffer).collect()
    }
}

/// The byte of `before` from which secrets are searched if the prefix begins at `start`.
fn searched_from(before: &str, start: usize) -> usize {
    let bytes = before.as_bytes();
    let far = start.saturating_sub(KEY_MARGIN);
    let near_end = (start + KEY_LABEL.len()).min(bytes.len());
    let from = if memmem::find(&bytes[far..near_end], KEY_LABEL).is_some() {
        far
    } else if start == 0 || bytes[start - 1] == b'\n' {
        start.saturating_sub(LINE_MARGIN)
    } else {
        start.saturating_sub(TOKEN_MARGIN)
    };
    before.floor_char_boundary(from)
}

/// The byte of `after` up to which secrets are searched if the suffix ends at `end`.
fn searched_to(after: &str, end: usize) -> usize {
    let bytes = after.as_bytes();
    let far = (end + KEY_MARGIN).min(bytes.len());
    let near_start = end.saturating_sub(KEY_LABEL.len());
    let to = if memmem::find(&bytes[near_start..far], KEY_LABEL).is_some() {
        far
    } else if end == 0 || bytes[end - 1] == b'\n' {
        end + LINE_MARGIN
    } else {
        end + TOKEN_MARGIN
    };
    after.ceil_char_boundary(to.min(after.len()))
}
