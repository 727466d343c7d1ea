//! The mix of holes: how many of each category are cut.

use crate::dataset::record::SpanKind;

/// A category of holes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HoleCategory {
    /// Parts of the syntax tree, or lines and braces where there is none.
    Structure,
    /// Text that a developer would type next.
    Developer,
    /// Random characters.
    Characters,
}

impl HoleCategory {
    /// All categories, in the order in which they are drawn.
    pub(super) const ALL: [Self; 3] = [Self::Structure, Self::Developer, Self::Characters];

    /// The target share of the holes, in percent.
    pub(super) fn percent(self) -> u32 {
        match self {
            Self::Structure => 66,
            Self::Developer => 22,
            Self::Characters => 12,
        }
    }

    /// The category of `kind`.
    pub(super) fn of(kind: SpanKind) -> Self {
        match kind {
            SpanKind::AstNode | SpanKind::AstAligned | SpanKind::Lines | SpanKind::Braces => {
                Self::Structure
            }
            SpanKind::LineRest
            | SpanKind::BracketContent
            | SpanKind::AfterComment
            | SpanKind::DocComment => Self::Developer,
            SpanKind::CharSpan | SpanKind::Commit => Self::Characters,
        }
    }
}
