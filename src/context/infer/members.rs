//! The members of a class: its own and those that come through traits,
//! parents, interfaces and doc comments, by PHP's rules.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::hash::Hasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::FxHasher;

use super::class_lookup::ClassLookup;
use super::doc_tags::{DocTag, doc_tags, type_and_rest};
use super::limits::HIERARCHY_CLASSES;
use super::trait_rules::{TraitAdaptation, TraitRule, is_trait, trait_rules};
use crate::index::symbols::ClassRef;
use crate::php::{ClassKind, MemberKind, Span, Visibility};

/// A class and everything that it inherits from, nearest first.
pub(in crate::context) struct ClassMembers<'a> {
    hierarchy: Vec<ClassRef<'a>>,
    /// The rules for traits, each with the class that states it.
    rules: Vec<(ClassRef<'a>, TraitRule<'a>)>,
    /// See [`Self::all_virtual`].
    virtual_members: OnceCell<Vec<(ClassRef<'a>, VirtualMember<'a>)>>,
    /// How often a member was looked for by its name.
    finds: Cell<u32>,
    by_name: OnceCell<MemberTable<'a>>,
}

/// The nearest member of each kind and name.
struct MemberTable<'a> {
    /// The members that none with the same kind and name hides.
    members: Vec<(ClassRef<'a>, usize)>,
    /// Their numbers, by the hashes of kind and name.
    numbers: HashTable<u32>,
}

/// Looking for a few members costs less than making a table of all.
const FINDS_WITHOUT_TABLE: u32 = 6;

impl<'a> MemberTable<'a> {
    fn new(all: impl Iterator<Item = (ClassRef<'a>, usize)>) -> Self {
        let mut members: Vec<(ClassRef<'a>, usize)> = Vec::new();
        let mut numbers = HashTable::new();
        for (owner, index) in all {
            let member = &owner.class().members[index];
            let (kind, name) = (member.kind, member.name.of(owner.text));
            let entry = numbers.entry(
                hash(kind, name),
                |&known: &u32| is_called(members[known as usize], kind, name),
                |&known: &u32| {
                    let (owner, index) = members[known as usize];
                    let member = &owner.class().members[index];
                    hash(member.kind, member.name.of(owner.text))
                },
            );
            if let Entry::Vacant(vacant) = entry {
                vacant.insert(members.len() as u32);
                members.push((owner, index));
            }
        }
        Self { members, numbers }
    }

    fn find(&self, kind: MemberKind, name: &str) -> Option<(ClassRef<'a>, usize)> {
        let is_it = |&number: &u32| is_called(self.members[number as usize], kind, name);
        let found = self.numbers.find(hash(kind, name), is_it);
        found.map(|&number| self.members[number as usize])
    }
}

/// A hash that is the same for names that PHP takes for the same.
fn hash(kind: MemberKind, name: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write_u8(kind as u8);
    for byte in name.bytes() {
        hasher.write_u8(byte.to_ascii_lowercase());
    }
    hasher.finish()
}

/// Whether a member is of the kind `kind` and called `name`.
fn is_called((owner, index): (ClassRef<'_>, usize), kind: MemberKind, name: &str) -> bool {
    let member = &owner.class().members[index];
    // Comparing lengths first leaves most of the text unread.
    member.kind == kind
        && member.name.len() == name.len()
        && same_name(kind, member.name.of(owner.text), name)
}

/// A member without a declaration of its own: `@property` or `@method` in a
/// doc comment, or a trait's method under another name.
#[derive(Clone, Copy, Debug)]
pub(in crate::context) struct VirtualMember<'a> {
    pub(in crate::context) kind: MemberKind,
    pub(in crate::context) visibility: Visibility,
    pub(in crate::context) is_static: bool,
    pub(in crate::context) name: &'a str,
    /// Its type as the doc comment gives it on one line; empty for a trait's
    /// method.
    pub(in crate::context) ty: &'a str,
    /// The doc tag or trait rule that states it, one line.
    pub(in crate::context) line: &'a str,
    /// The bytes of its file that state it.
    pub(in crate::context) span: Span,
}

impl<'a> ClassMembers<'a> {
    /// The members of `class`; `lookup` finds what it inherits from.
    pub(super) fn of(class: ClassRef<'a>, lookup: &'a ClassLookup<'a>) -> Self {
        let mut hierarchy: Vec<ClassRef<'a>> = vec![class];
        let mut rules = Vec::new();
        let mut at = 0;
        while at < hierarchy.len() && hierarchy.len() < HIERARCHY_CLASSES {
            let current = hierarchy[at];
            at += 1;
            // What stubs state of a class completes what it declares.
            let stub = lookup.has_stubs().then(|| lookup.stub(&current.name()));
            push(&mut hierarchy, stub.flatten());
            for &braces in &current.class().trait_rules {
                let found = trait_rules(current.text, braces);
                rules.extend(found.into_iter().map(|rule| (current, rule)));
            }
            let missing = HIERARCHY_CLASSES - hierarchy.len();
            for &parent in lookup.parents(current).iter().take(missing) {
                push(&mut hierarchy, parent);
            }
        }
        Self {
            hierarchy,
            rules,
            virtual_members: OnceCell::new(),
            finds: Cell::new(0),
            by_name: OnceCell::new(),
        }
    }

    /// Whether the class or one that it inherits from states rules for its traits.
    pub(in crate::context) fn changes_traits(&self) -> bool {
        !self.rules.is_empty()
    }

    /// The members that `owner`, a class of the hierarchy, declares, without those that
    /// `insteadof` excludes.
    pub(in crate::context) fn declared_by(
        &self,
        owner: ClassRef<'a>,
    ) -> impl Iterator<Item = usize> {
        let all = 0..owner.class().members.len();
        all.filter(move |&member| !self.is_excluded(owner, member))
    }

    /// The class, then what it inherits from.
    pub(in crate::context) fn hierarchy(&self) -> &[ClassRef<'a>] {
        &self.hierarchy
    }

    /// Every member with its owner, nearest first. A member that a nearer one
    /// hides is included; a method that `insteadof` excludes is not.
    pub(in crate::context) fn all(&self) -> impl Iterator<Item = (ClassRef<'a>, usize)> {
        self.hierarchy
            .iter()
            .flat_map(|&class| (0..class.class().members.len()).map(move |member| (class, member)))
            .filter(|&(class, member)| !self.is_excluded(class, member))
    }

    fn is_excluded(&self, owner: ClassRef<'a>, member: usize) -> bool {
        owner.class().kind == ClassKind::Trait
            && self.rules.iter().any(|(user, rule)| {
                let TraitAdaptation::Excludes(excluded) = rule.adaptation else {
                    return false;
                };
                rule.names(owner, member) && is_trait(*user, excluded, owner)
            })
    }

    /// The nearest member called `name` of the kind `kind`.
    pub(super) fn find(&self, kind: MemberKind, name: &str) -> Option<(ClassRef<'a>, usize)> {
        self.finds.set(self.finds.get() + 1);
        let found = if self.finds.get() <= FINDS_WITHOUT_TABLE {
            self.all().find(|&member| is_called(member, kind, name))
        } else {
            let table = self.by_name.get_or_init(|| MemberTable::new(self.all()));
            table.find(kind, name)
        };
        found.or_else(|| {
            let is_alias = |rule: &TraitRule<'_>| {
                kind == MemberKind::Method
                    && matches!(rule.adaptation, TraitAdaptation::Alias(alias, _) if alias.eq_ignore_ascii_case(name))
            };
            let (user, rule) = self.rules.iter().find(|(_, rule)| is_alias(rule))?;
            self.rule_target(*user, rule)
        })
    }

    /// The method of a trait that a rule of the class `user` is about.
    fn rule_target(
        &self,
        user: ClassRef<'a>,
        rule: &TraitRule<'a>,
    ) -> Option<(ClassRef<'a>, usize)> {
        let traits = self.hierarchy.iter().filter(|owner| {
            owner.class().kind == ClassKind::Trait && rule.applies_to(user, **owner)
        });
        traits
            .flat_map(|&owner| (0..owner.class().members.len()).map(move |m| (owner, m)))
            .find(|&(owner, member)| rule.names(owner, member))
    }

    /// The visibility of a member: the declared one, unless the class that uses
    /// its trait changes it.
    pub(in crate::context) fn visibility(&self, owner: ClassRef<'a>, member: usize) -> Visibility {
        let declared = owner.class().members[member].visibility;
        if owner.class().kind != ClassKind::Trait {
            return declared;
        }
        let changes = self
            .rules
            .iter()
            .filter(|(user, rule)| rule.names(owner, member) && rule.applies_to(*user, owner));
        changes
            .filter_map(|(_, rule)| match rule.adaptation {
                TraitAdaptation::Alias("", visibility) => visibility,
                _ => None,
            })
            .next()
            .unwrap_or(declared)
    }

    /// The virtual members, each with the class that states it.
    pub(in crate::context) fn all_virtual(
        &self,
    ) -> impl Iterator<Item = (ClassRef<'a>, VirtualMember<'a>)> {
        let all = self.virtual_members.get_or_init(|| self.read_virtual());
        all.iter().copied()
    }

    fn read_virtual(&self) -> Vec<(ClassRef<'a>, VirtualMember<'a>)> {
        let aliases = self.rules.iter().filter_map(|&(user, rule)| {
            let TraitAdaptation::Alias(alias, visibility) = rule.adaptation else {
                return None;
            };
            let (owner, member) = self.rule_target(user, &rule)?;
            let method = &owner.class().members[member];
            let virtual_member = VirtualMember {
                kind: MemberKind::Method,
                visibility: visibility.unwrap_or(method.visibility),
                is_static: method.is_static,
                name: alias,
                ty: "",
                line: rule.line.of(user.text),
                span: rule.line,
            };
            (!alias.is_empty()).then_some((user, virtual_member))
        });
        let documented = self.hierarchy.iter().flat_map(|&class| {
            let comment = class.class().doc.of(class.text);
            doc_tags(comment).filter_map(move |tag| {
                let offset = tag.line.as_ptr().addr() - comment.as_ptr().addr();
                let start = class.class().doc.start + u32::try_from(offset).ok()?;
                let span = Span {
                    start,
                    end: start + tag.line.len() as u32,
                };
                Some((
                    class,
                    VirtualMember {
                        span,
                        ..virtual_member(&tag)?
                    },
                ))
            })
        });
        documented.chain(aliases).collect()
    }

    /// The nearest virtual member called `name` of the kind `kind`.
    pub(super) fn find_virtual(
        &self,
        kind: MemberKind,
        name: &str,
    ) -> Option<(ClassRef<'a>, VirtualMember<'a>)> {
        self.all_virtual()
            .find(|(_, member)| member.kind == kind && same_name(kind, member.name, name))
    }
}

/// Adds `class` behind `hierarchy`, if there is one that is not in it.
fn push<'a>(hierarchy: &mut Vec<ClassRef<'a>>, class: Option<ClassRef<'a>>) {
    let is_in = |new: &ClassRef<'_>| {
        let same = |old: &ClassRef<'_>| std::ptr::eq(old.facts, new.facts) && old.item == new.item;
        hierarchy.iter().any(same)
    };
    let class = class.filter(|class| !is_in(class));
    hierarchy.extend(class);
}

/// Whether PHP takes two names of members of this kind for the same.
fn same_name(kind: MemberKind, a: &str, b: &str) -> bool {
    match kind {
        MemberKind::Method => a.eq_ignore_ascii_case(b),
        _ => a == b,
    }
}

/// Whether code in the hierarchy `from`, the class at the cursor and its
/// parents, may use a member of `owner` with this visibility.
pub(in crate::context) fn is_visible(
    visibility: Visibility,
    owner: ClassRef<'_>,
    from: Option<&ClassMembers<'_>>,
) -> bool {
    let shares =
        |class: &ClassRef<'_>| class.path == owner.path && class.short_name() == owner.short_name();
    let Some(from) = from else {
        return visibility == Visibility::Public;
    };
    match visibility {
        Visibility::Public => true,
        Visibility::Protected => from.hierarchy().iter().any(shares),
        // Members of a trait become members of the class that uses it.
        Visibility::Private => {
            from.hierarchy().first().is_some_and(shares)
                || owner.class().kind == ClassKind::Trait && from.hierarchy().iter().any(shares)
        }
    }
}

/// The virtual member that `tag` states, without its place in the file.
fn virtual_member<'a>(tag: &DocTag<'a>) -> Option<VirtualMember<'a>> {
    let ty = match tag.body {
        Cow::Borrowed(body) => virtual_type(tag.name, body),
        Cow::Owned(_) => "",
    };
    match tag.name {
        "property" | "property-read" | "property-write" => {
            let variable = tag.variable()?;
            let at = tag.source.find(variable)?;
            Some(VirtualMember {
                kind: MemberKind::Property,
                visibility: Visibility::Public,
                is_static: false,
                name: &tag.source[at + 1..at + variable.len()],
                ty,
                line: tag.line,
                span: Span::default(),
            })
        }
        "method" => {
            let (head, name) = method_head(tag.line)?;
            let words = head
                .split_whitespace()
                .filter(|word| *word == "static")
                .count();
            let is_only = head.split_whitespace().nth(1) == Some("static")
                && head.split_whitespace().count() > 2;
            Some(VirtualMember {
                kind: MemberKind::Method,
                visibility: Visibility::Public,
                is_static: words > 1 || is_only,
                name,
                ty,
                line: tag.line,
                span: Span::default(),
            })
        }
        _ => None,
    }
}

/// What stands before the name of the method in `@method [static] [type]
/// name(…)`, and the name. A type may have brackets too.
fn method_head(line: &str) -> Option<(&str, &str)> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    for (open, _) in line.match_indices('(') {
        let before = line[..open].trim_end();
        let start = before.rfind(|c: char| !is_name(c)).map_or(0, |at| at + 1);
        let head = &before[..start];
        let depth = head.chars().fold(0_i32, |depth, c| match c {
            '<' | '(' | '{' | '[' => depth + 1,
            '>' | ')' | '}' | ']' => depth - 1,
            _ => depth,
        });
        let is_type = matches!(&before[start..], "callable" | "Closure" | "");
        if depth == 0 && !is_type && head.ends_with([' ', '\t', '&']) {
            return Some((head.trim_end_matches(['&', ' ', '\t']), &before[start..]));
        }
    }
    None
}

/// The type that the body of the tag `tag` states for a virtual member; empty
/// without one.
pub(super) fn virtual_type<'t>(tag: &str, body: &'t str) -> &'t str {
    if tag != "method" {
        return type_and_rest(body).0;
    }
    let head = method_head(body).map_or("", |(head, _)| head.trim());
    // `static` before a type says that the method is static.
    head.strip_prefix("static ").map_or(head, str::trim)
}
