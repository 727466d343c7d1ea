//! The mixture of the signals: each signal is a distribution over names, and a
//! name's score is its probability in the mixture of them. Where an expression or an
//! empty body begins, `evidence` judges the names instead.

use std::borrow::Cow;

use super::evidence;
use super::name_table::{NameSignal, NameTable, SignalWeights};
use super::names::FoldedName;
use super::near_words::NearWords;
use super::signals::callee::CallSignature;
use super::signals::chunks::add_used_in_chunks;
use super::signals::imports::{add_names_of_namespace, typed_namespace};
use super::signals::literals::{LikelyLiterals, likely_literals};
use super::signals::nearby::{add_classes_nearby, add_same_methods, files_nearby};
use super::signals::reach::{
    add_functions_of_packages, add_imported_statics, add_included, add_members_in_reach,
    add_unused_imports,
};
use super::signals::receivers::add_used_on_receiver;
use super::signals::similar_files::add_used_in_files;
use super::signals::tested::add_tested;
use super::signals::typed::{TypedPart, add_prefix_matches};
use super::signals::types::{MemberAdder, add_overridable};
use super::signals::words::add_named_by_words;
use super::surroundings::Surroundings;
use crate::cancel::{Cancel, Cancelled};
use crate::context::candidate::{Candidate, ScoredCandidate};
use crate::context::request::{MinScore, Signal};
use crate::context::site::Site;
use crate::context::weights::{
    BODY_EVIDENCE, BODY_THRESHOLD, ELSEWHERE, EMPTY_BODY, EXPRESSION_EVIDENCE, EvidenceWeights,
    IMPORTED_CLASS, MEMBER_OF_KNOWN_TYPE, MEMBER_OF_UNKNOWN_TYPE, METHOD_OF_KNOWN_PARENT,
    NAME_IN_BUFFER, NEARBY_CLASSES_SHARE, PAYING_CHARS, PAYING_CHARS_OF_MIXTURE,
    PAYING_USAGE_CHARS, PREFIX_SHARE, RECEIVER_CLASS, RELEVANT_CLASSES, SignalShares,
};
use crate::index::Hit;
use crate::index::symbols::NameKind;
use crate::php::ImportKind;

/// The likely names at a cursor.
pub(in crate::context) struct Ranking<'a> {
    /// Likely names, likeliest first.
    pub(super) names: Vec<RankedName<'a>>,
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
    /// The folded full names of the classes that matter most here, most relevant first.
    pub(super) relevant: Vec<String>,
}

/// A folded name with its probability.
pub(super) struct RankedName<'a> {
    pub(super) kind: NameKind,
    pub(super) name: Cow<'a, str>,
    pub(super) score: f32,
    /// What it stands for, if its type is known.
    pub(super) candidate: Option<Candidate<'a>>,
}

impl Ranking<'_> {
    /// What a declaration must be worth at least to be shown.
    pub(in crate::context) fn threshold(&self, least: MinScore) -> Threshold {
        let probability = match self.site {
            _ if !self.is_by_evidence => {
                least.below(self.names.first().map_or(0.0, |first| first.score))
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
            is_by_evidence: self.is_by_evidence,
            probability,
            per_char: probability / paying,
            per_usage_char: probability / PAYING_USAGE_CHARS,
        }
    }
}

/// What must be reached for something to be shown.
#[derive(Clone, Copy, Default)]
pub(in crate::context) struct Threshold {
    /// Whether probabilities are by the evidence of the signals, not shares of a mixture.
    pub(in crate::context) is_by_evidence: bool,
    /// The probability of a declaration.
    pub(in crate::context) probability: f32,
    /// The probability per character of declarations, headers included.
    pub(in crate::context) per_char: f32,
    /// The probabilities of the names that an excerpt shows in use, per character.
    pub(in crate::context) per_usage_char: f32,
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
    let mut table = NameTable::new();
    ask_site(surroundings, &near, uses, &mut table, cancel)?;
    cancel.check()?;
    if uses(Signal::Chunks) {
        add_used_in_chunks(surroundings, hits, &mut table);
    }
    cancel.check()?;
    if uses(Signal::SimilarFiles) {
        add_used_in_files(surroundings, &mut table);
    }
    cancel.check()?;
    ask_nearby(surroundings, &near, uses, &mut table);
    let scope = surroundings.buffer.scope();
    for import in scope.imports().filter(|i| i.kind == ImportKind::Class) {
        let class = NameKind::Class.fold(&import.target);
        let class = table.number(NameKind::Class, class);
        table.add_relevance(class, IMPORTED_CLASS);
    }
    cancel.check()?;

    let weights = evidence_weights(surroundings);
    let mut scores = match weights {
        Some(weights) => {
            let nearby = nearby_weights(&table);
            evidence::probabilities(surroundings.snapshot, &table, nearby, weights)
        }
        None => mix(&table, surroundings.site),
    };
    if let Some(typed) = TypedPart::of(surroundings.buffer) {
        add_typed(surroundings, &near, &typed, uses, &mut table, &mut scores);
    }
    for number in surroundings.numbers_in_buffer(&table) {
        scores[number as usize] *= NAME_IN_BUFFER;
    }
    cancel.check()?;
    let (certain, callee) = certain_declarations(surroundings, &near, uses);
    let relevant = table.most_relevant(RELEVANT_CLASSES);
    let relevant = relevant.into_iter().map(str::to_owned).collect();
    let names = table.best(&scores, count).into_iter().map(|number| {
        let (kind, name, candidate) = table.take(number);
        RankedName {
            kind,
            name,
            score: scores[number],
            candidate,
        }
    });
    Ok(Ranking {
        names: names.collect(),
        site: surroundings.site,
        is_by_evidence: weights.is_some(),
        certain,
        literals: uses(Signal::Literals)
            .then(|| likely_literals(surroundings, &near))
            .flatten(),
        callee,
        relevant,
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

/// Asks the signals that depend on the site: types, receivers and reach.
fn ask_site<'a>(
    surroundings: &Surroundings<'a>,
    near: &NearWords,
    uses: impl Fn(Signal) -> bool,
    table: &mut NameTable<'a>,
    cancel: &Cancel,
) -> Result<(), Cancelled> {
    match surroundings.site {
        Site::Member { operator, .. } => {
            if uses(Signal::Types) {
                let inference = surroundings.inference;
                let receiver = inference.receiver(operator);
                let told = inference.conventional_members_behind(operator);
                let mut adder =
                    MemberAdder::behind(surroundings, operator, near, NameSignal::Types);
                adder.add(&receiver, told, table);
                table.add_relevant(&receiver, RECEIVER_CLASS);
            }
            if uses(Signal::Receivers) {
                add_used_on_receiver(surroundings, operator, table);
            }
        }
        Site::Method if uses(Signal::Types) => add_overridable(surroundings, table),
        Site::Expression | Site::Body | Site::Text if uses(Signal::Reach) => {
            add_members_in_reach(surroundings, near, table, cancel)?;
            add_imported_statics(surroundings, near, table);
            add_included(surroundings, table);
            add_functions_of_packages(surroundings, table);
        }
        Site::Class if uses(Signal::Dependencies) => {
            add_unused_imports(surroundings, table);
            add_included(surroundings, table);
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
fn ask_nearby<'a>(
    surroundings: &Surroundings<'a>,
    near: &NearWords,
    uses: impl Fn(Signal) -> bool,
    table: &mut NameTable<'a>,
) {
    if surroundings.site == Site::Text {
        return;
    }
    if uses(Signal::Nearby) {
        let files = files_nearby(surroundings);
        add_classes_nearby(surroundings, &files, near, table);
        add_same_methods(surroundings, &files, table);
    }
    if uses(Signal::Words) {
        add_named_by_words(surroundings, near, table);
    }
}

/// What the signal `nearby` gives: classes, and names used in methods of one name.
fn nearby_weights(table: &NameTable<'_>) -> SignalWeights {
    let mut weights = vec![0.0; table.len()];
    let classes = table.weights(NameSignal::NearbyClasses);
    classes.mix_into(&mut weights, NEARBY_CLASSES_SHARE);
    let methods = table.weights(NameSignal::SameMethods);
    methods.mix_into(&mut weights, 1.0 - NEARBY_CLASSES_SHARE);
    weights.into()
}

/// The probability of each name, as one distribution from those of the signals.
fn mix(table: &NameTable<'_>, site: Site) -> Vec<f32> {
    let types = table.weights(NameSignal::Types);
    let shares = signal_shares(site, !types.is_empty());
    let mut scores = vec![0.0; table.len()];
    // The order is fixed, since sums of floating-point numbers depend on it.
    types.mix_into(&mut scores, shares.types);
    for (signal, share) in [
        (NameSignal::Receivers, shares.receivers),
        (NameSignal::Chunks, shares.chunks),
        (NameSignal::SimilarFiles, shares.similar_files),
        (NameSignal::Reach, shares.reach),
    ] {
        table.weights(signal).mix_into(&mut scores, share);
    }
    nearby_weights(table).mix_into(&mut scores, shares.nearby);
    let words = table.weights(NameSignal::Words);
    words.mix_into(&mut scores, shares.words);
    scores
}

/// Adds the names that go on from what is typed, and leaves out all others.
fn add_typed<'a>(
    surroundings: &Surroundings<'a>,
    near: &NearWords,
    typed: &TypedPart,
    uses: impl Fn(Signal) -> bool,
    table: &mut NameTable<'a>,
    scores: &mut Vec<f32>,
) {
    if uses(Signal::Typed) {
        if let Some(namespace) = typed_namespace(surroundings) {
            add_names_of_namespace(surroundings, near, &namespace, table);
        }
        add_prefix_matches(surroundings, typed, table);
        scores.resize(table.len(), 0.0);
        for signal in [NameSignal::Namespace, NameSignal::Typed] {
            table.weights(signal).mix_into(scores, PREFIX_SHARE);
        }
    }
    for (number, score) in scores.iter_mut().enumerate() {
        let (kind, name) = table.name(number);
        if *score > 0.0 && !typed.begins(kind, name) {
            *score = 0.0;
        }
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
