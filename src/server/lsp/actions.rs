//! What can be done at a place, as code actions and code lenses; all of it is a
//! command of [`Command`].

use std::ops::Range;

use serde_json::{Value, json};
use tower_lsp::ls_types::{
    self, CodeAction, CodeActionKind, CodeActionOrCommand, CodeLens, Position,
};

use super::documents::View;
use crate::server::methods::complete::ACCEPTED;
use crate::tags::TagKind;

/// The commands that a client can execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Generates in the place of the FIM tag at a position.
    Generate,
    /// Generates at a position what the last tag asked for.
    Repeat,
    /// Puts the last tag at a position.
    Paste,
    /// Says what is wrong with a document's tags.
    Validate,
    /// Applies the settings of the config tag at a position.
    ApplySettings,
    /// Expects to be asked for a completion at a position, right behind one
    /// that was accepted.
    Accepted,
}

impl Command {
    /// All of them.
    pub(super) const ALL: [Self; 6] = [
        Self::Generate,
        Self::Repeat,
        Self::Paste,
        Self::Validate,
        Self::ApplySettings,
        Self::Accepted,
    ];

    /// Its name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Generate => "fimd.tags.generate",
            Self::Repeat => "fimd.tags.repeat",
            Self::Paste => "fimd.tags.paste",
            Self::Validate => "fimd.tags.validate",
            Self::ApplySettings => "fimd.tags.applySettings",
            Self::Accepted => ACCEPTED,
        }
    }

    /// The command of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|command| command.name() == name)
    }

    fn title(self) -> &'static str {
        match self {
            Self::Generate => "Generate here",
            Self::Repeat => "Repeat last tag here",
            Self::Paste => "Paste last tag",
            Self::Validate => "Validate tags",
            Self::ApplySettings => "Apply settings",
            Self::Accepted => "Accepted",
        }
    }

    /// It, with the place that it is about.
    fn at(self, view: &View, position: Position) -> ls_types::Command {
        let place: Value = json!({ "uri": view.uri, "position": position });
        ls_types::Command {
            title: self.title().into(),
            command: self.name().into(),
            arguments: Some(vec![place]),
        }
    }
}

/// What can be done at `range`, in positions. `has_last` says whether a tag has
/// run that can be repeated.
pub(super) fn actions(
    view: &View,
    range: ls_types::Range,
    is_tagged: bool,
    has_last: bool,
) -> Vec<CodeActionOrCommand> {
    let tags = view.tags();
    let at = view.offset(range.start);
    // In PHP an array may look like a tag; where the cursor is, and only by
    // request, that does no harm.
    let mut commands: Vec<_> = tags
        .at(at)
        .and_then(|tag| match tag.kind {
            TagKind::Fim(_) => Some(Command::Generate),
            TagKind::Config(_) => Some(Command::ApplySettings),
            _ => None,
        })
        .into_iter()
        .collect();
    if is_tagged && !tags.all().is_empty() {
        commands.push(Command::Validate);
    }
    if has_last {
        commands.extend([Command::Repeat, Command::Paste]);
    }
    let action = |command: Command| {
        CodeActionOrCommand::CodeAction(CodeAction {
            title: command.title().into(),
            kind: Some(CodeActionKind::EMPTY),
            command: Some(command.at(view, range.start)),
            ..CodeAction::default()
        })
    };
    commands.into_iter().map(action).collect()
}

/// What can be done in a document, each at its tag.
pub(super) fn lenses(view: &View) -> Vec<CodeLens> {
    let tags = view.tags();
    let mut places = view.places();
    let lens = |tag: &crate::tags::Tag| {
        let command = match tag.kind {
            TagKind::Fim(_) => Command::Generate,
            TagKind::Config(_) => Command::ApplySettings,
            _ => return None,
        };
        // A lens stands on one line.
        let first_line = first_line(view.text(), &tag.range);
        let range = places.range(&first_line);
        Some(CodeLens {
            range,
            command: Some(command.at(view, range.start)),
            data: None,
        })
    };
    tags.all().iter().filter_map(lens).collect()
}

fn first_line(text: &str, range: &Range<usize>) -> Range<usize> {
    let line = text[range.clone()].lines().next().unwrap_or_default();
    range.start..range.start + line.len()
}
