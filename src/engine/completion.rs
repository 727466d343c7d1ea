//! Completing code: assembles the context and the prompt, reads the stream of the
//! model, and filters it to the text that is shown.
//!
//! Three things keep completions fast while the user types. An automatic
//! completion ([`Trigger::Automatic`]) first waits for a pause in the typing; a
//! newer request cancels it and closes its connection to the model server. If the
//! user types the text that was shown, the rest of it is shown again without
//! asking the model. And after a completion was accepted, the next one is
//! prefetched.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::{Engine, WorkError};
use crate::cancel::{Cancel, Cancelled};
use crate::completion::{
    AnswerFilter, CompletionExtent, CompletionPrompt, PromptInput, RecentCompletions, ShownAnswer,
    ShownCompletion,
};
use crate::config::{ContextSources, EndpointKind, Settings};
use crate::context::{self, Context, MinScore};
use crate::endpoint::{EndpointError, MAX_STOPS, ModelClient, ModelPrompt, ModelRequest};
use crate::index::Snapshot;
use crate::model::ControlTokens;
use crate::secrets::Secrets;

/// The most tokens of a completion that ends with the line.
const MAX_LINE_TOKENS: u32 = 96;

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
    /// The key of the file, as [`context::ContextRequest::path`].
    pub path: String,
    /// The buffer's text.
    pub content: String,
    /// The cursor, in bytes.
    pub cursor: usize,
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
    /// The most tokens, if fewer than in the settings.
    pub max_tokens: Option<u32>,
    /// The most lines, if fewer than in the settings.
    pub max_lines: Option<usize>,
}

/// The text to show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Completion {
    /// The text at the cursor; empty if there is nothing worth showing.
    pub text: String,
    /// The cross-file context in the prompt.
    pub context: Arc<Context>,
    /// Its times.
    pub timings: Timings,
}

/// The times of a completion, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Timings {
    /// From the start until the prompt was ready.
    pub context_ms: f64,
    /// From then until the first text of the model; none if the model was not asked.
    pub first_token_ms: Option<f64>,
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
    #[error("family under [endpoint] in the settings file: {0}")]
    Family(String),
    /// The request was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The work failed inside fimd.
    #[error(transparent)]
    Work(#[from] WorkError),
}

/// The client of the model server, with the settings from which it was made.
#[derive(Debug)]
pub(super) struct ModelServer {
    settings: Arc<Settings>,
    client: ModelClient,
    control_tokens: ControlTokens,
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
    /// The number of requests so far.
    newest: watch::Sender<u64>,
    /// The prefetched completion.
    prefetched: Mutex<Option<Prefetch>>,
}

/// A completion that is requested before the client asks for it.
#[derive(Debug)]
struct Prefetch {
    position: BufferPosition,
    /// Closed when the task ends.
    done: watch::Receiver<()>,
    task: AbortHandle,
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        self.task.abort();
    }
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
    /// to the model server.
    ///
    /// # Errors
    /// See [`CompleteError`]. A superseded completion is no error, but empty.
    pub async fn complete(
        &self,
        engine: &Engine,
        mut turn: Turn,
        request: CompletionRequest,
        snapshot: impl FnOnce() -> Arc<Snapshot> + Send + 'static,
        cancel: Cancel,
    ) -> Result<Completion, CompleteError> {
        let begun = Instant::now();
        let trigger = request.trigger;
        let work = async {
            if let Some(rest) = self.rest(&request.position).await {
                return Ok(rest);
            }
            if trigger == Trigger::Automatic {
                let quiet = engine.settings().completion.debounce_ms;
                tokio::time::sleep(Duration::from_millis(quiet)).await;
            }
            self.ask(engine, request, snapshot, cancel).await
        };
        let superseded = async {
            match trigger {
                Trigger::Automatic => turn.superseded().await,
                Trigger::Invoked => std::future::pending().await,
            }
        };
        let mut completion = tokio::select! {
            biased;
            () = superseded => Completion::default(),
            completion = work => completion?,
        };
        completion.timings.total_ms = millis(begun);
        Ok(completion)
    }

    /// Starts the completion of `request` before the client asks for it. Replaces the
    /// previous prefetch.
    pub fn prefetch(
        self: &Arc<Self>,
        engine: &Engine,
        request: CompletionRequest,
        snapshot: impl FnOnce() -> Arc<Snapshot> + Send + 'static,
    ) {
        let (completions, engine) = (Arc::clone(self), engine.clone());
        let (finished, done) = watch::channel(());
        let position = request.position.clone();
        let mut prefetched = lock(&self.prefetched);
        let task = tokio::spawn(async move {
            let cancel = Cancel::default();
            let completion = completions.ask(&engine, request, snapshot, cancel);
            if let Err(error) = completion.await {
                tracing::debug!("nothing was completed ahead of time: {error}");
            }
            drop(finished);
        });
        *prefetched = Some(Prefetch {
            position,
            done,
            task: task.abort_handle(),
        });
    }

    /// The completion at `position`, if it is known already: the rest of one that the
    /// user is typing, or a prefetched one. Waits for a prefetch in progress.
    async fn rest(&self, position: &BufferPosition) -> Option<Completion> {
        let done = {
            let mut prefetched = lock(&self.prefetched);
            match &*prefetched {
                Some(prefetch) if prefetch.position == *position => Some(prefetch.done.clone()),
                _ => {
                    // The cursor is elsewhere, so the prefetch is useless.
                    *prefetched = None;
                    None
                }
            }
        };
        if let Some(mut done) = done {
            // This fails once the task has ended.
            while done.changed().await.is_ok() {}
        }
        let (before, after) = position.content.split_at(position.cursor);
        let recent = lock(&self.recent);
        let (completed, rest) = recent.rest(&position.path, before, after)?;
        // Nothing is known about the text behind a completion.
        (!rest.is_empty()).then(|| Completion {
            text: rest.to_owned(),
            context: Arc::clone(&completed.context),
            timings: Timings {
                cached: true,
                ..Timings::default()
            },
        })
    }

    /// Asks the model and remembers its answer.
    async fn ask(
        &self,
        engine: &Engine,
        request: CompletionRequest,
        snapshot: impl FnOnce() -> Arc<Snapshot> + Send + 'static,
        cancel: Cancel,
    ) -> Result<Completion, CompleteError> {
        let begun = Instant::now();
        let server = engine.model_server()?;
        let prepare = {
            let server = Arc::clone(&server);
            move || PreparedCompletion::new(request, &snapshot(), &server, &cancel)
        };
        let prepared = engine.run(prepare).await??;
        let context_ms = millis(begun);
        let begun = Instant::now();
        let (text, first_token_ms) = prepared.answer(&server, begun).await?;
        let PreparedCompletion {
            position, context, ..
        } = prepared;
        let context = Arc::new(context);
        if !text.is_empty() {
            let mut before = position.content;
            let after = before.split_off(position.cursor);
            lock(&self.recent).push(ShownCompletion {
                path: position.path,
                before,
                after,
                text: text.clone(),
                context: Arc::clone(&context),
            });
        }
        Ok(Completion {
            text,
            context,
            timings: Timings {
                context_ms,
                first_token_ms,
                ..Timings::default()
            },
        })
    }
}

/// A request with its context and prompt.
struct PreparedCompletion {
    position: BufferPosition,
    filter: AnswerFilter,
    context: Context,
    model_request: ModelRequest,
    max_lines: usize,
}

impl PreparedCompletion {
    fn new(
        request: CompletionRequest,
        snapshot: &Snapshot,
        server: &ModelServer,
        cancel: &Cancel,
    ) -> Result<Self, Cancelled> {
        let CompletionRequest {
            position, secrets, ..
        } = request;
        let secrets = secrets.as_deref();
        let (settings, endpoint) = (&server.settings.completion, &server.settings.endpoint);
        let context_request = context::ContextRequest {
            path: &position.path,
            content: &position.content,
            cursor: position.cursor,
            max_chars: settings.budget().context(),
            min_score: MinScore::default(),
            dependencies: request.sources.dependencies,
            bm25: request.sources.bm25,
            secrets,
        };
        let context = context::assemble(snapshot, &context_request, cancel)?;
        let secrets = secrets.map_or_else(Vec::new, |secrets| secrets.find(&position.content));
        let shown = PromptInput {
            repo: &request.repo,
            path: &position.path,
            content: &position.content,
            cursor: position.cursor,
            secrets: &secrets,
            max_chars: settings.max_total_chars,
        };
        let (family, style) = (&endpoint.family, settings.context_style);
        let prompt = CompletionPrompt::new(&shown, &context, family, &server.control_tokens, style);
        let filter = AnswerFilter::new(&position.content, position.cursor);
        let most = request.max_tokens.unwrap_or(settings.max_tokens);
        let lines = request.max_lines.unwrap_or(settings.max_lines);
        let (max_tokens, newline) = match filter.extent() {
            CompletionExtent::Statement | CompletionExtent::Body if lines > 1 => (most, None),
            _ => (most.min(MAX_LINE_TOKENS), Some("\n")),
        };
        let stops = family.stops.iter().map(String::as_str);
        let stops = newline.into_iter().chain([family.end.trim()]).chain(stops);
        let model_request = ModelRequest {
            prompt: match endpoint.kind {
                EndpointKind::Completions => ModelPrompt::Plain(prompt.text),
                EndpointKind::Infill | EndpointKind::Ollama => ModelPrompt::Fim {
                    before: prompt.before,
                    after: prompt.after,
                },
            },
            max_tokens: max_tokens.min(settings.max_tokens),
            temperature: None,
            top_p: None,
            stop: stops.take(MAX_STOPS).map(str::to_owned).collect(),
        };
        Ok(Self {
            position,
            filter,
            context,
            model_request,
            max_lines: lines.min(settings.max_lines),
        })
    }

    /// The part of the answer to show, and the milliseconds from `begun` until its
    /// first text. Stops reading the stream as soon as that part is complete.
    async fn answer(
        &self,
        server: &ModelServer,
        begun: Instant,
    ) -> Result<(String, Option<f64>), EndpointError> {
        let family = &server.settings.endpoint.family;
        let stops: Vec<&str> = family.reserved().collect();
        let mut deltas = Box::pin(server.client.stream(self.model_request.clone()));
        let shown =
            |answer: &str, is_whole| self.filter.shown(answer, is_whole, &stops, self.max_lines);
        let mut complete = None;
        let mut answer = String::new();
        let mut first = None;
        while let Some(delta) = deltas.try_next().await? {
            if delta.text.is_empty() {
                continue;
            }
            first.get_or_insert_with(|| millis(begun));
            answer.push_str(&delta.text);
            complete = Some(shown(&answer, false)).filter(|shown| shown.is_complete);
            if complete.is_some() {
                break;
            }
        }
        drop(deltas);
        let ShownAnswer { text, .. } = complete.unwrap_or_else(|| shown(&answer, true));
        Ok((server.control_tokens.restore(&text).into_owned(), first))
    }
}

impl Engine {
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
        let control_tokens = ControlTokens::new(settings.endpoint.family.reserved());
        let server = Arc::new(ModelServer {
            client: ModelClient::new(&settings.endpoint)?,
            control_tokens: control_tokens
                .map_err(|error| CompleteError::Family(error.to_string()))?,
            settings,
        });
        *latest = Some(Arc::clone(&server));
        Ok(server)
    }
}
