//! The model families: their fill-in-the-middle tokens, the order of the parts
//! of a prompt, and how they separate the files of a repository. One description
//! gives both texts: a prompt, and for training the same prompt followed by the
//! middle and the end token.
//!
//! Nothing follows the last control token of a prompt: a newline there would
//! become part of the completion.
//!
//! # Where the context stands
//! - [`ContextStyle::Comment`]: unchanged, right before the prefix, wherever the
//!   prefix stands. Any model can read that.
//! - [`ContextStyle::Repo`]: split into files that are joined with the family's
//!   own tokens. The answer of `getContext` has no style: its caller makes the
//!   prompt.

mod builtin;
mod control_tokens;
mod counts;
mod estimate;
mod families;
mod family;
mod family_name;
#[cfg(not(feature = "tokenizers"))]
mod no_tokenizer;
mod render;
mod source;
#[cfg(feature = "tokenizers")]
mod tokenizer;
mod tokens;

pub use self::control_tokens::ControlTokens;
pub use self::counts::{CHARS_PER_TOKEN, TokenCounts, TokenizerError};
pub use self::families::Families;
pub use self::family::{
    ContextStyle, DEFAULT_FAMILY, Family, FamilyError, FimFormat, OrderChoice, PartOrder,
    RepoLayout,
};
pub use self::family_name::FamilyName;
pub use self::render::{ContextFile, ModelText, PromptParts};
pub use self::source::source_text;
pub use self::tokens::Model;

#[cfg(test)]
mod tests;
