//! Which of many middles a text gives away: [`super::near_contains`] for all of
//! them at once.
//!
//! A text that gives a middle away holds most of its shingles, so it holds one
//! of any choice that leaves out fewer than that. Of each middle the shingles
//! that the fewest middles have are indexed; only the middles that a text meets
//! there are looked for in it. Nothing is missed and little is looked for.

use rustc_hash::{FxHashMap, FxHashSet};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    GIVEN_AWAY, MIDDLE_SHINGLE, SHORT_MIDDLE, is_distinctive, minhash, near_contains, quality,
};

/// Middles that are looked for in many texts.
#[derive(Debug)]
pub struct HeldOut<'a> {
    middles: Vec<&'a str>,
    /// The middles to look for in a text that has this shingle.
    by_shingle: FxHashMap<u64, Vec<usize>>,
}

impl<'a> HeldOut<'a> {
    /// Gets ready to look for `middles`.
    #[must_use]
    pub fn new(middles: Vec<&'a str>) -> Self {
        let shingles: Vec<_> = middles.iter().map(|middle| distinct(middle)).collect();
        let mut frequency: FxHashMap<u64, usize> = FxHashMap::default();
        for shingle in shingles.iter().flatten() {
            *frequency.entry(*shingle).or_default() += 1;
        }
        let mut by_shingle: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
        for (middle, mut shingles) in shingles.into_iter().enumerate() {
            let indexed = indexed(middles[middle], shingles.len());
            shingles.sort_by_key(|shingle| (frequency[shingle], *shingle));
            for shingle in shingles.into_iter().take(indexed) {
                by_shingle.entry(shingle).or_default().push(middle);
            }
        }
        Self {
            middles,
            by_shingle,
        }
    }

    /// The numbers of the middles that `text` gives away, in order.
    #[must_use]
    pub fn given_away_by(&self, text: &str) -> Vec<usize> {
        let met: FxHashSet<_> = shingles(text)
            .iter()
            .filter_map(|shingle| self.by_shingle.get(shingle))
            .flatten()
            .copied()
            .collect();
        let mut met: Vec<_> = met.into_iter().collect();
        met.retain(|middle| near_contains(text, self.middles[*middle]));
        met.sort_unstable();
        met
    }
}

/// How many of a middle's `count` different shingles have to be indexed.
fn indexed(middle: &str, count: usize) -> usize {
    if quality::tokens(middle).nth(SHORT_MIDDLE - 1).is_some() {
        count + 1 - (count * GIVEN_AWAY).div_ceil(100)
    } else {
        // A short one is given away by all of its tokens in a row.
        usize::from(is_distinctive(middle))
    }
}

fn shingles(text: &str) -> Vec<u64> {
    let tokens: Vec<_> = quality::tokens(text)
        .map(|token| xxh3_64(token.as_bytes()))
        .collect();
    tokens
        .windows(MIDDLE_SHINGLE)
        .map(minhash::shingle)
        .collect()
}

fn distinct(middle: &str) -> Vec<u64> {
    let mut shingles = shingles(middle);
    shingles.sort_unstable();
    shingles.dedup();
    shingles
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            let held_out = HeldOut::new(middles.iter().map(String::as_str).collect());
            for text in &texts {
                let expected: Vec<_> = (0..middles.len())
                    .filter(|middle| near_contains(text, &middles[*middle]))
                    .collect();
                prop_assert_eq!(held_out.given_away_by(text), expected);
            }
        }
    }
}
