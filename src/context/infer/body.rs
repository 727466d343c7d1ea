//! What the bodies of functions, the assignments to properties and the values
//! of constants tell where nothing is declared.

use std::borrow::Cow;

use memchr::memchr2_iter;

use super::eval::Eval;
use super::flow::{Extent, ValueFlow, read_flow};
use super::function_ref::FunctionRef;
use super::inference::{AssigningMethods, Inference};
use super::limits::{ASSIGNING_METHODS, BODY_BYTES, BODY_FUEL};
use super::types::Type;
use crate::index::symbols::{ClassRef, DeclKind, Declaration};
use crate::php::lex::{LexMode, is_name_byte, lex_from};
use crate::php::names::Scope;
use crate::php::{FileFacts, MemberKind, Span};

impl<'a> Inference<'a> {
    /// The flow of the bytes of `span` in another place than the cursor's.
    fn flow(
        &self,
        text: &'a str,
        facts: &'a FileFacts,
        span: Span,
        doc: Span,
        is_function: bool,
    ) -> Option<&ValueFlow<'a>> {
        if !self.spend(BODY_FUEL) {
            return None;
        }
        let start = span.start as usize;
        let end = (span.end as usize).min(start + BODY_BYTES).min(text.len());
        let end = text.floor_char_boundary(end);
        let tokens = lex_from(&text[..end], start, LexMode::Code);
        let extent = Extent {
            text,
            facts,
            start: 0,
            end: tokens.len(),
            cursor: usize::MAX,
            operators: Vec::new(),
            tokens: Cow::Owned(tokens),
            doc,
            is_function,
        };
        self.flows.push(Box::new(read_flow(extent)));
        self.flows.get(self.flows.len() - 1)
    }

    /// The flow of a function.
    fn flow_of(&self, function: &FunctionRef<'a>) -> Option<&ValueFlow<'a>> {
        let known = self.flows.iter().find(|flow| {
            std::ptr::eq(flow.facts, function.facts) && flow.closures[0].at == function.head.start
        });
        known.or_else(|| {
            let span = Span {
                start: function.head.start,
                end: function.end,
            };
            self.flow(function.text, function.facts, span, function.doc, true)
        })
    }

    /// What the body of `function` returns.
    pub(super) fn body_result(&self, function: &FunctionRef<'a>, this: &Type) -> Type {
        if function.end <= function.head.end + 1 {
            return Type::default();
        }
        let result = self.deeper(|| {
            let flow = self.flow_of(function)?;
            let eval = self.eval_of(flow, function, this);
            Some(eval.inferred_result(0))
        });
        result.flatten().unwrap_or_default()
    }

    /// Computes the types of `flow`, which is that of `function`.
    fn eval_of<'e>(
        &'e self,
        flow: &'e ValueFlow<'a>,
        function: &FunctionRef<'a>,
        this: &Type,
    ) -> Eval<'e, 'a> {
        Eval {
            inference: self,
            flow,
            class: function.class,
            this: this.clone(),
            function: Some(*function),
        }
    }

    /// What the class `owner` assigns to its property `name`.
    pub(super) fn assigned_property(&self, owner: ClassRef<'a>, this: &Type, name: &str) -> Type {
        let mut all = Type::default();
        let methods = self.assigning_methods(owner).get(name);
        for &method in methods.into_iter().flatten().take(ASSIGNING_METHODS) {
            if all.leads_on() {
                break;
            }
            let function = FunctionRef::method(owner, &owner.class().members[method]);
            let found = self.deeper(|| {
                let flow = self.flow_of(&function)?;
                let eval = self.eval_of(flow, &function, this);
                let is_it = |place: &str| {
                    place.strip_prefix("$this->") == Some(name)
                        || place
                            .split_once("::$")
                            .is_some_and(|(_, property)| property == name)
                };
                let values = flow.assigned.iter().filter(|(place, _)| is_it(place));
                values.map(|&(_, value)| eval.ty(value)).reduce(Type::or)
            });
            all.add(found.flatten().unwrap_or_default());
        }
        all
    }

    /// The methods of the class `owner` that seem to assign to its properties.
    fn assigning_methods(&self, owner: ClassRef<'a>) -> &AssigningMethods<'a> {
        if let Some(known) = self.assigning.get(&owner.place()) {
            return known;
        }
        let mut methods = AssigningMethods::default();
        for (number, member) in owner.class().members.iter().enumerate() {
            if member.kind != MemberKind::Method {
                continue;
            }
            let body = Span {
                start: member.head.end,
                end: member.end,
            };
            each_assigned(body.of(owner.text), |name| {
                let of_name = methods.entry(name).or_default();
                if of_name.last() != Some(&number) {
                    of_name.push(number);
                }
            });
        }
        self.assigning.insert(owner.place(), Box::new(methods))
    }

    /// The type of the value behind the first `=` in the bytes of `span`.
    pub(super) fn initializer(
        &self,
        text: &'a str,
        facts: &'a FileFacts,
        span: Span,
        class: Option<ClassRef<'a>>,
        this: &Type,
    ) -> Type {
        let Some(sign) = span.of(text).find('=') else {
            return Type::default();
        };
        let value = Span {
            start: span.start + sign as u32 + 1,
            end: span.end,
        };
        let ty = self.deeper(|| {
            let flow = self.flow(text, facts, value, Span::default(), false)?;
            let eval = Eval {
                inference: self,
                flow,
                class,
                this: this.clone(),
                function: None,
            };
            flow.last.map(|last| eval.ty(last))
        });
        ty.flatten().unwrap_or_default()
    }

    /// The type of the constant that `written` names.
    pub(super) fn constant(&self, written: &str, scope: &Scope<'_>) -> Type {
        let candidates = scope.constant(written);
        for full in &candidates {
            let short = full.rsplit('\\').next().unwrap_or(full);
            let own = self.buffer;
            for constant in &own.facts.constants {
                if constant.name.of(own.content) == short {
                    let end = statement_end(own.content, constant.head.end);
                    let span = Span {
                        start: constant.name.end,
                        end,
                    };
                    return self.initializer(own.content, &own.facts, span, None, &Type::default());
                }
            }
            for declared in self.snapshot.declared_up_to(8, DeclKind::Constant, short) {
                if let Declaration::Constant(file, item) = declared
                    && declared.full_name().is_some_and(|name| name == *full)
                {
                    let constant = &file.facts.constants[item];
                    let span = Span {
                        start: constant.name.end,
                        end: constant.head.end,
                    };
                    return self.initializer(&file.text, &file.facts, span, None, &Type::default());
                }
            }
        }
        Type::default()
    }

    /// The class around byte `at` of the buffer.
    pub(super) fn class_around(&self, at: usize) -> Option<ClassRef<'a>> {
        self.buffer.class_at(at).map(|item| self.own(item))
    }

    /// The function that holds byte `at` of the buffer.
    pub(super) fn function_around(&self, at: usize) -> Option<FunctionRef<'a>> {
        let buffer = self.buffer;
        let (span, _) = buffer.function_at(at)?;
        let own = buffer
            .facts
            .functions
            .iter()
            .find(|function| function.head.start == span.start);
        if let Some(function) = own {
            let (text, facts) = (buffer.content, &buffer.facts);
            return Some(FunctionRef::function(text, facts, function));
        }
        let classes = 0..buffer.facts.classes.len();
        classes.map(|item| self.own(item)).find_map(|class| {
            let mut members = class.class().members.iter();
            let member = members.find(|member| {
                member.kind == MemberKind::Method && member.head.start == span.start
            })?;
            Some(FunctionRef::method(class, member))
        })
    }
}

/// Calls `each` with the name of each property that `body` seems to assign to.
fn each_assigned<'a>(body: &'a str, mut each: impl FnMut(&'a str)) {
    let bytes = body.as_bytes();
    for sign in memchr2_iter(b'>', b'$', bytes) {
        let is_member = match bytes[sign] {
            b'>' => bytes[..sign].ends_with(b"-"),
            _ => bytes[..sign].ends_with(b"::"),
        };
        if !is_member {
            continue;
        }
        let name = bytes[sign + 1..].iter();
        let length = name.take_while(|&&byte| is_name_byte(byte)).count();
        let end = sign + 1 + length;
        let behind = body[end..].trim_start();
        let is_assigned = behind.starts_with('=') && !behind.starts_with("==")
            || behind.starts_with("??=")
            || behind.starts_with('[');
        if length > 0 && is_assigned {
            each(&body[sign + 1..end]);
        }
    }
}

/// The byte of the `;` that ends the statement at byte `at`.
fn statement_end(text: &str, at: u32) -> u32 {
    let rest = &text[(at as usize).min(text.len())..];
    at + rest.find(';').unwrap_or(rest.len()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_to_properties_are_found_in_one_pass() {
        let body = "$this->a = 1; $this->b == 2; $x?->c ??= f(); self::$d = 4; $this->e\n\t[] = 5;
            $this->ab->g = 6; X::$é = 7; $this->h === 8; f($this->i); $this->j[0]; $k = $this-> = 9;
            $this->a += 1; $this->a = 2;";
        let mut found = Vec::new();
        each_assigned(body, |name| found.push(name));
        // An element that is read looks like one that is set.
        assert_eq!(found, ["a", "c", "d", "e", "g", "é", "j", "a"]);
    }
}
