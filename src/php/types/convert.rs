//! Makes a [`TypeExpr`] of the parser's tree.

use mago_type_syntax::ast::{
    CallableType, CallableTypeKind, ConditionalType, GenericParameters, LiteralIntOrFloatType,
    MemberReferenceSelector, ShapeField as ParsedField, ShapeKey, ShapeType, ShapeTypeKind,
    SingleGenericParameter, Type,
};

use super::{ArrayKind, Conditional, Scalar, ShapeField, TypeExpr};

const MIXED: TypeExpr = TypeExpr::Scalar(Scalar::Mixed);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The type that a single word states.
pub(super) fn word(word: &str) -> TypeExpr {
    // Doc comments use these words as types. In code they are no keywords, so
    // with another case they may name a class.
    let lower = word.to_ascii_lowercase();
    let is_native = matches!(
        lower.as_str(),
        "null"
            | "void"
            | "never"
            | "true"
            | "false"
            | "bool"
            | "int"
            | "float"
            | "string"
            | "mixed"
            | "array"
            | "iterable"
            | "callable"
            | "object"
    );
    if !is_native && word != lower {
        return TypeExpr::Named(word.to_owned(), Vec::new());
    }
    let array = |kind| TypeExpr::Array {
        kind,
        key: None,
        value: None,
    };
    TypeExpr::Scalar(match lower.as_str() {
        "mixed" => Scalar::Mixed,
        "null" => Scalar::Null,
        "void" => Scalar::Void,
        "never" | "noreturn" => Scalar::Never,
        "true" => Scalar::True,
        "false" => Scalar::False,
        "bool" | "boolean" => Scalar::Bool,
        "int" | "integer" => Scalar::Int,
        "float" | "double" => Scalar::Float,
        "string" => Scalar::String,
        "scalar" | "numeric" => Scalar::ArrayKey,
        "resource" => Scalar::Resource,
        "object" => Scalar::Object,
        "array" => return array(ArrayKind::Array),
        "list" => return array(ArrayKind::List),
        "iterable" => return array(ArrayKind::Iterable),
        "callable" => {
            return TypeExpr::Callable {
                params: Vec::new(),
                result: None,
                is_closure: false,
            };
        }
        _ => return TypeExpr::Named(word.to_owned(), Vec::new()),
    })
}

/// The smaller form of `ty`. Recurses once a level of brackets, whose number the
/// caller bounds.
pub(super) fn converted(ty: &Type<'_>) -> TypeExpr {
    match ty {
        Type::Parenthesized(inner) => converted(inner.inner),
        Type::TrailingPipe(inner) => converted(inner.inner),
        Type::Nullable(inner) => {
            TypeExpr::Union(vec![converted(inner.inner), TypeExpr::Scalar(Scalar::Null)])
        }
        Type::Union(_) | Type::Intersection(_) => joined(ty),
        Type::Reference(reference) => {
            let name = text(reference.identifier.value);
            match &reference.parameters {
                None => word(&name),
                Some(arguments) => named(name, entries(arguments)),
            }
        }
        Type::Slice(slice) => TypeExpr::Array {
            kind: ArrayKind::List,
            key: None,
            value: Some(Box::new(converted(slice.inner))),
        },
        Type::Shape(shape) => converted_shape(shape),
        Type::Object(object) => match &object.properties {
            Some(properties) => TypeExpr::ObjectShape(fields(properties.fields.as_slice())),
            None => word(&text(object.keyword.value)),
        },
        Type::Callable(callable) => converted_callable(callable),
        Type::Conditional(conditional) => converted_conditional(conditional),
        Type::Variable(variable) => TypeExpr::Variable(text(variable.value)),
        Type::IndexAccess(access) => TypeExpr::Index(
            Box::new(converted(access.target)),
            Box::new(converted(access.index)),
        ),
        Type::KeyOf(of) => TypeExpr::KeyOf(Box::new(single(&of.parameter))),
        Type::ValueOf(of) => TypeExpr::ValueOf(Box::new(single(&of.parameter))),
        Type::New(of) => TypeExpr::New(Box::new(single(&of.parameter))),
        Type::MemberReference(member) => {
            let pattern = match &member.member {
                MemberReferenceSelector::Wildcard(_) => "*".to_owned(),
                MemberReferenceSelector::Identifier(name) => text(name.value),
                MemberReferenceSelector::StartsWith(name, _) => text(name.value) + "*",
                MemberReferenceSelector::EndsWith(_, name) => format!("*{}", text(name.value)),
            };
            TypeExpr::Constant(text(member.class.value), pattern)
        }
        _ => without_parts(ty),
    }
}

/// The smaller form of an array, a class string, a literal or a keyword.
fn without_parts(ty: &Type<'_>) -> TypeExpr {
    let class_string = |of: Option<&SingleGenericParameter<'_>>| {
        TypeExpr::ClassString(of.map(|of| Box::new(single(of))))
    };
    match ty {
        Type::Array(of) => array(ArrayKind::Array, of.parameters.as_ref()),
        Type::NonEmptyArray(of) => array(ArrayKind::Array, of.parameters.as_ref()),
        Type::AssociativeArray(of) => array(ArrayKind::Array, of.parameters.as_ref()),
        Type::List(of) => array(ArrayKind::List, of.parameters.as_ref()),
        Type::NonEmptyList(of) => array(ArrayKind::List, of.parameters.as_ref()),
        Type::Iterable(of) => array(ArrayKind::Iterable, of.parameters.as_ref()),
        Type::ClassString(of) => class_string(of.parameter.as_ref()),
        Type::InterfaceString(of) => class_string(of.parameter.as_ref()),
        Type::EnumString(of) => class_string(of.parameter.as_ref()),
        Type::TraitString(of) => class_string(of.parameter.as_ref()),
        Type::LiteralInt(int) => {
            i64::try_from(int.value).map_or(TypeExpr::Scalar(Scalar::Int), TypeExpr::Int)
        }
        Type::Negated(negated) => match &negated.number {
            LiteralIntOrFloatType::Int(int) => i64::try_from(int.value)
                .map_or(TypeExpr::Scalar(Scalar::Int), |value| TypeExpr::Int(-value)),
            LiteralIntOrFloatType::Float(_) => TypeExpr::Scalar(Scalar::Float),
        },
        Type::LiteralString(string) => TypeExpr::String(text(string.value)),
        // The parser reads keywords in any case, although a class may be
        // called `Resource`.
        Type::Mixed(word)
        | Type::Null(word)
        | Type::Void(word)
        | Type::Never(word)
        | Type::Resource(word)
        | Type::True(word)
        | Type::False(word)
        | Type::Bool(word)
        | Type::Float(word)
        | Type::Int(word)
        | Type::String(word)
        | Type::Numeric(word)
        | Type::Scalar(word) => super::convert::word(&text(word.value)),
        Type::StringableObject(_) => TypeExpr::Scalar(Scalar::Object),
        Type::ArrayKey(_) => TypeExpr::Scalar(Scalar::ArrayKey),
        Type::ClosedResource(_) | Type::OpenResource(_) => TypeExpr::Scalar(Scalar::Resource),
        _ => refined_scalar(ty),
    }
}

/// The smaller form of a keyword that says more of a scalar.
fn refined_scalar(ty: &Type<'_>) -> TypeExpr {
    match ty {
        Type::PositiveInt(_)
        | Type::NegativeInt(_)
        | Type::NonPositiveInt(_)
        | Type::NonNegativeInt(_)
        | Type::NonZeroInt(_)
        | Type::UnspecifiedLiteralInt(_)
        | Type::IntMask(_)
        | Type::IntMaskOf(_)
        | Type::IntRange(_) => TypeExpr::Scalar(Scalar::Int),
        Type::UnspecifiedLiteralFloat(_) | Type::LiteralFloat(_) | Type::Posited(_) => {
            TypeExpr::Scalar(Scalar::Float)
        }
        Type::CallableString(_)
        | Type::LowercaseCallableString(_)
        | Type::UppercaseCallableString(_)
        | Type::NumericString(_)
        | Type::NonEmptyString(_)
        | Type::NonEmptyLowercaseString(_)
        | Type::LowercaseString(_)
        | Type::NonEmptyUppercaseString(_)
        | Type::UppercaseString(_)
        | Type::TruthyString(_)
        | Type::NonFalsyString(_)
        | Type::UnspecifiedLiteralString(_)
        | Type::NonEmptyUnspecifiedLiteralString(_) => TypeExpr::Scalar(Scalar::String),
        _ => MIXED,
    }
}

/// A class with arguments; `static<…>` and what else the parser takes for one.
fn named(name: String, mut arguments: Vec<TypeExpr>) -> TypeExpr {
    let last = |arguments: &mut Vec<TypeExpr>| arguments.pop().map(Box::new);
    match name.to_ascii_lowercase().as_str() {
        "callable-array" | "callable-list" | "template-type" => MIXED,
        "array" | "non-empty-array" => TypeExpr::Array {
            kind: ArrayKind::Array,
            value: last(&mut arguments),
            key: last(&mut arguments),
        },
        _ => TypeExpr::Named(name, arguments),
    }
}

/// The members of a union or an intersection. The parser nests them to either
/// side; this walks them with a stack.
fn joined(ty: &Type<'_>) -> TypeExpr {
    let is_union = matches!(ty, Type::Union(_));
    let mut members = Vec::new();
    let mut stack = vec![ty];
    while let Some(next) = stack.pop() {
        match next {
            Type::Union(union) if is_union => stack.extend([union.right, union.left]),
            Type::Intersection(both) if !is_union => stack.extend([both.right, both.left]),
            Type::Parenthesized(inner) => stack.push(inner.inner),
            other => members.push(converted(other)),
        }
    }
    if is_union {
        TypeExpr::Union(members)
    } else {
        TypeExpr::Intersection(members)
    }
}

fn entries(parameters: &GenericParameters<'_>) -> Vec<TypeExpr> {
    let entries = parameters.entries.as_slice().iter();
    entries.map(|entry| converted(&entry.inner)).collect()
}

fn single(parameter: &SingleGenericParameter<'_>) -> TypeExpr {
    converted(&parameter.entry.inner)
}

fn array(kind: ArrayKind, parameters: Option<&GenericParameters<'_>>) -> TypeExpr {
    let mut arguments = parameters.map(entries).unwrap_or_default();
    let value = arguments.pop().map(Box::new);
    let key = arguments.pop().map(Box::new);
    TypeExpr::Array { kind, key, value }
}

fn fields(parsed: &[ParsedField<'_>]) -> Vec<ShapeField> {
    let mut next = 0;
    let field = |field: &ParsedField<'_>| {
        let key = match field.key.as_ref().map(|key| &key.key) {
            Some(ShapeKey::String { value, .. }) => text(value),
            Some(ShapeKey::Integer { value, .. }) => {
                next = value.saturating_add(1);
                value.to_string()
            }
            Some(ShapeKey::ClassLikeConstant {
                class_name,
                constant_name,
                ..
            }) => {
                format!("{}::{}", text(class_name.value), text(constant_name.value))
            }
            None => {
                let key = next.to_string();
                next = next.saturating_add(1);
                key
            }
        };
        ShapeField {
            key,
            ty: converted(field.value),
            is_optional: field
                .key
                .as_ref()
                .is_some_and(|key| key.question_mark.is_some()),
        }
    };
    parsed.iter().map(field).collect()
}

fn converted_callable(callable: &CallableType<'_>) -> TypeExpr {
    let params = callable.specification.iter().flat_map(|specification| {
        let entries = specification.parameters.entries.as_slice().iter();
        entries.map(|entry| entry.parameter_type.as_ref().map_or(MIXED, converted))
    });
    let result = callable.specification.as_ref().and_then(|specification| {
        let result = specification.return_type.as_ref()?;
        Some(Box::new(converted(result.return_type)))
    });
    TypeExpr::Callable {
        params: params.collect(),
        result,
        is_closure: matches!(
            callable.kind,
            CallableTypeKind::Closure | CallableTypeKind::PureClosure
        ),
    }
}

fn converted_shape(shape: &ShapeType<'_>) -> TypeExpr {
    if !shape.fields.is_empty() {
        return TypeExpr::Shape(fields(shape.fields.as_slice()));
    }
    let is_list = matches!(
        shape.kind,
        ShapeTypeKind::List | ShapeTypeKind::NonEmptyList
    );
    let kind = if is_list {
        ArrayKind::List
    } else {
        ArrayKind::Array
    };
    let more = shape.additional_fields.as_ref();
    array(kind, more.and_then(|more| more.parameters.as_ref()))
}

fn converted_conditional(conditional: &ConditionalType<'_>) -> TypeExpr {
    let (mut then, mut otherwise) = (
        converted(conditional.then),
        converted(conditional.otherwise),
    );
    if conditional.not.is_some() {
        std::mem::swap(&mut then, &mut otherwise);
    }
    TypeExpr::Conditional(Box::new(Conditional {
        subject: converted(conditional.subject),
        target: converted(conditional.target),
        then,
        otherwise,
    }))
}
