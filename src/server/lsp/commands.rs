//! What `workspace/executeCommand` does. Every command names a place, as one
//! argument `{uri, position}`; that of a tag is in it or right behind it.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tower_lsp::ls_types::{DiagnosticSeverity, ExecuteCommandParams, MessageType, Position};

use super::actions::Command;
use super::documents::View;
use super::run::{self, Started};
use super::splice::{Goal, Splice};
use super::writer::Writer;
use super::{State, diagnostics};
use crate::config::EditorResources;
use crate::engine::tags::fim_at;
use crate::rpc::Error;
use crate::server::methods::complete::Site;
use crate::tags::{TagPrompt, Tags};

/// What a command is about.
#[derive(Debug, Deserialize)]
struct Place {
    uri: String,
    #[serde(default)]
    position: Position,
}

/// What is left to do when a command has been answered.
pub(super) enum Then {
    /// To apply the config tag of a text at a byte, before the answer.
    Apply(String, usize),
    /// To run a tag.
    Run(Box<Started>),
    /// To write a text at a place.
    Paste(Writer, String),
    /// Nothing.
    Nothing,
    /// To say something.
    Say(MessageType, String),
}

/// Starts a command: its answer, and what follows. Takes what it needs of the
/// documents before it returns, so that they are as they were when it was sent.
pub(super) fn start(
    state: &Arc<State>,
    params: ExecuteCommandParams,
) -> Result<(Value, Then), Error> {
    let command = Command::named(&params.command).ok_or_else(|| {
        let known = Command::ALL.map(Command::name).join(", ");
        Error::invalid_params(format!(
            "command: expected one of {known}, found {:?}",
            params.command
        ))
    })?;
    let place = params.arguments.into_iter().next().ok_or_else(|| {
        Error::invalid_params("arguments: expected [{uri, position}], found nothing")
    })?;
    let place: Place = serde_json::from_value(place)
        .map_err(|error| Error::invalid_params(format!("arguments: {error}")))?;
    let view = state.view(&place.uri).ok_or_else(|| {
        let uri = &place.uri;
        Error::invalid_params(format!("uri: {uri} is not open, or too large"))
    })?;
    let at = view.offset(place.position);
    match command {
        Command::Generate => generate(state, view, at),
        Command::Repeat => repeat(state, &view, at),
        Command::Paste => paste(state, &view, at),
        Command::Validate => Ok(validate(&view)),
        Command::ApplySettings => Ok((Value::Null, Then::Apply(view.text().to_owned(), at))),
        Command::Accepted => {
            accepted(state, &view, at);
            Ok((Value::Null, Then::Nothing))
        }
    }
}

fn generate(state: &Arc<State>, view: View, at: usize) -> Result<(Value, Then), Error> {
    can_edit(state)?;
    let tags = view.tags();
    let (tag, fim) = fim_at(view.text(), &tags, at)?;
    let deletes = TagPrompt::new(view.text(), &tags, tag, fim, false)
        .window
        .deletes;
    let splice = Splice::new(tag.range.clone(), deletes);
    let text = view.text()[tag.range.clone()].to_owned();
    let content = view.text().to_owned();
    let writer = writer(state, &view, splice)?;
    state.remember(text);
    Ok(run::start(state, &view, content, at, writer))
}

/// Runs the last tag as if it stood at `at`, without ever putting it there: a
/// run that fails leaves nothing behind.
fn repeat(state: &Arc<State>, view: &View, at: usize) -> Result<(Value, Then), Error> {
    can_edit(state)?;
    let last = last(state)?;
    let content = [&view.text()[..at], &last, &view.text()[at..]].concat();
    let tags = Tags::parse(&content);
    let (tag, fim) = fim_at(&content, &tags, at)?;
    let without = |at: usize| match at < tag.range.end {
        true => at,
        false => at - last.len(),
    };
    let deletes = TagPrompt::new(&content, &tags, tag, fim, false)
        .window
        .deletes
        .iter()
        .map(|range| without(range.start)..without(range.end))
        .collect();
    let writer = writer(state, view, Splice::new(at..at, deletes))?;
    Ok(run::start(state, view, content, at, writer))
}

fn paste(state: &Arc<State>, view: &View, at: usize) -> Result<(Value, Then), Error> {
    can_edit(state)?;
    let last = last(state)?;
    let writer = writer(state, view, Splice::new(at..at, Vec::new()))?;
    Ok((Value::Null, Then::Paste(writer, last)))
}

/// Asks ahead for what comes at `at`.
fn accepted(state: &State, view: &View, at: usize) {
    if let Some(connected) = state.connected.get() {
        let site = Site {
            connected,
            open: &state.documents().buffers(),
            path: view.key().to_owned(),
            content: view.text().to_owned(),
            cursor: at,
        };
        site.prefetch(&state.engine, &state.completions);
    }
}

/// Puts a text where its writer stands, and says so if that fails.
pub(super) async fn pasted(state: &State, mut writer: Writer, text: String) {
    if let Err(error) = writer.reach(&Goal::Finish(text)).await {
        state.say(MessageType::ERROR, &error.to_string()).await;
    }
}

/// Applies a config tag: what `tags/applyConfig` answers.
pub(super) async fn apply(state: &State, content: String, at: usize) -> Result<Value, Error> {
    let offered = EditorResources::default();
    let applied = state.engine.apply_config(content, at, offered).await??;
    serde_json::to_value(applied).map_err(|error| Error::internal(error.to_string()))
}

/// Says how many tags there are and what is wrong, in any language.
fn validate(view: &View) -> (Value, Then) {
    let found = diagnostics::of(view);
    let is_error = |severity| severity == Some(DiagnosticSeverity::ERROR);
    let mut invalid = found.iter().filter(|about| is_error(about.severity));
    let count = invalid.clone().count();
    let total = view.tags().all().len();
    let (kind, said) = match invalid.next() {
        None => (MessageType::INFO, format!("{total} tags, all valid")),
        Some(first) => {
            let (line, what) = (first.range.start.line + 1, &first.message);
            let said = format!("{total} tags, errors: {count}; line {line}: {what}");
            (MessageType::WARNING, said)
        }
    };
    let answer = json!({ "tags": total, "invalid": count, "diagnostics": found });
    (answer, Then::Say(kind, said))
}

fn can_edit(state: &State) -> Result<(), Error> {
    match state.can().edits {
        true => Ok(()),
        false => Err(Error::internal(
            "this editor does not offer workspace/applyEdit with versioned documentChanges, \
             without which text cannot be put into a document that is edited",
        )),
    }
}

fn writer(state: &Arc<State>, view: &View, splice: Splice) -> Result<Writer, Error> {
    Writer::new(state, &view.uri, splice).ok_or_else(|| {
        let uri = &view.uri;
        Error::internal(format!(
            "{uri}: a tag runs there already; wait or cancel it"
        ))
    })
}

fn last(state: &State) -> Result<String, Error> {
    state.last_tag().ok_or_else(|| {
        Error::invalid_params("no tag has run in this session that could be repeated")
    })
}
