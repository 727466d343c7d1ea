//! The signal `types`: members that the receiver's type has, and methods that
//! the parents and siblings of the class at the cursor declare.

use std::cell::OnceCell;

use rustc_hash::FxHashSet;

use crate::context::candidate::Candidate;
use crate::context::infer::{
    BUILTIN_PATH, ClassMembers, ConventionalMember, VirtualMember, is_visible,
};
use crate::context::rank::name_table::{NameSignal, NameTable};
use crate::context::rank::names::name_kind;
use crate::context::rank::near_words::NearWords;
use crate::context::rank::surroundings::Surroundings;
use crate::context::site::Site;
use crate::context::weights::{
    ABSTRACT_METHOD, INHERITED_METHOD, PACKAGED_PARENT, SIBLING_METHOD, member_weight,
};
use crate::index::symbols::{ClassRef, Declaration, NameKind, UseKey};
use crate::php::{ClassKind, MemberKind, Visibility};

/// A member of a type, declared or virtual.
struct TypeMember<'a> {
    owner: ClassRef<'a>,
    kind: NameKind,
    name: &'a str,
    visibility: Visibility,
    is_static: bool,
    candidate: Candidate<'a>,
}

/// Adds members of types behind one operator. Members that more of the project's files
/// use, and those named by words near the cursor, weigh more.
pub(in crate::context::rank) struct MemberAdder<'s, 'a> {
    surroundings: &'s Surroundings<'a>,
    near: &'s NearWords,
    /// The signal that gives them.
    signal: NameSignal,
    access: Access<'a>,
    /// Whether the first of the types is a class of the project: it says more
    /// than what it inherits from a package.
    is_of_project: bool,
    /// The classes whose own members were added. Many types inherit from the same ones.
    added: FxHashSet<(usize, usize)>,
}

impl<'s, 'a> MemberAdder<'s, 'a> {
    /// An adder of members that may be used behind token `operator`.
    pub(in crate::context::rank) fn behind(
        surroundings: &'s Surroundings<'a>,
        operator: usize,
        near: &'s NearWords,
        signal: NameSignal,
    ) -> Self {
        Self {
            surroundings,
            near,
            signal,
            access: Access::behind(surroundings, operator),
            is_of_project: false,
            added: FxHashSet::default(),
        }
    }

    /// Adds the members of the classes `types`, and the `conventional` ones.
    pub(in crate::context::rank) fn add(
        &mut self,
        types: &[String],
        conventional: Vec<ConventionalMember<'a>>,
        names: &mut NameTable<'a>,
    ) {
        let inference = self.surroundings.inference;
        let first = types.first().and_then(|name| inference.class(name));
        self.is_of_project = first.is_some_and(|class| !inference.lookup.is_packaged(class.path));
        for class in types {
            let Some(class) = inference.class(class) else {
                continue;
            };
            let members = inference.members(class);
            let mut new: Vec<ClassRef<'a>> = Vec::new();
            for &owner in members.hierarchy() {
                // What a class makes of a trait depends on the class.
                let is_changed = members.changes_traits() && owner.class().kind == ClassKind::Trait;
                if is_changed || self.added.insert(owner.place()) {
                    new.push(owner);
                }
            }
            for &owner in &new {
                let access = OwnerAccess::new(&self.access, owner);
                for index in members.declared_by(owner) {
                    let visibility = members.visibility(owner, index);
                    let member = TypeMember::declared(owner, index, visibility);
                    if access.allows(&member) {
                        self.add_one(&member, names);
                    }
                }
            }
            for (owner, member) in members.all_virtual() {
                let member = TypeMember::stated(owner, member);
                if OwnerAccess::new(&self.access, owner).allows(&member) {
                    self.add_one(&member, names);
                }
            }
        }
        for member in conventional {
            let member = TypeMember::from(member);
            if self.access.shows(member.owner) {
                self.add_one(&member, names);
            }
        }
    }

    fn add_one(&self, member: &TypeMember<'a>, names: &mut NameTable<'a>) {
        let Surroundings {
            inference,
            snapshot,
            ..
        } = *self.surroundings;
        let number = names.number(member.kind, member.kind.folded(member.name));
        if names.is_typed(number as usize) {
            return;
        }
        let (kind, name) = names.name(number as usize);
        let uses = snapshot.use_count(UseKey::Name(kind, name)) as u32;
        let is_packaged = inference.lookup.is_packaged(member.owner.path);
        let packaged = match inference.lookup.packages() {
            Some(packages) if is_packaged => packages.users(kind, name),
            _ => 0,
        };
        let mut weight = member_weight(uses, packaged, self.near.shared(member.name));
        if is_packaged && self.is_of_project {
            weight *= PACKAGED_PARENT;
        }
        names.weigh(self.signal, number, weight);
        names.offer(number, || member.candidate);
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

    /// Whether the members of `owner` need to be shown: every model knows PHP's own
    /// classes, and the buffer's own members stand in the buffer.
    fn shows(&self, owner: ClassRef<'_>) -> bool {
        owner.path != BUILTIN_PATH && owner.path != self.path
    }
}

/// Which members of one class code may use behind an operator.
struct OwnerAccess<'c, 'a> {
    access: &'c Access<'a>,
    owner: ClassRef<'a>,
    is_shown: bool,
    /// Whether code may use its protected and its private members, once that is asked.
    sees_protected: OnceCell<bool>,
    sees_private: OnceCell<bool>,
}

impl<'c, 'a> OwnerAccess<'c, 'a> {
    fn new(access: &'c Access<'a>, owner: ClassRef<'a>) -> Self {
        Self {
            access,
            owner,
            is_shown: access.shows(owner),
            sees_protected: OnceCell::new(),
            sees_private: OnceCell::new(),
        }
    }

    /// Whether code may use `member`, which is one of the class.
    fn allows(&self, member: &TypeMember<'_>) -> bool {
        let Access {
            is_static, is_own, ..
        } = *self.access;
        let sees = || is_visible(member.visibility, self.owner, self.access.from);
        let is_visible = match member.visibility {
            Visibility::Public => true,
            Visibility::Protected => *self.sees_protected.get_or_init(sees),
            Visibility::Private => *self.sees_private.get_or_init(sees),
        };
        if !self.is_shown || !is_visible {
            return false;
        }
        if member.name.starts_with("__") && !(is_own && is_static) {
            return false;
        }
        match member.kind {
            kind if self.access.is_property => kind == NameKind::Property && member.is_static,
            NameKind::ClassConstant => is_static,
            kind => !is_static || member.is_static || is_own && kind == NameKind::Method,
        }
    }
}

/// Adds the methods that the class at the cursor may declare: those of its
/// parents, which it may override, and those that its siblings declare.
pub(in crate::context::rank) fn add_overridable<'a>(
    surroundings: &Surroundings<'a>,
    names: &mut NameTable<'a>,
) {
    let Some(members) = surroundings.inference.members_at_cursor() else {
        return;
    };
    let mut add = |owner: ClassRef<'a>, index: usize, weight: f32| {
        let name = owner.class().members[index].name.of(owner.text);
        let number = names.number(NameKind::Method, NameKind::Method.folded(name));
        names.weigh(NameSignal::Types, number, weight);
        let declared = || Candidate::Declared(Declaration::Member(owner, index));
        names.offer(number, declared);
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
    for &sibling in &surroundings.siblings {
        for (index, member) in sibling.class().members.iter().enumerate() {
            if member.kind == MemberKind::Method {
                add(sibling, index, SIBLING_METHOD);
            }
        }
    }
}
