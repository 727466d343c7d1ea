//! The language server that tower-lsp serves: its handlers, and fimd's own
//! methods beside LSP's.
//!
//! Handlers of notifications never wait. Handlers of requests take the open
//! buffers before they wait for anything: see [`headers`](super::headers).

mod actions;
mod commands;
mod completion;
mod diagnostics;
mod documents;
mod hover;
mod lex;
mod run;
mod splice;
mod tokens;
mod writer;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::json;
use serde_json::value::RawValue;
use tokio::task::JoinSet;
use tower_lsp::jsonrpc::{self, ErrorCode};
use tower_lsp::ls_types::{
    self, ClientCapabilities, CodeActionParams, CodeActionProviderCapability, CodeActionResponse,
    CodeLens, CodeLensOptions, CodeLensParams, CompletionOptions, CompletionParams,
    CompletionResponse, DidChangeTextDocumentParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, ExecuteCommandOptions, ExecuteCommandParams, Hover, HoverParams,
    HoverProviderCapability, InitializeParams, InitializeResult, LSPAny, MessageType,
    NumberOrString, OneOf, PositionEncodingKind, SemanticTokensFullOptions, SemanticTokensOptions,
    SemanticTokensParams, SemanticTokensRangeParams, SemanticTokensRangeResult,
    SemanticTokensResult, ServerCapabilities, ServerInfo, ShowMessageParams,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    VersionedTextDocumentIdentifier, WorkDoneProgressCancelParams,
};
use tower_lsp::{LanguageServer, LspService};
use tracing::Instrument;

use self::actions::Command;
use self::commands::Then;
use self::diagnostics::Stale;
use self::documents::{Documents, View};
use self::run::Runs;
use super::buffers::OpenBuffers;
use super::methods::{generate_dataset, get_context, initialize, jobs, settings, status};
use super::peer::Peer;
use super::project::Connected;
use crate::cancel::{Cancel, CancelOnDrop};
use crate::engine::Engine;
use crate::engine::completion::Completions;
use crate::rpc;
use crate::text::Encoding;

/// The server of one connection, as tower-lsp calls it.
pub(super) struct Backend {
    state: Arc<State>,
    /// What goes on between messages; ends with the connection.
    tasks: Mutex<JoinSet<()>>,
}

/// The state of one connection.
struct State {
    engine: Engine,
    peer: Arc<Peer>,
    /// Set once: tower-lsp lets nothing else through before, and no second
    /// `initialize` after.
    connected: OnceLock<Arc<Connected>>,
    /// Set with it.
    can: OnceLock<Can>,
    /// Locked by a handler for as long as an edit takes.
    documents: Mutex<Documents>,
    /// Whose diagnostics the client is to be told.
    stale: Arc<Stale>,
    runs: Runs,
    completions: Arc<Completions>,
    /// The text of the last tag that has run.
    last_tag: Mutex<Option<String>>,
}

/// What the client can do.
#[derive(Clone, Copy, Debug, Default)]
struct Can {
    /// Fill in the gaps of snippets.
    snippets: bool,
    /// Apply edits for one version of a document.
    edits: bool,
    /// Show a progress that we begin.
    progress: bool,
}

impl Can {
    fn read(capabilities: &ClientCapabilities) -> Self {
        let document = capabilities.text_document.as_ref();
        let completion = document.and_then(|document| document.completion.as_ref());
        let item = completion.and_then(|completion| completion.completion_item.as_ref());
        let workspace = capabilities.workspace.as_ref();
        let edit = workspace.and_then(|workspace| workspace.workspace_edit.as_ref());
        let window = capabilities.window.as_ref();
        let is = |flag: Option<bool>| flag.unwrap_or(false);
        Self {
            snippets: is(item.and_then(|item| item.snippet_support)),
            edits: is(workspace.and_then(|workspace| workspace.apply_edit))
                && edit.is_some_and(|edit| {
                    // Who can rename files knows them too: LSP has it so, and
                    // Neovim says no more.
                    let operations = edit.resource_operations.as_ref();
                    is(edit.document_changes) || operations.is_some_and(|all| !all.is_empty())
                }),
            progress: is(window.and_then(|window| window.work_done_progress)),
        }
    }
}

/// The service of one connection.
pub(super) fn service(engine: Engine, peer: Arc<Peer>) -> LspService<Backend> {
    // What is asked of the client goes through `peer`: the order of all that is
    // written is ours, so there is no use for tower-lsp's own way.
    let (service, _) = LspService::build(|_| Backend::new(engine, peer))
        .custom_method("getContext", Backend::get_context)
        .custom_method("generateDataset", Backend::generate_dataset)
        .custom_method("job/status", Backend::job_status)
        .custom_method("job/cancel", Backend::job_cancel)
        .custom_method("fimd/settings", Backend::settings)
        .custom_method("fimd/status", Backend::status)
        .custom_method("window/workDoneProgress/cancel", Backend::cancel_progress)
        .finish();
    service
}

impl State {
    fn documents(&self) -> MutexGuard<'_, Documents> {
        self.documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The unit of the client's positions; nothing is open before it is known.
    fn encoding(&self) -> Encoding {
        let connected = self.connected.get();
        connected.map_or(Encoding::Utf16, |connected| connected.positions)
    }

    /// A document as it is, if it is open and not too large.
    fn view(&self, uri: &str) -> Option<View> {
        self.documents().view(uri, self.encoding())
    }

    fn can(&self) -> Can {
        self.can.get().copied().unwrap_or_default()
    }

    fn last_tag(&self) -> Option<String> {
        let last = self.last_tag.lock();
        last.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps the text of a tag that runs, to be repeated.
    fn remember(&self, tag: String) {
        let last = self.last_tag.lock();
        *last.unwrap_or_else(PoisonError::into_inner) = Some(tag);
    }

    /// Shows the user a message.
    async fn say(&self, kind: MessageType, what: &str) {
        let message = format!("fimd: {what}");
        let params = ShowMessageParams { typ: kind, message };
        if self
            .peer
            .tell("window/showMessage", &params)
            .await
            .is_none()
        {
            tracing::info!("nobody hears: {what}");
        }
    }

    /// A document as it is, if tags are meant in it.
    fn tagged(&self, uri: &str) -> Option<View> {
        self.documents().tagged(uri, self.encoding())
    }
}

impl Backend {
    fn new(engine: Engine, peer: Arc<Peer>) -> Self {
        let languages = engine.settings().tags.languages.clone();
        let documents = Documents::new(engine.limits().max_buffer_bytes, languages);
        let state = Arc::new(State {
            engine,
            peer,
            connected: OnceLock::new(),
            can: OnceLock::new(),
            documents: Mutex::new(documents),
            stale: Arc::default(),
            runs: Runs::default(),
            completions: Arc::default(),
            last_tag: Mutex::default(),
        });
        let publish = diagnostics::publish(Arc::downgrade(&state), Arc::clone(&state.stale));
        let mut tasks = JoinSet::new();
        tasks.spawn(publish.in_current_span());
        Self {
            state,
            tasks: Mutex::new(tasks),
        }
    }

    /// Does something that ends with the connection.
    fn go_on(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task.in_current_span());
    }

    async fn cancel_progress(&self, params: WorkDoneProgressCancelParams) {
        if let NumberOrString::String(id) = params.token {
            self.state.runs.cancel(&id);
        }
    }

    /// What `work` makes of a document, off the runtime.
    async fn look<T: Send + 'static>(
        &self,
        view: Option<View>,
        work: impl FnOnce(&View) -> T + Send + 'static,
    ) -> jsonrpc::Result<Option<T>> {
        let Some(view) = view else {
            return Ok(None);
        };
        let done = self.state.engine.run(move || work(&view)).await;
        done.map(Some)
            .map_err(|error| error_of_theirs(error.into()))
    }
}

impl Backend {
    /// Whether `initialize` has come to its end.
    pub(super) fn is_connected(&self) -> bool {
        self.state.connected.get().is_some()
    }

    /// What a method that the pump itself starts needs to know: the project,
    /// if there is one, and the open buffers.
    pub(super) fn now(&self) -> (Option<Arc<Connected>>, OpenBuffers) {
        let buffers = self.state.documents().buffers();
        (self.state.connected.get().cloned(), buffers)
    }

    /// What the client has been shown at its cursor.
    pub(super) fn completions(&self) -> &Arc<Completions> {
        &self.state.completions
    }

    async fn get_context(&self, params: Box<RawValue>) -> jsonrpc::Result<Box<RawValue>> {
        let open = self.state.documents().buffers();
        let connected = self.state.connected.get().cloned();
        let cancel = Cancel::default();
        let _stop = CancelOnDrop::from(cancel.clone());
        get_context::run(&self.state.engine, connected, open, Some(params), cancel)
            .await
            .map_err(error_of_theirs)
    }

    async fn status(&self) -> jsonrpc::Result<Box<RawValue>> {
        status::run(self.state.engine.clone())
            .await
            .map_err(error_of_theirs)
    }
}

// What follows needs nothing of the connection's state but the project.
impl Backend {
    async fn generate_dataset(&self, params: Box<RawValue>) -> jsonrpc::Result<Box<RawValue>> {
        let connected = self.state.connected.get().cloned();
        generate_dataset::run(&self.state.engine, connected, Some(&params))
            .await
            .map_err(error_of_theirs)
    }

    async fn settings(&self) -> jsonrpc::Result<Box<RawValue>> {
        settings::run(&self.state.engine).map_err(error_of_theirs)
    }

    async fn job_status(&self, params: Box<RawValue>) -> jsonrpc::Result<Box<RawValue>> {
        jobs::status(&self.state.engine, Some(&params)).map_err(error_of_theirs)
    }

    async fn job_cancel(&self, params: Box<RawValue>) -> jsonrpc::Result<Box<RawValue>> {
        jobs::cancel(&self.state.engine, Some(&params)).map_err(error_of_theirs)
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> jsonrpc::Result<InitializeResult> {
        let cancel = Cancel::default();
        let _stop = CancelOnDrop::from(cancel.clone());
        let (counts, connected) = initialize::lsp(&self.state.engine, &params, cancel)
            .await
            .map_err(error_of_theirs)?;
        let positions = match connected.positions {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
            Encoding::Utf32 => PositionEncodingKind::UTF32,
        };
        self.state
            .can
            .get_or_init(|| Can::read(&params.capabilities));
        // Only one `initialize` is let through until it fails.
        self.state.connected.get_or_init(|| Arc::new(connected));
        Ok(InitializeResult {
            capabilities: ServerCapabilities {
                position_encoding: Some(positions),
                text_document_sync: Some(TextDocumentSyncCapability::Options(
                    TextDocumentSyncOptions {
                        open_close: Some(true),
                        change: Some(TextDocumentSyncKind::INCREMENTAL),
                        ..TextDocumentSyncOptions::default()
                    },
                )),
                hover_provider: Some(HoverProviderCapability::Simple(true)),
                completion_provider: Some(CompletionOptions {
                    trigger_characters: Some(completion::TRIGGERS.map(Into::into).into()),
                    ..CompletionOptions::default()
                }),
                code_lens_provider: Some(CodeLensOptions {
                    resolve_provider: Some(false),
                }),
                code_action_provider: Some(CodeActionProviderCapability::Simple(true)),
                semantic_tokens_provider: Some(
                    SemanticTokensOptions {
                        legend: tokens::legend(),
                        range: Some(true),
                        full: Some(SemanticTokensFullOptions::Bool(true)),
                        ..SemanticTokensOptions::default()
                    }
                    .into(),
                ),
                execute_command_provider: Some(ExecuteCommandOptions {
                    commands: Command::ALL.map(|command| command.name().to_owned()).into(),
                    ..ExecuteCommandOptions::default()
                }),
                inline_completion_provider: Some(OneOf::Left(true)),
                // The version also where clients do not show `serverInfo`.
                experimental: Some(json!({ "fimd": {
                    "version": env!("CARGO_PKG_VERSION"),
                    "file_count": counts.file_count,
                    "bm25_chunks": counts.bm25_chunks,
                } })),
                ..ServerCapabilities::default()
            },
            server_info: Some(ServerInfo {
                name: env!("CARGO_PKG_NAME").into(),
                version: Some(env!("CARGO_PKG_VERSION").into()),
            }),
            ..InitializeResult::default()
        })
    }

    async fn shutdown(&self) -> jsonrpc::Result<()> {
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        if let Some(connected) = self.state.connected.get() {
            let uri = params.text_document.uri.as_str().to_owned();
            let roots = &connected.project.roots;
            if self.state.documents().open(roots, params.text_document) {
                self.state.stale.add(&uri);
            }
        }
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let VersionedTextDocumentIdentifier { uri, version } = params.text_document;
        let (uri, changes) = (uri.as_str(), params.content_changes);
        let encoding = self.state.encoding();
        let mut documents = self.state.documents();
        if documents.change(uri, version, changes, encoding) {
            self.state.stale.add(uri);
        }
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        let uri = params.text_document.uri.as_str();
        if self.state.documents().close(uri) {
            self.state.stale.add(uri);
        }
    }

    async fn hover(&self, params: HoverParams) -> jsonrpc::Result<Option<Hover>> {
        let place = params.text_document_position_params;
        let view = self.state.tagged(place.text_document.uri.as_str());
        let settings = self.state.engine.settings();
        let hover = self.look(view, move |view| hover::at(view, place.position, &settings));
        Ok(hover.await?.flatten())
    }

    async fn completion(
        &self,
        params: CompletionParams,
    ) -> jsonrpc::Result<Option<CompletionResponse>> {
        let place = params.text_document_position;
        let view = self.state.tagged(place.text_document.uri.as_str());
        let snippets = self.state.can().snippets;
        let items = self.look(view, move |view| {
            completion::at(view, place.position, snippets)
        });
        Ok(items.await?.map(CompletionResponse::Array))
    }

    async fn execute_command(
        &self,
        params: ExecuteCommandParams,
    ) -> jsonrpc::Result<Option<LSPAny>> {
        let (answer, then) = commands::start(&self.state, params).map_err(error_of_theirs)?;
        // What asks the client something goes on behind the answer: the client
        // may wait for it before it does anything else.
        let state = Arc::clone(&self.state);
        match then {
            Then::Apply(content, at) => {
                let applied = commands::apply(&state, content, at).await;
                return applied.map(Some).map_err(error_of_theirs);
            }
            Then::Run(started) => self.go_on(run::run(state, *started)),
            Then::Paste(writer, text) => {
                self.go_on(async move { commands::pasted(&state, writer, text).await });
            }
            Then::Nothing => {}
            Then::Say(kind, what) => self.go_on(async move { state.say(kind, &what).await }),
        }
        Ok(Some(answer))
    }

    async fn code_lens(&self, params: CodeLensParams) -> jsonrpc::Result<Option<Vec<CodeLens>>> {
        let view = self.state.tagged(params.text_document.uri.as_str());
        self.look(view, actions::lenses).await
    }

    async fn code_action(
        &self,
        params: CodeActionParams,
    ) -> jsonrpc::Result<Option<CodeActionResponse>> {
        let uri = params.text_document.uri.as_str();
        let is_tagged = self.state.tagged(uri).is_some();
        let view = self.state.view(uri);
        let has_last = self.state.last_tag().is_some();
        self.look(view, move |view| {
            actions::actions(view, params.range, is_tagged, has_last)
        })
        .await
    }

    async fn semantic_tokens_full(
        &self,
        params: SemanticTokensParams,
    ) -> jsonrpc::Result<Option<SemanticTokensResult>> {
        let view = self.state.tagged(params.text_document.uri.as_str());
        let tokens = self.look(view, |view| tokens::of(view, &(0..view.text().len())));
        Ok(tokens.await?.map(SemanticTokensResult::Tokens))
    }

    async fn semantic_tokens_range(
        &self,
        params: SemanticTokensRangeParams,
    ) -> jsonrpc::Result<Option<SemanticTokensRangeResult>> {
        let view = self.state.tagged(params.text_document.uri.as_str());
        let tokens = self.look(view, move |view| {
            let ls_types::Range { start, end } = params.range;
            tokens::of(view, &(view.offset(start)..view.offset(end)))
        });
        Ok(tokens.await?.map(SemanticTokensRangeResult::Tokens))
    }
}

/// An error of a method as tower-lsp passes it on.
fn error_of_theirs(error: rpc::Error) -> jsonrpc::Error {
    let (code, message, data) = error.into_parts();
    jsonrpc::Error {
        code: ErrorCode::from(i64::from(code)),
        message: message.into(),
        data,
    }
}

/// An error that tower-lsp passes on, or one of its own.
pub(super) fn error_of_ours(error: &jsonrpc::Error) -> rpc::Error {
    // Every code that either side knows has 32 bits.
    let code = i32::try_from(error.code.code()).unwrap_or(-32603);
    rpc::Error::new(code, error.message.clone()).with_data(error.data.clone())
}
