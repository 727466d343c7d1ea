//! Says whether a text gives a middle away, so that a model could copy the middle
//! instead of completing it.

use std::ops::Range;

use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

use super::files::LONG_TOKEN;
use super::minhash;
use crate::dataset::words;
use crate::php::lex::{self, TokenKind};

/// The number of tokens in a shingle of a middle.
pub(super) const MIDDLE_SHINGLE: usize = 3;
/// A middle of fewer tokens is short: it is given away only by all its tokens in a row.
pub const SHORT_MIDDLE: usize = 12;
/// The fewest distinct names, variables and literals of a short middle that says
/// something by itself. Code is full of lines such as `return $this->name;`.
pub const DISTINCTIVE: usize = 3;
/// The fewest bytes of each of these names, variables and literals.
pub const DISTINCTIVE_BYTES: usize = 4;
/// The tokens on each side of any other short middle that are compared with it.
pub const AROUND_TOKENS: usize = 8;
/// The share of a middle's shingles, in percent, that gives it away.
pub const GIVEN_AWAY: usize = 80;

/// Whether `context` gives away what was cut out of `hole`. White space does not
/// matter. [`MiddleRule`] says what gives it away.
#[must_use]
pub fn near_contains(context: &str, hole: HoleText<'_>) -> bool {
    if context.is_empty() {
        return false;
    }
    match MiddlePattern::new(hole) {
        (MiddleRule::Exempt, _) => false,
        (_, sought) => sought.is_in(TokenHashes::of(context).all()),
    }
}

/// What gives away the middle that was cut out of `hole`.
#[must_use]
pub fn rule(hole: HoleText<'_>) -> MiddleRule {
    MiddlePattern::new(hole).0
}

/// How a text gives a middle away. A token is a word or another character that is
/// not white space. A middle that begins or ends inside a word counts with the whole
/// word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MiddleRule {
    /// The middle has [`SHORT_MIDDLE`] tokens or more. A window of text, half as long
    /// again, gives it away if it has [`GIVEN_AWAY`] percent of the middle's shingles
    /// of three tokens.
    Long,
    /// A short middle with [`DISTINCTIVE`] distinct names, variables or literals of
    /// [`DISTINCTIVE_BYTES`] bytes or more. All its tokens in a row give it away.
    Telling,
    /// Any other short middle. Other code has it by chance, so all its tokens in a row
    /// give it away only with the [`AROUND_TOKENS`] tokens before and behind it.
    InPlace,
    /// A short middle with so little around it that there are fewer than
    /// [`SHORT_MIDDLE`] tokens in all. Nothing gives it away.
    Exempt,
}

/// A middle and the text around the hole that it was cut out of.
#[derive(Clone, Copy, Debug)]
pub struct HoleText<'t> {
    /// The text before the hole.
    pub before: &'t str,
    /// The text that was cut out.
    pub middle: &'t str,
    /// The text behind the hole.
    pub after: &'t str,
}

/// What [`HoleText`] refers to, without the text that no rule reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredHole {
    /// The end of the text before the hole.
    before: String,
    /// The text that was cut out.
    middle: String,
    /// The beginning of the text behind the hole.
    after: String,
}

impl StoredHole {
    /// What the rules read of `hole`.
    #[must_use]
    pub fn new(hole: HoleText<'_>) -> Self {
        let (before, after) = hole.around();
        Self {
            before: before.to_owned(),
            middle: hole.middle.to_owned(),
            after: after.to_owned(),
        }
    }

    /// The texts.
    #[must_use]
    pub fn text(&self) -> HoleText<'_> {
        HoleText {
            before: &self.before,
            middle: &self.middle,
            after: &self.after,
        }
    }
}

impl<'t> HoleText<'t> {
    /// The bytes on each side of the middle that the rules read: those of
    /// [`AROUND_TOKENS`] tokens of ordinary length, and of a word that the hole cuts.
    const AROUND_BYTES: usize = (AROUND_TOKENS + 1) * LONG_TOKEN;

    /// The text before and behind the hole that the rules read.
    fn around(&self) -> (&'t str, &'t str) {
        let Self { before, after, .. } = *self;
        let from = before.len().saturating_sub(Self::AROUND_BYTES);
        let before = &before[before.ceil_char_boundary(from)..];
        let after = &after[..after.floor_char_boundary(Self::AROUND_BYTES)];
        (before, after)
    }
}

/// The tokens in and around a hole.
pub(super) struct HoleTokens {
    /// The text that `starts` refers to.
    text: String,
    /// The hash of each token.
    hashes: Vec<u64>,
    /// The tokens of which the middle holds a part.
    middle: Range<usize>,
    /// The bytes of these tokens in `text`.
    bytes: Range<usize>,
}

impl HoleTokens {
    /// The tokens of `hole`.
    pub(super) fn of(hole: HoleText<'_>) -> Self {
        let (before, after) = hole.around();
        let text = [before, hole.middle, after].concat();
        let (start, end) = (before.len(), before.len() + hole.middle.len());
        let (mut hashes, mut middle, mut bytes) = (Vec::new(), None::<Range<usize>>, start..end);
        for token in words::tokens(&text) {
            let from = token.as_ptr().addr() - text.as_ptr().addr();
            let to = from + token.len();
            if from < end && start < to {
                let number = hashes.len();
                let first = middle.as_ref().map_or(number, |middle| middle.start);
                middle = Some(first..number + 1);
                bytes = bytes.start.min(from)..bytes.end.max(to);
            }
            hashes.push(xxh3_64(token.as_bytes()));
        }
        Self {
            middle: middle.unwrap_or(0..0),
            text,
            hashes,
            bytes,
        }
    }

    /// The tokens of the middle.
    pub(super) fn middle(&self) -> &[u64] {
        &self.hashes[self.middle.clone()]
    }

    /// The tokens of the middle, and [`AROUND_TOKENS`] on each side.
    fn in_place(&self) -> &[u64] {
        let Range { start, end } = self.middle;
        let to = (end + AROUND_TOKENS).min(self.hashes.len());
        &self.hashes[start.saturating_sub(AROUND_TOKENS)..to]
    }

    /// The middle, with the whole of the words that the hole cuts.
    fn middle_text(&self) -> &str {
        &self.text[self.bytes.clone()]
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
    /// Nothing gives it away.
    Nothing,
    /// The tokens of a short middle, or of one and what is around it.
    Row(Vec<u64>),
    /// A longer middle.
    Shingles {
        /// Its distinct shingles, sorted.
        distinct: Vec<u64>,
        /// The hash of all its tokens in order.
        whole: u64,
        /// How many tokens it has.
        tokens: usize,
        /// The length of the window in which they must stand, in shingles.
        window: usize,
    },
}

impl MiddlePattern {
    /// The pattern of the middle that was cut out of `hole`, and its rule.
    pub(super) fn new(hole: HoleText<'_>) -> (MiddleRule, Self) {
        let tokens = HoleTokens::of(hole);
        let hashes = tokens.middle();
        if hashes.is_empty() {
            return (MiddleRule::Exempt, Self::Nothing);
        }
        if hashes.len() < SHORT_MIDDLE {
            if is_distinctive(tokens.middle_text()) {
                return (MiddleRule::Telling, Self::Row(hashes.to_vec()));
            }
            let in_place = tokens.in_place();
            return match in_place.len() < SHORT_MIDDLE {
                true => (MiddleRule::Exempt, Self::Nothing),
                false => (MiddleRule::InPlace, Self::Row(in_place.to_vec())),
            };
        }
        let mut distinct = TokenHashes::of_hashes(hashes.to_vec()).shingles;
        let window = distinct.len() + distinct.len() / 2;
        distinct.sort_unstable();
        distinct.dedup();
        let pattern = Self::Shingles {
            distinct,
            whole: minhash::shingle(hashes),
            tokens: hashes.len(),
            window,
        };
        (MiddleRule::Long, pattern)
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

    /// Whether `text`, which gives it away, has all its tokens in a row.
    pub(super) fn is_word_for_word(&self, text: TokenRun<'_>) -> bool {
        match self {
            Self::Nothing => false,
            Self::Row(_) => true,
            Self::Shingles { whole, tokens, .. } => {
                let mut rows = text.hashes.windows(*tokens);
                rows.any(|row| minhash::shingle(row) == *whole)
            }
        }
    }

    /// Whether `text` gives it away.
    pub(super) fn is_in(&self, text: TokenRun<'_>) -> bool {
        match self {
            Self::Nothing => false,
            Self::Row(row) => text.hashes.windows(row.len()).any(|tokens| tokens == row),
            Self::Shingles {
                distinct, window, ..
            } => {
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
