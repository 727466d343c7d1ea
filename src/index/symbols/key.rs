//! The keys under which uses of names are filed.

use crate::php::RefKind;
use crate::php::names::Scope;

/// Under what uses are filed. Names are in lower case where PHP ignores case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseKey<'a> {
    /// Uses of a name as a kind of thing. Classes go by fully qualified name,
    /// the rest by short name.
    Name(NameKind, &'a str),
    /// Uses of members on a receiver; see [`crate::php::Reference::receiver`].
    On(&'a str),
}

/// The kinds of names that code can use, coarser than [`RefKind`]: static or
/// not, a name is the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameKind {
    /// A class-like.
    Class,
    /// A function outside classes.
    Function,
    /// A constant outside classes.
    Constant,
    /// A method.
    Method,
    /// A property.
    Property,
    /// A class constant or enum case.
    ClassConstant,
}

impl From<RefKind> for NameKind {
    fn from(kind: RefKind) -> Self {
        match kind {
            RefKind::Class => Self::Class,
            RefKind::Function => Self::Function,
            RefKind::Constant => Self::Constant,
            RefKind::Method | RefKind::StaticMethod => Self::Method,
            RefKind::Property | RefKind::StaticProperty => Self::Property,
            RefKind::ClassConstant => Self::ClassConstant,
        }
    }
}

impl NameKind {
    /// `name` as this kind of name is told apart from others: in lower case
    /// where PHP ignores case.
    #[must_use]
    pub fn fold(self, name: &str) -> String {
        match self {
            Self::Class | Self::Function | Self::Method => name.to_ascii_lowercase(),
            Self::Constant | Self::Property | Self::ClassConstant => name.to_owned(),
        }
    }

    /// Whether `name` is the name that is folded to `folded`.
    #[must_use]
    pub fn is_folded(self, name: &str, folded: &str) -> bool {
        match self {
            Self::Class | Self::Function | Self::Method => name.eq_ignore_ascii_case(folded),
            Self::Constant | Self::Property | Self::ClassConstant => name == folded,
        }
    }

    /// The kind with this tag.
    pub(in crate::index) fn of_tag(tag: u8) -> Option<Self> {
        Some(match tag {
            b'c' => Self::Class,
            b'f' => Self::Function,
            b'k' => Self::Constant,
            b'm' => Self::Method,
            b'p' => Self::Property,
            b'e' => Self::ClassConstant,
            _ => return None,
        })
    }

    fn tag(self) -> char {
        match self {
            Self::Class => 'c',
            Self::Function => 'f',
            Self::Constant => 'k',
            Self::Method => 'm',
            Self::Property => 'p',
            Self::ClassConstant => 'e',
        }
    }
}

/// What begins the text of a [`UseKey::On`]; names begin with their kind's tag.
pub(super) const ON_TAG: char = 'r';

impl UseKey<'_> {
    /// Writes the text under which the dictionary holds the key.
    pub(super) fn write(self, out: &mut String) {
        out.clear();
        match self {
            Self::Name(kind, name) => {
                out.push(kind.tag());
                out.push_str(name);
            }
            Self::On(receiver) => {
                out.push(ON_TAG);
                out.push_str(receiver);
                out[1..].make_ascii_lowercase();
            }
        }
    }
}

/// What a name used in `file` is filed under: its fully qualified name for a
/// class, its short name else, folded. `scope` is the one it is used in.
#[must_use]
pub fn used_name(kind: NameKind, written: &str, scope: &Scope<'_>) -> Option<String> {
    match kind {
        NameKind::Class => scope.class(written).map(|name| kind.fold(&name)),
        _ => Some(kind.fold(last_segment(written))),
    }
}

/// The short name in a qualified name.
pub(super) fn last_segment(name: &str) -> &str {
    name.rsplit('\\').next().unwrap_or(name)
}
