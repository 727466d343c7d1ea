//! The types of the nodes of a flow.

use std::rc::Rc;

use super::flow::{
    Argument, Callee, ClassExpr, Comparison, Item, MemberName, NodeId, State, ValueFlow, ValueNode,
};
use super::function_ref::FunctionRef;
use super::inference::Inference;
use super::resolve::Resolver;
use super::types::{ArrayType, Atom, CallableType, Type};
use crate::index::symbols::ClassRef;
use crate::php::names::Scope;

/// Methods that, given a class, most likely return an object of it.
const CONTAINER_METHODS: [&str; 6] = ["create", "find", "get", "getinstance", "make", "resolve"];

/// Computes the types of one flow.
pub(super) struct Eval<'e, 'a> {
    pub(super) inference: &'e Inference<'a>,
    pub(super) flow: &'e ValueFlow<'a>,
    /// The class that the function is in.
    pub(super) class: Option<ClassRef<'a>>,
    /// What `$this` is.
    pub(super) this: Type,
    /// The function that was read, if it is a named one.
    pub(super) function: Option<FunctionRef<'a>>,
}

/// The arguments of a call.
#[derive(Clone, Copy)]
pub(super) struct Args<'c, 'e, 'a> {
    /// The flow that the arguments are from; without one nothing is known of
    /// them.
    pub(super) eval: Option<&'c Eval<'e, 'a>>,
    pub(super) list: &'c [Argument<'a>],
}

impl Args<'_, '_, '_> {
    /// No arguments.
    pub(super) const NONE: Self = Args {
        eval: None,
        list: &[],
    };

    /// The node of the argument for the parameter with this number and name.
    pub(super) fn node(&self, position: usize, name: &str) -> Option<NodeId> {
        let name = name.trim_start_matches('$');
        let named = self
            .list
            .iter()
            .find(|argument| argument.name == Some(name));
        let found = named.or_else(|| {
            self.list
                .get(position)
                .filter(|argument| argument.name.is_none())
        });
        found.map(|argument| argument.value)
    }

    /// The type of that argument.
    pub(super) fn ty(&self, position: usize, name: &str) -> Option<Type> {
        let node = self.node(position, name)?;
        Some(self.eval?.ty(node))
    }

    /// The type of all arguments from `position` on.
    pub(super) fn rest(&self, position: usize) -> Option<Type> {
        let eval = self.eval?;
        let rest = self.list.get(position..)?;
        let types = rest.iter().map(|argument| {
            let ty = eval.ty(argument.value);
            if argument.is_spread {
                eval.inference.element(&ty)
            } else {
                ty
            }
        });
        types.reduce(Type::or)
    }

    /// Whether the argument is a closure that is written out.
    pub(super) fn is_closure(&self, position: usize, name: &str) -> bool {
        let node = self.node(position, name);
        node.zip(self.eval)
            .is_some_and(|(node, eval)| matches!(eval.flow.node(node), ValueNode::Closure(_)))
    }
}

impl<'e, 'a> Eval<'e, 'a> {
    /// The type of a node.
    pub(super) fn ty(&self, id: NodeId) -> Type {
        if let State::Done(ty) = &self.flow.states.borrow()[id as usize] {
            return ty.clone();
        }
        self.inference
            .deeper(|| self.along_spine(id))
            .unwrap_or_default()
    }

    /// The type of a node. The links of a chain are computed one after another,
    /// so that a long chain is no deep recursion.
    fn along_spine(&self, id: NodeId) -> Type {
        let inference = self.inference;
        let first = inference.level.get();
        let mut chain: Vec<NodeId> = Vec::new();
        let mut next = Some(id);
        while let Some(id) = next.filter(|&id| chain.last().is_none_or(|&last| id < last)) {
            let state = &mut self.flow.states.borrow_mut()[id as usize];
            match state {
                State::Open => *state = State::Busy(first + chain.len() as u32),
                State::Busy(level) if chain.is_empty() => {
                    inference.circle.set(inference.circle.get().min(*level));
                    return Type::default();
                }
                _ => break,
            }
            chain.push(id);
            next = spine(self.flow.node(id));
        }
        inference.level.set(first + chain.len() as u32);
        let outer = inference.circle.replace(u32::MAX);
        let mut ty = Type::default();
        let mut open = Vec::new();
        let mut circle = u32::MAX;
        for (back, &id) in chain.iter().enumerate().rev() {
            let level = first + back as u32;
            ty = if inference.spend(1) {
                self.compute(id)
            } else {
                Type::default()
            };
            self.flow.states.borrow_mut()[id as usize] = State::Done(ty.clone());
            circle = circle.min(inference.circle.replace(u32::MAX));
            if circle < level {
                open.push(id);
            } else {
                circle = u32::MAX;
            }
        }
        for id in open {
            self.flow.states.borrow_mut()[id as usize] = State::Open;
        }
        inference.circle.set(outer.min(circle));
        inference.level.set(first);
        ty
    }

    fn compute(&self, id: NodeId) -> Type {
        match self.flow.node(id) {
            ValueNode::Known(ty) => ty.clone(),
            ValueNode::Declared(text, at) => self.resolver(*at).read(text),
            ValueNode::This(function) => self.this_in(*function),
            ValueNode::Global(name) => self.inference.told_global(name),
            ValueNode::Read(_, value) | ValueNode::Same(value) => self.ty(*value),
            ValueNode::Array(items) => self.array(items),
            ValueNode::New(class, args) => self.object(class, args),
            ValueNode::Call(callee, args) => self.call(callee, args),
            ValueNode::FirstClass(callee) => self.first_class(callee),
            ValueNode::Property(object, name, _) => match self.name(name) {
                Some(name) => self.inference.property(&self.ty(*object), &name),
                None => Type::default(),
            },
            ValueNode::StaticProperty(class, name) => {
                self.inference.property(&self.class_type(class), name)
            }
            ValueNode::ClassConstant(class, name) => self.class_constant(class, name),
            ValueNode::Class(class) => self.class_type(class),
            ValueNode::Constant(name, at) => self.inference.constant(name, &self.scope(*at)),
            ValueNode::Index(base, key) => {
                let key = key.and_then(|key| self.ty(key).key());
                self.inference.element_at(&self.ty(*base), key.as_deref())
            }
            ValueNode::Element(of) => self.inference.element(&self.ty(*of)),
            ValueNode::Key(of) => self.inference.iterated_key(&self.ty(*of)),
            ValueNode::Phi(values) => self.one_of(values),
            ValueNode::Coalesce(left, right) => self.ty(*left).without_null().or(self.ty(*right)),
            ValueNode::Narrow {
                base,
                place,
                condition,
                outcome,
            } => {
                let base = self.ty(*base);
                self.narrowed(base, *place, *condition, *outcome)
            }
            ValueNode::After { base, place, call } => self.after(*base, *place, *call),
            ValueNode::Store { base, key, value } => self.stored(*base, *key, *value),
            ValueNode::InstanceOf(..)
            | ValueNode::Not(_)
            | ValueNode::And(..)
            | ValueNode::Or(..)
            | ValueNode::Compare(..)
            | ValueNode::Isset(_)
            | ValueNode::Empty(_) => Atom::Bool(None).into(),
            ValueNode::Closure(number) => self.closure(*number),
            ValueNode::Param(function, number) => self.parameter(*function, *number),
            ValueNode::Returned(generator) => {
                let ty = self.ty(*generator);
                let args = ty
                    .classes()
                    .filter_map(|class| self.inference.args_of(class, "Generator"));
                args.filter_map(|args| args.get(3).cloned())
                    .reduce(Type::or)
                    .unwrap_or_default()
            }
        }
    }

    fn one_of(&self, values: &[(NodeId, Option<NodeId>)]) -> Type {
        let mut all = Type::default();
        let is_joined = values.len() > 1;
        for &(value, last_call) in values {
            if is_joined && last_call.is_some_and(|call| self.ty(call).is_never()) {
                continue;
            }
            all.add(self.ty(value));
        }
        all
    }

    /// The names in force at byte `at`.
    pub(super) fn scope(&self, at: u32) -> Scope<'a> {
        Scope::at(self.flow.facts, self.flow.text(), at as usize)
    }

    /// The resolver of types that are written at byte `at`.
    pub(super) fn resolver(&self, at: u32) -> Resolver<'_, 'a> {
        let mut docs = Vec::new();
        for closure in &self.flow.closures {
            docs.push(closure.doc.of(self.flow.text()));
        }
        docs.extend(self.class.map(|class| class.class().doc.of(class.text)));
        Resolver {
            class: self.class,
            docs,
            ..Resolver::new(self.inference, self.scope(at), self.this.clone())
        }
    }

    /// What a name of a member is.
    fn name(&self, name: &MemberName<'a>) -> Option<Rc<str>> {
        match name {
            MemberName::Name(name) => Some((*name).into()),
            MemberName::Value(value) => self.ty(*value).key(),
        }
    }

    /// An object of the class that `class` names, for what stands behind `::`.
    pub(super) fn class_type(&self, class: &ClassExpr<'a>) -> Type {
        match class {
            ClassExpr::Name(name, at) => {
                let lower = name.to_ascii_lowercase();
                match lower.as_str() {
                    "static" => self.this.clone(),
                    "self" | "parent" => self.resolver(*at).read(&lower),
                    _ => Type::of_class(self.scope(*at).class(name)),
                }
            }
            ClassExpr::Value(value) => self.inference.instance(&self.ty(*value)),
            ClassExpr::Anonymous(item) => self.inference.anonymous(self.flow.facts, *item),
        }
    }

    fn class_constant(&self, class: &ClassExpr<'a>, name: &str) -> Type {
        let of = self.class_type(class);
        if name.eq_ignore_ascii_case("class") {
            return Atom::ClassString(Box::new(of)).into();
        }
        self.inference.class_constants(&of, name)
    }

    /// An array that is written out.
    fn array(&self, items: &[Item]) -> Type {
        let mut array = ArrayType::default();
        let mut next = 0_i64;
        let mut is_spread = false;
        for item in items {
            let value = self.ty(item.value);
            if item.is_spread {
                is_spread = true;
                array.value.add(self.inference.element(&value));
                array.key.add(self.inference.iterated_key(&value));
                continue;
            }
            let key = match item.key {
                Some(key) => self.ty(key).key(),
                None if is_spread => None,
                None => {
                    next += 1;
                    Some((next - 1).to_string().into())
                }
            };
            if let (None, Some(key)) = (&key, item.key) {
                array.key.add(self.ty(key));
            }
            array = array.with(key, value);
        }
        Atom::Array(Rc::new(array)).into()
    }

    /// The array `base` with `value` at `key`.
    fn stored(&self, base: Option<NodeId>, key: Option<NodeId>, value: NodeId) -> Type {
        let base = base.map(|base| self.ty(base)).unwrap_or_default();
        let value = self.ty(value);
        let key = key.map(|key| self.ty(key));
        if base.classes().next().is_some() {
            return base;
        }
        let known = base.members().iter().find_map(|atom| match atom {
            Atom::Array(array) => Some(array.clone()),
            _ => None,
        });
        let mut array = known.map_or_else(ArrayType::default, |array| (*array).clone());
        match &key {
            Some(key) if key.key().is_none() => array.key.add(key.clone()),
            None => array.key.push(Atom::Int(None)),
            _ => {}
        }
        let key = key.and_then(|key| key.key());
        Atom::Array(Rc::new(array.with(key, value))).into()
    }

    /// `new …`
    fn object(&self, class: &ClassExpr<'a>, args: &[Argument<'a>]) -> Type {
        let ty = self.class_type(class);
        let args = Args {
            eval: Some(self),
            list: args,
        };
        let mut all = Type::default();
        for atom in ty.members() {
            all.push(match atom {
                Atom::Class(class) if class.args.is_empty() => {
                    Atom::Class(self.inference.constructed(class, args))
                }
                other => other.clone(),
            });
        }
        all
    }

    fn call(&self, callee: &Callee<'a>, list: &[Argument<'a>]) -> Type {
        let args = Args {
            eval: Some(self),
            list,
        };
        match callee {
            Callee::Function(name, at) => self.function_call(name, *at, args),
            Callee::Value(value) => {
                let callables = self.inference.callables(&self.ty(*value));
                let results = callables.iter().map(|callable| self.called(callable, args));
                results.reduce(Type::or).unwrap_or_default()
            }
            Callee::Method(object, name, _) => {
                let Some(name) = self.name(name) else {
                    return Type::default();
                };
                let receiver = self.ty(*object);
                let ty = self.inference.method(&receiver, &name, args);
                if ty.is_empty() && CONTAINER_METHODS.contains(&&*name.to_ascii_lowercase()) {
                    return self.class_argument(args);
                }
                ty
            }
            Callee::Static(class, name) => {
                let Some(name) = self.name(name) else {
                    return Type::default();
                };
                let mut receiver = self.class_type(class);
                let is_forwarded = matches!(class, ClassExpr::Name(name, _) if matches!(&*name.to_ascii_lowercase(), "self" | "parent"));
                if let (ClassExpr::Name("parent", _), true) = (class, is_forwarded) {
                    // `static` in a parent's method is the class here.
                    let ty = self.inference.method_as(&receiver, &self.this, &name, args);
                    return ty;
                }
                if receiver.is_empty() {
                    receiver = self.this.clone();
                }
                let ty = self.inference.method(&receiver, &name, args);
                if ty.is_empty() && CONTAINER_METHODS.contains(&&*name.to_ascii_lowercase()) {
                    return self.class_argument(args);
                }
                ty
            }
        }
    }

    /// What a callable value returns.
    pub(super) fn called(&self, callable: &CallableType, args: Args<'_, 'e, 'a>) -> Type {
        match &callable.function {
            Some(name) => self.function_call(name, 0, args),
            None => callable.result.clone(),
        }
    }

    fn function_call(&self, name: &str, at: u32, args: Args<'_, '_, 'a>) -> Type {
        let inference = self.inference;
        let first = || args.ty(0, "").unwrap_or_default();
        let plain = name.trim_start_matches('\\').to_ascii_lowercase();
        match plain.as_str() {
            "get_class" if !args.list.is_empty() => {
                return Atom::ClassString(Box::new(
                    first().filter(|atom| !atom.classes().is_empty()),
                ))
                .into();
            }
            "call_user_func" | "call_user_func_array" => {
                let callables = inference.callables(&first());
                let results = callables
                    .into_iter()
                    .map(|callable| callable.result.clone());
                return results.reduce(Type::or).unwrap_or_default();
            }
            _ => {}
        }
        let told = inference.told_function(&plain, args);
        if !told.is_empty() {
            return told;
        }
        match inference.function(name, &self.scope(at)) {
            Some(function) => inference
                .result(&function, None, &Type::default(), args)
                .or_else(|| self.class_argument(args)),
            None => Type::default(),
        }
    }

    /// An object of the class whose `::class` is the first argument of a call.
    fn class_argument(&self, args: Args<'_, '_, 'a>) -> Type {
        match args.ty(0, "") {
            Some(ty) if matches!(ty.members(), [Atom::ClassString(_)]) => {
                self.inference.instance(&ty)
            }
            _ => Type::default(),
        }
    }

    /// `f(...)`
    fn first_class(&self, callee: &Callee<'a>) -> Type {
        let inference = self.inference;
        let callables = match callee {
            Callee::Function(name, at) => inference
                .function(name, &self.scope(*at))
                .map(|function| inference.signature(&function, None, &Type::default()))
                .into_iter()
                .collect(),
            Callee::Value(value) => inference.callables(&self.ty(*value)),
            Callee::Method(object, name, _) => self.name(name).map_or_else(Vec::new, |name| {
                inference.method_signatures(&self.ty(*object), &name)
            }),
            Callee::Static(class, name) => self.name(name).map_or_else(Vec::new, |name| {
                inference.method_signatures(&self.class_type(class), &name)
            }),
        };
        let closures = callables.into_iter().map(|callable| {
            Type::from(Atom::Callable(Rc::new(CallableType {
                is_closure: true,
                ..(*callable).clone()
            })))
        });
        closures
            .reduce(Type::or)
            .unwrap_or_else(|| Type::class("Closure"))
    }

    /// Whether a comparison asks for equality, given its outcome.
    pub(super) fn asks_equal(comparison: Comparison, outcome: bool) -> bool {
        matches!(comparison, Comparison::Identical | Comparison::Equal) == outcome
    }
}

/// The node whose type a node's own depends on first.
fn spine(node: &ValueNode<'_>) -> Option<NodeId> {
    match node {
        ValueNode::Read(_, next)
        | ValueNode::Same(next)
        | ValueNode::Property(next, ..)
        | ValueNode::Index(next, _)
        | ValueNode::Element(next)
        | ValueNode::Call(Callee::Method(next, ..), _)
        | ValueNode::Narrow { base: next, .. }
        | ValueNode::Coalesce(next, _) => Some(*next),
        ValueNode::After { base, .. } | ValueNode::Store { base, .. } => *base,
        _ => None,
    }
}
