//! The members of a class: its own and those that come through traits,
//! parents, interfaces and doc comments, as PHP has it.

use super::types::Types;
use crate::index::symbols::ClassRef;
use crate::php::{ClassKind, Member, MemberKind, Visibility};

/// How many classes of a hierarchy are looked at.
const MAX_CLASSES: usize = 64;

/// A class and everything that it inherits from, nearest first.
pub(super) struct Members<'a> {
    hierarchy: Vec<ClassRef<'a>>,
}

/// A member that only a doc comment declares: `@property` or `@method`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Magic<'a> {
    pub(super) kind: MemberKind,
    pub(super) name: &'a str,
    pub(super) ty: &'a str,
    /// The tag without its `@`, one line.
    pub(super) line: &'a str,
    /// Where the tag stands in its file, in bytes.
    pub(super) start: u32,
}

impl<'a> Members<'a> {
    pub(super) fn of(class: ClassRef<'a>, types: Types<'a>) -> Self {
        let mut hierarchy: Vec<ClassRef<'a>> = vec![class];
        let mut at = 0;
        while at < hierarchy.len() && hierarchy.len() < MAX_CLASSES {
            let current = hierarchy[at];
            at += 1;
            let declared = current.class();
            let scope = current.scope();
            // PHP looks into traits first, then the parent, then interfaces.
            let named = declared
                .traits
                .iter()
                .chain(&declared.extends)
                .chain(&declared.implements);
            let named = named.map(|name| name.of(current.text));
            let mixins = docs(declared.doc.of(current.text))
                .filter(|tag| tag.name == "mixin")
                .map(|tag| tag.ty);
            let missing = MAX_CLASSES - hierarchy.len();
            for name in named.chain(mixins).take(missing) {
                let Some(parent) = scope.class(name).and_then(|name| types.class(&name)) else {
                    continue;
                };
                let same =
                    |c: &ClassRef<'_>| std::ptr::eq(c.facts, parent.facts) && c.item == parent.item;
                if !hierarchy.iter().any(same) {
                    hierarchy.push(parent);
                }
            }
        }
        Self { hierarchy }
    }

    /// The class, then what it inherits from.
    pub(super) fn hierarchy(&self) -> &[ClassRef<'a>] {
        &self.hierarchy
    }

    /// Every member with its owner, nearest first; what a nearer one hides is
    /// there too.
    pub(super) fn all(&self) -> impl Iterator<Item = (ClassRef<'a>, usize)> {
        self.hierarchy
            .iter()
            .flat_map(|&class| (0..class.class().members.len()).map(move |member| (class, member)))
    }

    /// The nearest member called `name` of one of `kinds`.
    pub(super) fn find(&self, kinds: &[MemberKind], name: &str) -> Option<(ClassRef<'a>, usize)> {
        self.all().find(|&(class, member)| {
            let member = &class.class().members[member];
            kinds.contains(&member.kind) && same_name(member.kind, member.name.of(class.text), name)
        })
    }

    /// Members that only doc comments declare.
    pub(super) fn all_magic(&self) -> impl Iterator<Item = (ClassRef<'a>, Magic<'a>)> {
        self.hierarchy.iter().flat_map(|&class| {
            let comment = class.class().doc.of(class.text);
            docs(comment).filter_map(move |tag| {
                let offset = tag.line.as_ptr().addr() - comment.as_ptr().addr();
                let start = class.class().doc.start + u32::try_from(offset).ok()?;
                Some((
                    class,
                    Magic {
                        start,
                        ..tag.magic()?
                    },
                ))
            })
        })
    }

    /// The nearest member called `name` that only a doc comment declares.
    pub(super) fn magic(
        &self,
        kinds: &[MemberKind],
        name: &str,
    ) -> Option<(ClassRef<'a>, Magic<'a>)> {
        self.all_magic().find(|(_, magic)| {
            kinds.contains(&magic.kind) && same_name(magic.kind, magic.name, name)
        })
    }
}

/// Whether two names of members are the same to PHP.
fn same_name(kind: MemberKind, a: &str, b: &str) -> bool {
    match kind {
        MemberKind::Method => a.eq_ignore_ascii_case(b),
        _ => a == b,
    }
}

/// Whether code in the hierarchy `from`, the class at the cursor and its
/// parents, may use `member` of `owner`.
pub(super) fn is_visible(member: &Member, owner: ClassRef<'_>, from: Option<&Members<'_>>) -> bool {
    let shares =
        |class: &ClassRef<'_>| class.path == owner.path && class.short_name() == owner.short_name();
    let Some(from) = from else {
        return member.visibility == Visibility::Public;
    };
    match member.visibility {
        Visibility::Public => true,
        Visibility::Protected => from.hierarchy().iter().any(shares),
        // What a trait declares becomes the class's own.
        Visibility::Private => {
            from.hierarchy().first().is_some_and(shares)
                || owner.class().kind == ClassKind::Trait && from.hierarchy().iter().any(shares)
        }
    }
}

/// One `@tag` of a doc comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// Without the `@` and a leading `psalm-` or `phpstan-`.
    pub(super) name: &'a str,
    /// The type behind it.
    pub(super) ty: &'a str,
    /// What follows the type on the line.
    pub(super) rest: &'a str,
    line: &'a str,
}

impl<'a> Tag<'a> {
    fn magic(self) -> Option<Magic<'a>> {
        match self.name {
            "property" | "property-read" | "property-write" => {
                let name = self.rest.split_whitespace().next()?;
                let name = name.strip_prefix('$')?;
                Some(Magic {
                    kind: MemberKind::Property,
                    name,
                    ty: self.ty,
                    line: self.line,
                    start: 0,
                })
            }
            "method" => {
                // `@method [static] [type] name(…)`
                let open = self.line.find('(')?;
                let head = self.line[..open].trim_end();
                let name = head.rsplit([' ', '\t']).next()?;
                let ty = head[..head.len() - name.len()]
                    .trim_end()
                    .rsplit([' ', '\t'])
                    .next()?;
                Some(Magic {
                    kind: MemberKind::Method,
                    name,
                    ty,
                    line: self.line,
                    start: 0,
                })
            }
            _ => None,
        }
    }
}

/// The tags of a doc comment, in order, one a line.
pub(super) fn docs(comment: &str) -> impl Iterator<Item = Tag<'_>> {
    comment.lines().filter_map(|line| {
        let line = line.trim_start_matches(['/', '*', ' ', '\t']);
        let line = line
            .strip_prefix('@')?
            .trim_end_matches(['/', '*', ' ', '\t', '\r']);
        let (name, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let name = name
            .strip_prefix("psalm-")
            .or(name.strip_prefix("phpstan-"))
            .unwrap_or(name);
        let rest = rest.trim_start();
        // A type may hold blanks inside its brackets.
        let mut depth = 0_i32;
        let end = rest.find(|c: char| {
            match c {
                '<' | '(' | '{' | '[' => depth += 1,
                '>' | ')' | '}' | ']' => depth -= 1,
                _ => {}
            }
            depth <= 0 && c.is_whitespace()
        });
        let (ty, rest) = rest.split_at(end.unwrap_or(rest.len()));
        // `@param $x Type` and `@var $x Type` are written too.
        let (ty, rest) = match ty.strip_prefix('$') {
            Some(_) => (rest.split_whitespace().next().unwrap_or(""), ty),
            None => (ty, rest.trim_start()),
        };
        Some(Tag {
            name,
            ty,
            rest,
            line,
        })
    })
}
