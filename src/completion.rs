//! What of a model's answer is worth showing at a cursor.
//!
//! A model writes on until it is stopped: past the end of the line that was
//! wanted, into brackets that are closed already, into text that stands right
//! behind the cursor. [`Place`] reads from the syntax around the cursor how much
//! is wanted there, and [`Place::fit`] cuts an answer down to it, while it is
//! still coming in. Nothing is added to what the model wrote, and where nothing
//! of use is left the result is empty.

mod place;
mod prompt;
mod recent;

pub use self::place::{Extent, Fitted, Place};
pub use self::prompt::{Prompt, Shown};
pub use self::recent::{Completed, Recent};

#[cfg(test)]
mod tests;
