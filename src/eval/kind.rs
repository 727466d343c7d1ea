//! The kinds of holes, and the categories of the names in them.

use serde::Serialize;

use crate::php::RefKind;

/// What a hole takes away from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum HoleKind {
    /// From a name to the end of its line.
    Identifier,
    /// The same, but the first two or three characters of the name stay.
    HalfTyped,
    /// A whole statement. Its score is the share of its names that the context
    /// holds.
    Statement,
    /// From a member of an imported class to the end of its line.
    Member,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NameCategory {
    /// A class, interface, trait or enum.
    Class,
    /// A method.
    Method,
    /// A function.
    Function,
    /// A constant, of a class or not, or an enum case.
    Constant,
    /// A property.
    Property,
}

impl NameCategory {
    /// All categories, in the order of the report.
    pub(super) const ALL: [Self; 5] = [
        Self::Class,
        Self::Method,
        Self::Function,
        Self::Constant,
        Self::Property,
    ];

    /// The category's name in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Method => "method",
            Self::Function => "function",
            Self::Constant => "constant",
            Self::Property => "property",
        }
    }
}

impl From<RefKind> for NameCategory {
    fn from(kind: RefKind) -> Self {
        match kind {
            RefKind::Class => Self::Class,
            RefKind::Function => Self::Function,
            RefKind::Method | RefKind::StaticMethod => Self::Method,
            RefKind::Property | RefKind::StaticProperty => Self::Property,
            RefKind::Constant | RefKind::ClassConstant => Self::Constant,
        }
    }
}
