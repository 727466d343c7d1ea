//! Holds a dataset to its mix: which of the proposed holes of a file are taken.

use std::collections::BTreeMap;
use std::ops::Range;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::dataset::cut::holes::{Hole, Proposals, overlaps, starts_near};
use crate::dataset::mix::Mix;
use crate::dataset::record::SpanKind;
use crate::dataset::reject::DUPLICATE_HOLE;
use crate::dataset::words::{is_word, tokens};

/// The most examples with one middle, white space and literals aside: this many, or one
/// in [`ONE_IN`] if that is more.
const SAME_MIDDLES: usize = 5;
/// See [`SAME_MIDDLES`].
const ONE_IN: usize = 2000;

/// The reason of a hole whose middle is as many others are.
pub(in crate::dataset) const COMMON_MIDDLE: &str = "common_middle";

/// How many examples a project has of each kind and with each middle. Its choices depend
/// on the project's files in their order alone.
#[derive(Debug)]
pub(in crate::dataset) struct Quota {
    /// Each kind of the mix.
    turns: BTreeMap<SpanKind, Turn>,
    /// The number of examples, and of the holes that are taken of the batch in the
    /// making.
    examples: usize,
    pending: usize,
    /// How often each middle is taken, by [`middle_key`].
    middles: FxHashMap<u64, u32>,
}

/// How far a kind of hole is.
#[derive(Debug)]
struct Turn {
    /// See [`Mix::share`].
    share: f64,
    /// Where it begins, from 0 to 1: if there are few holes in all, each kind has its
    /// share of them by chance.
    start: f64,
    /// Its examples.
    examples: usize,
    /// The holes that are taken of the batch in the making.
    pending: usize,
}

impl Turn {
    /// How many holes there would be in all if those of the kind had their share. The
    /// kind with the smallest number is next.
    fn reached(&self) -> f64 {
        (self.start + (self.examples + self.pending) as f64) / self.share
    }
}

impl Quota {
    /// The quota of a project without examples.
    pub(in crate::dataset) fn new(mix: &Mix, rng: &mut ChaCha8Rng) -> Self {
        let turn = |(kind, share)| {
            let turn = Turn {
                share,
                start: rng.random(),
                examples: 0,
                pending: 0,
            };
            (kind, turn)
        };
        Self {
            turns: mix.shares().map(turn).collect(),
            examples: 0,
            pending: 0,
            middles: FxHashMap::default(),
        }
    }

    /// Notes an example of the dataset.
    pub(in crate::dataset) fn note(&mut self, kind: SpanKind) {
        self.examples += 1;
        if let Some(turn) = self.turns.get_mut(&kind) {
            turn.examples += 1;
        }
    }

    /// Notes that a hole with this [`middle_key`] is taken.
    pub(in crate::dataset) fn note_middle(&mut self, key: u64) {
        *self.middles.entry(key).or_default() += 1;
    }

    /// Begins a batch. The holes taken of the one before are examples now, or refused.
    pub(in crate::dataset) fn begin_batch(&mut self) {
        self.pending = 0;
        for turn in self.turns.values_mut() {
            turn.pending = 0;
        }
    }

    /// Takes the wanted number of `proposals`, if there are so many that `decide` lets
    /// pass: each time one of the kind that is furthest below its share.
    /// Returns them in the order of their starts. Counts in `proposals` what it
    /// refuses itself. `caps_middles` says whether it refuses common middles.
    pub(in crate::dataset) fn take(
        &mut self,
        text: &str,
        proposals: &mut Proposals,
        caps_middles: bool,
        mut decide: impl FnMut(&Hole) -> bool,
    ) -> Vec<Hole> {
        let mut by_kind: BTreeMap<SpanKind, Vec<Hole>> = BTreeMap::new();
        for hole in std::mem::take(&mut proposals.holes) {
            by_kind.entry(hole.kind).or_default().push(hole);
        }
        let mut taken: BTreeMap<(usize, usize), Hole> = BTreeMap::new();
        while taken.len() < proposals.wanted {
            let next = by_kind
                .keys()
                .min_by(|a, b| self.reached(**a).total_cmp(&self.reached(**b)));
            let Some(kind) = next.copied() else {
                break;
            };
            let Some(hole) = by_kind.get_mut(&kind).and_then(Vec::pop) else {
                by_kind.remove(&kind);
                continue;
            };
            let key = middle_key(&text[hole.range.clone()]);
            if let Some(reason) = self.objection(&taken, &hole.range, caps_middles.then_some(key)) {
                *proposals.rejected.entry(reason).or_default() += 1;
            } else if decide(&hole) {
                self.note_middle(key);
                self.pending += 1;
                if let Some(turn) = self.turns.get_mut(&kind) {
                    turn.pending += 1;
                }
                taken.insert((hole.range.start, hole.range.end), hole);
            }
        }
        taken.into_values().collect()
    }

    /// See [`Turn::reached`]. A kind that is not in the mix comes last.
    fn reached(&self, kind: SpanKind) -> f64 {
        self.turns.get(&kind).map_or(f64::INFINITY, Turn::reached)
    }

    /// Why the hole `range` is not to be taken beside `taken`. `key` is that of its middle,
    /// if common middles are refused.
    fn objection(
        &self,
        taken: &BTreeMap<(usize, usize), Hole>,
        range: &Range<usize>,
        key: Option<u64>,
    ) -> Option<&'static str> {
        let most = SAME_MIDDLES.max((self.examples + self.pending) / ONE_IN);
        let same = key.and_then(|key| self.middles.get(&key));
        if same.is_some_and(|n| *n as usize >= most) {
            return Some(COMMON_MIDDLE);
        }
        let (from, to) = starts_near(range);
        let near = taken.range((from, 0)..=(to, usize::MAX));
        overlaps(near.map(|((start, end), _)| *start..*end), range).then_some(DUPLICATE_HOLE)
    }
}

/// A key that middles share which differ in white space, numbers and the texts of
/// strings only.
pub(in crate::dataset) fn middle_key(middle: &str) -> u64 {
    let mut shape = String::with_capacity(middle.len());
    let mut at = 0;
    for token in tokens(middle) {
        let start = token.as_ptr().addr() - middle.as_ptr().addr();
        if start < at {
            continue;
        }
        at = start + token.len();
        let closing = match token {
            "'" | "\"" => middle[at..].find(token),
            _ => None,
        };
        if let Some(closing) = closing {
            at += closing + 1;
            shape.push('"');
        } else if token.starts_with(|c: char| c.is_ascii_digit()) {
            shape.push('0');
        } else {
            if token.starts_with(is_word) {
                shape.push(' ');
            }
            shape.push_str(token);
        }
    }
    xxh3_64(shape.as_bytes())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn quota(mix: &str) -> Quota {
        Quota::new(&mix.parse().unwrap(), &mut ChaCha8Rng::seed_from_u64(3))
    }

    #[test]
    fn middles_that_differ_in_literals_have_one_key() {
        let same = [
            ("'a' => 'b',", "'other key' =>  \"text, with\",\n"),
            ("foo(1, 2.5)", "foo(17, 0.25)"),
        ];
        for (one, other) in same {
            assert_eq!(middle_key(one), middle_key(other), "{one} {other}");
        }
        for (one, other) in [("foo(1)", "bar(1)"), ("ab", "a b"), ("$a", "$a;")] {
            assert_ne!(middle_key(one), middle_key(other), "{one} {other}");
        }
    }

    fn proposals(file: usize, kinds: &[SpanKind], wanted: usize) -> (String, Proposals) {
        let text: String = (0..400)
            .map(|n| format!("$name{file}x{n}->f();\n"))
            .collect();
        let holes = kinds.iter().enumerate().map(|(at, kind)| {
            let start = text.match_indices('\n').nth(at).map_or(0, |(at, _)| at + 1);
            Hole {
                range: start..start + 12,
                kind: *kind,
                name: String::new(),
            }
        });
        let proposals = Proposals {
            holes: holes.collect(),
            wanted,
            ..Proposals::default()
        };
        (text, proposals)
    }

    #[test]
    fn files_with_a_kind_make_up_for_files_without_it() {
        let mut quota = quota("block=20,typing=80");
        for file in 0..100 {
            let mut kinds = vec![SpanKind::Typing; 12];
            if file % 3 == 0 {
                kinds.extend([SpanKind::Block; 8]);
            }
            let (text, mut proposals) = proposals(file, &kinds, 10);
            quota.begin_batch();
            let taken = quota.take(&text, &mut proposals, true, |_| true);
            assert_eq!(taken.len(), 10);
            // Some blocks are refused later.
            for (at, hole) in taken.iter().enumerate() {
                if hole.kind == SpanKind::Typing || at % 4 > 0 {
                    quota.note(hole.kind);
                }
            }
        }
        let blocks = quota.turns[&SpanKind::Block].examples;
        let share = blocks as f64 / quota.examples as f64;
        assert!((share - 0.2).abs() < 0.02, "{share}");
    }

    #[test]
    fn projects_of_one_hole_have_the_mix_in_all() {
        let mix = Mix::default();
        let mut typing = 0;
        for seed in 0..2000 {
            let mut quota = Quota::new(&mix, &mut ChaCha8Rng::seed_from_u64(seed));
            let kinds: Vec<_> = mix.shares().map(|(kind, _)| kind).collect();
            let (text, mut proposals) = proposals(0, &kinds, 1);
            let taken = quota.take(&text, &mut proposals, true, |_| true);
            typing += usize::from(taken[0].kind == SpanKind::Typing);
        }
        assert!((440..600).contains(&typing), "{typing}");
    }

    #[test]
    fn a_middle_is_taken_a_few_times_only() {
        let mut quota = quota("completion");
        let mut all = 0;
        for _ in 0..20 {
            let text = "return $this->name;\n".repeat(3);
            let hole = Hole {
                range: 0..19,
                kind: SpanKind::OneLine,
                name: String::new(),
            };
            let mut proposals = Proposals {
                holes: vec![hole],
                wanted: 1,
                ..Proposals::default()
            };
            all += quota.take(&text, &mut proposals, true, |_| true).len();
        }
        assert_eq!(all, SAME_MIDDLES);
    }
}
