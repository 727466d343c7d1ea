//! A hole in a file, and the names that it hides.

use crate::eval::kind::NameCategory;
use crate::index::SourceFile;

/// A name that a hole takes away and the context should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HiddenName {
    pub(super) category: NameCategory,
    pub(super) ident: String,
    /// The file and the byte at which its declaration starts, if only this one will
    /// do.
    pub(super) declared: Option<(String, usize)>,
}

/// A hole: the bytes cut out of a file, and the names that they hold.
#[derive(Clone, Debug)]
pub(super) struct NameHole<'a> {
    pub(super) file: &'a SourceFile,
    /// The first byte of the cut.
    pub(super) start: usize,
    /// One past the last byte of the cut.
    pub(super) end: usize,
    /// The names in the cut; none in a hole of the kind `anywhere` only.
    pub(super) names: Vec<HiddenName>,
}

impl<'a> NameHole<'a> {
    /// The same hole, but the first characters of its name stay: two, or three of
    /// a name of at least eight characters.
    pub(super) fn half_typed(&self) -> Option<Self> {
        let name = self.names.first()?;
        let written = &self.file.text[self.start..];
        let ident = self.start + written.find(&name.ident)?;
        let typed = if name.ident.chars().count() < 8 { 2 } else { 3 };
        let (at, _) = name.ident.char_indices().nth(typed)?;
        Some(Self {
            start: ident + at,
            ..self.clone()
        })
    }
}

/// The identifiers in `text`.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_ascii() && !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
}
