//! The language server that tower-lsp serves: its handlers, and fimd's own
//! methods beside LSP's.
//!
//! Handlers of notifications never wait. Handlers of requests take the open
//! buffers before they wait for anything: see [`headers`](super::headers).

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::json;
use serde_json::value::RawValue;
use tower_lsp::jsonrpc::{self, ErrorCode};
use tower_lsp::ls_types::{
    DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    InitializeParams, InitializeResult, PositionEncodingKind, ServerCapabilities, ServerInfo,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
};
use tower_lsp::{LanguageServer, LspService};

use super::buffers::{Buffers, OpenBuffers};
use super::methods::{generate_dataset, get_context, initialize, jobs, settings, status};
use super::project::Connected;
use crate::cancel::{Cancel, CancelOnDrop};
use crate::engine::Engine;
use crate::rpc;
use crate::text::Encoding;

/// The state of one connection, as its handlers see it.
pub(super) struct Backend {
    engine: Engine,
    /// Set once: tower-lsp lets nothing else through before, and no second
    /// `initialize` after.
    connected: OnceLock<Arc<Connected>>,
    /// Locked by a handler for as long as an edit takes.
    buffers: Mutex<Buffers>,
}

/// The service of one connection.
pub(super) fn service(engine: Engine) -> LspService<Backend> {
    // Nothing is ever asked of the client: there is no use for the socket.
    let (service, _) = LspService::build(|_| Backend {
        buffers: Mutex::new(Buffers::new(engine.limits().max_buffer_bytes)),
        engine,
        connected: OnceLock::new(),
    })
    .custom_method("getContext", Backend::get_context)
    .custom_method("generateDataset", Backend::generate_dataset)
    .custom_method("job/status", Backend::job_status)
    .custom_method("job/cancel", Backend::job_cancel)
    .custom_method("fimd/settings", Backend::settings)
    .custom_method("fimd/status", Backend::status)
    .finish();
    service
}

impl Backend {
    fn buffers(&self) -> MutexGuard<'_, Buffers> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `initialize` has come to its end.
    pub(super) fn is_connected(&self) -> bool {
        self.connected.get().is_some()
    }

    /// What a method that the pump itself starts needs to know: the project,
    /// if there is one, and the open buffers.
    pub(super) fn now(&self) -> (Option<Arc<Connected>>, OpenBuffers) {
        (self.connected.get().cloned(), self.buffers().open())
    }

    async fn get_context(&self, params: Box<RawValue>) -> jsonrpc::Result<Box<RawValue>> {
        let open = self.buffers().open();
        let connected = self.connected.get().cloned();
        let cancel = Cancel::default();
        let _stop = CancelOnDrop::from(cancel.clone());
        get_context::run(&self.engine, connected, open, Some(params), cancel)
            .await
            .map_err(error_of_theirs)
    }

    async fn status(&self) -> jsonrpc::Result<Box<RawValue>> {
        status::run(self.engine.clone())
            .await
            .map_err(error_of_theirs)
    }
}

// What follows needs nothing of the connection's state but the project.
impl Backend {
    async fn generate_dataset(&self, params: Box<RawValue>) -> jsonrpc::Result<Box<RawValue>> {
        let connected = self.connected.get().cloned();
        generate_dataset::run(&self.engine, connected, Some(&params))
            .await
            .map_err(error_of_theirs)
    }

    async fn settings(&self) -> jsonrpc::Result<Box<RawValue>> {
        settings::run(&self.engine).map_err(error_of_theirs)
    }

    async fn job_status(&self, params: Box<RawValue>) -> jsonrpc::Result<Box<RawValue>> {
        jobs::status(&self.engine, Some(&params)).map_err(error_of_theirs)
    }

    async fn job_cancel(&self, params: Box<RawValue>) -> jsonrpc::Result<Box<RawValue>> {
        jobs::cancel(&self.engine, Some(&params)).map_err(error_of_theirs)
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> jsonrpc::Result<InitializeResult> {
        let cancel = Cancel::default();
        let _stop = CancelOnDrop::from(cancel.clone());
        let (counts, connected) = initialize::lsp(&self.engine, &params, cancel)
            .await
            .map_err(error_of_theirs)?;
        let positions = match connected.positions {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
            Encoding::Utf32 => PositionEncodingKind::UTF32,
        };
        // Only one `initialize` is let through until it fails.
        self.connected.get_or_init(|| Arc::new(connected));
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
                experimental: Some(json!({ "fimd": counts })),
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
        if let Some(connected) = self.connected.get() {
            let document = params.text_document;
            let roots = &connected.project.roots;
            self.buffers()
                .put(roots, document.uri.as_str(), document.text);
        }
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        if let Some(connected) = self.connected.get() {
            let uri = params.text_document.uri.as_str();
            self.buffers()
                .edit(uri, params.content_changes, connected.positions);
        }
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.buffers().close(params.text_document.uri.as_str());
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
