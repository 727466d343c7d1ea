//! What a condition says about values.

use super::env::FrameKind;
use super::node::{Callee, ClassExpr, MemberName, NodeId, PlaceId, ValueNode};
use super::reader::FlowReader;
use crate::context::infer::limits::{CONDITION_NESTING, CONDITION_PLACES};
use crate::php::lex::TokenKind;

impl<'a> FlowReader<'_, 'a> {
    /// Narrows the places that `condition` is about, given its outcome.
    pub(super) fn assume(&mut self, condition: NodeId, outcome: bool) {
        self.assume_nested(condition, outcome, CONDITION_NESTING);
    }

    fn assume_nested(&mut self, condition: NodeId, outcome: bool, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        match self.nodes[condition as usize] {
            ValueNode::Not(inner) => self.assume_nested(inner, !outcome, depth),
            ValueNode::And(left, right) if outcome => {
                self.assume_nested(left, true, depth);
                self.assume_nested(right, true, depth);
            }
            ValueNode::Or(left, right) if !outcome => {
                self.assume_nested(left, false, depth);
                self.assume_nested(right, false, depth);
            }
            ValueNode::And(left, right) | ValueNode::Or(left, right) => {
                // Either the left side has the outcome, or it has not and the
                // right side has it.
                self.open(FrameKind::Branch);
                self.assume_nested(left, outcome, depth);
                let first = self.close();
                self.open(FrameKind::Branch);
                self.assume_nested(left, !outcome, depth);
                self.assume_nested(right, outcome, depth);
                let second = self.close();
                self.merge(vec![first, second]);
            }
            _ => {
                let mut places = Vec::new();
                self.places_in(condition, CONDITION_NESTING, &mut places);
                if let ValueNode::Call(Callee::Method(object, ..), _) = self.called_node(condition)
                {
                    self.member_places(object, &mut places);
                }
                for (place, read) in places {
                    let base = self.lookup(place).unwrap_or(read);
                    let narrowed = self.node(ValueNode::Narrow {
                        base,
                        place,
                        condition,
                        outcome,
                    });
                    self.narrow(place, Some(narrowed));
                }
            }
        }
    }

    /// The node of a call, behind the place that it may have.
    fn called_node(&self, node: NodeId) -> ValueNode<'a> {
        let raw = self.raws.get(&node).copied().unwrap_or(node);
        self.nodes[raw as usize].clone()
    }

    /// Adds the members of `object` that the function names: an assertion of
    /// the called method may be about one.
    fn member_places(&mut self, object: NodeId, places: &mut Vec<(PlaceId, NodeId)>) {
        let root = match self.nodes[object as usize] {
            ValueNode::This(_) => self.places.number("$this".to_owned(), None),
            ValueNode::Read(place, _) => Some(place),
            _ => None,
        };
        let Some(root) = root else {
            return;
        };
        self.place_members();
        for place in self.places.below(root) {
            if places.len() >= CONDITION_PLACES {
                return;
            }
            let Some(&token) = self.member_tokens.get(&place) else {
                continue;
            };
            let name = MemberName::Name(self.token_text(token));
            let raw = if self.places.name(place).ends_with("()") {
                ValueNode::Call(Callee::Method(object, name, false), Vec::new())
            } else {
                ValueNode::Property(object, name, false)
            };
            let raw = self.node(raw);
            if places.iter().all(|(known, _)| *known != place) {
                places.push((place, raw));
            }
        }
    }

    /// Gives a place to each member of a variable that the function names.
    fn place_members(&mut self) {
        if std::mem::replace(&mut self.has_members, true) {
            return;
        }
        let start = self.closures[0].at;
        let first = self
            .tokens
            .partition_point(|token| token.span.start < start);
        for at in first..self.end.saturating_sub(2) {
            let [object, arrow, name] = [at, at + 1, at + 2].map(|at| self.tokens[at]);
            if object.kind != TokenKind::Variable
                || arrow.kind != TokenKind::Arrow
                || name.kind != TokenKind::Name
            {
                continue;
            }
            let is_call = self.tokens.get(at + 3).is_some_and(|token| token.is(b'('));
            let is_getter = is_call && self.tokens.get(at + 4).is_some_and(|token| token.is(b')'));
            if is_call && !is_getter {
                continue;
            }
            let brackets = if is_getter { "()" } else { "" };
            let (object, name) = (self.token_text(at), self.token_text(at + 2));
            let Some(parent) = self.places.number(object.to_owned(), None) else {
                continue;
            };
            let member = format!("{object}->{name}{brackets}");
            if let Some(place) = self.places.number(member, Some(parent)) {
                self.member_tokens.insert(place, at + 2);
            }
        }
    }

    /// The places that a condition reads, each with its node.
    fn places_in(&self, node: NodeId, depth: usize, places: &mut Vec<(PlaceId, NodeId)>) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        if places.len() >= CONDITION_PLACES {
            return;
        }
        let mut inner: Vec<NodeId> = Vec::new();
        match &self.nodes[node as usize] {
            ValueNode::Read(place, read) => {
                if places.iter().all(|(known, _)| known != place) {
                    places.push((*place, *read));
                }
                // `$a?->b` tells something of `$a`, `$a['k']` of `$a`.
                inner.push(*read);
                if let Some(&raw) = self.raws.get(&node) {
                    inner.extend(self.object_of(raw as usize));
                }
            }
            ValueNode::Property(object, _, true) => inner.push(*object),
            ValueNode::InstanceOf(value, class) => {
                inner.push(*value);
                if let ClassExpr::Value(class) = class {
                    inner.push(*class);
                }
            }
            ValueNode::Compare(_, left, right) => inner.extend([*left, *right]),
            ValueNode::Isset(values) => inner.extend(values),
            ValueNode::Empty(value) | ValueNode::Not(value) | ValueNode::Same(value) => {
                inner.push(*value)
            }
            ValueNode::ClassConstant(ClassExpr::Value(value), _) => inner.push(*value),
            ValueNode::Call(callee, arguments) => {
                inner.extend(arguments.iter().map(|argument| argument.value));
                if let Callee::Method(object, ..) = callee {
                    inner.push(*object);
                }
            }
            ValueNode::After {
                base: Some(base), ..
            } => inner.push(*base),
            _ => {}
        }
        for node in inner {
            if !matches!(
                self.nodes[node as usize],
                ValueNode::Narrow { .. } | ValueNode::Phi(_)
            ) {
                self.places_in(node, depth, places);
            }
        }
    }

    /// The object or array that the node `raw` takes a member or element of.
    fn object_of(&self, raw: usize) -> Option<NodeId> {
        match self.nodes[raw] {
            ValueNode::Property(object, ..) | ValueNode::Index(object, _) => Some(object),
            _ => None,
        }
    }

    /// Adds to the frame what the frames of branches change, where they meet.
    pub(super) fn merge(&mut self, branches: Vec<super::env::EnvFrame>) {
        if branches.iter().all(|branch| branch.is_dead) {
            self.top().is_dead |= !branches.is_empty();
            return;
        }
        let alive: Vec<_> = branches
            .into_iter()
            .filter(|branch| !branch.is_dead)
            .collect();
        let mut changed: Vec<PlaceId> = alive
            .iter()
            .flat_map(|branch| branch.values.keys().copied())
            .collect();
        changed.sort_unstable();
        changed.dedup();
        for place in changed {
            let before = self.lookup(place);
            let is_variable = self.places.is_variable(place);
            let mut values: Vec<(NodeId, Option<NodeId>)> = Vec::new();
            let mut is_lost = false;
            for branch in &alive {
                let value = branch.values.get(&place).copied().unwrap_or(before);
                match value {
                    Some(value) => {
                        if values.iter().all(|(known, _)| *known != value) {
                            values.push((value, branch.last_call));
                        }
                    }
                    None => is_lost |= !is_variable,
                }
            }
            let merged = match &*values {
                _ if is_lost => None,
                [] => None,
                [(value, None)] => Some(*value),
                _ => Some(self.node(ValueNode::Phi(values))),
            };
            self.narrow(place, merged);
        }
    }
}
