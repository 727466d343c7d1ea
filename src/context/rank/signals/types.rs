//! The signal `types`: members that the receiver's type has, and methods that
//! the parents and siblings of the class at the cursor declare.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::context::candidate::Candidate;
use crate::context::infer::{
    BUILTIN_PATH, ClassMembers, ConventionalMember, VirtualMember, is_visible,
};
use crate::context::rank::names::{FoldedName, NameWeights, name_kind};
use crate::context::rank::near_words::NearWords;
use crate::context::rank::surroundings::Surroundings;
use crate::context::site::Site;
use crate::context::weights::{ABSTRACT_METHOD, INHERITED_METHOD, SIBLING_METHOD, member_weight};
use crate::index::symbols::{ClassRef, Declaration, NameKind, UseKey};
use crate::php::{MemberKind, Visibility};

/// The declarations of names whose type is known.
pub(in crate::context::rank) type MemberCandidates<'a> = FxHashMap<FoldedName<'a>, Candidate<'a>>;

/// A member of a type, declared or virtual.
struct TypeMember<'a> {
    owner: ClassRef<'a>,
    kind: NameKind,
    name: &'a str,
    visibility: Visibility,
    is_static: bool,
    candidate: Candidate<'a>,
}

/// Adds the members of the classes `types` that may be used behind token
/// `operator`. Members that more of the project's files use, and those named by words
/// near the cursor, weigh more.
pub(in crate::context::rank) fn add_members<'a>(
    surroundings: &Surroundings<'a>,
    types: &[String],
    conventional: Vec<ConventionalMember<'a>>,
    operator: usize,
    near: &NearWords,
    names: &mut NameWeights<'a>,
    candidates: &mut MemberCandidates<'a>,
) {
    let Surroundings {
        inference,
        snapshot,
        ..
    } = *surroundings;
    let access = Access::behind(surroundings, operator);
    let mut add = |member: TypeMember<'a>| {
        let key = (member.kind, Cow::Owned(member.kind.fold(member.name)));
        if candidates.contains_key(&key) {
            return;
        }
        let uses = snapshot.uses(UseKey::Name(key.0, &key.1));
        let uses: u32 = uses.map(|uses| uses.value).sum();
        let packaged = match inference.lookup.packages() {
            Some(packages) if inference.lookup.is_packaged(member.owner.path) => {
                packages.users(key.0, &key.1)
            }
            _ => 0,
        };
        let weight = member_weight(uses, packaged, near.shared(member.name));
        names.add(key.0, key.1.clone(), weight);
        candidates.insert(key, member.candidate);
    };
    for class in types {
        let Some(class) = inference.class(class) else {
            continue;
        };
        let members = type_members(inference.members(class));
        members
            .filter(|member| access.allows(member))
            .for_each(&mut add);
    }
    for member in conventional {
        let member = TypeMember::from(member);
        if access.shows(&member) {
            add(member);
        }
    }
}

impl<'a> From<ConventionalMember<'a>> for TypeMember<'a> {
    fn from(member: ConventionalMember<'a>) -> Self {
        match member {
            ConventionalMember::Declared(owner, index) => {
                let visibility = owner.class().members[index].visibility;
                Self::declared(owner, index, visibility)
            }
            ConventionalMember::Virtual(owner, member) => Self::stated(owner, member),
        }
    }
}

impl<'a> TypeMember<'a> {
    fn declared(owner: ClassRef<'a>, index: usize, visibility: Visibility) -> Self {
        let member = &owner.class().members[index];
        Self {
            owner,
            kind: name_kind(member.kind),
            name: member.name.of(owner.text),
            visibility,
            is_static: member.is_static,
            candidate: Candidate::Declared(Declaration::Member(owner, index)),
        }
    }

    fn stated(owner: ClassRef<'a>, member: VirtualMember<'a>) -> Self {
        Self {
            owner,
            kind: name_kind(member.kind),
            name: member.name,
            visibility: member.visibility,
            is_static: member.is_static,
            candidate: Candidate::Virtual(owner, member),
        }
    }
}

/// The declared members, then the virtual ones.
fn type_members<'a>(members: &ClassMembers<'a>) -> impl Iterator<Item = TypeMember<'a>> {
    let declared = members
        .all()
        .map(|(owner, index)| TypeMember::declared(owner, index, members.visibility(owner, index)));
    let virtual_members = members.all_virtual();
    declared.chain(virtual_members.map(|(owner, member)| TypeMember::stated(owner, member)))
}

/// Which members code may use behind an operator.
struct Access<'a> {
    /// The key of the buffer's file, whose members need no context.
    path: &'a str,
    /// Whether the operator is `::`.
    is_static: bool,
    /// Whether a `$` follows the operator.
    is_property: bool,
    /// Whether the receiver is `self`, `static`, `parent` or `$this`.
    is_own: bool,
    /// The members of the class at the cursor.
    from: Option<&'a ClassMembers<'a>>,
}

impl<'a> Access<'a> {
    fn behind(surroundings: &Surroundings<'a>, operator: usize) -> Self {
        let buffer = surroundings.buffer;
        let receiver = buffer.text(operator.saturating_sub(1)).to_ascii_lowercase();
        Self {
            path: buffer.path,
            is_static: matches!(
                surroundings.site,
                Site::Member {
                    is_static: true,
                    ..
                }
            ),
            is_property: buffer.is_static_property,
            is_own: matches!(receiver.as_str(), "self" | "static" | "parent" | "$this"),
            from: surroundings.inference.members_at_cursor(),
        }
    }

    /// Whether a member needs to be shown: every model knows PHP's own classes,
    /// and the buffer's own members stand in the buffer.
    fn shows(&self, member: &TypeMember<'_>) -> bool {
        member.owner.path != BUILTIN_PATH && member.owner.path != self.path
    }

    fn allows(&self, member: &TypeMember<'_>) -> bool {
        let Self {
            is_static, is_own, ..
        } = *self;
        if !self.shows(member) || !is_visible(member.visibility, member.owner, self.from) {
            return false;
        }
        if member.name.starts_with("__") && !(is_own && is_static) {
            return false;
        }
        match member.kind {
            kind if self.is_property => kind == NameKind::Property && member.is_static,
            NameKind::ClassConstant => is_static,
            kind => !is_static || member.is_static || is_own && kind == NameKind::Method,
        }
    }
}

/// Adds the methods that the class at the cursor may declare: those of its
/// parents, which it may override, and those that its siblings declare.
pub(in crate::context::rank) fn add_overridable<'a>(
    surroundings: &Surroundings<'a>,
    names: &mut NameWeights<'a>,
    candidates: &mut MemberCandidates<'a>,
) {
    let Some(members) = surroundings.inference.members_at_cursor() else {
        return;
    };
    let mut add = |owner: ClassRef<'a>, index: usize, weight: f32| {
        let name = owner.class().members[index].name.of(owner.text);
        let key: FoldedName<'a> = (NameKind::Method, Cow::Owned(NameKind::Method.fold(name)));
        names.add(key.0, key.1.clone(), weight);
        let declared = Declaration::Member(owner, index);
        candidates
            .entry(key)
            .or_insert(Candidate::Declared(declared));
    };
    for (owner, index) in members.all() {
        let member = &owner.class().members[index];
        if member.kind == MemberKind::Method && owner.path != surroundings.buffer.path {
            let is_abstract = member.end == member.head.end;
            let weight = if is_abstract {
                ABSTRACT_METHOD
            } else {
                INHERITED_METHOD
            };
            add(owner, index, weight);
        }
    }
    for sibling in surroundings.siblings() {
        for (index, member) in sibling.class().members.iter().enumerate() {
            if member.kind == MemberKind::Method {
                add(sibling, index, SIBLING_METHOD);
            }
        }
    }
}
