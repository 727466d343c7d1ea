//! Which node each place has. Frames lie on one another: a branch, a loop and a
//! function each have one, which holds what changes in them.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::node::{NodeId, PlaceId};
use crate::context::infer::limits::PLACES;

/// Why a frame was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    /// A branch.
    Branch,
    /// A loop. What it reads may come from its own end.
    Loop,
    /// A `switch`, which `break` leaves.
    Switch,
    /// A function, which sees no variables of another.
    Function,
    /// An arrow function, which sees all variables.
    Arrow,
}

/// What a branch, loop or function changes. A place without a node has no value
/// of its own any more.
#[derive(Debug)]
pub(super) struct EnvFrame {
    pub(super) kind: FrameKind,
    pub(super) values: BTreeMap<PlaceId, Option<NodeId>>,
    /// Whether control never reaches the end.
    pub(super) is_dead: bool,
    /// The call at the end.
    pub(super) last_call: Option<NodeId>,
    /// What is changed where a `break` leaves the loop or `switch`.
    pub(super) breaks: Vec<BTreeMap<PlaceId, Option<NodeId>>>,
    /// The nodes that join a place's value before the loop and at its end.
    pub(super) phis: Vec<(PlaceId, NodeId)>,
}

impl EnvFrame {
    pub(super) fn new(kind: FrameKind) -> Self {
        Self {
            kind,
            values: BTreeMap::new(),
            is_dead: false,
            last_call: None,
            breaks: Vec::new(),
            phis: Vec::new(),
        }
    }
}

/// The places of a flow by their text, such as `$this->a['b']`.
#[derive(Debug, Default)]
pub(super) struct Places {
    numbers: FxHashMap<String, PlaceId>,
    /// For each place the place that it is reached from.
    parents: Vec<Option<PlaceId>>,
    /// The places that are reached from each.
    children: Vec<Vec<PlaceId>>,
    names: Vec<String>,
}

impl Places {
    /// The number of the place `text`, which is reached from `parent`; `None`
    /// once there are too many.
    pub(super) fn number(&mut self, text: String, parent: Option<PlaceId>) -> Option<PlaceId> {
        if let Some(&known) = self.numbers.get(&text) {
            return Some(known);
        }
        if self.names.len() >= PLACES {
            return None;
        }
        let number = self.names.len() as PlaceId;
        self.names.push(text.clone());
        self.parents.push(parent);
        self.children.push(Vec::new());
        if let Some(parent) = parent {
            self.children[parent as usize].push(number);
        }
        self.numbers.insert(text, number);
        Some(number)
    }

    /// The text of every place.
    pub(super) fn into_names(self) -> Vec<String> {
        self.names
    }

    pub(super) fn name(&self, place: PlaceId) -> &str {
        &self.names[place as usize]
    }

    /// Whether the place is a variable.
    pub(super) fn is_variable(&self, place: PlaceId) -> bool {
        self.parents[place as usize].is_none()
    }

    /// The places that are reached from `place`, nearer ones first.
    pub(super) fn below(&self, place: PlaceId) -> Vec<PlaceId> {
        let mut all = self.children[place as usize].clone();
        let mut at = 0;
        while at < all.len() {
            let next = all[at];
            all.extend_from_slice(&self.children[next as usize]);
            at += 1;
        }
        all
    }
}
