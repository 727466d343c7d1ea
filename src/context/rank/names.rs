//! Names as the ranking counts them, and how much a kind of name weighs at a
//! site.

use std::borrow::Cow;

use crate::context::site::Site;
use crate::context::weights::{
    EXPECTED_KIND, LATER_MEMBER, LATER_METHOD, MEMBER_IN_BODY, STATIC_PROPERTY,
};
use crate::index::symbols::NameKind;
use crate::php::{ImportKind, MemberKind};

/// A name of a kind, folded (see [`NameKind::fold`]); a class by its full name.
pub(super) type FoldedName<'a> = (NameKind, Cow<'a, str>);

/// The factor for a name of this kind at `site`; 0 where it cannot stand.
pub(super) fn kind_weight(site: Site, kind: NameKind) -> f32 {
    match (site, kind) {
        (
            Site::Member {
                is_static: false, ..
            },
            NameKind::Method | NameKind::Property,
        )
        | (
            Site::Member {
                is_static: true,
                is_property: false,
                ..
            },
            NameKind::Method | NameKind::ClassConstant,
        )
        | (
            Site::Member {
                is_property: true, ..
            },
            NameKind::Property,
        )
        | (Site::Class | Site::Import(ImportKind::Class), NameKind::Class)
        | (Site::Import(ImportKind::Function), NameKind::Function)
        | (Site::Import(ImportKind::Const), NameKind::Constant)
        | (Site::Method, NameKind::Method)
        | (
            Site::Expression | Site::Text | Site::Body,
            NameKind::Function | NameKind::Class | NameKind::Constant,
        )
        | (Site::Body, NameKind::Method) => EXPECTED_KIND,
        (Site::Body, NameKind::Property | NameKind::ClassConstant) => MEMBER_IN_BODY,
        (
            Site::Member {
                is_static: true, ..
            },
            NameKind::Property,
        ) => STATIC_PROPERTY,
        (Site::Expression | Site::Text, NameKind::Method) => LATER_METHOD,
        (Site::Expression | Site::Text, NameKind::Property | NameKind::ClassConstant) => {
            LATER_MEMBER
        }
        _ => 0.0,
    }
}

/// The kind of name by which code uses a member of this kind.
pub(super) fn name_kind(member: MemberKind) -> NameKind {
    match member {
        MemberKind::Method => NameKind::Method,
        MemberKind::Property => NameKind::Property,
        MemberKind::Constant | MemberKind::Case => NameKind::ClassConstant,
    }
}
