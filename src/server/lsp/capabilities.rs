//! The capabilities that fimd announces to an LSP client.

use serde_json::json;
use tower_lsp::ls_types::{
    CodeActionProviderCapability, CodeLensOptions, CompletionOptions, ExecuteCommandOptions,
    HoverProviderCapability, OneOf, PositionEncodingKind, SemanticTokensFullOptions,
    SemanticTokensOptions, ServerCapabilities, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};

use super::command_name::CommandName;
use super::features::DynamicFeatures;
use super::{completion, semantic_tokens};
use crate::server::methods::initialize::IndexCounts;
use crate::text::Encoding;

/// The capabilities in a session whose positions count `positions`. Leaves out what
/// is registered later.
pub(super) fn capabilities(
    counts: &IndexCounts,
    positions: Encoding,
    registered: DynamicFeatures,
) -> ServerCapabilities {
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
        hover_provider: (!registered.hover).then_some(HoverProviderCapability::Simple(true)),
        completion_provider: (!registered.completion).then(completion_options),
        code_lens_provider: (!registered.code_lens).then(code_lens_options),
        code_action_provider: Some(CodeActionProviderCapability::Simple(true)),
        semantic_tokens_provider: (!registered.semantic_tokens)
            .then(|| semantic_tokens_options().into()),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: CommandName::ALL
                .map(|command| command.name().to_owned())
                .into(),
            ..ExecuteCommandOptions::default()
        }),
        inline_completion_provider: Some(OneOf::Left(true)),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            ..WorkspaceServerCapabilities::default()
        }),
        // Repeats the version, because not all clients show `serverInfo`.
        experimental: Some(json!({ "fimd": {
            "version": env!("CARGO_PKG_VERSION"),
            "file_count": counts.file_count,
            "bm25_chunks": counts.bm25_chunks,
        } })),
        ..ServerCapabilities::default()
    }
}

/// How completion inside tags is announced or registered.
pub(super) fn completion_options() -> CompletionOptions {
    CompletionOptions {
        trigger_characters: Some(completion::TRIGGERS.map(Into::into).into()),
        ..CompletionOptions::default()
    }
}

/// How the lenses at tags are announced or registered.
pub(super) fn code_lens_options() -> CodeLensOptions {
    CodeLensOptions {
        resolve_provider: Some(false),
    }
}

/// How the tokens of tags are announced or registered.
pub(super) fn semantic_tokens_options() -> SemanticTokensOptions {
    SemanticTokensOptions {
        legend: semantic_tokens::legend(),
        range: Some(true),
        full: Some(SemanticTokensFullOptions::Bool(true)),
        ..SemanticTokensOptions::default()
    }
}
