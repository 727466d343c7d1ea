//! Expressions with operators.

use super::env::FrameKind;
use super::node::{ClassExpr, Comparison, NodeId, ValueNode};
use super::reader::FlowReader;
use crate::context::infer::types::Atom;
use crate::php::lex::TokenKind;

/// How strongly an operator binds.
type Strength = u8;
const LOOSEST: Strength = 0;
const ASSIGNMENT: Strength = 4;
const TERNARY: Strength = 5;
const COALESCE: Strength = 6;
const OR: Strength = 7;
const AND: Strength = 8;
const EQUALITY: Strength = 12;
const PIPE: Strength = 14;
const CONCAT: Strength = 15;
const SUM: Strength = 17;
/// What stands behind `!` or a cast.
pub(super) const UNARY: Strength = 19;

/// A binary operator.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    And,
    Or,
    Xor,
    Ternary,
    Coalesce,
    Compare(Option<Comparison>),
    Pipe,
    Concat,
    Arithmetic,
    Instanceof,
}

/// The operator with this text, and how strongly it binds.
fn operator(kind: TokenKind, text: &str) -> Option<(Operator, Strength)> {
    use Operator::{
        And, Arithmetic, Coalesce, Compare, Concat, Instanceof, Or, Pipe, Ternary, Xor,
    };
    Some(match kind {
        TokenKind::Instanceof => (Instanceof, 20),
        TokenKind::Keyword => match text.to_ascii_lowercase().as_str() {
            "or" => (Or, 1),
            "xor" => (Xor, 2),
            "and" => (And, 3),
            _ => return None,
        },
        TokenKind::Operator => match text {
            "??" => (Coalesce, COALESCE),
            "||" => (Or, OR),
            "&&" => (And, AND),
            "===" => (Compare(Some(Comparison::Identical)), EQUALITY),
            "!==" => (Compare(Some(Comparison::NotIdentical)), EQUALITY),
            "==" => (Compare(Some(Comparison::Equal)), EQUALITY),
            "!=" | "<>" => (Compare(Some(Comparison::NotEqual)), EQUALITY),
            "<=>" => (Arithmetic, EQUALITY),
            "<=" | ">=" => (Compare(None), 13),
            "|>" => (Pipe, PIPE),
            "<<" | ">>" => (Arithmetic, 16),
            "**" => (Arithmetic, 21),
            _ => return None,
        },
        TokenKind::Punct(byte) => match byte {
            b'?' => (Ternary, TERNARY),
            b'|' => (Arithmetic, 9),
            b'^' => (Arithmetic, 10),
            b'&' => (Arithmetic, 11),
            b'<' | b'>' => (Compare(None), 13),
            b'.' => (Concat, CONCAT),
            b'+' | b'-' => (Arithmetic, SUM),
            b'*' | b'/' | b'%' => (Arithmetic, 18),
            _ => return None,
        },
        _ => return None,
    })
}

impl<'a> FlowReader<'_, 'a> {
    /// The next expression.
    pub(super) fn expression(&mut self) -> NodeId {
        self.operators(LOOSEST)
    }

    /// The next expression, up to an operator that binds more loosely than
    /// `least`.
    pub(super) fn operators(&mut self, least: Strength) -> NodeId {
        if !self.descend() {
            self.skip_expression();
            return self.unknown();
        }
        let mut left = self.unary();
        while let Some(kind) = self.peek() {
            if let Some(assigned) = self.assignment(left, kind) {
                left = assigned;
                continue;
            }
            let Some((operator, strength)) = operator(kind, self.word()) else {
                break;
            };
            if strength < least {
                break;
            }
            self.at += 1;
            left = self.binary(left, operator, strength);
        }
        self.ascend();
        left
    }

    /// The expression `left operator …`, behind the operator.
    fn binary(&mut self, left: NodeId, operator: Operator, strength: Strength) -> NodeId {
        match operator {
            Operator::And | Operator::Or => {
                let is_and = operator == Operator::And;
                self.open(FrameKind::Branch);
                self.assume(left, is_and);
                let right = self.operators(strength + 1);
                self.close_condition();
                self.node(if is_and {
                    ValueNode::And(left, right)
                } else {
                    ValueNode::Or(left, right)
                })
            }
            Operator::Ternary => self.ternary(left),
            Operator::Coalesce => {
                let right = self.operators(strength);
                self.node(ValueNode::Coalesce(left, right))
            }
            Operator::Instanceof => {
                let class = self.class_operand();
                self.node(ValueNode::InstanceOf(left, class))
            }
            Operator::Pipe => {
                let callee = self.operators(strength + 1);
                self.piped(left, callee)
            }
            Operator::Compare(comparison) => {
                let right = self.operators(strength + 1);
                match comparison {
                    Some(comparison) => self.node(ValueNode::Compare(comparison, left, right)),
                    None => self.known(Atom::Bool(None)),
                }
            }
            Operator::Xor => {
                self.operators(strength + 1);
                self.known(Atom::Bool(None))
            }
            Operator::Concat => {
                self.operators(strength + 1);
                self.known(Atom::String(None))
            }
            Operator::Arithmetic => {
                let right = self.operators(strength + 1);
                // `+` joins arrays.
                self.node(ValueNode::Phi(vec![(left, None), (right, None)]))
            }
        }
    }

    /// Closes the frame of the right side of `&&` or `||`: keeps what it
    /// assigns, but not what it narrows.
    fn close_condition(&mut self) {
        let frame = self.close();
        for (place, node) in frame.values {
            let Some(node) = node else {
                continue;
            };
            if matches!(self.nodes[node as usize], ValueNode::Narrow { .. }) {
                continue;
            }
            let value = match self.lookup(place) {
                Some(before) if before != node => {
                    self.node(ValueNode::Phi(vec![(node, None), (before, None)]))
                }
                _ => node,
            };
            self.narrow(place, Some(value));
        }
    }

    /// `condition ? a : b` and `condition ?: b`, behind the `?`.
    fn ternary(&mut self, condition: NodeId) -> NodeId {
        if self.eat(b':') {
            self.open(FrameKind::Branch);
            self.assume(condition, false);
            let otherwise = self.operators(TERNARY + 1);
            self.close_condition();
            let then = self.truthy(condition);
            return self.node(ValueNode::Phi(vec![(then, None), (otherwise, None)]));
        }
        self.open(FrameKind::Branch);
        self.assume(condition, true);
        let then = self.operators(ASSIGNMENT);
        self.close_condition();
        if !self.eat(b':') {
            return then;
        }
        self.open(FrameKind::Branch);
        self.assume(condition, false);
        let otherwise = self.operators(TERNARY + 1);
        self.close_condition();
        self.node(ValueNode::Phi(vec![(then, None), (otherwise, None)]))
    }

    /// The value of `condition` where it is true.
    fn truthy(&mut self, condition: NodeId) -> NodeId {
        match self.nodes[condition as usize] {
            ValueNode::Read(place, base) => self.node(ValueNode::Narrow {
                base,
                place,
                condition,
                outcome: true,
            }),
            _ => condition,
        }
    }

    /// An operand with the signs before it.
    fn unary(&mut self) -> NodeId {
        let Some(kind) = self.peek() else {
            return self.unknown();
        };
        let word = self.word();
        match kind {
            TokenKind::Punct(b'!') => {
                self.at += 1;
                let operand = self.operators(UNARY);
                self.node(ValueNode::Not(operand))
            }
            TokenKind::Punct(b'@' | b'&') => {
                self.at += 1;
                self.operators(UNARY)
            }
            TokenKind::Punct(b'-' | b'+' | b'~') => {
                self.at += 1;
                let operand = self.operators(UNARY);
                self.negated(operand, kind == TokenKind::Punct(b'-'))
            }
            TokenKind::Operator if matches!(word, "++" | "--" | "&&") => {
                self.at += 1;
                self.operators(UNARY)
            }
            TokenKind::Punct(b'(') => match self.cast() {
                Some(ty) => {
                    self.at += 3;
                    let operand = self.operators(UNARY);
                    self.cast_of(ty, operand)
                }
                None => self.postfix(),
            },
            TokenKind::Doc => {
                self.at += 1;
                self.unary()
            }
            TokenKind::Keyword => self.unary_keyword(word),
            TokenKind::Include => {
                self.at += 1;
                self.expression();
                self.unknown()
            }
            _ => self.postfix(),
        }
    }

    /// The number behind a `-`.
    fn negated(&mut self, operand: NodeId, is_minus: bool) -> NodeId {
        let value = match &self.nodes[operand as usize] {
            ValueNode::Known(ty) => match ty.members() {
                [Atom::Int(Some(value))] => Some(if is_minus { -value } else { *value }),
                _ => None,
            },
            _ => None,
        };
        self.known(Atom::Int(value))
    }

    fn unary_keyword(&mut self, word: &'a str) -> NodeId {
        match word.to_ascii_lowercase().as_str() {
            "clone" => {
                self.at += 1;
                if self.is(b'(') {
                    return self.clone_with();
                }
                let operand = self.operators(UNARY);
                self.node(ValueNode::Same(operand))
            }
            "print" => {
                self.at += 1;
                self.operators(ASSIGNMENT);
                self.known(Atom::Int(None))
            }
            "throw" => {
                self.at += 1;
                self.expression();
                self.known(Atom::Never)
            }
            "yield" => {
                self.at += 1;
                self.yielded()
            }
            _ => self.postfix(),
        }
    }

    /// `clone($a, ['b' => 1])`, at the bracket.
    fn clone_with(&mut self) -> NodeId {
        let (arguments, _) = self.arguments();
        match arguments.first() {
            Some(argument) => self.node(ValueNode::Same(argument.value)),
            None => self.unknown(),
        }
    }

    /// What stands behind `yield`.
    fn yielded(&mut self) -> NodeId {
        let function = self.function as usize;
        self.closures[function].is_generator = true;
        if self.peek() == Some(TokenKind::Name) && self.word().eq_ignore_ascii_case("from") {
            self.at += 1;
            let from = self.operators(ASSIGNMENT);
            let (key, value) = (
                self.node(ValueNode::Key(from)),
                self.node(ValueNode::Element(from)),
            );
            self.closures[function].yields.push((Some(key), value));
            return self.node(ValueNode::Returned(from));
        }
        let ends = matches!(
            self.peek(),
            None | Some(TokenKind::Punct(b';' | b')' | b',' | b']'))
        );
        if ends {
            return self.unknown();
        }
        let mut value = self.operators(ASSIGNMENT);
        let mut key = None;
        if self.peek() == Some(TokenKind::DoubleArrow) {
            self.at += 1;
            key = Some(value);
            value = self.operators(ASSIGNMENT);
        }
        self.closures[function].yields.push((key, value));
        self.unknown()
    }

    /// The type of the cast `(int)` at the next token.
    fn cast(&self) -> Option<&'a str> {
        let is_closed = self.ahead(2) == Some(TokenKind::Punct(b')'));
        let word = self.token_text(self.at + 1);
        let lower = word.to_ascii_lowercase();
        let is_type = matches!(
            lower.as_str(),
            "int"
                | "integer"
                | "bool"
                | "boolean"
                | "float"
                | "double"
                | "real"
                | "string"
                | "array"
                | "object"
                | "unset"
                | "binary"
                | "void"
        );
        (is_closed && is_type).then_some(word)
    }

    fn cast_of(&mut self, ty: &str, operand: NodeId) -> NodeId {
        let atom = match ty.to_ascii_lowercase().as_str() {
            "int" | "integer" => Atom::Int(None),
            "bool" | "boolean" => Atom::Bool(None),
            "float" | "double" | "real" => Atom::Float,
            "string" | "binary" => Atom::String(None),
            "array" => return self.node(ValueNode::Same(operand)),
            "object" => return self.node(ValueNode::Same(operand)),
            _ => Atom::Null,
        };
        self.known(atom)
    }

    /// The class behind `instanceof`.
    fn class_operand(&mut self) -> ClassExpr<'a> {
        let at = self.byte();
        let is_name = matches!(self.peek(), Some(TokenKind::Name | TokenKind::Modifier));
        if is_name && self.ahead(1) != Some(TokenKind::DoubleColon) {
            self.at += 1;
            return ClassExpr::Name(self.token_text(self.at - 1), at);
        }
        let value = self.operators(UNARY + 2);
        ClassExpr::Value(value)
    }

    /// Moves behind an expression that is nested too deeply.
    fn skip_expression(&mut self) {
        while let Some(kind) = self.peek() {
            match kind {
                TokenKind::Punct(b'(' | b'[' | b'{') | TokenKind::AttributeOpen => {
                    self.skip_brackets();
                }
                TokenKind::Punct(b')' | b']' | b'}' | b';' | b',') => break,
                _ => self.at += 1,
            }
        }
    }
}
