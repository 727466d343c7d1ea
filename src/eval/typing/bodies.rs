//! The bodies of methods that a session types.

use std::ops::RangeInclusive;

use rustc_hash::FxHashMap;

use crate::eval::candidates::ForeignNames;

/// The lines of a body that is typed.
const LINES: RangeInclusive<usize> = 3..=14;
/// The most bytes of such a body.
const MAX_BYTES: usize = 900;

/// A method's body without its braces and the blanks inside them.
#[derive(Clone, Debug)]
pub(super) struct MethodBody {
    /// Its first byte in the file.
    pub(super) start: usize,
    /// One past its last byte.
    pub(super) end: usize,
    /// The names in it that another file declares and this file writes nowhere else,
    /// in order, each where it stands first. Offsets count from the body's start.
    pub(super) names: Vec<(usize, String)>,
}

impl ForeignNames<'_, '_> {
    /// The bodies of methods that are neither short nor long; those with names of other
    /// files come first.
    pub(super) fn typed_bodies(&self) -> Vec<MethodBody> {
        let mut known = FxHashMap::default();
        let classes = self.file.facts.classes.iter();
        let methods = classes.flat_map(|class| &class.members);
        let mut bodies: Vec<MethodBody> = methods
            .filter_map(|method| {
                let (start, end) = self.inside(method)?;
                let lines = self.file.text[start..end].lines().count();
                if !LINES.contains(&lines) || end - start > MAX_BYTES {
                    return None;
                }
                let mut names: Vec<(usize, String)> = Vec::new();
                for &reference in self.references(start, end) {
                    if let Some(name) = self.name(reference, start..end, &mut known)
                        && names.iter().all(|(_, other)| *other != name.ident)
                    {
                        let written = reference.name();
                        let at = written.end as usize - name.ident.len();
                        names.push((at - start, name.ident));
                    }
                }
                Some(MethodBody { start, end, names })
            })
            .collect();
        bodies.sort_by_key(|body| body.names.is_empty());
        bodies
    }
}
