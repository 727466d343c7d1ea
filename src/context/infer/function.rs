//! Declared functions and methods: the types of their parameters, and what a
//! call of them gives.

use std::rc::Rc;

use super::doc_tags::{Template, best_tag, doc_tags, templates};
use super::eval::Args;
use super::function_ref::{FunctionRef, WrittenParam, function_in};
use super::inference::Inference;
use super::resolve::Resolver;
use super::types::{Atom, CallableType, ClassType, TemplateBinding, Type};
use crate::index::symbols::{DeclKind, Declaration};
use crate::php::MemberKind;
use crate::php::names::Scope;
use crate::php::types::{TypeExpr, type_expr};

impl<'a> Inference<'a> {
    /// The function that `written` calls.
    pub(super) fn function(&self, written: &str, scope: &Scope<'_>) -> Option<FunctionRef<'a>> {
        let candidates = scope.function(written);
        for full in &candidates {
            let short = full.rsplit('\\').next().unwrap_or(full);
            let own = self.buffer;
            if let Some(found) = function_in(own.content, &own.facts, full) {
                return Some(found);
            }
            let path = self.buffer.path;
            let packages = self.lookup.packages();
            let packaged = packages.into_iter();
            let packaged = packaged.flat_map(|packages| packages.named(DeclKind::Function, short));
            let project = self.snapshot.declared(DeclKind::Function, short);
            for declared in project.into_iter().chain(packaged) {
                let is_it = |name: String| name.eq_ignore_ascii_case(full);
                if let Declaration::Function(file, _) = declared
                    && *file.path != *path
                    && declared.full_name().is_some_and(is_it)
                {
                    return function_in(&file.text, &file.facts, full);
                }
            }
        }
        let full = candidates.last()?;
        let builtin = self.lookup.builtin_for(full)?;
        function_in(&builtin.text, &builtin.facts, full)
    }

    /// The method `name` of objects of `class`.
    pub(super) fn find_method(&self, class: &ClassType, name: &str) -> Option<FunctionRef<'a>> {
        let found = self
            .members(self.class(&class.name)?)
            .find(MemberKind::Method, name)?;
        Some(FunctionRef::method(
            found.0,
            &found.0.class().members[found.1],
        ))
    }

    /// The method `name` of objects of `class`, or of a class that takes its
    /// calls, with that class.
    pub(super) fn method_behind(
        &self,
        class: &ClassType,
        name: &str,
    ) -> Option<(FunctionRef<'a>, ClassType)> {
        if let Some(found) = self.find_method(class, name) {
            return Some((found, class.clone()));
        }
        let forwards = self.forwards(class).into_iter();
        { forwards }.find_map(|class| Some((self.find_method(&class, name)?, class)))
    }

    /// Calls `then` with a resolver for the types that `function` states,
    /// given the object of the call and its arguments.
    pub(super) fn with_call<T>(
        &self,
        function: &FunctionRef<'a>,
        object: Option<&ClassType>,
        this: &Type,
        args: Args<'_, '_, 'a>,
        then: impl FnOnce(&Resolver<'_, 'a>) -> T,
    ) -> T {
        let parameters = function.parameters();
        let argument = |name: &str| {
            let position = parameters.iter().position(|param| param.name == name);
            let Some(position) = position else {
                return Type::default();
            };
            args.ty(position, name)
                .unwrap_or_else(|| literal(parameters[position].default))
        };
        let mut resolver = self.resolver_of(function, object, this);
        resolver.argument = Some(&argument);
        let bound = self.bound_by_call(function, &resolver, args, true);
        resolver.bindings.splice(0..0, bound);
        then(&resolver)
    }

    /// A resolver for the types that `function` states.
    fn resolver_of(
        &self,
        function: &FunctionRef<'a>,
        object: Option<&ClassType>,
        this: &Type,
    ) -> Resolver<'_, 'a> {
        let Some(owner) = function.class else {
            return Resolver {
                docs: vec![function.doc()],
                ..Resolver::new(self, function.scope(), this.clone())
            };
        };
        let mut resolver = Resolver::of_class(self, owner, this.clone());
        resolver.docs.insert(0, function.doc());
        if let Some(object) = object
            && let Some(class) = self.class(&object.name)
        {
            resolver.bindings = self.bound_by_class(class, object, owner);
        }
        resolver
    }

    /// What the templates of `function` stand for, by the arguments of a call.
    fn bound_by_call(
        &self,
        function: &FunctionRef<'a>,
        resolver: &Resolver<'_, 'a>,
        args: Args<'_, '_, 'a>,
        with_closures: bool,
    ) -> Vec<TemplateBinding> {
        let declared = templates(function.doc());
        self.bound_to(&declared, function, resolver, args, with_closures)
    }

    /// What `declared` templates stand for, by the arguments of a call.
    fn bound_to(
        &self,
        declared: &[Template],
        function: &FunctionRef<'a>,
        resolver: &Resolver<'_, 'a>,
        args: Args<'_, '_, 'a>,
        with_closures: bool,
    ) -> Vec<TemplateBinding> {
        let mut bindings = Vec::new();
        if declared.is_empty() || args.eval.is_none() {
            return bindings;
        }
        let parameters = function.parameters();
        for closures in [false, true] {
            for (position, param) in parameters.iter().enumerate() {
                if args.is_closure(position, param.name) != closures || closures && !with_closures {
                    continue;
                }
                let given = if param.is_variadic {
                    args.rest(position)
                } else {
                    args.ty(position, param.name)
                };
                let stated = parameter_expr(function.doc(), param);
                if let Some((given, stated)) = given.filter(|ty| !ty.is_empty()).zip(stated) {
                    self.unify(resolver, declared, &stated, &given, &mut bindings);
                }
            }
        }
        bindings.retain(|(_, ty)| !ty.is_empty());
        bindings
    }

    /// What `function` returns to a call, on an object of the class `object`.
    pub(super) fn result(
        &self,
        function: &FunctionRef<'a>,
        object: Option<&ClassType>,
        this: &Type,
        args: Args<'_, '_, 'a>,
    ) -> Type {
        let doc = function.doc();
        let (documented, declared) = self.with_call(function, object, this, args, |resolver| {
            let tag = best_tag(doc, "return", |_| true);
            let documented = tag.map_or_else(Type::default, |tag| resolver.read(tag.ty()));
            let native = Resolver {
                bindings: Vec::new(),
                docs: Vec::new(),
                ..resolver.clone()
            };
            (documented, native.read(function.ty.of(function.text)))
        });
        let stated = self.combined(documented, declared);
        let is_open = !stated.leads_on()
            || stated
                .classes()
                .any(|class| class.args.is_empty() && self.is_generic(&class.name));
        if !is_open {
            return stated;
        }
        let inherited = self.inherited_result(function, object, this, args);
        if self.is_finer(&inherited, &stated) {
            return inherited;
        }
        if !stated.is_empty() && !is_vague(&stated) && !stated.leads_on() {
            return stated;
        }
        let inferred = self.body_result(function, this);
        if self.is_finer(&inferred, &stated) {
            inferred
        } else {
            stated
        }
    }

    /// Whether `inferred` says more than `stated` and agrees with it.
    pub(super) fn is_finer(&self, inferred: &Type, stated: &Type) -> bool {
        let agrees = |atom: &Atom| self.is_of_type(atom, stated) != Some(false);
        let has_args = |ty: &Type| {
            ty.classes()
                .any(|class| class.args.iter().any(|arg| !arg.is_empty()))
        };
        inferred.leads_on()
            && (stated.is_empty() || inferred.without_null().members().iter().all(agrees))
            && (!stated.leads_on() || has_args(inferred) && !has_args(stated))
    }

    /// Whether the class has templates.
    fn is_generic(&self, name: &str) -> bool {
        let class = self.class(name);
        class.is_some_and(|class| class.class().doc.of(class.text).contains("@template"))
    }

    /// What the method is documented to return where a parent declares it.
    fn inherited_result(
        &self,
        function: &FunctionRef<'a>,
        object: Option<&ClassType>,
        this: &Type,
        args: Args<'_, '_, 'a>,
    ) -> Type {
        for inherited in self.inherited(function) {
            let Some(tag) = best_tag(inherited.doc(), "return", |_| true) else {
                continue;
            };
            let ty = self.with_call(&inherited, object, this, args, |resolver| {
                resolver.read(tag.ty())
            });
            if ty.leads_on() {
                return ty;
            }
        }
        Type::default()
    }

    /// The methods that the method `function` overrides, nearest first.
    pub(super) fn inherited(&self, function: &FunctionRef<'a>) -> Vec<FunctionRef<'a>> {
        let Some(class) = function.class else {
            return Vec::new();
        };
        let name = function.short_name();
        let members = self.members(class);
        let overridden = members.hierarchy().iter().skip(1).filter_map(|owner| {
            let mut members = owner.class().members.iter();
            let member = members.find(|member| {
                member.kind == MemberKind::Method
                    && member.name.of(owner.text).eq_ignore_ascii_case(name)
            })?;
            Some(FunctionRef::method(*owner, member))
        });
        overridden.collect()
    }

    /// The type of the parameter `name` of `function` as a parent declares it.
    pub(super) fn inherited_parameter(
        &self,
        function: &FunctionRef<'a>,
        this: &Type,
        name: &str,
    ) -> Type {
        let position = function
            .parameters()
            .iter()
            .position(|param| param.name == name);
        let Some(position) = position else {
            return Type::default();
        };
        let object = this.classes().next();
        let mut inherited = self.inherited(function).into_iter();
        inherited
            .find_map(|parent| {
                let ty = self.parameter_type(&parent, object, this, position, Args::NONE);
                ty.leads_on().then_some(ty)
            })
            .unwrap_or_default()
    }

    /// The type of the parameter `position` of `function`, given the other
    /// arguments of a call.
    pub(super) fn parameter_type(
        &self,
        function: &FunctionRef<'a>,
        object: Option<&ClassType>,
        this: &Type,
        position: usize,
        args: Args<'_, '_, 'a>,
    ) -> Type {
        let parameters = function.parameters();
        let param = parameters
            .get(position)
            .or(parameters.last().filter(|last| last.is_variadic));
        let Some(param) = param else {
            return Type::default();
        };
        let mut resolver = self.resolver_of(function, object, this);
        let bound = self.bound_by_call(function, &resolver, args, false);
        resolver.bindings.splice(0..0, bound);
        let ty = self.parameter_of(function, &resolver, param);
        if ty.leads_on() || function.class.is_none() {
            return ty;
        }
        let inherited = self.inherited(function).into_iter().map(|parent| {
            let resolver = self.resolver_of(&parent, object, this);
            parent
                .parameters()
                .get(position)
                .map(|param| self.parameter_of(&parent, &resolver, param))
        });
        ty.or_better(|| inherited.flatten().find(Type::leads_on).unwrap_or_default())
    }

    /// The type of a parameter of `function` as it is documented and declared.
    pub(super) fn parameter_of(
        &self,
        function: &FunctionRef<'a>,
        resolver: &Resolver<'_, 'a>,
        param: &WrittenParam<'a>,
    ) -> Type {
        let tag = best_tag(function.doc(), "param", |tag| {
            tag.variable() == Some(param.name)
        });
        let documented = tag.map_or_else(Type::default, |tag| resolver.read(tag.ty()));
        self.combined(documented, resolver.read(param.ty))
    }

    /// `class` with the template arguments that its constructor takes from the
    /// arguments of `new`.
    pub(super) fn constructed(&self, class: &ClassType, args: Args<'_, '_, 'a>) -> ClassType {
        let Some(found) = self.class(&class.name) else {
            return class.clone();
        };
        let declared = templates(found.class().doc.of(found.text));
        if declared.is_empty() {
            return class.clone();
        }
        let Some(function) = self.find_method(class, "__construct") else {
            return class.clone();
        };
        let this: Type = Atom::Class(class.clone()).into();
        let resolver = self.resolver_of(&function, Some(class), &this);
        // The parameters of an inherited constructor name the templates of
        // the class that declares it.
        let owner = function.class.unwrap_or(found);
        let of_owner = templates(owner.class().doc.of(owner.text));
        let bindings = self.bound_to(&of_owner, &function, &resolver, args, true);
        let is_bound =
            |template: &Template| bindings.iter().any(|(name, _)| *name == template.name);
        if !declared.iter().any(is_bound) {
            return class.clone();
        }
        let args = declared.iter().map(|template| {
            let bound = bindings.iter().find(|(name, _)| *name == template.name);
            bound.map_or_else(Type::default, |(_, ty)| ty.clone())
        });
        class.clone().with(args.collect())
    }

    /// What the constructor of `ty` hands to the closure that is its argument
    /// `position`, as the closure's parameter `number`.
    pub(super) fn constructor_hands(
        &self,
        ty: &Type,
        position: usize,
        number: usize,
        args: Args<'_, '_, 'a>,
    ) -> Type {
        let handed = ty.classes().filter_map(|class| {
            let function = self.find_method(class, "__construct")?;
            let stated = self.parameter_type(&function, Some(class), ty, position, args);
            let callables = self.callables(&stated);
            callables
                .iter()
                .find_map(|callable| callable.params.get(number).cloned())
        });
        handed.reduce(Type::or).unwrap_or_default()
    }

    /// The parameters and the result of `function`.
    pub(super) fn signature(
        &self,
        function: &FunctionRef<'a>,
        object: Option<&ClassType>,
        this: &Type,
    ) -> Rc<CallableType> {
        let resolver = self.resolver_of(function, object, this);
        let parameters = function.parameters();
        let params = parameters
            .iter()
            .map(|param| self.parameter_of(function, &resolver, param));
        let is_generic = function.class.is_none() && !templates(function.doc()).is_empty();
        Rc::new(CallableType {
            params: params.collect(),
            result: self.result(function, object, this, Args::NONE),
            is_closure: false,
            function: is_generic
                .then(|| format!("\\{}", function.scope().declared(function.short_name())).into()),
        })
    }

    /// The type of what a doc comment and a declaration state together.
    pub(super) fn combined(&self, documented: Type, declared: Type) -> Type {
        if !documented.leads_on() {
            return if declared.leads_on() || documented.is_empty() {
                declared
            } else {
                documented
            };
        }
        let has_class = |ty: &Type| ty.classes().next().is_some();
        if !has_class(&documented) && has_class(&declared) {
            return declared.or(documented);
        }
        documented
    }

    /// The type of the tag `name` that the doc comment of `function` gives to
    /// the parameter `param`.
    pub(super) fn tag_of(function: &FunctionRef<'a>, name: &str, param: &str) -> Option<String> {
        let mut tags = doc_tags(function.doc()).filter(|tag| tag.name == name);
        tags.find(|tag| tag.variable() == Some(param))
            .map(|tag| tag.ty().to_owned())
    }
}

/// The written type of a parameter: of the doc comment, else of the
/// declaration.
fn parameter_expr(doc: &str, param: &WrittenParam<'_>) -> Option<TypeExpr> {
    match best_tag(doc, "param", |tag| tag.variable() == Some(param.name)) {
        Some(tag) => type_expr(tag.ty()),
        None => type_expr(param.ty),
    }
}

/// The type of the literal `text`; unknown for another expression.
fn literal(text: &str) -> Type {
    let quoted = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''))
        .or_else(|| {
            text.strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'))
        });
    if let Some(quoted) = quoted {
        return Atom::String(Some(quoted.into())).into();
    }
    if let Ok(int) = text.parse() {
        return Atom::Int(Some(int)).into();
    }
    match text.to_ascii_lowercase().as_str() {
        "null" => Atom::Null.into(),
        "true" => Atom::Bool(Some(true)).into(),
        "false" => Atom::Bool(Some(false)).into(),
        "[]" => Type::array(Type::default(), Type::default()),
        _ => Type::default(),
    }
}

/// Whether a type says so little that the body may say more.
fn is_vague(ty: &Type) -> bool {
    let is_vague = |atom: &Atom| {
        matches!(
            atom,
            Atom::Mixed | Atom::Object | Atom::Array(_) | Atom::Callable(_)
        )
    };
    ty.members().iter().any(is_vague)
}
