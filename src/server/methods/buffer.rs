//! The parameters that name a buffer and a cursor in it.

use serde::Deserialize;
use tower_lsp::ls_types;

use crate::config::ContextSources;
use crate::rpc::Error;
use crate::server::buffers::OpenBuffers;
use crate::server::params::Params;
use crate::server::project::ClientProject;
use crate::text::{byte_offset, position_offset};

/// LSP's `TextDocumentIdentifier`. The type of `ls_types` refuses URIs that are
/// not well formed, which clients of NDJSON may send.
#[derive(Debug, Deserialize)]
struct DocumentIdentifier {
    uri: String,
}

/// LSP's `Position`. The type of `ls_types` refuses numbers above 32 bits, which
/// here count as the end of the text or line.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct LinePosition {
    pub(super) line: u64,
    pub(super) character: u64,
}

/// The buffer that a request is about.
#[derive(Debug)]
pub(super) enum BufferParams {
    /// The document of `textDocument`, with `content` if the client gives it.
    Document {
        /// As the client writes it.
        uri: String,
        content: Option<String>,
    },
    /// The file of `filepath` with `content`.
    File { path: String, content: String },
}

/// A buffer that a request names.
pub(super) struct NamedBuffer {
    /// The key of the file, see [`Roots::key`](crate::files::Roots::key).
    pub(super) key: String,
    /// The text.
    pub(super) content: String,
    /// The sources of its contexts.
    pub(super) sources: ContextSources,
}

impl BufferParams {
    pub(super) fn read(params: &Params<'_>) -> Result<Self, Error> {
        const CONTENT: &str = "the text of the buffer";
        let document: Option<DocumentIdentifier> =
            params.optional("textDocument", "an object with the uri of a buffer")?;
        Ok(match document {
            Some(DocumentIdentifier { uri }) => Self::Document {
                uri,
                content: params.optional("content", CONTENT)?,
            },
            None => Self::File {
                path: params.required("filepath", "a path")?,
                content: params.required("content", CONTENT)?,
            },
        })
    }

    /// What the client calls the file: a path or a URI.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Document { uri, .. } => uri,
            Self::File { path, .. } => path,
        }
    }

    /// The URI of the document, if the client has named one.
    pub(super) fn uri(&self) -> Option<&str> {
        match self {
            Self::Document { uri, .. } => Some(uri),
            Self::File { .. } => None,
        }
    }

    /// The file and the text of the buffer.
    ///
    /// # Errors
    /// If the client has not opened the document and gives no content, or if the
    /// text of the open document is not known.
    pub(super) fn resolve(
        self,
        project: &ClientProject,
        open: &OpenBuffers,
    ) -> Result<NamedBuffer, Error> {
        let closed = |name: &str, content| NamedBuffer {
            key: project.key(name),
            content,
            sources: project.options.sources(),
        };
        let (uri, given) = match self {
            Self::File { path, content } => return Ok(closed(&path, content)),
            Self::Document { uri, content } => (uri, content),
        };
        if given.is_none()
            && let Some(unknown) = open.unknown(&uri)
        {
            let refusal = unknown.refusal(&uri);
            return Err(Error::invalid_params(format!("textDocument: {refusal}")));
        }
        match (given, open.get(&uri)) {
            (given, Some(buffer)) => Ok(NamedBuffer {
                key: project.key(&uri),
                content: given.unwrap_or_else(|| buffer.text.clone()),
                sources: buffer.file.sources(project),
            }),
            (Some(content), None) => Ok(closed(&uri, content)),
            (None, None) => Err(Error::invalid_params(format!(
                "textDocument: {uri} is not open; open it or give its content"
            ))),
        }
    }
}

/// A buffer besides the one that the request is about.
#[derive(Debug, Deserialize)]
struct UnsavedBuffer {
    filepath: String,
    content: String,
}

/// The other buffers whose texts replace their files for one request.
#[derive(Debug, Default)]
pub(super) struct UnsavedBuffers(Vec<UnsavedBuffer>);

impl UnsavedBuffers {
    pub(super) fn read(params: &Params<'_>) -> Result<Self, Error> {
        let expected = "an array of objects with a filepath and a content";
        let buffers = params.optional("buffers", expected)?;
        Ok(Self(buffers.unwrap_or_default()))
    }

    /// The open buffers and these.
    ///
    /// # Errors
    /// If a buffer is above the limit.
    pub(super) fn with(
        self,
        open: OpenBuffers,
        project: &ClientProject,
    ) -> Result<OpenBuffers, Error> {
        self.0.into_iter().try_fold(open, |open, buffer| {
            let UnsavedBuffer { filepath, content } = buffer;
            open.with(project, &filepath, content).map_err(|limit| {
                Error::invalid_params(format!(
                    "buffers: {filepath} has more than {limit} bytes; raise max_buffer_bytes \
                     under [limits] in the settings file"
                ))
            })
        })
    }
}

/// The cursor in the buffer.
#[derive(Clone, Copy, Debug)]
pub(super) enum CursorParams {
    /// At `position`.
    Position(LinePosition),
    /// At `cursor_offset`, in the client's unit.
    Offset(u64),
    /// In the middle of the buffer: the client gives no cursor.
    Middle,
}

impl CursorParams {
    pub(super) fn read(params: &Params<'_>) -> Result<Self, Error> {
        let position: Option<LinePosition> =
            params.optional("position", "an object with a line and a character")?;
        if let Some(position) = position {
            return Ok(Self::Position(position));
        }
        let offset = params.count("cursor_offset")?;
        Ok(offset.map_or(Self::Middle, Self::Offset))
    }

    /// The cursor at a position of LSP.
    pub(super) fn at(position: ls_types::Position) -> Self {
        Self::Position(LinePosition {
            line: position.line.into(),
            character: position.character.into(),
        })
    }

    /// The byte of `content` at the cursor, clamped to a character boundary.
    pub(super) fn byte(self, content: &str, project: &ClientProject) -> usize {
        match self {
            Self::Position(LinePosition { line, character }) => {
                position_offset(content, line, character, project.options.positions)
            }
            Self::Offset(offset) => byte_offset(content, offset, project.options.offsets),
            Self::Middle => content.floor_char_boundary(content.len() / 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::value::RawValue;

    use super::*;
    use crate::config::Settings;
    use crate::engine::Engine;
    use crate::files::Roots;
    use crate::server::project::ClientOptions;
    use crate::text::Encoding;

    #[test]
    fn the_cursor_is_in_the_clients_units_and_on_a_boundary() {
        let content = "\u{e4}\u{1F600}b";
        let engine = Engine::new(Settings::default(), None).unwrap();
        let at = |params: &str, encoding| {
            let raw = RawValue::from_string(params.into()).unwrap();
            let options = ClientOptions {
                bm25: true,
                asked_secrets: None,
                engine: engine.clone(),
                offsets: encoding,
                extensions: None,
                positions: Encoding::Utf16,
                base: "/".into(),
            };
            let roots = Roots::of_lone_file(Path::new("/a.php"));
            let project = ClientProject::without_files(roots, options);
            let params = Params::read(Some(&raw)).unwrap();
            CursorParams::read(&params).unwrap().byte(content, &project)
        };
        let offset_3 = r#"{"cursor_offset":3}"#;
        assert_eq!(at(offset_3, Encoding::Utf8), 2);
        assert_eq!(at(offset_3, Encoding::Utf16), 6);
        assert_eq!(at(offset_3, Encoding::Utf32), 7);
        assert_eq!(
            at(r#"{"cursor_offset":99999999999999999999}"#, Encoding::Utf8),
            7
        );
        let position = r#"{"position":{"line":0,"character":3}}"#;
        assert_eq!(at(position, Encoding::Utf8), 6);
        assert_eq!(
            at("{}", Encoding::Utf8),
            2,
            "the middle, not inside a character"
        );
    }
}
