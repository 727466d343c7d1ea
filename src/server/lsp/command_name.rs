//! The commands of `workspace/executeCommand`, by name.

use crate::server::methods::inline_completion::ACCEPTED;

/// The commands that a client can execute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CommandName {
    /// Runs the FIM tag at a position, or applies the config tag there.
    Generate,
    /// Runs the last tag again, at a position.
    Repeat,
    /// Inserts the last tag at a position.
    Paste,
    /// Shows the errors in a document's tags.
    Validate,
    /// Applies the settings of the config tag at a position.
    ApplySettings,
    /// Asks the model ahead for a completion at a position, right behind one that
    /// was accepted.
    Accepted,
}

impl CommandName {
    /// All commands.
    pub(super) const ALL: [Self; 6] = [
        Self::Generate,
        Self::Repeat,
        Self::Paste,
        Self::Validate,
        Self::ApplySettings,
        Self::Accepted,
    ];

    /// The name on the wire.
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

    /// The title that the editor shows.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Generate => "Generate here",
            Self::Repeat => "Repeat last tag here",
            Self::Paste => "Paste last tag",
            Self::Validate => "Validate tags",
            Self::ApplySettings => "Apply settings",
            Self::Accepted => "Accepted",
        }
    }
}
