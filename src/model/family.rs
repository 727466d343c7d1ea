//! The description of a model family: its control tokens and the order of its
//! prompts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The order of prefix and suffix in a family's own prompts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartOrder {
    /// Prefix, suffix, middle.
    #[default]
    #[serde(alias = "psm")]
    PrefixFirst,
    /// Suffix, prefix, middle.
    #[serde(alias = "spm")]
    SuffixFirst,
}

/// The order that a user wants prompts in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderChoice {
    /// The suffix first if the models of the family were trained on that, because model
    /// servers then keep most of the prompt while somebody types.
    #[default]
    Auto,
    /// This order, because the model was tuned on it.
    Fixed(FimFormat),
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
    /// Suffix, prefix, middle. With a family whose own order is prefix first,
    /// all control tokens stand around the suffix, and the middle follows the
    /// prefix directly: variant 2 of Bavarian et al. 2022.
    Spm,
}

impl fmt::Display for FimFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Psm => "psm",
            Self::Spm => "spm",
        })
    }
}

/// The layout of the cross-file context in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ContextStyle {
    /// As part of the prefix, each file under a comment with its path.
    #[default]
    Comment,
    /// As files, with the family's own tokens between them.
    Repo,
}

/// How a family separates the files of a repository. The texts may contain
/// `{repo}`, `{path}` and, in [`Self::file`], `{code}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RepoLayout {
    /// The text before all files.
    pub head: String,
    /// The text of each file of the context.
    pub file: String,
    /// The text that announces the file with the hole, behind the other files.
    pub current: String,
    /// The text between the prefix token and the prefix.
    pub before_prefix: String,
    /// Whether `head`, the files and `current` are part of the prefix. Otherwise
    /// they stand before the first control token.
    pub in_prefix: bool,
}

/// A family of models that share their fill-in-the-middle tokens. White space
/// at the ends of a token's text is not part of the control token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// The order of its own prompts.
    #[serde(default)]
    pub order: PartOrder,
    /// The control token before the prefix.
    pub prefix: String,
    /// The control token before the suffix.
    pub suffix: String,
    /// The control token before the middle; empty if the family has none.
    #[serde(default)]
    pub middle: String,
    /// The control token that ends a training example and stops a completion.
    pub end: String,
    /// Other control tokens that stop a completion.
    #[serde(default)]
    pub stops: Vec<String>,
    /// Control tokens of other kinds, which a text must not contain either.
    #[serde(default)]
    pub special: Vec<String>,
    /// How it separates files, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo: Option<RepoLayout>,
    /// The orders that its models were trained on; empty for [`Self::format`] alone.
    #[serde(default)]
    pub trained_on: Vec<FimFormat>,
    /// Where `trained_on` is from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

/// The family of a model unless another one is named.
pub const DEFAULT_FAMILY: &str = "qwen2.5-coder";

/// The description of a family makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FamilyError(String);

impl Family {
    /// The order of the parts unless a caller asks for another one.
    #[must_use]
    pub fn format(&self) -> FimFormat {
        match self.order {
            PartOrder::PrefixFirst => FimFormat::Psm,
            PartOrder::SuffixFirst => FimFormat::Spm,
        }
    }

    /// Whether its models were trained on texts in this order.
    #[must_use]
    pub fn knows(&self, format: FimFormat) -> bool {
        match &*self.trained_on {
            [] => self.format() == format,
            orders => orders.contains(&format),
        }
    }

    /// The order of a prompt for `choice`. [`Self::check_order`] tells whether the
    /// family can be asked so.
    #[must_use]
    pub fn format_for(&self, choice: OrderChoice) -> FimFormat {
        match choice {
            OrderChoice::Fixed(format) => format,
            OrderChoice::Auto if self.knows(FimFormat::Spm) => FimFormat::Spm,
            OrderChoice::Auto => self.format(),
        }
    }

    /// Checks that the family has control tokens for this order.
    ///
    /// # Errors
    /// If it has not; one line.
    pub fn check_order(&self, format: FimFormat) -> Result<(), String> {
        if format == FimFormat::Psm && self.order == PartOrder::SuffixFirst {
            return Err(format!("the family {} has the suffix first", self.name));
        }
        Ok(())
    }

    /// Whether it can be trained in the other order too. A family with the suffix
    /// first cannot.
    #[must_use]
    pub fn mixes_formats(&self) -> bool {
        self.order == PartOrder::PrefixFirst
    }

    /// The control tokens that delimit the parts, without white space at their
    /// ends. Each must be one token of the model's tokenizer.
    pub fn part_tokens(&self) -> impl Iterator<Item = &str> {
        [&self.prefix, &self.suffix, &self.middle, &self.end]
            .into_iter()
            .map(|token| token.trim())
            .filter(|token| !token.is_empty())
    }

    /// All control tokens: what a text must not contain.
    pub fn reserved(&self) -> impl Iterator<Item = &str> {
        let others = self.stops.iter().chain(&self.special);
        self.part_tokens().chain(others.map(|token| token.trim()))
    }

    /// Checks that the description makes sense.
    pub(super) fn check(&self) -> Result<(), FamilyError> {
        for (what, token) in [
            ("prefix", &self.prefix),
            ("suffix", &self.suffix),
            ("end", &self.end),
        ] {
            if token.trim().is_empty() {
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
        for format in &self.trained_on {
            self.check_order(*format)
                .map_err(|reason| FamilyError(format!("trained_on: {reason}")))?;
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
