//! What one file declares, imports and refers to, as spans into its source.

use serde::{Deserialize, Serialize};

use super::span::Span;

/// The kind of thing that a name refers to; see [`Reference`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum RefKind {
    /// A class-like name in any position: `new X`, `X::`, a type, `extends X`.
    Class,
    /// `name(` without a receiver.
    Function,
    /// A bare constant, `NAME`.
    Constant,
    /// `->name(` or `?->name(`.
    Method,
    /// `::name(`.
    StaticMethod,
    /// `->name` without a call.
    Property,
    /// `::$name`.
    StaticProperty,
    /// `::NAME`: a class constant or an enum case.
    ClassConstant,
}

/// One use of a name that may be declared elsewhere. A project has millions
/// of them, so they are packed into eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The kind of thing that the name refers to, by its syntax.
    pub kind: RefKind,
    start: u32,
    len: u8,
    receiver_back: u8,
    receiver_len: u8,
}

impl Reference {
    /// A reference by `name`; `None` if that has more than 255 bytes. The reference
    /// has no receiver if `receiver` is longer or further away than that.
    #[must_use]
    pub(crate) fn new(kind: RefKind, name: Span, receiver: Span) -> Option<Self> {
        let back = name.start.checked_sub(receiver.start);
        let receiver_back = back.and_then(|back| u8::try_from(back).ok());
        let receiver_len = u8::try_from(receiver.len()).ok();
        let (receiver_back, receiver_len) = receiver_back.zip(receiver_len).unwrap_or((0, 0));
        let len = u8::try_from(name.len()).ok()?;
        Some(Self {
            kind,
            start: name.start,
            len,
            receiver_back,
            receiver_len,
        })
    }

    /// The name as written: the last segment and any qualification before it.
    #[must_use]
    pub fn name(self) -> Span {
        Span {
            start: self.start,
            end: self.start + u32::from(self.len),
        }
    }

    /// For a member, the one word that says most about the object or class before
    /// it: `x` of `$x->m`, `y` of `$this->y->m`, `f(` of `f($z)->m` and `C` of
    /// `C::m`. Empty for `$this` and for anything else.
    #[must_use]
    pub fn receiver(self) -> Span {
        let start = self.start - u32::from(self.receiver_back);
        Span {
            start,
            end: start + u32::from(self.receiver_len),
        }
    }
}

/// A string at a place where other code may write the same strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiteralUse {
    /// The [`place_hash`](super::place_hash) of its place.
    pub place: u32,
    start: u32,
    len: u8,
}

impl LiteralUse {
    /// The string `text`, without its quotes; `None` if that has more than 255 bytes.
    #[must_use]
    pub(crate) fn new(place: u32, text: Span) -> Option<Self> {
        Some(Self {
            place,
            start: text.start,
            len: u8::try_from(text.len()).ok()?,
        })
    }

    /// The string without its quotes.
    #[must_use]
    pub fn text(self) -> Span {
        Span {
            start: self.start,
            end: self.start + u32::from(self.len),
        }
    }
}

/// Class, interface, trait or enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ClassKind {
    /// `class`, also an anonymous one.
    Class,
    /// `interface`.
    Interface,
    /// `trait`.
    Trait,
    /// `enum`.
    Enum,
}

/// One `namespace` region of a file. A file without a `namespace` statement has
/// one region with an empty name over the whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// The name, without leading backslash; empty for the global namespace.
    pub name: Span,
    /// The bytes to which the statement applies.
    pub body: Span,
}

/// The kind of thing that a `use` statement imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ImportKind {
    /// `use A\B;`
    Class,
    /// `use function A\b;`
    Function,
    /// `use const A\B;`
    Const,
}

/// One imported name. A grouped `use A\{B, C as D};` yields one for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The kind of thing.
    pub kind: ImportKind,
    /// The group's prefix without its trailing backslash; empty outside groups.
    pub prefix: Span,
    /// The name as written.
    pub name: Span,
    /// The alias; empty when there is none.
    pub alias: Span,
    /// The number of its namespace in [`FileFacts::namespaces`].
    pub namespace: u16,
}

/// Visibility of a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Visibility {
    /// `public`, `var`, or nothing written.
    #[default]
    Public,
    /// `protected`.
    Protected,
    /// `private`.
    Private,
}

/// The kind of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MemberKind {
    /// A method.
    Method,
    /// A property, also one promoted from a constructor parameter.
    Property,
    /// A class constant.
    Constant,
    /// An enum case.
    Case,
}

/// A member of a class-like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its kind.
    pub kind: MemberKind,
    /// Its visibility.
    pub visibility: Visibility,
    /// Whether it is static.
    pub is_static: bool,
    /// The name; for a property without the `$`.
    pub name: Span,
    /// The declaration from its first modifier up to the body, the `= value` or the
    /// `;`, which are not included.
    pub head: Span,
    /// The declared type, or the return type of a method; empty when none.
    pub ty: Span,
    /// The parameter list with its parentheses; empty unless a method.
    pub params: Span,
    /// The doc comment before it; empty when none.
    pub doc: Span,
    /// The byte behind the whole declaration, its body included.
    pub end: u32,
}

/// A class, interface, trait or enum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassLike {
    /// Its kind.
    pub kind: ClassKind,
    /// The short name; empty for an anonymous class.
    pub name: Span,
    /// From the first modifier up to the opening brace, which is not included.
    pub head: Span,
    /// The body with its braces.
    pub body: Span,
    /// The doc comment before it; empty when none.
    pub doc: Span,
    /// The number of its namespace in [`FileFacts::namespaces`].
    pub namespace: u16,
    /// Names after `extends`, as written.
    pub extends: Vec<Span>,
    /// Names after `implements`, as written.
    pub implements: Vec<Span>,
    /// Names of used traits, as written.
    pub traits: Vec<Span>,
    /// The `{ … }` rules of trait uses (`insteadof`, `as`), as written.
    pub trait_rules: Vec<Span>,
    /// Members in source order.
    pub members: Vec<Member>,
}

/// A function outside any class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// The short name.
    pub name: Span,
    /// From `function` up to the body, which is not included.
    pub head: Span,
    /// The return type; empty when none.
    pub ty: Span,
    /// The parameter list with its parentheses.
    pub params: Span,
    /// The doc comment before it; empty when none.
    pub doc: Span,
    /// The number of its namespace in [`FileFacts::namespaces`].
    pub namespace: u16,
    /// The byte behind the whole declaration.
    pub end: u32,
}

/// A constant outside any class: `const X = …;` or `define('X', …)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constant {
    /// The name; for `define` the contents of the string, which are fully qualified.
    pub name: Span,
    /// The whole declaration up to the `;`, which is not included.
    pub head: Span,
    /// Whether `define` declares it.
    pub is_define: bool,
    /// The number of its namespace in [`FileFacts::namespaces`].
    pub namespace: u16,
}

/// The declarations, imports and references of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Namespace regions in source order; never empty.
    pub namespaces: Vec<Namespace>,
    /// Imports in source order.
    pub imports: Vec<Import>,
    /// The numbers of the imports, sorted by namespace, kind and alias, without
    /// regard to case.
    pub imports_by_alias: Vec<u32>,
    /// Class-likes in source order, anonymous ones included.
    pub classes: Vec<ClassLike>,
    /// Functions outside classes, in source order.
    pub functions: Vec<Function>,
    /// Constants outside classes, in source order.
    pub constants: Vec<Constant>,
    /// The expressions after `require`, `include` and their `_once` forms.
    pub includes: Vec<Span>,
    /// Uses of names, in source order.
    pub references: Vec<Reference>,
    /// Strings that may be conventions, in source order.
    pub literals: Vec<LiteralUse>,
}

impl FileFacts {
    /// Bytes of memory that the facts take beside this struct.
    #[must_use]
    pub fn memory(&self) -> usize {
        let of_class = |class: &ClassLike| {
            size_of_val(&*class.extends)
                + size_of_val(&*class.implements)
                + size_of_val(&*class.traits)
                + size_of_val(&*class.trait_rules)
                + size_of_val(&*class.members)
        };
        size_of_val(&*self.namespaces)
            + size_of_val(&*self.imports)
            + size_of_val(&*self.imports_by_alias)
            + size_of_val(&*self.classes)
            + self.classes.iter().map(of_class).sum::<usize>()
            + size_of_val(&*self.functions)
            + size_of_val(&*self.constants)
            + size_of_val(&*self.includes)
            + size_of_val(&*self.references)
            + size_of_val(&*self.literals)
    }
}
