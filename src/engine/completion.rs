//! Completing code: the context and the prompt, the model's answer as it
//! comes, and what of it is shown.
//!
//! A client that types on is not kept waiting by what it asked before: an
//! automatic completion waits until it is quiet ([`Trigger::Automatic`]) and is
//! given up, with its connection to the model server, when a newer one is
//! asked for. Who types what was shown is shown the rest of it; and what comes
//! behind an accepted completion is asked for before anybody does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::{Engine, WorkError};
use crate::cancel::{Cancel, Cancelled};
use crate::completion::{
    CompletionExtent, CompletionPrompt, CursorSyntax, PromptInput, RecentCompletions,
    ShownCompletion,
};
use crate::config::{ContextSources, EndpointKind, Settings};
use crate::context::{self, Context, MinScore};
use crate::endpoint::{EndpointError, MAX_STOPS, ModelClient, ModelPrompt, ModelRequest};
use crate::index::Snapshot;
use crate::model::ControlTokens;
use crate::secrets::Secrets;

/// The most tokens of the rest of a line.
const MAX_LINE_TOKENS: u32 = 96;

/// Who wants a completion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// Somebody who waits for it.
    #[default]
    Invoked,
    /// The editor of its own accord, while somebody types.
    Automatic,
}

/// Where something is to be completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferPosition {
    /// The key of the file, as [`context::ContextRequest::path`].
    pub path: String,
    /// The buffer's text.
    pub content: String,
    /// Where the completion goes, in bytes.
    pub cursor: usize,
}

/// What is to be completed.
#[derive(Clone, Debug)]
pub struct CompletionRequest {
    /// Where.
    pub gap: BufferPosition,
    /// What the project is called.
    pub repo: String,
    /// What the context is made of.
    pub sources: ContextSources,
    /// What finds the secrets that placeholders are to stand for.
    pub secrets: Option<Arc<Secrets>>,
    /// Who asks.
    pub trigger: Trigger,
    /// The most tokens, if fewer than the settings say.
    pub max_tokens: Option<u32>,
    /// The most lines, if fewer than the settings say.
    pub max_lines: Option<usize>,
}

/// What is to be shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Completion {
    /// The text at the cursor; empty if there is nothing worth showing.
    pub text: String,
    /// The context that the model was shown.
    pub context: Arc<Context>,
    /// How long it took.
    pub timings: Timings,
}

/// How long a completion took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Timings {
    /// Until the prompt was made.
    pub context_ms: f64,
    /// From then until the model began its answer; none if it was not asked.
    pub first_token_ms: Option<f64>,
    /// In all, waiting for quiet included.
    pub total_ms: f64,
    /// Whether it is what is left of a completion that was made before.
    pub cached: bool,
}

/// Why there is no completion.
#[derive(Debug, thiserror::Error)]
pub enum CompleteError {
    /// The model server gave no answer, or not all of it.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The family of the settings cannot be used.
    #[error("family under [endpoint] in the settings file: {0}")]
    Family(String),
    /// Nobody wants it any more.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// It failed inside.
    #[error(transparent)]
    Work(#[from] WorkError),
}

/// The model server of some settings, ready to be asked.
#[derive(Debug)]
pub(super) struct ModelServer {
    settings: Arc<Settings>,
    client: ModelClient,
    control_tokens: ControlTokens,
}

/// A place in the order in which a client has asked.
#[derive(Debug)]
pub struct Turn(watch::Receiver<u64>);

impl Turn {
    /// Waits until the client has asked for something newer.
    async fn superseded(&mut self) {
        // It fails only when there is nobody left to ask.
        if self.0.changed().await.is_err() {
            std::future::pending().await
        }
    }
}

/// The completions of one client.
#[derive(Debug, Default)]
pub struct Completions {
    recent: Mutex<RecentCompletions>,
    /// Counts what was asked for.
    newest: watch::Sender<u64>,
    /// What is asked for ahead of time.
    ahead: Mutex<Option<Ahead>>,
}

#[derive(Debug)]
struct Ahead {
    gap: BufferPosition,
    done: watch::Receiver<()>,
    task: AbortHandle,
}

impl Drop for Ahead {
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
    /// The next turn, to be taken in the order in which the client asks: it
    /// supersedes those before it.
    pub fn turn(&self) -> Turn {
        self.newest.send_modify(|number| *number += 1);
        Turn(self.newest.subscribe())
    }

    /// Completes. Where `snapshot` is taken, nobody is kept waiting.
    ///
    /// To drop the future is to give the completion up, which closes the
    /// connection to the model server.
    ///
    /// # Errors
    /// See [`CompleteError`]. A completion that is superseded is empty.
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
            if let Some(rest) = self.rest(&request.gap).await {
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

    /// Asks for what comes at the cursor of `request`, which somebody is
    /// about to ask for. Takes the place of what was asked for ahead before.
    pub fn prefetch(
        self: &Arc<Self>,
        engine: &Engine,
        request: CompletionRequest,
        snapshot: impl FnOnce() -> Arc<Snapshot> + Send + 'static,
    ) {
        let (completions, engine) = (Arc::clone(self), engine.clone());
        let (finished, done) = watch::channel(());
        let gap = request.gap.clone();
        let mut ahead = lock(&self.ahead);
        let task = tokio::spawn(async move {
            let cancel = Cancel::default();
            let asked = completions.ask(&engine, request, snapshot, cancel);
            if let Err(error) = asked.await {
                tracing::debug!("nothing was completed ahead of time: {error}");
            }
            drop(finished);
        });
        *ahead = Some(Ahead {
            gap,
            done,
            task: task.abort_handle(),
        });
    }

    /// What is known already: of a completion that is being typed, or that was
    /// asked for ahead of time.
    async fn rest(&self, gap: &BufferPosition) -> Option<Completion> {
        let ahead = {
            let mut ahead = lock(&self.ahead);
            match &*ahead {
                Some(asked) if asked.gap == *gap => Some(asked.done.clone()),
                _ => {
                    // Somebody is elsewhere.
                    *ahead = None;
                    None
                }
            }
        };
        if let Some(mut done) = ahead {
            // It fails once the task has ended.
            while done.changed().await.is_ok() {}
        }
        let (before, after) = gap.content.split_at(gap.cursor);
        let recent = lock(&self.recent);
        let (completed, rest) = recent.rest(&gap.path, before, after)?;
        // What follows a completion that was typed to its end is not known.
        (!rest.is_empty()).then(|| Completion {
            text: rest.to_owned(),
            context: Arc::clone(&completed.context),
            timings: Timings {
                cached: true,
                ..Timings::default()
            },
        })
    }

    /// Asks the model, and remembers what it says.
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
            move || Prepared::new(request, &snapshot(), &server, &cancel)
        };
        let prepared = engine.run(prepare).await??;
        let context_ms = millis(begun);
        let begun = Instant::now();
        let (text, first_token_ms) = prepared.answer(&server, begun).await?;
        let Prepared { gap, context, .. } = prepared;
        let context = Arc::new(context);
        if !text.is_empty() {
            let mut before = gap.content;
            let after = before.split_off(gap.cursor);
            lock(&self.recent).push(ShownCompletion {
                path: gap.path,
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

/// A request, made ready for a model.
struct Prepared {
    gap: BufferPosition,
    place: CursorSyntax,
    context: Context,
    model_request: ModelRequest,
    max_lines: usize,
}

impl Prepared {
    fn new(
        request: CompletionRequest,
        snapshot: &Snapshot,
        server: &ModelServer,
        cancel: &Cancel,
    ) -> Result<Self, Cancelled> {
        let CompletionRequest { gap, secrets, .. } = request;
        let secrets = secrets.as_deref();
        let (settings, endpoint) = (&server.settings.completion, &server.settings.endpoint);
        let context_request = context::ContextRequest {
            path: &gap.path,
            content: &gap.content,
            cursor: gap.cursor,
            max_chars: settings.budget().context(),
            min_score: MinScore::default(),
            dependencies: request.sources.dependencies,
            bm25: request.sources.bm25,
            secrets,
        };
        let context = context::assemble(snapshot, &context_request, cancel)?;
        let secrets = secrets.map_or_else(Vec::new, |secrets| secrets.find(&gap.content));
        let shown = PromptInput {
            repo: &request.repo,
            path: &gap.path,
            content: &gap.content,
            cursor: gap.cursor,
            secrets: &secrets,
            max_chars: settings.max_total_chars,
        };
        let (family, style) = (&endpoint.family, settings.context_style);
        let prompt = CompletionPrompt::new(&shown, &context, family, &server.control_tokens, style);
        let place = CursorSyntax::new(&gap.content, gap.cursor);
        let most = request.max_tokens.unwrap_or(settings.max_tokens);
        let lines = request.max_lines.unwrap_or(settings.max_lines);
        let (max_tokens, newline) = match place.extent() {
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
            gap,
            place,
            context,
            model_request,
            max_lines: lines.min(settings.max_lines),
        })
    }

    /// What is worth showing of the answer, and after how many milliseconds
    /// from `begun` on it began. Ends with what is shown, not with the answer.
    async fn answer(
        &self,
        server: &ModelServer,
        begun: Instant,
    ) -> Result<(String, Option<f64>), EndpointError> {
        let family = &server.settings.endpoint.family;
        let stops: Vec<&str> = family.reserved().collect();
        let mut deltas = Box::pin(server.client.stream(self.model_request.clone()));
        let mut answer = String::new();
        let mut first = None;
        while let Some(delta) = deltas.try_next().await? {
            if delta.text.is_empty() {
                continue;
            }
            first.get_or_insert_with(|| millis(begun));
            answer.push_str(&delta.text);
            if self.place.fit(&answer, &stops, self.max_lines).is_cut {
                break;
            }
        }
        drop(deltas);
        let fitted = self.place.fit(&answer, &stops, self.max_lines).text;
        Ok((server.control_tokens.restore(fitted).into_owned(), first))
    }
}

impl Engine {
    /// The model server that the settings name.
    fn model_server(&self) -> Result<Arc<ModelServer>, CompleteError> {
        let settings = self.settings();
        let mut known = lock(&self.shared.model_server);
        if let Some(server) = &*known
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
        *known = Some(Arc::clone(&server));
        Ok(server)
    }
}
