//! Finds which of many middles some texts give away: [`super::near_contains`] for
//! all middles at once.
//!
//! A text that gives a middle away has most of its shingles in one place. Let `n`
//! be the number of shingles that may be absent there. Of any `2n` shingles of the
//! middle, the text then has at least `n`. The index holds `2n` shingles of each
//! middle, those that the fewest middles have. A middle is looked for only where a
//! text has at least `n` of its indexed shingles, and no longer once enough examples
//! have given it away. The search misses nothing, and verifies few middles even if all
//! code looks alike.

use std::cell::Cell;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::middles::{
    MIDDLE_SHINGLE, MiddlePattern, MiddleRule, ShingleFilter, StoredHole, TokenHashes,
};
use super::minhash;
use crate::dataset::words;

/// Middles, indexed to be looked for in many texts.
#[derive(Debug)]
pub struct MiddleIndex {
    middles: Vec<MiddlePattern>,
    rules: Vec<MiddleRule>,
    /// The numbers of the middles that each indexed shingle belongs to.
    by_shingle: FxHashMap<u64, Vec<usize>>,
    /// Rejects most shingles that are not indexed, as nearly all of a text are.
    filter: ShingleFilter,
}

/// For each middle, the examples whose texts give it away. Once there are more than
/// `most`, the middle is no longer looked for.
#[derive(Debug)]
pub struct Sightings {
    most: usize,
    by: Vec<Mutex<Vec<usize>>>,
}

impl Sightings {
    /// The examples that give the middle with this number away, in ascending order;
    /// `None` if there are more than `most`.
    #[must_use]
    pub fn of(&self, middle: usize) -> Option<Vec<usize>> {
        let mut examples = self.lock(middle).clone();
        examples.sort_unstable();
        (examples.len() <= self.most).then_some(examples)
    }

    /// Whether a text has given the middle with this number away.
    #[must_use]
    pub fn has(&self, middle: usize) -> bool {
        !self.lock(middle).is_empty()
    }

    /// How many middles are given away.
    #[must_use]
    pub fn count(&self) -> usize {
        (0..self.by.len())
            .filter(|middle| self.has(*middle))
            .count()
    }

    /// Whether the middle with this number is still looked for.
    fn is_open(&self, middle: usize) -> bool {
        self.lock(middle).len() <= self.most
    }

    fn add(&self, middle: usize, example: usize) {
        let mut examples = self.lock(middle);
        if examples.len() <= self.most && !examples.contains(&example) {
            examples.push(example);
        }
    }

    fn lock(&self, middle: usize) -> MutexGuard<'_, Vec<usize>> {
        self.by[middle]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says whether what an example shows of a middle does not count: the numbers of the
/// middle and of the example.
pub type IsOwn<'a> = &'a (dyn Fn(usize, usize) -> bool + Sync);

impl MiddleIndex {
    /// Indexes the middles of `holes`, which are numbered from 0. In parallel on the
    /// current rayon pool.
    #[must_use]
    pub fn new(holes: &[StoredHole]) -> Self {
        Self::of(patterns(holes))
    }

    /// Indexes the middles of holes that come in several runs.
    ///
    /// # Errors
    /// The first error among the runs.
    pub fn try_new<E>(runs: impl Iterator<Item = Result<Vec<StoredHole>, E>>) -> Result<Self, E> {
        let mut all = Vec::new();
        for holes in runs {
            all.append(&mut patterns(&holes?));
        }
        Ok(Self::of(all))
    }

    fn of(patterns: Vec<(MiddleRule, MiddlePattern)>) -> Self {
        let (rules, middles): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
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
            rules,
            by_shingle,
            filter,
        }
    }

    /// What gives the middle with this number away.
    #[must_use]
    pub fn rule(&self, middle: usize) -> MiddleRule {
        self.rules[middle]
    }

    /// The state before any text is searched: no middle is given away. At most so many
    /// examples are kept for each middle, and one more is noticed.
    #[must_use]
    pub fn none(&self, most: usize) -> Sightings {
        let none = self.middles.iter().map(|_| Mutex::default());
        Sightings {
            most,
            by: none.collect(),
        }
    }

    /// Notes that `example` shows `text`, which gives some middles away. The final
    /// state does not depend on the order of the texts, except for which examples are
    /// kept of more than `most`.
    pub fn look(&self, text: &str, example: usize, is_own: IsOwn<'_>, seen: &Sightings) {
        let text = TokenHashes::of(text);
        let is_open = |middle: usize| !is_own(middle, example) && seen.is_open(middle);
        self.meet(&text, &is_open, |number, part| {
            if self.middles[number].is_in(text.part(part)) {
                seen.add(number, example);
            }
        });
    }

    /// Gives the result of [`Self::look`] at each of `windows` of `text`, in bytes,
    /// each with its example, but reads overlapping windows once. A middle that stands
    /// partly in one window and partly in another is not given away.
    pub fn look_at_windows(
        &self,
        text: &str,
        windows: &[(usize, Range<usize>)],
        is_own: IsOwn<'_>,
        seen: &Sightings,
    ) {
        // A window that begins or ends inside a word has a token that the whole text
        // does not have, so it is searched by itself.
        let (whole, cut): (Vec<_>, Vec<_>) = windows.iter().partition(|(_, window)| {
            !words::is_in_word(text, window.start) && !words::is_in_word(text, window.end)
        });
        for (example, window) in cut {
            self.look(&text[window.clone()], *example, is_own, seen);
        }
        if whole.is_empty() {
            return;
        }
        let (tokens, starts) = TokenHashes::with_starts(text);
        let place = |at: usize| starts.partition_point(|start| *start < at);
        let whole: Vec<_> = whole
            .into_iter()
            .map(|(example, window)| (*example, place(window.start)..place(window.end)))
            .collect();
        self.meet(&tokens, &|middle| seen.is_open(middle), |number, part| {
            let middle = &self.middles[number];
            // The whole part is checked first, since few middles that meet are there.
            if !middle.is_in(tokens.part(part.clone())) {
                return;
            }
            for (example, window) in &whole {
                let shown = part.start.max(window.start)..part.end.min(window.end);
                if !shown.is_empty()
                    && !is_own(number, *example)
                    && seen.is_open(number)
                    && middle.is_in(tokens.part(shown))
                {
                    seen.add(number, *example);
                }
            }
        });
    }

    /// Whether `text` gives any middle away; if so, whether one of them stands there word
    /// for word.
    #[must_use]
    pub fn first_in(&self, text: &str) -> Option<bool> {
        let text = TokenHashes::of(text);
        let found = Cell::new(None);
        let is_open = |_: usize| found.get() != Some(true);
        self.meet(&text, &is_open, |number, part| {
            let (middle, part) = (&self.middles[number], text.part(part));
            if is_open(number) && middle.is_in(part) {
                let is_exact = middle.is_word_for_word(part);
                found.set(Some(is_exact || found.get() == Some(true)));
            }
        });
        found.get()
    }

    /// Calls `check` with the number of each open middle that `text` may give away, and
    /// a part of its tokens that holds all of the middle then.
    fn meet(
        &self,
        text: &TokenHashes,
        is_open: &dyn Fn(usize) -> bool,
        check: impl Fn(usize, Range<usize>),
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
            let open = middles.filter(|middle| is_open(**middle));
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
                if place.len() < middle.met() {
                    continue;
                }
                let end = (place[place.len() - 1] + reach).min(text.hashes.len());
                check(number, place[0].saturating_sub(reach)..end);
            }
        }
    }
}

/// The pattern of the middle of each of `holes`.
fn patterns(holes: &[StoredHole]) -> Vec<(MiddleRule, MiddlePattern)> {
    let patterns = holes.par_iter().map(|hole| MiddlePattern::new(hole.text()));
    patterns.collect()
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

    use super::super::middles::{HoleText, near_contains};
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
            let around = "$total->price(); ";
            let hole = |middle| HoleText { before: around, middle, after: around };
            let holes: Vec<_> = middles.iter().map(|middle| StoredHole::new(hole(middle))).collect();
            let held_out = MiddleIndex::new(&holes);
            let by_any = held_out.none(texts.len());
            for (example, text) in texts.iter().enumerate() {
                let by_this = held_out.none(0);
                held_out.look(text, example, &|_, _| false, &by_this);
                held_out.look(text, example, &|_, _| false, &by_any);
                for (number, middle) in middles.iter().enumerate() {
                    prop_assert_eq!(by_this.has(number), near_contains(text, hole(middle)));
                }
            }
            for (number, middle) in middles.iter().enumerate() {
                let by = texts.iter().enumerate();
                let by = by.filter(|(_, text)| near_contains(text, hole(middle)));
                let expected: Vec<_> = by.map(|(example, _)| example).collect();
                prop_assert_eq!(by_any.of(number), Some(expected));
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
            let holes: Vec<_> = cuts.into_iter().map(range).map(|cut| StoredHole::new(HoleText {
                before: &text[..cut.start],
                middle: &text[cut.clone()],
                after: &text[cut.end..],
            })).collect();
            let held_out = MiddleIndex::new(&holes);
            let (together, alone) = (held_out.none(9), held_out.none(9));
            let is_own = |middle: usize, example: usize| (middle + example).is_multiple_of(5);
            let numbered: Vec<_> = windows.iter().cloned().enumerate().collect();
            held_out.look_at_windows(&text, &numbered, &is_own, &together);
            for (example, window) in numbered {
                held_out.look(&text[window], example, &is_own, &alone);
            }
            for number in 0..holes.len() {
                prop_assert_eq!(together.of(number), alone.of(number));
            }
        }
    }
}
