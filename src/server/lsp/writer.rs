//! Writes into a document that others edit: asks the client for edits, one set
//! at a time, each for the version that is known, until the document is as it
//! should be. Edits that are refused, since somebody has typed meanwhile, are
//! made anew for the text that there is then.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::timeout;
use tower_lsp::ls_types::{
    ApplyWorkspaceEditParams, ApplyWorkspaceEditResponse, DocumentChanges, OneOf,
    OptionalVersionedTextDocumentIdentifier, TextDocumentEdit, TextEdit, Uri, WorkspaceEdit,
};

use super::State;
use super::splice::{Goal, Splice};

/// How long the client may take to answer.
const ANSWER: Duration = Duration::from_secs(30);

/// How long after its answer the client may take to tell of the change.
const TOLD: Duration = Duration::from_secs(2);

/// How long after a refusal the client may take to tell what it was for.
const REASON: Duration = Duration::from_millis(250);

/// How many edits in a row may come to nothing.
const ATTEMPTS: usize = 20;

/// Why a document is not as it should be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WriteError {
    /// It is not open any more.
    #[error("the document was closed")]
    Closed,
    /// Somebody has edited what was being written.
    #[error("the text was edited where it was being generated, and is left as it is")]
    Disturbed,
    /// The client does not want the edits.
    #[error("the editor refused the edit: {0}")]
    Refused(String),
    /// The client does not answer, or has gone.
    #[error("the editor does not answer")]
    Silent,
}

/// The right to write into a document.
pub(super) struct Writer {
    state: Arc<State>,
    uri: String,
    changes: watch::Receiver<()>,
}

/// Edits to ask for, how many, and for which version.
type Ask = (ApplyWorkspaceEditParams, usize, i32);

impl Writer {
    /// Writes in the place that `splice`, just made for the document at `uri`,
    /// says; none if the document is not open or is written into already.
    pub(super) fn new(state: &Arc<State>, uri: &str, splice: Splice) -> Option<Self> {
        let changes = splice.changes();
        let mut documents = state.documents();
        let place = documents.splice(uri)?;
        if place.is_some() {
            return None;
        }
        *place = Some(splice);
        drop(documents);
        Some(Self {
            state: Arc::clone(state),
            uri: uri.to_owned(),
            changes,
        })
    }

    /// Waits until the document is as `goal` says. Must not be given up on the
    /// way: the client may have applied an edit that it has not told of.
    pub(super) async fn reach(&mut self, goal: &Goal) -> Result<(), WriteError> {
        let mut attempts = 0;
        while let Some((params, asked, version)) = self.next(goal)? {
            let answer = self.state.peer.ask("workspace/applyEdit", &params);
            let answer = match timeout(ANSWER, answer).await {
                Ok(Some(answer)) => answer,
                Ok(None) | Err(_) => return Err(WriteError::Silent),
            };
            let refusal = match answer {
                Ok(response) => refusal(&response),
                Err(error) => Some(error.to_string()),
            };
            match self.outcome(asked, version, refusal.is_none()).await? {
                true => attempts = 0,
                false => attempts += 1,
            }
            if attempts == ATTEMPTS {
                let nothing = || "it says it was applied, and nothing has changed".to_owned();
                return Err(WriteError::Refused(refusal.unwrap_or_else(nothing)));
            }
        }
        Ok(())
    }

    /// The next edits to ask for, how many they are, and the version that they
    /// are for; none if there is nothing left to do.
    fn next(&self, goal: &Goal) -> Result<Option<Ask>, WriteError> {
        let mut documents = self.state.documents();
        let splice = documents.splice(&self.uri).and_then(Option::as_mut);
        let splice = splice.ok_or(WriteError::Closed)?;
        if splice.is_disturbed() {
            return Err(WriteError::Disturbed);
        }
        let edits = splice.ask(goal);
        let asked = edits.len();
        if asked == 0 {
            return Ok(None);
        }
        let view = documents.view(&self.uri, self.state.encoding());
        let view = view.ok_or(WriteError::Closed)?;
        drop(documents);
        let uri: Uri = self.uri.parse().map_err(|_| WriteError::Closed)?;
        let mut places = view.places();
        let edit = |edit: crate::tags::Edit| {
            OneOf::Left(TextEdit {
                range: places.range(&(edit.start..edit.end)),
                new_text: edit.new_text,
            })
        };
        let change = TextDocumentEdit {
            text_document: OptionalVersionedTextDocumentIdentifier {
                uri,
                version: Some(view.version),
            },
            edits: edits.into_iter().map(edit).collect(),
        };
        let edit = WorkspaceEdit {
            document_changes: Some(DocumentChanges::Edits(vec![change])),
            ..WorkspaceEdit::default()
        };
        let params = ApplyWorkspaceEditParams { label: None, edit };
        Ok(Some((params, asked, view.version)))
    }

    /// Whether any of the edits that were `asked` for `version` has been seen.
    /// The client says whether it has `applied` them.
    async fn outcome(
        &mut self,
        asked: usize,
        version: i32,
        applied: bool,
    ) -> Result<bool, WriteError> {
        let (mut left, mut now) = self.left()?;
        while left > 0 && (applied || now == version) {
            let patience = if applied { TOLD } else { REASON };
            match timeout(patience, self.changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(WriteError::Closed),
                Err(_) => break,
            }
            let before = left;
            (left, now) = self.left()?;
            if left == before {
                // What the client tells of after its answer came after the
                // edit: it was not applied.
                break;
            }
        }
        let mut documents = self.state.documents();
        if let Some(Some(splice)) = documents.splice(&self.uri) {
            splice.forget();
        }
        Ok(left < asked)
    }

    /// How many edits have not been seen, and the document's version.
    fn left(&mut self) -> Result<(usize, i32), WriteError> {
        let mut documents = self.state.documents();
        // Under the lock, so that no change is waited for that is seen here.
        self.changes.borrow_and_update();
        let splice = documents.splice(&self.uri).and_then(Option::as_mut);
        let left = splice.ok_or(WriteError::Closed)?.left();
        let view = documents.view(&self.uri, self.state.encoding());
        Ok((left, view.ok_or(WriteError::Closed)?.version))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(place) = self.state.documents().splice(&self.uri) {
            *place = None;
        }
    }
}

/// Why the client has not applied an edit, if it says so.
fn refusal(response: &RawValue) -> Option<String> {
    match serde_json::from_str::<ApplyWorkspaceEditResponse>(response.get()) {
        Ok(response) if response.applied => None,
        Ok(response) => {
            let reason = response.failure_reason;
            Some(reason.unwrap_or_else(|| "it does not say why".into()))
        }
        Err(error) => Some(format!("its answer makes no sense: {error}")),
    }
}
