//! What a value is once a condition holds, or once a call has returned.

use super::eval::Eval;
use super::flow::{Argument, Callee, ClassExpr, Comparison, NodeId, PlaceId, ValueNode};
use super::kinds::kind_test;
use super::types::{Atom, Type};

impl<'a> Eval<'_, 'a> {
    /// What the place `place`, of type `base`, is when `condition` has the
    /// `outcome`.
    pub(super) fn narrowed(
        &self,
        base: Type,
        place: PlaceId,
        condition: NodeId,
        outcome: bool,
    ) -> Type {
        let fallback = base.clone();
        self.inference
            .deeper(|| self.narrow(base, place, condition, outcome))
            .unwrap_or(fallback)
    }

    fn narrow(&self, base: Type, place: PlaceId, condition: NodeId, outcome: bool) -> Type {
        match self.flow.node(condition) {
            ValueNode::Read(read, _) if *read == place => truthy(&base, outcome),
            ValueNode::Read(_, value) => {
                let value = self.unwrapped(*value);
                if outcome && self.passes_null_safe(condition, place) {
                    return base.without_null();
                }
                if is_condition(self.flow.node(value)) {
                    return self.narrowed(base, place, value, outcome);
                }
                base
            }
            ValueNode::Property(..) if outcome && self.passes_null_safe(condition, place) => {
                base.without_null()
            }
            ValueNode::InstanceOf(value, class) => {
                if self.is_at(*value, place) {
                    let target = self.class_type(class);
                    return self.restrict(&base, &target, outcome);
                }
                if outcome && self.passes_null_safe(*value, place) {
                    base.without_null()
                } else {
                    base
                }
            }
            ValueNode::Not(inner) => self.narrowed(base, place, *inner, !outcome),
            ValueNode::And(left, right) if outcome => {
                let base = self.narrowed(base, place, *left, true);
                self.narrowed(base, place, *right, true)
            }
            ValueNode::Or(left, right) if !outcome => {
                let base = self.narrowed(base, place, *left, false);
                self.narrowed(base, place, *right, false)
            }
            ValueNode::And(left, right) | ValueNode::Or(left, right) => {
                let first = self.narrowed(base.clone(), place, *left, outcome);
                first.or(self.narrowed(base, place, *right, outcome))
            }
            ValueNode::Compare(comparison, left, right) => {
                let is_equal = Self::asks_equal(*comparison, outcome);
                let is_strict =
                    matches!(comparison, Comparison::Identical | Comparison::NotIdentical);
                let base = self.compared(base, place, (*left, *right), is_equal, is_strict);
                self.compared(base, place, (*right, *left), is_equal, is_strict)
            }
            ValueNode::Isset(values) => self.isset(base, place, values, outcome),
            ValueNode::Empty(value) if self.is_at(*value, place) => truthy(&base, !outcome),
            ValueNode::Call(callee, args) => self.asserted(base, place, callee, args, outcome),
            _ => base,
        }
    }

    /// The node that a read, an assignment or a call before it stands for.
    fn unwrapped(&self, node: NodeId) -> NodeId {
        let mut node = node;
        loop {
            node = match self.flow.node(node) {
                ValueNode::Read(_, value) | ValueNode::Same(value) => *value,
                ValueNode::After {
                    base: Some(base), ..
                } => *base,
                _ => return node,
            };
        }
    }

    /// Whether a node reads the place.
    pub(super) fn is_at(&self, node: NodeId, place: PlaceId) -> bool {
        match self.flow.node(node) {
            ValueNode::Read(read, _) => *read == place,
            ValueNode::Same(value) => self.is_at(*value, place),
            _ => false,
        }
    }

    /// Whether a node is reached from the place by `?->`.
    fn passes_null_safe(&self, node: NodeId, place: PlaceId) -> bool {
        let mut node = node;
        let mut is_null_safe = false;
        for _ in 0..16 {
            node = match self.flow.node(node) {
                ValueNode::Read(read, _) if *read == place => return is_null_safe,
                ValueNode::Read(_, _) => match self.flow.raw(node) {
                    Some(raw) => raw,
                    None => return false,
                },
                ValueNode::Property(object, _, null_safe)
                | ValueNode::Call(Callee::Method(object, _, null_safe), _) => {
                    is_null_safe |= null_safe;
                    *object
                }
                _ => return false,
            };
        }
        false
    }

    /// `base` where it is of type `target`, or where it is not.
    pub(super) fn restrict(&self, base: &Type, target: &Type, outcome: bool) -> Type {
        let inference = self.inference;
        if target.is_empty() {
            return base.clone();
        }
        if !outcome {
            return base.filter(|atom| inference.is_of_type(atom, target) != Some(true));
        }
        let both = inference.both(base, target);
        if both.is_empty() {
            target.clone()
        } else {
            both
        }
    }

    /// What `place` is where `side` is, or is not, `other`.
    fn compared(
        &self,
        base: Type,
        place: PlaceId,
        (side, other): (NodeId, NodeId),
        is_equal: bool,
        is_strict: bool,
    ) -> Type {
        let value = || self.ty(other);
        if self.is_at(side, place) {
            return self.equal(base, &value(), is_equal, is_strict);
        }
        if self.is_class_of(side, place) {
            let target = self.inference.instance(&value());
            return match is_equal {
                true => self.restrict(&base, &target, true),
                false => base.filter(|atom| !is_exactly(atom, &target)),
            };
        }
        let node = self.unwrapped(side);
        if is_condition(self.flow.node(node))
            && let [Atom::Bool(Some(expected))] = value().members()
        {
            return self.narrowed(base, place, side, is_equal == *expected);
        }
        if self.passes_null_safe(side, place) {
            let value = value();
            let is_null = value.members() == [Atom::Null];
            let may_be_null = value.is_empty() || value.members().contains(&Atom::Null);
            if is_null != is_equal && (is_null || !may_be_null) {
                return base.without_null();
            }
        }
        self.by_kind(base, place, side, &value(), is_equal)
    }

    /// What a value is where `gettype` of it is, or is not, a name.
    fn by_kind(
        &self,
        base: Type,
        place: PlaceId,
        side: NodeId,
        value: &Type,
        is_equal: bool,
    ) -> Type {
        let ValueNode::Call(Callee::Function(name, _), args) = self.flow.node(side) else {
            return base;
        };
        let is_it = args
            .first()
            .is_some_and(|argument| self.is_at(argument.value, place));
        let short = name.trim_start_matches('\\').to_ascii_lowercase();
        if !is_it || !matches!(short.as_str(), "gettype" | "get_debug_type") {
            return base;
        }
        let kind = match value.members() {
            [Atom::String(Some(kind))] => kind.to_ascii_lowercase(),
            _ => return base,
        };
        match kind_test(&format!("is_{kind}")) {
            Some(test) => base.filter(|atom| test(atom) != Some(!is_equal)),
            None => base,
        }
    }

    /// What a value is where it equals another, or does not.
    fn equal(&self, base: Type, value: &Type, is_equal: bool, is_strict: bool) -> Type {
        match (value.members(), is_equal) {
            ([Atom::Null], true) => Atom::Null.into(),
            ([Atom::Null], false) => base.without_null(),
            ([Atom::Bool(Some(value))], is_equal) if !is_strict => {
                truthy(&base, *value == is_equal)
            }
            ([one], false) => {
                let is_single = match one {
                    Atom::Bool(value) => value.is_some(),
                    Atom::Int(value) => value.is_some(),
                    Atom::String(value) => value.is_some(),
                    Atom::Class(class) => class.case.is_some(),
                    _ => false,
                };
                if is_single {
                    self.without_value(&base, one)
                } else {
                    base
                }
            }
            ([_, ..], true) if is_strict => {
                let both = self.inference.both(&base, value);
                if both.leads_on() || base.is_empty() {
                    both
                } else {
                    base
                }
            }
            _ => base,
        }
    }

    /// `base` without the one value `value`.
    fn without_value(&self, base: &Type, value: &Atom) -> Type {
        if let Atom::Bool(Some(value)) = value {
            let mut all =
                base.filter(|atom| !matches!(atom, Atom::Bool(Some(own)) if own == value));
            if all.members().contains(&Atom::Bool(None)) {
                all = all
                    .filter(|atom| *atom != Atom::Bool(None))
                    .or(Atom::Bool(Some(!value)).into());
            }
            return all;
        }
        base.filter(|atom| atom != value)
    }

    /// Whether a node is the class of the value at a place.
    fn is_class_of(&self, node: NodeId, place: PlaceId) -> bool {
        match self.flow.node(node) {
            ValueNode::ClassConstant(ClassExpr::Value(value), name) => {
                name.eq_ignore_ascii_case("class") && self.is_at(*value, place)
            }
            ValueNode::Call(Callee::Function(name, _), args) => {
                name.trim_start_matches('\\')
                    .eq_ignore_ascii_case("get_class")
                    && args
                        .first()
                        .is_some_and(|argument| self.is_at(argument.value, place))
            }
            _ => false,
        }
    }

    fn isset(&self, base: Type, place: PlaceId, values: &[NodeId], outcome: bool) -> Type {
        let is_there = |value: &NodeId| self.is_at(*value, place) || self.is_reached(*value, place);
        if outcome {
            return if values.iter().any(is_there) {
                base.without_null()
            } else {
                base
            };
        }
        base
    }

    /// Whether a node is a property or an element of the value at the place.
    fn is_reached(&self, node: NodeId, place: PlaceId) -> bool {
        let mut node = node;
        for _ in 0..16 {
            node = match self.flow.node(node) {
                ValueNode::Read(read, _) if *read == place => return true,
                ValueNode::Read(..) => match self.flow.raw(node) {
                    Some(raw) => raw,
                    None => return false,
                },
                ValueNode::Property(object, ..) | ValueNode::Index(object, _) => *object,
                _ => return false,
            };
        }
        false
    }

    /// What `place` is where a call of `callee` returns something true, or
    /// something false.
    fn asserted(
        &self,
        base: Type,
        place: PlaceId,
        callee: &Callee<'a>,
        args: &[Argument<'a>],
        outcome: bool,
    ) -> Type {
        if let Callee::Function(name, _) = callee {
            let name = name.trim_start_matches('\\').to_ascii_lowercase();
            let is_first = args
                .first()
                .is_some_and(|argument| self.is_at(argument.value, place));
            if is_first && let Some(test) = kind_test(&name) {
                let kept = base.filter(|atom| test(atom) != Some(!outcome));
                return match (outcome, &*name) {
                    (true, "is_object") if !kept.leads_on() => kept
                        .filter(|atom| *atom != Atom::Mixed)
                        .or(Atom::Object.into()),
                    _ => kept,
                };
            }
            if is_first && matches!(&*name, "is_a" | "is_subclass_of") {
                let target = args.get(1).map(|argument| self.ty(argument.value));
                let target = self.inference.instance(&target.unwrap_or_default());
                if base
                    .members()
                    .iter()
                    .any(|atom| matches!(atom, Atom::ClassString(_) | Atom::String(_)))
                {
                    let strings = if outcome {
                        Atom::ClassString(Box::new(target)).into()
                    } else {
                        base
                    };
                    return strings;
                }
                return self.restrict(&base, &target, outcome);
            }
            if &*name == "in_array" && is_first && outcome {
                let among = args
                    .get(1)
                    .map(|argument| self.inference.element(&self.ty(argument.value)));
                return self.equal(base, &among.unwrap_or_default(), true, args.len() > 2);
            }
            if &*name == "is_null" && is_first {
                return if outcome {
                    Atom::Null.into()
                } else {
                    base.without_null()
                };
            }
        }
        let tag = if outcome {
            "assert-if-true"
        } else {
            "assert-if-false"
        };
        let (base, is_found) = self.by_tags(base, place, callee, args, tag);
        if !is_found && outcome && self.is_reached_by(callee, place) {
            return base.without_null();
        }
        base
    }

    /// Whether a method is called on the value at the place by `?->`.
    fn is_reached_by(&self, callee: &Callee<'a>, place: PlaceId) -> bool {
        match callee {
            Callee::Method(object, _, is_null_safe) => {
                self.is_at(*object, place) && *is_null_safe || self.passes_null_safe(*object, place)
            }
            _ => false,
        }
    }
}

/// What a value is where it is true, or where it is not.
fn truthy(base: &Type, outcome: bool) -> Type {
    if outcome {
        base.filter(|atom| {
            !matches!(
                atom,
                Atom::Null | Atom::Bool(Some(false)) | Atom::Int(Some(0))
            )
        })
    } else {
        base.filter(|atom| {
            !matches!(
                atom,
                Atom::Class(_)
                    | Atom::All(_)
                    | Atom::Object
                    | Atom::Shape(_)
                    | Atom::Bool(Some(true))
            )
        })
    }
}

/// Whether a node is a condition of its own.
fn is_condition(node: &ValueNode<'_>) -> bool {
    matches!(
        node,
        ValueNode::InstanceOf(..)
            | ValueNode::Not(_)
            | ValueNode::And(..)
            | ValueNode::Or(..)
            | ValueNode::Isset(_)
            | ValueNode::Empty(_)
            | ValueNode::Call(..)
            | ValueNode::Compare(..)
    )
}

/// Whether an object is of just this class.
fn is_exactly(atom: &Atom, target: &Type) -> bool {
    match (atom, target.members()) {
        (Atom::Class(own), [Atom::Class(other)]) => own.name.eq_ignore_ascii_case(&other.name),
        _ => false,
    }
}
