//! The type that a call of a function gives.

use super::doc_tags::templates;
use super::inference::{CallTokens, Inference};
use super::types::{TemplateBinding, Type};
use super::written::{TypeReader, declared_type};
use crate::index::symbols::{DeclKind, Declaration};
use crate::php::lex::TokenKind;
use crate::php::names::Scope;
use crate::php::{FileFacts, Function};

/// Functions of PHP whose result has the elements of their first argument.
const SAME_ELEMENTS: [&str; 13] = [
    "array_diff",
    "array_diff_key",
    "array_filter",
    "array_intersect_key",
    "array_merge",
    "array_pad",
    "array_replace",
    "array_reverse",
    "array_slice",
    "array_splice",
    "array_unique",
    "array_values",
    "iterator_to_array",
];
/// Functions of PHP whose result is an element of their first argument.
const ONE_ELEMENT: [&str; 11] = [
    "array_find",
    "array_first",
    "array_last",
    "array_pop",
    "array_shift",
    "current",
    "end",
    "max",
    "next",
    "prev",
    "reset",
];

impl<'a> Inference<'a> {
    /// The type that the function called `written` returns to `call`.
    pub(super) fn function(
        &self,
        written: &str,
        scope: &Scope<'_>,
        call: CallTokens,
        depth: usize,
    ) -> Type {
        let short = written.rsplit('\\').next().unwrap_or(written);
        let candidates = scope.function(written);
        let is_called = |full: &str| {
            candidates
                .iter()
                .any(|name| name.eq_ignore_ascii_case(full))
        };
        let result = |text: &'a str, facts: &'a FileFacts, function: &Function| {
            let scope = Scope::of(facts, text, function.namespace);
            let bindings = self.bound_by_call(function.doc.of(text), Some(call), depth);
            let reader = TypeReader::new(&scope, None).with(&bindings);
            declared_type(text, function.ty, function.doc, reader)
        };
        let own = &self.buffer.facts;
        for function in &own.functions {
            let scope = Scope::of(own, self.buffer.content, function.namespace);
            if is_called(&scope.declared(function.name.of(self.buffer.content))) {
                return result(self.buffer.content, own, function);
            }
        }
        for declared in self.snapshot.declared(DeclKind::Function, short) {
            let Declaration::Function(file, item) = declared else {
                continue;
            };
            let is_other = *file.path != *self.buffer.path;
            if is_other && declared.full_name().is_some_and(|name| is_called(&name)) {
                return result(&file.text, &file.facts, &file.facts.functions[item])
                    .or_else(|| self.class_argument(call));
            }
        }
        self.array_function(short, call, depth)
    }

    /// The type that PHP's own function `name` makes of its first argument.
    fn array_function(&self, name: &str, call: CallTokens, depth: usize) -> Type {
        let first = || self.expression(call.open + 1, self.first_argument_end(call), depth);
        let name = name.to_ascii_lowercase();
        if SAME_ELEMENTS.contains(&&*name) {
            self.element(first()).into_list()
        } else if ONE_ELEMENT.contains(&&*name) {
            self.element(first())
        } else {
            Type::default()
        }
    }

    /// The token behind the first argument of a call.
    fn first_argument_end(&self, call: CallTokens) -> usize {
        self.statement_end(call.open + 1).min(call.end)
    }

    /// An object of the class whose `::class` is the first argument of a call.
    pub(super) fn class_argument(&self, call: CallTokens) -> Type {
        let (at, end) = (call.open + 1, self.first_argument_end(call));
        let is_class = at + 3 == end
            && self.buffer.kind(Some(at + 1)) == Some(TokenKind::DoubleColon)
            && self.buffer.text(at + 2).eq_ignore_ascii_case("class");
        if !is_class {
            return Type::default();
        }
        let at_byte = self.buffer.tokens[at].span.start as usize;
        Type::of_class(self.class_name(at, &self.scope_at(at_byte), at_byte))
    }

    /// What the first template in the doc comment of a function stands for in
    /// this call: `Foo` if the first argument is `Foo::class`, else the type of
    /// that argument.
    pub(super) fn bound_by_call<'t>(
        &self,
        doc: &'t str,
        call: Option<CallTokens>,
        depth: usize,
    ) -> Vec<TemplateBinding<'t>> {
        let Some((name, call)) = templates(doc).next().zip(call) else {
            return Vec::new();
        };
        let ty = self
            .class_argument(call)
            .or_else(|| self.expression(call.open + 1, self.first_argument_end(call), depth));
        vec![(name, ty)]
    }
}
