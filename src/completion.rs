//! The prompt for a completion, and the part of a model's answer that is worth
//! showing at the cursor.
//!
//! A model continues until it is stopped: past the end of the line, into brackets
//! that are closed already, into text that stands right behind the cursor.
//! [`CursorSyntax`] reads from the syntax around the cursor how much is useful
//! there. [`CursorSyntax::fit`] cuts an answer down to that while the answer
//! streams in. It adds nothing to the answer, and the result is empty if nothing
//! useful is left.

mod fit;
mod prompt;
mod recent;
mod syntax;

pub use self::fit::FittedAnswer;
pub use self::prompt::{CompletionPrompt, PromptInput};
pub use self::recent::{RecentCompletions, ShownCompletion};
pub use self::syntax::{CompletionExtent, CursorSyntax};

#[cfg(test)]
mod tests;
