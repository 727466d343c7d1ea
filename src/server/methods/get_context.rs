//! `getContext`: cross-file context for a cursor in a buffer.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::buffer::{BufferParams, CursorParams, NamedBuffer, UnsavedBuffers};
use crate::cancel::Cancel;
use crate::context::budget::DEFAULT_MAX_CONTEXT_CHARS;
use crate::context::{self, Context, ContextRequest, DroppedSnippet, MinScore, Snippet};
use crate::engine::completion::{BufferPosition, Completions};
use crate::prompt::{PromptBudget, window};
use crate::rpc::Error;
use crate::server::buffers::OpenBuffers;
use crate::server::params::Params;
use crate::server::project::ClientProject;
use crate::server::result::json;
use crate::server::session_view::SessionView;
use crate::text::{Units, byte_offset};

/// The parameters of `getContext`.
#[derive(Debug)]
pub(in crate::server) struct GetContextParams {
    buffer: BufferParams,
    others: UnsavedBuffers,
    cursor: CursorParams,
    /// The budget in characters.
    max_chars: Option<u64>,
    /// The least probability of a declaration, from 0 to 1.
    min_score: Option<MinScore>,
    /// The most characters of the prefix and the suffix that the client shows.
    max_prefix_chars: Option<usize>,
    max_suffix_chars: Option<usize>,
    typing: Typing,
    explain: bool,
}

/// From where on the text before the cursor was typed.
#[derive(Debug)]
enum Typing {
    /// It does not matter: the context is made for the cursor alone.
    Unknown,
    /// From this offset on, in the client's unit.
    From(u64),
    /// From where the session of this name began to type there.
    InSession(String),
}

impl Typing {
    fn read(params: &Params<'_>) -> Result<Self, Error> {
        let session = params.optional("session", "a name for the session")?;
        match (session, params.count("start_offset")?) {
            (Some(_), Some(_)) => Err(Error::invalid_params(
                "start_offset: expected no session beside it, which knows where it began",
            )),
            (Some(session), None) => Ok(Self::InSession(session)),
            (None, Some(start)) => Ok(Self::From(start)),
            (None, None) => Ok(Self::Unknown),
        }
    }
}

impl GetContextParams {
    pub(super) fn read(raw: Option<&RawValue>) -> Result<Self, Error> {
        let params = &Params::read(raw)?;
        Ok(Self {
            buffer: BufferParams::read(params)?,
            others: UnsavedBuffers::read(params)?,
            max_chars: params.count("max_chars")?,
            max_prefix_chars: side(params, "max_prefix_chars")?,
            max_suffix_chars: side(params, "max_suffix_chars")?,
            explain: params
                .optional("explain", "true or false")?
                .unwrap_or(false),
            cursor: CursorParams::read(params)?,
            min_score: params.optional("min_score", "a number from 0 to 1")?,
            typing: Typing::read(params)?,
        })
    }
}

/// Reads the budget of a side of the window.
fn side(params: &Params<'_>, name: &str) -> Result<Option<usize>, Error> {
    let chars = params.count(name)?;
    Ok(chars.map(|chars| usize::try_from(chars).unwrap_or(usize::MAX)))
}

/// The result of `getContext`.
#[derive(Debug, Serialize)]
struct GetContextResult<'a> {
    context: &'a str,
    /// The offset from which the session types, in the client's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_offset: Option<u64>,
    #[serde(flatten)]
    explanation: Option<Explanation<'a>>,
}

/// What `explain: true` adds.
#[derive(Debug, Serialize)]
struct Explanation<'a> {
    /// The root from which the paths count, if it is not the first that the client
    /// names.
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<Cow<'a, str>>,
    /// The snippets of the context, in its order.
    snippets: &'a [Snippet],
    /// What was found and left out, best first.
    dropped: &'a [DroppedSnippet],
}

/// Assembles the context on the pool.
pub(super) async fn run(
    session: SessionView,
    params: Result<GetContextParams, Error>,
    cancel: Cancel,
) -> Result<Box<RawValue>, Error> {
    session.projects.initialized().await?;
    let params = params?;
    let project = session.projects.of(params.buffer.name()).await?;
    let SessionView {
        engine,
        open,
        completions,
        ..
    } = session;
    let most = engine.limits().max_context_chars;
    let mut budget = engine.settings().completion.budget();
    budget.prefix = params.max_prefix_chars.unwrap_or(budget.prefix);
    budget.suffix = params.max_suffix_chars.unwrap_or(budget.suffix);
    engine
        .run(move || assemble(&project, open, params, budget, most, &completions, &cancel))
        .await?
}

/// The budget of a context in characters: `asked`, or the default; at most `most`.
fn max_chars(asked: Option<u64>, most: usize) -> Result<usize, Error> {
    let Some(asked) = asked else {
        return Ok(DEFAULT_MAX_CONTEXT_CHARS.min(most));
    };
    let chars = usize::try_from(asked).ok().filter(|&chars| chars <= most);
    chars.ok_or_else(|| {
        Error::invalid_params(format!(
            "max_chars: expected at most {most}, found {asked}; raise max_context_chars under \
             [limits] in the settings file"
        ))
    })
}

fn assemble(
    project: &ClientProject,
    open: OpenBuffers,
    params: GetContextParams,
    budget: PromptBudget,
    max_context_chars: usize,
    completions: &Completions,
    cancel: &Cancel,
) -> Result<Box<RawValue>, Error> {
    let NamedBuffer {
        key: path,
        content,
        sources,
    } = params.buffer.resolve(project, &open)?;
    let open = params.others.with(open, project)?;
    let max_chars = max_chars(params.max_chars, max_context_chars)?;
    let snapshot = open.over(project, &path);
    let cursor = params.cursor.byte(&content, project);
    let request = ContextRequest {
        path: &path,
        cursor,
        content: &content,
        window: Some(window(&content, cursor, budget)),
        max_chars,
        min_score: params.min_score.unwrap_or_default(),
        dependencies: sources.dependencies,
        bm25: sources.bm25,
        secrets: project.options.secrets().map(AsRef::as_ref),
        lexed: None,
    };
    let offsets = project.options.offsets;
    let assembled = match &params.typing {
        Typing::Unknown => {
            context::assemble(&snapshot, &request, cancel).map(|context| (context, None))
        }
        Typing::From(start) => {
            let start = byte_offset(&content, *start, offsets);
            context::assemble_from(start, &snapshot, &request, cancel)
                .map(|context| (context, None))
        }
        Typing::InSession(session) => {
            let file = BufferPosition::name(project.roots.root(), &path);
            completions
                .context(session, &file, &snapshot, &request, cancel)
                .map(|(context, start)| (context, Some(start)))
        }
    };
    let (context, start) = assembled.map_err(|_| Error::cancelled())?;
    let start_offset = start.map(|start| Units::new(&content, offsets).at(start));
    let Context {
        text,
        snippets,
        dropped,
        ..
    } = &context;
    let root = project.roots.root();
    json(&GetContextResult {
        context: text,
        start_offset,
        explanation: params.explain.then(|| Explanation {
            root: (root != project.options.base).then(|| root.to_string_lossy()),
            snippets,
            dropped,
        }),
    })
}
