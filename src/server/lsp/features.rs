//! The features of an LSP client that fimd uses.

use tower_lsp::ls_types::{InitializeParams, TextDocumentClientCapabilities};

/// The features that a client has said that it has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClientFeatures {
    /// It fills in the gaps of snippets.
    pub(super) snippets: bool,
    /// It applies edits for one version of a document.
    pub(super) versioned_edits: bool,
    /// It shows a progress that the server begins.
    pub(super) progress: bool,
    /// It takes generated text edit by edit, as the text comes. Without a progress
    /// the user could not stop the run, and eglot may ask the user to confirm each
    /// edit.
    pub(super) streams: bool,
    /// What it lets servers register.
    pub(super) registers: DynamicFeatures,
}

/// The features with tags that a client lets servers register after `initialize`,
/// for some languages alone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DynamicFeatures {
    pub(super) hover: bool,
    pub(super) completion: bool,
    pub(super) code_lens: bool,
    pub(super) semantic_tokens: bool,
}

impl ClientFeatures {
    /// Reads the features from what the client says in `initialize`.
    pub(super) fn read(params: &InitializeParams) -> Self {
        let capabilities = &params.capabilities;
        let document = capabilities.text_document.as_ref();
        let completion = document.and_then(|document| document.completion.as_ref());
        let item = completion.and_then(|completion| completion.completion_item.as_ref());
        let workspace = capabilities.workspace.as_ref();
        let edit = workspace.and_then(|workspace| workspace.workspace_edit.as_ref());
        let window = capabilities.window.as_ref();
        let is = |flag: Option<bool>| flag.unwrap_or(false);
        let client = params.client_info.as_ref();
        let is_eglot = client.is_some_and(|client| client.name.eq_ignore_ascii_case("eglot"));
        let progress = is(window.and_then(|window| window.work_done_progress));
        Self {
            snippets: is(item.and_then(|item| item.snippet_support)),
            versioned_edits: is(workspace.and_then(|workspace| workspace.apply_edit))
                && edit.is_some_and(|edit| {
                    // LSP puts resource operations into `documentChanges`, so a
                    // client with such operations knows them. Neovim says no more.
                    let operations = edit.resource_operations.as_ref();
                    is(edit.document_changes) || operations.is_some_and(|all| !all.is_empty())
                }),
            progress,
            streams: progress && !is_eglot,
            registers: document.map(DynamicFeatures::read).unwrap_or_default(),
        }
    }
}

impl DynamicFeatures {
    fn read(document: &TextDocumentClientCapabilities) -> Self {
        let is = |flag: Option<bool>| flag.unwrap_or(false);
        let (hover, completion) = (document.hover.as_ref(), document.completion.as_ref());
        let (lens, tokens) = (
            document.code_lens.as_ref(),
            document.semantic_tokens.as_ref(),
        );
        Self {
            hover: is(hover.and_then(|hover| hover.dynamic_registration)),
            completion: is(completion.and_then(|completion| completion.dynamic_registration)),
            code_lens: is(lens.and_then(|lens| lens.dynamic_registration)),
            semantic_tokens: is(tokens.and_then(|tokens| tokens.dynamic_registration)),
        }
    }
}
