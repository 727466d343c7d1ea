//! A run of a tag in a document. The model's text grows at the tag's place while
//! it comes, or is put there at the end by one edit, as the client can take it. The
//! client sees the progress and can cancel it. The final text
//! is the one that `tags/run` answers. A run that fails or is cancelled leaves
//! nothing behind, unless the settings keep partial text.

use std::future::{self, Future};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tower_lsp::ls_types::{
    MessageType, ProgressParams, ProgressParamsValue, ProgressToken, WorkDoneProgress,
    WorkDoneProgressBegin, WorkDoneProgressCreateParams, WorkDoneProgressEnd,
    WorkDoneProgressReport,
};

use super::connection::Connection;
use super::documents::DocumentView;
use super::splice::Goal;
use super::writer::{EditError, Writer};
use crate::cancel::{Cancel, CancelOnDrop};
use crate::engine::tags::{self, PreparedRun, RunOutcome, Runner, TagSite, has_context};
use crate::rpc::Error;

/// How long the client may take to create a progress.
const CREATE: Duration = Duration::from_secs(5);

/// A run that can begin.
pub(super) struct DocumentRun {
    id: String,
    view: DocumentView,
    /// The text with the tag in it.
    content: String,
    /// The byte of the text that names the tag.
    at: usize,
    writer: Writer,
    /// Fails once the client cancels the run.
    cancelled: oneshot::Receiver<()>,
}

/// The end of a run.
enum RunEnd {
    /// The text stands in the tag's place.
    Done(Box<RunOutcome>),
    /// The client has cancelled the run.
    Cancelled,
    /// The run has failed; the document is as it was.
    Failed(String),
    /// The document could not be written.
    Unwritten(EditError),
}

impl DocumentRun {
    /// A run of the tag of `content` at the byte `at`, for the document of `view`.
    pub(super) fn new(
        connection: &Connection,
        view: DocumentView,
        content: String,
        at: usize,
        writer: Writer,
    ) -> Self {
        let (id, cancelled) = connection.runs.add();
        Self {
            id,
            view,
            content,
            at,
            writer,
            cancelled,
        }
    }

    /// The id, which is the token of the progress.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// Runs a tag to its end, and tells the client.
pub(super) async fn run(connection: Arc<Connection>, run: DocumentRun) {
    let id = run.id.clone();
    let token = ProgressToken::String(id.clone());
    let shows_progress =
        connection.features().progress && create_progress(&connection, &token).await;
    let progress = |value: WorkDoneProgress| {
        let params = ProgressParams {
            token: token.clone(),
            value: ProgressParamsValue::WorkDone(value),
        };
        let peer = &connection.peer;
        async move {
            if shows_progress {
                // A client that has left needs no progress.
                let _ = peer.tell("$/progress", &params).await;
            }
        }
    };
    progress(WorkDoneProgress::Begin(WorkDoneProgressBegin {
        title: "Generating".into(),
        cancellable: Some(true),
        ..WorkDoneProgressBegin::default()
    }))
    .await;
    let end = drive(&connection, run, &progress).await;
    connection.runs.cancel(&id);
    let summary = end.summary();
    if let Some((typ, message)) = end.message() {
        connection.show_message(typ, &message).await;
    }
    progress(WorkDoneProgress::End(WorkDoneProgressEnd {
        message: Some(summary),
    }))
    .await;
}

impl RunEnd {
    /// The last message of the progress.
    fn summary(&self) -> String {
        match self {
            Self::Done(outcome) => match &outcome.stopped_by {
                Some(pattern) => format!("stopped by {pattern:?}"),
                None => "done".to_owned(),
            },
            Self::Cancelled => "cancelled".to_owned(),
            Self::Failed(_) | Self::Unwritten(_) => "failed".to_owned(),
        }
    }

    /// The message to show the user, if there is one.
    fn message(self) -> Option<(MessageType, String)> {
        match self {
            Self::Done(outcome) => {
                let broken = outcome.broken;
                broken.map(|error| (MessageType::WARNING, error.to_string()))
            }
            Self::Cancelled | Self::Unwritten(EditError::Closed) => None,
            Self::Failed(why) => Some((MessageType::ERROR, why)),
            Self::Unwritten(error) => Some((MessageType::WARNING, error.to_string())),
        }
    }
}

/// Whether the client has created a progress.
async fn create_progress(connection: &Connection, token: &ProgressToken) -> bool {
    let params = WorkDoneProgressCreateParams {
        token: token.clone(),
    };
    let created = connection
        .peer
        .ask("window/workDoneProgress/create", &params);
    matches!(timeout(CREATE, created).await, Ok(Some(Ok(_))))
}

/// Streams the model's text into the document.
async fn drive<F: Future<Output = ()>>(
    connection: &Connection,
    run: DocumentRun,
    progress: impl Fn(WorkDoneProgress) -> F,
) -> RunEnd {
    let DocumentRun {
        view,
        content,
        at,
        mut writer,
        cancelled,
        ..
    } = run;
    let keep_partial = connection.engine.settings().tags.keep_partial;
    let streams = connection.features().streams;
    let cancelled = async {
        // The sender is dropped, so the result is always an error.
        let _ = cancelled.await;
    };
    let (received, news) = watch::channel(String::new());
    let writing = async {
        // Dropped once the document cannot be written, which ends the stream.
        let mut news = news;
        while news.changed().await.is_ok() {
            let text = news.borrow_and_update().clone();
            let chars = text.chars().count();
            // Without new text this only looks whether the document can be written.
            let shown = if streams { text } else { String::new() };
            writer.reach(&Goal::Grow(shown)).await?;
            progress(WorkDoneProgress::Report(WorkDoneProgressReport {
                message: Some(format!("{chars} characters")),
                ..WorkDoneProgressReport::default()
            }))
            .await;
        }
        Ok(())
    };
    let streaming = async move {
        let ended = tokio::select! {
            outcome = stream(connection, view, content, at, &received) => Some(outcome),
            () = cancelled => None,
            () = received.closed() => None,
        };
        let partial = received.borrow().clone();
        (ended, partial)
    };
    let (written, (ended, partial)): (Result<(), EditError>, _) = tokio::join!(writing, streaming);
    if let Err(error) = written {
        return RunEnd::Unwritten(error);
    }
    let (goal, end) = match ended {
        Some(Ok(outcome)) => (
            Goal::Finish(outcome.text.clone()),
            RunEnd::Done(Box::new(outcome)),
        ),
        Some(Err(error)) => (Goal::Undo, RunEnd::Failed(error)),
        None if keep_partial && !partial.is_empty() => (Goal::Finish(partial), RunEnd::Cancelled),
        None => (Goal::Undo, RunEnd::Cancelled),
    };
    match writer.reach(&goal).await {
        Ok(()) => end,
        Err(error) => RunEnd::Unwritten(error),
    }
}

/// Runs the tag, and appends the text to `received` as it comes. An error is a
/// message for the user.
async fn stream(
    connection: &Connection,
    view: DocumentView,
    content: String,
    at: usize,
    received: &watch::Sender<String>,
) -> Result<RunOutcome, String> {
    let engine = &connection.engine;
    let settings = engine.settings();
    let prepared = prepare(connection, view, content, at).await;
    let prepared = prepared.map_err(|error| error.to_string())?;
    let runner = Runner::new(&settings, engine.run_log().cloned());
    let runner = runner.map_err(|error| error.to_string())?;
    let show = |text: String| {
        received.send_modify(|all| all.push_str(&text));
        future::ready(())
    };
    let _due = engine.due_answer();
    let outcome = runner.run(&prepared, show).await;
    outcome.map_err(|error| error.to_string())
}

/// Makes the request that the tag sends to the model, with cross-file context if
/// the settings want it.
async fn prepare(
    connection: &Connection,
    view: DocumentView,
    content: String,
    at: usize,
) -> Result<PreparedRun, Error> {
    let settings = connection.engine.settings();
    let project = match settings.tags.context && has_context(view.key()) {
        true => Some(connection.projects_now().of(&view.uri).await?),
        false => None,
    };
    let open = connection.documents().buffers();
    let cancel = Cancel::default();
    let _stop = CancelOnDrop::from(cancel.clone());
    let work = move || {
        let context = match project {
            Some(project) => {
                let key = project.key(&view.uri);
                let site = TagSite {
                    path: &key,
                    content: &content,
                    at,
                    sources: view.sources(&project),
                    secrets: project.options.secrets().map(AsRef::as_ref),
                };
                let snapshot = open.over(&project, &key);
                tags::context(&snapshot, site, &cancel)?
            }
            None => String::new(),
        };
        Ok(tags::prepare(content, at, &settings, context)?)
    };
    connection.engine.run(work).await?
}
