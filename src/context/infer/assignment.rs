//! The type that assignments give to a variable or a property.

use super::inference::Inference;
use super::limits::{OTHER_CLASS_BYTES, OTHER_FILE_FUEL};
use super::types::Type;
use super::written::{TypeReader, parameter};
use crate::index::symbols::ClassRef;
use crate::php::lex::{LexMode, Token, TokenKind, lex_from};
use crate::php::{Member, MemberKind};

impl<'a> Inference<'a> {
    /// The type that the `= …`, `??= …` or `[…] = …` at token `at` assigns.
    pub(super) fn assignment(&self, at: usize, before: usize, depth: usize) -> Type {
        let buffer = self.buffer;
        let value = |from: usize| {
            let end = self.statement_end(from).min(before);
            self.expression(from, end, depth)
        };
        match buffer.kind(Some(at)).filter(|_| at < before) {
            Some(TokenKind::Punct(b'=')) => value(at + 1),
            Some(TokenKind::Operator) if buffer.text(at) == "??=" => value(at + 1),
            Some(TokenKind::Punct(b'[')) => match buffer.closing(at, before) {
                Some(close) if buffer.tokens.get(close + 1).is_some_and(|t| t.is(b'=')) => {
                    value(close + 2).into_list()
                }
                _ => Type::default(),
            },
            _ => Type::default(),
        }
    }

    /// The type of what the class `owner` assigns to its property `name`.
    pub(super) fn assigned_property(&self, owner: ClassRef<'a>, name: &str, depth: usize) -> Type {
        if owner.path == self.buffer.path {
            self.assigned_in_buffer(owner, name, depth)
        } else {
            self.assigned_elsewhere(owner, name)
        }
    }

    /// The type that `$this->name = …` or `self::$name = …` in the buffer's
    /// class `owner` assigns.
    fn assigned_in_buffer(&self, owner: ClassRef<'_>, name: &str, depth: usize) -> Type {
        let buffer = self.buffer;
        let body = owner.class().body;
        for at in 2..buffer.tokens.len() {
            let start = buffer.tokens[at - 2].span.start;
            if start < body.start || start > body.end {
                continue;
            }
            let is_member = match buffer.tokens[at - 1].kind {
                TokenKind::Arrow => buffer.text(at - 2) == "$this" && buffer.text(at) == name,
                TokenKind::DoubleColon => buffer.text(at).strip_prefix('$') == Some(name),
                _ => false,
            };
            if is_member {
                let ty = self.assignment(at + 1, buffer.tokens.len(), depth);
                if !ty.is_empty() {
                    return ty;
                }
            }
        }
        Type::default()
    }

    /// The type that `$this->name = …` in the class `owner` of another file
    /// assigns, if the value is a typed parameter or a new object.
    fn assigned_elsewhere(&self, owner: ClassRef<'a>, name: &str) -> Type {
        if !self.spend(OTHER_FILE_FUEL) {
            return Type::default();
        }
        let (text, class) = (owner.text, owner.class());
        let start = class.body.start as usize;
        let end = (class.body.end as usize).min(start + OTHER_CLASS_BYTES);
        let tokens = lex_from(&text[..text.floor_char_boundary(end)], start, LexMode::Code);
        let word = |at: usize| {
            tokens
                .get(at)
                .map_or("", |token: &Token| token.span.of(text))
        };
        let scope = owner.scope();
        let this = owner.name();
        let reader = TypeReader::new(&scope, Some(&this));
        for at in 0..tokens.len() {
            let assigns = word(at) == "$this"
                && word(at + 1) == "->"
                && word(at + 2) == name
                && word(at + 3) == "=";
            if !assigns {
                continue;
            }
            let byte = tokens[at].span.start;
            let method = class
                .members
                .iter()
                .rfind(|member| member.kind == MemberKind::Method && member.head.start <= byte);
            let ty = assigned_value(text, &tokens[at + 4..], method, reader);
            if !ty.is_empty() {
                return ty;
            }
        }
        Type::default()
    }
}

/// The type of the value that begins with `tokens`: of the objects that it
/// creates and of the parameters of `method` that it names.
fn assigned_value(
    text: &str,
    tokens: &[Token],
    method: Option<&Member>,
    reader: TypeReader<'_>,
) -> Type {
    let mut ty = Type::default();
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Punct(b';' | b'{') => break,
            TokenKind::New => {
                let class = tokens.get(index + 1).map_or("", |t| t.span.of(text));
                ty.add(reader.read(class));
            }
            TokenKind::Variable => {
                let known =
                    method.map(|method| parameter(text, method, token.span.of(text), reader));
                ty.add(known.unwrap_or_default());
            }
            _ => {}
        }
    }
    ty
}
