//! A run of a tag in a document: the model's text grows at the tag's place
//! while it comes, the client hears how far it is and may cancel it. What comes
//! of a run that is not disturbed is what `tags/run` answers; of one that fails
//! or is cancelled nothing stays, unless the settings keep what has come.

use std::collections::BTreeMap;
use std::future::{self, Future};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tower_lsp::ls_types::MessageType;

use super::State;
use super::commands::Then;
use super::documents::View;
use super::splice::Goal;
use super::writer::{WriteError, Writer};
use crate::cancel::{Cancel, CancelOnDrop};
use crate::engine::tags::{
    self, ContextError, PreparedRun, RunError, RunOutcome, Runner, TagSite, has_context,
};
use crate::rpc::Error;

/// How long the client may take to make room for a progress.
const CREATED: Duration = Duration::from_secs(5);

/// The runs of a connection that can be cancelled, by what they are called.
#[derive(Debug, Default)]
pub(super) struct Runs(Mutex<Listed>);

#[derive(Debug, Default)]
struct Listed {
    last: u64,
    running: BTreeMap<String, oneshot::Sender<()>>,
}

impl Runs {
    fn locked<T>(&self, look: impl FnOnce(&mut Listed) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A new run: what it is called, and what completes once it is cancelled.
    fn add(&self) -> (String, oneshot::Receiver<()>) {
        let (cancel, cancelled) = oneshot::channel();
        self.locked(|listed| {
            listed.last += 1;
            let id = format!("fimd/tags/{}", listed.last);
            listed.running.insert(id.clone(), cancel);
            (id, cancelled)
        })
    }

    /// Cancels the run of that name, if there is one.
    pub(super) fn cancel(&self, id: &str) {
        self.locked(|listed| listed.running.remove(id));
    }
}

/// A run that can begin.
pub(super) struct Started {
    id: String,
    view: View,
    /// The text with the tag in it.
    content: String,
    at: usize,
    writer: Writer,
    cancelled: oneshot::Receiver<()>,
}

/// Makes a run of the tag of `content` at the byte `at`, for the document of
/// `view`.
pub(super) fn start(
    state: &State,
    view: &View,
    content: String,
    at: usize,
    writer: Writer,
) -> (Value, Then) {
    let (id, cancelled) = state.runs.add();
    let answer = json!({ "run_id": id });
    let started = Started {
        id,
        view: view.clone(),
        content,
        at,
        writer,
        cancelled,
    };
    (answer, Then::Run(Box::new(started)))
}

/// How a run has ended.
enum End {
    /// The text stands in the tag's place.
    Done(Box<RunOutcome>),
    /// It was cancelled.
    Cancelled,
    /// The document is as it was.
    Failed(String),
    /// The document is as others have left it.
    Unwritten(WriteError),
}

/// Runs a tag from its beginning to its end, and tells the client.
pub(super) async fn run(state: Arc<State>, started: Started) {
    let id = started.id.clone();
    let shows_progress = state.can().progress && create(&state, &id).await;
    let progress = |value: Value| {
        let params = json!({ "token": id, "value": value });
        let peer = &state.peer;
        async move {
            if shows_progress {
                // A client that has gone hears nothing.
                let _ = peer.tell("$/progress", &params).await;
            }
        }
    };
    let title = "Generating";
    progress(json!({ "kind": "begin", "title": title, "cancellable": true })).await;
    let end = drive(&state, started, &progress).await;
    state.runs.cancel(&id);
    let message = match &end {
        End::Done(outcome) => match &outcome.stopped_by {
            Some(pattern) => format!("stopped by {pattern:?}"),
            None => "done".to_owned(),
        },
        End::Cancelled => "cancelled".to_owned(),
        End::Failed(_) | End::Unwritten(_) => "failed".to_owned(),
    };
    let said = match end {
        End::Done(outcome) => {
            let broken = outcome.broken;
            broken.map(|error| (MessageType::WARNING, error.to_string()))
        }
        End::Cancelled | End::Unwritten(WriteError::Closed) => None,
        End::Failed(why) => Some((MessageType::ERROR, why)),
        End::Unwritten(error) => Some((MessageType::WARNING, error.to_string())),
    };
    if let Some((kind, what)) = said {
        state.say(kind, &what).await;
    }
    progress(json!({ "kind": "end", "message": message })).await;
}

/// Whether the client has made room for a progress.
async fn create(state: &State, id: &str) -> bool {
    let params = json!({ "token": id });
    let asked = state.peer.ask("window/workDoneProgress/create", &params);
    matches!(timeout(CREATED, asked).await, Ok(Some(Ok(_))))
}

async fn drive<F: Future<Output = ()>>(
    state: &State,
    started: Started,
    progress: impl Fn(Value) -> F,
) -> End {
    let Started {
        view,
        content,
        at,
        mut writer,
        cancelled,
        ..
    } = started;
    let keep_partial = state.engine.settings().tags.keep_partial;
    let cancelled = async {
        // Its other end is dropped to cancel it.
        let _ = cancelled.await;
    };
    let (shown, news) = watch::channel(String::new());
    let writing = async {
        // Dropped when nothing can be written any more, which ends the stream.
        let mut news = news;
        while news.changed().await.is_ok() {
            let text = news.borrow_and_update().clone();
            let chars = text.chars().count();
            writer.reach(&Goal::Grow(text)).await?;
            progress(json!({ "kind": "report", "message": format!("{chars} characters") })).await;
        }
        Ok(())
    };
    let streaming = async move {
        let ended = tokio::select! {
            outcome = stream(state, view, content, at, &shown) => Some(outcome),
            () = cancelled => None,
            () = shown.closed() => None,
        };
        let partial = shown.borrow().clone();
        (ended, partial)
    };
    let (written, (ended, partial)): (Result<(), WriteError>, _) = tokio::join!(writing, streaming);
    if let Err(error) = written {
        return End::Unwritten(error);
    }
    let (goal, end) = match ended {
        Some(Ok(outcome)) => (
            Goal::Finish(outcome.text.clone()),
            End::Done(Box::new(outcome)),
        ),
        Some(Err(error)) => (Goal::Undo, End::Failed(error)),
        None if keep_partial && !partial.is_empty() => (Goal::Finish(partial), End::Cancelled),
        None => (Goal::Undo, End::Cancelled),
    };
    match writer.reach(&goal).await {
        Ok(()) => end,
        Err(error) => End::Unwritten(error),
    }
}

/// Runs the tag, and adds to `shown` what comes. An error says what has become
/// of it.
async fn stream(
    state: &State,
    view: View,
    content: String,
    at: usize,
    shown: &watch::Sender<String>,
) -> Result<RunOutcome, String> {
    let settings = state.engine.settings();
    let prepared = prepare(state, view, content, at)
        .await
        .map_err(|error| error.to_string())?;
    let runner = Runner::new(&settings, state.engine.run_log().cloned());
    let runner = runner.map_err(|error| error.to_string())?;
    let show = |piece: String| {
        shown.send_modify(|all| all.push_str(&piece));
        future::ready(())
    };
    let outcome = runner.run(&prepared, show).await;
    outcome.map_err(|error: RunError| error.to_string())
}

/// What the tag asks, with cross-file context if the settings want it.
async fn prepare(
    state: &State,
    view: View,
    content: String,
    at: usize,
) -> Result<PreparedRun, Error> {
    let settings = state.engine.settings();
    let connected = state.connected.get().cloned();
    let open = state.documents().buffers();
    let cancel = Cancel::default();
    let _stop = CancelOnDrop::from(cancel.clone());
    let work = move || {
        let context = match connected {
            Some(connected) if settings.tags.context && has_context(view.key()) => {
                let base = connected.project.index.snapshot();
                let site = TagSite {
                    path: view.key(),
                    content: &content,
                    at,
                    sources: connected.sources,
                    secrets: connected.secrets.as_deref(),
                };
                let context = tags::context(&open.over(base, view.key()), site, &cancel);
                context.map_err(|error| match error {
                    ContextError::Tag(error) => error.into(),
                    ContextError::Cancelled(_) => Error::cancelled(),
                })?
            }
            _ => String::new(),
        };
        Ok(tags::prepare(content, at, &settings, context)?)
    };
    state.engine.run(work).await?
}
