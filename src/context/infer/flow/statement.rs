//! Statements.

use super::env::FrameKind;
use super::node::{NodeId, ValueNode};
use super::reader::FlowReader;
use crate::context::infer::doc_tags::doc_tags;
use crate::php::Span;
use crate::php::lex::TokenKind;

impl<'a> FlowReader<'_, 'a> {
    /// The statements up to a `}` that closes none of them, or to a word in
    /// `ends`.
    pub(super) fn statements(&mut self, ends: &[&str]) {
        loop {
            let Some(kind) = self.peek() else {
                if self.is_at_cursor() {
                    self.pass_cursor();
                    continue;
                }
                return;
            };
            if kind == TokenKind::Punct(b'}') {
                return;
            }
            let word = self.word();
            let is_end = matches!(kind, TokenKind::Keyword | TokenKind::Name | TokenKind::Case)
                && ends.iter().any(|end| word.eq_ignore_ascii_case(end));
            if is_end {
                return;
            }
            let start = self.at;
            self.statement();
            if self.at == start && !self.is_at_cursor() {
                self.at += 1;
            }
        }
    }

    /// The statements of a script.
    pub(super) fn script(&mut self) {
        while self.at < self.end {
            self.statements(&[]);
            if self.at < self.end {
                self.at += 1;
            }
        }
    }

    /// The next statement.
    pub(super) fn statement(&mut self) {
        let Some(kind) = self.peek() else {
            return;
        };
        if kind == TokenKind::Doc {
            self.documentation();
            return;
        }
        if !self.descend() {
            self.skip_statement();
            return;
        }
        self.top().last_call = None;
        match kind {
            TokenKind::Punct(b'{') => {
                self.at += 1;
                self.statements(&[]);
                self.eat(b'}');
            }
            TokenKind::Punct(b';') | TokenKind::OpenTag | TokenKind::CloseTag | TokenKind::Html => {
                self.at += 1
            }
            TokenKind::OpenEcho => {
                self.at += 1;
                self.expressions();
            }
            TokenKind::Return => self.returned(),
            TokenKind::Foreach => self.foreach(),
            TokenKind::Function if self.is_declaration() => self.skip_declaration(),
            TokenKind::Class | TokenKind::Interface | TokenKind::Trait | TokenKind::Enum => {
                self.skip_declaration();
            }
            TokenKind::Modifier => self.modified(),
            TokenKind::AttributeOpen => self.skip_brackets(),
            TokenKind::Use | TokenKind::Const => self.skip_statement(),
            TokenKind::Namespace => self.namespace(),
            TokenKind::Keyword => self.keyword_statement(),
            _ => self.expression_statement(),
        }
        self.ascend();
        if !self.is_at_cursor() {
            self.documented.clear();
            self.statement_doc = Span::default();
        }
    }

    /// A doc comment in front of a statement.
    fn documentation(&mut self) {
        let (doc, at) = (self.word(), self.byte());
        self.statement_doc = self.tokens[self.at].span;
        let is_next = self.ahead(1) == Some(TokenKind::Variable);
        self.at += 1;
        for tag in doc_tags(doc).filter(|tag| tag.name == "var" && !tag.ty().is_empty()) {
            let node = self.declared(tag.ty().to_owned(), at);
            let named = tag.variable().map(str::to_owned);
            let name = match &named {
                Some(name) => Some(name.clone()),
                None if is_next => Some(self.word().to_owned()),
                None => None,
            };
            if let Some(name) = name
                && let Some(place) = self.places.number(name, None)
            {
                self.set(place, Some(node));
            }
            self.documented.push((named, node));
        }
    }

    fn expressions(&mut self) {
        loop {
            self.expression();
            if !self.eat(b',') {
                break;
            }
        }
    }

    fn expression_statement(&mut self) {
        let value = self.expression();
        self.last = Some(value);
        match &self.nodes[value as usize] {
            ValueNode::Call(..) => self.top().last_call = Some(value),
            ValueNode::Known(ty) if ty.is_never() => self.top().is_dead = true,
            ValueNode::Read(_, inner)
                if matches!(self.nodes[*inner as usize], ValueNode::Call(..)) =>
            {
                let call = *inner;
                self.top().last_call = Some(call);
            }
            _ => {}
        }
        self.end_statement();
    }

    fn end_statement(&mut self) {
        self.eat(b';');
    }

    fn returned(&mut self) {
        self.at += 1;
        let is_bare = matches!(
            self.peek(),
            None | Some(TokenKind::Punct(b';' | b'}') | TokenKind::CloseTag)
        );
        if !is_bare {
            let value = self.expression();
            let function = self.function as usize;
            self.closures[function].returns.push(value);
        }
        self.end_statement();
        // What the cursor cuts off may go on.
        if !self.is_at_cursor() {
            self.top().is_dead = true;
        }
    }

    /// A statement that begins with a modifier: a class, or `static $a = 1;`.
    fn modified(&mut self) {
        if !self.word().eq_ignore_ascii_case("static") {
            self.skip_declaration();
            return;
        }
        if self.ahead(1) != Some(TokenKind::Variable) {
            self.expression_statement();
            return;
        }
        self.at += 1;
        while self.peek() == Some(TokenKind::Variable) {
            let target = self.variable(self.word());
            self.at += 1;
            let value = if self.eat(b'=') {
                self.expression()
            } else {
                self.unknown()
            };
            self.assign(target, value);
            if !self.eat(b',') {
                break;
            }
        }
        self.end_statement();
    }

    fn keyword_statement(&mut self) {
        match self.word().to_ascii_lowercase().as_str() {
            "if" => self.conditional(),
            "while" => self.while_loop(),
            "do" => self.do_loop(),
            "for" => self.for_loop(),
            "switch" => self.switch(),
            "try" => self.try_statement(),
            "throw" | "exit" | "die" | "goto" => {
                self.expression();
                self.end_statement();
                self.top().is_dead = true;
            }
            "break" => self.leave(true),
            "continue" => self.leave(false),
            "echo" => {
                self.at += 1;
                self.expressions();
                self.end_statement();
            }
            "unset" => {
                self.at += 1;
                let (arguments, _) = self.arguments();
                for argument in arguments {
                    if let ValueNode::Read(place, _) = self.nodes[argument.value as usize] {
                        self.set(place, None);
                    }
                }
                self.end_statement();
            }
            "global" => self.globals(),
            "declare" => {
                self.at += 1;
                self.skip_brackets();
            }
            "else" | "elseif" | "endif" | "endwhile" | "endfor" | "endforeach" | "endswitch"
            | "finally" => self.at += 1,
            _ => self.expression_statement(),
        }
    }

    /// `global $a, $b;`: their types stand in the function's doc comment, or
    /// in one before the statement.
    fn globals(&mut self) {
        self.at += 1;
        while self.peek() == Some(TokenKind::Variable) {
            let name = self.word();
            let at = self.byte();
            self.at += 1;
            let doc = self.closures[self.function as usize].doc.of(self.text);
            let mut tags = doc_tags(doc).filter(|tag| tag.name == "global");
            let ty = tags
                .find(|tag| tag.variable() == Some(name))
                .map(|tag| tag.ty().to_owned());
            let node = match ty {
                Some(ty) => self.declared(ty, at),
                None => self.node(ValueNode::Global(name)),
            };
            let target = self.variable(name);
            self.assign(target, node);
            if !self.eat(b',') {
                break;
            }
        }
        self.end_statement();
    }

    fn namespace(&mut self) {
        self.at += 1;
        if self.peek() == Some(TokenKind::Name) {
            self.at += 1;
        }
        if self.eat(b'{') {
            self.statements(&[]);
            self.eat(b'}');
        }
    }

    /// `break` and `continue`.
    fn leave(&mut self, is_break: bool) {
        self.at += 1;
        if self.peek() == Some(TokenKind::Number) {
            self.at += 1;
        }
        self.end_statement();
        let is_target = |kind: FrameKind| matches!(kind, FrameKind::Loop | FrameKind::Switch);
        let target = self.frames.iter().rposition(|frame| is_target(frame.kind));
        if let Some(target) = target {
            let is_switch = self.frames[target].kind == FrameKind::Switch;
            if is_break || is_switch {
                let mut changes = std::collections::BTreeMap::new();
                for frame in &self.frames[target..] {
                    changes.extend(frame.values.iter().map(|(&place, &node)| (place, node)));
                }
                if self.frames[target].breaks.len() < crate::context::infer::limits::BREAKS {
                    self.frames[target].breaks.push(changes);
                }
            }
        }
        self.top().is_dead = true;
    }

    /// Whether the `function` at the next token declares a named function.
    fn is_declaration(&self) -> bool {
        match self.ahead(1) {
            Some(TokenKind::Name) => true,
            Some(TokenKind::Punct(b'&')) => self.ahead(2) == Some(TokenKind::Name),
            _ => false,
        }
    }

    /// Moves behind a class or function.
    fn skip_declaration(&mut self) {
        while let Some(kind) = self.peek() {
            match kind {
                TokenKind::Punct(b'{') => {
                    self.skip_brackets();
                    return;
                }
                TokenKind::Punct(b'(') => self.skip_brackets(),
                TokenKind::Punct(b';' | b'}') => return,
                _ => self.at += 1,
            }
        }
    }

    /// Moves behind the next `;`.
    pub(super) fn skip_statement(&mut self) {
        while let Some(kind) = self.peek() {
            match kind {
                TokenKind::Punct(b'(' | b'[' | b'{') | TokenKind::AttributeOpen => {
                    self.skip_brackets();
                }
                TokenKind::Punct(b'}') => return,
                TokenKind::Punct(b';') => {
                    self.at += 1;
                    return;
                }
                _ => self.at += 1,
            }
        }
    }

    /// A block in braces, one statement, or `: … end`.
    pub(super) fn block(&mut self, ends: &[&str]) {
        if self.eat(b':') {
            self.statements(ends);
            return;
        }
        if self.is_at_cursor() {
            return;
        }
        while self.peek() == Some(TokenKind::Doc) {
            self.documentation();
        }
        self.statement();
    }

    /// The condition in the brackets at the next token.
    pub(super) fn condition(&mut self) -> NodeId {
        self.eat(b'(');
        let condition = self.expression();
        self.eat(b')');
        condition
    }
}
