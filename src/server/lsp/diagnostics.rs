//! Errors and notes on the tags of a document.

use std::ops::Range;
use std::sync::{Arc, Weak};

use tower_lsp::ls_types::{
    Diagnostic, DiagnosticSeverity, NumberOrString, PublishDiagnosticsParams, Uri,
};

use super::connection::Connection;
use super::documents::DocumentView;
use super::stale::StaleDiagnostics;
use crate::tags::settings::wrong_everywhere;
use crate::tags::{NoteKind, Tag, TagKind};

/// The name under which clients show the diagnostics.
const SOURCE: &str = "fimd";

/// Tells the client the diagnostics of stale documents. Makes them once the
/// output has room, so that fast typing leads to one notification. Ends with the
/// connection.
pub(super) async fn publish(connection: Weak<Connection>, stale: Arc<StaleDiagnostics>) {
    loop {
        for uri in stale.take().await {
            let Some(connection) = connection.upgrade() else {
                return;
            };
            let Ok(parsed) = uri.parse::<Uri>() else {
                tracing::warn!("{uri}: no URI; its diagnostics are not shown");
                continue;
            };
            let params = || {
                let view = connection.tagged(&uri);
                PublishDiagnosticsParams {
                    uri: parsed,
                    version: view.as_ref().map(|view| view.version),
                    diagnostics: view.as_ref().map(of).unwrap_or_default(),
                }
            };
            let method = "textDocument/publishDiagnostics";
            let told = connection.peer.tell_newest(method, params);
            if told.await.is_none() {
                return;
            }
        }
    }
}

/// The diagnostics of a document, in the order of the text. There are none in code of
/// Markdown.
pub(super) fn of(view: &DocumentView) -> Vec<Diagnostic> {
    let tags = view.tags();
    let mut positions = view.positions();
    let mut all: Vec<_> = tags
        .all()
        .iter()
        .flat_map(|tag| of_tag(view, tag).into_iter().map(move |found| (tag, found)))
        .collect();
    if !all.is_empty() {
        let code = view.code(&tags);
        all.retain(|(tag, _)| !code.contains(tag));
    }
    let mut all: Vec<_> = all.into_iter().map(|(_, found)| found).collect();
    all.sort_by_key(|found| found.range.start);
    let diagnostic = |found: ByteDiagnostic| Diagnostic {
        range: positions.range(&found.range),
        severity: Some(found.severity),
        code: Some(NumberOrString::String(found.code.into())),
        source: Some(SOURCE.into()),
        message: found.message,
        ..Diagnostic::default()
    };
    all.into_iter().map(diagnostic).collect()
}

/// A diagnostic in bytes.
struct ByteDiagnostic {
    range: Range<usize>,
    severity: DiagnosticSeverity,
    code: &'static str,
    message: String,
}

fn of_tag(view: &DocumentView, tag: &Tag) -> Vec<ByteDiagnostic> {
    let mut wrong = Vec::new();
    match &tag.kind {
        TagKind::Invalid(fault) => {
            return vec![ByteDiagnostic {
                range: word(view.text(), tag, fault.at),
                severity: DiagnosticSeverity::ERROR,
                code: "invalid-tag",
                message: format!("{}; {}", fault.message, fault.hint),
            }];
        }
        TagKind::Config(config) => wrong = wrong_everywhere(config),
        TagKind::Fim(_) | TagKind::Boundary(_) | TagKind::Comment(_) => {}
    }
    let note = |note: &crate::tags::Note| {
        let (severity, code) = match note.kind {
            NoteKind::Warning => (DiagnosticSeverity::WARNING, "tag-warning"),
            NoteKind::Extension => (DiagnosticSeverity::HINT, "tag-extension"),
        };
        ByteDiagnostic {
            range: word(view.text(), tag, note.at),
            severity,
            code,
            message: match note.kind {
                NoteKind::Warning => note.message.clone(),
                NoteKind::Extension => format!("{}: not in FIMpad's specification", note.message),
            },
        }
    };
    let wrong = wrong.into_iter().map(|entry| ByteDiagnostic {
        range: word(view.text(), tag, entry.at),
        severity: DiagnosticSeverity::ERROR,
        code: "invalid-setting",
        message: entry.to_string(),
    });
    tag.kind.notes().iter().map(note).chain(wrong).collect()
}

/// The word or the character `at` bytes behind the tag's start; the whole tag if
/// there is none.
fn word(text: &str, tag: &Tag, at: usize) -> Range<usize> {
    let start = text.floor_char_boundary((tag.range.start + at).min(text.len()));
    let rest = &text[start..tag.range.end.max(start)];
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let len = match rest.find(|c| !is_word(c)).unwrap_or(rest.len()) {
        0 => rest.chars().next().map_or(0, char::len_utf8),
        len => len,
    };
    match len {
        0 => tag.range.clone(),
        len => start..start + len,
    }
}
