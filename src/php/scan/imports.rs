//! `namespace` and `use` statements.

use super::scanner::{DeclarationScanner, OpenBrace};
use crate::php::facts::{Import, ImportKind, Namespace};
use crate::php::span::Span;
use crate::php::token::TokenKind;

impl DeclarationScanner<'_> {
    /// Reads a `namespace` statement, behind its keyword.
    pub(super) fn namespace(&mut self) {
        let start = self.tokens[self.at - 1].span.start;
        let name = match self.peek() {
            Some(next) if next.is_word() => {
                self.at += 1;
                next.span
            }
            Some(next) if next.is(b'{') => Span::default(),
            _ => return,
        };
        if let Some(last) = self.facts.namespaces.last_mut() {
            last.body.end = start;
        }
        let body = Span {
            start,
            ..Span::new(0, self.source.len())
        };
        self.facts.namespaces.push(Namespace { name, body });
        if self.peek().is_some_and(|next| next.is(b'{')) {
            self.at += 1;
            self.open(OpenBrace::Namespace);
        }
        self.boundary();
    }

    /// Reads an import, behind `use`.
    pub(super) fn import(&mut self) {
        let mut kind = ImportKind::Class;
        let mut prefix = Span::default();
        let mut member_kind = None;
        let mut name: Option<Span> = None;
        let mut alias = Span::default();
        let namespace = self.current_namespace();
        while let Some(token) = self.peek() {
            self.at += 1;
            match token.kind {
                TokenKind::Function if name.is_none() => member_kind = Some(ImportKind::Function),
                TokenKind::Const if name.is_none() => member_kind = Some(ImportKind::Const),
                TokenKind::Punct(b'\\') => {}
                TokenKind::Punct(b'{') => {
                    prefix = name.take().unwrap_or_default();
                    kind = member_kind.take().unwrap_or(kind);
                }
                TokenKind::As => {
                    if let Some(next) = self.peek().filter(|next| next.is_word()) {
                        alias = next.span;
                        self.at += 1;
                    }
                }
                TokenKind::Punct(b',' | b';' | b'}') => {
                    let done = token.is(b';');
                    if let Some(name) = name.take() {
                        let alias = std::mem::take(&mut alias);
                        // `use function a, b;` holds for the whole list; inside a
                        // group each member may say its own kind.
                        if prefix.is_empty() {
                            kind = member_kind.unwrap_or(kind);
                        }
                        let kind = member_kind.unwrap_or(kind);
                        self.facts.imports.push(Import {
                            kind,
                            prefix,
                            name,
                            alias,
                            namespace,
                        });
                    }
                    if !prefix.is_empty() {
                        member_kind = None;
                    }
                    if done {
                        break;
                    }
                }
                _ if token.is_word() => name = Some(token.span),
                _ => {
                    self.at -= 1;
                    break;
                }
            }
        }
        self.boundary();
    }

    /// Reads the use of traits in the body of `class`, behind `use`.
    pub(super) fn trait_use(&mut self, class: usize) {
        while let Some(token) = self.peek() {
            self.at += 1;
            match token.kind {
                TokenKind::Punct(b',') => {}
                TokenKind::Punct(b'{') => {
                    let open = self.at - 1;
                    while self.peek().is_some_and(|t| !t.is(b'}') && !t.is(b'{')) {
                        self.at += 1;
                    }
                    let rules = self.span(open, self.at.min(self.tokens.len() - 1));
                    self.facts.classes[class].trait_rules.push(rules);
                    self.at += usize::from(self.peek().is_some_and(|t| t.is(b'}')));
                    break;
                }
                TokenKind::Name => self.facts.classes[class].traits.push(token.span),
                TokenKind::Punct(b';') => break,
                _ => {
                    self.at -= 1;
                    break;
                }
            }
        }
        self.boundary();
    }
}
