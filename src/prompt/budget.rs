//! How many characters each part of a prompt may have.
//!
//! Training examples and completions follow the same rule, so a model is asked
//! with the prompts that it was trained on. The budgets follow from the settings
//! alone. What one part leaves goes to no other part: otherwise the length of the
//! context, which changes with every keystroke, would move the window.

use crate::context::budget::DEFAULT_MAX_CONTEXT_CHARS;

/// The most characters of a prompt and its middle together, unless a user sets another
/// number.
pub const DEFAULT_MAX_TOTAL_CHARS: usize = 8192;

/// The most characters of a suffix, unless a user sets another number. It is short,
/// because a model server reads it again with each keystroke where it stands behind the
/// prefix.
pub const DEFAULT_MAX_SUFFIX_CHARS: usize = 320;

/// What a user sets of the budgets, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptLimits {
    /// The most characters of context, prefix, suffix and middle together.
    pub total: usize,
    /// The most characters of the cross-file context.
    pub context: usize,
    /// The most characters of the prefix; none for what the total leaves.
    pub prefix: Option<usize>,
    /// The most characters of the suffix.
    pub suffix: usize,
}

/// The budgets of the parts of a prompt, in characters of the files.
///
/// Line breaks and the placeholders of secrets may make a part longer or shorter
/// than the text that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PromptBudget {
    /// The most characters of the cross-file context.
    pub context: usize,
    /// The most characters of the file's text before the cursor.
    pub prefix: usize,
    /// The most characters of the file's text behind the cursor.
    pub suffix: usize,
}

impl Default for PromptLimits {
    fn default() -> Self {
        Self {
            total: DEFAULT_MAX_TOTAL_CHARS,
            context: DEFAULT_MAX_CONTEXT_CHARS,
            prefix: None,
            suffix: DEFAULT_MAX_SUFFIX_CHARS,
        }
    }
}

impl PromptLimits {
    /// The budgets: a quarter of the total is kept for the middle, the context has at
    /// most half, the suffix at most an eighth, and the prefix what these leave.
    #[must_use]
    pub fn budget(self) -> PromptBudget {
        let context = self.context.min(self.total / 2);
        let suffix = self.suffix.min(self.total / 8);
        let rest = self.total - self.middle() - context - suffix;
        PromptBudget {
            context,
            prefix: self.prefix.map_or(rest, |own| own.min(rest)),
            suffix,
        }
    }

    /// The most characters of the middle of a training example.
    #[must_use]
    pub fn middle(self) -> usize {
        self.total / 4
    }
}

impl PromptBudget {
    /// The most characters of the prompt.
    #[must_use]
    pub fn total(self) -> usize {
        self.context + self.prefix + self.suffix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_a_number_of_its_own() {
        let of = |total, context, prefix, suffix| {
            let limits = PromptLimits {
                total,
                context,
                prefix,
                suffix,
            };
            let budget = limits.budget();
            assert!(budget.total() + limits.middle() <= total);
            (budget.context, budget.prefix, budget.suffix)
        };
        assert_eq!(of(8192, 4096, None, 320), (4096, 1728, 320));
        assert_eq!(of(8192, 0, None, 320), (0, 5824, 320));
        assert_eq!(of(8192, 9000, Some(1000), 9000), (4096, 1000, 1024));
        assert_eq!(of(256, 4096, Some(4096), 400), (128, 32, 32));
    }
}
