//! The language server: the handlers that tower-lsp's service calls for LSP's own
//! messages.
//!
//! Handlers of notifications never wait; `didChange` has no handler, because fimd reads
//! its params itself. Handlers of requests take the open
//! buffers before they wait for anything; `lsp_session` says why.

mod actions;
mod capabilities;
mod command_name;
mod commands;
mod completion;
mod connection;
mod diagnostics;
mod documents;
mod features;
mod hover;
mod registration;
mod run;
mod runs;
mod semantic_tokens;
mod splice;
mod stale;
mod tag_tokens;
mod writer;

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::task::JoinSet;
use tower_lsp::jsonrpc::{self, ErrorCode};
use tower_lsp::ls_types::{
    self, CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams, CompletionParams,
    CompletionResponse, DidChangeConfigurationParams, DidChangeTextDocumentParams,
    DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    ExecuteCommandParams, Hover, HoverParams, InitializeParams, InitializeResult,
    InitializedParams, LSPAny, MessageType, NumberOrString, SemanticTokensParams,
    SemanticTokensRangeParams, SemanticTokensRangeResult, SemanticTokensResult, ServerInfo,
    VersionedTextDocumentIdentifier, WorkDoneProgressCancelParams,
};
use tower_lsp::{LanguageServer, LspService};
use tracing::Instrument;

use self::capabilities::capabilities;
use self::commands::FollowUp;
use self::connection::Connection;
use self::documents::{DocumentView, Documents};
use self::features::ClientFeatures;
use super::buffers::UnknownText;
use super::methods::initialize;
use super::peer::Peer;
use super::session_view::SessionView;
use crate::config::{ClientSettings, SettingsError};
use crate::engine::Engine;
use crate::rpc;

/// The server of one connection, as tower-lsp calls it.
pub(super) struct Backend {
    connection: Arc<Connection>,
    /// The work that goes on between messages; ends with the connection.
    tasks: Mutex<JoinSet<()>>,
}

/// The service of one connection.
pub(super) fn service(engine: Engine, peer: Arc<Peer>) -> LspService<Backend> {
    // Drops tower-lsp's own way to the client. Requests go through `peer`, so that
    // fimd decides the order of all that is written.
    let (service, _) = LspService::build(|_| Backend::new(engine, peer))
        .custom_method("window/workDoneProgress/cancel", Backend::cancel_progress)
        .finish();
    service
}

/// The document of a change, whatever the change is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangedDocument {
    text_document: TextDocument,
}

#[derive(Deserialize)]
struct TextDocument {
    uri: String,
}

impl Backend {
    fn new(engine: Engine, peer: Arc<Peer>) -> Self {
        let connection = Arc::new(Connection::new(engine, peer));
        let stale = Arc::clone(&connection.stale);
        let publish = diagnostics::publish(Arc::downgrade(&connection), stale);
        let mut tasks = JoinSet::new();
        tasks.spawn(publish.in_current_span());
        Self {
            connection,
            tasks: Mutex::new(tasks),
        }
    }

    /// Whether `initialize` has succeeded.
    pub(super) fn is_initialized(&self) -> bool {
        self.connection.projects().is_some()
    }

    /// The settings have changed: other languages may have tags.
    pub(super) fn settings_changed(&self) {
        let languages = self.connection.engine.settings().tags.languages.clone();
        for uri in self.connection.documents().tag_languages(languages) {
            self.connection.stale.add(&uri);
        }
    }

    /// What a method of fimd sees of the session now.
    pub(super) fn session_view(&self) -> SessionView {
        let connection = &self.connection;
        SessionView {
            engine: connection.engine.clone(),
            completions: Arc::clone(&connection.completions),
            open: connection.documents().buffers(),
            projects: connection.projects_now(),
        }
    }

    /// `textDocument/didChange`. Params that cannot be read, such as a text with half a
    /// surrogate pair, are no reason to go on with the text before them.
    pub(super) fn change(&self, params: Option<&RawValue>) {
        let params = params.map_or("null", RawValue::get);
        match serde_json::from_str::<DidChangeTextDocumentParams>(params) {
            Ok(DidChangeTextDocumentParams {
                text_document: VersionedTextDocumentIdentifier { uri, version },
                content_changes,
            }) => {
                let encoding = self.connection.encoding();
                self.changed(uri.as_str(), |documents| {
                    documents.change(uri.as_str(), version, content_changes, encoding)
                });
            }
            Err(error) => match serde_json::from_str::<ChangedDocument>(params) {
                Ok(ChangedDocument { text_document }) => {
                    let TextDocument { uri } = text_document;
                    self.changed(&uri, |documents| documents.lose(&uri, error.to_string()));
                }
                Err(_) => tracing::warn!("textDocument/didChange: {error}"),
            },
        }
    }

    /// Changes the document `uri` by `change`, which returns whether its tags may be
    /// others. Tells the user if the change could not be applied.
    fn changed(&self, uri: &str, change: impl FnOnce(&mut Documents) -> bool) {
        let mut documents = self.connection.documents();
        let was_known = documents.buffers().get(uri).is_some();
        if change(&mut documents) {
            self.connection.stale.add(uri);
        }
        if was_known && let Some(why @ UnknownText::Change(_)) = documents.buffers().unknown(uri) {
            let (connection, text) = (Arc::clone(&self.connection), why.refusal(uri));
            self.spawn(async move { connection.show_message(MessageType::ERROR, &text).await });
        }
    }

    /// Runs a task that ends with the connection.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task.in_current_span());
    }

    async fn cancel_progress(&self, params: WorkDoneProgressCancelParams) {
        if let NumberOrString::String(id) = params.token {
            self.connection.runs.cancel(&id);
        }
    }

    /// Runs `work` on a document, on the pool. Returns none if there is no
    /// document.
    async fn look<T: Send + 'static>(
        &self,
        view: Option<DocumentView>,
        work: impl FnOnce(&DocumentView) -> T + Send + 'static,
    ) -> jsonrpc::Result<Option<T>> {
        let Some(view) = view else {
            return Ok(None);
        };
        let done = self.connection.engine.run(move || work(&view)).await;
        done.map(Some).map_err(|error| to_lsp_error(error.into()))
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> jsonrpc::Result<InitializeResult> {
        let opened = initialize::lsp(&self.connection.engine, &params).await;
        let (counts, projects, positions) = opened.map_err(to_lsp_error)?;
        let features = ClientFeatures::read(&params);
        self.connection.initialize(projects, positions, features);
        Ok(InitializeResult {
            capabilities: capabilities(&counts, positions, features.registers),
            server_info: Some(ServerInfo {
                name: env!("CARGO_PKG_NAME").into(),
                version: Some(env!("CARGO_PKG_VERSION").into()),
            }),
            ..InitializeResult::default()
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        let connection = Arc::clone(&self.connection);
        let features = connection.features().registers;
        self.spawn(async move { registration::register(&connection, features).await });
    }

    async fn shutdown(&self) -> jsonrpc::Result<()> {
        Ok(())
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        let Some(own) = client_settings(&params.settings) else {
            return;
        };
        let engine = &self.connection.engine;
        if let Err(wrong) = own.and_then(|own| engine.set_client_settings(own)) {
            let connection = Arc::clone(&self.connection);
            let text = format!("{wrong}; this editor's last good settings stay in use");
            self.spawn(async move { connection.show_message(MessageType::ERROR, &text).await });
        }
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let uri = params.text_document.uri.as_str().to_owned();
        let projects = self.connection.projects();
        let Some(roots) = projects.map(|projects| projects.roots(&uri)) else {
            return;
        };
        let mut documents = self.connection.documents();
        if documents.open(&roots, params.text_document) {
            self.connection.stale.add(&uri);
        }
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let Some(projects) = self.connection.projects() else {
            return;
        };
        let added = initialize::change_folders(projects, &params.event);
        let mut documents = self.connection.documents();
        documents.move_to(|uri| projects.roots(uri));
        let projects = Arc::clone(projects);
        self.spawn(async move {
            for folder in added {
                if let Err(error) = projects.open(&folder.path).await {
                    tracing::warn!("{}: not read: {error:?}", folder.path.display());
                }
            }
        });
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        let uri = params.text_document.uri.as_str();
        let mut documents = self.connection.documents();
        if let Some(buffer) = documents.buffers().get(uri) {
            self.connection.completions.forget(&buffer.file.name());
        }
        if documents.close(uri) {
            self.connection.stale.add(uri);
        }
    }

    async fn hover(&self, params: HoverParams) -> jsonrpc::Result<Option<Hover>> {
        let target = params.text_document_position_params;
        let view = self.connection.tagged(target.text_document.uri.as_str());
        let settings = self.connection.engine.settings();
        let hover = self.look(view, move |view| {
            hover::at(view, target.position, &settings)
        });
        Ok(hover.await?.flatten())
    }

    async fn completion(
        &self,
        params: CompletionParams,
    ) -> jsonrpc::Result<Option<CompletionResponse>> {
        let target = params.text_document_position;
        let view = self.connection.tagged(target.text_document.uri.as_str());
        let snippets = self.connection.features().snippets;
        let items = self.look(view, move |view| {
            completion::at(view, target.position, snippets)
        });
        Ok(items.await?.map(CompletionResponse::Array))
    }

    async fn execute_command(
        &self,
        params: ExecuteCommandParams,
    ) -> jsonrpc::Result<Option<LSPAny>> {
        let (answer, follow_up) =
            commands::start(&self.connection, params).map_err(to_lsp_error)?;
        // Tasks send the client requests after the answer, because the client may do
        // nothing else before it has the answer.
        let connection = Arc::clone(&self.connection);
        match follow_up {
            FollowUp::None => {}
            FollowUp::ApplyConfig(content, at) => {
                let applied = commands::apply_config(&connection, content, at).await;
                let (answer, text) = applied.map_err(to_lsp_error)?;
                self.spawn(async move { connection.show_message(MessageType::INFO, &text).await });
                return Ok(Some(answer));
            }
            FollowUp::Run(run) => self.spawn(run::run(connection, *run)),
            FollowUp::Paste(writer, text) => {
                self.spawn(async move { commands::insert(&connection, writer, text).await });
            }
            FollowUp::ShowMessage(typ, text) => {
                self.spawn(async move { connection.show_message(typ, &text).await });
            }
        }
        Ok(Some(answer))
    }

    async fn code_lens(&self, params: CodeLensParams) -> jsonrpc::Result<Option<Vec<CodeLens>>> {
        let view = self.connection.tagged(params.text_document.uri.as_str());
        self.look(view, actions::lenses).await
    }

    async fn code_action(
        &self,
        params: CodeActionParams,
    ) -> jsonrpc::Result<Option<CodeActionResponse>> {
        let uri = params.text_document.uri.as_str();
        let is_tagged = self.connection.tagged(uri).is_some();
        let view = self.connection.view(uri);
        let has_last = self.connection.last_tag().is_some();
        self.look(view, move |view| {
            actions::actions(view, params.range, is_tagged, has_last)
        })
        .await
    }

    async fn semantic_tokens_full(
        &self,
        params: SemanticTokensParams,
    ) -> jsonrpc::Result<Option<SemanticTokensResult>> {
        let view = self.connection.tagged(params.text_document.uri.as_str());
        let tokens = self.look(view, |view| {
            semantic_tokens::of(view, &(0..view.text().len()))
        });
        Ok(tokens.await?.map(SemanticTokensResult::Tokens))
    }

    async fn semantic_tokens_range(
        &self,
        params: SemanticTokensRangeParams,
    ) -> jsonrpc::Result<Option<SemanticTokensRangeResult>> {
        let view = self.connection.tagged(params.text_document.uri.as_str());
        let tokens = self.look(view, move |view| {
            let ls_types::Range { start, end } = params.range;
            semantic_tokens::of(view, &(view.offset(start)..view.offset(end)))
        });
        Ok(tokens.await?.map(SemanticTokensRangeResult::Tokens))
    }
}

/// The client's own settings among `settings` of a `workspace/didChangeConfiguration`,
/// which may have those of other programs and of the editor's plugin beside them. None
/// if fimd is not mentioned.
fn client_settings(settings: &LSPAny) -> Option<Result<ClientSettings, SettingsError>> {
    let fimd = settings.get("fimd").and_then(LSPAny::as_object)?;
    let sections = ["endpoint", "completion"].into_iter().filter_map(|name| {
        let section = fimd.get(name)?;
        Some((name.to_owned(), section.clone()))
    });
    Some(ClientSettings::read(&LSPAny::Object(sections.collect())))
}

/// Converts an error of fimd to one of tower-lsp.
fn to_lsp_error(error: rpc::Error) -> jsonrpc::Error {
    let (code, message, data) = error.into_parts();
    jsonrpc::Error {
        code: ErrorCode::from(i64::from(code)),
        message: message.into(),
        data,
    }
}

/// Converts an error of tower-lsp to one of fimd.
pub(super) fn from_lsp_error(error: &jsonrpc::Error) -> rpc::Error {
    // All codes of both sides have 32 bits.
    let code = i32::try_from(error.code.code()).unwrap_or(-32603);
    rpc::Error::new(code, error.message.clone()).with_data(error.data.clone())
}
