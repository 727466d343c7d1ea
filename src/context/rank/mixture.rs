//! The mixture of the signals: each signal is a distribution over names, and a
//! name's score is its probability in the mixture of them.

use super::names::{ClassRelevance, FoldedName, NameWeights};
use super::signals::chunks::add_used_in_chunks;
use super::signals::reach::{
    add_functions_of_packages, add_included, add_members_in_reach, add_unused_imports,
};
use super::signals::receivers::add_used_on_receiver;
use super::signals::similar_files::add_used_in_files;
use super::signals::typed::{TypedPart, prefix_matches, retain_prefix_matches};
use super::signals::types::{MemberCandidates, add_members, add_overridable};
use super::surroundings::Surroundings;
use crate::cancel::{Cancel, Cancelled};
use crate::context::request::Signal;
use crate::context::site::Site;
use crate::context::weights::{
    ELSEWHERE, IMPORTED_CLASS, MEMBER_OF_KNOWN_TYPE, MEMBER_OF_UNKNOWN_TYPE,
    METHOD_OF_KNOWN_PARENT, NAME_IN_BUFFER, PREFIX_SHARE, RECEIVER_CLASS, RESERVED_NAMES,
    SignalShares,
};
use crate::index::Hit;
use crate::index::symbols::NameKind;
use crate::php::ImportKind;

/// The likely names at a cursor.
pub(in crate::context) struct Ranking<'a> {
    /// Likely names with their probabilities, likeliest first.
    pub(super) names: Vec<(FoldedName<'a>, f32)>,
    /// The declarations of those names whose type is known.
    pub(super) candidates: MemberCandidates<'a>,
    /// How much each class matters here.
    pub(super) classes: ClassRelevance<'a>,
}

/// What each signal finds.
#[derive(Default)]
struct SignalNames<'a> {
    types: NameWeights<'a>,
    receivers: NameWeights<'a>,
    chunks: NameWeights<'a>,
    similar_files: NameWeights<'a>,
    reach: NameWeights<'a>,
    candidates: MemberCandidates<'a>,
    classes: ClassRelevance<'a>,
}

/// The `count` likeliest names, from all signals but those in `without`. `hits`
/// are the chunks that resemble the code around the cursor.
///
/// # Errors
/// [`Cancelled`] once `cancel` is set.
pub(in crate::context) fn rank<'a>(
    surroundings: &Surroundings<'a>,
    hits: &[Hit],
    count: usize,
    without: &[Signal],
    cancel: &Cancel,
) -> Result<Ranking<'a>, Cancelled> {
    let uses = |signal| !without.contains(&signal);
    let mut found = SignalNames::default();
    found.ask_site(surroundings, uses, cancel)?;
    cancel.check()?;
    if uses(Signal::Chunks) {
        add_used_in_chunks(surroundings, hits, &mut found.chunks, &mut found.classes);
    }
    cancel.check()?;
    if uses(Signal::SimilarFiles) {
        add_used_in_files(surroundings, &mut found.similar_files, &mut found.classes);
    }
    let scope = surroundings.buffer.scope();
    for import in scope.imports().filter(|i| i.kind == ImportKind::Class) {
        let class = NameKind::Class.fold(&import.target);
        found.classes.add(class, IMPORTED_CLASS);
    }
    cancel.check()?;

    let mut names = found.mix(surroundings.site);
    if let Some(typed) = TypedPart::of(surroundings.buffer) {
        if uses(Signal::Typed) {
            names.mix(prefix_matches(surroundings, &typed), PREFIX_SHARE);
        }
        retain_prefix_matches(&mut names, &typed);
    }
    for name in &surroundings.names_in_buffer() {
        if let Some(weight) = names.0.get_mut(name) {
            *weight *= NAME_IN_BUFFER;
        }
    }
    cancel.check()?;
    Ok(Ranking {
        names: names.best(count),
        candidates: found.candidates,
        classes: found.classes,
    })
}

impl<'a> SignalNames<'a> {
    /// Asks the signals that depend on the site: types, receivers and reach.
    fn ask_site(
        &mut self,
        surroundings: &Surroundings<'a>,
        uses: impl Fn(Signal) -> bool,
        cancel: &Cancel,
    ) -> Result<(), Cancelled> {
        let (types, candidates) = (&mut self.types, &mut self.candidates);
        match surroundings.site {
            Site::Member { operator, .. } => {
                if uses(Signal::Types) {
                    let receiver = surroundings.inference.receiver(operator);
                    add_members(surroundings, &receiver, operator, types, candidates);
                    self.classes.add_classes(&receiver, RECEIVER_CLASS);
                }
                if uses(Signal::Receivers) {
                    add_used_on_receiver(surroundings, operator, &mut self.receivers);
                }
            }
            Site::Method if uses(Signal::Types) => {
                add_overridable(surroundings, types, candidates);
            }
            Site::Expression | Site::Text if uses(Signal::Reach) => {
                let (reach, classes) = (&mut self.reach, &mut self.classes);
                add_members_in_reach(surroundings, reach, classes, candidates, cancel)?;
                add_included(surroundings, reach);
                add_functions_of_packages(surroundings, reach);
            }
            Site::Class if uses(Signal::Dependencies) => {
                add_unused_imports(surroundings, &mut self.reach);
                add_included(surroundings, &mut self.reach);
            }
            Site::Class | Site::Method | Site::Expression | Site::Text => {}
        }
        Ok(())
    }

    /// One distribution from those of the signals, which it takes out.
    fn mix(&mut self, site: Site) -> NameWeights<'a> {
        let shares = signal_shares(site, !self.types.0.is_empty());
        let mut names = NameWeights::default();
        names.0.reserve(RESERVED_NAMES);
        // The order is fixed, since sums of floating-point numbers depend on it.
        for (signal, share) in [
            (&mut self.types, shares.types),
            (&mut self.receivers, shares.receivers),
            (&mut self.chunks, shares.chunks),
            (&mut self.similar_files, shares.similar_files),
            (&mut self.reach, shares.reach),
        ] {
            names.mix(std::mem::take(signal), share);
        }
        names
    }
}

/// The shares of the signals at `site`; `is_typed` says whether the types gave
/// any name.
fn signal_shares(site: Site, is_typed: bool) -> SignalShares {
    match site {
        Site::Member { .. } if is_typed => MEMBER_OF_KNOWN_TYPE,
        Site::Member { .. } => MEMBER_OF_UNKNOWN_TYPE,
        Site::Method if is_typed => METHOD_OF_KNOWN_PARENT,
        _ => ELSEWHERE,
    }
}
