//! The documents that a client has open: text, version, and tags if the language
//! is one of those that the settings name.
//!
//! Each change brings the tags up to date and reads only the text that it can
//! affect. A request works with a [`DocumentView`], which no change affects.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use tower_lsp::ls_types::{self, Position, TextDocumentContentChangeEvent, TextDocumentItem};

use super::splice::Splice;
use crate::config::ContextSources;
use crate::files::Roots;
use crate::server::buffers::{Buffers, OpenBuffer, OpenBuffers};
use crate::server::project::ClientProject;
use crate::tags::{CodeRanges, Tags, TextFormat};
use crate::text::{Encoding, Positions, position_offset};

/// All open documents. Changes come in the order of the client's messages.
#[derive(Debug)]
pub(super) struct Documents {
    buffers: Buffers,
    /// By URI as the client writes it.
    open: BTreeMap<String, Document>,
    /// The ids of the languages with tags.
    languages: Vec<String>,
}

/// An open document without its text.
#[derive(Debug)]
struct Document {
    version: i32,
    /// The id of its language.
    language: String,
    /// The tags, if the language is one with tags.
    tags: Option<Arc<Tags>>,
    format: TextFormat,
    /// The text that fimd is writing into the document.
    splice: Option<Splice>,
}

/// The state of a document at one moment.
#[derive(Clone, Debug)]
pub(super) struct DocumentView {
    /// As the client writes it.
    pub(super) uri: String,
    /// The version.
    pub(super) version: i32,
    buffer: Arc<OpenBuffer>,
    tags: Option<Arc<Tags>>,
    format: TextFormat,
    encoding: Encoding,
}

impl Documents {
    /// No documents. `languages` are the ids of the languages with tags.
    pub(super) fn new(max_buffer_bytes: usize, languages: Vec<String>) -> Self {
        Self {
            buffers: Buffers::new(max_buffer_bytes),
            open: BTreeMap::new(),
            languages,
        }
    }

    /// The present state of the buffers.
    pub(super) fn buffers(&self) -> OpenBuffers {
        self.buffers.open()
    }

    /// The present state of a document, if it is open and not too large.
    pub(super) fn view(&self, uri: &str, encoding: Encoding) -> Option<DocumentView> {
        let document = self.open.get(uri)?;
        Some(DocumentView {
            uri: uri.to_owned(),
            version: document.version,
            buffer: Arc::clone(self.buffers.open().get(uri)?),
            tags: document.tags.clone(),
            format: document.format,
            encoding,
        })
    }

    /// The present state of a document, if its language is one with tags.
    pub(super) fn tagged(&self, uri: &str, encoding: Encoding) -> Option<DocumentView> {
        self.view(uri, encoding).filter(|view| view.tags.is_some())
    }

    /// Opens a document. Returns whether its language is one with tags.
    pub(super) fn open(&mut self, roots: &Roots, document: TextDocumentItem) -> bool {
        let TextDocumentItem {
            uri,
            language_id,
            version,
            text,
        } = document;
        // The id by which Neovim and Emacs name plain text.
        let language = match language_id.as_str() {
            "text" => "plaintext".to_owned(),
            _ => language_id,
        };
        let is_tagged = self.languages.contains(&language);
        let tags = is_tagged.then(|| Arc::new(Tags::parse(&text)));
        self.buffers.put(roots, uri.as_str(), &language, text);
        let document = Document {
            version,
            tags,
            format: match language.as_str() {
                "markdown" => TextFormat::Markdown,
                _ => TextFormat::of_path(uri.as_str()),
            },
            language,
            splice: None,
        };
        self.open.insert(uri.as_str().to_owned(), document);
        is_tagged
    }

    /// The projects have changed: `roots` tells the folders of a document's project.
    pub(super) fn move_to(&mut self, roots: impl Fn(&str) -> Roots) {
        self.buffers.move_to(roots);
    }

    /// From now on the documents in `languages` are those with tags. Returns the
    /// documents for which that is a change.
    pub(super) fn tag_languages(&mut self, languages: Vec<String>) -> Vec<String> {
        self.languages = languages;
        let buffers = self.buffers.open();
        let mut changed = Vec::new();
        for (uri, document) in &mut self.open {
            let is_tagged = self.languages.contains(&document.language);
            if is_tagged == document.tags.is_some() {
                continue;
            }
            let text = || buffers.get(uri).map_or("", |buffer| &buffer.text);
            document.tags = is_tagged.then(|| Arc::new(Tags::parse(text())));
            changed.push(uri.clone());
        }
        changed
    }

    /// Applies changes in order. Returns whether the document's language is one
    /// with tags.
    pub(super) fn change(
        &mut self,
        uri: &str,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
    ) -> bool {
        let Some(document) = self.open.get_mut(uri) else {
            tracing::warn!("{uri}: changed without being open; the change is ignored");
            return false;
        };
        document.version = version;
        let mut edited = String::new();
        self.buffers
            .edit(uri, changes, encoding, |before, range, new| {
                if let Some(splice) = &mut document.splice {
                    splice.changed(before, range.clone(), new);
                }
                if let Some(tags) = &mut document.tags {
                    edited.clear();
                    edited.push_str(&before[..range.start]);
                    edited.push_str(new);
                    edited.push_str(&before[range.end..]);
                    Arc::make_mut(tags).edit(&edited, range, new.len());
                }
            });
        if self.buffers.open().get(uri).is_none() {
            document.forget_text();
        }
        if let Some(splice) = &document.splice {
            splice.signal_change();
        }
        document.tags.is_some()
    }

    /// The client has changed a document in a way that cannot be read. Returns whether
    /// its language is one with tags.
    pub(super) fn lose(&mut self, uri: &str, what: String) -> bool {
        let document = self.open.get_mut(uri);
        if !self.buffers.lose(uri, what) {
            return false;
        }
        document.is_some_and(|document| {
            document.forget_text();
            document.tags.is_some()
        })
    }

    /// Closes a document. Returns whether its language was one with tags.
    pub(super) fn close(&mut self, uri: &str) -> bool {
        self.buffers.close(uri);
        let closed = self.open.remove(uri);
        closed.is_some_and(|document| document.tags.is_some())
    }

    /// The ids of the languages with tags.
    pub(super) fn languages(&self) -> &[String] {
        &self.languages
    }

    /// The text that fimd is writing into a document; none if it is not open.
    pub(super) fn splice(&mut self, uri: &str) -> Option<&mut Option<Splice>> {
        self.open.get_mut(uri).map(|document| &mut document.splice)
    }
}

impl Document {
    /// Its text is not known any more: only a change of the whole text brings it back.
    fn forget_text(&mut self) {
        self.tags = self.tags.take().map(|_| Arc::default());
        self.splice = None;
    }
}

impl DocumentView {
    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.buffer.text
    }

    /// The key of the file, see [`Roots::key`].
    pub(super) fn key(&self) -> &str {
        &self.buffer.file.key
    }

    /// The sources of the document's contexts.
    pub(super) fn sources(&self, project: &ClientProject) -> ContextSources {
        self.buffer.file.sources(project)
    }

    /// The tags, parsed now if the language is not one with tags.
    pub(super) fn tags(&self) -> Arc<Tags> {
        match &self.tags {
            Some(tags) => Arc::clone(tags),
            None => Arc::new(Tags::parse(self.text())),
        }
    }

    /// The code of the document, in which nothing is reported about tags.
    pub(super) fn code(&self, tags: &Tags) -> CodeRanges {
        CodeRanges::find(self.text(), tags, self.format)
    }

    /// The byte at a position.
    pub(super) fn offset(&self, position: Position) -> usize {
        let Position { line, character } = position;
        position_offset(self.text(), line.into(), character.into(), self.encoding)
    }

    /// Converts bytes to positions.
    pub(super) fn positions(&self) -> DocumentPositions<'_> {
        DocumentPositions(Positions::new(self.text(), self.encoding))
    }
}

/// Converts bytes of a document to the client's positions. Bytes in ascending
/// order cost one pass over the text.
pub(super) struct DocumentPositions<'t>(Positions<'t>);

impl DocumentPositions<'_> {
    /// The position of a byte.
    pub(super) fn position(&mut self, at: usize) -> Position {
        let (line, character) = self.0.of(at);
        Position { line, character }
    }

    /// The range of some bytes.
    pub(super) fn range(&mut self, range: &Range<usize>) -> ls_types::Range {
        ls_types::Range {
            start: self.position(range.start),
            end: self.position(range.end),
        }
    }
}
