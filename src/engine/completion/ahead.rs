//! Letting the model server read a prompt before it is asked to complete it.
//!
//! When the cursor has come to another place, the server has to read most of the next
//! prompt anew. It may do so while nobody waits: it is asked with the prompt of that place
//! and a limit of no tokens. That pays only if the user then types at this place, so
//! nothing is read where an editor puts the cursor of a file that it opens.
//!
//! A server does not stop reading when its connection is closed. So it is asked in
//! pieces, each longer than the one before, and no further once an answer is due: that
//! waits for the rest of one piece at most.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::TryStreamExt;

use super::prepared::PreparedCompletion;
use super::{CompleteError, CompletionRequest, Completions, ModelServer};
use crate::cancel::Cancel;
use crate::endpoint::{EndpointError, Observed};
use crate::engine::Engine;
use crate::index::Snapshot;
use crate::model::CHARS_PER_TOKEN;

/// The share of a prompt that the server must not have read yet for it to be asked.
const UNREAD: f64 = 0.25;
/// How long the server may read a piece, in milliseconds.
const PIECE_MS: f64 = 200.0;
/// The fewest characters of a piece, and those of a piece for a server whose speed is
/// not known yet.
const PIECE_CHARS: usize = 512;

impl Completions {
    /// Lets the model server read the prompt of `request` in a task of its own, if it is
    /// one that keeps what it has read, if the settings allow it, and as long as no
    /// answer is due from it. Ends the reading for an earlier request.
    pub fn read_ahead(
        self: &Arc<Self>,
        engine: &Engine,
        request: CompletionRequest,
        snapshot: impl FnOnce() -> Arc<Snapshot> + Send + 'static,
    ) {
        let (completions, engine) = (Arc::clone(self), engine.clone());
        let number = self.newest_ahead.fetch_add(1, Ordering::Relaxed) + 1;
        tokio::spawn(async move {
            let read = completions.ask_ahead(&engine, number, request, snapshot);
            if let Err(error) = read.await {
                tracing::debug!("nothing was read ahead: {error}");
            }
        });
    }

    async fn ask_ahead(
        &self,
        engine: &Engine,
        number: usize,
        request: CompletionRequest,
        snapshot: impl FnOnce() -> Arc<Snapshot> + Send + 'static,
    ) -> Result<(), CompleteError> {
        if !request.position.content[..request.position.cursor].contains('\n') {
            return Ok(());
        }
        let server = engine.model_server()?;
        let quiet = server.due.quiet_since();
        let may_read = || {
            quiet.is_some()
                && server.due.quiet_since() == quiet
                && !server.rereads()
                && self.newest_ahead.load(Ordering::Relaxed) == number
        };
        if !server.settings.completion.read_ahead || !may_read() {
            return Ok(());
        }
        // Of other servers it is not known whether they read without writing.
        let features = server.client.features().await;
        if !features.is_llama {
            return Ok(());
        }
        let buffer = engine.buffer_name(&request.position);
        let prepare = {
            let (server, courses) = (Arc::clone(&server), Arc::clone(&self.courses));
            let cancel = Cancel::default();
            move || PreparedCompletion::new(request, &snapshot(), &server, &courses, &cancel)
        };
        let mut prepared = engine.run(prepare).await??;
        let whole = prepared.prompt().chars().count();
        let mut read = server.known_chars(&buffer, prepared.prompt());
        if ((whole - read) as f64) < whole as f64 * UNREAD {
            return Ok(());
        }
        prepared.take_slot(server.slot(&buffer, features.slots));
        while read < whole && may_read() {
            read += server.piece_chars();
            server.read_piece(&buffer, &prepared, read).await?;
        }
        Ok(())
    }
}

impl ModelServer {
    /// How many characters the server reads in the time for a piece.
    fn piece_chars(&self) -> usize {
        let chars = self
            .speed()
            .map_or(0.0, |speed| PIECE_MS / speed.read_ms * CHARS_PER_TOKEN);
        // The cast saturates.
        (chars as usize).max(PIECE_CHARS)
    }

    /// Lets the server read the first `chars` characters of the prompt.
    async fn read_piece(
        &self,
        buffer: &str,
        prepared: &PreparedCompletion,
        chars: usize,
    ) -> Result<(), EndpointError> {
        let (request, text) = prepared.without_answer(chars);
        let mut deltas = Box::pin(self.client.stream(request));
        let mut work = None;
        while let Some(delta) = deltas.try_next().await? {
            work = delta.work.or(work);
        }
        let observed = Observed {
            work,
            ..Observed::default()
        };
        self.saw(buffer, text, observed);
        Ok(())
    }
}
