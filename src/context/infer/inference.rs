//! What every part of the inference shares: the buffer, the classes that it
//! can see, and the fuel that bounds the work.

use std::cell::Cell;

use super::class_lookup::ClassLookup;
use super::limits::{FUEL, STATEMENT_TOKENS};
use super::members::ClassMembers;
use super::written::is_name;
use crate::context::buffer::Buffer;
use crate::index::Snapshot;
use crate::index::symbols::ClassRef;
use crate::php::lex::TokenKind;
use crate::php::names::Scope;

/// The inference over one buffer.
pub(in crate::context) struct Inference<'a> {
    pub(in crate::context) buffer: &'a Buffer<'a>,
    pub(in crate::context) snapshot: &'a Snapshot,
    pub(in crate::context) lookup: &'a ClassLookup<'a>,
    /// How many more expressions may be read. Without this bound the work
    /// explodes where many variables are assigned from one another.
    fuel: Cell<u32>,
}

/// The argument list of a call.
#[derive(Clone, Copy)]
pub(super) struct CallTokens {
    /// The token of the `(`.
    pub(super) open: usize,
    /// The token before which the call ends.
    pub(super) end: usize,
}

impl<'a> Inference<'a> {
    pub(in crate::context) fn new(
        buffer: &'a Buffer<'a>,
        snapshot: &'a Snapshot,
        lookup: &'a ClassLookup<'a>,
    ) -> Self {
        Self {
            buffer,
            snapshot,
            lookup,
            fuel: Cell::new(FUEL),
        }
    }

    /// Takes `cost` expressions from the number that may still be read. Takes
    /// nothing and returns `false` if fewer are left.
    #[must_use]
    pub(super) fn spend(&self, cost: u32) -> bool {
        let left = self.fuel.get().checked_sub(cost);
        if let Some(left) = left {
            self.fuel.set(left);
        }
        left.is_some()
    }

    /// Whether no further expression may be read.
    pub(super) fn is_exhausted(&self) -> bool {
        self.fuel.get() == 0
    }

    /// The class-like with the fully qualified name `name`: the buffer's own
    /// if it declares it, else the project's or a package's.
    pub(in crate::context) fn class(&self, name: &str) -> Option<ClassRef<'a>> {
        self.lookup.find(name)
    }

    /// The buffer's class number `item`.
    pub(in crate::context) fn own(&self, item: usize) -> ClassRef<'a> {
        self.lookup.own(item)
    }

    /// The members of a class and of all that it inherits from.
    pub(in crate::context) fn members(&self, class: ClassRef<'a>) -> ClassMembers<'a> {
        ClassMembers::of(class, self.lookup)
    }

    /// The members of the class at the cursor.
    pub(in crate::context) fn members_at_cursor(&self) -> Option<ClassMembers<'a>> {
        let item = self.buffer.class()?;
        Some(self.members(self.own(item)))
    }

    /// The fully qualified name of the class around byte `at`.
    pub(super) fn this(&self, at: usize) -> Option<String> {
        self.name_of(self.own(self.buffer.class_at(at)?))
    }

    /// The fully qualified name of `class`; for an anonymous class that of its
    /// parent or first interface.
    pub(super) fn name_of(&self, class: ClassRef<'a>) -> Option<String> {
        if !class.short_name().is_empty() {
            return Some(class.name());
        }
        let declared = class.class();
        let parent = declared.extends.first().or(declared.implements.first())?;
        class.scope().class(parent.of(class.text))
    }

    /// The class that the word at token `at` names, at byte `at_byte`.
    pub(super) fn class_name(
        &self,
        at: usize,
        scope: &Scope<'_>,
        at_byte: usize,
    ) -> Option<String> {
        let word = self.buffer.text(at);
        match word.to_ascii_lowercase().as_str() {
            "self" | "static" => self.this(at_byte),
            "parent" => {
                let item = self.buffer.class_at(at_byte)?;
                let class = self.own(item);
                let parent = class.class().extends.first()?;
                class.scope().class(parent.of(class.text))
            }
            _ if is_name(word) => scope.class(word),
            _ => None,
        }
    }

    /// The names in force at byte `at` of the buffer.
    pub(super) fn scope_at(&self, at: usize) -> Scope<'a> {
        Scope::at(&self.buffer.facts, self.buffer.content, at)
    }

    /// The token behind the statement or argument that holds token `from`, at
    /// most [`STATEMENT_TOKENS`] away.
    pub(super) fn statement_end(&self, from: usize) -> usize {
        let mut depth = 0_usize;
        let tokens = self.buffer.tokens.iter().enumerate().skip(from);
        for (at, token) in tokens.take(STATEMENT_TOKENS) {
            match token.kind {
                TokenKind::Punct(b'(' | b'[' | b'{') => depth += 1,
                TokenKind::Punct(b')' | b']' | b'}') => match depth.checked_sub(1) {
                    Some(outer) => depth = outer,
                    None => return at,
                },
                TokenKind::Punct(b';' | b',') if depth == 0 => return at,
                _ => {}
            }
        }
        self.buffer.tokens.len().min(from + STATEMENT_TOKENS)
    }
}
