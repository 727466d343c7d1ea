//! Assignments and destructuring.

use super::node::{Item, NodeId, ValueNode};
use super::reader::FlowReader;
use crate::context::infer::types::Atom;
use crate::php::lex::TokenKind;

impl FlowReader<'_, '_> {
    /// The assignment to `target`, if the next token, of this kind, begins one.
    pub(super) fn assignment(&mut self, target: NodeId, kind: TokenKind) -> Option<NodeId> {
        match kind {
            TokenKind::Punct(b'=') => {
                self.at += 1;
                if self.is(b'&') {
                    self.at += 1;
                }
                let value = self.operators(4);
                Some(self.assign(target, value))
            }
            TokenKind::Operator => {
                let operator = self.word();
                let is_assignment = operator.ends_with('=')
                    && !matches!(operator, "==" | "===" | "!=" | "!==" | "<=" | ">=");
                if !is_assignment {
                    return None;
                }
                self.at += 1;
                let right = self.operators(4);
                let value = match operator {
                    "??=" => self.node(ValueNode::Coalesce(target, right)),
                    ".=" => self.known(Atom::String(None)),
                    "+=" => self.node(ValueNode::Phi(vec![(target, None), (right, None)])),
                    _ => self.known(Atom::Int(None)),
                };
                Some(self.assign(target, value))
            }
            _ => None,
        }
    }

    /// Assigns `value` to `target`. Returns the value, at the target's place.
    pub(super) fn assign(&mut self, target: NodeId, value: NodeId) -> NodeId {
        match self.nodes[target as usize].clone() {
            ValueNode::Read(place, _) => {
                let name = self.places.name(place).to_owned();
                let value = self.documented_as(&name).unwrap_or(value);
                if name.contains("->") || name.contains("::") {
                    self.assigned.push((name, value));
                }
                self.set(place, Some(value));
                // A value put into an array at a known key is an element of
                // the array too.
                if let Some((base, key)) = self.indexed(target) {
                    self.store(base, key, value);
                    self.narrow(place, Some(value));
                }
                self.node(ValueNode::Read(place, value))
            }
            ValueNode::Array(items) => {
                self.destructure(&items, value);
                value
            }
            ValueNode::Index(base, key) => {
                self.store(base, key, value);
                value
            }
            ValueNode::Known(_) | ValueNode::Property(..) | ValueNode::StaticProperty(..) => value,
            _ => value,
        }
    }

    /// The array and the key that a read node goes to, if it reads an element.
    fn indexed(&self, target: NodeId) -> Option<(NodeId, Option<NodeId>)> {
        match &self.nodes[*self.raws.get(&target)? as usize] {
            ValueNode::Index(base, key) => Some((*base, *key)),
            _ => None,
        }
    }

    /// Sets the element `key` of the array that `base` reads.
    fn store(&mut self, base: NodeId, key: Option<NodeId>, value: NodeId) {
        let (mut base, mut key, mut value) = (base, key, value);
        for _ in 0..8 {
            let before = match self.nodes[base as usize] {
                ValueNode::Read(place, _) => self.lookup(place),
                _ => Some(base),
            };
            let stored = self.node(ValueNode::Store {
                base: before,
                key,
                value,
            });
            match self.nodes[base as usize] {
                ValueNode::Read(place, _) => {
                    self.narrow(place, Some(stored));
                    let name = self.places.name(place);
                    if name.contains("->") || name.contains("::") {
                        self.assigned.push((name.to_owned(), stored));
                    }
                    match self.indexed(base) {
                        Some((outer, outer_key)) => (base, key, value) = (outer, outer_key, stored),
                        None => return,
                    }
                }
                ValueNode::Index(outer, outer_key) => {
                    (base, key, value) = (outer, outer_key, stored)
                }
                _ => return,
            }
        }
    }

    /// Assigns the elements of `value` to the targets in `items`.
    pub(super) fn destructure(&mut self, items: &[Item], value: NodeId) {
        let mut pending = vec![(items.to_vec(), value)];
        while let Some((items, value)) = pending.pop() {
            let mut next = 0;
            for item in items {
                let key = match item.key {
                    Some(key) => key,
                    None => {
                        next += 1;
                        self.known(Atom::Int(Some(next - 1)))
                    }
                };
                if item.value == 0 {
                    continue;
                }
                let element = self.node(ValueNode::Index(value, Some(key)));
                match &self.nodes[item.value as usize] {
                    ValueNode::Array(inner) => pending.push((inner.clone(), element)),
                    _ => {
                        self.assign(item.value, element);
                    }
                }
            }
        }
    }

    /// The node of what `@var` before the statement says of `name`.
    fn documented_as(&mut self, name: &str) -> Option<NodeId> {
        let says = |(variable, _): &(Option<String>, NodeId)| {
            variable.as_deref().is_none_or(|variable| variable == name)
        };
        let found = self.documented.iter().position(says)?;
        Some(self.documented[found].1)
    }
}
