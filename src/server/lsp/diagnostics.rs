//! What is wrong with the tags of a document, and what is unusual.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Notify;
use tower_lsp::ls_types::{
    Diagnostic, DiagnosticSeverity, NumberOrString, PublishDiagnosticsParams, Uri,
};

use super::State;
use super::documents::View;
use crate::tags::settings::wrong_everywhere;
use crate::tags::{NoteKind, Tag, TagKind};

/// What the client calls whoever says this.
const SOURCE: &str = "fimd";

/// Which documents the client is to be told about.
#[derive(Debug, Default)]
pub(super) struct Stale {
    uris: Mutex<BTreeSet<String>>,
    news: Notify,
}

impl Stale {
    /// What the client knows of this document's diagnostics is old.
    pub(super) fn add(&self, uri: &str) {
        let mut uris = self.uris.lock().unwrap_or_else(PoisonError::into_inner);
        uris.insert(uri.to_owned());
        self.news.notify_one();
    }

    fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.uris.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tells the client of the diagnostics of stale documents, as they are when it
/// has room to hear of them: who types fast is told once. Ends with the
/// connection.
pub(super) async fn publish(state: Weak<State>, stale: Arc<Stale>) {
    loop {
        stale.news.notified().await;
        for uri in stale.take() {
            let Some(state) = state.upgrade() else { return };
            let Ok(parsed) = uri.parse::<Uri>() else {
                tracing::warn!("{uri}: no URI; its diagnostics are not shown");
                continue;
            };
            let params = || {
                let view = state.tagged(&uri);
                PublishDiagnosticsParams {
                    uri: parsed,
                    version: view.as_ref().map(|view| view.version),
                    diagnostics: view.as_ref().map(of).unwrap_or_default(),
                }
            };
            let method = "textDocument/publishDiagnostics";
            if state.peer.tell_newest(method, params).await.is_none() {
                return;
            }
        }
    }
}

/// Everything there is to say about the tags of a document.
pub(super) fn of(view: &View) -> Vec<Diagnostic> {
    let tags = view.tags();
    let mut places = view.places();
    let mut all: Vec<_> = tags.all().iter().flat_map(|tag| about(view, tag)).collect();
    all.sort_by_key(|about| about.range.start);
    let diagnostic = |about: About| Diagnostic {
        range: places.range(&about.range),
        severity: Some(about.severity),
        code: Some(NumberOrString::String(about.code.into())),
        source: Some(SOURCE.into()),
        message: about.message,
        ..Diagnostic::default()
    };
    all.into_iter().map(diagnostic).collect()
}

/// One thing to say.
struct About {
    range: Range<usize>,
    severity: DiagnosticSeverity,
    code: &'static str,
    message: String,
}

fn about(view: &View, tag: &Tag) -> Vec<About> {
    let mut wrong = Vec::new();
    let notes = match &tag.kind {
        TagKind::Invalid(fault) => {
            return vec![About {
                range: word(view.text(), tag, fault.at),
                severity: DiagnosticSeverity::ERROR,
                code: "invalid-tag",
                message: format!("{}; {}", fault.message, fault.hint),
            }];
        }
        TagKind::Fim(fim) => &fim.notes,
        TagKind::Config(config) => {
            wrong = wrong_everywhere(config);
            &config.notes
        }
        TagKind::Boundary(_) | TagKind::Comment(_) => return Vec::new(),
    };
    let note = |note: &crate::tags::Note| {
        let (severity, code) = match note.kind {
            NoteKind::Warning => (DiagnosticSeverity::WARNING, "tag-warning"),
            NoteKind::Extension => (DiagnosticSeverity::HINT, "tag-extension"),
        };
        About {
            range: word(view.text(), tag, note.at),
            severity,
            code,
            message: match note.kind {
                NoteKind::Warning => note.message.clone(),
                NoteKind::Extension => format!("{}: FIMpad does not know this", note.message),
            },
        }
    };
    let wrong = wrong.into_iter().map(|entry| About {
        range: word(view.text(), tag, entry.at),
        severity: DiagnosticSeverity::ERROR,
        code: "invalid-setting",
        message: entry.to_string(),
    });
    notes.iter().map(note).chain(wrong).collect()
}

/// What stands `at` bytes behind the tag's start: a word, or one character; the
/// whole tag if nothing does.
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
