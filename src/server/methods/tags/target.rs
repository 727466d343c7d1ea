//! The parameters that name a tag in a text, and the preparation of its run.

use std::sync::Arc;

use crate::cancel::Cancel;
use crate::config::{EditorResources, Settings};
use crate::engine::tags::{
    ContextError, PreparedRun, TagError, TagSite, context, has_context, prepare,
};
use crate::rpc::Error;
use crate::server::buffers::OpenBuffers;
use crate::server::params::Params;
use crate::server::project::ClientProject;
use crate::server::session_projects::SessionProjects;
use crate::tags::Tags;
use crate::text::{Encoding, byte_offset};

/// The fonts and languages that the client names.
pub(super) fn resources(params: &Params<'_>) -> Result<EditorResources, Error> {
    const NAMES: &str = "an array of strings";
    Ok(EditorResources {
        fonts: params.optional("fonts", NAMES)?,
        spell_languages: params.optional("spell_languages", NAMES)?,
    })
}

/// The text with the tags.
pub(super) fn content(params: &Params<'_>) -> Result<String, Error> {
    params.required("content", "the text with the tags")
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

    /// The text, and the byte at the offset, which counts `offsets`.
    pub(super) fn resolve(self, offsets: Encoding) -> (String, usize) {
        let at = byte_offset(&self.content, self.cursor_offset, offsets);
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

    /// The text and the byte of the tag, if it is a config tag. Offsets count `offsets`.
    pub(super) fn config(&self, offsets: Encoding) -> Option<(String, usize)> {
        let TagTarget {
            content,
            cursor_offset,
        } = &self.tag;
        let at = byte_offset(content, *cursor_offset, offsets);
        let is_config = Tags::parse(content).is_config_at(at);
        is_config.then(|| (content.clone(), at))
    }

    /// The file whose context the prompt is to have, if it is to have any.
    pub(super) async fn file_with_context(
        &self,
        projects: &SessionProjects,
        settings: &Settings,
    ) -> Result<Option<TagFile>, Error> {
        let wanted = self.context.unwrap_or(settings.tags.context);
        let path = match (wanted, &self.filepath) {
            (true, Some(path)) if has_context(path) => path,
            (true, None) if self.context.is_some() => {
                return Err(Error::invalid_params(
                    "filepath: expected the path of the file that is to have a context, found \
                     nothing",
                ));
            }
            _ => return Ok(None),
        };
        let project = projects.of(path).await?;
        let key = project.key(path);
        Ok(Some(TagFile { project, key }))
    }

    /// Makes the request that the tag sends to the model, with the context of `file`.
    pub(super) fn prepare(
        self,
        offsets: Encoding,
        file: Option<TagFile>,
        open: &OpenBuffers,
        settings: &Settings,
        cancel: &Cancel,
    ) -> Result<PreparedRun, Error> {
        let (content, at) = self.tag.resolve(offsets);
        let context = match file {
            Some(file) => file.context(open, &content, at, cancel)?,
            None => String::new(),
        };
        Ok(prepare(content, at, settings, context)?)
    }
}

/// The file that a tag stands in.
pub(super) struct TagFile {
    project: Arc<ClientProject>,
    key: String,
}

impl TagFile {
    /// The context of the tag at byte `at` of the file's text.
    fn context(
        &self,
        open: &OpenBuffers,
        content: &str,
        at: usize,
        cancel: &Cancel,
    ) -> Result<String, Error> {
        let Self { project, key } = self;
        let snapshot = open.over(project, key);
        let site = TagSite {
            path: key,
            content,
            at,
            sources: project.options.sources(),
            secrets: project.options.secrets().map(AsRef::as_ref),
        };
        Ok(context(&snapshot, site, cancel)?)
    }
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
