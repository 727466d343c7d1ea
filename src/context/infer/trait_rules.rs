//! The rules in the braces behind a class's `use` of traits: `insteadof` and
//! `as`.

use crate::index::symbols::ClassRef;
use crate::php::lex::{LexMode, Token, TokenKind, lex_from};
use crate::php::{MemberKind, Span, Visibility};

/// One rule for a method of a trait.
#[derive(Clone, Copy, Debug)]
pub(super) struct TraitRule<'a> {
    /// The trait in front of the `::`, as written; empty if the rule names
    /// none.
    pub(super) trait_name: &'a str,
    method: &'a str,
    pub(super) adaptation: TraitAdaptation<'a>,
    pub(super) line: Span,
}

/// What a [`TraitRule`] does with the method.
#[derive(Clone, Copy, Debug)]
pub(super) enum TraitAdaptation<'a> {
    /// `insteadof`: the method of this trait is not used. A rule for each
    /// trait that stands behind `insteadof`.
    Excludes(&'a str),
    /// `as`, with a new name (empty if there is none) and a new visibility.
    Alias(&'a str, Option<Visibility>),
}

impl TraitRule<'_> {
    /// Whether the rule's method has the name of this member.
    pub(super) fn names(&self, owner: ClassRef<'_>, member: usize) -> bool {
        let member = &owner.class().members[member];
        member.kind == MemberKind::Method
            && member.name.of(owner.text).eq_ignore_ascii_case(self.method)
    }

    /// Whether the rule, written in the class `user`, may be about the trait
    /// `owner`.
    pub(super) fn applies_to(&self, user: ClassRef<'_>, owner: ClassRef<'_>) -> bool {
        self.trait_name.is_empty() || is_trait(user, self.trait_name, owner)
    }
}

/// Whether `written` in the class `user` names the trait `owner`.
pub(super) fn is_trait(user: ClassRef<'_>, written: &str, owner: ClassRef<'_>) -> bool {
    user.scope()
        .class(written)
        .is_some_and(|name| owner.is_called(&name))
}

/// The rules in the `braces` behind a `use` of traits.
pub(super) fn trait_rules(text: &str, braces: Span) -> Vec<TraitRule<'_>> {
    let end = (braces.end as usize).min(text.len());
    let tokens = lex_from(&text[..end], braces.start as usize, LexMode::Code);
    let mut rules = Vec::new();
    for rule in tokens.split(|token| matches!(token.kind, TokenKind::Punct(b'{' | b';' | b'}'))) {
        read_rule(text, rule, &mut rules);
    }
    rules
}

/// Adds what the `tokens` of one rule say.
fn read_rule<'a>(text: &'a str, tokens: &[Token], rules: &mut Vec<TraitRule<'a>>) {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.span.of(text));
    let qualified = tokens
        .get(1)
        .is_some_and(|t| t.kind == TokenKind::DoubleColon);
    let (trait_name, at) = if qualified { (word(0), 2) } else { ("", 0) };
    let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
        return;
    };
    let line = Span {
        start: first.span.start,
        end: last.span.end,
    };
    let mut add = |adaptation| {
        rules.push(TraitRule {
            trait_name,
            method: word(at),
            adaptation,
            line,
        });
    };
    match tokens.get(at + 1).map(|token| token.kind) {
        Some(TokenKind::Insteadof) => {
            for excluded in tokens[at + 2..].iter().filter(|token| token.is_word()) {
                add(TraitAdaptation::Excludes(excluded.span.of(text)));
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
            add(TraitAdaptation::Alias(alias, visibility));
        }
        _ => {}
    }
}
