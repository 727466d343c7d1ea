//! The members of a class: its own and those that come through traits,
//! parents, interfaces and doc comments, as PHP has it.

use super::types::Types;
use crate::index::symbols::ClassRef;
use crate::php::lex::{LexMode, TokenKind, lex_from};
use crate::php::{ClassKind, MemberKind, Span, Visibility};

/// How many classes of a hierarchy are looked at.
const MAX_CLASSES: usize = 64;

/// A class and everything that it inherits from, nearest first.
pub(super) struct Members<'a> {
    hierarchy: Vec<ClassRef<'a>>,
    rules: Vec<(ClassRef<'a>, Rule<'a>)>,
}

/// A member without a declaration of its own: `@property` or `@method` in a
/// doc comment, or a trait's method under another name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Magic<'a> {
    pub(super) kind: MemberKind,
    pub(super) visibility: Visibility,
    pub(super) is_static: bool,
    pub(super) name: &'a str,
    /// Its type as far as the comment says; empty for a trait's method.
    pub(super) ty: &'a str,
    /// What makes it: the tag or the trait rule, one line.
    pub(super) line: &'a str,
    /// Where that stands in its file, in bytes.
    pub(super) start: u32,
}

/// One rule in the braces behind a class's `use` of traits.
#[derive(Clone, Copy, Debug)]
struct Rule<'a> {
    /// The trait in front of the `::`, as written; empty if none is.
    of: &'a str,
    method: &'a str,
    effect: Effect<'a>,
    line: Span,
}

#[derive(Clone, Copy, Debug)]
enum Effect<'a> {
    /// `insteadof`, for one of the traits behind it.
    Hides(&'a str),
    /// `as`, with the new name and the new visibility; one of the two may lack.
    As(&'a str, Option<Visibility>),
}

impl<'a> Members<'a> {
    pub(super) fn of(class: ClassRef<'a>, types: Types<'a>) -> Self {
        let mut hierarchy: Vec<ClassRef<'a>> = vec![class];
        let mut rules = Vec::new();
        let mut at = 0;
        while at < hierarchy.len() && hierarchy.len() < MAX_CLASSES {
            let current = hierarchy[at];
            at += 1;
            let declared = current.class();
            let scope = current.scope();
            for &braces in &declared.trait_rules {
                let found = trait_rules(current.text, braces);
                rules.extend(found.into_iter().map(|rule| (current, rule)));
            }
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
        Self { hierarchy, rules }
    }

    /// The class, then what it inherits from.
    pub(super) fn hierarchy(&self) -> &[ClassRef<'a>] {
        &self.hierarchy
    }

    /// Every member with its owner, nearest first; what a nearer one hides is
    /// there too, but not what `insteadof` takes out.
    pub(super) fn all(&self) -> impl Iterator<Item = (ClassRef<'a>, usize)> {
        self.hierarchy
            .iter()
            .flat_map(|&class| (0..class.class().members.len()).map(move |member| (class, member)))
            .filter(|&(class, member)| !self.is_hidden(class, member))
    }

    fn is_hidden(&self, owner: ClassRef<'a>, member: usize) -> bool {
        owner.class().kind == ClassKind::Trait
            && self.rules.iter().any(|(user, rule)| {
                let Effect::Hides(of) = rule.effect else {
                    return false;
                };
                rule.names(owner, member) && is_trait(*user, of, owner)
            })
    }

    /// The nearest member called `name` of one of `kinds`.
    pub(super) fn find(&self, kinds: &[MemberKind], name: &str) -> Option<(ClassRef<'a>, usize)> {
        let mut all = self.all();
        let found = all.find(|&(class, member)| {
            let member = &class.class().members[member];
            kinds.contains(&member.kind) && same_name(member.kind, member.name.of(class.text), name)
        });
        found.or_else(|| {
            let is_alias = |rule: &Rule<'_>| {
                kinds.contains(&MemberKind::Method)
                    && matches!(rule.effect, Effect::As(alias, _) if alias.eq_ignore_ascii_case(name))
            };
            let (user, rule) = self.rules.iter().find(|(_, rule)| is_alias(rule))?;
            self.target(*user, rule)
        })
    }

    /// The method of a trait that a rule of the class `user` speaks of.
    fn target(&self, user: ClassRef<'a>, rule: &Rule<'a>) -> Option<(ClassRef<'a>, usize)> {
        let traits = self.hierarchy.iter().filter(|owner| {
            owner.class().kind == ClassKind::Trait
                && (rule.of.is_empty() || is_trait(user, rule.of, **owner))
        });
        traits
            .flat_map(|&owner| (0..owner.class().members.len()).map(move |m| (owner, m)))
            .find(|&(owner, member)| rule.names(owner, member))
    }

    /// Who may use a member: what it is declared with, or what the class that
    /// uses its trait makes of it.
    pub(super) fn visibility(&self, owner: ClassRef<'a>, member: usize) -> Visibility {
        let declared = owner.class().members[member].visibility;
        if owner.class().kind != ClassKind::Trait {
            return declared;
        }
        let changes = self.rules.iter().filter(|(user, rule)| {
            rule.names(owner, member) && (rule.of.is_empty() || is_trait(*user, rule.of, owner))
        });
        changes
            .filter_map(|(_, rule)| match rule.effect {
                Effect::As("", visibility) => visibility,
                _ => None,
            })
            .next()
            .unwrap_or(declared)
    }

    /// Members without a declaration of their own.
    pub(super) fn all_magic(&self) -> impl Iterator<Item = (ClassRef<'a>, Magic<'a>)> {
        let aliases = self.rules.iter().filter_map(|&(user, rule)| {
            let Effect::As(alias, visibility) = rule.effect else {
                return None;
            };
            let (owner, member) = self.target(user, &rule)?;
            let method = &owner.class().members[member];
            let magic = Magic {
                kind: MemberKind::Method,
                visibility: visibility.unwrap_or(method.visibility),
                is_static: method.is_static,
                name: alias,
                ty: "",
                line: rule.line.of(user.text),
                start: rule.line.start,
            };
            (!alias.is_empty()).then_some((user, magic))
        });
        let documented = self.hierarchy.iter().flat_map(|&class| {
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
        });
        documented.chain(aliases)
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

impl Rule<'_> {
    /// Whether it speaks of methods called as this one.
    fn names(&self, owner: ClassRef<'_>, member: usize) -> bool {
        let member = &owner.class().members[member];
        member.kind == MemberKind::Method
            && member.name.of(owner.text).eq_ignore_ascii_case(self.method)
    }
}

/// Whether `written` in the class `user` means the trait `owner`.
fn is_trait(user: ClassRef<'_>, written: &str, owner: ClassRef<'_>) -> bool {
    user.scope()
        .class(written)
        .is_some_and(|name| owner.is_called(&name))
}

/// The rules in the `braces` behind a `use` of traits.
fn trait_rules(text: &str, braces: Span) -> Vec<Rule<'_>> {
    let end = (braces.end as usize).min(text.len());
    let tokens = lex_from(&text[..end], braces.start as usize, LexMode::Code);
    let mut rules = Vec::new();
    for rule in tokens.split(|token| matches!(token.kind, TokenKind::Punct(b'{' | b';' | b'}'))) {
        let word = |at: usize| rule.get(at).map_or("", |token| token.span.of(text));
        let qualified = rule
            .get(1)
            .is_some_and(|t| t.kind == TokenKind::DoubleColon);
        let (of, at) = if qualified { (word(0), 2) } else { ("", 0) };
        let (Some(first), Some(last)) = (rule.first(), rule.last()) else {
            continue;
        };
        let line = Span {
            start: first.span.start,
            end: last.span.end,
        };
        let mut add = |effect| {
            rules.push(Rule {
                of,
                method: word(at),
                effect,
                line,
            });
        };
        match rule.get(at + 1).map(|token| token.kind) {
            Some(TokenKind::Insteadof) => {
                for hidden in rule[at + 2..].iter().filter(|token| token.is_word()) {
                    add(Effect::Hides(hidden.span.of(text)));
                }
            }
            Some(TokenKind::As) => {
                let visibility = match word(at + 2) {
                    "public" => Some(Visibility::Public),
                    "protected" => Some(Visibility::Protected),
                    "private" => Some(Visibility::Private),
                    _ => None,
                };
                let alias = word(at + 2 + usize::from(visibility.is_some()));
                add(Effect::As(alias, visibility));
            }
            _ => {}
        }
    }
    rules
}

/// Whether two names of members are the same to PHP.
fn same_name(kind: MemberKind, a: &str, b: &str) -> bool {
    match kind {
        MemberKind::Method => a.eq_ignore_ascii_case(b),
        _ => a == b,
    }
}

/// Whether code in the hierarchy `from`, the class at the cursor and its
/// parents, may use a member of `owner` with this visibility.
pub(super) fn is_visible(
    visibility: Visibility,
    owner: ClassRef<'_>,
    from: Option<&Members<'_>>,
) -> bool {
    let shares =
        |class: &ClassRef<'_>| class.path == owner.path && class.short_name() == owner.short_name();
    let Some(from) = from else {
        return visibility == Visibility::Public;
    };
    match visibility {
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
    /// The whole tag, one line.
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
                    visibility: Visibility::Public,
                    is_static: false,
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
                    visibility: Visibility::Public,
                    is_static: self.ty == "static" && ty != "static"
                        || head.contains(" static static "),
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
        let line = line.trim_end_matches(['/', '*', ' ', '\t', '\r']);
        let tag = line.strip_prefix('@')?;
        let (name, rest) = tag.split_once([' ', '\t']).unwrap_or((tag, ""));
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
