//! What models want to be shown: the fill-in-the-middle tokens of their
//! families, the order of the parts, and how files of a repository are told
//! apart. One description gives both texts: a prompt, and for training the
//! same prompt followed by the middle and the end token.
//!
//! Nothing follows the last marker of a prompt: a stray newline would become
//! part of the completion.
//!
//! # Where the context stands
//! - [`ContextStyle::Comment`]: as it is, right before the prefix, wherever
//!   the prefix stands. Any model can read that.
//! - [`ContextStyle::Repo`]: taken apart into files and joined again with the
//!   family's own tokens. What `getContext` answers has no style: its caller
//!   makes the prompt.

mod builtin;
mod control_tokens;
mod tokens;

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use self::control_tokens::ControlTokens;
pub use self::tokens::{CHARS_PER_TOKEN, Model, TokenCounts, TokenizerError};

/// In which order a family's own prompts have prefix and suffix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartOrder {
    /// Prefix, suffix, middle.
    #[default]
    PrefixFirst,
    /// Suffix, prefix, middle.
    SuffixFirst,
}

/// The order of the parts in one text.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum FimFormat {
    /// Prefix, suffix, middle.
    #[default]
    Psm,
    /// Suffix, prefix, middle. A family whose own order is prefix first then
    /// has all its markers around the suffix, and prefix and middle in a row:
    /// variant 2 of Bavarian et al. 2022.
    Spm,
}

/// How the cross-file context is laid out in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ContextStyle {
    /// As part of the prefix, each file under a comment with its path.
    #[default]
    Comment,
    /// With the family's own tokens between files.
    Repo,
}

/// How a family tells the files of a repository apart. The texts may hold
/// `{repo}`, `{path}` and, in [`Self::file`], `{code}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RepoLayout {
    /// Ahead of all files.
    pub head: String,
    /// For each file of the context.
    pub file: String,
    /// What announces the file with the hole, behind the others.
    pub current: String,
    /// Right before the prefix, behind its marker.
    pub before_prefix: String,
    /// Whether `head`, the files and `current` are part of the prefix. Else
    /// they stand ahead of the first marker.
    pub in_prefix: bool,
}

/// A family of models that share their fill-in-the-middle tokens. White space
/// around a marker belongs to the text, not to the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// The order of its own prompts.
    #[serde(default)]
    pub order: PartOrder,
    /// The marker before the prefix.
    pub prefix: String,
    /// The marker before the suffix.
    pub suffix: String,
    /// The marker before the middle; empty if the family has none.
    #[serde(default)]
    pub middle: String,
    /// What ends a training example, and stops a completion.
    pub end: String,
    /// What else stops a completion.
    #[serde(default)]
    pub stops: Vec<String>,
    /// Other control tokens, which a text must not spell either.
    #[serde(default)]
    pub special: Vec<String>,
    /// How it tells files apart, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<RepoLayout>,
}

/// The family of a model of which nothing else is said.
pub const DEFAULT_FAMILY: &str = "qwen2.5-coder";

impl Default for Family {
    /// [`DEFAULT_FAMILY`].
    fn default() -> Self {
        builtin::qwen()
    }
}

/// What a text is made of.
#[derive(Clone, Copy, Debug)]
pub struct PromptParts<'a> {
    /// The cross-file context.
    pub context: &'a str,
    /// The file of each header in `context`, in order: see [`crate::context::Context::files`].
    pub files: &'a [String],
    /// What the project is called.
    pub repo: &'a str,
    /// The key of the file with the hole.
    pub path: &'a str,
    /// The text before the hole.
    pub prefix: &'a str,
    /// The text behind it.
    pub suffix: &'a str,
}

/// A text, and where in it its parts are, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelText {
    /// All of it.
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
    fn push(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }
}

/// A family cannot be what it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FamilyError(String);

impl Family {
    /// The order of the parts unless another is asked for.
    #[must_use]
    pub fn format(&self) -> FimFormat {
        match self.order {
            PartOrder::PrefixFirst => FimFormat::Psm,
            PartOrder::SuffixFirst => FimFormat::Spm,
        }
    }

    /// Whether it can be trained in the other order too. A family that has the
    /// suffix first has no other.
    #[must_use]
    pub fn mixes_formats(&self) -> bool {
        self.order == PartOrder::PrefixFirst
    }

    /// What a model is asked with: everything up to where the middle begins.
    #[must_use]
    pub fn prompt(
        &self,
        parts: &PromptParts<'_>,
        format: FimFormat,
        style: ContextStyle,
    ) -> ModelText {
        let shown = parts.context.len() + parts.prefix.len() + parts.suffix.len();
        let mut out = ModelText {
            // Most middles and tokens fit in a quarter.
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
                let marker = self.prefix.trim_end();
                out.push(marker);
                out.push(&self.suffix);
                out.suffix = out.push(parts.suffix);
                out.push(&self.middle);
                // The white space before the prefix moves with it.
                out.push(&self.prefix[marker.len()..]);
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

    /// What a model is trained with: the prompt, `middle` and the end token.
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

    /// The control tokens that delimit the parts, each of which must be one
    /// token of the model's tokenizer; without the white space around them.
    pub fn markers(&self) -> impl Iterator<Item = &str> {
        [&self.prefix, &self.suffix, &self.middle, &self.end]
            .into_iter()
            .map(|marker| marker.trim())
            .filter(|marker| !marker.is_empty())
    }

    /// Everything that a text must not spell.
    pub fn reserved(&self) -> impl Iterator<Item = &str> {
        let others = self.stops.iter().chain(&self.special);
        self.markers().chain(others.map(|token| token.trim()))
    }

    fn check(&self) -> Result<(), FamilyError> {
        for (what, marker) in [
            ("prefix", &self.prefix),
            ("suffix", &self.suffix),
            ("end", &self.end),
        ] {
            if marker.trim().is_empty() {
                return Err(FamilyError(format!(
                    "{what}: expected a marker, found none"
                )));
            }
        }
        if self.middle.trim().is_empty() && self.order == PartOrder::PrefixFirst {
            return Err(FamilyError(
                "middle: expected a marker, since the suffix comes right before the middle".into(),
            ));
        }
        if let Some(short) = self.reserved().find(|token| token.chars().count() < 2) {
            return Err(FamilyError(format!(
                "expected tokens of two characters or more, found {short:?}"
            )));
        }
        if let Some(repo) = &self.repo
            && !repo.file.contains("{code}")
        {
            return Err(FamilyError(
                "repo.file: expected a text with {code} in it".into(),
            ));
        }
        Ok(())
    }
}

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

fn push_files(out: &mut ModelText, repo: &RepoLayout, parts: &PromptParts<'_>) {
    let start = out.text.len();
    out.push(&fill(&repo.head, parts.repo, parts.path, ""));
    for (path, code) in sections(parts.context, parts.files) {
        out.push(&fill(&repo.file, parts.repo, path, code));
    }
    out.push(&fill(&repo.current, parts.repo, parts.path, ""));
    out.context = start..out.text.len();
}

/// `template` with its fields filled in, once: a value is not looked at again.
fn fill(template: &str, repo: &str, path: &str, code: &str) -> String {
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

/// The files of a context, each with what stands under its header. The headers
/// are those of `files`, one after the other, so that a comment in the code
/// that looks like a header is none.
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

/// The families that there are: those of fimd, and those of the settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Families(Vec<Family>);

impl Default for Families {
    fn default() -> Self {
        Self(builtin::families())
    }
}

impl Families {
    /// Adds one, or puts it in the place of one of that name.
    ///
    /// # Errors
    /// If its description makes no sense.
    pub fn add(&mut self, family: Family) -> Result<(), FamilyError> {
        family.check()?;
        match self.0.iter_mut().find(|known| known.name == family.name) {
            Some(known) => *known = family,
            None => self.0.push(family),
        }
        Ok(())
    }

    /// The family of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Family> {
        self.iter().find(|family| family.name == name)
    }

    /// All of them, fimd's own first.
    pub fn iter(&self) -> impl Iterator<Item = &Family> {
        self.0.iter()
    }

    /// The names of those for which `wanted` holds, for an error message.
    pub fn names(&self, wanted: impl Fn(&Family) -> bool) -> String {
        let names = self.iter().filter(|family| wanted(family));
        let names: Vec<_> = names.map(|family| family.name.as_str()).collect();
        names.join(", ")
    }
}

impl fmt::Display for FimFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Psm => "psm",
            Self::Spm => "spm",
        })
    }
}

#[cfg(test)]
mod tests;
