//! Facts about PHP source. [`facts`] reads a file once, from left to right, at
//! memory-scan speed. It never fails: broken code yields the facts that can be
//! seen. Nothing here knows disks, indexes or protocols.
//!
//! Facts hold byte spans into the source instead of copies of its text. They
//! are small, and they mean nothing without the text that they were read from.
//! The index stores facts on disk. A change to what they hold, or to how they
//! are read, needs a new number of the index's stored format.

pub mod composer;
mod facts;
pub mod lex;
mod literals;
pub mod names;
mod references;
mod scan;
pub mod services;
mod span;
pub mod spans;
mod token;
pub mod types;

pub use self::facts::{
    ClassKind, ClassLike, Constant, FileFacts, Function, Import, ImportKind, LiteralUse, Member,
    MemberKind, Namespace, RefKind, Reference, Visibility,
};
pub use self::literals::{Literal, literal_place, literals, place_hash};
pub(crate) use self::references::receiver;
pub use self::span::Span;

/// Reads the facts out of `source`. Never fails, and takes time in proportion
/// to the size of the source, whatever it holds.
#[must_use]
pub fn facts(source: &str) -> FileFacts {
    facts_of(source, &lex::lex(source))
}

/// The facts in the `tokens` of `source`.
#[must_use]
fn facts_of(source: &str, tokens: &[lex::Token]) -> FileFacts {
    let mut facts = name_facts(source, tokens);
    facts.literals = literal_uses(source, tokens).collect();
    facts
}

/// The facts in the `tokens` of `source`, without its strings, which few ask for.
#[must_use]
pub(crate) fn name_facts(source: &str, tokens: &[lex::Token]) -> FileFacts {
    let mut facts = scan::declarations(source, tokens);
    facts.references = references::references(source, tokens);
    facts
}

/// The strings of [`FileFacts::literals`] among the `tokens` of `source`.
pub(crate) fn literal_uses<'t>(
    source: &'t str,
    tokens: &'t [lex::Token],
) -> impl Iterator<Item = LiteralUse> + 't {
    let uses = literals(source, tokens);
    uses.filter_map(|found| LiteralUse::new(place_hash(&found.place), found.text))
}
