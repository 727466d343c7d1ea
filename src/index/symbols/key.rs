//! The keys of uses of names.

use std::borrow::Cow;

use crate::index::dictionary::TaggedTerm;
use crate::php::RefKind;
use crate::php::names::Scope;

/// The key of uses. Names are in lower case where PHP ignores case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseKey<'a> {
    /// Uses of a name as this kind. Classes have their fully qualified name, all
    /// others their short name.
    Name(NameKind, &'a str),
    /// Uses of members behind a receiver; see [`crate::php::Reference::receiver`].
    Receiver(&'a str),
}

/// The kinds of names that code can use. They are coarser than [`RefKind`]: a static
/// method and another method have names of the same kind.
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
    /// `name` folded for comparison: in lower case where PHP ignores the case of names
    /// of this kind.
    #[must_use]
    pub fn fold(self, name: &str) -> String {
        match self {
            Self::Class | Self::Function | Self::Method => name.to_ascii_lowercase(),
            Self::Constant | Self::Property | Self::ClassConstant => name.to_owned(),
        }
    }

    /// Like [`Self::fold`], without a copy of a name that is folded already.
    #[must_use]
    pub fn folded(self, name: &str) -> Cow<'_, str> {
        let keeps_case = matches!(self, Self::Constant | Self::Property | Self::ClassConstant);
        if keeps_case || !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Borrowed(name)
        } else {
            Cow::Owned(name.to_ascii_lowercase())
        }
    }

    /// Whether `name` folds to `folded`.
    #[must_use]
    pub fn is_folded(self, name: &str, folded: &str) -> bool {
        match self {
            Self::Class | Self::Function | Self::Method => name.eq_ignore_ascii_case(folded),
            Self::Constant | Self::Property | Self::ClassConstant => name == folded,
        }
    }

    /// The kind that `tag` stands for.
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

    /// The first character of the keys of names of this kind.
    fn tag(self) -> u8 {
        match self {
            Self::Class => b'c',
            Self::Function => b'f',
            Self::Constant => b'k',
            Self::Method => b'm',
            Self::Property => b'p',
            Self::ClassConstant => b'e',
        }
    }
}

/// The first character of the text of a [`UseKey::Receiver`]. The text of a name
/// begins with the tag of its kind.
pub(super) const RECEIVER_TAG: u8 = b'r';

impl UseKey<'_> {
    /// Calls `look_up` with the term under which dictionaries hold the key.
    pub(in crate::index) fn with_term<T>(self, look_up: impl FnOnce(TaggedTerm<'_>) -> T) -> T {
        match self {
            Self::Name(kind, name) => look_up(TaggedTerm::new(kind.tag(), name)),
            Self::Receiver(receiver) => {
                let folded = receiver.to_ascii_lowercase();
                look_up(TaggedTerm::new(RECEIVER_TAG, &folded))
            }
        }
    }

    /// Writes the text under which the dictionary holds the key.
    pub(super) fn write(self, out: &mut String) {
        out.clear();
        match self {
            Self::Name(kind, name) => {
                out.push(char::from(kind.tag()));
                out.push_str(name);
            }
            Self::Receiver(receiver) => {
                out.push(char::from(RECEIVER_TAG));
                out.push_str(receiver);
                out[1..].make_ascii_lowercase();
            }
        }
    }
}

/// The folded name for the key of a use: the fully qualified name for a class, the
/// short name for anything else. `scope` is the scope of the use.
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
