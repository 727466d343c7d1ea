//! Completing code: assembles the context and the prompt, reads the stream of the
//! model, and filters it to the text that is shown.
//!
//! Three things keep completions fast while the user types. An automatic
//! completion ([`Trigger::Automatic`]) first waits for a pause in the typing; a
//! newer request supersedes it, and closes its connection to the model server unless
//! what is typed agrees with what comes. If the user types the text that was shown,
//! the rest of it is shown again without asking the model. And after a completion was
//! accepted, the next one is prefetched.
//!
//! A completion that the user asks for explicitly ([`Trigger::Invoked`]) always asks
//! the model, and may ask it for several texts, one after the other: a server that
//! works on one request at a time reads the prompt only once so, and no server needs
//! to know how to give several answers to one request. All texts but the first are
//! asked for with a seed of their own and a temperature above 0. So is the first if
//! the user has been shown something here already.

mod ahead;
mod courses;
mod due;
mod flight;
mod measured;
mod prefetch;
mod prepared;
mod server;
mod speed;
mod target;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::Serialize;
use tokio::sync::watch;

pub use self::due::DueAnswer;
pub use self::measured::{CompletionAnswer, CompletionQuestion};
pub use self::server::ModelServer;
pub use self::speed::observed_speed;
pub use self::target::TargetStatus;

use self::courses::ClientCourses;
use self::flight::Flight;
use self::prefetch::Prefetch;
use self::prepared::{ModelAnswer, PreparedCompletion};
use super::{Engine, WorkError};
use crate::cancel::{Cancel, Cancelled};
use crate::completion::{OfferPlace, Offers, RecentCompletions, ShownCompletion};
use crate::config::{ContextSources, TunedError};
use crate::context::Context;
use crate::endpoint::{EndpointError, ModelRequest, Observed};
use crate::index::Snapshot;
use crate::model::ModelText;
use crate::secrets::Secrets;

/// The most texts that one request may ask for.
pub const MAX_ITEMS: usize = 8;

/// What has triggered a completion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// The user, explicitly.
    #[default]
    Invoked,
    /// The editor, while the user types.
    Automatic,
}

/// The position of a completion in a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferPosition {
    /// The root of the file's project: files of two projects may have the same key.
    pub root: PathBuf,
    /// The key of the file, as [`ContextRequest::path`](crate::context::ContextRequest::path).
    pub path: String,
    /// The buffer's text.
    pub content: String,
    /// The cursor, in bytes.
    pub cursor: usize,
}

impl BufferPosition {
    /// The name of the file among those of all projects.
    #[must_use]
    pub fn file(&self) -> String {
        Self::name(&self.root, &self.path)
    }

    /// The name of the file `path` of the project with this root among those of all
    /// projects.
    #[must_use]
    pub fn name(root: &Path, path: &str) -> String {
        root.join(path).to_string_lossy().into_owned()
    }

    fn place(&self) -> OfferPlace {
        OfferPlace::new(&self.file(), &self.content, self.cursor)
    }
}

/// The parameters of a completion.
#[derive(Clone, Debug)]
pub struct CompletionRequest {
    /// Where to complete.
    pub position: BufferPosition,
    /// The name of the project, for families with repository-level prompts.
    pub repo: String,
    /// The sources of the context.
    pub sources: ContextSources,
    /// Finds the secrets to replace by placeholders; none to keep them.
    pub secrets: Option<Arc<Secrets>>,
    /// What has triggered the request.
    pub trigger: Trigger,
    /// How often the model is asked for a text if the user has triggered the request;
    /// at least 1 and at most [`MAX_ITEMS`].
    pub max_items: usize,
    /// The most tokens, if fewer than in the settings.
    pub max_tokens: Option<u32>,
    /// The most lines, if fewer than in the settings.
    pub max_lines: Option<usize>,
}

/// The texts to show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Completion {
    /// The different texts for the cursor, best first; none if nothing is worth showing.
    pub items: Vec<CompletionItem>,
    /// The cross-file context in the prompt.
    pub context: Arc<Context>,
    /// The byte from which the text was typed for which the context is; none if the text
    /// was known already.
    pub context_start: Option<usize>,
    /// Its times.
    pub timings: Timings,
}

/// A text that is offered to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletionItem {
    /// The number by which the client can decline it.
    pub id: u64,
    /// The text; not empty.
    pub text: String,
}

/// What the model has answered.
#[derive(Debug, Default)]
struct ModelAnswers {
    /// The different texts that are worth showing.
    texts: Vec<String>,
    context: Arc<Context>,
    context_start: Option<usize>,
    timings: Timings,
}

/// The times of a completion, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Timings {
    /// From the start until the prompt was ready.
    pub context_ms: f64,
    /// From then until the first text of the model; none if the model was not asked.
    pub first_token_ms: Option<f64>,
    /// Tokens of the prompt that the model server read for it; none if it does not say.
    pub read_tokens: Option<u32>,
    /// Tokens of the prompt that it had read before; none if it does not say.
    pub reused_tokens: Option<u32>,
    /// The whole time, including the wait for a pause.
    pub total_ms: f64,
    /// Whether the text comes from an earlier completion or a prefetched one.
    pub cached: bool,
}

/// A completion failed.
#[derive(Debug, thiserror::Error)]
pub enum CompleteError {
    /// The model server did not answer, or not completely.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The family in the settings is invalid.
    #[error("{key}: {reason}")]
    Family {
        /// Where the family is set.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The model was tuned for other prompts than the settings make.
    #[error(transparent)]
    Tuned(#[from] TunedError),
    /// The request was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The work failed inside fimd.
    #[error(transparent)]
    Work(#[from] WorkError),
}

/// What `complete` asks a model server at a cursor.
#[derive(Clone, Debug)]
pub struct AskedPrompt {
    /// The prompt of a server that is sent one text.
    pub text: ModelText,
    /// The cross-file context in it.
    pub context: Context,
    /// The request.
    pub request: ModelRequest,
}

/// The place of a request in the order of one client's requests.
#[derive(Debug)]
pub struct Turn(watch::Receiver<u64>);

impl Turn {
    /// Waits until the client has made a newer request.
    async fn superseded(&mut self) {
        // This fails only if the client is gone, and then no newer request comes.
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

/// The completions of one client.
#[derive(Debug, Default)]
pub struct Completions {
    recent: Mutex<RecentCompletions>,
    /// The contexts that grow while the client types.
    courses: Arc<Mutex<ClientCourses>>,
    offers: Mutex<Offers>,
    /// The number of requests so far.
    newest: watch::Sender<u64>,
    /// The seed of the last model request that has one.
    last_seed: AtomicU32,
    /// The prefetched completion.
    prefetched: Mutex<Option<Prefetch>>,
    /// The automatic completion that is at the model server.
    flight: Mutex<Option<Flight>>,
    /// The number of places so far for which a prompt was to be read ahead.
    newest_ahead: AtomicUsize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

impl Completions {
    /// The next turn, which supersedes all earlier ones. Take the turns in the order
    /// of the client's requests.
    pub fn turn(&self) -> Turn {
        self.newest.send_modify(|number| *number += 1);
        Turn(self.newest.subscribe())
    }

    /// Completes code. `snapshot` is called on a thread of the engine, so it may
    /// block. Dropping the future cancels the completion and closes the connection
    /// to the model server; that of an automatic one a moment later, unless the user
    /// types what it says.
    ///
    /// # Errors
    /// See [`CompleteError`]. A superseded completion is no error, but empty.
    pub async fn complete(
        self: &Arc<Self>,
        engine: &Engine,
        mut turn: Turn,
        request: CompletionRequest,
        snapshot: impl FnOnce() -> Arc<Snapshot> + Send + 'static,
        cancel: Cancel,
    ) -> Result<Completion, CompleteError> {
        let begun = Instant::now();
        let superseded = async {
            match request.trigger {
                Trigger::Automatic => turn.superseded().await,
                Trigger::Invoked => std::future::pending().await,
            }
        };
        let mut completion = tokio::select! {
            biased;
            () = superseded => Completion::default(),
            completion = self.work(engine, request.clone(), snapshot, cancel) => completion?,
        };
        completion.timings.total_ms = millis(begun);
        if !completion.items.is_empty() {
            engine.completed(&completion.timings);
        }
        Ok(completion)
    }

    async fn work(
        self: &Arc<Self>,
        engine: &Engine,
        request: CompletionRequest,
        snapshot: impl FnOnce() -> Arc<Snapshot> + Send + 'static,
        cancel: Cancel,
    ) -> Result<Completion, CompleteError> {
        let (place, trigger) = (request.position.place(), request.trigger);
        // Also while it waits for a pause in the typing.
        let _due = engine.due_answer();
        let answers = match trigger {
            Trigger::Automatic => {
                let begun = Instant::now();
                if let Some(known) = self.known(&request.position).await {
                    return Ok(known);
                }
                if let Some(landed) = self.landed(&request.position).await {
                    return Ok(landed);
                }
                let pause = engine.model_server()?.pause();
                tokio::time::sleep(pause.saturating_sub(begun.elapsed())).await;
                self.fly(engine, request, snapshot).await?
            }
            Trigger::Invoked => {
                // Others would keep the model server busy.
                *lock(&self.prefetched) = None;
                *lock(&self.flight) = None;
                let (progress, _) = watch::channel(String::new());
                self.ask(engine, request, snapshot, cancel, &progress)
                    .await?
            }
        };
        Ok(self.wanted(&place, trigger, answers))
    }

    /// What of `answers` to offer. Texts that the user has declined here come only if
    /// the user asks explicitly, and then last.
    fn wanted(
        &self,
        place: &OfferPlace,
        trigger: Trigger,
        mut answers: ModelAnswers,
    ) -> Completion {
        let offers = lock(&self.offers);
        let is_declined = |text: &String| offers.is_declined(place, text);
        match trigger {
            Trigger::Automatic => answers.texts.retain(|text| !is_declined(text)),
            Trigger::Invoked => answers.texts.sort_by_key(is_declined),
        }
        drop(offers);
        self.offer(place, answers)
    }

    /// The user does not want the item of this number. The same text is not offered at
    /// its place again unless the user asks explicitly.
    pub fn decline(&self, id: u64) {
        lock(&self.offers).decline(id);
    }

    fn offer(&self, place: &OfferPlace, answers: ModelAnswers) -> Completion {
        let mut offers = lock(&self.offers);
        let items = answers.texts.into_iter().map(|text| CompletionItem {
            id: offers.offer(place, &text),
            text,
        });
        Completion {
            items: items.collect(),
            context: answers.context,
            context_start: answers.context_start,
            timings: answers.timings,
        }
    }

    /// Whether a text for `position` is known already.
    fn is_known(&self, position: &BufferPosition) -> bool {
        let file = position.file();
        let (before, after) = position.content.split_at(position.cursor);
        let recent = lock(&self.recent);
        let mut rests = recent.rests(&file, before, after);
        rests.next().is_some()
    }

    /// What [`Self::complete`] asks `server` for `request`, without asking it.
    ///
    /// # Errors
    /// [`Cancelled`] once `cancel` is set.
    pub fn prompt(
        &self,
        server: &ModelServer,
        request: CompletionRequest,
        snapshot: &Snapshot,
        cancel: &Cancel,
    ) -> Result<AskedPrompt, Cancelled> {
        PreparedCompletion::new(request, snapshot, server, &self.courses, cancel)
            .map(PreparedCompletion::asked)
    }

    /// Asks the model and remembers its answers. `progress` gets what is to be shown of
    /// the first one as it comes.
    async fn ask(
        &self,
        engine: &Engine,
        request: CompletionRequest,
        snapshot: impl FnOnce() -> Arc<Snapshot> + Send + 'static,
        cancel: Cancel,
        progress: &watch::Sender<String>,
    ) -> Result<ModelAnswers, CompleteError> {
        let begun = Instant::now();
        let server = engine.model_server()?;
        let _due = server.due.one();
        let (max_items, is_again) = match request.trigger {
            Trigger::Automatic => (1, false),
            Trigger::Invoked => (request.max_items, self.is_known(&request.position)),
        };
        let buffer = engine.buffer_name(&request.position);
        let prepare = {
            let (server, courses) = (Arc::clone(&server), Arc::clone(&self.courses));
            move || PreparedCompletion::new(request, &snapshot(), &server, &courses, &cancel)
        };
        // While the prompt is made, the server is asked what it has, once.
        let (prepared, features) = tokio::join!(engine.run(prepare), server.client.features());
        let mut prepared = prepared??;
        prepared.take_slot(server.slot(&buffer, features.slots));
        let context_ms = millis(begun);
        let (texts, observed) = self
            .ask_for_texts(&prepared, &server, max_items, is_again, progress)
            .await?;
        if observed.first_token_ms.is_some() {
            server.saw(&buffer, prepared.prompt(), observed);
            engine.saw_model(server.rereads(), server.target());
        }
        let PreparedCompletion {
            position,
            context,
            context_start,
            ..
        } = prepared;
        let context = Arc::new(context);
        if !texts.is_empty() {
            let path = position.file();
            let mut before = position.content;
            let after = before.split_off(position.cursor);
            lock(&self.recent).push(ShownCompletion {
                path,
                before,
                after,
                texts: texts.clone(),
                context: Arc::clone(&context),
            });
        }
        Ok(ModelAnswers {
            texts,
            context,
            context_start,
            timings: Timings {
                context_ms,
                first_token_ms: observed.first_token_ms,
                read_tokens: observed.work.map(|work| work.read_tokens),
                reused_tokens: observed.work.and_then(|work| work.reused_tokens),
                ..Timings::default()
            },
        })
    }

    /// Asks the model `max_items` times. Returns its different texts, and what the first
    /// one has shown of the server. The first request varies only if the user has been
    /// shown a text here (`is_again`).
    async fn ask_for_texts(
        &self,
        prepared: &PreparedCompletion,
        server: &ModelServer,
        max_items: usize,
        is_again: bool,
        progress: &watch::Sender<String>,
    ) -> Result<(Vec<String>, Observed), EndpointError> {
        let begun = Instant::now();
        let seed = || {
            Some(
                self.last_seed
                    .fetch_add(1, Ordering::Relaxed)
                    .wrapping_add(1),
            )
        };
        let first = match is_again {
            true => prepared.answer(server, begun, seed(), None).await,
            false => prepared.answer(server, begun, None, Some(progress)).await,
        };
        let first = match first {
            // The server may not know what a seed is.
            Err(EndpointError::Refused { .. }) if is_again => {
                prepared.answer(server, begun, None, None).await?
            }
            first => first?,
        };
        let ModelAnswer { text, observed, .. } = first;
        let mut texts = vec![text];
        for _ in 1..max_items {
            match prepared.answer(server, begun, seed(), None).await {
                Ok(ModelAnswer { text, .. }) if !texts.contains(&text) => texts.push(text),
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!("no other text: {error}");
                    break;
                }
            }
        }
        texts.retain(|text| !text.is_empty());
        Ok((texts, observed))
    }
}

impl Engine {
    /// The name of the buffer at `position` among those of all clients.
    fn buffer_name(&self, position: &BufferPosition) -> String {
        let client = self.client_number().unwrap_or_default();
        format!("{client} {}", position.file())
    }

    /// An answer to something else than a completion that is due from the model server of
    /// the client's settings: until it is dropped, nothing is read ahead. None if these
    /// name no server.
    #[must_use]
    pub fn due_answer(&self) -> Option<DueAnswer> {
        let server = self.model_server().ok();
        server.map(|server| server.due.one())
    }

    /// The model server of the client's current settings.
    fn model_server(&self) -> Result<Arc<ModelServer>, CompleteError> {
        let settings = self.settings();
        let mut latest = match Arc::ptr_eq(&settings, &self.process_settings()) {
            true => lock(&self.shared.model_server),
            false => lock(&self.own_settings.model_server),
        };
        if let Some(server) = &*latest
            && Arc::ptr_eq(&server.settings, &settings)
        {
            return Ok(Arc::clone(server));
        }
        settings.check_tuned()?;
        let server = Arc::new(ModelServer::new(settings)?);
        *latest = Some(Arc::clone(&server));
        Ok(server)
    }
}
