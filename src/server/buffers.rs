//! The buffers that a client has open, and snapshots of the project in which they
//! replace the files on disk.
//!
//! An edit of a buffer indexes nothing. The next request that needs the overlay
//! makes it, and later requests share it until the project or one of the buffers
//! changes. The overlay leaves out the buffer that a request is about, so typing
//! in one buffer and requests about it make no overlay.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tower_lsp::ls_types::{Position, TextDocumentContentChangeEvent};

use super::project::ClientProject;
use crate::config::ContextSources;
use crate::engine::completion::BufferPosition;
use crate::files::{self, Extensions, Roots, named_path, resolve};
use crate::index::{Snapshot, SourceFile};
use crate::php;
use crate::text::{Encoding, edit_offset};

/// The ids of the languages that are PHP or templates with PHP in them.
const PHP_LANGUAGES: [&str; 3] = ["php", "phtml", "blade"];

/// The file of a buffer.
#[derive(Clone, Debug)]
pub(super) struct BufferFile {
    /// Its canonical path.
    path: PathBuf,
    /// Its key in its project, see [`Roots::key`].
    pub(super) key: String,
    /// The root of its project.
    root: PathBuf,
    /// Whether the project would have the file if it were saved, by the default endings
    /// of names.
    in_project: bool,
    /// Whether it holds PHP, by its language or its name.
    is_php: bool,
}

impl BufferFile {
    /// The file at the canonical path `path` of the project with these folders.
    /// `is_file` tells whether the buffer has a file.
    fn new(roots: &Roots, path: PathBuf, is_file: bool, language: &str) -> Self {
        let key = roots.key_at(&path);
        Self {
            in_project: is_file && files::belongs_by_default(roots, &path),
            is_php: PHP_LANGUAGES.contains(&language) || Extensions::default().count(&key),
            root: roots.root().to_owned(),
            key,
            path,
        }
    }

    /// Its name among the files of all projects.
    pub(super) fn name(&self) -> String {
        BufferPosition::name(&self.root, &self.key)
    }

    /// Its key in a project with the files of `base`, if that project has it.
    fn key_in(&self, roots: &Roots, base: &Snapshot) -> Option<String> {
        if self.root == roots.root() {
            let is_there = self.in_project || base.file(&self.key).is_some();
            return is_there.then(|| self.key.clone());
        }
        // The file of another project may lie in an include path of this one, or
        // below its root.
        let key = roots.key_of(&self.path)?;
        base.file(&key).is_some().then_some(key)
    }

    /// The sources of its contexts: none if it holds no PHP, because PHP declarations
    /// are of no use there.
    pub(super) fn sources(&self, project: &ClientProject) -> ContextSources {
        match self.is_php {
            true => project.options.sources(),
            false => ContextSources::NONE,
        }
    }
}

/// An immutable state of an open buffer.
#[derive(Debug)]
pub(super) struct OpenBuffer {
    /// The file.
    pub(super) file: BufferFile,
    /// The text.
    pub(super) text: String,
    /// The buffer as an indexed file; made on demand.
    indexed: OnceLock<Arc<SourceFile>>,
}

impl OpenBuffer {
    fn new(file: BufferFile, text: String) -> Arc<Self> {
        Arc::new(Self {
            file,
            text,
            indexed: OnceLock::new(),
        })
    }

    /// The buffer as an indexed file with this key.
    fn indexed(&self, key: &str) -> Arc<SourceFile> {
        let index = || {
            let facts = php::facts(&self.text);
            let text = self.text.as_str().into();
            Arc::new(SourceFile::new(key.into(), text, false, facts))
        };
        match key == self.file.key {
            true => Arc::clone(self.indexed.get_or_init(index)),
            false => index(),
        }
    }

    fn is_as_in(&self, snapshot: &Snapshot, key: &str) -> bool {
        snapshot
            .file(key)
            .is_some_and(|file| !file.lossy && *file.text == *self.text)
    }
}

/// An open buffer whose text is not known, until the client gives it as a whole.
#[derive(Clone, Debug)]
struct UnknownBuffer {
    file: BufferFile,
    /// Why its text is not known.
    why: UnknownText,
}

/// Why the text of an open buffer is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UnknownText {
    /// It has more bytes than this limit. Later edits cannot be applied to it.
    TooLarge(usize),
    /// The client has sent a change that cannot be applied.
    Change(String),
}

impl UnknownText {
    /// What a request about the buffer `uri` is answered.
    pub(super) fn refusal(&self, uri: &str) -> String {
        match self {
            Self::TooLarge(limit) => format!(
                "{uri} has more than {limit} bytes; raise max_buffer_bytes under [limits] in the \
                 settings file and open it again"
            ),
            Self::Change(what) => format!(
                "{uri}: its text is not known since a change that cannot be applied ({what}); close \
                 the file and open it again"
            ),
        }
    }
}

/// The buffers of one connection, by URI as the client writes it.
#[derive(Debug)]
pub(super) struct Buffers(OpenBuffers);

impl Buffers {
    /// No buffers. A buffer may have `max_bytes` bytes.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self(OpenBuffers {
            max_bytes,
            buffers: Arc::default(),
            unknown: Arc::default(),
            overlays: Arc::default(),
        })
    }

    /// The present state of the buffers.
    pub(super) fn open(&self) -> OpenBuffers {
        self.0.clone()
    }

    /// Opens a buffer of the language with this id, or replaces the text of an open
    /// one.
    pub(super) fn put(&mut self, roots: &Roots, uri: &str, language: &str, text: String) {
        let path = resolve(&roots.root().join(named_path(uri)));
        let file = BufferFile::new(roots, path, uri.starts_with("file:"), language);
        self.insert(uri, file, text);
    }

    /// The projects have changed: `roots` tells the folders of a buffer's project.
    pub(super) fn move_to(&mut self, roots: impl Fn(&str) -> Roots) {
        let moved = |uri: &str, file: &BufferFile| {
            let roots = roots(uri);
            if file.root == roots.root() {
                return None;
            }
            let is_file = uri.starts_with("file:");
            let moved = BufferFile::new(&roots, file.path.clone(), is_file, "");
            let is_php = file.is_php;
            Some(BufferFile { is_php, ..moved })
        };
        for (uri, buffer) in Arc::make_mut(&mut self.0.buffers) {
            if let Some(file) = moved(uri, &buffer.file) {
                *buffer = OpenBuffer::new(file, buffer.text.clone());
            }
        }
        for (uri, UnknownBuffer { file, .. }) in Arc::make_mut(&mut self.0.unknown) {
            if let Some(moved) = moved(uri, file) {
                *file = moved;
            }
        }
        self.0.overlays = Arc::default();
    }

    /// Keeps a buffer; of one above the limit only its name.
    fn insert(&mut self, uri: &str, file: BufferFile, text: String) {
        if text.len() > self.0.max_bytes {
            tracing::warn!(
                "{uri}: {} bytes, more than the {} of max_buffer_bytes; the buffer is not served \
                 until it is given as a whole again",
                text.len(),
                self.0.max_bytes
            );
            let why = UnknownText::TooLarge(self.0.max_bytes);
            self.forget_text(uri, UnknownBuffer { file, why });
            return;
        }
        Arc::make_mut(&mut self.0.unknown).remove(uri);
        let buffer = OpenBuffer::new(file, text);
        Arc::make_mut(&mut self.0.buffers).insert(uri.to_owned(), buffer);
    }

    fn forget_text(&mut self, uri: &str, buffer: UnknownBuffer) {
        Arc::make_mut(&mut self.0.buffers).remove(uri);
        Arc::make_mut(&mut self.0.unknown).insert(uri.to_owned(), buffer);
    }

    /// The client has changed a buffer in a way that cannot be read or applied. Returns
    /// whether its text was known until now.
    pub(super) fn lose(&mut self, uri: &str, what: String) -> bool {
        tracing::warn!("{uri}: a change that cannot be applied: {what}");
        let Some(buffer) = self.0.buffers.get(uri) else {
            return false;
        };
        let file = buffer.file.clone();
        let why = UnknownText::Change(what);
        self.forget_text(uri, UnknownBuffer { file, why });
        true
    }

    /// Applies changes in order, each to the result of the one before. Calls `changed`
    /// for each change with the text before it, the range of bytes that is replaced, and
    /// the new text. A change that cannot be applied makes the text unknown.
    pub(super) fn edit(
        &mut self,
        uri: &str,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: Encoding,
        mut changed: impl FnMut(&str, Range<usize>, &str),
    ) {
        // What stands before a whole text does not matter.
        let whole = changes.iter().rposition(|change| change.range.is_none());
        let changes = &changes[whole.unwrap_or_default()..];
        let buffers = Arc::make_mut(&mut self.0.buffers);
        if let Some(unknown) = self.0.unknown.get(uri) {
            if whole.is_none() {
                return;
            }
            let emptied = OpenBuffer::new(unknown.file.clone(), String::new());
            buffers.insert(uri.to_owned(), emptied);
        }
        let Some(buffer) = buffers.remove(uri) else {
            tracing::warn!("{uri}: changed without being open; the change is ignored");
            return;
        };
        let (file, mut text) = match Arc::try_unwrap(buffer) {
            Ok(buffer) => (buffer.file, buffer.text),
            // A request still reads the old state.
            Err(shared) => (shared.file.clone(), shared.text.clone()),
        };
        for change in changes {
            let Some(range) = change.range else {
                changed(&text, 0..text.len(), &change.text);
                text.clone_from(&change.text);
                continue;
            };
            let [start, end] = [range.start, range.end].map(|position| {
                let (line, character) = (position.line.into(), position.character.into());
                edit_offset(&text, line, character, encoding)
            });
            // An end behind the text is clear if all of it is replaced.
            let end = end.or((start == Some(0)).then_some(text.len()));
            let (Some(start), Some(end)) = (start, end.filter(|end| Some(*end) >= start)) else {
                let Position { line, character } = range.start;
                let lines = 1 + text.matches('\n').count();
                let what = format!(
                    "the range from line {line}, character {character}, to line {}, character {}, \
                     in a text of {lines} lines",
                    range.end.line, range.end.character
                );
                self.insert(uri, file, text);
                self.lose(uri, what);
                return;
            };
            changed(&text, start..end, &change.text);
            text.replace_range(start..end, &change.text);
        }
        self.insert(uri, file, text);
    }

    /// Closes a buffer. The file on disk counts again.
    pub(super) fn close(&mut self, uri: &str) {
        Arc::make_mut(&mut self.0.buffers).remove(uri);
        Arc::make_mut(&mut self.0.unknown).remove(uri);
    }
}

/// The state of a connection's buffers when a request arrived. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenBuffers {
    /// The limit of a buffer in bytes.
    max_bytes: usize,
    buffers: Arc<BTreeMap<String, Arc<OpenBuffer>>>,
    /// The open buffers whose texts are not known.
    unknown: Arc<BTreeMap<String, UnknownBuffer>>,
    /// The newest overlay of each project, by its root.
    overlays: Arc<Mutex<BTreeMap<PathBuf, BufferOverlay>>>,
}

/// A snapshot in which buffers replace files.
#[derive(Debug)]
struct BufferOverlay {
    base: Arc<Snapshot>,
    buffers: Vec<Arc<OpenBuffer>>,
    laid_over: Arc<Snapshot>,
}

impl OpenBuffers {
    /// The buffer that was opened with this URI.
    pub(super) fn get(&self, uri: &str) -> Option<&Arc<OpenBuffer>> {
        self.buffers.get(uri)
    }

    /// These buffers and one more, the text of the PHP file that the client calls
    /// `name`. It replaces an open buffer of that file.
    ///
    /// # Errors
    /// The limit in bytes, if the text is above it.
    pub(super) fn with(
        self,
        project: &ClientProject,
        name: &str,
        text: String,
    ) -> Result<Self, usize> {
        if text.len() > self.max_bytes {
            return Err(self.max_bytes);
        }
        // The requests about the open buffers keep their overlay.
        let overlays = Arc::default();
        let mut buffers = Buffers(Self { overlays, ..self });
        let path = project.options.path(name);
        Arc::make_mut(&mut buffers.0.buffers).retain(|_, buffer| buffer.file.path != path);
        let file = BufferFile::new(&project.roots, path, true, "php");
        buffers.insert(name, file, text);
        Ok(buffers.0)
    }

    /// Why the text of the buffer that was opened with this URI is not known.
    pub(super) fn unknown(&self, uri: &str) -> Option<&UnknownText> {
        self.unknown.get(uri).map(|unknown| &unknown.why)
    }

    /// The present snapshot of a project with its open buffers in place of their
    /// files, except the buffer with the key `except`; see [`OpenBuffers::laid_over`].
    pub(super) fn over(&self, project: &ClientProject, except: &str) -> Arc<Snapshot> {
        self.laid_over(&project.roots, project.index.snapshot(), except)
    }

    /// The snapshot `base` of the project with these folders, with its open buffers in
    /// place of their files, except the buffer with the key `except`. If a buffer has
    /// changed since the last call, this takes time in proportion to the buffers that
    /// differ from their files.
    fn laid_over(&self, roots: &Roots, base: Arc<Snapshot>, except: &str) -> Arc<Snapshot> {
        let (keys, buffers): (Vec<_>, Vec<_>) = self
            .buffers
            .values()
            .filter_map(|buffer| Some((buffer.file.key_in(roots, &base)?, Arc::clone(buffer))))
            .filter(|(key, _)| key != except)
            .unzip();
        if buffers.is_empty() {
            return base;
        }
        let overlays = || self.overlays.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(overlay) = overlays().get(roots.root())
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
        let files: Vec<_> = buffers
            .iter()
            .zip(&keys)
            .filter(|(buffer, key)| !buffer.is_as_in(&base, key))
            .map(|(buffer, key)| buffer.indexed(key))
            .collect();
        let laid_over = match files.is_empty() {
            true => Arc::clone(&base),
            false => Arc::new(base.with_overlay(files)),
        };
        let overlay = BufferOverlay {
            base,
            buffers,
            laid_over: Arc::clone(&laid_over),
        };
        overlays().insert(roots.root().to_owned(), overlay);
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
            buffers.put(&project.roots, &uri(name), "php", text.into());
        };
        let roots = &project.roots;
        let over =
            |buffers: &Buffers, except| buffers.open().laid_over(roots, Arc::clone(&base), except);

        // Buffers that equal their files make no overlay.
        put(&mut buffers, A, "<?php // disk");
        put(&mut buffers, B, "<?php // disk");
        assert!(Arc::ptr_eq(&over(&buffers, "x.php"), &base));

        // Typing in one buffer and requests about it make no new overlay.
        put(&mut buffers, B, "<?php // edited");
        let first = over(&buffers, A);
        assert_eq!(text(&first, B), "<?php // edited");
        put(&mut buffers, A, "<?php // typed");
        assert!(Arc::ptr_eq(&over(&buffers, A), &first));

        // A request about the other buffer sees what was typed.
        assert_eq!(text(&over(&buffers, B), A), "<?php // typed");
        let before = buffers.open();
        buffers.close(&uri(A));
        assert!(Arc::ptr_eq(&over(&buffers, B), &base));
        assert_eq!(
            text(&before.laid_over(roots, Arc::clone(&base), B), A),
            "<?php // typed"
        );
    }
}
