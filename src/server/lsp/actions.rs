//! Code actions and code lenses. Each of them runs a [`CommandName`].

use std::ops::Range;

use serde_json::{Value, json};
use tower_lsp::ls_types::{
    self, CodeAction, CodeActionKind, CodeActionOrCommand, CodeLens, Position,
};

use super::command_name::CommandName;
use super::documents::DocumentView;
use crate::tags::TagKind;

/// A command with the position that it is about.
fn call(command: CommandName, view: &DocumentView, position: Position) -> ls_types::Command {
    let target: Value = json!({ "uri": view.uri, "position": position });
    ls_types::Command {
        title: command.title().into(),
        command: command.name().into(),
        arguments: Some(vec![target]),
    }
}

/// The code actions at `range`. `has_last` says whether a tag has run that can be
/// repeated.
pub(super) fn actions(
    view: &DocumentView,
    range: ls_types::Range,
    is_tagged: bool,
    has_last: bool,
) -> Vec<CodeActionOrCommand> {
    let tags = view.tags();
    let at = view.offset(range.start);
    // The client's position may lie outside of the text.
    let position = view.positions().position(at);
    // An array of PHP may look like a tag. That does no harm, because code actions
    // appear only on request and only for the tag at the cursor.
    let mut commands: Vec<_> = tags
        .at(at)
        .and_then(|tag| match tag.kind {
            TagKind::Fim(_) => Some(CommandName::Generate),
            TagKind::Config(_) => Some(CommandName::ApplySettings),
            _ => None,
        })
        .into_iter()
        .collect();
    if is_tagged && !tags.all().is_empty() {
        commands.push(CommandName::Validate);
    }
    if has_last {
        commands.extend([CommandName::Repeat, CommandName::Paste]);
    }
    let action = |command: CommandName| {
        CodeActionOrCommand::CodeAction(CodeAction {
            title: command.title().into(),
            kind: Some(CodeActionKind::EMPTY),
            command: Some(call(command, view, position)),
            ..CodeAction::default()
        })
    };
    commands.into_iter().map(action).collect()
}

/// The code lenses of a document, each at its tag.
pub(super) fn lenses(view: &DocumentView) -> Vec<CodeLens> {
    let tags = view.tags();
    let mut positions = view.positions();
    let lens = |tag: &crate::tags::Tag| {
        let command = match tag.kind {
            TagKind::Fim(_) => CommandName::Generate,
            TagKind::Config(_) => CommandName::ApplySettings,
            _ => return None,
        };
        // The range of a lens is on one line.
        let first_line = first_line(view.text(), &tag.range);
        let range = positions.range(&first_line);
        Some(CodeLens {
            range,
            command: Some(call(command, view, range.start)),
            data: None,
        })
    };
    tags.all().iter().filter_map(lens).collect()
}

fn first_line(text: &str, range: &Range<usize>) -> Range<usize> {
    let line = text[range.clone()].lines().next().unwrap_or_default();
    range.start..range.start + line.len()
}
