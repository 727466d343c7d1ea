//! Says whether a text gives a middle away, so that a model could copy the middle
//! instead of completing it.

use std::ops::Range;

use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

use super::minhash;
use crate::dataset::words;
use crate::php::lex::{self, TokenKind};

/// The number of tokens in a shingle of a middle.
pub(super) const MIDDLE_SHINGLE: usize = 3;
/// A middle of fewer tokens is given away only by all its tokens in a row.
pub(super) const SHORT_MIDDLE: usize = 12;
/// The fewest distinct names, variables and literals of a short middle that can be
/// given away. Code is full of lines such as `return $this->name;`.
const DISTINCTIVE: usize = 3;
/// The fewest bytes of each of these names, variables and literals.
const DISTINCTIVE_BYTES: usize = 4;
/// The share of a middle's shingles, in percent, that gives it away.
const GIVEN_AWAY: usize = 80;

/// Whether `context` gives `middle` away. White space does not matter.
///
/// A middle of 12 tokens or more is given away by a window of text, half as long
/// again as the middle, that has four fifths of its shingles of three tokens. A
/// shorter middle is given away by all its tokens in a row, if they have three
/// distinct names, variables or literals of four bytes or more.
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

/// The hashes of the tokens and of the shingles of a text, in their order.
#[derive(Debug)]
pub(super) struct TokenHashes {
    pub(super) hashes: Vec<u64>,
    pub(super) shingles: Vec<u64>,
}

/// Some tokens of a text in a row, and their shingles.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenRun<'t> {
    pub(super) hashes: &'t [u64],
    shingles: &'t [u64],
}

impl TokenHashes {
    /// The hashes of `text`.
    pub(super) fn of(text: &str) -> Self {
        let hashes = words::tokens(text).map(|token| xxh3_64(token.as_bytes()));
        Self::of_hashes(hashes.collect())
    }

    /// The hashes of `text`, and where each token starts, in bytes.
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

    /// All tokens.
    pub(super) fn all(&self) -> TokenRun<'_> {
        self.part(0..self.hashes.len())
    }

    /// The tokens with these numbers.
    pub(super) fn part(&self, tokens: Range<usize>) -> TokenRun<'_> {
        let shingles = tokens.len().saturating_sub(MIDDLE_SHINGLE - 1);
        TokenRun {
            hashes: &self.hashes[tokens.clone()],
            shingles: &self.shingles[tokens.start.min(self.shingles.len())..][..shingles],
        }
    }
}

/// A middle in the form in which [`near_contains`] looks for it.
#[derive(Debug)]
pub(super) enum MiddlePattern {
    /// A short middle that other code has by chance: nothing gives it away.
    Nothing,
    /// The tokens of a short middle.
    Row(Vec<u64>),
    /// A longer middle.
    Shingles {
        /// Its distinct shingles, sorted.
        distinct: Vec<u64>,
        /// The length of the window in which they must stand, in shingles.
        window: usize,
    },
}

impl MiddlePattern {
    /// The pattern of `middle`.
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

    /// How many of its shingles may be absent from a text that gives it away.
    pub(super) fn absent(&self) -> usize {
        match self {
            Self::Nothing | Self::Row(_) => 0,
            Self::Shingles { distinct, .. } => distinct.len() - enough(distinct.len()),
        }
    }

    /// Choose any [`Self::absent`] plus [`Self::met`] of its shingles: a text that
    /// gives the middle away has at least [`Self::met`] of them.
    pub(super) fn met(&self) -> usize {
        self.absent().max(1)
    }

    /// The most tokens over which a text can give it away.
    pub(super) fn reach(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Row(row) => row.len(),
            Self::Shingles { window, .. } => window + MIDDLE_SHINGLE,
        }
    }

    /// Whether `text` gives it away.
    pub(super) fn is_in(&self, text: TokenRun<'_>) -> bool {
        match self {
            Self::Nothing => false,
            Self::Row(row) => text.hashes.windows(row.len()).any(|tokens| tokens == row),
            Self::Shingles { distinct, window } => {
                let enough = enough(distinct.len());
                let known = ShingleFilter::new(distinct.iter().copied());
                // The places of the middle's shingles in the text, each with the
                // number of the shingle.
                let all = text.shingles.iter().enumerate();
                let found = all.filter(|(_, shingle)| known.may_hold(**shingle));
                let found = found.filter_map(|(at, s)| Some((at, distinct.binary_search(s).ok()?)));
                let found: Vec<_> = found.collect();
                // How often each shingle stands in the window that ends here.
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

/// A Bloom filter with one hash: rejects most shingles that are not in a set.
#[derive(Debug)]
pub(super) struct ShingleFilter(Vec<u64>);

impl ShingleFilter {
    /// The filter of `shingles`, with about 32 bits for each.
    pub(super) fn new(shingles: impl ExactSizeIterator<Item = u64>) -> Self {
        let mut filter = Self(vec![0; (shingles.len() / 2).next_power_of_two()]);
        for shingle in shingles {
            let (word, bit) = filter.place(shingle);
            filter.0[word] |= bit;
        }
        filter
    }

    /// Whether `shingle` may be in the set.
    pub(super) fn may_hold(&self, shingle: u64) -> bool {
        let (word, bit) = self.place(shingle);
        self.0[word] & bit != 0
    }

    /// The word and the bit of `shingle`.
    fn place(&self, shingle: u64) -> (usize, u64) {
        let place = (shingle >> 32) as usize;
        (place / 64 % self.0.len(), 1 << (place % 64))
    }
}

/// How many of the `count` distinct shingles of a middle give it away.
fn enough(count: usize) -> usize {
    (count * GIVEN_AWAY).div_ceil(100)
}

/// Whether a short middle has enough names and literals that other code does not
/// have it by chance.
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
