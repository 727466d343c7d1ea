//! Whether a text gives a middle away.

use std::ops::Range;

use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

use super::minhash;
use crate::dataset::words;
use crate::php::lex::{self, TokenKind};

/// The tokens of a middle's shingle in [`near_contains`].
pub(super) const MIDDLE_SHINGLE: usize = 3;
/// Middles of fewer tokens have to be in the context as they are.
pub(super) const SHORT_MIDDLE: usize = 12;
/// The different names, variables and literals that a short middle needs to be
/// worth hiding: code is full of `return $this->name;`.
const DISTINCTIVE: usize = 3;
/// The fewest bytes of each.
const DISTINCTIVE_BYTES: usize = 4;
/// The share of a middle's shingles, in percent, that gives it away.
const GIVEN_AWAY: usize = 80;

/// Whether `context` gives `middle` away: all its tokens stand in it in a row,
/// or, of a middle of 12 tokens or more, four fifths of its shingles of three
/// tokens stand in a window that is half as long again as the middle. A shorter
/// middle must have three different names, variables or literals of four bytes
/// or more. White space does not matter.
#[must_use]
pub fn near_contains(context: &str, middle: &str) -> bool {
    if context.is_empty() {
        return false;
    }
    match MiddlePattern::new(middle) {
        MiddlePattern::Nothing => false,
        sought => sought.is_in(TokenHashes::of(context).all()),
    }
}

/// The tokens of a text, and its shingles for middles, in their order.
#[derive(Debug)]
pub(super) struct TokenHashes {
    pub(super) hashes: Vec<u64>,
    pub(super) shingles: Vec<u64>,
}

/// Some of a text's tokens in a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenRun<'t> {
    pub(super) hashes: &'t [u64],
    shingles: &'t [u64],
}

impl TokenHashes {
    pub(super) fn of(text: &str) -> Self {
        let hashes = words::tokens(text).map(|token| xxh3_64(token.as_bytes()));
        Self::of_hashes(hashes.collect())
    }

    /// Those of `text`, and where each starts, in bytes.
    pub(super) fn with_starts(text: &str) -> (Self, Vec<usize>) {
        let place = |token: &str| token.as_ptr().addr() - text.as_ptr().addr();
        let tokens = words::tokens(text);
        let tokens = tokens.map(|token| (xxh3_64(token.as_bytes()), place(token)));
        let (hashes, starts) = tokens.unzip();
        (Self::of_hashes(hashes), starts)
    }

    fn of_hashes(hashes: Vec<u64>) -> Self {
        let shingles = hashes
            .windows(MIDDLE_SHINGLE)
            .map(minhash::shingle)
            .collect();
        Self { hashes, shingles }
    }

    pub(super) fn all(&self) -> TokenRun<'_> {
        self.part(0..self.hashes.len())
    }

    /// The tokens of these numbers.
    pub(super) fn part(&self, tokens: Range<usize>) -> TokenRun<'_> {
        let shingles = tokens.len().saturating_sub(MIDDLE_SHINGLE - 1);
        TokenRun {
            hashes: &self.hashes[tokens.clone()],
            shingles: &self.shingles[tokens.start.min(self.shingles.len())..][..shingles],
        }
    }
}

/// A middle, ready to be looked for as [`near_contains`] says.
#[derive(Debug)]
pub(super) enum MiddlePattern {
    /// It is short and says what other code says, too.
    Nothing,
    /// The tokens of a short one.
    Row(Vec<u64>),
    /// The different shingles of another one, sorted, and the length of the
    /// window that they are looked for in.
    Shingles { distinct: Vec<u64>, window: usize },
}

impl MiddlePattern {
    pub(super) fn new(middle: &str) -> Self {
        let TokenHashes { hashes, shingles } = TokenHashes::of(middle);
        if hashes.len() < SHORT_MIDDLE {
            return match is_distinctive(middle) {
                true => Self::Row(hashes),
                false => Self::Nothing,
            };
        }
        let window = shingles.len() + shingles.len() / 2;
        let mut distinct = shingles;
        distinct.sort_unstable();
        distinct.dedup();
        Self::Shingles { distinct, window }
    }

    /// How many of its shingles may be missing where it is.
    pub(super) fn absent(&self) -> usize {
        match self {
            Self::Nothing | Self::Row(_) => 0,
            Self::Shingles { distinct, .. } => distinct.len() - enough(distinct.len()),
        }
    }

    /// How many out of any [`Self::absent`] and as many more of its shingles stand
    /// where it is, at least.
    pub(super) fn met(&self) -> usize {
        self.absent().max(1)
    }

    /// In how many tokens it is to be found if it is in a text at all.
    pub(super) fn reach(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Row(row) => row.len(),
            Self::Shingles { window, .. } => window + MIDDLE_SHINGLE,
        }
    }

    pub(super) fn is_in(&self, text: TokenRun<'_>) -> bool {
        match self {
            Self::Nothing => false,
            Self::Row(row) => text.hashes.windows(row.len()).any(|tokens| tokens == row),
            Self::Shingles { distinct, window } => {
                let enough = enough(distinct.len());
                let known = ShingleFilter::new(distinct.iter().copied());
                // Where the middle's shingles stand, and which each of them is.
                let all = text.shingles.iter().enumerate();
                let found = all.filter(|(_, shingle)| known.may_hold(**shingle));
                let found = found.filter_map(|(at, s)| Some((at, distinct.binary_search(s).ok()?)));
                let found: Vec<_> = found.collect();
                // How often each of them stands in the window.
                let mut counts = vec![0_u32; distinct.len()];
                let (mut present, mut left) = (0, found.iter().peekable());
                for (at, which) in &found {
                    present += usize::from(counts[*which] == 0);
                    counts[*which] += 1;
                    while let Some((_, which)) = left.next_if(|(first, _)| first + window <= *at) {
                        counts[*which] -= 1;
                        present -= usize::from(counts[*which] == 0);
                    }
                    if present >= enough {
                        return true;
                    }
                }
                false
            }
        }
    }
}

/// Turns most shingles away that are not among some.
#[derive(Debug)]
pub(super) struct ShingleFilter(Vec<u64>);

impl ShingleFilter {
    /// One for `shingles`, with some 32 times as many bits.
    pub(super) fn new(shingles: impl ExactSizeIterator<Item = u64>) -> Self {
        let mut filter = Self(vec![0; (shingles.len() / 2).next_power_of_two()]);
        for shingle in shingles {
            let (word, bit) = filter.place(shingle);
            filter.0[word] |= bit;
        }
        filter
    }

    /// Whether `shingle` may be among them.
    pub(super) fn may_hold(&self, shingle: u64) -> bool {
        let (word, bit) = self.place(shingle);
        self.0[word] & bit != 0
    }

    fn place(&self, shingle: u64) -> (usize, u64) {
        let place = (shingle >> 32) as usize;
        (place / 64 % self.0.len(), 1 << (place % 64))
    }
}

/// How many of a middle's `count` different shingles give it away.
fn enough(count: usize) -> usize {
    (count * GIVEN_AWAY).div_ceil(100)
}

/// Whether a short middle says something that other code does not say by chance.
fn is_distinctive(middle: &str) -> bool {
    let tokens = lex::lex_from(middle, 0, lex::LexMode::Code);
    let names: FxHashSet<_> = tokens
        .iter()
        .filter(|token| {
            use TokenKind::{Name, Number, String, Template, Variable};
            matches!(token.kind, Name | Variable | String | Template | Number)
        })
        .map(|token| token.span.of(middle))
        .filter(|name| name.len() >= DISTINCTIVE_BYTES && *name != "$this")
        .collect();
    names.len() >= DISTINCTIVE
}
