//! Completions as a measure asks for them: one at each place, made as those that a user
//! asks for, without anything that a former one has left.

use std::time::Instant;

use super::prepared::{ModelAnswer, PreparedCompletion};
use super::{CompletionRequest, Completions, ModelServer, millis};
use crate::cancel::{Cancel, Cancelled};
use crate::endpoint::{EndpointError, LoraScale, Observed};
use crate::index::Snapshot;

/// A completion that is ready to be asked for.
pub struct CompletionQuestion(PreparedCompletion);

/// The answer to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompletionAnswer {
    /// What a user would see; empty if that is nothing.
    pub shown: String,
    /// What the model wrote, as far as it was read.
    pub raw: String,
    /// Whether the answer ended at the token limit.
    pub is_cut: bool,
    /// What it has shown of the server.
    pub observed: Observed,
    /// The time to the end of the answer, in milliseconds.
    pub total_ms: f64,
}

impl CompletionQuestion {
    /// Makes the context and the prompt that `complete` makes for `request`, as the first
    /// one of a client.
    ///
    /// # Errors
    /// [`Cancelled`] once `cancel` is set.
    pub fn new(
        server: &ModelServer,
        request: CompletionRequest,
        snapshot: &Snapshot,
        cancel: &Cancel,
    ) -> Result<Self, Cancelled> {
        let fresh = Completions::default();
        PreparedCompletion::new(request, snapshot, server, &fresh.courses, cancel).map(Self)
    }

    /// The cross-file context in the prompt.
    #[must_use]
    pub fn context(&self) -> &str {
        &self.0.context.text
    }

    /// Asks `server` for the likeliest answer, with this seed and these adapters.
    ///
    /// # Errors
    /// If the server does not answer, or not completely.
    pub async fn ask(
        mut self,
        server: &ModelServer,
        seed: u32,
        lora: &[LoraScale],
    ) -> Result<CompletionAnswer, EndpointError> {
        self.0.model_request.temperature = Some(0.0);
        self.0.model_request.seed = Some(seed);
        self.0.model_request.lora = lora.to_vec();
        let begun = Instant::now();
        let answer = self.0.answer(server, begun, None, None).await?;
        let ModelAnswer {
            whole,
            text,
            observed,
            is_cut,
        } = answer;
        Ok(CompletionAnswer {
            shown: text,
            raw: whole,
            is_cut,
            observed,
            total_ms: millis(begun),
        })
    }
}
