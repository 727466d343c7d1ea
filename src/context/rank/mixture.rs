//! The mixture of the signals: each signal is a distribution over names, and a
//! name's score is its probability in the mixture of them. Where an expression or an
//! empty body begins, `evidence` judges the names instead.

use super::evidence;
use super::names::{ClassRelevance, FoldedName, NameWeights};
use super::near_words::NearWords;
use super::signals::callee::CallSignature;
use super::signals::chunks::add_used_in_chunks;
use super::signals::imports::{names_of_namespace, typed_namespace};
use super::signals::literals::{LikelyLiterals, likely_literals};
use super::signals::nearby::{add_classes_nearby, add_same_methods};
use super::signals::reach::{
    add_functions_of_packages, add_imported_statics, add_included, add_members_in_reach,
    add_unused_imports,
};
use super::signals::receivers::add_used_on_receiver;
use super::signals::similar_files::add_used_in_files;
use super::signals::tested::add_tested;
use super::signals::typed::{TypedPart, prefix_matches, retain_prefix_matches};
use super::signals::types::{MemberAdder, MemberCandidates, add_overridable};
use super::signals::words::add_named_by_words;
use super::surroundings::Surroundings;
use crate::cancel::{Cancel, Cancelled};
use crate::context::candidate::ScoredCandidate;
use crate::context::request::{MinScore, Signal};
use crate::context::site::Site;
use crate::context::weights::{
    BODY_EVIDENCE, BODY_THRESHOLD, ELSEWHERE, EMPTY_BODY, EXPRESSION_EVIDENCE, EvidenceWeights,
    IMPORTED_CLASS, MEMBER_OF_KNOWN_TYPE, MEMBER_OF_UNKNOWN_TYPE, METHOD_OF_KNOWN_PARENT,
    NAME_IN_BUFFER, NEARBY_CLASSES_SHARE, PAYING_CHARS, PAYING_CHARS_OF_MIXTURE,
    PAYING_USAGE_CHARS, PREFIX_SHARE, RECEIVER_CLASS, RESERVED_NAMES, SignalShares,
};
use crate::index::Hit;
use crate::index::symbols::NameKind;
use crate::php::ImportKind;

/// The likely names at a cursor.
pub(in crate::context) struct Ranking<'a> {
    /// Likely names with their probabilities, likeliest first.
    pub(super) names: Vec<(FoldedName<'a>, f32)>,
    site: Site,
    /// Whether the probabilities are by the evidence of the signals, not by a mixture.
    is_by_evidence: bool,
    /// Declarations that are likely whatever their names.
    pub(super) certain: Vec<ScoredCandidate<'a>>,
    /// The strings that may stand at the cursor.
    pub(in crate::context) literals: Option<LikelyLiterals<'a>>,
    /// The name of what the call around the cursor calls, if its declaration is not
    /// known.
    pub(super) callee: Option<FoldedName<'a>>,
    /// The declarations of those names whose type is known.
    pub(super) candidates: MemberCandidates<'a>,
    /// How much each class matters here.
    pub(super) classes: ClassRelevance<'a>,
}

impl Ranking<'_> {
    /// What a declaration must be worth at least to be shown.
    pub(in crate::context) fn threshold(&self, least: MinScore) -> Threshold {
        let probability = match self.site {
            _ if !self.is_by_evidence => {
                least.below(self.names.first().map_or(0.0, |(_, score)| *score))
            }
            Site::Body => least.below(0.0) * BODY_THRESHOLD,
            _ => least.below(0.0),
        };
        let paying = if self.is_by_evidence {
            PAYING_CHARS
        } else {
            PAYING_CHARS_OF_MIXTURE
        };
        Threshold {
            probability,
            per_char: probability / paying,
            per_usage_char: probability / PAYING_USAGE_CHARS,
        }
    }
}

/// What must be reached for something to be shown.
#[derive(Clone, Copy, Default)]
pub(in crate::context) struct Threshold {
    /// The probability of a declaration.
    pub(in crate::context) probability: f32,
    /// The probability per character of declarations, headers included.
    pub(in crate::context) per_char: f32,
    /// The probabilities of the names that an excerpt shows in use, per character.
    pub(in crate::context) per_usage_char: f32,
}

/// What each signal finds.
#[derive(Default)]
struct SignalNames<'a> {
    types: NameWeights<'a>,
    receivers: NameWeights<'a>,
    chunks: NameWeights<'a>,
    similar_files: NameWeights<'a>,
    reach: NameWeights<'a>,
    nearby: NameWeights<'a>,
    words: NameWeights<'a>,
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
    let near = NearWords::new(surroundings.buffer);
    let mut found = SignalNames::default();
    found.ask_site(surroundings, &near, uses, cancel)?;
    cancel.check()?;
    if uses(Signal::Chunks) {
        add_used_in_chunks(surroundings, hits, &mut found.chunks, &mut found.classes);
    }
    cancel.check()?;
    if uses(Signal::SimilarFiles) {
        add_used_in_files(surroundings, &mut found.similar_files, &mut found.classes);
    }
    cancel.check()?;
    found.ask_nearby(surroundings, &near, uses);
    let scope = surroundings.buffer.scope();
    for import in scope.imports().filter(|i| i.kind == ImportKind::Class) {
        let class = NameKind::Class.fold(&import.target);
        found.classes.add(class, IMPORTED_CLASS);
    }
    cancel.check()?;

    let weights = evidence_weights(surroundings);
    let mut names = match weights {
        Some(weights) => found.weigh(surroundings, weights),
        None => found.mix(surroundings.site),
    };
    if let Some(typed) = TypedPart::of(surroundings.buffer) {
        if uses(Signal::Typed) {
            if let Some(namespace) = typed_namespace(surroundings) {
                let inside = names_of_namespace(surroundings, &near, &namespace);
                names.mix(inside, PREFIX_SHARE);
            }
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
    let (certain, callee) = certain_declarations(surroundings, &near, uses);
    Ok(Ranking {
        names: names.best(count),
        site: surroundings.site,
        is_by_evidence: weights.is_some(),
        certain,
        literals: uses(Signal::Literals)
            .then(|| likely_literals(surroundings, &near))
            .flatten(),
        callee,
        candidates: found.candidates,
        classes: found.classes,
    })
}

/// The declarations that are likely whatever their names, and the name of what the call
/// around the cursor calls, if its declaration is not known.
fn certain_declarations<'a>(
    surroundings: &Surroundings<'a>,
    near: &NearWords,
    uses: impl Fn(Signal) -> bool,
) -> (Vec<ScoredCandidate<'a>>, Option<FoldedName<'a>>) {
    let mut certain = Vec::new();
    if uses(Signal::Tested) {
        add_tested(surroundings, near, &mut certain);
    }
    let mut callee = CallSignature::default();
    if uses(Signal::Callee) {
        callee = CallSignature::at_cursor(surroundings);
    }
    let scored = (0..).zip(callee.declared);
    certain.extend(scored.map(|(rank, candidate)| ScoredCandidate {
        candidate,
        score: CallSignature::score(rank),
    }));
    (certain, callee.name)
}

impl<'a> SignalNames<'a> {
    /// Asks the signals that depend on the site: types, receivers and reach.
    fn ask_site(
        &mut self,
        surroundings: &Surroundings<'a>,
        near: &NearWords,
        uses: impl Fn(Signal) -> bool,
        cancel: &Cancel,
    ) -> Result<(), Cancelled> {
        let (types, candidates) = (&mut self.types, &mut self.candidates);
        match surroundings.site {
            Site::Member { operator, .. } => {
                if uses(Signal::Types) {
                    let inference = surroundings.inference;
                    let receiver = inference.receiver(operator);
                    let told = inference.conventional_members_behind(operator);
                    let mut adder = MemberAdder::behind(surroundings, operator, near);
                    adder.add(&receiver, told, types, candidates);
                    self.classes.add_classes(&receiver, RECEIVER_CLASS);
                }
                if uses(Signal::Receivers) {
                    add_used_on_receiver(surroundings, operator, &mut self.receivers);
                }
            }
            Site::Method if uses(Signal::Types) => {
                add_overridable(surroundings, types, candidates);
            }
            Site::Expression | Site::Body | Site::Text if uses(Signal::Reach) => {
                let (reach, classes) = (&mut self.reach, &mut self.classes);
                add_members_in_reach(surroundings, near, reach, classes, candidates, cancel)?;
                add_imported_statics(surroundings, near, reach, candidates);
                add_included(surroundings, reach);
                add_functions_of_packages(surroundings, reach);
            }
            Site::Class if uses(Signal::Dependencies) => {
                add_unused_imports(surroundings, &mut self.reach);
                add_included(surroundings, &mut self.reach);
            }
            Site::Class
            | Site::Import(_)
            | Site::Method
            | Site::Expression
            | Site::Body
            | Site::Text => {}
        }
        Ok(())
    }

    /// Asks the signals that know names without being told of any: nearby and words.
    fn ask_nearby(
        &mut self,
        surroundings: &Surroundings<'a>,
        near: &NearWords,
        uses: impl Fn(Signal) -> bool,
    ) {
        if surroundings.site == Site::Text {
            return;
        }
        if uses(Signal::Nearby) {
            let (mut classes, mut methods) = (NameWeights::default(), NameWeights::default());
            add_classes_nearby(surroundings, near, &mut classes);
            add_same_methods(surroundings, &mut methods);
            self.nearby.mix(classes, NEARBY_CLASSES_SHARE);
            self.nearby.mix(methods, 1.0 - NEARBY_CLASSES_SHARE);
        }
        if uses(Signal::Words) {
            add_named_by_words(surroundings, near, &mut self.words);
        }
    }

    /// The probabilities of the names by the evidence of the signals, which it takes
    /// out.
    fn weigh(
        &mut self,
        surroundings: &Surroundings<'a>,
        weights: &EvidenceWeights,
    ) -> NameWeights<'a> {
        let signals = [
            &mut self.chunks,
            &mut self.similar_files,
            &mut self.reach,
            &mut self.nearby,
            &mut self.words,
        ];
        let signals = signals.map(std::mem::take);
        let is_typed = |name: &FoldedName<'a>| self.candidates.contains_key(name);
        evidence::probabilities(surroundings.snapshot, signals, is_typed, weights)
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
            (&mut self.nearby, shares.nearby),
            (&mut self.words, shares.words),
        ] {
            names.mix(std::mem::take(signal), share);
        }
        names
    }
}

/// The weights of the evidence for names at the cursor, where names are judged by it:
/// where an expression or an empty body begins and nothing is typed yet.
fn evidence_weights(surroundings: &Surroundings<'_>) -> Option<&'static EvidenceWeights> {
    let weights = match surroundings.site {
        Site::Body => &BODY_EVIDENCE,
        Site::Expression => &EXPRESSION_EVIDENCE,
        Site::Member { .. } | Site::Class | Site::Import(_) | Site::Method | Site::Text => {
            return None;
        }
    };
    surroundings.buffer.typed.is_empty().then_some(weights)
}

/// The shares of the signals at `site`; `is_typed` says whether the types gave
/// any name.
fn signal_shares(site: Site, is_typed: bool) -> SignalShares {
    match site {
        Site::Member { .. } if is_typed => MEMBER_OF_KNOWN_TYPE,
        Site::Member { .. } => MEMBER_OF_UNKNOWN_TYPE,
        Site::Method if is_typed => METHOD_OF_KNOWN_PARENT,
        Site::Body => EMPTY_BODY,
        _ => ELSEWHERE,
    }
}
