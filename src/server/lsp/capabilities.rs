//! The capabilities that fimd announces to an LSP client.

use serde_json::json;
use tower_lsp::ls_types::{
    CodeActionProviderCapability, CodeLensOptions, CompletionOptions, ExecuteCommandOptions,
    HoverProviderCapability, OneOf, PositionEncodingKind, SemanticTokensFullOptions,
    SemanticTokensOptions, ServerCapabilities, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions,
};

use super::command_name::CommandName;
use super::{completion, semantic_tokens};
use crate::server::methods::initialize::IndexCounts;
use crate::text::Encoding;

/// The capabilities in a session whose positions count `positions`.
pub(super) fn capabilities(counts: &IndexCounts, positions: Encoding) -> ServerCapabilities {
    let position_encoding = match positions {
        Encoding::Utf8 => PositionEncodingKind::UTF8,
        Encoding::Utf16 => PositionEncodingKind::UTF16,
        Encoding::Utf32 => PositionEncodingKind::UTF32,
    };
    ServerCapabilities {
        position_encoding: Some(position_encoding),
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
                legend: semantic_tokens::legend(),
                range: Some(true),
                full: Some(SemanticTokensFullOptions::Bool(true)),
                ..SemanticTokensOptions::default()
            }
            .into(),
        ),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: CommandName::ALL
                .map(|command| command.name().to_owned())
                .into(),
            ..ExecuteCommandOptions::default()
        }),
        inline_completion_provider: Some(OneOf::Left(true)),
        // Repeats the version, because not all clients show `serverInfo`.
        experimental: Some(json!({ "fimd": {
            "version": env!("CARGO_PKG_VERSION"),
            "file_count": counts.file_count,
            "bm25_chunks": counts.bm25_chunks,
        } })),
        ..ServerCapabilities::default()
    }
}
