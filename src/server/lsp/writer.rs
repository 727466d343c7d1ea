//! Writing into a document that the user edits, too. A writer asks the client for
//! edits, one set at a time, each for the known version, until the document has
//! the wanted text. If the client refuses edits because the user has typed, the
//! writer makes new ones for the new text.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::timeout;
use tower_lsp::ls_types::{
    ApplyWorkspaceEditParams, ApplyWorkspaceEditResponse, DocumentChanges, OneOf,
    OptionalVersionedTextDocumentIdentifier, TextDocumentEdit, TextEdit, Uri, WorkspaceEdit,
};

use super::connection::Connection;
use super::splice::{Goal, Splice};

/// How long the client may take to answer a request for edits.
const ANSWER: Duration = Duration::from_secs(30);

/// How long the client may take to send the `didChange` after its answer.
const CHANGE: Duration = Duration::from_secs(2);

/// How long the client may take, after a refusal, to send the `didChange` that was
/// the reason.
const REASON: Duration = Duration::from_millis(250);

/// How many requests in a row may have no effect.
const ATTEMPTS: usize = 20;

/// Why a document does not have the wanted text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EditError {
    /// The document is not open any more.
    #[error("the document was closed")]
    Closed,
    /// The user has edited the text that was being written.
    #[error("the text was edited where it was being generated, and is left as it is")]
    Disturbed,
    /// The client refuses the edits.
    #[error("the editor refused the edit: {0}")]
    Refused(String),
    /// The client does not answer, or has left.
    #[error("the editor does not answer")]
    Silent,
}

/// The right to write into a document. There is at most one for a document.
pub(super) struct Writer {
    connection: Arc<Connection>,
    uri: String,
    changes: watch::Receiver<()>,
}

/// A request for edits.
struct EditRequest {
    params: ApplyWorkspaceEditParams,
    /// The number of edits.
    edits: usize,
    /// The version of the document that they are for.
    version: i32,
}

impl Writer {
    /// A writer at `splice`, which was just made for the document at `uri`. Returns
    /// none if the document is not open or has a writer already.
    pub(super) fn new(connection: &Arc<Connection>, uri: &str, splice: Splice) -> Option<Self> {
        let changes = splice.changes();
        let mut documents = connection.documents();
        let slot = documents.splice(uri)?;
        if slot.is_some() {
            return None;
        }
        *slot = Some(splice);
        drop(documents);
        Some(Self {
            connection: Arc::clone(connection),
            uri: uri.to_owned(),
            changes,
        })
    }

    /// Waits until the document is as `goal` says. The future must not be dropped
    /// before it ends: the client may have applied an edit without having sent the
    /// change.
    pub(super) async fn reach(&mut self, goal: &Goal) -> Result<(), EditError> {
        let mut attempts = 0;
        while let Some(request) = self.next(goal)? {
            let peer = &self.connection.peer;
            let response = peer.ask("workspace/applyEdit", &request.params);
            let response = match timeout(ANSWER, response).await {
                Ok(Some(response)) => response,
                Ok(None) | Err(_) => return Err(EditError::Silent),
            };
            let refusal = match response {
                Ok(response) => refusal(&response),
                Err(error) => Some(error.to_string()),
            };
            match self.has_changed(&request, refusal.is_none()).await? {
                true => attempts = 0,
                false => attempts += 1,
            }
            if attempts == ATTEMPTS {
                let nothing = || "it says it was applied, and nothing has changed".to_owned();
                return Err(EditError::Refused(refusal.unwrap_or_else(nothing)));
            }
        }
        Ok(())
    }

    /// The next request for edits; none if the goal is reached.
    fn next(&self, goal: &Goal) -> Result<Option<EditRequest>, EditError> {
        let mut documents = self.connection.documents();
        let splice = documents.splice(&self.uri).and_then(Option::as_mut);
        let splice = splice.ok_or(EditError::Closed)?;
        if splice.is_disturbed() {
            return Err(EditError::Disturbed);
        }
        let edits = splice.edits(goal);
        if edits.is_empty() {
            return Ok(None);
        }
        let count = edits.len();
        let view = documents.view(&self.uri, self.connection.encoding());
        let view = view.ok_or(EditError::Closed)?;
        drop(documents);
        let uri: Uri = self.uri.parse().map_err(|_| EditError::Closed)?;
        let mut positions = view.positions();
        let edit = |edit: crate::tags::Edit| {
            OneOf::Left(TextEdit {
                range: positions.range(&(edit.start..edit.end)),
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
        Ok(Some(EditRequest {
            params: ApplyWorkspaceEditParams { label: None, edit },
            edits: count,
            version: view.version,
        }))
    }

    /// Whether any of the requested edits shows in the document. `is_applied` is
    /// what the client says.
    async fn has_changed(
        &mut self,
        request: &EditRequest,
        is_applied: bool,
    ) -> Result<bool, EditError> {
        let (mut left, mut version) = self.left()?;
        while left > 0 && (is_applied || version == request.version) {
            let patience = if is_applied { CHANGE } else { REASON };
            match timeout(patience, self.changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(EditError::Closed),
                Err(_) => break,
            }
            let before = left;
            (left, version) = self.left()?;
            if left == before {
                // A change that the client sends after its answer came after the
                // edit. The edit was not applied.
                break;
            }
        }
        let mut documents = self.connection.documents();
        if let Some(Some(splice)) = documents.splice(&self.uri) {
            splice.forget();
        }
        Ok(left < request.edits)
    }

    /// The number of edits that do not show yet, and the document's version.
    fn left(&mut self) -> Result<(usize, i32), EditError> {
        let mut documents = self.connection.documents();
        // Under the lock, so that the writer does not wait for a change that it
        // sees here.
        self.changes.borrow_and_update();
        let splice = documents.splice(&self.uri).and_then(Option::as_mut);
        let left = splice.ok_or(EditError::Closed)?.left();
        let view = documents.view(&self.uri, self.connection.encoding());
        Ok((left, view.ok_or(EditError::Closed)?.version))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(slot) = self.connection.documents().splice(&self.uri) {
            *slot = None;
        }
    }
}

/// Why the client has not applied an edit; none if it has.
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
