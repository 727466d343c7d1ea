//! The graph of a function's values.

use std::borrow::Cow;
use std::cell::RefCell;

use rustc_hash::FxHashMap;

use crate::context::infer::types::Type;
use crate::php::{FileFacts, Span};

/// The number of a node of a [`ValueFlow`].
pub(in crate::context::infer) type NodeId = u32;
/// The number of a place that holds a value: a variable, or a property or an
/// element that is reached from one.
pub(in crate::context::infer) type PlaceId = u32;

/// The values of one function or script.
pub(in crate::context::infer) struct ValueFlow<'a> {
    pub(super) text: &'a str,
    pub(in crate::context::infer) facts: &'a FileFacts,
    pub(in crate::context::infer) nodes: Vec<ValueNode<'a>>,
    /// The functions: the one that is read, then the closures in it.
    pub(in crate::context::infer) closures: Vec<Closure<'a>>,
    /// What stands before the operators that the flow was read for, by their tokens.
    pub(in crate::context::infer) receivers: Vec<(usize, NodeId)>,
    /// The text of each place.
    pub(super) place_names: Vec<String>,
    /// For a node that reads a property or an element: the node of that itself.
    pub(super) raws: FxHashMap<NodeId, NodeId>,
    /// What is assigned to properties, by their places.
    pub(in crate::context::infer) assigned: Vec<(String, NodeId)>,
    /// The value of the last statement that is an expression.
    pub(in crate::context::infer) last: Option<NodeId>,
    /// The variables at the cursor, with the nodes of their values.
    pub(in crate::context::infer) at_cursor: Vec<(String, NodeId)>,
    /// What is known of the type of each node.
    pub(in crate::context::infer) states: RefCell<Vec<State>>,
}

/// What is known of the type of a node.
#[derive(Clone, Debug, Default)]
pub(in crate::context::infer) enum State {
    /// Nobody has asked for it.
    #[default]
    Open,
    /// It is being computed, at this level. Who asks now goes in a circle.
    Busy(u32),
    /// The type.
    Done(Type),
}

/// A value.
#[derive(Clone, Debug)]
pub(in crate::context::infer) enum ValueNode<'a> {
    /// A value of a known type.
    Known(Type),
    /// A value of the type written at a byte.
    Declared(Cow<'a, str>, u32),
    /// `$this` in a function.
    This(u32),
    /// A global variable that nothing states the type of.
    Global(&'a str),
    /// The value of a place.
    Read(PlaceId, NodeId),
    /// `[…]`
    Array(Vec<Item>),
    /// `new …`
    New(ClassExpr<'a>, Vec<Argument<'a>>),
    /// A call.
    Call(Callee<'a>, Vec<Argument<'a>>),
    /// `f(...)`
    FirstClass(Callee<'a>),
    /// `$a->b`; whether it is `?->`.
    Property(NodeId, MemberName<'a>, bool),
    /// `A::$b`
    StaticProperty(ClassExpr<'a>, &'a str),
    /// `A::B` and `A::class`
    ClassConstant(ClassExpr<'a>, &'a str),
    /// A class in front of `::`.
    Class(ClassExpr<'a>),
    /// A constant.
    Constant(&'a str, u32),
    /// `$a[b]`
    Index(NodeId, Option<NodeId>),
    /// A value that is iterated over.
    Element(NodeId),
    /// A key that is iterated over.
    Key(NodeId),
    /// One of several values. The second number is the last call of the branch
    /// that the value comes from; a call that does not return ends the branch.
    Phi(Vec<(NodeId, Option<NodeId>)>),
    /// `$a ?? $b`
    Coalesce(NodeId, NodeId),
    /// What a place holds when a condition has an outcome.
    Narrow {
        base: NodeId,
        place: PlaceId,
        condition: NodeId,
        outcome: bool,
    },
    /// What a place holds after a call that it was handed to.
    After {
        base: Option<NodeId>,
        place: PlaceId,
        call: NodeId,
    },
    /// The array `base` in which an element was set.
    Store {
        base: Option<NodeId>,
        key: Option<NodeId>,
        value: NodeId,
    },
    /// `$a instanceof B`
    InstanceOf(NodeId, ClassExpr<'a>),
    /// `!$a`
    Not(NodeId),
    /// `$a && $b`
    And(NodeId, NodeId),
    /// `$a || $b`
    Or(NodeId, NodeId),
    /// `$a === $b` and its kin.
    Compare(Comparison, NodeId, NodeId),
    /// `isset(…)`
    Isset(Vec<NodeId>),
    /// `empty(…)`
    Empty(NodeId),
    /// A closure, by its number in [`ValueFlow::closures`].
    Closure(u32),
    /// A parameter: the number of its function, and its own.
    Param(u32, u32),
    /// `clone $a`, an assignment, or another expression with the value of a
    /// part.
    Same(NodeId),
    /// What `yield from` gives.
    Returned(NodeId),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::context::infer) enum Comparison {
    Identical,
    NotIdentical,
    Equal,
    NotEqual,
}

/// An element of an array that is written out.
#[derive(Clone, Copy, Debug)]
pub(in crate::context::infer) struct Item {
    pub(in crate::context::infer) key: Option<NodeId>,
    pub(in crate::context::infer) value: NodeId,
    pub(in crate::context::infer) is_spread: bool,
}

/// An argument of a call.
#[derive(Clone, Copy, Debug)]
pub(in crate::context::infer) struct Argument<'a> {
    /// The name of a named argument.
    pub(in crate::context::infer) name: Option<&'a str>,
    pub(in crate::context::infer) value: NodeId,
    pub(in crate::context::infer) is_spread: bool,
}

/// A class as an expression names it.
#[derive(Clone, Copy, Debug)]
pub(in crate::context::infer) enum ClassExpr<'a> {
    /// A name at a byte, also `self`, `static` and `parent`.
    Name(&'a str, u32),
    /// The class of an object, or the class that a string names.
    Value(NodeId),
    /// The anonymous class of the file with this number.
    Anonymous(usize),
}

/// The name of a member.
#[derive(Clone, Copy, Debug)]
pub(in crate::context::infer) enum MemberName<'a> {
    /// A name as it is written.
    Name(&'a str),
    /// The value of an expression.
    Value(NodeId),
}

/// What is called.
#[derive(Clone, Copy, Debug)]
pub(in crate::context::infer) enum Callee<'a> {
    /// A function by its name at a byte.
    Function(&'a str, u32),
    /// A value.
    Value(NodeId),
    /// A method of an object; whether it is called by `?->`.
    Method(NodeId, MemberName<'a>, bool),
    /// A static method.
    Static(ClassExpr<'a>, MemberName<'a>),
}

/// A function.
#[derive(Clone, Debug, Default)]
pub(in crate::context::infer) struct Closure<'a> {
    pub(in crate::context::infer) params: Vec<Param<'a>>,
    /// What it returns.
    pub(in crate::context::infer) returns: Vec<NodeId>,
    /// The keys and values that it yields.
    pub(in crate::context::infer) yields: Vec<(Option<NodeId>, NodeId)>,
    /// Whether it yields from other values.
    pub(in crate::context::infer) is_generator: bool,
    /// The declared type of the result; empty without one.
    pub(in crate::context::infer) result: Span,
    /// The doc comment before it; empty without one.
    pub(in crate::context::infer) doc: Span,
    /// The byte at which it starts.
    pub(in crate::context::infer) at: u32,
    /// The call that the closure is handed to, and the number of the argument.
    pub(in crate::context::infer) handed_to: Option<(NodeId, usize)>,
    /// The function around it.
    pub(in crate::context::infer) parent: u32,
}

/// A parameter of a function.
#[derive(Clone, Debug)]
pub(in crate::context::infer) struct Param<'a> {
    /// The name with its `$`.
    pub(in crate::context::infer) name: &'a str,
    /// The declared type; empty without one.
    pub(in crate::context::infer) ty: Span,
    pub(in crate::context::infer) is_variadic: bool,
    pub(in crate::context::infer) default: Option<NodeId>,
}

impl<'a> ValueFlow<'a> {
    /// The text of the file.
    pub(in crate::context::infer) fn text(&self) -> &'a str {
        self.text
    }

    pub(in crate::context::infer) fn node(&self, id: NodeId) -> &ValueNode<'a> {
        &self.nodes[id as usize]
    }

    /// The text of a place, such as `$this->a`.
    pub(in crate::context::infer) fn place_name(&self, place: PlaceId) -> &str {
        &self.place_names[place as usize]
    }

    /// The property or element that a node reads.
    pub(in crate::context::infer) fn raw(&self, id: NodeId) -> Option<NodeId> {
        self.raws.get(&id).copied()
    }
}
