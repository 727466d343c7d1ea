//! The part of a model's answer that is worth
//! showing at the cursor.
//!
//! A model repeats what stands before the cursor, wraps code in Markdown, and
//! continues until it is stopped: past the end of the line, into brackets that are
//! closed already, into text that stands right behind the cursor. [`AnswerFilter`]
//! takes an answer to the text that is shown, while the answer streams in. It first
//! tidies the answer (`tidy`). Then it cuts the answer down to what the syntax
//! around the cursor tells to be useful (`fit`). It adds nothing but blanks and
//! line breaks, and the result is empty if nothing useful is left.

mod answer;
mod beginning;
mod behind;
mod enclosing;
mod ending;
mod fit;
mod indent;
mod offers;
mod prose;
mod recent;
mod syntax;
mod tidy;

pub use self::answer::{AnswerFilter, ShownAnswer};
pub use self::offers::{OfferPlace, Offers};
pub use self::recent::{RecentCompletions, ShownCompletion};
pub use self::syntax::CompletionExtent;

#[cfg(test)]
mod tests;
