//! The documents that a client has open: their text, version and language, and
//! the tags of those in whose language tags are meant.
//!
//! Tags are kept up to date by each change, which reads again only what it can
//! reach. Whoever answers a request takes a [`View`], which no change touches.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use tower_lsp::ls_types::{self, Position, TextDocumentContentChangeEvent, TextDocumentItem};

use super::splice::Splice;
use crate::files::Roots;
use crate::server::buffers::{Buffer, Buffers, OpenBuffers};
use crate::tags::Tags;
use crate::text::{Encoding, Positions, position_offset};

/// Everything that is open, changed in the order that the client says.
#[derive(Debug)]
pub(super) struct Documents {
    buffers: Buffers,
    /// By URI as the client writes it.
    open: BTreeMap<String, Document>,
    /// The languages in which tags are meant.
    languages: Vec<String>,
}

/// What is known of an open document besides its text.
#[derive(Debug)]
struct Document {
    version: i32,
    /// Its tags, where they are meant.
    tags: Option<Arc<Tags>>,
    /// What is being written into it.
    splice: Option<Splice>,
}

/// A document at one moment.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// As the client writes it.
    pub(super) uri: String,
    /// Its version.
    pub(super) version: i32,
    buffer: Arc<Buffer>,
    tags: Option<Arc<Tags>>,
    encoding: Encoding,
}

impl Documents {
    /// None; `languages` are those in which tags are meant.
    pub(super) fn new(max_buffer_bytes: usize, languages: Vec<String>) -> Self {
        Self {
            buffers: Buffers::new(max_buffer_bytes),
            open: BTreeMap::new(),
            languages,
        }
    }

    /// The buffers at this moment.
    pub(super) fn buffers(&self) -> OpenBuffers {
        self.buffers.open()
    }

    /// The document at this moment, if it is open and not too large.
    pub(super) fn view(&self, uri: &str, encoding: Encoding) -> Option<View> {
        let document = self.open.get(uri)?;
        Some(View {
            uri: uri.to_owned(),
            version: document.version,
            buffer: Arc::clone(self.buffers.open().get(uri)?),
            tags: document.tags.clone(),
            encoding,
        })
    }

    /// The document at this moment, if tags are meant in it.
    pub(super) fn tagged(&self, uri: &str, encoding: Encoding) -> Option<View> {
        self.view(uri, encoding).filter(|view| view.tags.is_some())
    }

    /// Opens a document. Whether tags are meant in it.
    pub(super) fn open(&mut self, roots: &Roots, document: TextDocumentItem) -> bool {
        let TextDocumentItem {
            uri,
            language_id,
            version,
            text,
        } = document;
        // Neovim and Emacs call it so.
        let language = match language_id.as_str() {
            "text" => "plaintext",
            other => other,
        };
        let is_tagged = self.languages.iter().any(|known| known == language);
        let tags = is_tagged.then(|| Arc::new(Tags::parse(&text)));
        self.buffers.put(roots, uri.as_str(), text);
        let document = Document {
            version,
            tags,
            splice: None,
        };
        self.open.insert(uri.as_str().to_owned(), document);
        is_tagged
    }

    /// Applies changes in order. Whether tags are meant in the document.
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
            // Too large: it comes back as a whole or not at all.
            document.tags = document.tags.take().map(|_| Arc::default());
            document.splice = None;
        }
        if let Some(splice) = &document.splice {
            splice.tell();
        }
        document.tags.is_some()
    }

    /// Closes a document. Whether tags were meant in it.
    pub(super) fn close(&mut self, uri: &str) -> bool {
        self.buffers.close(uri);
        let closed = self.open.remove(uri);
        closed.is_some_and(|document| document.tags.is_some())
    }

    /// What is being written into a document; none if it is not open.
    pub(super) fn splice(&mut self, uri: &str) -> Option<&mut Option<Splice>> {
        self.open.get_mut(uri).map(|document| &mut document.splice)
    }
}

impl View {
    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.buffer.text
    }

    /// The key of its file, see [`Roots::key`].
    pub(super) fn key(&self) -> &str {
        &self.buffer.key
    }

    /// Its tags, read now if they are not kept.
    pub(super) fn tags(&self) -> Arc<Tags> {
        match &self.tags {
            Some(tags) => Arc::clone(tags),
            None => Arc::new(Tags::parse(self.text())),
        }
    }

    /// The byte at a position.
    pub(super) fn offset(&self, position: Position) -> usize {
        let Position { line, character } = position;
        position_offset(self.text(), line.into(), character.into(), self.encoding)
    }

    /// Turns bytes into positions.
    pub(super) fn places(&self) -> Places<'_> {
        Places(Positions::new(self.text(), self.encoding))
    }
}

/// Turns bytes of a document into the client's positions; quickly so in
/// ascending order.
pub(super) struct Places<'t>(Positions<'t>);

impl Places<'_> {
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
