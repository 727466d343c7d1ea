//! Operands: what begins a chain, and its links.

use std::borrow::Cow;

use super::env::FrameKind;
use super::node::{Callee, ClassExpr, Comparison, Item, MemberName, NodeId, PlaceId, ValueNode};
use super::reader::FlowReader;
use crate::context::infer::types::Atom;
use crate::php::lex::TokenKind;

impl<'a> FlowReader<'_, 'a> {
    /// An operand with all links `->`, `::`, `[…]` and `(…)` behind it.
    pub(super) fn postfix(&mut self) -> NodeId {
        let mut node = self.primary();
        loop {
            let operator = self.at;
            let Some(kind) = self.peek() else {
                return node;
            };
            match kind {
                TokenKind::Arrow | TokenKind::NullArrow => {
                    if self.operators.contains(&operator) {
                        self.receivers.push((operator, node));
                    }
                    self.at += 1;
                    node = self.member(node, kind == TokenKind::NullArrow);
                }
                TokenKind::DoubleColon => {
                    let class = self.class_of(node);
                    node = self.static_member(class);
                }
                TokenKind::Punct(b'[') => {
                    self.at += 1;
                    let key = if self.is(b']') {
                        None
                    } else {
                        Some(self.expression())
                    };
                    self.eat(b']');
                    node = self.index(node, key);
                }
                TokenKind::Punct(b'(') => node = self.call(Callee::Value(node)),
                TokenKind::Operator if matches!(self.word(), "++" | "--") => self.at += 1,
                _ => return node,
            }
        }
    }

    /// The class that the value `node` stands for in front of `::`.
    fn class_of(&self, node: NodeId) -> ClassExpr<'a> {
        match self.nodes[node as usize] {
            ValueNode::Class(class) => class,
            _ => ClassExpr::Value(node),
        }
    }

    /// The member behind `->`.
    fn member(&mut self, object: NodeId, is_null_safe: bool) -> NodeId {
        let name = match self.peek() {
            Some(TokenKind::Name | TokenKind::Class) => {
                self.at += 1;
                MemberName::Name(self.token_text(self.at - 1))
            }
            Some(TokenKind::Variable) => MemberName::Value(self.primary()),
            Some(TokenKind::Punct(b'{')) => {
                self.at += 1;
                let name = self.expression();
                self.eat(b'}');
                MemberName::Value(name)
            }
            Some(kind) if is_word(kind) => {
                self.at += 1;
                MemberName::Name(self.token_text(self.at - 1))
            }
            _ => return self.unknown(),
        };
        if self.is(b'(') {
            let call = self.call(Callee::Method(object, name, is_null_safe));
            // A getter gives the same value again.
            let is_getter =
                matches!(&self.nodes[call as usize], ValueNode::Call(_, args) if args.is_empty());
            return match name {
                MemberName::Name(name) if is_getter => {
                    self.placed(object, call, format_args!("->{name}()"))
                }
                _ => call,
            };
        }
        let property = self.node(ValueNode::Property(object, name, is_null_safe));
        match name {
            MemberName::Name(name) => self.placed(object, property, format_args!("->{name}")),
            MemberName::Value(_) => property,
        }
    }

    /// The node `raw` at the place `suffix` of `base`: what is known of that
    /// place, if anything is.
    fn placed(&mut self, base: NodeId, raw: NodeId, suffix: std::fmt::Arguments<'_>) -> NodeId {
        let (text, parent) = match self.nodes[base as usize] {
            ValueNode::Read(place, _) => {
                (format!("{}{suffix}", self.places.name(place)), Some(place))
            }
            ValueNode::This(_) => {
                let Some(this) = self.places.number("$this".to_owned(), None) else {
                    return raw;
                };
                (format!("$this{suffix}"), Some(this))
            }
            _ => return raw,
        };
        let Some(place) = self.places.number(text, parent) else {
            return raw;
        };
        self.read(Some(place), raw)
    }

    /// The element `key` of `base`.
    fn index(&mut self, base: NodeId, key: Option<NodeId>) -> NodeId {
        let raw = self.node(ValueNode::Index(base, key));
        let text = match key.map(|key| &self.nodes[key as usize]) {
            Some(ValueNode::Known(ty)) => ty.key().map(|key| format!("[{key}]")),
            Some(ValueNode::Read(place, _)) => Some(format!("[{}]", self.places.name(*place))),
            _ => None,
        };
        match text {
            Some(text) => self.placed(base, raw, format_args!("{text}")),
            None => raw,
        }
    }

    /// What stands behind the `::` at the next token.
    fn static_member(&mut self, class: ClassExpr<'a>) -> NodeId {
        if self.operators.contains(&self.at) {
            let receiver = self.node(ValueNode::Class(class));
            self.receivers.push((self.at, receiver));
        }
        self.at += 1;
        match self.peek() {
            Some(TokenKind::Variable) => {
                let name = self.word();
                self.at += 1;
                if self.is(b'(') {
                    let value = self.variable(name);
                    return self.call(Callee::Static(class, MemberName::Value(value)));
                }
                let property = self.node(ValueNode::StaticProperty(class, &name[1..]));
                let ClassExpr::Name(written, _) = class else {
                    return property;
                };
                let place = self.places.number(format!("{written}::{name}"), None);
                self.read(place, property)
            }
            Some(TokenKind::Punct(b'{')) => {
                self.at += 1;
                let name = self.expression();
                self.eat(b'}');
                if self.is(b'(') {
                    return self.call(Callee::Static(class, MemberName::Value(name)));
                }
                self.unknown()
            }
            Some(kind) if is_word(kind) => {
                let name = self.word();
                self.at += 1;
                if self.is(b'(') {
                    return self.call(Callee::Static(class, MemberName::Name(name)));
                }
                self.node(ValueNode::ClassConstant(class, name))
            }
            _ => self.unknown(),
        }
    }

    /// What `place` holds; `raw` if nothing else is known of it.
    fn read(&mut self, place: Option<PlaceId>, raw: NodeId) -> NodeId {
        let Some(place) = place else {
            return raw;
        };
        let node = self.lookup(place).unwrap_or(raw);
        let read = self.node(ValueNode::Read(place, node));
        self.raws.insert(read, raw);
        read
    }

    /// The variable `name`.
    pub(super) fn variable(&mut self, name: &'a str) -> NodeId {
        if name == "$this" {
            return self.node(ValueNode::This(self.function));
        }
        let Some(place) = self.places.number(name.to_owned(), None) else {
            return self.unknown();
        };
        let mut node = self.lookup(place).unwrap_or_default();
        if node == 0 && self.is_script() {
            node = self.node(ValueNode::Global(name));
        } else if node == 0 {
            self.unknown();
        }
        self.node(ValueNode::Read(place, node))
    }

    /// What begins a chain.
    fn primary(&mut self) -> NodeId {
        let Some(kind) = self.peek() else {
            return self.unknown();
        };
        let (at, word) = (self.byte(), self.word());
        match kind {
            TokenKind::Variable => {
                self.at += 1;
                self.variable(word)
            }
            TokenKind::Punct(b'$') => {
                // A variable whose name another one holds.
                while self.eat(b'$') {}
                match self.peek() {
                    Some(TokenKind::Punct(b'{')) => self.skip_brackets(),
                    Some(TokenKind::Variable) => self.at += 1,
                    _ => {}
                }
                self.unknown()
            }
            TokenKind::Punct(b'(') => {
                self.at += 1;
                let inner = self.expression();
                self.eat(b')');
                inner
            }
            TokenKind::Punct(b'[') => self.array(b']'),
            TokenKind::Number | TokenKind::String | TokenKind::Template => {
                self.at += 1;
                self.known(literal(kind, word))
            }
            TokenKind::New => self.new_object(),
            TokenKind::Fn | TokenKind::Function => self.closure(),
            TokenKind::AttributeOpen => {
                while self.peek() == Some(TokenKind::AttributeOpen) {
                    self.skip_brackets();
                }
                self.primary()
            }
            TokenKind::Modifier if word.eq_ignore_ascii_case("static") => match self.ahead(1) {
                Some(TokenKind::Fn | TokenKind::Function) => {
                    self.at += 1;
                    self.closure()
                }
                _ => {
                    self.at += 1;
                    self.node(ValueNode::Class(ClassExpr::Name(word, at)))
                }
            },
            TokenKind::Keyword => self.keyword(word),
            TokenKind::Name | TokenKind::Enum | TokenKind::Namespace => self.name(word, at),
            // A bracket or separator ends the expression.
            TokenKind::Punct(b')' | b']' | b'}' | b';' | b',' | b':') | TokenKind::DoubleArrow => {
                self.unknown()
            }
            // What no expression begins with is passed over where a link of a
            // chain may follow.
            _ => self.unknown(),
        }
    }

    /// A name: a class in front of `::`, a function, or a constant.
    fn name(&mut self, word: &'a str, at: u32) -> NodeId {
        self.at += 1;
        match self.peek() {
            Some(TokenKind::DoubleColon) => self.node(ValueNode::Class(ClassExpr::Name(word, at))),
            Some(TokenKind::Punct(b'(')) => self.function_call(word, at),
            _ => match word.to_ascii_lowercase().as_str() {
                "null" => self.known(Atom::Null),
                "true" => self.known(Atom::Bool(Some(true))),
                "false" => self.known(Atom::Bool(Some(false))),
                _ => self.node(ValueNode::Constant(word, at)),
            },
        }
    }

    fn keyword(&mut self, word: &'a str) -> NodeId {
        match word.to_ascii_lowercase().as_str() {
            "match" => self.match_expression(),
            "array" | "list" if self.ahead(1) == Some(TokenKind::Punct(b'(')) => {
                self.at += 1;
                self.array(b')')
            }
            "isset" => {
                self.at += 1;
                let (arguments, _) = self.arguments();
                let values = arguments.iter().map(|argument| argument.value).collect();
                self.node(ValueNode::Isset(values))
            }
            "empty" => {
                self.at += 1;
                let (arguments, _) = self.arguments();
                match arguments.first() {
                    Some(argument) => self.node(ValueNode::Empty(argument.value)),
                    None => self.unknown(),
                }
            }
            "exit" | "die" => {
                self.at += 1;
                if self.is(b'(') {
                    self.arguments();
                }
                self.known(Atom::Never)
            }
            "eval" => {
                self.at += 1;
                self.arguments();
                self.unknown()
            }
            "default" => {
                self.at += 1;
                self.unknown()
            }
            _ => self.unknown(),
        }
    }

    /// The elements of an array up to the bracket `close`.
    fn array(&mut self, close: u8) -> NodeId {
        self.at += 1;
        let mut items = Vec::new();
        while let Some(kind) = self.peek() {
            match kind {
                TokenKind::Punct(byte) if byte == close => break,
                TokenKind::Punct(b',') => {
                    self.at += 1;
                    // An empty element of a list to destructure counts.
                    if matches!(self.ahead(0), Some(TokenKind::Punct(b','))) || items.is_empty() {
                        let value = self.unknown();
                        items.push(Item {
                            key: None,
                            value,
                            is_spread: false,
                        });
                    }
                    continue;
                }
                _ => {}
            }
            let start = self.at;
            let is_spread = kind == TokenKind::Ellipsis;
            self.at += usize::from(is_spread);
            let mut value = self.expression();
            let mut key = None;
            if self.peek() == Some(TokenKind::DoubleArrow) {
                self.at += 1;
                key = Some(value);
                value = self.expression();
            }
            items.push(Item {
                key,
                value,
                is_spread,
            });
            if self.is(b',') {
                self.at += 1;
            } else if self.at == start {
                break;
            }
        }
        self.eat(close);
        self.node(ValueNode::Array(items))
    }

    /// `match (…) { … }`
    fn match_expression(&mut self) -> NodeId {
        self.at += 1;
        self.eat(b'(');
        let subject = self.expression();
        self.eat(b')');
        if !self.eat(b'{') {
            return self.unknown();
        }
        let mut values = Vec::new();
        // What is known once no earlier arm fits.
        self.open(FrameKind::Branch);
        while let Some(kind) = self.peek() {
            if kind == TokenKind::Punct(b'}') {
                break;
            }
            let start = self.at;
            let condition = self.arm_condition(subject);
            if self.peek() == Some(TokenKind::DoubleArrow) {
                self.at += 1;
            }
            self.open(FrameKind::Branch);
            if let Some(condition) = condition {
                self.assume(condition, true);
            }
            values.push((self.expression(), None));
            self.close();
            if let Some(condition) = condition {
                self.assume(condition, false);
            }
            self.eat(b',');
            if self.at == start {
                break;
            }
        }
        self.close();
        self.eat(b'}');
        self.node(ValueNode::Phi(values))
    }

    /// The condition of an arm of a `match`; `None` for `default`.
    fn arm_condition(&mut self, subject: NodeId) -> Option<NodeId> {
        let mut all: Option<NodeId> = None;
        loop {
            if self.is_keyword("default") {
                self.at += 1;
                return None;
            }
            let value = self.expression();
            let condition = self.is_case(subject, value);
            all = Some(match all {
                Some(before) => self.node(ValueNode::Or(before, condition)),
                None => condition,
            });
            if !self.eat(b',') || self.peek() == Some(TokenKind::DoubleArrow) {
                return all;
            }
        }
    }

    /// The condition that `subject` is `value`.
    pub(super) fn is_case(&mut self, subject: NodeId, value: NodeId) -> NodeId {
        let literal = match &self.nodes[subject as usize] {
            ValueNode::Known(ty) => match ty.members() {
                [Atom::Bool(Some(value))] => Some(*value),
                _ => None,
            },
            _ => None,
        };
        match literal {
            Some(true) => value,
            Some(false) => self.node(ValueNode::Not(value)),
            None => self.node(ValueNode::Compare(Comparison::Identical, subject, value)),
        }
    }

    /// A value of the type `text`, written at byte `at`.
    pub(super) fn declared(&mut self, text: impl Into<Cow<'a, str>>, at: u32) -> NodeId {
        self.node(ValueNode::Declared(text.into(), at))
    }
}

/// Whether a token is a word that may name a member.
pub(super) fn is_word(kind: TokenKind) -> bool {
    let token = crate::php::lex::Token {
        kind,
        span: crate::php::Span::default(),
    };
    token.is_word()
}

/// The value of a literal.
fn literal(kind: TokenKind, word: &str) -> Atom {
    match kind {
        TokenKind::Number => {
            let is_float = word.contains(['.', 'e', 'E']) && !word.starts_with("0x");
            if is_float {
                Atom::Float
            } else {
                Atom::Int(word.parse().ok())
            }
        }
        TokenKind::String => {
            let inner = word.get(1..word.len().saturating_sub(1)).unwrap_or("");
            Atom::String(Some(inner.replace("\\\\", "\\").into()))
        }
        _ => Atom::String(None),
    }
}
