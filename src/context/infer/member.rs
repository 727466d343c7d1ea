//! The type of a member: of a property or class constant, and what a method
//! returns.

use std::rc::Rc;

use super::doc_tags::{best_tag, doc_tags, templates};
use super::eval::Args;
use super::framework::MethodCall;
use super::function_ref::FunctionRef;
use super::inference::Inference;
use super::members::{VirtualMember, virtual_type};
use super::resolve::Resolver;
use super::types::{Atom, CallableType, ClassType, Type};
use crate::index::symbols::ClassRef;
use crate::php::types::{TypeExpr, type_expr};
use crate::php::{ClassKind, Member, MemberKind, Span};

impl<'a> Inference<'a> {
    /// The type of the property `name` of a value of type `receiver`.
    pub(super) fn property(&self, receiver: &Type, name: &str) -> Type {
        let mut ty = Type::default();
        for atom in receiver.members() {
            if let Atom::Shape(fields) = atom {
                let field = fields.iter().find(|field| &*field.key == name);
                ty.add(field.map(|field| field.ty.clone()).unwrap_or_default());
            }
            for class in atom.classes() {
                let found = self.class_property(class, name);
                let is_found = !found.is_empty();
                ty.add(found);
                if is_found {
                    break;
                }
            }
        }
        ty
    }

    fn class_property(&self, object: &ClassType, name: &str) -> Type {
        let told = self.told_property(object, name);
        if !told.is_empty() {
            return told;
        }
        let Some(class) = self.class(&object.name) else {
            return Type::default();
        };
        let this: Type = Atom::Class(object.clone()).into();
        let members = self.members(class);
        let found = members.find(MemberKind::Property, name);
        let mut ty = Type::default();
        if let Some((owner, member)) = found {
            ty = self.declared_property(class, object, owner, &owner.class().members[member]);
        }
        if !ty.leads_on()
            && let Some((owner, member)) = members.find_virtual(MemberKind::Property, name)
        {
            let stated = self.virtual_type(class, object, owner, &member);
            ty = stated.or_better(|| ty);
        }
        if found.is_some() || !ty.is_empty() {
            return ty;
        }
        if class.class().kind == ClassKind::Enum {
            return Atom::String(None).into();
        }
        match members.find(MemberKind::Method, "__get") {
            Some(_) => self.method(&this, "__get", Args::NONE),
            None => self.templated_mixins(object).iter().fold(ty, |ty, mixin| {
                ty.or_else(|| self.class_property(mixin, name))
            }),
        }
    }

    fn declared_property(
        &self,
        class: ClassRef<'a>,
        object: &ClassType,
        owner: ClassRef<'a>,
        property: &Member,
    ) -> Type {
        let this: Type = Atom::Class(object.clone()).into();
        let resolver = Resolver {
            bindings: self.bound_by_class(class, object, owner),
            ..Resolver::of_class(self, owner, this.clone())
        };
        let text = owner.text;
        let name = property.name.of(text);
        let documented = |doc: &str| {
            best_tag(doc, "var", |_| true).map_or_else(Type::default, |tag| resolver.read(tag.ty()))
        };
        let mut stated = documented(property.doc.of(text));
        if !stated.leads_on()
            && let Some(constructor) = promoting(owner, property)
        {
            let variable = format!("${name}");
            let tag = best_tag(constructor.doc(), "param", |tag| {
                tag.variable() == Some(&variable)
            });
            stated = tag.map_or(stated, |tag| resolver.read(tag.ty()));
        }
        let ty = self.combined(stated, resolver.read(property.ty.of(text)));
        if ty.leads_on() {
            return ty;
        }
        let is_declared = !property.ty.is_empty()
            && !ty
                .members()
                .iter()
                .any(|atom| matches!(atom, Atom::Array(_) | Atom::Object | Atom::Mixed));
        if is_declared {
            return ty;
        }
        let inherited = || {
            let parents = self.members(owner).hierarchy().iter().skip(1);
            let found = parents.filter_map(|parent| {
                let mut members = parent.class().members.iter();
                let same = members.find(|member| {
                    member.kind == MemberKind::Property && member.name.of(parent.text) == name
                })?;
                let ty = self.declared_property(class, object, *parent, same);
                ty.leads_on().then_some(ty)
            });
            { found }.next().unwrap_or_default()
        };
        ty.or_better(|| self.assigned_property(owner, &this, name))
            .or_better(inherited)
            .or_better(|| self.promoted_default(owner, property))
    }

    /// The type of the default of the parameter that declares `property`.
    fn promoted_default(&self, owner: ClassRef<'a>, property: &Member) -> Type {
        let Some(constructor) = promoting(owner, property) else {
            return Type::default();
        };
        let name = property.name.of(owner.text);
        let parameters = constructor.parameters();
        let param = parameters
            .iter()
            .find(|param| param.name.strip_prefix('$') == Some(name));
        let Some(param) = param.filter(|param| !param.default.is_empty()) else {
            return Type::default();
        };
        let end = param.default.as_ptr().addr() + param.default.len() - owner.text.as_ptr().addr();
        let span = Span {
            start: property.name.end,
            end: end as u32,
        };
        self.initializer(owner.text, owner.facts, span, Some(owner), &Type::default())
    }

    /// The type that a doc comment gives to a virtual member.
    fn virtual_type(
        &self,
        class: ClassRef<'a>,
        object: &ClassType,
        owner: ClassRef<'a>,
        member: &VirtualMember<'a>,
    ) -> Type {
        let resolver = Resolver {
            bindings: self.bound_by_class(class, object, owner),
            ..Resolver::of_class(self, owner, Atom::Class(object.clone()).into())
        };
        let mut tags = doc_tags(owner.class().doc.of(owner.text));
        let tag = tags.find(|tag| std::ptr::eq(tag.line, member.line));
        tag.map_or_else(Type::default, |tag| {
            resolver.read(virtual_type(tag.name, &tag.body))
        })
    }

    /// What the method `name` of a value of type `receiver` returns.
    pub(super) fn method(&self, receiver: &Type, name: &str, args: Args<'_, '_, 'a>) -> Type {
        let mut ty = Type::default();
        for atom in receiver.members() {
            if let Atom::Callable(callable) = atom {
                ty.add(closure_method(callable, atom, name));
            }
            for class in atom.classes() {
                // `$this` of an object that is of several classes is the same
                // object.
                let found = self.class_method(class, &atom.clone().into(), name, args);
                let is_found = !found.is_empty();
                ty.add(found);
                if is_found {
                    break;
                }
            }
        }
        ty
    }

    /// What the method `name` of `receiver` returns where `static` is `this`.
    pub(super) fn method_as(
        &self,
        receiver: &Type,
        this: &Type,
        name: &str,
        args: Args<'_, '_, 'a>,
    ) -> Type {
        let results = receiver
            .classes()
            .map(|class| self.class_method(class, this, name, args));
        results.reduce(Type::or).unwrap_or_default()
    }

    fn class_method(
        &self,
        object: &ClassType,
        this: &Type,
        name: &str,
        args: Args<'_, '_, 'a>,
    ) -> Type {
        let told = self.told_method(&MethodCall {
            object,
            this,
            name,
            args,
        });
        if !told.is_empty() {
            return told;
        }
        let Some(class) = self.class(&object.name) else {
            return Type::default();
        };
        let members = self.members(class);
        let mut ty = Type::default();
        let found = members.find(MemberKind::Method, name);
        if let Some((owner, member)) = found {
            let function = FunctionRef::method(owner, &owner.class().members[member]);
            ty = self.result(&function, Some(object), this, args);
        }
        if !ty.leads_on()
            && let Some((owner, member)) = members.find_virtual(MemberKind::Method, name)
        {
            let stated = self.virtual_type(class, object, owner, &member);
            ty = stated.or_better(|| ty);
        }
        if found.is_some() || !ty.is_empty() {
            return ty;
        }
        if class.class().kind == ClassKind::Enum {
            return enum_method(object, name);
        }
        for mixin in self.templated_mixins(object) {
            let found = self.class_method(&mixin, this, name, args);
            if !found.is_empty() {
                return found;
            }
        }
        for class in self.forwards(object) {
            let this: Type = Atom::Class(class.clone()).into();
            let found = self.deeper(|| self.class_method(&class, &this, name, args));
            if let Some(found) = found.filter(|found| !found.is_empty()) {
                return found;
            }
        }
        for magic in ["__call", "__callStatic"] {
            if members.find(MemberKind::Method, magic).is_some() {
                let ty = self.class_method(object, this, magic, Args::NONE);
                if ty.leads_on() {
                    return ty;
                }
            }
        }
        Type::default()
    }

    /// The signatures of the method `name` of a value of type `receiver`.
    pub(super) fn method_signatures(&self, receiver: &Type, name: &str) -> Vec<Rc<CallableType>> {
        let found = receiver.classes().filter_map(|class| {
            let function = self.find_method(class, name)?;
            let this: Type = Atom::Class(class.clone()).into();
            Some(self.signature(&function, Some(class), &this))
        });
        found.collect()
    }

    /// What a value is when it is called.
    pub(super) fn callables(&self, ty: &Type) -> Vec<Rc<CallableType>> {
        let mut all = Vec::new();
        for atom in ty.members() {
            match atom {
                Atom::Callable(callable) => all.push(callable.clone()),
                Atom::Class(_) | Atom::All(_) => {
                    all.extend(self.method_signatures(&atom.clone().into(), "__invoke"));
                }
                Atom::String(Some(name)) => match name.split_once("::") {
                    Some((class, method)) => {
                        all.extend(self.method_signatures(
                            &Type::class(class.trim_start_matches('\\')),
                            method,
                        ));
                    }
                    None => {
                        let written = format!("\\{}", name.trim_start_matches('\\'));
                        let scope = self.buffer.scope();
                        let function = self.function(&written, &scope);
                        all.extend(
                            function
                                .map(|function| self.signature(&function, None, &Type::default())),
                        );
                    }
                },
                Atom::Array(array) => {
                    let method = array.element(Some("1")).key();
                    if let Some(method) = method {
                        let first = array.element(Some("0"));
                        let object = first.filter(|atom| !atom.classes().is_empty());
                        let receiver = object.or_else(|| self.instance(&first));
                        all.extend(self.method_signatures(&receiver, &method));
                    }
                }
                _ => {}
            }
        }
        all
    }

    /// An object of the class that a value of type `ty` names; an object
    /// itself.
    pub(super) fn instance(&self, ty: &Type) -> Type {
        let mut all = Type::default();
        for atom in ty.members() {
            match atom {
                Atom::ClassString(of) => all.add((**of).clone()),
                Atom::Class(_) | Atom::All(_) => all.push(atom.clone()),
                Atom::String(Some(name)) => {
                    let name = name.trim_start_matches('\\');
                    if self.class(name).is_some() {
                        all.push(Atom::Class(ClassType::new(name)));
                    }
                }
                _ => {}
            }
        }
        all
    }

    /// The type of the class constants of `of` that `pattern` names; it may end
    /// in `*`.
    pub(super) fn class_constants(&self, of: &Type, pattern: &str) -> Type {
        let mut all = Type::default();
        for object in of.classes() {
            let Some(class) = self.class(&object.name) else {
                continue;
            };
            if pattern == "*" && class.class().kind == ClassKind::Enum {
                all.push(Atom::Class(object.clone()));
                continue;
            }
            let prefix = pattern.strip_suffix('*');
            for (owner, index) in self.members(class).all() {
                let member = &owner.class().members[index];
                let name = member.name.of(owner.text);
                let fits = prefix.map_or(name == pattern, |prefix| name.starts_with(prefix));
                if !fits || !matches!(member.kind, MemberKind::Case | MemberKind::Constant) {
                    continue;
                }
                all.add(self.constant_type(object, owner, member));
                if prefix.is_none() {
                    break;
                }
            }
        }
        all
    }

    fn constant_type(&self, object: &ClassType, owner: ClassRef<'a>, member: &Member) -> Type {
        let name = member.name.of(owner.text);
        if member.kind == MemberKind::Case {
            let case = ClassType {
                case: Some(name.into()),
                ..object.clone()
            };
            return Atom::Class(case).into();
        }
        let this: Type = Atom::Class(object.clone()).into();
        let resolver = Resolver::of_class(self, owner, this.clone());
        let documented = best_tag(member.doc.of(owner.text), "var", |_| true)
            .map_or_else(Type::default, |tag| resolver.read(tag.ty()));
        let stated = self.combined(documented, resolver.read(member.ty.of(owner.text)));
        if stated.leads_on() {
            return stated;
        }
        let span = Span {
            start: member.name.end,
            end: member.end,
        };
        self.initializer(owner.text, owner.facts, span, Some(owner), &this)
            .or_else(|| stated)
    }

    /// What `@mixin T` gives to an object, where `T` is a template of its
    /// class.
    pub(super) fn templated_mixins(&self, object: &ClassType) -> Vec<ClassType> {
        let Some(class) = self.class(&object.name) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for owner in self.members(class).hierarchy() {
            let doc = owner.class().doc.of(owner.text);
            if !doc.contains("@mixin") || !doc.contains("template") {
                continue;
            }
            for tag in doc_tags(doc).filter(|tag| tag.name == "mixin") {
                let names = templates(doc);
                if let Some(TypeExpr::Named(name, _)) = type_expr(tag.ty())
                    && names.iter().any(|template| template.name == name)
                {
                    let resolver = Resolver {
                        bindings: self.bound_by_class(class, object, *owner),
                        ..Resolver::of_class(self, *owner, Atom::Class(object.clone()).into())
                    };
                    all.extend(resolver.read(&name).classes().cloned());
                }
            }
        }
        all
    }

    /// The type of the anonymous class number `item` of a file.
    pub(super) fn anonymous(&self, facts: &crate::php::FileFacts, item: usize) -> Type {
        if std::ptr::eq(facts, &raw const self.buffer.facts) {
            return Type::class(&super::class_lookup::anonymous_name(item));
        }
        Type::default()
    }
}

/// The constructor that declares `property` as a parameter.
fn promoting<'a>(owner: ClassRef<'a>, property: &Member) -> Option<FunctionRef<'a>> {
    let promotes = |member: &&Member| {
        member.kind == MemberKind::Method && member.params.contains(property.name.start as usize)
    };
    let constructor = owner.class().members.iter().find(promotes)?;
    Some(FunctionRef::method(owner, constructor))
}

/// What a method of a closure returns.
fn closure_method(callable: &CallableType, own: &Atom, name: &str) -> Type {
    match name.to_ascii_lowercase().as_str() {
        "__invoke" | "call" => callable.result.clone(),
        "bindto" => own.clone().into(),
        _ => Type::default(),
    }
}

/// The type that PHP's own method `name` of an enum returns.
fn enum_method(class: &ClassType, name: &str) -> Type {
    let any: Type = Type::class(&class.name);
    match name.to_ascii_lowercase().as_str() {
        "from" => any,
        "tryfrom" => any.or(Atom::Null.into()),
        "cases" => any.into_list(),
        _ => Type::default(),
    }
}
