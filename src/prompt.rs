//! The prompt for one cursor in one buffer. [`Prompt`] is the one way to make it:
//! `complete` sends it, and a training example is the same prompt followed by the
//! middle.
//!
//! A prompt is a function of the buffer without the middle, of the cursor, of the
//! context and of [`PromptSettings`]. Nothing of it depends on the middle, so no
//! length of a prompt tells how long the middle is. The parts do not depend on one
//! another either: context, prefix and suffix each have a budget of their own
//! ([`PromptBudget`]).
//!
//! While somebody types at one place, the prefix only grows: it begins at a border
//! between lines that is found without the cursor's place in its line (`window`).
//! Model servers keep what they have read, so most of the next prompt is read
//! already.

mod budget;
mod builder;
mod target;
mod window;

pub use self::budget::{
    DEFAULT_MAX_SUFFIX_CHARS, DEFAULT_MAX_TOTAL_CHARS, PromptBudget, PromptLimits,
};
pub use self::builder::{Prompt, PromptBuffer, PromptSettings};
pub use self::target::ServerSpeed;
pub use self::window::window;
