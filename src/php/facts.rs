//! What one file declares, imports and refers to, as spans into its source.

use serde::{Deserialize, Serialize};

use super::span::Span;

/// What a name refers to where it is written; see [`Reference`].
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
    /// What kind of thing the syntax says is named.
    pub kind: RefKind,
    start: u32,
    len: u8,
    receiver_back: u8,
    receiver_len: u8,
}

impl Reference {
    /// A reference by `name`, if that has at most 255 bytes; `receiver` is
    /// dropped when it is longer or further away than that.
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

    /// For a member, what it is a member of, as far as one word tells: `x` of
    /// `$x->m`, `y` of `$this->y->m`, `f(` of `f($z)->m` and `C` of `C::m`.
    /// Empty for anything else, and for `$this`.
    #[must_use]
    pub fn receiver(self) -> Span {
        let start = self.start - u32::from(self.receiver_back);
        Span {
            start,
            end: start + u32::from(self.receiver_len),
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
    /// The bytes that the statement governs.
    pub body: Span,
}

/// What a `use` statement imports.
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
    /// What is imported.
    pub kind: ImportKind,
    /// The group's prefix without its trailing backslash; empty outside groups.
    pub prefix: Span,
    /// The name as written.
    pub name: Span,
    /// The alias; empty when there is none.
    pub alias: Span,
    /// Which of [`FileFacts::namespaces`] the statement stands in.
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

/// What a member is.
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
    /// What it is.
    pub kind: MemberKind,
    /// Who may use it.
    pub visibility: Visibility,
    /// Whether it is static.
    pub is_static: bool,
    /// The name; for a property without the `$`.
    pub name: Span,
    /// The declaration from its first modifier up to, not including, the body,
    /// the `= value` or the `;`.
    pub head: Span,
    /// The declared type, or the return type of a method; empty when none.
    pub ty: Span,
    /// The parameter list with its parentheses; empty unless a method.
    pub params: Span,
    /// The doc comment before it; empty when none.
    pub doc: Span,
    /// Where the whole declaration, its body included, ends.
    pub end: u32,
}

/// A class, interface, trait or enum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassLike {
    /// Which of the four.
    pub kind: ClassKind,
    /// The short name; empty for an anonymous class.
    pub name: Span,
    /// From the first modifier up to, not including, the opening brace.
    pub head: Span,
    /// The body with its braces.
    pub body: Span,
    /// The doc comment before it; empty when none.
    pub doc: Span,
    /// Which of [`FileFacts::namespaces`] it stands in.
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
    /// From `function` up to, not including, the body.
    pub head: Span,
    /// The return type; empty when none.
    pub ty: Span,
    /// The parameter list with its parentheses.
    pub params: Span,
    /// The doc comment before it; empty when none.
    pub doc: Span,
    /// Which of [`FileFacts::namespaces`] it stands in.
    pub namespace: u16,
    /// Where the whole declaration ends.
    pub end: u32,
}

/// A constant outside any class: `const X = …;` or `define('X', …)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constant {
    /// The name; for `define` the string's content, which is fully qualified.
    pub name: Span,
    /// The whole declaration up to, not including, the `;`.
    pub head: Span,
    /// Whether it was made by `define`.
    pub is_define: bool,
    /// Which of [`FileFacts::namespaces`] it stands in.
    pub namespace: u16,
}

/// What one file declares, imports and refers to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Namespace regions in source order; never empty.
    pub namespaces: Vec<Namespace>,
    /// Imports in source order.
    pub imports: Vec<Import>,
    /// The numbers of `imports` in the order of namespace, kind and, without
    /// regard to case, the name that they import as.
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
}

impl FileFacts {
    /// Bytes of memory that they take beside their own struct.
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
    }
}
