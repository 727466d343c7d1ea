//! Attributes of a model: what it casts, its accessors, `$fillable` and the
//! timestamps, as properties.

use super::arrays::{ArrayEntry, entries};
use super::{beside, generic, is_own, object_of};
use crate::context::infer::eval::Args;
use crate::context::infer::framework::ConventionalMember;
use crate::context::infer::function_ref::FunctionRef;
use crate::context::infer::inference::Inference;
use crate::context::infer::limits::CONVENTION_BYTES;
use crate::context::infer::members::VirtualMember;
use crate::context::infer::types::{Atom, ClassType, Type};
use crate::index::symbols::ClassRef;
use crate::php::{ClassKind, Member, MemberKind, Span, Visibility};

/// Dates.
const CARBON: &str = "Illuminate\\Support\\Carbon";
/// What an accessor returns since Laravel 9.
const ATTRIBUTE: &str = "Illuminate\\Database\\Eloquent\\Casts\\Attribute";
/// A class that casts an attribute.
const CASTS: &str = "Illuminate\\Contracts\\Database\\Eloquent\\CastsAttributes";
/// Attributes that Eloquent keeps itself.
const TIMESTAMPS: [&str; 3] = ["created_at", "updated_at", "deleted_at"];

/// The type of the attribute `name` of a model.
pub(super) fn property(inference: &Inference<'_>, object: &ClassType, name: &str) -> Type {
    let accessed = accessor(inference, object, name);
    if !accessed.is_empty() {
        return accessed;
    }
    for (owner, entry) in arrays(inference, object, &["casts"]) {
        if entry.is_key && entry.text == name {
            return cast(inference, owner, &entry);
        }
    }
    let dates = arrays(inference, object, &["dates"]);
    let mut dates = dates.iter().filter(|(_, entry)| !entry.is_key);
    if TIMESTAMPS.contains(&name) || dates.any(|(_, entry)| entry.text == name) {
        return Type::class(CARBON);
    }
    Type::default()
}

/// What the accessor of the attribute `name` gives: `getFullNameAttribute()`,
/// or `fullName(): Attribute`.
fn accessor(inference: &Inference<'_>, object: &ClassType, name: &str) -> Type {
    let Some(class) = inference.class(&object.name) else {
        return Type::default();
    };
    let members = inference.members(class);
    let this = object_of(object);
    let getter = format!("get{}Attribute", name.replace('_', ""));
    if let Some((owner, index)) = members.find(MemberKind::Method, &getter) {
        let function = FunctionRef::method(owner, &owner.class().members[index]);
        return inference.result(&function, Some(object), &this, Args::NONE);
    }
    let Some((owner, index)) = members.find(MemberKind::Method, &name.replace('_', "")) else {
        return Type::default();
    };
    let member = &owner.class().members[index];
    if !is_accessor(owner, member) {
        return Type::default();
    }
    let function = FunctionRef::method(owner, member);
    let attribute = inference.result(&function, Some(object), &this, Args::NONE);
    let gotten = attribute.classes().find_map(|class| class.args.first());
    gotten.cloned().unwrap_or_default()
}

/// Whether a method returns an `Attribute` by its declaration.
fn is_accessor(owner: ClassRef<'_>, member: &Member) -> bool {
    let ty = member.ty.of(owner.text);
    let is_named = ty.rsplit('\\').next() == Some("Attribute");
    is_named
        && owner
            .scope()
            .class(ty)
            .is_some_and(|name| name == ATTRIBUTE)
}

/// The type of an attribute that is cast.
fn cast(inference: &Inference<'_>, owner: ClassRef<'_>, entry: &ArrayEntry<'_>) -> Type {
    let (written, _) = entry.value.split_once(':').unwrap_or((entry.value, ""));
    match written {
        "date" | "datetime" | "timestamp" => return Type::class(CARBON),
        "immutable_date" | "immutable_datetime" => return Type::class("Carbon\\CarbonImmutable"),
        "collection" => return collection(),
        "encrypted" if entry.value.ends_with(":collection") => return collection(),
        "object" => return Type::class("stdClass"),
        "array" | "json" => return Type::array(Type::default(), Type::default()),
        "bool" | "boolean" => return Atom::Bool(None).into(),
        "int" | "integer" => return Atom::Int(None).into(),
        "float" | "double" | "real" => return Atom::Float.into(),
        "string" | "hashed" | "decimal" | "encrypted" => return Atom::String(None).into(),
        _ => {}
    }
    let Some(name) = owner.scope().class(written) else {
        return Type::default();
    };
    let short = name.rsplit('\\').next().unwrap_or(&name);
    match short {
        "AsCollection" | "AsEncryptedCollection" | "AsEnumCollection" => return collection(),
        "AsArrayObject" => return Type::class("ArrayObject"),
        "AsStringable" => return Type::class("Illuminate\\Support\\Stringable"),
        _ => {}
    }
    let object = ClassType::new(&name);
    if inference.is_a(&name, CASTS) == Some(true)
        && let Some(getter) = inference.find_method(&object, "get")
    {
        return inference.result(&getter, Some(&object), &object_of(&object), Args::NONE);
    }
    let is_enum = |class: ClassRef<'_>| class.class().kind == ClassKind::Enum;
    match inference.class(&name) {
        Some(class) if is_enum(class) => object_of(&object),
        _ => Type::default(),
    }
}

fn collection() -> Type {
    generic("Illuminate\\Support\\Collection", Vec::new())
}

/// The strings of the arrays `names` that the class of a model and its parents
/// in the project declare as properties or return from methods, nearest first.
fn arrays<'a>(
    inference: &Inference<'a>,
    object: &ClassType,
    names: &[&str],
) -> Vec<(ClassRef<'a>, ArrayEntry<'a>)> {
    let mut all = Vec::new();
    let Some(class) = inference.class(&object.name) else {
        return all;
    };
    for (owner, index) in inference.members(class).all() {
        let member = &owner.class().members[index];
        let is_array = matches!(member.kind, MemberKind::Property | MemberKind::Method);
        if !is_array || is_own(owner) || !names.contains(&member.name.of(owner.text)) {
            continue;
        }
        let value = Span {
            start: member.head.end,
            end: member.end,
        };
        // Reading a long array costs more steps than a short one.
        let cost = 1 + value.len().min(CONVENTION_BYTES) / 1024;
        if !inference.spend(cost as u32) {
            break;
        }
        let found = entries(owner.text, value);
        all.extend(found.into_iter().map(|entry| (owner, entry)));
    }
    all
}

/// Adds the attributes of a model as properties.
pub(super) fn add_properties<'a>(
    inference: &'a Inference<'a>,
    object: &ClassType,
    all: &mut Vec<ConventionalMember<'a>>,
) {
    let Some(class) = inference.class(&object.name) else {
        return;
    };
    let mut add = |owner: ClassRef<'a>, name: &'a str, ty: &'a str, span: Span| {
        let property = VirtualMember {
            kind: MemberKind::Property,
            visibility: Visibility::Public,
            is_static: false,
            name,
            ty,
            line: "@property",
            span,
        };
        all.push(ConventionalMember::Virtual(owner, property));
    };
    for (owner, entry) in arrays(inference, object, &["casts"]) {
        if entry.is_key {
            add(owner, entry.text, shown(entry.value), entry.span);
        }
    }
    for (owner, index) in inference.members(class).all() {
        let member = &owner.class().members[index];
        if member.kind != MemberKind::Method || is_own(owner) {
            continue;
        }
        let name = member.name.of(owner.text);
        let getter = name
            .strip_prefix("get")
            .and_then(|rest| rest.strip_suffix("Attribute"))
            .filter(|rest| !rest.is_empty());
        if let Some(rest) = getter {
            let ty = member.ty.of(owner.text);
            add(owner, inference.keep(snake(rest)), ty, beside(member));
        } else if is_accessor(owner, member) {
            add(owner, inference.keep(snake(name)), "", beside(member));
        }
    }
    for (owner, entry) in arrays(inference, object, &["fillable", "dates"]) {
        if !entry.is_key {
            add(owner, entry.text, "", entry.span);
        }
    }
}

/// The type of a cast as it is shown.
fn shown(written: &str) -> &str {
    let (written, _) = written.split_once(':').unwrap_or((written, ""));
    match written {
        "date" | "datetime" | "timestamp" => "Carbon",
        "immutable_date" | "immutable_datetime" => "CarbonImmutable",
        "collection" => "Collection",
        "boolean" => "bool",
        "integer" => "int",
        "double" | "real" => "float",
        "json" => "array",
        "encrypted" | "hashed" | "decimal" => "string",
        other => other.rsplit('\\').next().unwrap_or(other),
    }
}

/// `FullName` as `full_name`.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (at, c) in name.char_indices() {
        if c.is_uppercase() && at > 0 {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}
