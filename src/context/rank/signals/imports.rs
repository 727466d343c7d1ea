//! The signal `typed` where a name's namespace is typed and no more: the classes of
//! that namespace.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use crate::context::rank::names::NameWeights;
use crate::context::rank::near_words::NearWords;
use crate::context::rank::surroundings::Surroundings;
use crate::context::site::Site;
use crate::context::weights::{NAMESPACE_CLASSES, namespace_class};
use crate::index::symbols::{DeclKind, Declaration, NameKind, UseKey};

/// The namespace that is typed in front of the cursor, in lower case.
pub(in crate::context::rank) fn typed_namespace(surroundings: &Surroundings<'_>) -> Option<String> {
    let buffer = surroundings.buffer;
    let (written, _) = buffer.typed.rsplit_once('\\')?;
    let is_code = !matches!(surroundings.site, Site::Member { .. } | Site::Text);
    let full = if surroundings.site == Site::Import {
        Some(format!("{}\\x", written.trim_start_matches('\\')))
    } else {
        buffer
            .scope()
            .class(&format!("{written}\\x"))
            .filter(|_| is_code)
    };
    let full = full?.to_ascii_lowercase();
    Some(
        full.rsplit_once('\\')
            .map_or("", |(namespace, _)| namespace)
            .to_owned(),
    )
}

/// The classes of `namespace`, which is typed in front of the cursor, and of those
/// inside it. Classes that the buffer names without an import come first.
pub(in crate::context::rank) fn classes_of_namespace<'a>(
    surroundings: &Surroundings<'a>,
    near: &NearWords,
    namespace: &str,
) -> NameWeights<'a> {
    let buffer = surroundings.buffer;
    let mut names = NameWeights::default();
    let typed = buffer.typed.rsplit('\\').next().unwrap_or_default();
    let scope = buffer.scope();
    let snapshot = surroundings.snapshot;
    let known: FxHashSet<String> = scope
        .imports()
        .map(|import| NameKind::Class.fold(&import.target))
        .collect();
    let named: FxHashSet<&str> = buffer
        .facts
        .references
        .iter()
        .filter(|reference| NameKind::from(reference.kind) == NameKind::Class)
        .map(|reference| reference.name().of(buffer.content))
        .filter(|name| !name.contains('\\'))
        .collect();
    let mut weighed: Vec<(f32, String)> = Vec::new();
    for declared in snapshot.declared_with_prefix(DeclKind::Class, typed) {
        let Declaration::Class(class) = declared else {
            continue;
        };
        let own = class.scope().namespace();
        let is_inside = own.len() >= namespace.len()
            && own.as_bytes()[..namespace.len()].eq_ignore_ascii_case(namespace.as_bytes())
            && matches!(own.as_bytes().get(namespace.len()), None | Some(b'\\'));
        if !is_inside || class.path == buffer.path {
            continue;
        }
        let name = NameKind::Class.fold(&class.name());
        if known.contains(&name) {
            continue;
        }
        let users = snapshot.users(UseKey::Name(NameKind::Class, &name));
        let deeper = own[namespace.len()..].matches('\\').count();
        let is_named = named.contains(class.short_name());
        let shared = near.shared(class.short_name());
        weighed.push((namespace_class(users, deeper, is_named, shared), name));
    }
    weighed.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    weighed.dedup_by(|a, b| a.1 == b.1);
    for (weight, name) in weighed.into_iter().take(NAMESPACE_CLASSES) {
        names.0.insert((NameKind::Class, Cow::Owned(name)), weight);
    }
    names
}
