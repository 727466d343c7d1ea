//! How a text for a model shares its characters between the cross-file context
//! and the file's own text.
//!
//! Training examples and completions follow the same rule, so a model is asked
//! with texts of the shape that it was trained on:
//! - the context takes at most half of the total;
//! - the middle of a training example takes at most a quarter;
//! - prefix and suffix share the rest.

/// The most characters of a whole text, unless a user sets another number.
pub const DEFAULT_MAX_TOTAL_CHARS: usize = 8192;

/// The most characters of a cross-file context, unless a request or a user sets
/// another number.
pub const DEFAULT_MAX_CONTEXT_CHARS: usize = 4096;

/// What a user sets of the budget, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CharBudget {
    /// The most characters of context, prefix, middle and suffix together.
    pub max_total: usize,
    /// The most characters of the cross-file context.
    pub max_context: usize,
}

impl CharBudget {
    /// The characters that a context is assembled with.
    #[must_use]
    pub fn context(self) -> usize {
        self.max_context.min(self.max_total / 2)
    }

    /// The most characters of the middle of a training example.
    #[must_use]
    pub fn middle(self) -> usize {
        self.max_total / 4
    }
}
