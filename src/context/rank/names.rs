//! Names as the ranking counts them, and how much a kind of name weighs at a
//! site.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::context::site::Site;
use crate::context::weights::{
    EXPECTED_KIND, LATER_MEMBER, LATER_METHOD, MEMBER_IN_BODY, STATIC_PROPERTY,
};
use crate::index::symbols::NameKind;
use crate::php::{ImportKind, MemberKind};

/// A name of a kind, folded (see [`NameKind::fold`]); a class by its full name.
pub(super) type FoldedName<'a> = (NameKind, Cow<'a, str>);

/// Weights of names; a distribution once normalised.
#[derive(Debug, Default)]
pub(super) struct NameWeights<'a>(pub(super) FxHashMap<FoldedName<'a>, f32>);

impl<'a> NameWeights<'a> {
    /// Adds `weight` to a folded name.
    pub(super) fn add(&mut self, kind: NameKind, name: impl Into<Cow<'a, str>>, weight: f32) {
        *self.0.entry((kind, name.into())).or_default() += weight;
    }

    /// The `count` names of most weight, heaviest first, then in the order of
    /// names.
    pub(super) fn best(self, count: usize) -> Vec<(FoldedName<'a>, f32)> {
        let order = |a: &(FoldedName<'a>, f32), b: &(FoldedName<'a>, f32)| {
            b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0))
        };
        let mut all: Vec<(FoldedName<'a>, f32)> = self.0.into_iter().collect();
        if all.len() > count {
            all.select_nth_unstable_by(count, order);
            all.truncate(count);
        }
        all.sort_unstable_by(order);
        all
    }

    /// The sum of all weights.
    pub(super) fn sum(&self) -> f32 {
        // Summed in the order of size, which does not depend on the order of
        // the hash map.
        let mut weights: Vec<f32> = self.0.values().copied().collect();
        weights.sort_unstable_by(f32::total_cmp);
        weights.iter().sum()
    }

    /// Adds `other`, scaled so that its weights sum to `share`.
    pub(super) fn mix(&mut self, other: Self, share: f32) {
        let sum = other.sum();
        if sum <= 0.0 || share <= 0.0 {
            return;
        }
        #[expect(clippy::iter_over_hash_type, reason = "each key is added to once")]
        for ((kind, name), weight) in other.0 {
            self.add(kind, name, share * weight / sum);
        }
    }
}

/// How much each class, by its folded full name, matters at the cursor.
#[derive(Debug, Default)]
pub(super) struct ClassRelevance<'a>(pub(super) FxHashMap<Cow<'a, str>, f32>);

impl<'a> ClassRelevance<'a> {
    /// Adds `weight` to a class by its folded full name.
    pub(super) fn add(&mut self, folded: impl Into<Cow<'a, str>>, weight: f32) {
        *self.0.entry(folded.into()).or_default() += weight;
    }

    /// The `count` classes of most weight, heaviest first, then in the order of names.
    pub(super) fn most_relevant(&self, count: usize) -> Vec<&str> {
        let mut all: Vec<(&str, f32)> = self.0.iter().map(|(name, w)| (&**name, *w)).collect();
        let order = |a: &(&str, f32), b: &(&str, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(b.0));
        if all.len() > count {
            all.select_nth_unstable_by(count, order);
            all.truncate(count);
        }
        all.sort_unstable_by(order);
        all.into_iter().map(|(name, _)| name).collect()
    }

    /// Adds `weight` to each of the classes with these fully qualified names.
    pub(super) fn add_classes(&mut self, classes: &[String], weight: f32) {
        for class in classes {
            self.add(NameKind::Class.fold(class), weight);
        }
    }
}

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
