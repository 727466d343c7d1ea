//! The parameters that name a tag in a text, and the preparation of its run.

use crate::cancel::Cancel;
use crate::config::Settings;
use crate::engine::tags::{
    ContextError, PreparedRun, TagError, TagSite, context, has_context, prepare,
};
use crate::rpc::Error;
use crate::server::buffers::OpenBuffers;
use crate::server::params::Params;
use crate::server::project::ClientProject;
use crate::text::{Encoding, byte_offset};

/// The text with the tags.
pub(super) fn content(params: &Params<'_>) -> Result<String, Error> {
    params.required("content", "the text with the tags")
}

/// The unit of a client's offsets.
pub(super) fn encoding(project: Option<&ClientProject>) -> Encoding {
    project.map_or_else(Encoding::default, |project| project.offsets)
}

/// A text and an offset in it.
#[derive(Debug)]
pub(super) struct TagTarget {
    content: String,
    /// In the client's unit.
    cursor_offset: u64,
}

impl TagTarget {
    pub(super) fn read(params: &Params<'_>) -> Result<Self, Error> {
        let content = content(params)?;
        let cursor_offset = params.count("cursor_offset")?.ok_or_else(|| {
            Error::invalid_params("cursor_offset: expected an integer of 0 or more, found nothing")
        })?;
        Ok(Self {
            content,
            cursor_offset,
        })
    }

    /// The text, and the byte at the offset.
    pub(super) fn resolve(self, project: Option<&ClientProject>) -> (String, usize) {
        let at = byte_offset(&self.content, self.cursor_offset, encoding(project));
        (self.content, at)
    }
}

/// A FIM tag, and the cross-file context that it is to have.
#[derive(Debug)]
pub(super) struct FimTarget {
    tag: TagTarget,
    filepath: Option<String>,
    /// Whether the prompt has cross-file context; if none, the settings decide.
    context: Option<bool>,
}

impl FimTarget {
    pub(super) fn read(params: &Params<'_>) -> Result<Self, Error> {
        Ok(Self {
            tag: TagTarget::read(params)?,
            filepath: params.optional("filepath", "a path")?,
            context: params.optional("context", "true or false")?,
        })
    }

    /// Makes the request that the tag sends to the model.
    pub(super) fn prepare(
        self,
        project: Option<&ClientProject>,
        open: &OpenBuffers,
        settings: &Settings,
        cancel: &Cancel,
    ) -> Result<PreparedRun, Error> {
        let (content, at) = self.tag.resolve(project);
        let path = match (self.context.unwrap_or(settings.tags.context), self.filepath) {
            (true, Some(path)) if has_context(&path) => Some(path),
            (true, None) if self.context.is_some() => {
                return Err(Error::invalid_params(
                    "filepath: expected the path of the file that is to have a context, found \
                     nothing",
                ));
            }
            _ => None,
        };
        let context = match path {
            Some(path) => {
                let project = project.ok_or_else(Error::not_initialized)?;
                cross_file_context(project, open, &path, &content, at, cancel)?
            }
            None => String::new(),
        };
        Ok(prepare(content, at, settings, context)?)
    }
}

/// The context of the tag at byte `at` of the file at `path`.
fn cross_file_context(
    project: &ClientProject,
    open: &OpenBuffers,
    path: &str,
    content: &str,
    at: usize,
    cancel: &Cancel,
) -> Result<String, Error> {
    let key = project.project.roots.key(path);
    let snapshot = open.over(project.project.index.snapshot(), &key);
    let site = TagSite {
        path: &key,
        content,
        at,
        sources: project.sources,
        secrets: project.secrets.as_deref(),
    };
    Ok(context(&snapshot, site, cancel)?)
}

impl From<TagError> for Error {
    fn from(error: TagError) -> Self {
        Self::invalid_params(error.to_string())
    }
}

impl From<ContextError> for Error {
    fn from(error: ContextError) -> Self {
        match error {
            ContextError::Tag(error) => error.into(),
            ContextError::Cancelled(_) => Self::cancelled(),
        }
    }
}
