//! Reads written types as values: resolves names, templates and aliases.

use std::rc::Rc;

use super::doc_tags::{doc_tags, templates};
use super::inference::Inference;
use super::limits::TYPE_NESTING;
use super::types::{ArrayType, Atom, CallableType, ClassType, Field, TemplateBinding, Type};
use crate::index::symbols::ClassRef;
use crate::php::ClassKind;
use crate::php::names::Scope;
use crate::php::types::{
    ArrayKind, Conditional, Scalar, ShapeField, TypeExpr, type_end, type_expr,
};

/// What the names in a written type stand for.
#[derive(Clone)]
pub(super) struct Resolver<'r, 'a> {
    pub(super) inference: &'r Inference<'a>,
    /// The names in force where the type stands.
    pub(super) scope: Scope<'a>,
    /// The class that holds the type.
    pub(super) class: Option<ClassRef<'a>>,
    /// What `static` and `$this` stand for.
    pub(super) this: Type,
    /// What templates stand for.
    pub(super) bindings: Vec<TemplateBinding>,
    /// The doc comments that declare the templates.
    pub(super) docs: Vec<&'r str>,
    /// The types of the arguments of the call, by the parameters' names.
    pub(super) argument: Option<&'r dyn Fn(&str) -> Type>,
}

impl<'r, 'a> Resolver<'r, 'a> {
    pub(super) fn new(inference: &'r Inference<'a>, scope: Scope<'a>, this: Type) -> Self {
        Self {
            inference,
            scope,
            class: None,
            this,
            bindings: Vec::new(),
            docs: Vec::new(),
            argument: None,
        }
    }

    /// The resolver of types in the class `class`, where `this` is an object
    /// of it.
    pub(super) fn of_class(inference: &'r Inference<'a>, class: ClassRef<'a>, this: Type) -> Self {
        Self {
            class: Some(class),
            docs: vec![class.class().doc.of(class.text)],
            ..Self::new(inference, class.scope(), this)
        }
    }

    /// The type that `text` states.
    pub(super) fn read(&self, text: &str) -> Type {
        type_expr(text).map_or_else(Type::default, |expr| self.resolve(&expr))
    }

    /// The type that `expr` states.
    pub(super) fn resolve(&self, expr: &TypeExpr) -> Type {
        self.nested(expr, TYPE_NESTING)
    }

    fn nested(&self, expr: &TypeExpr, depth: usize) -> Type {
        let Some(depth) = depth.checked_sub(1) else {
            return Type::default();
        };
        match expr {
            TypeExpr::Named(name, args) => self.named(name, args, depth),
            TypeExpr::Scalar(scalar) => scalar_type(*scalar),
            TypeExpr::Int(value) => Atom::Int(Some(*value)).into(),
            TypeExpr::String(text) => Atom::String(Some(text.as_str().into())).into(),
            TypeExpr::Union(members) => {
                let types = members.iter().map(|member| self.nested(member, depth));
                types.fold(Type::default(), Type::or)
            }
            TypeExpr::Intersection(members) => {
                let types = members.iter().map(|member| self.nested(member, depth));
                types
                    .reduce(|a, b| self.inference.both(&a, &b))
                    .unwrap_or_default()
            }
            TypeExpr::Array { kind, key, value } => {
                let part = |part: &Option<Box<TypeExpr>>| {
                    part.as_ref()
                        .map_or_else(Type::default, |part| self.nested(part, depth))
                };
                let array = ArrayType {
                    key: match (kind, key) {
                        (ArrayKind::List, None) => Atom::Int(None).into(),
                        _ => part(key),
                    },
                    value: part(value),
                    fields: Vec::new(),
                    is_iterable: *kind == ArrayKind::Iterable,
                };
                Atom::Array(Rc::new(array)).into()
            }
            TypeExpr::Shape(fields) => Atom::Array(Rc::new(ArrayType {
                fields: self.fields(fields, depth),
                ..ArrayType::default()
            }))
            .into(),
            TypeExpr::ObjectShape(fields) => Atom::Shape(self.fields(fields, depth).into()).into(),
            TypeExpr::Callable {
                params,
                result,
                is_closure,
            } => Atom::Callable(Rc::new(CallableType {
                params: params
                    .iter()
                    .map(|param| self.nested(param, depth))
                    .collect(),
                result: result
                    .as_ref()
                    .map_or_else(Type::default, |result| self.nested(result, depth)),
                is_closure: *is_closure,
                function: None,
            }))
            .into(),
            _ => self.computed(expr, depth),
        }
    }

    /// The type of an expression that depends on other types.
    fn computed(&self, expr: &TypeExpr, depth: usize) -> Type {
        let inference = self.inference;
        match expr {
            TypeExpr::ClassString(of) => {
                let of = of
                    .as_ref()
                    .map_or_else(Type::default, |of| self.nested(of, depth));
                Atom::ClassString(Box::new(of)).into()
            }
            TypeExpr::Variable(name) if name == "$this" => self.this.clone(),
            TypeExpr::Variable(name) => self
                .argument
                .map_or_else(Type::default, |argument| argument(name)),
            TypeExpr::Conditional(conditional) => self.conditional(conditional, depth),
            TypeExpr::KeyOf(of) => {
                let arrays = self.nested(of, depth);
                arrays
                    .members()
                    .iter()
                    .fold(Type::default(), |all, atom| match atom {
                        Atom::Array(array) => all.or(array.keys()),
                        _ => all,
                    })
            }
            TypeExpr::ValueOf(of) => inference.element(&self.nested(of, depth)),
            TypeExpr::Index(of, key) => {
                let key = self.nested(key, depth).key();
                inference.element_at(&self.nested(of, depth), key.as_deref())
            }
            TypeExpr::New(of) => inference.instance(&self.nested(of, depth)),
            TypeExpr::Constant(class, name) => {
                let class = self.named(class, &[], depth);
                inference.class_constants(&class, name)
            }
            _ => Type::default(),
        }
    }

    fn fields(&self, fields: &[ShapeField], depth: usize) -> Vec<Field> {
        let field = |field: &ShapeField| Field {
            key: field.key.as_str().into(),
            ty: self.nested(&field.ty, depth),
        };
        fields.iter().map(field).collect()
    }

    /// The type that a name with arguments states.
    fn named(&self, name: &str, args: &[TypeExpr], depth: usize) -> Type {
        let arguments =
            || -> Vec<Type> { args.iter().map(|arg| self.nested(arg, depth)).collect() };
        let with_arguments = |ty: Type| {
            if args.is_empty() {
                ty
            } else {
                ty.with_args(&arguments())
            }
        };
        match name.to_ascii_lowercase().as_str() {
            "static" => return with_arguments(self.this.clone()),
            "self" => return with_arguments(self.own()),
            "parent" => return with_arguments(self.parent()),
            _ => {}
        }
        if let Some((_, ty)) = self.bindings.iter().find(|(bound, _)| bound == name) {
            return ty.clone();
        }
        if let Some(ty) = self
            .template(name, depth)
            .or_else(|| self.alias(name, depth))
        {
            return ty;
        }
        match self.scope.class(name) {
            Some(full) if full.eq_ignore_ascii_case("Closure") && args.is_empty() => {
                Type::class("Closure")
            }
            Some(full) => Atom::Class(ClassType::new(&full).with(arguments())).into(),
            None => Type::default(),
        }
    }

    /// The class that `self` means.
    fn own(&self) -> Type {
        // In a trait, `self` is the class that uses it.
        let is_trait = |class: &ClassRef<'a>| class.class().kind == ClassKind::Trait;
        let Some(class) = self.class.filter(|class| !is_trait(class)) else {
            return self.this.clone();
        };
        let name = self.inference.name_of(class);
        let same = self.this.classes().find(|this| {
            name.as_deref()
                .is_some_and(|name| this.name.eq_ignore_ascii_case(name))
        });
        match same {
            Some(this) => Atom::Class(this.clone()).into(),
            None => {
                let bindings = self
                    .bindings
                    .iter()
                    .map(|(_, ty)| ty.clone())
                    .collect::<Vec<_>>();
                let templates = templates(class.class().doc.of(class.text));
                let fits = templates.len() <= bindings.len();
                let args = if fits {
                    bindings[..templates.len()].to_vec()
                } else {
                    Vec::new()
                };
                match name {
                    Some(name) => Atom::Class(ClassType::new(&name).with(args)).into(),
                    None => Type::default(),
                }
            }
        }
    }

    fn parent(&self) -> Type {
        let parent = self.class.and_then(|class| {
            let name = class.class().extends.first()?;
            class.scope().class(name.of(class.text))
        });
        Type::of_class(parent)
    }

    /// What a template without a binding stands for: its bound.
    fn template(&self, name: &str, depth: usize) -> Option<Type> {
        for doc in &self.docs {
            if !doc.contains("template") {
                continue;
            }
            let Some(template) = templates(doc)
                .into_iter()
                .find(|template| template.name == name)
            else {
                continue;
            };
            let text = if template.bound.is_empty() {
                template.default
            } else {
                template.bound
            };
            if text.is_empty() || !self.inference.spend(1) {
                return Some(Type::default());
            }
            let expr = type_expr(&text);
            return Some(expr.map_or_else(Type::default, |expr| self.nested(&expr, depth / 2)));
        }
        None
    }

    /// What an alias in the doc comment of the class stands for.
    fn alias(&self, name: &str, depth: usize) -> Option<Type> {
        for doc in &self.docs {
            if !doc.contains("-type") {
                continue;
            }
            for tag in doc_tags(doc).filter(|tag| tag.is_prefixed) {
                let body = &*tag.body;
                let (first, rest) = body.split_once([' ', '\t', '=']).unwrap_or((body, ""));
                match tag.name {
                    "type" if first == name => {
                        if !self.inference.spend(1) {
                            return Some(Type::default());
                        }
                        let text = rest.trim_start_matches([' ', '\t', '=']);
                        let expr = type_expr(&text[..type_end(text)])?;
                        return Some(self.nested(&expr, depth / 2));
                    }
                    "import-type" => {
                        let words: Vec<&str> = rest.split_whitespace().collect();
                        let local = match *words {
                            ["from", _, "as", local, ..] => local,
                            _ => first,
                        };
                        if local == name && words.first() == Some(&"from") {
                            return self.imported(words.get(1)?, first, depth);
                        }
                    }
                    _ => {}
                }
            }
        }
        None
    }

    /// The alias `name` of the class `from`.
    fn imported(&self, from: &str, name: &str, depth: usize) -> Option<Type> {
        if !self.inference.spend(1) {
            return None;
        }
        let class = self.inference.class(&self.scope.class(from)?)?;
        let this = Type::of_class(self.inference.name_of(class));
        let resolver = Resolver::of_class(self.inference, class, this);
        resolver.alias(name, depth / 2)
    }

    /// The type of `(subject is target ? then : otherwise)`.
    fn conditional(&self, conditional: &Conditional, depth: usize) -> Type {
        let subject = self.nested(&conditional.subject, depth);
        let target = self.nested(&conditional.target, depth);
        let mut holds = None;
        for atom in subject.members() {
            let one = self.inference.is_of_type(atom, &target);
            holds = match (holds, one) {
                (None, Some(one)) => Some(one),
                (Some(all), Some(one)) if all == one => Some(all),
                _ => {
                    holds = None;
                    break;
                }
            };
        }
        let then = || self.nested(&conditional.then, depth);
        let otherwise = || self.nested(&conditional.otherwise, depth);
        match holds {
            Some(true) => then(),
            Some(false) => otherwise(),
            None => then().or(otherwise()),
        }
    }
}

fn scalar_type(scalar: Scalar) -> Type {
    match scalar {
        Scalar::Mixed => Atom::Mixed,
        Scalar::Null | Scalar::Void => Atom::Null,
        Scalar::Never => Atom::Never,
        Scalar::True => Atom::Bool(Some(true)),
        Scalar::False => Atom::Bool(Some(false)),
        Scalar::Bool => Atom::Bool(None),
        Scalar::Int => Atom::Int(None),
        Scalar::Float => Atom::Float,
        Scalar::String => Atom::String(None),
        Scalar::ArrayKey => return Type::from(Atom::Int(None)).or(Atom::String(None).into()),
        Scalar::Resource => Atom::Resource,
        Scalar::Object => Atom::Object,
    }
    .into()
}

impl Type {
    /// The same classes with these template arguments.
    fn with_args(&self, args: &[Type]) -> Self {
        let with = |atom: &Atom| match atom {
            Atom::Class(class) => Atom::Class(class.clone().with(args.to_vec())),
            other => other.clone(),
        };
        self.members()
            .iter()
            .map(with)
            .fold(Self::default(), |all, atom| all.or(atom.into()))
    }
}
