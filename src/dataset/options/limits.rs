//! What the options mean for the sizes of the parts of an example, and for their order.

use super::Options;
use super::check::{WrongOption, wrong};
use crate::dataset::record::SpanKind;
use crate::model::{CHARS_PER_TOKEN, Family, FimFormat, PartOrder};
use crate::prompt::{PromptBudget, PromptLimits};

/// The characters of control tokens that a limit of tokens leaves room for.
const CONTROL_CHARS: usize = 64;

impl Options {
    /// The most characters of a middle.
    #[must_use]
    pub fn max_middle_chars(&self) -> usize {
        self.limits().middle()
    }

    /// The fewest characters of a middle of `kind`.
    #[must_use]
    pub fn min_chars(&self, kind: SpanKind) -> usize {
        self.min_middle_chars.unwrap_or_else(|| kind.min_chars())
    }

    /// The fewest characters of any middle.
    fn least_chars(&self) -> usize {
        let kinds = self.mix.shares().map(|(kind, _)| self.min_chars(kind));
        kinds.min().unwrap_or(1)
    }

    /// The limits of prompts. A limit of tokens counts as the characters that so many
    /// tokens have in the source (`chars_per_token`); it depends on no example, so that
    /// each example is a prompt that `complete` would send.
    #[must_use]
    pub fn limits(&self) -> PromptLimits {
        let per_token = self.chars_per_token.unwrap_or(CHARS_PER_TOKEN);
        let in_tokens = |tokens: usize| (tokens as f64 * per_token) as usize;
        let most = self
            .max_tokens
            .map(|tokens| in_tokens(tokens).saturating_sub(CONTROL_CHARS));
        PromptLimits {
            total: most.map_or(self.max_total_chars, |most| most.min(self.max_total_chars)),
            context: self.max_context_chars,
            prefix: self.max_prefix_chars,
            suffix: self.max_suffix_chars,
        }
    }

    /// How context, prefix and suffix share the characters of a prompt.
    #[must_use]
    pub fn budget(&self) -> PromptBudget {
        self.limits().budget()
    }

    /// The characters with which each context is assembled; 0 if the options ask for
    /// no context.
    #[must_use]
    pub fn context_budget(&self) -> usize {
        if self.cross_file_context || self.bm25_context {
            self.budget().context
        } else {
            0
        }
    }

    /// The share of the examples of `family` that have the suffix first.
    #[must_use]
    pub fn suffix_first_rate(&self, family: &Family) -> f64 {
        match (family.order, self.spm_rate) {
            (PartOrder::SuffixFirst, _) => 1.0,
            (PartOrder::PrefixFirst, Some(rate)) => rate,
            (PartOrder::PrefixFirst, None) if family.knows(FimFormat::Spm) => 0.5,
            (PartOrder::PrefixFirst, None) => 0.0,
        }
    }

    /// Checks the limits of a middle.
    pub(super) fn check_middles(&self) -> Result<(), WrongOption> {
        if self.max_middle_lines == 0 {
            return wrong("max_middle_lines", "at least 1, found 0");
        }
        if self.min_middle_chars == Some(0) {
            return wrong("min_middle_chars", "at least 1, found 0");
        }
        let fewest = self.least_chars();
        if self.max_middle_chars() < fewest {
            let least = fewest.saturating_mul(4);
            let total = self.max_total_chars;
            let why = format!(
                "since a middle has at least {fewest} characters and at most a quarter of these"
            );
            return match self.max_tokens {
                Some(tokens) if total >= least => wrong(
                    "max_tokens",
                    format!("tokens for at least {least} characters, {why}; found {tokens}"),
                ),
                _ => wrong(
                    "max_total_chars",
                    format!("at least {least}, {why}; found {total}"),
                ),
            };
        }
        Ok(())
    }
}
