//! The types at the cursor.

use std::borrow::Cow;

use super::eval::Eval;
use super::flow::{Extent, ValueFlow, read_flow};
use super::framework::ConventionalMember;
use super::inference::Inference;
use super::limits::{REACH_TOKENS, RECEIVER_CLASSES, TRAIT_USERS};
use super::types::{Atom, ClassType, Type};
use crate::index::symbols::ClassRef;
use crate::php::lex::TokenKind;
use crate::php::{ClassKind, MemberKind, Span};

impl<'a> Inference<'a> {
    /// The classes that the receiver in front of the `->` or `::` at token
    /// `operator` may be of, by fully qualified name. The operator stands right
    /// before the cursor, or is that of the call whose arguments hold the cursor.
    pub(in crate::context) fn receiver(&self, operator: usize) -> Vec<String> {
        self.classes_of(&self.receiver_type(operator))
    }

    /// The members that this receiver has by a framework's conventions.
    pub(in crate::context) fn conventional_members_behind(
        &'a self,
        operator: usize,
    ) -> Vec<ConventionalMember<'a>> {
        let is_static = self.buffer.kind(Some(operator)) == Some(TokenKind::DoubleColon);
        self.conventional_members(&self.receiver_type(operator), is_static)
    }

    /// The members that objects of the classes `names` have by a framework's
    /// conventions.
    pub(in crate::context) fn conventional_members_of(
        &'a self,
        names: &[String],
    ) -> Vec<ConventionalMember<'a>> {
        let types = names.iter().map(|name| Type::class(name));
        let ty = types.reduce(Type::or).unwrap_or_default();
        self.conventional_members(&ty, false)
    }

    /// The type of the receiver in front of the operator at token `operator`.
    fn receiver_type(&self, operator: usize) -> Type {
        let flow = self.flow_at_cursor();
        let eval = self.eval_at_cursor(flow);
        let mut receivers = flow.receivers.iter().rev();
        let receiver = receivers.find(|(at, _)| *at == operator);
        receiver.map(|(_, node)| eval.ty(*node)).unwrap_or_default()
    }

    /// The classes of the `most` nearest variables in reach of token `at`,
    /// nearest first, without those whose class is unknown.
    pub(in crate::context) fn types_in_reach(&self, at: usize, most: usize) -> Vec<Vec<String>> {
        let buffer = self.buffer;
        let Some(last) = at.checked_sub(1) else {
            return Vec::new();
        };
        let function = buffer.function_at(buffer.tokens[last].span.start as usize);
        let start = function.map_or(0, |(span, _)| span.start);
        let flow = self.flow_at_cursor();
        let eval = self.eval_at_cursor(flow);
        let mut seen: Vec<&str> = Vec::new();
        let mut types = Vec::new();
        for index in (at.saturating_sub(REACH_TOKENS)..at).rev() {
            let token = buffer.tokens[index];
            if token.span.start < start || seen.len() >= most {
                break;
            }
            let name = buffer.text(index);
            if token.kind != TokenKind::Variable || name == "$this" || seen.contains(&name) {
                continue;
            }
            seen.push(name);
            let node = flow.at_cursor.iter().find(|(variable, _)| variable == name);
            types.push(
                node.map(|&(_, node)| self.classes_of(&eval.ty(node)))
                    .unwrap_or_default(),
            );
        }
        types.retain(|classes| !classes.is_empty());
        types
    }

    /// The class at the cursor, by fully qualified name, as a list of one or none.
    pub(in crate::context) fn class_at_cursor(&self) -> Vec<String> {
        let item = self.buffer.class();
        let name = item.and_then(|item| self.name_of(self.own(item)));
        name.into_iter().collect()
    }

    /// The class that the word at token `at` names, like
    /// [`Self::class_at_cursor`].
    pub(in crate::context) fn named_class(&self, at: usize) -> Vec<String> {
        let word = self.buffer.text(at);
        if ["self", "static", "$this"]
            .iter()
            .any(|own| word.eq_ignore_ascii_case(own))
        {
            return self.class_at_cursor();
        }
        if !self
            .buffer
            .tokens
            .get(at)
            .is_some_and(|token| token.is_word())
        {
            return Vec::new();
        }
        let name = if word.eq_ignore_ascii_case("parent") {
            self.buffer.class().and_then(|item| {
                let class = self.own(item);
                let parent = class.class().extends.first()?;
                class.scope().class(parent.of(class.text))
            })
        } else {
            self.buffer.scope().class(word)
        };
        name.into_iter().collect()
    }

    /// The classes of the properties of the class at the cursor, of at most `most`
    /// properties whose class is known, its own first.
    pub(in crate::context) fn types_of_properties(&self, most: usize) -> Vec<Vec<String>> {
        let (Some(members), Some(name)) = (self.members_at_cursor(), self.class_at_cursor().pop())
        else {
            return Vec::new();
        };
        let this: Type = Type::class(&name);
        let properties = members
            .all()
            .filter(|(owner, index)| owner.class().members[*index].kind == MemberKind::Property);
        let types = properties.map(|(owner, index)| {
            let name = owner.class().members[index].name.of(owner.text);
            self.classes_of(&self.property(&this, name))
        });
        types
            .filter(|classes| !classes.is_empty())
            .take(most)
            .collect()
    }

    /// The classes whose members a value of type `ty` has.
    fn classes_of(&self, ty: &Type) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut add = |name: &str| {
            if names.len() < RECEIVER_CLASSES && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        };
        let instances = self.instance(&ty.filter(|atom| matches!(atom, Atom::ClassString(_))));
        let all: Vec<ClassType> = ty.classes().chain(instances.classes()).cloned().collect();
        for class in &all {
            add(&class.name);
        }
        for class in &all {
            for mixin in self.templated_mixins(class) {
                add(&mixin.name);
            }
        }
        names
    }

    /// The flow up to the cursor and on.
    fn flow_at_cursor(&self) -> &ValueFlow<'a> {
        let number = *self.at_cursor.get_or_init(|| {
            self.flows.push(Box::new(self.read_at_cursor()));
            self.flows.len() - 1
        });
        &self.flows[number]
    }

    fn read_at_cursor(&self) -> ValueFlow<'a> {
        let buffer = self.buffer;
        let at = self.cursor_byte();
        let (span, doc, is_function) = match buffer.function_at(at) {
            Some((span, doc)) => (span, doc, true),
            None => match self.property_at(at) {
                Some(span) => (span, Span::default(), true),
                None => (self.loose_code(at), Span::default(), false),
            },
        };
        let first = |byte: u32| {
            buffer
                .tokens
                .partition_point(|token| token.span.start < byte)
        };
        let before_cursor = buffer.before.checked_sub(1);
        let of_call = buffer.open_call().and_then(|open| open.checked_sub(2));
        read_flow(Extent {
            text: buffer.content,
            facts: &buffer.facts,
            tokens: Cow::Borrowed(&buffer.tokens),
            start: first(span.start),
            end: first(span.end).max(buffer.before),
            cursor: buffer.before,
            operators: before_cursor.into_iter().chain(of_call).collect(),
            doc,
            is_function,
        })
    }

    /// A byte of the code just before the cursor.
    fn cursor_byte(&self) -> usize {
        let last = self.buffer.before.checked_sub(1);
        last.map_or(0, |last| self.buffer.tokens[last].span.start as usize)
    }

    /// The property with hooks that holds byte `at`.
    fn property_at(&self, at: usize) -> Option<Span> {
        let class = self.class_around(at)?;
        let mut members = class.class().members.iter();
        let last = members.rfind(|member| member.head.start as usize <= at)?;
        let tokens = &self.buffer.tokens;
        let first = tokens.partition_point(|token| token.span.start < last.head.end);
        let behind = tokens[first..]
            .iter()
            .take_while(|token| token.span.start as usize <= at);
        let depth = behind.fold(0_i32, |depth, token| match token.kind {
            TokenKind::Punct(b'{') => depth + 1,
            TokenKind::Punct(b'}') => depth - 1,
            _ => depth,
        });
        let is_hooked = last.kind == MemberKind::Property && depth > 0;
        is_hooked.then_some(Span {
            start: last.head.start,
            end: last.end,
        })
    }

    /// The code around byte `at` that is in no function: the whole script, or
    /// in a class the declaration that is being written.
    fn loose_code(&self, at: usize) -> Span {
        let whole = Span {
            start: 0,
            end: u32::MAX,
        };
        let Some(class) = self.class_around(at) else {
            return whole;
        };
        let members = class.class().members.iter();
        let before = members
            .map(|member| member.end)
            .filter(|&end| end as usize <= at)
            .max();
        Span {
            start: before.unwrap_or(class.class().body.start + 1),
            end: at as u32,
        }
    }

    /// Computes the types of the flow at the cursor.
    fn eval_at_cursor<'e>(&'e self, flow: &'e ValueFlow<'a>) -> Eval<'e, 'a> {
        let at = self.cursor_byte();
        let class = self.class_around(at);
        Eval {
            inference: self,
            flow,
            class,
            this: class.map(|class| self.this_of(class)).unwrap_or_default(),
            function: self.function_around(at),
        }
    }

    /// What `$this` is in the class `class`. In a trait it is an object of a
    /// class that uses the trait.
    fn this_of(&self, class: ClassRef<'a>) -> Type {
        if class.short_name().is_empty() {
            let item = Type::class(&super::class_lookup::anonymous_name(class.item));
            return item;
        }
        let name = class.name();
        let mut ty = Type::class(&name);
        if class.class().kind == ClassKind::Trait {
            for user in self.snapshot.children(&name).into_iter().take(TRAIT_USERS) {
                ty.add(Type::of_class(self.name_of(user)));
            }
            for (item, user) in self.buffer.facts.classes.iter().enumerate() {
                let scope = self.own(item).scope();
                let uses = user.traits.iter().any(|used| {
                    let used = scope.class(used.of(self.buffer.content));
                    used.is_some_and(|used| used.eq_ignore_ascii_case(&name))
                });
                if uses {
                    ty.add(Type::of_class(self.name_of(self.own(item))));
                }
            }
        }
        ty
    }
}
