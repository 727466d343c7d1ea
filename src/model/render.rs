//! Prompts and training examples as texts, in the form that a family wants.

use std::ops::Range;

use super::family::{ContextStyle, Family, FimFormat, PartOrder, RepoLayout};
use crate::text::on_one_line;

/// The least bytes of the start of a header that code does not begin a line with.
const LEAST_HEADER: usize = 4;

/// The parts of a prompt.
#[derive(Clone, Copy, Debug)]
pub struct PromptParts<'a> {
    /// The cross-file context.
    pub context: &'a str,
    /// The file of each header in `context`, in order: see [`crate::context::Context::files`].
    pub files: &'a [String],
    /// The name of the project.
    pub repo: &'a str,
    /// The key of the file with the hole.
    pub path: &'a str,
    /// The text before the hole.
    pub prefix: &'a str,
    /// The text behind it.
    pub suffix: &'a str,
}

/// A rendered prompt or example, with the byte ranges of its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelText {
    /// The whole text.
    pub text: String,
    /// The context, with the tokens between its files.
    pub context: Range<usize>,
    /// The prefix.
    pub prefix: Range<usize>,
    /// The middle; empty in a prompt.
    pub middle: Range<usize>,
    /// The suffix.
    pub suffix: Range<usize>,
}

impl ModelText {
    /// Appends `text` and returns its range.
    fn push(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }
}

impl Family {
    /// What a model writes when it goes on to another file, as contexts in this style
    /// have it: a line break and the start of a header. None if a control token stands
    /// there, or nothing that code could not begin a line with.
    #[must_use]
    pub fn header_stop(&self, style: ContextStyle) -> Option<String> {
        // A character that stands in no header.
        let path = "\u{FDD0}";
        let header = match (style, &self.repo) {
            (ContextStyle::Repo, Some(repo)) => fill(&repo.file, "", path, path),
            _ => crate::context::file_header(path),
        };
        let start = header.split(path).next().unwrap_or_default();
        let is_token = self.reserved().any(|token| start.contains(token));
        (start.len() >= LEAST_HEADER && !is_token).then(|| format!("\n{start}"))
    }

    /// The prompt: everything before the middle.
    #[must_use]
    pub fn prompt(
        &self,
        parts: &PromptParts<'_>,
        format: FimFormat,
        style: ContextStyle,
    ) -> ModelText {
        let shown = parts.context.len() + parts.prefix.len() + parts.suffix.len();
        let mut out = ModelText {
            // A quarter more has room for most middles and the control tokens.
            text: String::with_capacity(shown + shown / 4),
            ..ModelText::default()
        };
        let repo = match style {
            ContextStyle::Comment => None,
            ContextStyle::Repo => self.repo.as_ref(),
        };
        if let Some(repo) = repo.filter(|repo| !repo.in_prefix) {
            push_files(&mut out, repo, parts);
        }
        match (self.order, format) {
            (PartOrder::PrefixFirst, FimFormat::Psm) => {
                out.push(&self.prefix);
                push_prefix(&mut out, repo, parts);
                out.push(&self.suffix);
                out.suffix = out.push(parts.suffix);
                out.push(&self.middle);
            }
            (PartOrder::PrefixFirst, FimFormat::Spm) => {
                let token = self.prefix.trim_end();
                out.push(token);
                out.push(&self.suffix);
                out.suffix = out.push(parts.suffix);
                out.push(&self.middle);
                // The white space before the prefix moves with it.
                out.push(&self.prefix[token.len()..]);
                push_prefix(&mut out, repo, parts);
            }
            (PartOrder::SuffixFirst, _) => {
                out.push(&self.suffix);
                out.suffix = out.push(parts.suffix);
                out.push(&self.prefix);
                push_prefix(&mut out, repo, parts);
                out.push(&self.middle);
            }
        }
        out
    }

    /// The training example: the prompt, `middle` and the end token.
    #[must_use]
    pub fn example(
        &self,
        parts: &PromptParts<'_>,
        middle: &str,
        format: FimFormat,
        style: ContextStyle,
    ) -> ModelText {
        let mut out = self.prompt(parts, format, style);
        out.middle = out.push(middle);
        out.push(&self.end);
        out
    }
}

/// Appends the context, unless it stands further ahead, and the prefix.
fn push_prefix(out: &mut ModelText, repo: Option<&RepoLayout>, parts: &PromptParts<'_>) {
    match repo {
        None => out.context = out.push(parts.context),
        Some(repo) => {
            if repo.in_prefix {
                push_files(out, repo, parts);
            }
            out.push(&fill(&repo.before_prefix, parts.repo, parts.path, ""));
        }
    }
    out.prefix = out.push(parts.prefix);
}

/// Appends the context as files.
fn push_files(out: &mut ModelText, repo: &RepoLayout, parts: &PromptParts<'_>) {
    let start = out.text.len();
    out.push(&fill(&repo.head, parts.repo, parts.path, ""));
    for (path, code) in sections(parts.context, parts.files) {
        out.push(&fill(&repo.file, parts.repo, path, code));
    }
    out.push(&fill(&repo.current, parts.repo, parts.path, ""));
    out.context = start..out.text.len();
}

/// `template` with its fields filled in. Fields inside a value are not filled in.
pub(super) fn fill(template: &str, repo: &str, path: &str, code: &str) -> String {
    let (repo, path) = (&*on_one_line(repo), &*on_one_line(path));
    let mut out = String::with_capacity(template.len() + code.len() + path.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let fields = [("{repo}", repo), ("{path}", path), ("{code}", code)];
        let field = fields.into_iter().find(|(name, _)| rest.starts_with(name));
        let (name, value) = field.unwrap_or(("{", "{"));
        out.push_str(value);
        rest = &rest[name.len()..];
    }
    out.push_str(rest);
    out
}

/// What a context shows of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextFile {
    /// The file's key; empty for text above the first header.
    pub path: String,
    /// The header with its line break; empty for text above the first one.
    pub header: String,
    /// The text under it.
    pub text: String,
}

impl ContextFile {
    /// The files of `context`, whose headers name `files` in this order. Headers and
    /// texts together are the context.
    #[must_use]
    pub fn all_of(context: &str, files: &[String]) -> Vec<Self> {
        let sections = sections(context, files);
        let under: usize = sections
            .iter()
            .map(|(path, text)| crate::context::file_header(path).len() + text.len())
            .sum();
        let above = &context[..context.len() - under];
        let above = (!above.is_empty()).then(|| Self {
            path: String::new(),
            header: String::new(),
            text: above.to_owned(),
        });
        let files = sections.into_iter().map(|(path, text)| Self {
            path: path.to_owned(),
            header: crate::context::file_header(path),
            text: text.to_owned(),
        });
        above.into_iter().chain(files).collect()
    }
}

/// The files of a context, each with the text under its header. The function
/// searches for the headers of `files` in their order, so a comment in the code
/// that looks like a header is not taken for one.
fn sections<'a>(context: &'a str, files: &'a [String]) -> Vec<(&'a str, &'a str)> {
    let mut starts: Vec<(usize, usize, &str)> = Vec::new();
    let mut from = 0;
    for path in files {
        let header = crate::context::file_header(path);
        let found = memchr::memmem::find_iter(&context.as_bytes()[from..], header.as_bytes())
            .map(|at| from + at)
            .find(|at| *at == 0 || context.as_bytes()[at - 1] == b'\n');
        if let Some(at) = found {
            from = at + header.len();
            starts.push((at, from, path));
        }
    }
    let ends = starts.iter().skip(1).map(|(header, ..)| *header);
    let ends: Vec<_> = ends.chain([context.len()]).collect();
    let with_end = starts.into_iter().zip(ends);
    with_end
        .map(|((_, start, path), end)| (path, &context[start..end]))
        .collect()
}
