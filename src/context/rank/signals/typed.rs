//! The signal `typed`: names of the project that begin with the part of a name
//! that is typed already.

use std::borrow::Cow;

use rustc_hash::FxHashSet;

use crate::context::buffer::Buffer;
use crate::context::rank::name_table::{NameSignal, NameTable};
use crate::context::rank::names::name_kind;
use crate::context::rank::surroundings::Surroundings;
use crate::context::site::Site;
use crate::context::weights::{LOCATED_CLASSES, LOCATED_PREFIX, PREFIX_MATCHES, prefix_weight};
use crate::index::symbols::{DeclKind, Declaration, NameKind, UseKey};
use crate::php::ImportKind;

/// The part of a name that is typed.
#[derive(Clone, Debug)]
pub(in crate::context::rank) struct TypedPart {
    /// What is typed of the last part of the name, in lower case.
    short: String,
    /// The fully qualified name as far as it is typed, in lower case, if a namespace is
    /// part of it.
    full: Option<String>,
}

impl TypedPart {
    /// What the buffer holds of the name at the cursor; `None` if that is nothing.
    pub(in crate::context::rank) fn of(buffer: &Buffer<'_>) -> Option<Self> {
        let typed = buffer.typed;
        // An import names everything in full.
        if let Some(import) = buffer.open_import() {
            let full = import.full(typed).to_ascii_lowercase();
            let short = full.rsplit('\\').next().unwrap_or_default().to_owned();
            return (!full.is_empty()).then_some(Self {
                short,
                full: Some(full),
            });
        }
        if typed.is_empty() {
            return None;
        }
        let Some((namespace, short)) = typed.rsplit_once('\\') else {
            return Some(Self {
                short: typed.to_ascii_lowercase(),
                full: None,
            });
        };
        let namespace = if namespace.is_empty() {
            Some(String::new())
        } else {
            buffer.scope().class(namespace)
        };
        let full = match namespace.as_deref() {
            None | Some("") => short.to_owned(),
            Some(namespace) => format!("{namespace}\\{short}"),
        };
        Some(Self {
            short: short.to_ascii_lowercase(),
            full: Some(full.to_ascii_lowercase()),
        })
    }

    /// Whether the folded name of this kind goes on from what is typed.
    pub(in crate::context::rank) fn begins(&self, kind: NameKind, name: &str) -> bool {
        match (&self.full, kind) {
            (Some(full), NameKind::Class) => name.starts_with(&**full),
            _ => {
                let short = name.rsplit('\\').next().unwrap_or(name);
                let start = short.as_bytes().get(..self.short.len());
                start.is_some_and(|start| start.eq_ignore_ascii_case(self.short.as_bytes()))
            }
        }
    }
}

/// Adds the declared names that begin with the typed part. Names that more files
/// use weigh more.
pub(in crate::context::rank) fn add_prefix_matches(
    surroundings: &Surroundings<'_>,
    typed: &TypedPart,
    names: &mut NameTable<'_>,
) {
    let kinds: &[DeclKind] = match surroundings.site {
        Site::Member { .. } => &[DeclKind::Member],
        Site::Class | Site::Import(ImportKind::Class) => &[DeclKind::Class],
        Site::Import(ImportKind::Function) => &[DeclKind::Function],
        Site::Import(ImportKind::Const) => &[DeclKind::Constant],
        Site::Expression | Site::Body => &[DeclKind::Function, DeclKind::Class, DeclKind::Constant],
        Site::Method | Site::Text => &[],
    };
    let snapshot = surroundings.snapshot;
    let packages = surroundings.inference.lookup.packages();
    let mut add = |kind: NameKind, name: &str| {
        let kind_weight = surroundings.kind_weight(kind);
        if kind_weight > 0.0 && typed.begins(kind, name) {
            let users = snapshot.users(UseKey::Name(kind, name));
            // Several declarations of a name count once.
            let number = names.number_of_copy(kind, name);
            names.set(NameSignal::Typed, number, prefix_weight(kind_weight, users));
        }
    };
    for &decl in kinds {
        // A class in a deeper namespace may have any short name.
        let prefix = match typed.full {
            Some(_) if decl == DeclKind::Class => "",
            _ => &*typed.short,
        };
        let declared = snapshot.declared_with_prefix(decl, prefix);
        let in_packages = packages
            .into_iter()
            .flat_map(|packages| packages.with_prefix(decl, prefix));
        for declared in declared.into_iter().chain(in_packages).take(PREFIX_MATCHES) {
            let kind = match declared {
                Declaration::Class(_) => NameKind::Class,
                Declaration::Function(..) => NameKind::Function,
                Declaration::Constant(..) => NameKind::Constant,
                Declaration::Member(class, index) => name_kind(class.class().members[index].kind),
            };
            let name = match kind {
                NameKind::Class => {
                    let name = declared.full_name().unwrap_or_default();
                    Cow::Owned(kind.fold(&name))
                }
                _ => kind.folded(declared.short_name()),
            };
            add(kind, &name);
        }
        if decl == DeclKind::Class {
            for name in located_classes(surroundings, typed) {
                add(NameKind::Class, name);
            }
        }
    }
}

/// The likeliest classes of packages that begin with the typed part and that the
/// project does not use yet. Those of a namespace from which the buffer imports come
/// first, then those with short names.
fn located_classes<'a>(surroundings: &Surroundings<'a>, typed: &TypedPart) -> Vec<&'a str> {
    let lookup = surroundings.inference.lookup;
    let (Some(library), Some(packages)) = (surroundings.snapshot.library(), lookup.packages())
    else {
        return Vec::new();
    };
    let prefix = typed.full.as_deref().unwrap_or(&typed.short);
    if prefix.len() < LOCATED_PREFIX {
        return Vec::new();
    }
    let imports = surroundings.buffer.scope().imports();
    let near: FxHashSet<String> = imports
        .filter_map(|import| Some(import.target.rsplit_once('\\')?.0.to_ascii_lowercase()))
        .collect();
    let located = library.with_prefix(prefix).take(PREFIX_MATCHES);
    let mut located: Vec<_> = located
        .filter(|name| packages.class(name).is_none())
        .map(|name| {
            let (namespace, short) = name.rsplit_once('\\').unwrap_or(("", name));
            (!near.contains(namespace), short.len(), name)
        })
        .collect();
    if located.len() > LOCATED_CLASSES {
        located.select_nth_unstable(LOCATED_CLASSES);
        located.truncate(LOCATED_CLASSES);
    }
    located.into_iter().map(|(.., name)| name).collect()
}
