//! The features of an LSP client that fimd uses.

use tower_lsp::ls_types::ClientCapabilities;

/// The features that a client has said that it has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClientFeatures {
    /// It fills in the gaps of snippets.
    pub(super) snippets: bool,
    /// It applies edits for one version of a document.
    pub(super) versioned_edits: bool,
    /// It shows a progress that the server begins.
    pub(super) progress: bool,
}

impl ClientFeatures {
    /// Reads the features from what the client says in `initialize`.
    pub(super) fn read(capabilities: &ClientCapabilities) -> Self {
        let document = capabilities.text_document.as_ref();
        let completion = document.and_then(|document| document.completion.as_ref());
        let item = completion.and_then(|completion| completion.completion_item.as_ref());
        let workspace = capabilities.workspace.as_ref();
        let edit = workspace.and_then(|workspace| workspace.workspace_edit.as_ref());
        let window = capabilities.window.as_ref();
        let is = |flag: Option<bool>| flag.unwrap_or(false);
        Self {
            snippets: is(item.and_then(|item| item.snippet_support)),
            versioned_edits: is(workspace.and_then(|workspace| workspace.apply_edit))
                && edit.is_some_and(|edit| {
                    // LSP puts resource operations into `documentChanges`, so a
                    // client with such operations knows them. Neovim says no more.
                    let operations = edit.resource_operations.as_ref();
                    is(edit.document_changes) || operations.is_some_and(|all| !all.is_empty())
                }),
            progress: is(window.and_then(|window| window.work_done_progress)),
        }
    }
}
