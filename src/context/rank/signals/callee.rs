//! The signal `callee`: the signature of the call whose arguments are being typed.

use std::borrow::Cow;

use crate::context::candidate::Candidate;
use crate::context::rank::names::FoldedName;
use crate::context::rank::surroundings::Surroundings;
use crate::context::weights::{CALLEE, CALLEES};
use crate::index::symbols::{DeclKind, Declaration, NameKind};
use crate::php::MemberKind;
use crate::php::lex::TokenKind;

/// What the call around the cursor calls.
#[derive(Default)]
pub(in crate::context::rank) struct CallSignature<'a> {
    /// Its declarations, if they are known.
    pub(in crate::context::rank) declared: Vec<Candidate<'a>>,
    /// Its name, if the receiver's type is not known.
    pub(in crate::context::rank) name: Option<FoldedName<'a>>,
}

impl<'a> CallSignature<'a> {
    /// The callee of the innermost call whose arguments hold the cursor.
    pub(in crate::context::rank) fn at_cursor(surroundings: &Surroundings<'a>) -> Self {
        let buffer = surroundings.buffer;
        let Some(open) = buffer.open_call() else {
            return Self::default();
        };
        let Some(word) = open.checked_sub(1) else {
            return Self::default();
        };
        let before = word.checked_sub(1);
        match buffer.kind(before) {
            Some(TokenKind::Arrow | TokenKind::NullArrow | TokenKind::DoubleColon) => {
                let receiver = before.map(|operator| surroundings.inference.receiver(operator));
                let receiver = receiver.unwrap_or_default();
                Self::method(surroundings, &receiver, buffer.text(word))
            }
            Some(TokenKind::New | TokenKind::AttributeOpen) => {
                let class = surroundings.inference.named_class(word);
                Self::method(surroundings, &class, "__construct")
            }
            Some(TokenKind::Function | TokenKind::Fn) => Self::default(),
            _ => Self::function(surroundings, buffer.text(word)),
        }
    }

    /// The method `name` of an object of the classes `receiver`.
    fn method(surroundings: &Surroundings<'a>, receiver: &[String], name: &str) -> Self {
        let mut callee = Self::default();
        let mut is_own = false;
        for class in receiver {
            let Some(class) = surroundings.inference.class(class) else {
                continue;
            };
            let members = surroundings.inference.members(class);
            let declared = members.all().find(|(owner, index)| {
                let member = &owner.class().members[*index];
                member.kind == MemberKind::Method
                    && member.name.of(owner.text).eq_ignore_ascii_case(name)
            });
            let declared = declared.map(|(owner, index)| {
                is_own |= owner.path == surroundings.buffer.path;
                Candidate::Declared(Declaration::Member(owner, index))
            });
            let stated = || {
                let mut all = members.all_virtual();
                let found = all.find(|(_, member)| {
                    member.kind == MemberKind::Method && member.name.eq_ignore_ascii_case(name)
                });
                found.map(|(owner, member)| Candidate::Virtual(owner, member))
            };
            let found = declared.or_else(stated);
            callee
                .declared
                .extend(found.filter(|found| found.path() != surroundings.buffer.path));
        }
        callee.declared.truncate(CALLEES);
        if callee.declared.is_empty() && !is_own && name != "__construct" {
            let name = NameKind::Method.fold(name);
            callee.name = Some((NameKind::Method, Cow::Owned(name)));
        }
        callee
    }

    /// The function that is called `written` at the cursor.
    fn function(surroundings: &Surroundings<'a>, written: &str) -> Self {
        let short = written.rsplit('\\').next().unwrap_or(written);
        let means = surroundings.buffer.scope().function(written);
        let mut found: Vec<(usize, Declaration<'a>)> = Vec::new();
        let (snapshot, path) = (surroundings.snapshot, surroundings.buffer.path);
        let packages = surroundings.inference.lookup.packages();
        let packaged = packages.into_iter();
        let packaged = packaged.flat_map(|packages| packages.named(DeclKind::Function, short));
        let declared = snapshot.declared(DeclKind::Function, short);
        for declared in declared.into_iter().chain(packaged) {
            let full = declared.full_name().unwrap_or_default();
            let rank = means
                .iter()
                .position(|name| name.eq_ignore_ascii_case(&full));
            if declared.path() == path && rank.is_some() {
                return Self::default();
            }
            found.extend(rank.map(|rank| (rank, declared)));
        }
        found.sort_by_key(|(rank, declared)| (*rank, std::cmp::Reverse(declared.source_len())));
        let declared = found.into_iter().take(1);
        Self {
            declared: declared
                .map(|(_, found)| Candidate::Declared(found))
                .collect(),
            name: None,
        }
    }

    /// The probability of a candidate.
    pub(in crate::context::rank) fn score(rank: usize) -> f32 {
        CALLEE / (1.0 + rank as f32)
    }
}
