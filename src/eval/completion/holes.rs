//! Draws holes at names that other files declare, as the measure of contexts does.

use std::ops::Range;

use crate::eval::hole::NameHole;
use crate::eval::{HoleKind, holes};
use crate::index::{Snapshot, training_exclusion};

/// A hole at a name of a file of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedHole {
    /// The key of the file.
    pub path: String,
    /// The bytes of the file; both ends are character boundaries.
    pub range: Range<usize>,
    /// The kind of hole.
    pub kind: HoleKind,
    /// The first name in it that only another file declares.
    pub needed: Option<String>,
}

/// Up to `most` holes of each of `kinds`, cut as for `fimd eval context`. They depend only
/// on the project's files, `seed` and `most`. Files for which `is_own` is false have no
/// holes. In parallel on the current rayon pool.
#[must_use]
pub fn named_holes(
    snapshot: &Snapshot,
    kinds: &[HoleKind],
    seed: u64,
    most: usize,
    is_own: &(impl Fn(&str) -> bool + Sync),
) -> Vec<NamedHole> {
    let mut named = Vec::new();
    for &kind in kinds {
        let is_source = |key: &str| {
            is_own(key) && (kind == HoleKind::Test || training_exclusion(key).is_none())
        };
        // Each kind has other files, so that the holes are in many.
        let drawn = holes::sample(snapshot, kind, seed_of(seed, kind), most, &is_source);
        let typed = |hole: NameHole<'_>| match kind {
            HoleKind::HalfTyped => hole.half_typed().map(|hole| placed(&hole, kind)),
            _ => Some(placed(&hole, kind)),
        };
        named.extend(drawn.into_iter().filter_map(typed));
    }
    named
}

fn placed(hole: &NameHole<'_>, kind: HoleKind) -> NamedHole {
    NamedHole {
        path: hole.file.path.to_string(),
        range: hole.start..hole.end,
        kind,
        needed: hole.names.first().map(|name| name.ident.clone()),
    }
}

/// The seed of the holes of `kind`.
fn seed_of(seed: u64, kind: HoleKind) -> u64 {
    let hash = holes::draw(seed, &["completion", kind.drawn_as()]);
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(bytes)
}
