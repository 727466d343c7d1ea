//! The numbers of tokens of a text.

use serde::{Deserialize, Serialize};

/// Characters of PHP per token, where neither the source nor a tokenizer is at hand to
/// measure them. Measured with Qwen2.5's tokenizer: 2.7 in symfony, 3.0 in zabbix, 3.5
/// in wordpress and mediawiki, 3.7 in cacti, 4.3 in phpmyadmin. The value is lower than
/// all of these, so that few texts have more tokens than estimated.
pub const CHARS_PER_TOKEN: f64 = 2.6;

/// A tokenizer that cannot be used; one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TokenizerError(pub(super) String);

/// The numbers of tokens of the parts of a text. A token counts for the part in
/// which it begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCounts {
    /// Of the context.
    pub context: usize,
    /// Of the prefix.
    pub prefix: usize,
    /// Of the middle.
    pub middle: usize,
    /// Of the suffix.
    pub suffix: usize,
    /// Of the whole text, control tokens included.
    pub total: usize,
}
