//! `workspace/executeCommand`. Every command has one argument, `{uri, position}`;
//! the position of a tag is inside it or right behind it.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tower_lsp::ls_types::{DiagnosticSeverity, ExecuteCommandParams, MessageType, Position};

use super::command_name::CommandName;
use super::connection::Connection;
use super::diagnostics;
use super::documents::DocumentView;
use super::run::DocumentRun;
use super::splice::{Goal, Splice};
use super::writer::Writer;
use crate::config::EditorResources;
use crate::engine::tags::fim_at;
use crate::rpc::Error;
use crate::server::methods::completion_cursor::CompletionCursor;
use crate::tags::{Tag, TagKind, TagPrompt, Tags};

/// The argument of a command.
#[derive(Debug, Deserialize)]
struct CommandTarget {
    uri: String,
    #[serde(default)]
    position: Position,
}

/// What a command does beside its answer.
pub(super) enum FollowUp {
    /// Nothing.
    None,
    /// Applies the config tag of a text at a byte. The answer waits for it.
    ApplyConfig(String, usize),
    /// Runs a tag.
    Run(Box<DocumentRun>),
    /// Inserts a text.
    Paste(Writer, String),
    /// Shows the user a message.
    ShowMessage(MessageType, String),
}

/// Starts a command. Returns its answer and what follows. Takes what it needs of
/// the documents at once, so that they are as they were when the client sent it.
pub(super) fn start(
    connection: &Arc<Connection>,
    params: ExecuteCommandParams,
) -> Result<(Value, FollowUp), Error> {
    let command = CommandName::named(&params.command).ok_or_else(|| {
        let known = CommandName::ALL.map(CommandName::name).join(", ");
        Error::invalid_params(format!(
            "command: expected one of {known}, found {:?}",
            params.command
        ))
    })?;
    let target = params.arguments.into_iter().next().ok_or_else(|| {
        Error::invalid_params("arguments: expected [{uri, position}], found nothing")
    })?;
    let CommandTarget { uri, position } = serde_json::from_value(target)
        .map_err(|error| Error::invalid_params(format!("arguments: {error}")))?;
    let view = connection
        .view(&uri)
        .ok_or_else(|| Error::invalid_params(format!("uri: {uri} is not open, or too large")))?;
    let at = view.offset(position);
    match command {
        CommandName::Generate => generate(connection, view, at),
        CommandName::Repeat => repeat(connection, view, at),
        CommandName::Paste => paste(connection, &view, at),
        CommandName::Validate => Ok(validate(&view)),
        CommandName::ApplySettings => Ok(apply_settings(&view, at)),
        CommandName::Accepted => {
            accepted(connection, &view, at);
            Ok((Value::Null, FollowUp::None))
        }
    }
}

/// Runs the FIM tag at `at`, or applies the config tag there.
fn generate(
    connection: &Arc<Connection>,
    view: DocumentView,
    at: usize,
) -> Result<(Value, FollowUp), Error> {
    let tags = view.tags();
    if tags.is_config_at(at) {
        return Ok(apply_settings(&view, at));
    }
    require_edits(connection)?;
    let (tag, fim) = fim_at(view.text(), &tags, at)?;
    let deletes = TagPrompt::new(view.text(), &tags, tag, fim, false)
        .window
        .deletes;
    let splice = Splice::new(tag.range.clone(), deletes);
    let text = view.text()[tag.range.clone()].to_owned();
    let content = view.text().to_owned();
    let writer = writer(connection, &view, splice)?;
    connection.remember_tag(text);
    Ok(run(DocumentRun::new(connection, view, content, at, writer)))
}

fn apply_settings(view: &DocumentView, at: usize) -> (Value, FollowUp) {
    let content = view.text().to_owned();
    (Value::Null, FollowUp::ApplyConfig(content, at))
}

/// Runs the last tag as if it stood at `at`. The tag itself is never inserted, so
/// a run that fails leaves nothing behind.
fn repeat(
    connection: &Arc<Connection>,
    view: DocumentView,
    at: usize,
) -> Result<(Value, FollowUp), Error> {
    require_edits(connection)?;
    let last = last_tag(connection)?;
    let content = [&view.text()[..at], &last, &view.text()[at..]].concat();
    let tags = Tags::parse(&content);
    let (tag, fim) = fim_at(&content, &tags, at)?;
    let without_tag = |at: usize| match at < tag.range.end {
        true => at,
        false => at - last.len(),
    };
    let deletes = TagPrompt::new(&content, &tags, tag, fim, false)
        .window
        .deletes
        .iter()
        .map(|range| without_tag(range.start)..without_tag(range.end))
        .collect();
    let writer = writer(connection, &view, Splice::new(at..at, deletes))?;
    Ok(run(DocumentRun::new(connection, view, content, at, writer)))
}

/// The answer to a command that runs a tag.
fn run(run: DocumentRun) -> (Value, FollowUp) {
    let answer = json!({ "run_id": run.id() });
    (answer, FollowUp::Run(Box::new(run)))
}

fn paste(
    connection: &Arc<Connection>,
    view: &DocumentView,
    at: usize,
) -> Result<(Value, FollowUp), Error> {
    require_edits(connection)?;
    let last = last_tag(connection)?;
    let writer = writer(connection, view, Splice::new(at..at, Vec::new()))?;
    Ok((Value::Null, FollowUp::Paste(writer, last)))
}

/// Asks the model ahead for a completion at `at`.
fn accepted(connection: &Connection, view: &DocumentView, at: usize) {
    // A completion was shown, so its project is open.
    if let Some(project) = connection.projects_now().open_project(&view.uri) {
        let cursor = CompletionCursor {
            open: connection.documents().buffers(),
            path: project.key(&view.uri),
            content: view.text().to_owned(),
            sources: view.sources(&project),
            cursor: at,
            project,
        };
        cursor.prefetch(&connection.engine, &connection.completions);
    }
}

/// Inserts a text, and tells the user if that fails.
pub(super) async fn insert(connection: &Connection, mut writer: Writer, text: String) {
    if let Err(error) = writer.reach(&Goal::Finish(text)).await {
        let message = error.to_string();
        connection.show_message(MessageType::ERROR, &message).await;
    }
}

/// Applies a config tag. Returns the answer of `tags/applyConfig` and a message for
/// the user.
pub(super) async fn apply_config(
    connection: &Connection,
    content: String,
    at: usize,
) -> Result<(Value, String), Error> {
    let resources = EditorResources::default();
    let applied = connection.engine.apply_config(content, at, resources);
    let applied = applied.await??;
    match serde_json::to_value(&applied) {
        Ok(answer) => Ok((answer, applied.to_string())),
        Err(error) => Err(Error::internal(error.to_string())),
    }
}

/// Counts the tags and their errors, whatever the document's language.
fn validate(view: &DocumentView) -> (Value, FollowUp) {
    let found = diagnostics::of(view);
    let is_error = |severity| severity == Some(DiagnosticSeverity::ERROR);
    let mut invalid = found.iter().filter(|found| is_error(found.severity));
    let count = invalid.clone().count();
    let tags = view.tags();
    let code = view.code(&tags);
    let is_tag = |tag: &&Tag| !matches!(tag.kind, TagKind::Invalid(_)) || !code.contains(tag);
    let total = tags.all().iter().filter(is_tag).count();
    let (typ, message) = match invalid.next() {
        None => (MessageType::INFO, format!("{total} tags, all valid")),
        Some(first) => {
            let (line, what) = (first.range.start.line + 1, &first.message);
            let message = format!("{total} tags, errors: {count}; line {line}: {what}");
            (MessageType::WARNING, message)
        }
    };
    let answer = json!({ "tags": total, "invalid": count, "diagnostics": found });
    (answer, FollowUp::ShowMessage(typ, message))
}

fn require_edits(connection: &Connection) -> Result<(), Error> {
    match connection.features().versioned_edits {
        true => Ok(()),
        false => Err(Error::internal(
            "this editor does not offer workspace/applyEdit with versioned documentChanges, \
             without which text cannot be put into a document that is edited",
        )),
    }
}

fn writer(
    connection: &Arc<Connection>,
    view: &DocumentView,
    splice: Splice,
) -> Result<Writer, Error> {
    Writer::new(connection, &view.uri, splice).ok_or_else(|| {
        let uri = &view.uri;
        Error::internal(format!(
            "{uri}: a tag runs there already; wait or cancel it"
        ))
    })
}

fn last_tag(connection: &Connection) -> Result<String, Error> {
    connection.last_tag().ok_or_else(|| {
        Error::invalid_params("no tag has run in this session that could be repeated")
    })
}
