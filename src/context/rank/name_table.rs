//! The names that the signals give, each once, with what each signal says of it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::FxHasher;

use crate::context::candidate::Candidate;
use crate::context::weights::RESERVED_NAMES;
use crate::index::symbols::{NameKind, used_name};
use crate::php::names::Scope;

/// The signals that weigh names. Some are parts of one signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameSignal {
    Types,
    Receivers,
    Chunks,
    SimilarFiles,
    Reach,
    /// The classes of the signal `nearby`.
    NearbyClasses,
    /// What methods of the same name use, of the signal `nearby`.
    SameMethods,
    Words,
    /// The classes of a namespace that is typed.
    Namespace,
    /// Names that go on from what is typed.
    Typed,
}

/// The number of [`NameSignal`]s.
const SIGNALS: usize = 10;

/// The names that the signals give. Each has a number from 0 on.
pub(super) struct NameTable<'a> {
    names: Vec<WeighedName<'a>>,
    /// The numbers of the names, by their hashes.
    numbers: HashTable<u32>,
    /// The declarations of names whose type is known.
    candidates: Vec<Candidate<'a>>,
}

/// A folded name (see [`NameKind::fold`]) with its weights; a class by its full name.
struct WeighedName<'a> {
    kind: NameKind,
    name: Cow<'a, str>,
    hash: u64,
    /// What each signal weighs it; 0 if the signal does not give it.
    weights: [f32; SIGNALS],
    /// How much a class matters at the cursor.
    relevance: f32,
    /// The position of its declaration in [`NameTable::candidates`].
    candidate: Option<u32>,
}

/// The weights that one signal gives to the names of a table, and their sum.
pub(super) struct SignalWeights {
    weights: Vec<f32>,
    sum: f32,
}

impl SignalWeights {
    /// Whether the signal gives no name.
    pub(super) fn is_empty(&self) -> bool {
        self.sum <= 0.0
    }

    /// The share of a name in what the signal gives.
    pub(super) fn share(&self, number: usize) -> f32 {
        if self.sum > 0.0 {
            self.weights[number] / self.sum
        } else {
            0.0
        }
    }

    /// Adds to `scores` what the signal gives, scaled so that it sums to `share`.
    pub(super) fn mix_into(&self, scores: &mut [f32], share: f32) {
        if self.sum > 0.0 && share > 0.0 {
            for (score, weight) in scores.iter_mut().zip(&self.weights) {
                *score += share * weight / self.sum;
            }
        }
    }
}

impl From<Vec<f32>> for SignalWeights {
    fn from(weights: Vec<f32>) -> Self {
        // Summed in the order of size, which does not depend on the order in which files
        // gave the names.
        let mut given: Vec<f32> = weights.iter().copied().filter(|w| *w > 0.0).collect();
        given.sort_unstable_by(f32::total_cmp);
        let sum = given.iter().sum();
        Self { weights, sum }
    }
}

fn hash(kind: NameKind, name: &str) -> u64 {
    let mut hasher = FxHasher::default();
    (kind as u8).hash(&mut hasher);
    hasher.write(name.as_bytes());
    hasher.finish()
}

impl<'a> NameTable<'a> {
    pub(super) fn new() -> Self {
        Self {
            names: Vec::with_capacity(RESERVED_NAMES),
            numbers: HashTable::with_capacity(RESERVED_NAMES),
            candidates: Vec::new(),
        }
    }

    /// The number of names.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The number of a folded name, which is added if it is not there yet.
    pub(super) fn number(&mut self, kind: NameKind, name: impl Into<Cow<'a, str>>) -> u32 {
        let name = name.into();
        let hash = hash(kind, &name);
        let names = &self.names;
        let is_it = |&number: &u32| {
            let known = &names[number as usize];
            known.hash == hash && known.kind == kind && known.name == name
        };
        let rehash = |&number: &u32| names[number as usize].hash;
        match self.numbers.entry(hash, is_it, rehash) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                let number = names.len() as u32;
                vacant.insert(number);
                self.push(kind, name, hash);
                number
            }
        }
    }

    /// Like [`Self::number`], for a name that is copied if it is new.
    pub(super) fn number_of_copy(&mut self, kind: NameKind, name: &str) -> u32 {
        self.find(kind, name)
            .unwrap_or_else(|| self.number(kind, name.to_owned()))
    }

    /// The number of a folded name, if it is there.
    pub(super) fn find(&self, kind: NameKind, name: &str) -> Option<u32> {
        let hash = hash(kind, name);
        let is_it = |&number: &u32| {
            let known = &self.names[number as usize];
            known.hash == hash && known.kind == kind && known.name == name
        };
        self.numbers.find(hash, is_it).copied()
    }

    fn push(&mut self, kind: NameKind, name: Cow<'a, str>, hash: u64) {
        self.names.push(WeighedName {
            kind,
            name,
            hash,
            weights: [0.0; SIGNALS],
            relevance: 0.0,
            candidate: None,
        });
    }

    /// Adds `weight` to what `signal` weighs a folded name.
    pub(super) fn add(
        &mut self,
        signal: NameSignal,
        kind: NameKind,
        name: impl Into<Cow<'a, str>>,
        weight: f32,
    ) {
        let number = self.number(kind, name);
        self.weigh(signal, number, weight);
    }

    /// The number of the name that code in `scope` uses as `written`, if it is one.
    pub(super) fn used(&mut self, kind: NameKind, written: &str, scope: &Scope<'_>) -> Option<u32> {
        Some(match kind {
            NameKind::Class => {
                let name = used_name(kind, written, scope)?;
                self.number(kind, name)
            }
            _ => {
                let short = written.rsplit('\\').next().unwrap_or(written);
                self.number_of_copy(kind, &kind.folded(short))
            }
        })
    }

    /// Adds `weight` to what `signal` weighs the name with this number.
    pub(super) fn weigh(&mut self, signal: NameSignal, number: u32, weight: f32) {
        self.names[number as usize].weights[signal as usize] += weight;
    }

    /// Sets what `signal` weighs the name with this number.
    pub(super) fn set(&mut self, signal: NameSignal, number: u32, weight: f32) {
        self.names[number as usize].weights[signal as usize] = weight;
    }

    /// Adds `relevance` to the class with this number.
    pub(super) fn add_relevance(&mut self, number: u32, relevance: f32) {
        self.names[number as usize].relevance += relevance;
    }

    /// Adds `relevance` to each of the classes with these fully qualified names.
    pub(super) fn add_relevant(&mut self, classes: &[String], relevance: f32) {
        for class in classes {
            let number = self.number(NameKind::Class, NameKind::Class.fold(class));
            self.add_relevance(number, relevance);
        }
    }

    /// The `count` classes that matter most, by folded full names: the most relevant
    /// first, then in the order of names.
    pub(super) fn most_relevant(&self, count: usize) -> Vec<&str> {
        let relevant = self.names.iter().filter(|name| name.relevance > 0.0);
        let mut all: Vec<(f32, &str)> = relevant.map(|n| (n.relevance, &*n.name)).collect();
        first_few(&mut all, count, |a, b| {
            b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1))
        });
        all.into_iter().map(|(_, name)| name).collect()
    }

    /// Whether the name with this number is that of a member of a known type.
    pub(super) fn is_typed(&self, number: usize) -> bool {
        self.names[number].candidate.is_some()
    }

    /// Notes that the name with this number stands for `candidate`, unless it stands for
    /// one already.
    pub(super) fn offer(&mut self, number: u32, candidate: impl FnOnce() -> Candidate<'a>) {
        let known = &mut self.names[number as usize].candidate;
        if known.is_none() {
            *known = Some(self.candidates.len() as u32);
            self.candidates.push(candidate());
        }
    }

    /// What `signal` gives.
    pub(super) fn weights(&self, signal: NameSignal) -> SignalWeights {
        let names = self.names.iter();
        let weights: Vec<f32> = names.map(|name| name.weights[signal as usize]).collect();
        SignalWeights::from(weights)
    }

    /// The kind and the text of the name with this number.
    pub(super) fn name(&self, number: usize) -> (NameKind, &str) {
        let name = &self.names[number];
        (name.kind, &name.name)
    }

    /// The numbers of the `count` names with the greatest `scores` above 0, greatest
    /// first, then in the order of names.
    pub(super) fn best(&self, scores: &[f32], count: usize) -> Vec<usize> {
        let mut all: Vec<(f32, usize)> = Vec::with_capacity(scores.len());
        let scored = scores.iter().copied().zip(0..);
        all.extend(scored.filter(|(score, _)| *score > 0.0));
        first_few(&mut all, count, |a, b| {
            let names = || self.name(a.1).cmp(&self.name(b.1));
            b.0.total_cmp(&a.0).then_with(names)
        });
        all.into_iter().map(|(_, number)| number).collect()
    }

    /// Takes the text of the name with this number out, and its declaration if its type
    /// is known.
    pub(super) fn take(
        &mut self,
        number: usize,
    ) -> (NameKind, Cow<'a, str>, Option<Candidate<'a>>) {
        let name = &mut self.names[number];
        let candidate = name.candidate.map(|at| self.candidates[at as usize]);
        (name.kind, std::mem::take(&mut name.name), candidate)
    }
}

/// Sorts the first `count` of `all` by `order`, and drops the rest.
fn first_few<T>(all: &mut Vec<T>, count: usize, order: impl Fn(&T, &T) -> Ordering) {
    if all.len() > count {
        all.select_nth_unstable_by(count, &order);
        all.truncate(count);
    }
    all.sort_unstable_by(&order);
}
