//! The buffers that a client has open, and the project as it is with them laid
//! over the disk.
//!
//! Nothing is indexed when a buffer is edited: the overlay is made by the next
//! request that needs it, and kept as long as neither the project nor any
//! buffer of it has changed. The buffer that a request is about is no part of
//! it, so typing in one buffer and asking about it costs nothing here.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tower_lsp::ls_types::TextDocumentContentChangeEvent;

use crate::files::{self, Roots};
use crate::index::{Snapshot, SourceFile};
use crate::php;
use crate::text::{Encoding, position_offset};

/// An open buffer in one state, immutable.
#[derive(Debug)]
pub(super) struct Buffer {
    /// The key of its file, see [`Roots::key`].
    pub(super) key: String,
    /// Its text.
    pub(super) text: String,
    /// Whether its file is one of the project's, or would be if it were saved.
    in_project: bool,
    /// It as a file, once it is needed.
    file: OnceLock<Arc<SourceFile>>,
}

impl Buffer {
    fn new(key: String, text: String, in_project: bool) -> Arc<Self> {
        Arc::new(Self {
            key,
            text,
            in_project,
            file: OnceLock::new(),
        })
    }

    fn file(&self) -> Arc<SourceFile> {
        let file = self.file.get_or_init(|| {
            let (path, text) = (self.key.as_str().into(), self.text.as_str().into());
            let facts = php::facts(&self.text);
            Arc::new(SourceFile::new(path, text, false, facts))
        });
        Arc::clone(file)
    }

    fn is_as_in(&self, snapshot: &Snapshot) -> bool {
        snapshot
            .file(&self.key)
            .is_some_and(|file| !file.lossy && *file.text == *self.text)
    }
}

/// The buffers of one connection, by URI as the client writes it.
#[derive(Debug)]
pub(super) struct Buffers(OpenBuffers);

impl Buffers {
    /// None; of those to come each may have so many bytes.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self(OpenBuffers {
            max_bytes,
            buffers: Arc::default(),
            too_large: Arc::default(),
            newest: Arc::default(),
        })
    }

    /// Their state at this moment.
    pub(super) fn open(&self) -> OpenBuffers {
        self.0.clone()
    }

    /// Opens a buffer, or gives an open one new text.
    pub(super) fn put(&mut self, roots: &Roots, uri: &str, text: String) {
        let key = roots.key(uri);
        let is_file = uri.starts_with("file:");
        let in_project = is_file && files::belongs(roots, &roots.path(&key));
        self.insert(uri, key, text, in_project);
    }

    /// Keeps a buffer, unless it is too large: then it is forgotten, but for
    /// that, since edits of what is not there cannot be followed.
    fn insert(&mut self, uri: &str, key: String, text: String, in_project: bool) {
        if text.len() > self.0.max_bytes {
            tracing::warn!(
                "{uri}: {} bytes, more than the {} of max_buffer_bytes; the buffer is not served \
                 until it is given as a whole again",
                text.len(),
                self.0.max_bytes
            );
            let too_large = TooLarge { key, in_project };
            Arc::make_mut(&mut self.0.buffers).remove(uri);
            Arc::make_mut(&mut self.0.too_large).insert(uri.to_owned(), too_large);
            return;
        }
        Arc::make_mut(&mut self.0.too_large).remove(uri);
        let buffer = Buffer::new(key, text, in_project);
        Arc::make_mut(&mut self.0.buffers).insert(uri.to_owned(), buffer);
    }

    /// Applies changes in order, each to the text that the one before left.
    /// Positions outside the text are clamped. `changed` is told of each: the
    /// text before it, which bytes of it give way, and to what.
    pub(super) fn edit(
        &mut self,
        uri: &str,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
        mut changed: impl FnMut(&str, Range<usize>, &str),
    ) {
        let mut changes = changes.as_slice();
        let buffers = Arc::make_mut(&mut self.0.buffers);
        if let Some(too_large) = self.0.too_large.get(uri) {
            let Some(whole) = changes.iter().rposition(|change| change.range.is_none()) else {
                return;
            };
            changes = &changes[whole..];
            let TooLarge { key, in_project } = too_large.clone();
            buffers.insert(uri.to_owned(), Buffer::new(key, String::new(), in_project));
        }
        let Some(buffer) = buffers.remove(uri) else {
            tracing::warn!("{uri}: changed without being open; the change is ignored");
            return;
        };
        let (key, mut text, in_project) = match Arc::try_unwrap(buffer) {
            Ok(buffer) => (buffer.key, buffer.text, buffer.in_project),
            // A request at work still reads it.
            Err(shared) => (shared.key.clone(), shared.text.clone(), shared.in_project),
        };
        for change in changes {
            let Some(range) = change.range else {
                changed(&text, 0..text.len(), &change.text);
                text.clone_from(&change.text);
                continue;
            };
            let [start, end] = [range.start, range.end].map(|place| {
                let (line, character) = (place.line.into(), place.character.into());
                position_offset(&text, line, character, encoding)
            });
            let end = end.max(start);
            changed(&text, start..end, &change.text);
            text.replace_range(start..end, &change.text);
        }
        self.insert(uri, key, text, in_project);
    }

    /// Closes a buffer: what counts again is the file on disk.
    pub(super) fn close(&mut self, uri: &str) {
        Arc::make_mut(&mut self.0.buffers).remove(uri);
        Arc::make_mut(&mut self.0.too_large).remove(uri);
    }
}

/// What stays of an open buffer that is larger than it may be.
#[derive(Clone, Debug)]
struct TooLarge {
    key: String,
    in_project: bool,
}

/// The state of a connection's buffers when a request arrived. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenBuffers {
    /// How many bytes each may have.
    max_bytes: usize,
    buffers: Arc<BTreeMap<String, Arc<Buffer>>>,
    too_large: Arc<BTreeMap<String, TooLarge>>,
    newest: Arc<Mutex<Option<Overlay>>>,
}

/// A snapshot with buffers laid over it.
#[derive(Debug)]
struct Overlay {
    base: Arc<Snapshot>,
    buffers: Vec<Arc<Buffer>>,
    laid_over: Arc<Snapshot>,
}

impl OpenBuffers {
    /// The buffer that was opened with this URI.
    pub(super) fn get(&self, uri: &str) -> Option<&Arc<Buffer>> {
        self.buffers.get(uri)
    }

    /// How many bytes the buffer that was opened with this URI may have, if it
    /// has more.
    pub(super) fn is_too_large(&self, uri: &str) -> Option<usize> {
        self.too_large.contains_key(uri).then_some(self.max_bytes)
    }

    /// `base` with the project's open buffers laid over it, but for the one
    /// with the key `except`. Takes time in proportion to the buffers that
    /// differ from their files, if any has changed since the last time.
    pub(super) fn over(&self, base: Arc<Snapshot>, except: &str) -> Arc<Snapshot> {
        let buffers: Vec<_> = self
            .buffers
            .values()
            .filter(|buffer| buffer.in_project && buffer.key != except)
            .cloned()
            .collect();
        if buffers.is_empty() {
            return base;
        }
        let newest = || self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(overlay) = &*newest()
            && Arc::ptr_eq(&overlay.base, &base)
            && overlay.buffers.len() == buffers.len()
            && overlay
                .buffers
                .iter()
                .zip(&buffers)
                .all(|(a, b)| Arc::ptr_eq(a, b))
        {
            return Arc::clone(&overlay.laid_over);
        }
        let changed = buffers.iter().filter(|buffer| !buffer.is_as_in(&base));
        let files: Vec<_> = changed.map(|buffer| buffer.file()).collect();
        let laid_over = match files.is_empty() {
            true => Arc::clone(&base),
            false => Arc::new(base.with_overlay(files)),
        };
        *newest() = Some(Overlay {
            base,
            buffers,
            laid_over: Arc::clone(&laid_over),
        });
        laid_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Project, ProjectOptions};

    const A: &str = "a.php";
    const B: &str = "b.php";

    fn text(snapshot: &Snapshot, key: &str) -> String {
        snapshot.file(key).unwrap().text.to_string()
    }

    #[test]
    fn an_overlay_is_made_when_another_buffer_has_changed_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        for name in [A, B] {
            std::fs::write(folder.path().join(name), "<?php // disk").unwrap();
        }
        let options = ProjectOptions {
            root: folder.path().into(),
            ..ProjectOptions::default()
        };
        let project = Project::open(&options).unwrap();
        let base = project.index.snapshot();
        let uri = |name: &str| format!("file://{}", project.roots.path(name).to_str().unwrap());
        let mut buffers = Buffers::new(1 << 20);
        let put = |buffers: &mut Buffers, name: &str, text: &str| {
            buffers.put(&project.roots, &uri(name), text.into());
        };
        let over = |buffers: &Buffers, except| buffers.open().over(Arc::clone(&base), except);

        // Buffers that are as on disk lay nothing over it.
        put(&mut buffers, A, "<?php // disk");
        put(&mut buffers, B, "<?php // disk");
        assert!(Arc::ptr_eq(&over(&buffers, "x.php"), &base));

        // Typing in one buffer and asking about it makes nothing new.
        put(&mut buffers, B, "<?php // edited");
        let first = over(&buffers, A);
        assert_eq!(text(&first, B), "<?php // edited");
        put(&mut buffers, A, "<?php // typed");
        assert!(Arc::ptr_eq(&over(&buffers, A), &first));

        // Asking about the other one shows what was typed, and a change of the
        // project is seen through it.
        assert_eq!(text(&over(&buffers, B), A), "<?php // typed");
        let before = buffers.open();
        buffers.close(&uri(A));
        assert!(Arc::ptr_eq(&over(&buffers, B), &base));
        assert_eq!(
            text(&before.over(Arc::clone(&base), B), A),
            "<?php // typed"
        );
    }
}
