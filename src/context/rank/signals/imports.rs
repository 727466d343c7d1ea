//! The signal `typed` where a name's namespace is typed and no more: what that
//! namespace declares.

use rustc_hash::FxHashSet;

use crate::context::rank::name_table::{NameSignal, NameTable};
use crate::context::rank::near_words::NearWords;
use crate::context::rank::surroundings::Surroundings;
use crate::context::site::Site;
use crate::context::weights::{NAMESPACE_NAMES, namespace_name};
use crate::index::symbols::{DeclKind, NameKind, UseKey};
use crate::php::ImportKind;

/// The namespace that is typed in front of the cursor, in lower case.
pub(in crate::context::rank) fn typed_namespace(surroundings: &Surroundings<'_>) -> Option<String> {
    let buffer = surroundings.buffer;
    let full = if let Some(import) = buffer.open_import() {
        import.full(buffer.typed)
    } else {
        let (written, _) = buffer.typed.rsplit_once('\\')?;
        let is_code = !matches!(surroundings.site, Site::Member { .. } | Site::Text);
        let full = buffer.scope().class(&format!("{written}\\x"));
        full.filter(|_| is_code)?
    };
    let (namespace, _) = full.rsplit_once('\\')?;
    Some(namespace.to_ascii_lowercase())
}

/// Adds what `namespace`, which is typed in front of the cursor, and the namespaces inside
/// it declare of the kind that may stand there. Classes that the buffer names without an
/// import come first.
pub(in crate::context::rank) fn add_names_of_namespace(
    surroundings: &Surroundings<'_>,
    near: &NearWords,
    namespace: &str,
    names: &mut NameTable<'_>,
) {
    let buffer = surroundings.buffer;
    let typed = buffer.typed.rsplit('\\').next().unwrap_or_default();
    let snapshot = surroundings.snapshot;
    let (declared_kind, kind, import_kind) = match surroundings.site {
        Site::Import(ImportKind::Function) => {
            (DeclKind::Function, NameKind::Function, ImportKind::Function)
        }
        Site::Import(ImportKind::Const) => {
            (DeclKind::Constant, NameKind::Constant, ImportKind::Const)
        }
        _ => (DeclKind::Class, NameKind::Class, ImportKind::Class),
    };
    let imports = buffer.scope().imports();
    let known: FxHashSet<String> = imports
        .filter(|import| import.kind == import_kind)
        .map(|import| import.target.to_ascii_lowercase())
        .collect();
    let named: FxHashSet<&str> = buffer
        .facts
        .references
        .iter()
        .filter(|reference| NameKind::from(reference.kind) == kind)
        .map(|reference| reference.name().of(buffer.content))
        .filter(|name| !name.contains('\\'))
        .collect();
    let mut weighed: Vec<(f32, String)> = Vec::new();
    for declared in snapshot.declared_with_prefix(declared_kind, typed) {
        let own = declared.namespace();
        let is_inside = own.len() >= namespace.len()
            && own.as_bytes()[..namespace.len()].eq_ignore_ascii_case(namespace.as_bytes())
            && matches!(own.as_bytes().get(namespace.len()), None | Some(b'\\'));
        if !is_inside || declared.path() == buffer.path {
            continue;
        }
        let full = declared
            .full_name()
            .unwrap_or_default()
            .to_ascii_lowercase();
        if known.contains(&full) {
            continue;
        }
        let short = declared.short_name();
        // Only the names of classes are known in full.
        let name = kind.fold(if kind == NameKind::Class {
            &full
        } else {
            short
        });
        let users = snapshot.users(UseKey::Name(kind, &name));
        let deeper = own[namespace.len()..].matches('\\').count();
        let is_named = named.contains(short);
        let shared = near.shared(short);
        weighed.push((namespace_name(users, deeper, is_named, shared), name));
    }
    weighed.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    weighed.dedup_by(|a, b| a.1 == b.1);
    for (weight, name) in weighed.into_iter().take(NAMESPACE_NAMES) {
        let number = names.number(kind, name);
        names.set(NameSignal::Namespace, number, weight);
    }
}
