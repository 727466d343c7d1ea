//! Which of many middles some texts give away: [`super::near_contains`] for all
//! of them at once.
//!
//! A text that gives a middle away holds most of its shingles, so it holds one
//! of any choice that leaves out fewer than that. Of each middle the shingles
//! that the fewest middles have are indexed; only the middles that a text meets
//! there are looked for in it, and none that another text has given away
//! already. Nothing is missed and little is looked for, even where all code
//! looks alike.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use rustc_hash::{FxHashMap, FxHashSet};

use super::{MIDDLE_SHINGLE, Sought, Tokens, enough, minhash, quality};

/// Middles that are looked for in many texts.
#[derive(Debug)]
pub struct HeldOut {
    middles: Vec<Sought>,
    /// The middles to look for in a text that has this shingle.
    by_shingle: FxHashMap<u64, Vec<usize>>,
}

/// For each middle whether a text has given it away.
#[derive(Debug)]
pub struct GivenAway(Vec<AtomicBool>);

impl GivenAway {
    /// Whether the middle of this number was given away.
    #[must_use]
    pub fn has(&self, middle: usize) -> bool {
        self.0[middle].load(Ordering::Relaxed)
    }

    /// How many were.
    #[must_use]
    pub fn count(&self) -> usize {
        (0..self.0.len()).filter(|middle| self.has(*middle)).count()
    }
}

impl HeldOut {
    /// Gets ready to look for `middles`, which are numbered from 0.
    #[must_use]
    pub fn new<'a>(middles: impl Iterator<Item = &'a str>) -> Self {
        let middles: Vec<_> = middles.map(Sought::new).collect();
        let shingles: Vec<_> = middles.iter().map(shingles).collect();
        let mut frequency: FxHashMap<u64, usize> = FxHashMap::default();
        for shingle in shingles.iter().flatten() {
            *frequency.entry(*shingle).or_default() += 1;
        }
        let mut by_shingle: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
        for (number, mut shingles) in shingles.into_iter().enumerate() {
            let indexed = match &middles[number] {
                // All of its shingles are there where it is.
                Sought::Nothing | Sought::Row(_) => 1,
                Sought::Shingles { distinct, .. } => distinct.len() + 1 - enough(distinct.len()),
            };
            shingles.sort_by_key(|shingle| (frequency[shingle], *shingle));
            for shingle in shingles.into_iter().take(indexed) {
                by_shingle.entry(shingle).or_default().push(number);
            }
        }
        Self {
            middles,
            by_shingle,
        }
    }

    /// What is given away before any text is looked at: nothing.
    #[must_use]
    pub fn none(&self) -> GivenAway {
        let middles = self.middles.iter();
        GivenAway(middles.map(|_| AtomicBool::new(false)).collect())
    }

    /// Adds the middles that `text` gives away to `given_away`. What that holds
    /// in the end does not depend on the order of the texts.
    pub fn look(&self, text: &str, given_away: &GivenAway) {
        let text = Tokens::of(text);
        self.meet(&text, given_away, |middle| middle.is_in(text.all()));
    }

    /// Does what [`Self::look`] at each of `windows` of `text`, in bytes, does,
    /// but reads the text once where they overlap. A middle that stands partly
    /// in one and partly in another is not given away.
    pub fn look_at_windows(&self, text: &str, windows: &[Range<usize>], given_away: &GivenAway) {
        // A window that begins or ends inside a word has a token that the text
        // has not.
        let (whole, cut): (Vec<_>, Vec<_>) = windows.iter().partition(|window| {
            !quality::is_in_word(text, window.start) && !quality::is_in_word(text, window.end)
        });
        for window in cut {
            self.look(&text[window.clone()], given_away);
        }
        if whole.is_empty() {
            return;
        }
        let (tokens, starts) = Tokens::with_starts(text);
        let place = |at: usize| starts.partition_point(|start| *start < at);
        let whole: Vec<_> = whole
            .into_iter()
            .map(|window| tokens.part(place(window.start)..place(window.end)))
            .collect();
        self.meet(&tokens, given_away, |middle| {
            // Few that are met are there at all.
            middle.is_in(tokens.all()) && whole.iter().any(|window| middle.is_in(*window))
        });
    }

    /// Adds those middles to `given_away` that the text of these tokens may give
    /// away and that `is_there` says are.
    fn meet(&self, text: &Tokens, given_away: &GivenAway, is_there: impl Fn(&Sought) -> bool) {
        let there: FxHashSet<u64> = text.shingles.iter().copied().collect();
        let mut met: Vec<_> = there
            .iter()
            .filter_map(|shingle| self.by_shingle.get(shingle))
            .flatten()
            .filter(|middle| !given_away.has(**middle))
            .collect();
        met.sort_unstable();
        met.dedup();
        for number in met {
            let middle = &self.middles[*number];
            // The window is a part of the text, so it has no more of them.
            let may_be = match middle {
                Sought::Nothing => false,
                Sought::Row(_) => true,
                Sought::Shingles { distinct, .. } => {
                    let here = distinct.iter().filter(|shingle| there.contains(shingle));
                    here.count() >= enough(distinct.len())
                }
            };
            if may_be && !given_away.has(*number) && is_there(middle) {
                given_away.0[*number].store(true, Ordering::Relaxed);
            }
        }
    }
}

/// The different shingles of a middle.
fn shingles(middle: &Sought) -> Vec<u64> {
    match middle {
        Sought::Nothing => Vec::new(),
        Sought::Row(row) => {
            let mut distinct: Vec<_> = row.windows(MIDDLE_SHINGLE).map(minhash::shingle).collect();
            distinct.sort_unstable();
            distinct.dedup();
            distinct
        }
        Sought::Shingles { distinct, .. } => distinct.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::near_contains;
    use super::*;

    fn code() -> impl Strategy<Value = String> {
        let word = prop_oneof![
            Just("$total".to_owned()),
            Just("->price".to_owned()),
            Just("(".to_owned()),
            Just(")".to_owned()),
            Just("return".to_owned()),
            Just("$invoice".to_owned()),
            "[a-z]{4}",
            Just(" ".to_owned()),
        ];
        prop::collection::vec(word, 0..60).prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn all_at_once_finds_what_one_by_one_finds(
            mut middles in prop::collection::vec(code(), 1..8),
            texts in prop::collection::vec(code(), 1..4),
            cut in 0_usize..40,
        ) {
            // Pieces of the texts themselves, too, so that something is found.
            for text in &texts {
                middles.push(text.chars().skip(cut).collect());
                middles.push(text.chars().take(cut).collect());
            }
            let held_out = HeldOut::new(middles.iter().map(String::as_str));
            let by_any = held_out.none();
            for text in &texts {
                let by_this = held_out.none();
                held_out.look(text, &by_this);
                held_out.look(text, &by_any);
                for (number, middle) in middles.iter().enumerate() {
                    prop_assert_eq!(by_this.has(number), near_contains(text, middle));
                }
            }
            for (number, middle) in middles.iter().enumerate() {
                let expected = texts.iter().any(|text| near_contains(text, middle));
                prop_assert_eq!(by_any.has(number), expected);
            }
        }

        #[test]
        fn windows_of_one_text_find_what_each_alone_finds(
            text in code(),
            places in prop::collection::vec((0_usize..200, 0_usize..200), 1..6),
            cuts in prop::collection::vec((0_usize..200, 0_usize..200), 1..6),
        ) {
            let range = |(a, b): (usize, usize)| {
                let (a, b) = (a.min(text.len()), b.min(text.len()));
                a.min(b)..a.max(b)
            };
            let windows: Vec<_> = places.into_iter().map(range).collect();
            let middles: Vec<_> = cuts.into_iter().map(|cut| &text[range(cut)]).collect();
            let held_out = HeldOut::new(middles.iter().copied());
            let (together, alone) = (held_out.none(), held_out.none());
            held_out.look_at_windows(&text, &windows, &together);
            for window in windows {
                held_out.look(&text[window], &alone);
            }
            for number in 0..middles.len() {
                prop_assert_eq!(together.has(number), alone.has(number));
            }
        }
    }
}
