//! What every part of the inference shares: the buffer, the classes that it
//! can see, and the fuel that bounds the work.

use std::cell::{Cell, OnceCell};

use elsa::{FrozenMap, FrozenVec};
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::class_lookup::ClassLookup;
use super::flow::ValueFlow;
use super::limits::{FUEL, MAX_DEPTH};
use super::members::ClassMembers;
use crate::context::buffer::Buffer;
use crate::index::Snapshot;
use crate::index::symbols::ClassRef;

/// For the name of each property that methods of a class seem to assign to: the numbers
/// of these methods.
pub(super) type AssigningMethods<'a> = FxHashMap<&'a str, Vec<usize>>;

/// The inference over one buffer.
pub(in crate::context) struct Inference<'a> {
    pub(in crate::context) buffer: &'a Buffer<'a>,
    pub(in crate::context) snapshot: &'a Snapshot,
    pub(in crate::context) lookup: &'a ClassLookup<'a>,
    /// How many more steps may be taken. Without this bound the work explodes
    /// where many types depend on one another.
    fuel: Cell<u32>,
    /// The levels of types that depend on other types.
    depth: Cell<usize>,
    /// How many nodes are being computed.
    pub(super) level: Cell<u32>,
    /// The lowest level of a node that was asked for while it was computed.
    /// What is computed above that level is not known for good.
    pub(super) circle: Cell<u32>,
    /// The members of the classes that were asked for, by the place of the
    /// class.
    members: FrozenMap<(usize, usize), Box<ClassMembers<'a>>, FxBuildHasher>,
    /// The methods that assign to properties, by the places of their classes; see `body`.
    pub(super) assigning: FrozenMap<(usize, usize), Box<AssigningMethods<'a>>, FxBuildHasher>,
    /// The functions that were read.
    pub(super) flows: FrozenVec<Box<ValueFlow<'a>>>,
    /// The function at the cursor: its number in `flows`.
    pub(super) at_cursor: OnceCell<usize>,
    /// The frameworks that the project uses, by their numbers in the list of
    /// `frameworks`.
    pub(super) frameworks: OnceCell<Vec<usize>>,
    /// Texts that no file holds, kept for the request.
    texts: FrozenVec<String>,
}

impl<'a> Inference<'a> {
    pub(in crate::context) fn new(
        buffer: &'a Buffer<'a>,
        snapshot: &'a Snapshot,
        lookup: &'a ClassLookup<'a>,
    ) -> Self {
        Self {
            buffer,
            snapshot,
            lookup,
            fuel: Cell::new(FUEL),
            depth: Cell::new(0),
            level: Cell::new(0),
            circle: Cell::new(u32::MAX),
            members: FrozenMap::default(),
            assigning: FrozenMap::default(),
            flows: FrozenVec::new(),
            at_cursor: OnceCell::new(),
            frameworks: OnceCell::new(),
            texts: FrozenVec::new(),
        }
    }

    /// Keeps a text that no file holds.
    pub(super) fn keep(&self, text: String) -> &str {
        self.texts.push_get(text)
    }

    /// Takes `cost` steps from the number that may still be taken. Takes
    /// nothing and returns `false` if fewer are left.
    #[must_use]
    pub(super) fn spend(&self, cost: u32) -> bool {
        let left = self.fuel.get().checked_sub(cost);
        if let Some(left) = left {
            self.fuel.set(left);
        }
        left.is_some()
    }

    /// What `of` gives, one level further down; `None` where there are too
    /// many levels.
    pub(super) fn deeper<T>(&self, of: impl FnOnce() -> T) -> Option<T> {
        let depth = self.depth.get();
        if depth >= MAX_DEPTH {
            return None;
        }
        self.depth.set(depth + 1);
        let value = of();
        self.depth.set(depth);
        Some(value)
    }

    /// The class-like with the fully qualified name `name`: the buffer's own
    /// if it declares it, else the project's or a package's, else PHP's.
    pub(in crate::context) fn class(&self, name: &str) -> Option<ClassRef<'a>> {
        self.lookup.find(name)
    }

    /// The buffer's class number `item`.
    pub(in crate::context) fn own(&self, item: usize) -> ClassRef<'a> {
        self.lookup.own(item)
    }

    /// The members of a class and of all that it inherits from.
    pub(in crate::context) fn members(&self, class: ClassRef<'a>) -> &ClassMembers<'a> {
        let key = class.place();
        match self.members.get(&key) {
            Some(known) => known,
            None => self
                .members
                .insert(key, Box::new(ClassMembers::of(class, self.lookup))),
        }
    }

    /// The members of the class at the cursor.
    pub(in crate::context) fn members_at_cursor(&self) -> Option<&ClassMembers<'a>> {
        let item = self.buffer.class()?;
        Some(self.members(self.own(item)))
    }

    /// The fully qualified name of `class`; for an anonymous class that of its
    /// parent or first interface.
    pub(super) fn name_of(&self, class: ClassRef<'a>) -> Option<String> {
        if !class.short_name().is_empty() {
            return Some(class.name());
        }
        let declared = class.class();
        let parent = declared.extends.first().or(declared.implements.first())?;
        class.scope().class(parent.of(class.text))
    }
}
