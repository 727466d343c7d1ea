//! Calls.

use super::node::{Argument, Callee, ClassExpr, NodeId, ValueNode};
use super::reader::FlowReader;
use crate::context::infer::types::Atom;
use crate::php::lex::TokenKind;

impl<'a> FlowReader<'_, 'a> {
    /// The arguments in the brackets at the next token, and whether they are
    /// `(...)`.
    pub(super) fn arguments(&mut self) -> (Vec<Argument<'a>>, bool) {
        let mut arguments = Vec::new();
        self.eat(b'(');
        if self.peek() == Some(TokenKind::Ellipsis) && self.ahead(1) == Some(TokenKind::Punct(b')'))
        {
            self.at += 2;
            return (arguments, true);
        }
        loop {
            if self.is_at_cursor() && self.goes_on_behind_cursor() {
                self.pass_cursor();
            }
            let Some(kind) = self.peek() else {
                break;
            };
            match kind {
                TokenKind::Punct(b')') => break,
                TokenKind::Punct(b',') => {
                    self.at += 1;
                    continue;
                }
                TokenKind::Punct(b';' | b'}' | b']') => return (arguments, false),
                _ => {}
            }
            let start = self.at;
            let is_spread = kind == TokenKind::Ellipsis;
            self.at += usize::from(is_spread);
            let mut name = None;
            let is_named =
                self.ahead(1) == Some(TokenKind::Punct(b':')) && super::primary::is_word(kind);
            if is_named {
                name = Some(self.word());
                self.at += 2;
            }
            let value = self.expression();
            arguments.push(Argument {
                name,
                value,
                is_spread,
            });
            // `f($a => …)` is no argument, but it must not end the call.
            let is_stuck = self.at == start && !self.is_at_cursor();
            self.at += usize::from(self.peek() == Some(TokenKind::DoubleArrow) || is_stuck);
        }
        self.eat(b')');
        (arguments, false)
    }

    /// Whether what stands behind the cursor's line goes on with the arguments
    /// that are open at the cursor.
    fn goes_on_behind_cursor(&self) -> bool {
        self.tokens
            .get(self.at)
            .is_some_and(|token| token.is(b',') || token.is(b')'))
    }

    /// The call of `callee` with the arguments at the next token.
    pub(super) fn call(&mut self, callee: Callee<'a>) -> NodeId {
        let (arguments, is_first_class) = self.arguments();
        if is_first_class {
            return self.node(ValueNode::FirstClass(callee));
        }
        self.called(callee, arguments)
    }

    /// The call of `callee` with `arguments`.
    fn called(&mut self, callee: Callee<'a>, arguments: Vec<Argument<'a>>) -> NodeId {
        let values: Vec<NodeId> = arguments.iter().map(|argument| argument.value).collect();
        let call = self.node(ValueNode::Call(callee, arguments));
        self.hand_over(call, &values);
        call
    }

    /// Notes that `values` are arguments of `call`: a closure is called with
    /// what the callee hands to it, and a variable may have another value
    /// behind the call.
    fn hand_over(&mut self, call: NodeId, values: &[NodeId]) {
        for (position, &value) in values.iter().enumerate() {
            match self.nodes[value as usize] {
                ValueNode::Closure(number) => {
                    self.closures[number as usize].handed_to = Some((call, position));
                }
                ValueNode::Read(place, _) => {
                    let base = self.lookup(place);
                    if base.is_some() || self.places.is_variable(place) {
                        let after = self.node(ValueNode::After { base, place, call });
                        self.narrow(place, Some(after));
                    }
                }
                _ => {}
            }
        }
    }

    /// The call of the function `name`, which is written at byte `at`.
    pub(super) fn function_call(&mut self, name: &'a str, at: u32) -> NodeId {
        let short = name.rsplit('\\').next().unwrap_or(name);
        if short.eq_ignore_ascii_case("assert") {
            let (arguments, _) = self.arguments();
            if let Some(argument) = arguments.first() {
                self.assume(argument.value, true);
            }
            return self.known(Atom::Bool(Some(true)));
        }
        self.call(Callee::Function(name, at))
    }

    /// `value |> callee`
    pub(super) fn piped(&mut self, value: NodeId, callee: NodeId) -> NodeId {
        let argument = Argument {
            name: None,
            value,
            is_spread: false,
        };
        let callee = match self.nodes[callee as usize] {
            ValueNode::FirstClass(callee) => callee,
            ValueNode::Closure(number) => {
                let call = self.node(ValueNode::Call(Callee::Value(callee), vec![argument]));
                self.closures[number as usize].handed_to = Some((call, usize::MAX));
                return call;
            }
            _ => Callee::Value(callee),
        };
        self.called(callee, vec![argument])
    }

    /// `new …`, at the keyword.
    pub(super) fn new_object(&mut self) -> NodeId {
        self.at += 1;
        while self.peek() == Some(TokenKind::AttributeOpen) {
            self.skip_brackets();
        }
        let is_anonymous = self.peek() == Some(TokenKind::Class)
            || self.peek() == Some(TokenKind::Modifier) && self.ahead(1) == Some(TokenKind::Class);
        if is_anonymous {
            return self.anonymous_class();
        }
        let at = self.byte();
        let class = match self.peek() {
            Some(TokenKind::Name | TokenKind::Modifier | TokenKind::Enum) => {
                self.at += 1;
                ClassExpr::Name(self.token_text(self.at - 1), at)
            }
            Some(TokenKind::Variable) => ClassExpr::Value(self.class_variable()),
            Some(TokenKind::Punct(b'(')) => {
                self.at += 1;
                let value = self.expression();
                self.eat(b')');
                ClassExpr::Value(value)
            }
            _ => return self.unknown(),
        };
        let arguments = if self.is(b'(') {
            self.arguments().0
        } else {
            Vec::new()
        };
        let values: Vec<NodeId> = arguments.iter().map(|argument| argument.value).collect();
        let object = self.node(ValueNode::New(class, arguments));
        self.hand_over(object, &values);
        object
    }

    /// The variable behind `new`, with its properties.
    fn class_variable(&mut self) -> NodeId {
        let mut value = self.variable(self.word());
        self.at += 1;
        loop {
            let is_link = matches!(self.peek(), Some(TokenKind::Arrow | TokenKind::NullArrow))
                && self.ahead(1) == Some(TokenKind::Name);
            if !is_link {
                return value;
            }
            let name = super::node::MemberName::Name(self.token_text(self.at + 1));
            value = self.node(ValueNode::Property(value, name, false));
            self.at += 2;
        }
    }

    /// `new class(…) … { … }`, behind `new`.
    fn anonymous_class(&mut self) -> NodeId {
        let keyword = match self.peek() {
            Some(TokenKind::Class) => self.at,
            _ => self.at + 1,
        };
        let byte = self.tokens[keyword].span.start;
        self.at = keyword + 1;
        let arguments = if self.is(b'(') {
            self.arguments().0
        } else {
            Vec::new()
        };
        while let Some(kind) = self.peek() {
            match kind {
                TokenKind::Punct(b'{') => {
                    self.skip_brackets();
                    break;
                }
                TokenKind::Punct(b';' | b')' | b'}') => break,
                _ => self.at += 1,
            }
        }
        let starts = |class: &crate::php::ClassLike| {
            class.name.is_empty() && (class.head.start..=class.head.end).contains(&byte)
        };
        match self.facts.classes.iter().rposition(starts) {
            Some(item) => self.node(ValueNode::New(ClassExpr::Anonymous(item), arguments)),
            None => self.unknown(),
        }
    }
}
