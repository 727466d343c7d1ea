//! The signal `typed`: names of the project that begin with the part of a name
//! that is typed already.

use std::borrow::Cow;

use crate::context::rank::names::{NameWeights, name_kind};
use crate::context::rank::surroundings::Surroundings;
use crate::context::site::Site;
use crate::context::weights::{PREFIX_MATCHES, prefix_weight};
use crate::index::symbols::{DeclKind, Declaration, NameKind, UseKey};

/// The declared names that begin with the typed part. Names that more files
/// use weigh more.
pub(in crate::context::rank) fn prefix_matches<'a>(
    surroundings: &Surroundings<'a>,
) -> NameWeights<'a> {
    let kinds: &[DeclKind] = match surroundings.site {
        Site::Member { .. } => &[DeclKind::Member],
        Site::Class => &[DeclKind::Class],
        Site::Expression => &[DeclKind::Function, DeclKind::Class, DeclKind::Constant],
        Site::Method | Site::Text => &[],
    };
    let snapshot = surroundings.snapshot;
    let mut names = NameWeights::default();
    for &kind in kinds {
        let declared = snapshot.declared_with_prefix(kind, surroundings.buffer.typed);
        for declared in declared.into_iter().take(PREFIX_MATCHES) {
            let kind = match declared {
                Declaration::Class(_) => NameKind::Class,
                Declaration::Function(..) => NameKind::Function,
                Declaration::Constant(..) => NameKind::Constant,
                Declaration::Member(class, index) => name_kind(class.class().members[index].kind),
            };
            let name = match kind {
                NameKind::Class => kind.fold(&declared.full_name().unwrap_or_default()),
                _ => kind.fold(declared.short_name()),
            };
            let users = snapshot.uses(UseKey::Name(kind, &name)).count();
            let kind_weight = surroundings.kind_weight(kind);
            if kind_weight > 0.0 {
                // Several declarations of a name count once.
                let weight = prefix_weight(kind_weight, users);
                names.0.insert((kind, Cow::Owned(name)), weight);
            }
        }
    }
    names
}

/// Removes the names that do not begin with the `typed` part.
pub(in crate::context::rank) fn retain_prefix_matches(names: &mut NameWeights<'_>, typed: &str) {
    let short = |name: &str| {
        name.rsplit('\\')
            .next()
            .unwrap_or(name)
            .to_ascii_lowercase()
    };
    let typed = short(typed);
    names
        .0
        .retain(|(_, name), _| short(name).starts_with(&typed));
}
