//! `getContext`: cross-file context for one place in a buffer.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::json;
use crate::cancel::Cancel;
use crate::context::{self, Context, DEFAULT_MAX_CHARS, Dropped, Request, Snippet};
use crate::engine::Engine;
use crate::rpc::Error;
use crate::server::params::Params;
use crate::server::project::Connected;
use crate::text::{Encoding, byte_offset};

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
    dropped: &'a [Dropped],
}

/// Assembles the context off the runtime.
pub(in crate::server) async fn run(
    engine: &Engine,
    connected: Option<Arc<Connected>>,
    params: Option<Box<RawValue>>,
    cancel: Cancel,
) -> Result<Box<RawValue>, Error> {
    let connected = connected.ok_or_else(Error::not_initialized)?;
    engine
        .run(move || answer(&connected, params.as_deref(), &cancel))
        .await?
}

fn answer(
    connected: &Connected,
    params: Option<&RawValue>,
    cancel: &Cancel,
) -> Result<Box<RawValue>, Error> {
    let params = Params::read(params)?;
    let filepath: String = params.required("filepath", "a path")?;
    let content: String = params.required("content", "the text of the buffer")?;
    let max_chars = params.count("max_chars")?.map_or(DEFAULT_MAX_CHARS, |n| {
        usize::try_from(n).unwrap_or(usize::MAX)
    });
    let explain = params
        .optional("explain", "true or false")?
        .unwrap_or(false);
    let cursor = cursor(&params, &content, connected.encoding)?;

    let path = connected.project.roots.key(&filepath);
    let snapshot = connected.project.index.snapshot();
    let request = Request {
        path: &path,
        content: &content,
        cursor,
        max_chars,
        min_score: params
            .optional("min_score", "a number from 0 to 1")?
            .unwrap_or_default(),
        dependencies: true,
        bm25: connected.bm25,
    };
    let context = context::assemble(&snapshot, &request, cancel).map_err(|_| Error::cancelled())?;
    let Context {
        text,
        snippets,
        dropped,
    } = &context;
    json(&Answer {
        context: text,
        explanation: explain.then_some(Explanation { snippets, dropped }),
    })
}

/// The cursor in bytes of `content`.
fn cursor(params: &Params<'_>, content: &str, encoding: Encoding) -> Result<usize, Error> {
    Ok(match params.count("cursor_offset")? {
        Some(offset) => byte_offset(content, offset, encoding),
        None => content.floor_char_boundary(content.len() / 2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_in_the_clients_units_and_on_a_boundary() {
        let content = "\u{e4}\u{1F600}b";
        let at = |params: &str, encoding| {
            let raw = RawValue::from_string(params.into()).unwrap();
            cursor(&Params::read(Some(&raw)).unwrap(), content, encoding).unwrap()
        };
        let offset_3 = r#"{"cursor_offset":3}"#;
        assert_eq!(at(offset_3, Encoding::Utf8), 2);
        assert_eq!(at(offset_3, Encoding::Utf16), 6);
        assert_eq!(at(offset_3, Encoding::Utf32), 7);
        assert_eq!(
            at(r#"{"cursor_offset":99999999999999999999}"#, Encoding::Utf8),
            7
        );
        assert_eq!(
            at("{}", Encoding::Utf8),
            2,
            "the middle, not inside a character"
        );
    }
}
