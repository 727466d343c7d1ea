//! The heads of classes, interfaces, traits and enums.

use super::scanner::{DeclarationScanner, OpenBrace};
use crate::php::facts::{ClassKind, ClassLike};
use crate::php::span::Span;
use crate::php::token::TokenKind;

impl DeclarationScanner<'_> {
    /// Reads the head of a class-like, behind its keyword, and opens its body.
    pub(super) fn class_like(&mut self, kind: ClassKind) {
        let keyword = self.at - 1;
        let before = keyword.checked_sub(1).map(|at| self.tokens[at].kind);
        if before == Some(TokenKind::DoubleColon) {
            return;
        }
        let first = self.first_modifier(keyword);
        // Attributes may stand between `new` and the modifiers.
        let is_anonymous = first
            .checked_sub(1)
            .is_some_and(|at| self.tokens[at].kind == TokenKind::New || self.tokens[at].is(b']'));
        let Some(name) = self.class_name(is_anonymous) else {
            return;
        };
        let mut class = ClassLike {
            kind,
            name,
            head: Span::default(),
            body: Span::default(),
            // A comment before `new class` belongs to the statement around it.
            doc: if name.is_empty() {
                Span::default()
            } else {
                self.doc
            },
            namespace: self.current_namespace(),
            extends: Vec::new(),
            implements: Vec::new(),
            traits: Vec::new(),
            trait_rules: Vec::new(),
            members: Vec::new(),
        };
        self.parents(&mut class);
        class.head = self.span(first, self.at - 1);
        let opens = self.peek().is_some_and(|next| next.is(b'{'));
        let body = self.peek().map_or(class.head.end, |next| next.span.start);
        class.body = Span {
            start: body,
            end: body,
        };
        let index = self.facts.classes.len();
        self.facts.classes.push(class);
        if opens {
            self.at += 1;
            self.open(OpenBrace::Class(index));
        }
        self.boundary();
    }

    /// Reads the name of a class-like, or the arguments of an anonymous class, whose
    /// name is empty. `None` if the keyword begins no class-like.
    fn class_name(&mut self, is_anonymous: bool) -> Option<Span> {
        match self.peek() {
            Some(next)
                if next.is_word()
                    && !matches!(next.kind, TokenKind::Extends | TokenKind::Implements) =>
            {
                self.at += 1;
                return Some(next.span);
            }
            Some(next) if next.is(b'(') && is_anonymous => self.at = self.closing(self.at) + 1,
            Some(_) if is_anonymous => {}
            _ => return None,
        }
        Some(Span::default())
    }

    /// Reads the names after `extends` and `implements`.
    fn parents(&mut self, class: &mut ClassLike) {
        let mut implements = false;
        while let Some(token) = self.peek() {
            match token.kind {
                TokenKind::Extends => implements = false,
                TokenKind::Implements => implements = true,
                TokenKind::Name if self.tokens[self.at - 1].is(b':') => {} // an enum's backing type
                TokenKind::Name if implements => class.implements.push(token.span),
                TokenKind::Name => class.extends.push(token.span),
                TokenKind::Punct(b',' | b':') => {}
                _ => break,
            }
            self.at += 1;
        }
    }
}
