//! What a call says of its arguments: assertions of the function, and results
//! that it gives by reference.

use super::doc_tags::{DocTag, doc_tags};
use super::eval::{Args, Eval};
use super::flow::{Argument, Callee, NodeId, PlaceId, ValueNode};
use super::function_ref::FunctionRef;
use super::inference::Inference;
use super::types::{Atom, ClassType, Type};
use crate::php::types::{type_end, type_expr};

/// The tag of what holds whenever a function returns.
const ALWAYS: &str = "assert";

impl<'a> Eval<'_, 'a> {
    /// What `place` is by the tags called `name` of the functions that
    /// `callee` names, and whether one is about it.
    pub(super) fn by_tags(
        &self,
        base: Type,
        place: PlaceId,
        callee: &Callee<'a>,
        list: &[Argument<'a>],
        name: &str,
    ) -> (Type, bool) {
        let mut ty = base;
        let mut is_found = false;
        for (function, object) in self.functions_of(callee) {
            let documents = std::iter::once(function).chain(self.inference.inherited(&function));
            for function in documents.filter(|function| function.doc().contains(ALWAYS)) {
                let subject =
                    |tag: &DocTag<'_>| self.is_subject(tag, &function, callee, list, place);
                let tags = doc_tags(function.doc()).filter(|tag| tag.name == name);
                for tag in tags.filter(|tag| subject(tag)) {
                    is_found = true;
                    ty = self.by_tag(&ty, &function, object.as_ref(), list, &tag);
                }
            }
        }
        (ty, is_found)
    }

    /// Whether an assertion is about the value at the place.
    fn is_subject(
        &self,
        tag: &DocTag<'_>,
        function: &FunctionRef<'a>,
        callee: &Callee<'a>,
        list: &[Argument<'a>],
        place: PlaceId,
    ) -> bool {
        let subject = tag.rest().split_whitespace().next().unwrap_or("");
        if let Some(member) = subject.strip_prefix("$this")
            && let Callee::Method(object, ..) = callee
        {
            let object = match self.flow.node(*object) {
                ValueNode::This(_) => "$this",
                ValueNode::Read(place, _) => self.flow.place_name(*place),
                _ => return false,
            };
            let wanted = self.flow.place_name(place);
            return wanted.strip_prefix(object) == Some(member);
        }
        let parameters = function.parameters();
        let position = parameters.iter().position(|param| param.name == subject);
        let args = Args {
            eval: Some(self),
            list,
        };
        position
            .and_then(|position| args.node(position, subject))
            .is_some_and(|node| self.is_at(node, place))
    }

    fn by_tag(
        &self,
        base: &Type,
        function: &FunctionRef<'a>,
        object: Option<&ClassType>,
        list: &[Argument<'a>],
        tag: &DocTag<'_>,
    ) -> Type {
        let body = tag.body.trim_start();
        let is_negated = body.starts_with('!');
        let body = body.trim_start_matches(['!', '=']);
        let expr = type_expr(&body[..type_end(body)]);
        let args = Args {
            eval: Some(self),
            list,
        };
        let this = object.map_or_else(Type::default, |class| Atom::Class(class.clone()).into());
        let target = self
            .inference
            .with_call(function, object, &this, args, |resolver| {
                expr.map_or_else(Type::default, |expr| resolver.resolve(&expr))
            });
        self.restrict(base, &target, !is_negated)
    }

    /// What `place`, of the value `base`, is after a call that it was handed
    /// to.
    pub(super) fn after(&self, base: Option<NodeId>, place: PlaceId, call: NodeId) -> Type {
        let before = base.map(|base| self.ty(base)).unwrap_or_default();
        let ValueNode::Call(callee, list) = self.flow.node(call) else {
            return before;
        };
        let (ty, is_found) = self.by_tags(before, place, callee, list, ALWAYS);
        if is_found {
            return ty;
        }
        for (function, object) in self.functions_of(callee) {
            let parameters = function.parameters();
            let is_it = |argument: &Argument<'a>| self.is_at(argument.value, place);
            let Some(position) = list.iter().position(is_it) else {
                continue;
            };
            let last = parameters.len().saturating_sub(1);
            let Some(param) = parameters
                .get(position.min(last))
                .filter(|param| param.is_by_reference)
            else {
                continue;
            };
            let out = Inference::tag_of(&function, "param-out", param.name);
            let args = Args {
                eval: Some(self),
                list,
            };
            let this = object
                .as_ref()
                .map_or_else(Type::default, |class| Atom::Class(class.clone()).into());
            let given = match out {
                Some(out) => {
                    self.inference
                        .with_call(&function, object.as_ref(), &this, args, |resolver| {
                            resolver.read(&out)
                        })
                }
                None if ty.leads_on() => Type::default(),
                None => {
                    self.inference
                        .parameter_type(&function, object.as_ref(), &this, position, args)
                }
            };
            if !given.is_empty() {
                return given;
            }
        }
        ty
    }
}
