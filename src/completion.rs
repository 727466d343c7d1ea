//! What of a model's answer is worth showing at a cursor.
//!
//! A model writes on until it is stopped: past the end of the line that was
//! wanted, into brackets that are closed already, into text that stands right
//! behind the cursor. [`CursorSyntax`] reads from the syntax around the cursor how much
//! is wanted there, and [`CursorSyntax::fit`] cuts an answer down to it, while it is
//! still coming in. Nothing is added to what the model wrote, and where nothing
//! of use is left the result is empty.

mod prompt;
mod recent;
mod syntax;

pub use self::prompt::{CompletionPrompt, PromptInput};
pub use self::recent::{RecentCompletions, ShownCompletion};
pub use self::syntax::{CompletionExtent, CursorSyntax, FittedAnswer};

#[cfg(test)]
mod tests;
