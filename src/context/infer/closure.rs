//! Closures: what they are called with, what they return, and what `$this` is
//! in them.

use std::rc::Rc;

use super::doc_tags::best_tag;
use super::eval::{Args, Eval};
use super::flow::{Callee, ClassExpr, MemberName, NodeId, ValueNode};
use super::framework::{CalledFunction, MethodCall};
use super::function_ref::FunctionRef;
use super::types::{Atom, CallableType, ClassType, Type};

/// PHP's functions that call a closure with the elements of an array.
const ELEMENT_FUNCTIONS: [&str; 12] = [
    "array_all",
    "array_any",
    "array_filter",
    "array_find",
    "array_find_key",
    "array_map",
    "array_reduce",
    "array_walk",
    "iterator_apply",
    "uasort",
    "usort",
    "array_udiff",
];

impl<'a> Eval<'_, 'a> {
    /// The type of the closure with this number.
    pub(super) fn closure(&self, number: u32) -> Type {
        let closure = &self.flow.closures[number as usize];
        let params =
            (0..closure.params.len() as u32).map(|param| self.declared_parameter(number, param));
        let callable = CallableType {
            params: params.collect(),
            result: self.returned(number),
            is_closure: true,
            function: None,
        };
        Atom::Callable(Rc::new(callable)).into()
    }

    /// What the function with this number returns.
    pub(super) fn returned(&self, number: u32) -> Type {
        let closure = &self.flow.closures[number as usize];
        let text = self.flow.text();
        let resolver = self.resolver(closure.at);
        let documented = best_tag(closure.doc.of(text), "return", |_| true)
            .map_or_else(Type::default, |tag| resolver.read(tag.ty()));
        let declared = resolver.read(closure.result.of(text));
        let stated = self.inference.combined(documented, declared);
        if stated.leads_on() && stated.classes().any(|class| !class.args.is_empty()) {
            return stated;
        }
        let inferred = self.inferred_result(number);
        if self.inference.is_finer(&inferred, &stated) || stated.is_empty() {
            inferred
        } else {
            stated
        }
    }

    /// What the body of the function with this number returns or yields.
    pub(super) fn inferred_result(&self, number: u32) -> Type {
        let closure = &self.flow.closures[number as usize];
        let mut result = Type::default();
        let mut is_unknown = false;
        for &value in &closure.returns {
            let ty = self.ty(value);
            is_unknown |= ty.is_empty();
            result.add(ty);
        }
        if closure.is_generator {
            let (mut key, mut value) = (Type::default(), Type::default());
            for &(yielded_key, yielded) in &closure.yields {
                key.add(yielded_key.map_or_else(|| Atom::Int(None).into(), |key| self.ty(key)));
                value.add(self.ty(yielded));
            }
            return self.inference.generator(key, value, result);
        }
        if is_unknown && !result.leads_on() {
            Type::default()
        } else {
            result
        }
    }

    /// The type of a parameter.
    pub(super) fn parameter(&self, function: u32, number: u32) -> Type {
        let declared = self.declared_parameter(function, number);
        let closure = &self.flow.closures[function as usize];
        let is_variadic = closure.params[number as usize].is_variadic;
        let mut ty = declared;
        if let Some((call, position)) = closure.handed_to {
            let is_plain = ty.classes().all(|class| class.args.is_empty());
            if !ty.leads_on() || is_plain {
                let given = self.handed(call, position, number as usize);
                let is_better = !ty.leads_on() && (given.leads_on() || ty.is_empty());
                if is_better || self.inference.is_finer(&given, &ty) {
                    ty = given;
                }
            }
        } else if function > 0 && ty.is_empty() {
            ty = self.called_with(function, number as usize);
        }
        if is_variadic { ty.into_list() } else { ty }
    }

    /// The type that a parameter is declared with, or that its default has.
    fn declared_parameter(&self, function: u32, number: u32) -> Type {
        let closure = &self.flow.closures[function as usize];
        let param = &closure.params[number as usize];
        let text = self.flow.text();
        let resolver = self.resolver(closure.at);
        let doc = closure.doc.of(text);
        let documented = best_tag(doc, "param", |tag| tag.variable() == Some(param.name))
            .map_or_else(Type::default, |tag| resolver.read(tag.ty()));
        let declared = resolver.read(param.ty.of(text));
        let mut ty = self.inference.combined(documented, declared);
        if function == 0
            && !ty.leads_on()
            && let Some(named) = &self.function
        {
            let inherited = self
                .inference
                .inherited_parameter(named, &self.this, param.name);
            if inherited.leads_on() {
                ty = inherited;
            }
            if ty.is_empty() {
                ty = self.inference.told_parameter(named, number as usize);
            }
        }
        if ty.is_empty()
            && let Some(default) = param.default
        {
            ty = self.ty(default).filter(|atom| *atom != Atom::Null);
        }
        ty
    }

    /// What a closure that is assigned to a variable and called in the same
    /// function is called with.
    fn called_with(&self, function: u32, number: usize) -> Type {
        let is_it = |value: NodeId| {
            let mut value = value;
            while let ValueNode::Read(_, next) = self.flow.node(value) {
                value = *next;
            }
            matches!(self.flow.node(value), ValueNode::Closure(closure) if *closure == function)
        };
        let mut all = Type::default();
        for node in &self.flow.nodes {
            if let ValueNode::Call(Callee::Value(callee), arguments) = node
                && is_it(*callee)
                && let Some(argument) = arguments.get(number)
            {
                all.add(self.ty(argument.value));
            }
        }
        all
    }

    /// What the callee of `call` hands to the closure that is its argument
    /// `position`, as the closure's parameter `number`.
    fn handed(&self, call: NodeId, position: usize, number: usize) -> Type {
        let (callee, list) = match self.flow.node(call) {
            ValueNode::Call(callee, list) => (*callee, list),
            ValueNode::New(class, list) => {
                let ty = self.class_type(class);
                let args = Args {
                    eval: Some(self),
                    list,
                };
                return self
                    .inference
                    .constructor_hands(&ty, position, number, args);
            }
            _ => return Type::default(),
        };
        let args = Args {
            eval: Some(self),
            list,
        };
        if position == usize::MAX {
            return args.ty(0, "").unwrap_or_default();
        }
        let told = self.told_callback(&callee, position, number, args);
        if !told.is_empty() {
            return told;
        }
        let stated = self.stated_callback(&callee, position, args);
        let callables = self.inference.callables(&stated);
        let handed = callables
            .iter()
            .filter_map(|callable| callable.params.get(number).cloned());
        let handed = handed.reduce(Type::or).unwrap_or_default();
        if !handed.is_empty() {
            return handed;
        }
        self.guessed_callback(&callee, position, number, args)
    }

    /// What a framework says that the callee hands to its argument `position`.
    fn told_callback(
        &self,
        callee: &Callee<'a>,
        position: usize,
        number: usize,
        args: Args<'_, '_, 'a>,
    ) -> Type {
        let (receiver, name) = match callee {
            Callee::Method(object, MemberName::Name(name), _) => (self.ty(*object), *name),
            Callee::Static(class, MemberName::Name(name)) => (self.class_type(class), *name),
            Callee::Function(name, _) => {
                let name = name.trim_start_matches('\\').to_ascii_lowercase();
                let call = CalledFunction { name: &name, args };
                return self
                    .inference
                    .told_handed_by_function(&call, position, number);
            }
            _ => return Type::default(),
        };
        let told = receiver.classes().map(|object| {
            let this = self.receiver_of(Some(object));
            let call = MethodCall {
                object,
                this: &this,
                name,
                args,
            };
            self.inference.told_handed(&call, position, number)
        });
        told.reduce(Type::or).unwrap_or_default()
    }

    /// The type that the callee states for its parameter `position`.
    fn stated_callback(
        &self,
        callee: &Callee<'a>,
        position: usize,
        args: Args<'_, '_, 'a>,
    ) -> Type {
        let stated = self
            .functions_of(callee)
            .into_iter()
            .map(|(function, receiver)| {
                let this = self.receiver_of(receiver.as_ref());
                self.inference
                    .parameter_type(&function, receiver.as_ref(), &this, position, args)
            });
        stated.reduce(Type::or).unwrap_or_default()
    }

    /// `$this` in a method of an object of this class.
    fn receiver_of(&self, class: Option<&ClassType>) -> Type {
        class.map_or_else(Type::default, |class| Atom::Class(class.clone()).into())
    }

    /// The functions and methods that a callee names, each with the class of
    /// its object.
    pub(super) fn functions_of(
        &self,
        callee: &Callee<'a>,
    ) -> Vec<(FunctionRef<'a>, Option<ClassType>)> {
        let of_class = |ty: Type, name: &MemberName<'a>| {
            let MemberName::Name(name) = name else {
                return Vec::new();
            };
            let found = ty.classes().filter_map(|class| {
                let (function, class) = self.inference.method_behind(class, name)?;
                Some((function, Some(class)))
            });
            found.collect()
        };
        match callee {
            Callee::Function(name, at) => {
                let found = self.inference.function(name, &self.scope(*at));
                found.into_iter().map(|function| (function, None)).collect()
            }
            Callee::Method(object, name, _) => of_class(self.ty(*object), name),
            Callee::Static(class, name) => of_class(self.class_type(class), name),
            Callee::Value(_) => Vec::new(),
        }
    }

    /// What a callee that states nothing hands to a callback: the elements of
    /// its other argument or of the value whose method it is.
    fn guessed_callback(
        &self,
        callee: &Callee<'a>,
        position: usize,
        number: usize,
        args: Args<'_, '_, 'a>,
    ) -> Type {
        let inference = self.inference;
        let other = (0..args.list.len()).find(|&at| at != position);
        let of_other = || {
            let value = other.and_then(|at| args.ty(at, ""));
            inference.element(&value.unwrap_or_default())
        };
        match callee {
            Callee::Method(object, ..) => {
                let receiver = self.ty(*object);
                let element = inference.element(&receiver);
                if number == 0 && element.is_empty() {
                    Type::default()
                } else {
                    element
                }
            }
            Callee::Function(name, _) => {
                let name = name.trim_start_matches('\\').to_ascii_lowercase();
                let element = of_other();
                let takes_elements = ELEMENT_FUNCTIONS.contains(&&*name);
                if element.is_empty() && other.is_none() && takes_elements {
                    // The array is not written yet.
                    return self.elements_in_reach();
                }
                element
            }
            _ => of_other(),
        }
    }

    /// The types of the elements of the arrays at the cursor.
    fn elements_in_reach(&self) -> Type {
        let mut all = Type::default();
        for (_, node) in &self.flow.at_cursor {
            if matches!(self.flow.node(*node), ValueNode::Param(function, _) if *function > 0) {
                continue;
            }
            all.add(
                self.inference
                    .element(&self.ty(*node))
                    .filter(|atom| !atom.classes().is_empty()),
            );
        }
        all
    }

    /// What `$this` is in the function with this number.
    pub(super) fn this_in(&self, function: u32) -> Type {
        let mut number = function;
        for _ in 0..self.flow.closures.len() {
            if number == 0 {
                break;
            }
            let closure = &self.flow.closures[number as usize];
            if let Some((call, position)) = closure.handed_to
                && let Some(bound) = self.bound_this(call, position)
            {
                return bound;
            }
            number = closure.parent;
        }
        self.this.clone()
    }

    /// What a call makes `$this` in the closure that is its argument
    /// `position`.
    fn bound_this(&self, call: NodeId, position: usize) -> Option<Type> {
        let ValueNode::Call(callee, list) = self.flow.node(call) else {
            return None;
        };
        if let Callee::Static(ClassExpr::Name(name, _), MemberName::Name(method)) = callee
            && name
                .trim_start_matches('\\')
                .eq_ignore_ascii_case("Closure")
            && method.eq_ignore_ascii_case("bind")
        {
            return list.get(1).map(|argument| self.ty(argument.value));
        }
        if let Callee::Function(name, _) = callee {
            let told = self.inference.told_this(name.trim_start_matches('\\'));
            if !told.is_empty() {
                return Some(told);
            }
        }
        for (function, receiver) in self.functions_of(callee) {
            let doc = function.doc();
            if !doc.contains("closure-this") {
                continue;
            }
            let names = function.parameters();
            let name = names.get(position)?.name;
            let tag = best_tag(doc, "param-closure-this", |tag| {
                tag.variable() == Some(name)
            })?;
            let args = Args {
                eval: Some(self),
                list,
            };
            let this = self.receiver_of(receiver.as_ref());
            return Some(self.inference.with_call(
                &function,
                receiver.as_ref(),
                &this,
                args,
                |resolver| resolver.read(tag.ty()),
            ));
        }
        None
    }
}
