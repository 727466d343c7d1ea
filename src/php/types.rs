//! Types as declarations and doc comments write them, read into values.
//!
//! `mago-type-syntax` reads the syntax of PHPStan and Psalm. Its tree is made
//! smaller here: what has no members is one of a few scalar kinds.

mod convert;
mod extent;

use bumpalo::Bump;
use mago_span::Span;

use self::convert::converted;
pub use self::extent::type_end;

/// The most bytes of a written type that is read.
const MAX_BYTES: usize = 16 << 10;
/// The most levels of brackets in a written type that is read. The parser
/// recurses once a level.
const MAX_NESTING: usize = 10;
/// The most operators and suffixes (`|`, `&`, `?`, `[`) in a written type that
/// the parser reads. It may recurse once for each.
const MAX_OPERATORS: usize = 48;
/// The most `?` in a written type that the parser reads.
const MAX_NULLABLE: usize = 12;
/// The most members of a union of plain words that is read.
const MAX_MEMBERS: usize = 256;

/// A type as it is written: names are not resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeExpr {
    /// A class, a template, an alias, `self`, `static` or `parent`, with its
    /// arguments.
    Named(String, Vec<TypeExpr>),
    /// A type without members.
    Scalar(Scalar),
    /// The value of an integer.
    Int(i64),
    /// The value of a string.
    String(String),
    /// `A|B`, also `?A`.
    Union(Vec<TypeExpr>),
    /// `A&B`.
    Intersection(Vec<TypeExpr>),
    /// `array<K, V>`, `list<V>`, `V[]`, `iterable<K, V>`.
    Array {
        /// Which of them.
        kind: ArrayKind,
        /// The type of the keys, if it is written.
        key: Option<Box<TypeExpr>>,
        /// The type of the values, if it is written.
        value: Option<Box<TypeExpr>>,
    },
    /// `array{a: A, b?: B}`, `list{A, B}`.
    Shape(Vec<ShapeField>),
    /// `object{a: A}`.
    ObjectShape(Vec<ShapeField>),
    /// `callable(A, B...): C`.
    Callable {
        /// The types of the parameters.
        params: Vec<TypeExpr>,
        /// The type of the result, if it is written.
        result: Option<Box<TypeExpr>>,
        /// Whether it is a `Closure`.
        is_closure: bool,
    },
    /// `class-string<T>` and its kin.
    ClassString(Option<Box<TypeExpr>>),
    /// `$this` or `$parameter`.
    Variable(String),
    /// `(A is B ? C : D)`.
    Conditional(Box<Conditional>),
    /// `key-of<T>`.
    KeyOf(Box<TypeExpr>),
    /// `value-of<T>`.
    ValueOf(Box<TypeExpr>),
    /// `T[K]`.
    Index(Box<TypeExpr>, Box<TypeExpr>),
    /// `A::B`, `A::B_*`, `A::*`: the class and the constant.
    Constant(String, String),
    /// `new<T>`: an object of the class that `T` names.
    New(Box<TypeExpr>),
}

/// A type without members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// Anything.
    Mixed,
    /// `null`.
    Null,
    /// Nothing is returned.
    Void,
    /// The call does not return.
    Never,
    /// `true`.
    True,
    /// `false`.
    False,
    /// `bool`.
    Bool,
    /// Any integer.
    Int,
    /// Any float.
    Float,
    /// Any string.
    String,
    /// An integer or a string.
    ArrayKey,
    /// A resource.
    Resource,
    /// An object of any class.
    Object,
}

/// The kind of a type that has elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrayKind {
    /// `array<…>`
    Array,
    /// `list<…>` and `T[]`.
    List,
    /// `iterable<…>`
    Iterable,
}

/// A field of an array shape or an object shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeField {
    /// The key; the position for a field without one.
    pub key: String,
    /// The type of the value.
    pub ty: TypeExpr,
    /// Whether the field may be missing.
    pub is_optional: bool,
}

/// The parts of `(subject is target ? then : otherwise)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditional {
    /// A template or a parameter.
    pub subject: TypeExpr,
    /// The type that the subject is compared with.
    pub target: TypeExpr,
    /// The type if the subject is of the target's type.
    pub then: TypeExpr,
    /// The type otherwise.
    pub otherwise: TypeExpr,
}

/// The type that `text` states; `None` if it is none, or larger than the bounds
/// of this file.
#[must_use]
pub fn type_expr(text: &str) -> Option<TypeExpr> {
    let text = text.trim();
    if let Some(simple) = simple(text) {
        return Some(simple);
    }
    if let Some(union) = simple_union(text) {
        return Some(union);
    }
    if !is_bounded(text) {
        return None;
    }
    // The variance of an argument, `A<covariant B>`, does not matter here.
    let plain;
    let mut text = text;
    if text.contains("variant ") {
        plain = text.replace("contravariant ", "").replace("covariant ", "");
        text = &plain;
    }
    let arena = Bump::new();
    let span = Span::dummy(0, u32::try_from(text.len()).ok()?);
    let parsed = mago_type_syntax::parse_str(&arena, span, text.as_bytes());
    parsed.ok().map(|ty| converted(&ty))
}

/// The type that a single word states.
fn simple(text: &str) -> Option<TypeExpr> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '\\');
    if text.is_empty()
        || text.starts_with(|c: char| c.is_ascii_digit())
        || !text.chars().all(is_word)
    {
        return None;
    }
    Some(convert::word(text))
}

/// The union of single words that `text` states: it needs no parser, whatever
/// its length.
fn simple_union(text: &str) -> Option<TypeExpr> {
    let members = text
        .split('|')
        .take(MAX_MEMBERS)
        .map(|member| simple(member.trim()));
    members.collect::<Option<Vec<_>>>().map(TypeExpr::Union)
}

/// Whether `text` is small enough for a parser that recurses.
fn is_bounded(text: &str) -> bool {
    if text.len() > MAX_BYTES {
        return false;
    }
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut operators = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'<' | b'(' | b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
                operators += usize::from(byte == b'[');
            }
            b'>' | b')' | b'}' | b']' => depth = depth.saturating_sub(1),
            b'|' | b'&' | b'?' | b'-' | b'+' => operators += 1,
            _ => {}
        }
    }
    let nullable = text.bytes().filter(|&byte| byte == b'?').count();
    deepest <= MAX_NESTING && operators <= MAX_OPERATORS && nullable <= MAX_NULLABLE
}

#[cfg(test)]
mod tests;
