//! A finished context and the snippets that it consists of.

use std::collections::BTreeMap;

use crate::php::Span;

/// What found a snippet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SnippetSource {
    /// The ranking of declarations.
    Dependency,
    /// The BM25 search for chunks.
    Bm25,
    /// The outline of the edited file.
    Outline,
}

/// One piece of a context: a declaration or a chunk.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Snippet {
    /// Key of the file it comes from.
    pub path: String,
    /// First byte in that file.
    pub start: usize,
    /// One past the last byte in that file.
    pub end: usize,
    /// What found it.
    pub source: SnippetSource,
    /// Its probability or BM25 score; comparable within one context only.
    pub score: f32,
    /// How many characters of the context it takes.
    pub chars: usize,
}

/// An assembled context.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// The text to put before the prefix: ends with a newline unless empty.
    pub text: String,
    /// The file under each header of `text`, in its order.
    pub files: Vec<String>,
    /// The snippets in `text`, in its order.
    pub snippets: Vec<Snippet>,
    /// The snippets that were found and left out, best first.
    pub dropped: Vec<DroppedSnippet>,
    /// How many secrets placeholders replace in `text`, by kind.
    pub redacted: BTreeMap<&'static str, u64>,
}

impl Context {
    /// Appends `text`, which shows `span` of the file `path`, and notes it as a snippet.
    pub(super) fn show(
        &mut self,
        text: &str,
        (path, span): (&str, Span),
        source: SnippetSource,
        score: f32,
    ) {
        self.text.push_str(text);
        self.snippets.push(Snippet {
            path: path.to_owned(),
            start: span.start as usize,
            end: span.end as usize,
            source,
            score,
            chars: text.chars().count(),
        });
    }
}

/// A snippet that was found and left out.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct DroppedSnippet {
    /// The snippet.
    #[serde(flatten)]
    pub snippet: Snippet,
    /// Why it was left out.
    pub reason: &'static str,
}
