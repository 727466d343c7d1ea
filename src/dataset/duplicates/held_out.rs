//! Finds which of many middles some texts give away: [`super::near_contains`] for
//! all middles at once.
//!
//! A text that gives a middle away has most of its shingles in one place. Let `n`
//! be the number of shingles that may be absent there. Of any `2n` shingles of the
//! middle, the text then has at least `n`. The index holds `2n` shingles of each
//! middle, those that the fewest middles have. A middle is looked for only where a
//! text has at least `n` of its indexed shingles, and no longer once a text has
//! given it away. The search misses nothing, and verifies few middles even if all
//! code looks alike.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::middles::{MIDDLE_SHINGLE, MiddlePattern, ShingleFilter, TokenHashes, TokenRun};
use super::minhash;
use crate::dataset::words;

/// Middles, indexed to be looked for in many texts.
#[derive(Debug)]
pub struct MiddleIndex {
    middles: Vec<MiddlePattern>,
    /// The numbers of the middles that each indexed shingle belongs to.
    by_shingle: FxHashMap<u64, Vec<usize>>,
    /// Rejects most shingles that are not indexed, as nearly all of a text are.
    filter: ShingleFilter,
}

/// For each middle, whether a text has given it away.
#[derive(Debug)]
pub struct LeakedMiddles(Vec<AtomicBool>);

impl LeakedMiddles {
    /// Whether the middle with this number is given away.
    #[must_use]
    pub fn has(&self, middle: usize) -> bool {
        self.0[middle].load(Ordering::Relaxed)
    }

    /// How many middles are given away.
    #[must_use]
    pub fn count(&self) -> usize {
        (0..self.0.len()).filter(|middle| self.has(*middle)).count()
    }
}

impl MiddleIndex {
    /// Indexes `middles`, which are numbered from 0. In parallel on the current
    /// rayon pool.
    #[must_use]
    pub fn new(middles: &[impl AsRef<str> + Sync]) -> Self {
        let middles = middles
            .par_iter()
            .map(|middle| MiddlePattern::new(middle.as_ref()));
        let middles: Vec<_> = middles.collect();
        let shingles: Vec<_> = middles.par_iter().map(shingles).collect();
        let mut frequency: FxHashMap<u64, usize> = FxHashMap::default();
        for shingle in shingles.iter().flatten() {
            *frequency.entry(*shingle).or_default() += 1;
        }
        let rarest = |(middle, mut shingles): (&MiddlePattern, Vec<u64>)| {
            shingles.sort_by_cached_key(|shingle| (frequency[shingle], *shingle));
            shingles.truncate(middle.absent() + middle.met());
            shingles
        };
        let indexed: Vec<_> = middles.par_iter().zip(shingles).map(rarest).collect();
        let mut by_shingle: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
        for (number, shingles) in indexed.into_iter().enumerate() {
            for shingle in shingles {
                by_shingle.entry(shingle).or_default().push(number);
            }
        }
        let filter = ShingleFilter::new(by_shingle.keys().copied());
        Self {
            middles,
            by_shingle,
            filter,
        }
    }

    /// The state before any text is searched: no middle is given away.
    #[must_use]
    pub fn none(&self) -> LeakedMiddles {
        let middles = self.middles.iter();
        LeakedMiddles(middles.map(|_| AtomicBool::new(false)).collect())
    }

    /// Adds the middles that `text` gives away to `given_away`. The final state does
    /// not depend on the order of the texts.
    pub fn look(&self, text: &str, given_away: &LeakedMiddles) {
        let text = TokenHashes::of(text);
        self.meet(&text, given_away, MiddlePattern::is_in);
    }

    /// Gives the result of [`Self::look`] at each of `windows` of `text`, in bytes,
    /// but reads overlapping windows once. A middle that stands partly in one
    /// window and partly in another is not given away.
    pub fn look_at_windows(
        &self,
        text: &str,
        windows: &[Range<usize>],
        given_away: &LeakedMiddles,
    ) {
        // A window that begins or ends inside a word has a token that the whole text
        // does not have, so it is searched by itself.
        let (whole, cut): (Vec<_>, Vec<_>) = windows.iter().partition(|window| {
            !words::is_in_word(text, window.start) && !words::is_in_word(text, window.end)
        });
        for window in cut {
            self.look(&text[window.clone()], given_away);
        }
        if whole.is_empty() {
            return;
        }
        let (tokens, starts) = TokenHashes::with_starts(text);
        let place = |at: usize| starts.partition_point(|start| *start < at);
        let whole: Vec<_> = whole
            .into_iter()
            .map(|window| tokens.part(place(window.start)..place(window.end)))
            .collect();
        self.meet(&tokens, given_away, |middle, stretch| {
            // The whole run is checked first, since few middles that meet are there.
            middle.is_in(stretch) && whole.iter().any(|window| middle.is_in(*window))
        });
    }

    /// Adds those middles to `given_away` for which `is_there` holds. `is_there`
    /// gets a middle and the run of tokens that holds all of it, if the text gives
    /// it away.
    fn meet(
        &self,
        text: &TokenHashes,
        given_away: &LeakedMiddles,
        is_there: impl Fn(&MiddlePattern, TokenRun<'_>) -> bool,
    ) {
        let all = text.shingles.iter().enumerate();
        let known = all.filter(|(_, shingle)| self.filter.may_hold(**shingle));
        let known = known.filter(|(_, shingle)| self.by_shingle.contains_key(shingle));
        let mut hits: Vec<_> = known.map(|(at, shingle)| (*shingle, at)).collect();
        hits.sort_unstable();
        // One entry for each middle and each distinct shingle of it in the text.
        let mut met = Vec::new();
        for of_shingle in hits.chunk_by(|(a, _), (b, _)| a == b) {
            let middles = self.by_shingle.get(&of_shingle[0].0).into_iter().flatten();
            let open = middles.filter(|middle| !given_away.has(**middle));
            met.extend(open.map(|middle| (*middle, of_shingle)));
        }
        met.sort_unstable_by_key(|(middle, _)| *middle);
        for of_middle in met.chunk_by(|(a, _), (b, _)| a == b) {
            let number = of_middle[0].0;
            let middle = &self.middles[number];
            if of_middle.len() < middle.met() {
                continue;
            }
            let places = of_middle.iter().flat_map(|(_, hits)| *hits);
            let mut places: Vec<_> = places.map(|(_, at)| *at).collect();
            places.sort_unstable();
            let reach = middle.reach();
            for place in places.chunk_by(|before, after| after - before <= reach) {
                if place.len() < middle.met() || given_away.has(number) {
                    continue;
                }
                let end = (place[place.len() - 1] + reach).min(text.hashes.len());
                let stretch = text.part(place[0].saturating_sub(reach)..end);
                if is_there(middle, stretch) {
                    given_away.0[number].store(true, Ordering::Relaxed);
                }
            }
        }
    }
}

/// The distinct shingles of a middle.
fn shingles(middle: &MiddlePattern) -> Vec<u64> {
    match middle {
        MiddlePattern::Nothing => Vec::new(),
        MiddlePattern::Row(row) => {
            let mut distinct: Vec<_> = row.windows(MIDDLE_SHINGLE).map(minhash::shingle).collect();
            distinct.sort_unstable();
            distinct.dedup();
            distinct
        }
        MiddlePattern::Shingles { distinct, .. } => distinct.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::middles::near_contains;
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
            // Pieces of the texts are middles, too, so that some are given away.
            for text in &texts {
                middles.push(text.chars().skip(cut).collect());
                middles.push(text.chars().take(cut).collect());
            }
            let held_out = MiddleIndex::new(&middles);
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
            let held_out = MiddleIndex::new(&middles);
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
