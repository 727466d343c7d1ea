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
    /// From a name that only an installed package declares to the end of its line.
    Package,
    /// The arguments of a call, to the end of the line. Asks for the signature of
    /// what is called.
    Callee,
    /// The body of a method. Asks for the names in it that are new to the file.
    Body,
    /// The body of a test's method. Asks for the members of the tested class that are
    /// new to the file, and for its constructor.
    Test,
    /// From inside a string that another file writes at the same place to the end of
    /// the line.
    Literal,
    /// The last part of an imported class's name.
    Import,
    /// A statement drawn from all statements, whatever it names. Shows how much of a
    /// context is of use where nothing in particular is asked for.
    Anywhere,
}

impl HoleKind {
    /// The word by which holes of this kind are drawn. Kinds with the same word draw
    /// the same holes.
    pub(super) fn drawn_as(self) -> &'static str {
        match self {
            Self::Identifier | Self::HalfTyped | Self::Member => "line",
            Self::Statement => "statement",
            Self::Package => "package",
            Self::Callee => "callee",
            Self::Body => "body",
            Self::Test => "test",
            Self::Literal => "literal",
            Self::Import => "import",
            Self::Anywhere => "anywhere",
        }
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
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
    /// A class's constructor, called by `new`.
    Constructor,
    /// A method called by `::`.
    StaticMethod,
    /// A member of what a property of `$this` holds: `m` of `$this->p->m()`.
    PropertyMember,
    /// A string.
    Literal,
}

impl NameCategory {
    /// All categories, in the order of the report.
    pub(super) const ALL: [Self; 9] = [
        Self::Class,
        Self::Method,
        Self::Function,
        Self::Constant,
        Self::Property,
        Self::Constructor,
        Self::StaticMethod,
        Self::PropertyMember,
        Self::Literal,
    ];

    /// The categories as which such a name may be declared.
    pub(super) fn declared_as(self) -> &'static [Self] {
        match self {
            Self::Class => &[Self::Class],
            Self::Method | Self::Constructor | Self::StaticMethod => &[Self::Method],
            Self::Function => &[Self::Function],
            Self::Constant => &[Self::Constant],
            Self::Property => &[Self::Property],
            Self::PropertyMember => &[Self::Method, Self::Property, Self::Constant],
            Self::Literal => &[],
        }
    }

    /// The category's name in a report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Method => "method",
            Self::Function => "function",
            Self::Constant => "constant",
            Self::Property => "property",
            Self::Constructor => "new",
            Self::StaticMethod => "static",
            Self::PropertyMember => "$this->x->",
            Self::Literal => "string",
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
