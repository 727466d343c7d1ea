//! Texts that are copies of each other, but for little: files, examples, and
//! middles that their own context gives away.
//!
//! # Files
//! A file is the set of its shingles, [`SHINGLE`] tokens in a row; white space
//! and comments are none. Two files are near duplicates if the sets' Jaccard
//! similarity is at least [`THRESHOLD`]. [`clusters`] puts files together that a
//! chain of near duplicates connects. Candidates come from MinHash signatures
//! by locality-sensitive hashing ([`minhash`]), and each is verified with the
//! sets themselves, so no two files are joined by chance. Only signatures are
//! kept, 8 bytes by [`minhash::PERMUTATIONS`] a file; the sets are made again
//! for those that meet. Files of fewer than [`SMALL`] tokens are duplicates
//! only if all their tokens are equal: one changed token would already put them
//! under the threshold.
//!
//! # Examples
//! Examples come one at a time and in millions, so they have a key instead:
//! [`example_key`]. Two are near duplicates if their middles and the
//! [`NEAR_TOKENS`] tokens on both sides are equal but for white space. The
//! same line in two places is no duplicate, as what leads to it differs; the
//! same function in two copies of a file is.
//!
//! # Contexts
//! [`near_contains`] says whether a context gives the middle away.

pub mod held_out;
pub mod minhash;

use std::ops::Range;

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use self::minhash::{BANDS, Signature};
use super::quality;
use crate::cancel::{Cancel, Cancelled};
use crate::php::lex::{self, TokenKind};

/// The tokens of a file's shingle.
pub const SHINGLE: usize = 5;
/// The Jaccard similarity from which on two files are near duplicates.
pub const THRESHOLD: f64 = 0.8;
/// Files of fewer tokens are compared exactly. A changed token changes five
/// shingles, which leaves 0.8 of the similarity from 46 shingles on.
pub const SMALL: usize = 50;
/// The tokens on each side of a middle that make it the same example.
pub const NEAR_TOKENS: usize = 16;

/// The tokens of a middle's shingle in [`near_contains`].
const MIDDLE_SHINGLE: usize = 3;
/// Middles of fewer tokens have to be in the context as they are.
const SHORT_MIDDLE: usize = 12;
/// The different names, variables and literals that a short middle needs to be
/// worth hiding: code is full of `return $this->name;`.
const DISTINCTIVE: usize = 3;
/// The fewest bytes of each.
const DISTINCTIVE_BYTES: usize = 4;
/// The share of a middle's shingles, in percent, that gives it away.
const GIVEN_AWAY: usize = 80;
/// Tokens longer than this are taken apart at white space, so that a page of
/// HTML is not one token.
const LONG_TOKEN: usize = 64;
/// Pairs whose signatures agree less are not verified: five standard deviations
/// below [`THRESHOLD`], less than one true pair in ten million.
const MIN_ESTIMATE: f64 = 0.61;

/// Which files belong together; made by [`clusters`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clusters {
    /// For each file the one with the smallest key of its cluster.
    representative: Vec<usize>,
}

impl Clusters {
    /// The file that stands for the cluster of file number `file`: the one with
    /// the smallest key. `None` if there was no such file.
    #[must_use]
    pub fn representative(&self, file: usize) -> Option<usize> {
        self.representative.get(file).copied()
    }

    /// The clusters of two files or more: the numbers of their files in the
    /// order given, each cluster under its representative, in that order.
    #[must_use]
    pub fn duplicated(&self) -> Vec<(usize, Vec<usize>)> {
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); self.representative.len()];
        for (file, &representative) in self.representative.iter().enumerate() {
            members[representative].push(file);
        }
        let members = members.into_iter().enumerate();
        members.filter(|(_, files)| files.len() > 1).collect()
    }
}

/// The clusters of near duplicates among `files`, each a key and a text, on the
/// current rayon pool. Neither their order nor the number of threads matters;
/// keys are different.
///
/// # Errors
/// [`Cancelled`] if `cancel` is used.
pub fn clusters(files: &[(&str, &str)], cancel: &Cancel) -> Result<Clusters, Cancelled> {
    let profiles = files
        .par_iter()
        .map(|(_, text)| {
            cancel.check()?;
            Ok(Profile::of(text))
        })
        .collect::<Result<Vec<_>, Cancelled>>()?;
    let mut union = Union::new(files.len());
    // Equal token by token: joined at once, and one of them stands for all.
    let mut first: FxHashMap<u128, usize> = FxHashMap::default();
    let mut distinct = Vec::new();
    for (file, profile) in profiles.iter().enumerate() {
        match first.get(&profile.digest) {
            Some(&same) => union.join(same, file),
            None => {
                first.insert(profile.digest, file);
                distinct.extend(profile.signature.as_deref().map(|s| (file, s)));
            }
        }
    }
    let mut apart = FxHashSet::default();
    for band in 0..BANDS {
        for (a, b, alike) in meetings(files, &distinct, band, &union, &apart, cancel)? {
            if alike {
                union.join(a, b);
            } else {
                apart.insert((a, b));
            }
        }
    }
    Ok(union.into_clusters(files))
}

/// What is kept of a file.
struct Profile {
    /// Of all its tokens in order.
    digest: u128,
    /// None of a small file.
    signature: Option<Box<Signature>>,
}

impl Profile {
    fn of(text: &str) -> Self {
        let tokens = token_hashes(text);
        let bytes: Vec<u8> = tokens
            .iter()
            .flat_map(|token| token.to_le_bytes())
            .collect();
        let digest = xxh3_128(&bytes);
        let is_small = tokens.len() < SMALL;
        let signature = (!is_small).then(|| Box::new(Signature::of(&shingles(&tokens))));
        Self { digest, signature }
    }
}

/// The signature of a file, for whoever looks for near duplicates where the
/// texts are not at hand: two files are taken for such if their signatures
/// agree in at least [`THRESHOLD`]. One of fewer than [`SMALL`] tokens has the
/// signature of a single shingle, all of its tokens.
#[must_use]
pub fn signature(text: &str) -> Signature {
    let tokens = token_hashes(text);
    match tokens.len() < SMALL {
        true => Signature::of(&[minhash::shingle(&tokens)]),
        false => Signature::of(&shingles(&tokens)),
    }
}

/// The hash of each token of `text`.
fn token_hashes(text: &str) -> Vec<u64> {
    let tokens = lex::lex(text);
    let mut hashes = Vec::with_capacity(tokens.len());
    for token in tokens {
        let text = token.span.of(text);
        if token.kind == TokenKind::Doc {
            continue;
        }
        if text.len() <= LONG_TOKEN {
            hashes.push(xxh3_64(text.as_bytes()));
        } else {
            let words = text.split_ascii_whitespace();
            hashes.extend(words.map(|word| xxh3_64(word.as_bytes())));
        }
    }
    hashes
}

/// The different shingles of `tokens`, sorted.
fn shingles(tokens: &[u64]) -> Vec<u64> {
    let mut shingles: Vec<_> = tokens.windows(SHINGLE).map(minhash::shingle).collect();
    shingles.sort_unstable();
    shingles.dedup();
    shingles
}

/// The Jaccard similarity of two sorted sets.
fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut shared) = (0, 0, 0_usize);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        shared += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    let all = a.len() + b.len() - shared;
    // Sizes are far below 2^52.
    if all == 0 {
        1.0
    } else {
        shared as f64 / all as f64
    }
}

/// The files that share `band`, two by two, and whether they are near
/// duplicates. Those that `union` has together or `apart` tells apart are left
/// out, and so are those that get together on the way.
fn meetings(
    files: &[(&str, &str)],
    distinct: &[(usize, &Signature)],
    band: usize,
    union: &Union,
    apart: &FxHashSet<(usize, usize)>,
    cancel: &Cancel,
) -> Result<Vec<(usize, usize, bool)>, Cancelled> {
    let mut order: Vec<_> = distinct
        .iter()
        .map(|&(file, signature)| (signature.band(band), file, signature))
        .collect();
    order.sort_unstable_by_key(|&(hash, file, _)| (hash, file));
    let buckets: Vec<_> = order.chunk_by(|a, b| a.0 == b.0).collect();
    let met = buckets
        .into_par_iter()
        .filter(|bucket| bucket.len() > 1)
        .map(|bucket| {
            let mut met = Vec::new();
            let mut local: Vec<_> = bucket
                .iter()
                .map(|&(_, file, _)| union.root(file))
                .collect();
            for (i, &(_, a, signature)) in bucket.iter().enumerate() {
                cancel.check()?;
                let mut set = None;
                for (j, &(_, b, other)) in bucket.iter().enumerate().skip(i + 1) {
                    if local[i] == local[j]
                        || apart.contains(&(a, b))
                        || signature.agreement(other) < MIN_ESTIMATE
                    {
                        continue;
                    }
                    let set = set.get_or_insert_with(|| shingles(&token_hashes(files[a].1)));
                    let other = shingles(&token_hashes(files[b].1));
                    let alike = jaccard(set, &other) >= THRESHOLD;
                    met.push((a, b, alike));
                    if alike {
                        let (from, to) = (local[j], local[i]);
                        for root in &mut local {
                            *root = if *root == from { to } else { *root };
                        }
                    }
                }
            }
            Ok(met)
        })
        .collect::<Result<Vec<_>, Cancelled>>()?;
    Ok(met.concat())
}

/// Disjoint sets of files, by their numbers.
pub(super) struct Union {
    parent: Vec<usize>,
}

impl Union {
    /// Each of so many files in a set of its own.
    pub(super) fn new(files: usize) -> Self {
        Self {
            parent: (0..files).collect(),
        }
    }

    /// One file more, in a set of its own: its number.
    pub(super) fn push(&mut self) -> usize {
        let file = self.parent.len();
        self.parent.push(file);
        file
    }

    /// Equal for files in the same set: the number of its first.
    pub(super) fn root(&self, mut file: usize) -> usize {
        while self.parent[file] != file {
            file = self.parent[file];
        }
        file
    }

    /// Makes the sets of `a` and `b` one.
    pub(super) fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }

    fn into_clusters(mut self, files: &[(&str, &str)]) -> Clusters {
        let mut smallest: Vec<usize> = (0..files.len()).collect();
        for file in 0..files.len() {
            // A parent comes before its children, so it points at its root already.
            let root = self.parent[self.parent[file]];
            self.parent[file] = root;
            if files[file].0 < files[smallest[root]].0 {
                smallest[root] = file;
            }
        }
        Clusters {
            representative: self.parent.iter().map(|&root| smallest[root]).collect(),
        }
    }
}

/// What near duplicates among examples have in common: a hash of the tokens of
/// the middle and of the [`NEAR_TOKENS`] before and behind it.
#[must_use]
pub fn example_key(prefix: &str, middle: &str, suffix: &str) -> u128 {
    let before = last_tokens(prefix, NEAR_TOKENS);
    let after: Vec<_> = quality::tokens(suffix).take(NEAR_TOKENS).collect();
    let middle: Vec<_> = quality::tokens(middle).collect();
    let mut bytes = Vec::with_capacity(2 * (before.len() + middle.len() + after.len()));
    for part in [before, middle, after] {
        bytes.extend_from_slice(&part.len().to_le_bytes());
        for token in part {
            bytes.extend_from_slice(&token.len().to_le_bytes());
            bytes.extend_from_slice(token.as_bytes());
        }
    }
    xxh3_128(&bytes)
}

/// The last `count` tokens of `text`, or of as much of its end as they need
/// unless they are very long.
fn last_tokens(text: &str, count: usize) -> Vec<&str> {
    let from = text.floor_char_boundary(text.len().saturating_sub(count * LONG_TOKEN));
    let mut tokens: Vec<_> = quality::tokens(&text[from..]).collect();
    tokens.drain(..tokens.len().saturating_sub(count));
    tokens
}

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
    match Sought::new(middle) {
        Sought::Nothing => false,
        sought => sought.is_in(Tokens::of(context).all()),
    }
}

/// The tokens of a text, and its shingles for middles, in their order.
#[derive(Debug)]
struct Tokens {
    hashes: Vec<u64>,
    shingles: Vec<u64>,
}

/// Some of a text's tokens in a row.
#[derive(Clone, Copy, Debug)]
struct Stretch<'t> {
    hashes: &'t [u64],
    shingles: &'t [u64],
}

impl Tokens {
    fn of(text: &str) -> Self {
        let hashes = quality::tokens(text).map(|token| xxh3_64(token.as_bytes()));
        Self::of_hashes(hashes.collect())
    }

    /// Those of `text`, and where each starts, in bytes.
    fn with_starts(text: &str) -> (Self, Vec<usize>) {
        let place = |token: &str| token.as_ptr().addr() - text.as_ptr().addr();
        let tokens = quality::tokens(text);
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

    fn all(&self) -> Stretch<'_> {
        self.part(0..self.hashes.len())
    }

    /// The tokens of these numbers.
    fn part(&self, tokens: Range<usize>) -> Stretch<'_> {
        let shingles = tokens.len().saturating_sub(MIDDLE_SHINGLE - 1);
        Stretch {
            hashes: &self.hashes[tokens.clone()],
            shingles: &self.shingles[tokens.start.min(self.shingles.len())..][..shingles],
        }
    }
}

/// A middle, ready to be looked for as [`near_contains`] says.
#[derive(Debug)]
enum Sought {
    /// It is short and says what other code says, too.
    Nothing,
    /// The tokens of a short one.
    Row(Vec<u64>),
    /// The different shingles of another one, sorted, and the length of the
    /// window that they are looked for in.
    Shingles { distinct: Vec<u64>, window: usize },
}

impl Sought {
    fn new(middle: &str) -> Self {
        let Tokens { hashes, shingles } = Tokens::of(middle);
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
    fn absent(&self) -> usize {
        match self {
            Self::Nothing | Self::Row(_) => 0,
            Self::Shingles { distinct, .. } => distinct.len() - enough(distinct.len()),
        }
    }

    /// How many out of any [`Self::absent`] and as many more of its shingles stand
    /// where it is, at least.
    fn met(&self) -> usize {
        self.absent().max(1)
    }

    /// In how many tokens it is to be found if it is in a text at all.
    fn reach(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Row(row) => row.len(),
            Self::Shingles { window, .. } => window + MIDDLE_SHINGLE,
        }
    }

    fn is_in(&self, text: Stretch<'_>) -> bool {
        match self {
            Self::Nothing => false,
            Self::Row(row) => text.hashes.windows(row.len()).any(|tokens| tokens == row),
            Self::Shingles { distinct, window } => {
                let enough = enough(distinct.len());
                let known = Filter::new(distinct.iter().copied());
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
struct Filter(Vec<u64>);

impl Filter {
    /// One for `shingles`, with some 32 times as many bits.
    fn new(shingles: impl ExactSizeIterator<Item = u64>) -> Self {
        let mut filter = Self(vec![0; (shingles.len() / 2).next_power_of_two()]);
        for shingle in shingles {
            let (word, bit) = filter.place(shingle);
            filter.0[word] |= bit;
        }
        filter
    }

    /// Whether `shingle` may be among them.
    fn may_hold(&self, shingle: u64) -> bool {
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

#[cfg(test)]
mod tests;
