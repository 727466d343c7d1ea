//! The project that a request is about.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::ContextSources;
use crate::engine::{Engine, Project, ProjectUse};
use crate::files::{Extensions, Roots, named_path, resolve};
use crate::index::Index;
use crate::secrets::{InContext, Secrets};
use crate::text::Encoding;

/// How a client wants its contexts, and the units in which it counts.
#[derive(Clone, Debug)]
pub(super) struct ClientOptions {
    /// Whether the client wants chunks found by BM25.
    pub(super) bm25: bool,
    /// What the client wants to be done with secrets; none to follow the settings.
    pub(super) asked_secrets: Option<InContext>,
    /// A handle of this client.
    pub(super) engine: Engine,
    /// The unit of the client's offsets.
    pub(super) offsets: Encoding,
    /// The endings of the files that count; none for those of the settings.
    pub(super) extensions: Option<Extensions>,
    /// The unit of the characters in the client's positions.
    pub(super) positions: Encoding,
    /// The folder that relative paths of the client count from: the first that it
    /// names.
    pub(super) base: PathBuf,
}

impl ClientOptions {
    /// The canonical path of the file that the client calls `name`, by its path or
    /// URI.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        resolve(&self.base.join(named_path(name)))
    }

    /// The sources of contexts, which the settings may switch off.
    pub(super) fn sources(&self) -> ContextSources {
        let enabled = self.engine.settings().context.sources;
        ContextSources {
            bm25: self.bm25 && enabled.bm25,
            ..enabled
        }
    }

    /// The finder of secrets, if contexts are to hide them.
    pub(super) fn secrets(&self) -> Option<&Arc<Secrets>> {
        let asked = self.asked_secrets;
        let wanted = asked.unwrap_or_else(|| self.engine.settings().context.secrets);
        (wanted == InContext::Redact).then(|| self.engine.secrets())
    }
}

/// A project as a client sees it.
#[derive(Debug)]
pub(super) struct ClientProject {
    /// Its folders.
    pub(super) roots: Roots,
    /// Its files.
    pub(super) index: Arc<Index>,
    /// What the client wants of it.
    pub(super) options: ClientOptions,
    /// Keeps the project open, and counts the client among its users. None if there
    /// is no project, only a file.
    _held: Option<(Arc<Project>, Option<ProjectUse>)>,
}

impl ClientProject {
    /// A project that has been read, with the client's use of it.
    pub(super) fn new(
        project: Arc<Project>,
        used: Option<ProjectUse>,
        options: ClientOptions,
    ) -> Self {
        Self {
            roots: project.roots.clone(),
            index: Arc::clone(&project.index),
            options,
            _held: Some((project, used)),
        }
    }

    /// No files, for a file in the folder of `roots` that belongs to no project.
    pub(super) fn without_files(roots: Roots, options: ClientOptions) -> Self {
        Self {
            roots,
            index: Arc::default(),
            options,
            _held: None,
        }
    }

    /// The key of the file that the client calls `name`, by its path or URI.
    pub(super) fn key(&self, name: &str) -> String {
        self.roots.key_at(&self.options.path(name))
    }
}
