//! Statements with branches and loops.

use super::env::{EnvFrame, FrameKind};
use super::node::{NodeId, ValueNode};
use super::reader::FlowReader;
use crate::context::infer::types::Atom;
use crate::php::lex::TokenKind;

impl FlowReader<'_, '_> {
    /// `if`, with all its `elseif` and `else`.
    pub(super) fn conditional(&mut self) {
        const ENDS: [&str; 3] = ["else", "elseif", "endif"];
        let mut branches: Vec<EnvFrame> = Vec::new();
        self.at += 1;
        // Holds what is known because no earlier condition was true.
        self.open(FrameKind::Branch);
        let mut has_else = false;
        loop {
            let condition = self.condition();
            self.open(FrameKind::Branch);
            self.assume(condition, true);
            self.block(&ENDS);
            let branch = self.close();
            branches.push(self.with_outer(branch));
            self.assume(condition, false);
            if self.eat_keyword("elseif") {
                continue;
            }
            if !self.eat_keyword("else") {
                break;
            }
            if self.eat_keyword("if") {
                continue;
            }
            has_else = true;
            self.open(FrameKind::Branch);
            self.block(&["endif"]);
            let branch = self.close();
            branches.push(self.with_outer(branch));
            break;
        }
        let outer = self.close();
        if !has_else {
            branches.push(outer);
        }
        if self.eat_keyword("endif") {
            self.eat(b';');
        }
        self.merge(branches);
    }

    /// `branch` with what the frame around it changes.
    fn with_outer(&mut self, mut branch: EnvFrame) -> EnvFrame {
        let outer: Vec<_> = self
            .top()
            .values
            .iter()
            .map(|(&place, &node)| (place, node))
            .collect();
        for (place, node) in outer {
            branch.values.entry(place).or_insert(node);
        }
        branch
    }

    pub(super) fn while_loop(&mut self) {
        self.at += 1;
        self.open(FrameKind::Loop);
        let condition = self.condition();
        self.open(FrameKind::Branch);
        self.assume(condition, true);
        self.block(&["endwhile"]);
        if self.eat_keyword("endwhile") {
            self.eat(b';');
        }
        self.close_body();
        let is_endless = matches!(&self.nodes[condition as usize], ValueNode::Known(ty) if ty.members() == [Atom::Bool(Some(true))]);
        self.close_loop(is_endless);
        if !is_endless {
            self.assume(condition, false);
        }
    }

    pub(super) fn do_loop(&mut self) {
        self.at += 1;
        self.open(FrameKind::Loop);
        self.block(&[]);
        if self.eat_keyword("while") {
            self.condition();
            self.eat(b';');
        }
        self.close_loop(false);
    }

    pub(super) fn for_loop(&mut self) {
        self.at += 1;
        self.eat(b'(');
        let mut condition = None;
        self.for_part();
        self.open(FrameKind::Loop);
        if !self.is(b';') && !self.is_at_cursor() {
            condition = self.for_part();
        } else {
            self.eat(b';');
        }
        if let Some(condition) = condition {
            self.assume(condition, true);
        }
        self.for_part();
        self.eat(b')');
        self.block(&["endfor"]);
        if self.eat_keyword("endfor") {
            self.eat(b';');
        }
        self.close_loop(false);
    }

    /// The expressions up to the next `;` or `)`; returns the last one.
    fn for_part(&mut self) -> Option<NodeId> {
        let mut last = None;
        while !matches!(self.peek(), None | Some(TokenKind::Punct(b';' | b')'))) {
            let start = self.at;
            last = Some(self.expression());
            self.eat(b',');
            if self.at == start {
                break;
            }
        }
        self.eat(b';');
        last
    }

    pub(super) fn foreach(&mut self) {
        self.at += 1;
        self.eat(b'(');
        let iterated = self.expression();
        self.open(FrameKind::Loop);
        if self.peek() == Some(TokenKind::As) {
            self.at += 1;
            let mut target = self.expression();
            if self.peek() == Some(TokenKind::DoubleArrow) {
                self.at += 1;
                let key = self.node(ValueNode::Key(iterated));
                self.assign(target, key);
                target = self.expression();
            }
            let element = self.node(ValueNode::Element(iterated));
            self.assign(target, element);
        }
        self.eat(b')');
        self.documented.clear();
        self.block(&["endforeach"]);
        if self.eat_keyword("endforeach") {
            self.eat(b';');
        }
        self.close_loop(false);
    }

    /// Closes the frame of a loop's body.
    fn close_body(&mut self) {
        let body = self.close();
        if body.is_dead {
            return;
        }
        for (place, node) in body.values {
            self.narrow(place, node);
        }
    }

    /// Closes a loop: what a place holds at its end may be there at its start
    /// and behind it. A loop that is `endless` is left by `break` only.
    fn close_loop(&mut self, endless: bool) {
        let frame = self.close();
        for &(place, phi) in &frame.phis {
            let end = frame.values.get(&place).copied().flatten();
            if let Some(end) = end.filter(|&end| end != phi && !frame.is_dead)
                && let ValueNode::Phi(values) = &mut self.nodes[phi as usize]
            {
                values.push((end, None));
            }
        }
        let mut branches = Vec::new();
        if !endless {
            let mut after = EnvFrame::new(FrameKind::Branch);
            if !frame.is_dead {
                after.values.clone_from(&frame.values);
            }
            branches.push(after);
            // The loop may not run at all.
            branches.push(EnvFrame::new(FrameKind::Branch));
        }
        for values in frame.breaks {
            let mut left = EnvFrame::new(FrameKind::Branch);
            left.values = values;
            branches.push(left);
        }
        if !branches.is_empty() {
            self.merge(branches);
        }
    }

    pub(super) fn switch(&mut self) {
        self.at += 1;
        let subject = self.condition();
        if !self.eat(b'{') && !self.eat(b':') {
            return;
        }
        self.open(FrameKind::Switch);
        let mut has_default = false;
        let mut pending: Option<NodeId> = None;
        let mut ends: Vec<EnvFrame> = Vec::new();
        loop {
            if self.is_at_cursor() {
                self.pass_cursor();
            }
            let is_case = self.peek() == Some(TokenKind::Case);
            let is_default = !is_case && self.is_keyword("default");
            if !is_case && !is_default {
                break;
            }
            self.at += 1;
            has_default |= is_default;
            let joined = self.case_condition(subject, is_case, pending.take());
            if self.peek() == Some(TokenKind::Case) {
                pending = joined;
                continue;
            }
            self.open(FrameKind::Branch);
            if let Some(condition) = joined {
                self.assume(condition, true);
            }
            self.statements(&["case", "default", "endswitch"]);
            let branch = self.close();
            let branch = self.with_outer(branch);
            if !branch.is_dead {
                ends.push(branch);
            }
            if let Some(condition) = joined {
                self.assume(condition, false);
            }
        }
        if !self.eat(b'}') && self.eat_keyword("endswitch") {
            self.eat(b';');
        }
        self.close_switch(ends, has_default);
    }

    /// The condition of a `case` or `default` behind its keyword, given that of
    /// the empty cases before it; `None` for `default`.
    fn case_condition(
        &mut self,
        subject: NodeId,
        is_case: bool,
        before: Option<NodeId>,
    ) -> Option<NodeId> {
        let condition = is_case.then(|| {
            let value = self.expression();
            self.is_case(subject, value)
        });
        if !self.eat(b':') {
            self.eat(b';');
        }
        match (before, condition) {
            (Some(before), Some(condition)) => Some(self.node(ValueNode::Or(before, condition))),
            (None, condition) => condition,
            (Some(_), None) => None,
        }
    }

    /// Closes the frame of a `switch` whose cases have the `ends`.
    fn close_switch(&mut self, mut ends: Vec<EnvFrame>, has_default: bool) {
        let frame = self.close();
        for values in frame.breaks {
            let mut left = EnvFrame::new(FrameKind::Branch);
            left.values = values;
            ends.push(left);
        }
        if !has_default {
            let mut none = EnvFrame::new(FrameKind::Branch);
            none.values = frame.values;
            ends.push(none);
        }
        let is_dead = ends.is_empty() && has_default;
        self.merge(ends);
        self.top().is_dead |= is_dead;
    }

    pub(super) fn try_statement(&mut self) {
        self.at += 1;
        self.open(FrameKind::Branch);
        self.block(&[]);
        let tried = self.close();
        let mut branches = Vec::new();
        while self.peek() == Some(TokenKind::Catch) {
            self.at += 1;
            self.open(FrameKind::Branch);
            // What was assigned before the exception may be there.
            for (&place, &node) in &tried.values {
                if let Some(node) = node {
                    self.narrow(place, Some(node));
                }
            }
            self.caught();
            self.block(&[]);
            branches.push(self.close());
        }
        branches.insert(0, tried);
        self.merge(branches);
        if self.eat_keyword("finally") {
            self.block(&[]);
        }
    }

    /// The brackets behind `catch`.
    fn caught(&mut self) {
        self.eat(b'(');
        let (start, at) = (self.at, self.byte());
        while matches!(self.peek(), Some(TokenKind::Name | TokenKind::Punct(b'|'))) {
            self.at += 1;
        }
        if self.peek() == Some(TokenKind::Variable) && self.at > start {
            let end = self.tokens[self.at - 1].span.end;
            let text = &self.text[at as usize..end as usize];
            let node = self.declared(text, at);
            let target = self.variable(self.word());
            self.at += 1;
            self.assign(target, node);
        }
        self.eat(b')');
    }
}
