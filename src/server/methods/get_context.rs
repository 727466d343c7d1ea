//! `getContext`: cross-file context for one place in a buffer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::json;
use crate::cancel::Cancel;
use crate::context::budget::DEFAULT_MAX_CONTEXT_CHARS;
use crate::context::{self, Context, DroppedSnippet, ContextRequest, Snippet};
use crate::engine::Engine;
use crate::rpc::Error;
use crate::server::buffers::OpenBuffers;
use crate::server::params::Params;
use crate::server::project::Connected;
use crate::text::{byte_offset, position_offset};

#[derive(Debug, Serialize)]
struct Answer<'a> {
    context: &'a str,
    #[serde(flatten)]
    explanation: Option<Explanation<'a>>,
}

/// What `explain: true` adds.
#[derive(Debug, Serialize)]
struct Explanation<'a> {
    /// What stands in the context, in its order.
    snippets: &'a [Snippet],
    /// What was found and left out, best first.
    dropped: &'a [DroppedSnippet],
}

/// LSP's `TextDocumentIdentifier`.
#[derive(Debug, Deserialize)]
struct TextDocument {
    uri: String,
}

/// LSP's `Position`.
#[derive(Debug, Deserialize)]
struct Position {
    line: u64,
    character: u64,
}

/// Assembles the context off the runtime.
pub(in crate::server) async fn run(
    engine: &Engine,
    connected: Option<Arc<Connected>>,
    open: OpenBuffers,
    params: Option<Box<RawValue>>,
    cancel: Cancel,
) -> Result<Box<RawValue>, Error> {
    let connected = connected.ok_or_else(Error::not_initialized)?;
    let most = engine.limits().max_context_chars;
    engine
        .run(move || answer(&connected, &open, params.as_deref(), most, &cancel))
        .await?
}

fn answer(
    connected: &Connected,
    open: &OpenBuffers,
    params: Option<&RawValue>,
    max_context_chars: usize,
    cancel: &Cancel,
) -> Result<Box<RawValue>, Error> {
    let params = Params::read(params)?;
    let (path, content) = buffer(&params, connected, open)?;
    let max_chars = match params.count("max_chars")? {
        None => DEFAULT_MAX_CONTEXT_CHARS.min(max_context_chars),
        Some(asked) => usize::try_from(asked)
            .ok()
            .filter(|&asked| asked <= max_context_chars)
            .ok_or_else(|| {
                Error::invalid_params(format!(
                    "max_chars: expected at most {max_context_chars}, found {asked}; raise \
                     max_context_chars under [limits] in the settings file"
                ))
            })?,
    };
    let explain = params
        .optional("explain", "true or false")?
        .unwrap_or(false);
    let cursor = cursor(&params, &content, connected)?;

    let snapshot = open.over(connected.project.index.snapshot(), &path);
    let request = ContextRequest {
        path: &path,
        content: &content,
        cursor,
        max_chars,
        min_score: params
            .optional("min_score", "a number from 0 to 1")?
            .unwrap_or_default(),
        dependencies: connected.sources.dependencies,
        bm25: connected.sources.bm25,
        secrets: connected.secrets.as_deref(),
    };
    let context = context::assemble(&snapshot, &request, cancel).map_err(|_| Error::cancelled())?;
    let Context {
        text,
        files: _,
        snippets,
        dropped,
        ..
    } = &context;
    json(&Answer {
        context: text,
        explanation: explain.then_some(Explanation { snippets, dropped }),
    })
}

/// The key and the text of the buffer that is edited: an open one named by
/// `textDocument`, or the one that `filepath` and `content` give.
pub(super) fn buffer(
    params: &Params<'_>,
    connected: &Connected,
    open: &OpenBuffers,
) -> Result<(String, String), Error> {
    const CONTENT: &str = "the text of the buffer";
    let document: Option<TextDocument> =
        params.optional("textDocument", "an object with the uri of a buffer")?;
    let Some(TextDocument { uri }) = document else {
        let filepath: String = params.required("filepath", "a path")?;
        let content = params.required("content", CONTENT)?;
        return Ok((connected.project.roots.key(&filepath), content));
    };
    let given = params.optional("content", CONTENT)?;
    if given.is_none()
        && let Some(limit) = open.is_too_large(&uri)
    {
        return Err(Error::invalid_params(format!(
            "textDocument: {uri} has more than {limit} bytes; raise max_buffer_bytes under \
             [limits] in the settings file and open it again"
        )));
    }
    match (given, open.get(&uri)) {
        (Some(content), Some(buffer)) => Ok((buffer.key.clone(), content)),
        (Some(content), None) => Ok((connected.project.roots.key(&uri), content)),
        (None, Some(buffer)) => Ok((buffer.key.clone(), buffer.text.clone())),
        (None, None) => Err(Error::invalid_params(format!(
            "textDocument: {uri} is not open; open it or give its content"
        ))),
    }
}

/// The cursor in bytes of `content`.
pub(super) fn cursor(
    params: &Params<'_>,
    content: &str,
    connected: &Connected,
) -> Result<usize, Error> {
    let position: Option<Position> =
        params.optional("position", "an object with a line and a character")?;
    if let Some(Position { line, character }) = position {
        return Ok(position_offset(
            content,
            line,
            character,
            connected.positions,
        ));
    }
    Ok(match params.count("cursor_offset")? {
        Some(offset) => byte_offset(content, offset, connected.offsets),
        None => content.floor_char_boundary(content.len() / 2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ContextSources;
    use crate::engine::{Project, ProjectOptions};
    use crate::text::Encoding;

    #[test]
    fn the_cursor_is_in_the_clients_units_and_on_a_boundary() {
        let content = "\u{e4}\u{1F600}b";
        let folder = tempfile::tempdir().unwrap();
        let options = ProjectOptions {
            root: folder.path().into(),
            ..ProjectOptions::default()
        };
        let project = Project::open(&options).unwrap();
        let at = |params: &str, encoding| {
            let raw = RawValue::from_string(params.into()).unwrap();
            let connected = Connected {
                project: Arc::clone(&project),
                sources: ContextSources::default(),
                secrets: None,
                offsets: encoding,
                positions: Encoding::Utf16,
            };
            cursor(&Params::read(Some(&raw)).unwrap(), content, &connected).unwrap()
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
