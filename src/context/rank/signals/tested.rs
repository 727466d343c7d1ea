//! The signal `tested`: the members of the class that a test class is about.

use crate::context::candidate::{Candidate, ScoredCandidate};
use crate::context::rank::near_words::NearWords;
use crate::context::rank::surroundings::Surroundings;
use crate::context::site::Site;
use crate::context::weights::{TESTED_CONSTRUCTOR, tested_member};
use crate::index::symbols::{ClassRef, DeclKind, Declaration, NameKind};
use crate::php::{ImportKind, MemberKind, Visibility};

/// Adds the public members of the class `Foo`, inherited ones included, if the class
/// at the cursor is called `FooTest` and the cursor stands in one of its methods.
pub(in crate::context::rank) fn add_tested<'a>(
    surroundings: &Surroundings<'a>,
    near: &NearWords,
    candidates: &mut Vec<ScoredCandidate<'a>>,
) {
    let buffer = surroundings.buffer;
    if buffer.method_name().is_empty() || matches!(surroundings.site, Site::Class | Site::Text) {
        return;
    }
    let Some(class) = tested_class(surroundings) else {
        return;
    };
    let members = surroundings.inference.members(class);
    for (owner, index) in members.all() {
        let member = &owner.class().members[index];
        if members.visibility(owner, index) != Visibility::Public || owner.path == buffer.path {
            continue;
        }
        let name = member.name.of(owner.text);
        let score = if name == "__construct" {
            TESTED_CONSTRUCTOR
        } else if name.starts_with("__") || member.kind == MemberKind::Constant {
            continue;
        } else {
            tested_member(
                near.shared(name),
                owner.item == class.item && owner.path == class.path,
            )
        };
        let candidate = Candidate::Declared(Declaration::Member(owner, index));
        candidates.push(ScoredCandidate { candidate, score });
    }
}

/// The class that the test class at the cursor is about.
fn tested_class<'a>(surroundings: &Surroundings<'a>) -> Option<ClassRef<'a>> {
    let buffer = surroundings.buffer;
    let test = surroundings.inference.own(buffer.class()?);
    let short = test.short_name().strip_suffix("Test")?;
    if short.is_empty() {
        return None;
    }
    let scope = test.scope();
    let imported = scope.imports().find(|import| {
        let last = import.target.rsplit('\\').next().unwrap_or_default();
        import.kind == ImportKind::Class && last.eq_ignore_ascii_case(short)
    });
    let named = imported.map_or_else(|| scope.class(short), |import| Some(import.target));
    let known = named.and_then(|name| surroundings.inference.class(&name));
    known.or_else(|| {
        // The one whose namespace has most in common with the test's.
        let namespace = NameKind::Class.fold(scope.namespace());
        let parts: Vec<&str> = namespace.split('\\').collect();
        let declared = surroundings.snapshot.declared(DeclKind::Class, short);
        let classes = declared.into_iter().filter_map(|declared| match declared {
            Declaration::Class(class) if class.path != buffer.path => Some(class),
            _ => None,
        });
        classes.max_by_key(|class| {
            let own = NameKind::Class.fold(class.scope().namespace());
            let shared = own.split('\\').filter(|part| parts.contains(part)).count();
            (shared, std::cmp::Reverse(class.path))
        })
    })
}
