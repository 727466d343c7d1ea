//! Running FIM tags: [`prepare`] makes the prompt of a tag, [`Runner::run`] reads
//! the stream of the model, and [`RunOutcome`] holds the edits of the text.
//!
//! A run changes nothing unless the answer is complete: after an error the text is
//! unchanged, and the error holds the text that had arrived. Text that was shown
//! is never taken back. The outcome does not depend on how the server cuts its
//! answer into deltas.

mod context;
mod log;
mod outcome;
mod prepare;
mod queue;
mod run;
mod stops;
mod view;

pub use self::context::{ContextError, TagSite, context, has_context};
pub use self::log::{LogError, LoggedRun, LoggedWindow, RunLog};
pub use self::outcome::{RunError, RunOutcome};
pub use self::prepare::{PreparedRun, PromptMode, TagError, fim_at, prepare};
pub use self::queue::TagQueue;
pub use self::run::Runner;
pub use self::view::{PromptView, RunView, TagsView};
