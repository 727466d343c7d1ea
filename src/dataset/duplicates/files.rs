//! Clusters of files that are near duplicates: see [`super`].

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::disjoint_sets::DisjointSets;
use super::minhash::{self, BANDS, Signature};
use crate::cancel::{Cancel, Cancelled};
use crate::php::lex::{self, TokenKind};

/// The number of tokens in a shingle of a file.
pub const SHINGLE: usize = 5;
/// The least Jaccard similarity of near duplicates.
pub const THRESHOLD: f64 = 0.8;
/// Files of fewer tokens are compared exactly. One changed token changes five
/// shingles. From 46 shingles on, that leaves a similarity of 0.8 or more.
pub const SMALL: usize = 50;
/// A token of more bytes is divided at white space, so a page of HTML is not one
/// token.
pub(super) const LONG_TOKEN: usize = 64;
/// The least agreement of two signatures for which a pair is verified. It is five
/// standard deviations below [`THRESHOLD`], so it loses less than one true pair in
/// ten million.
const MIN_ESTIMATE: f64 = 0.61;

/// Clusters of files. [`clusters`] makes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clusters {
    /// For each file, the number of the file with the smallest key in its cluster.
    representative: Vec<usize>,
}

impl Clusters {
    /// The clusters of `files`, given the root of each file's set.
    fn new(files: &[(&str, &str)], roots: &[usize]) -> Self {
        let mut smallest: Vec<usize> = (0..files.len()).collect();
        for (file, &root) in roots.iter().enumerate() {
            if files[file].0 < files[smallest[root]].0 {
                smallest[root] = file;
            }
        }
        Self {
            representative: roots.iter().map(|&root| smallest[root]).collect(),
        }
    }

    /// The representative of the cluster of file number `file`: the file with the
    /// smallest key. `None` if there is no file of that number.
    #[must_use]
    pub fn representative(&self, file: usize) -> Option<usize> {
        self.representative.get(file).copied()
    }

    /// The clusters of two files or more, in the order of their representatives:
    /// each representative, and the numbers of all files of its cluster in
    /// ascending order.
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

/// The clusters of near duplicates among `files`, each a key and a text; no two
/// keys are equal. The result depends neither on the order of the files nor on the
/// number of threads. In parallel on the current rayon pool.
///
/// # Errors
/// [`Cancelled`] if `cancel` is used.
pub fn clusters(files: &[(&str, &str)], cancel: &Cancel) -> Result<Clusters, Cancelled> {
    let profiles = files
        .par_iter()
        .map(|(_, text)| {
            cancel.check()?;
            Ok(FileProfile::of(text))
        })
        .collect::<Result<Vec<_>, Cancelled>>()?;
    let mut sets = DisjointSets::new(files.len());
    // Files with equal tokens are joined at once, and only the first of them is
    // compared with others.
    let mut first: FxHashMap<u128, usize> = FxHashMap::default();
    let mut distinct = Vec::new();
    for (file, profile) in profiles.iter().enumerate() {
        match first.get(&profile.digest) {
            Some(&same) => sets.join(same, file),
            None => {
                first.insert(profile.digest, file);
                distinct.extend(profile.signature.as_deref().map(|s| (file, s)));
            }
        }
    }
    // The pairs that were verified and are no near duplicates.
    let mut apart = FxHashSet::default();
    for band in 0..BANDS {
        let roots = sets.roots();
        for (a, b, alike) in meetings(files, &distinct, band, roots, &apart, cancel)? {
            if alike {
                sets.join(a, b);
            } else {
                apart.insert((a, b));
            }
        }
    }
    Ok(Clusters::new(files, sets.roots()))
}

/// What is kept of one file.
struct FileProfile {
    /// The digest of all its tokens in order.
    digest: u128,
    /// None if the file has fewer than [`SMALL`] tokens.
    signature: Option<Box<Signature>>,
}

impl FileProfile {
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

/// The signature of a file, to find near duplicates without the texts: two files
/// count as near duplicates if the agreement of their signatures is at least
/// [`THRESHOLD`]. A file of fewer than [`SMALL`] tokens has the signature of one
/// shingle, all of its tokens.
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

/// The distinct shingles of `tokens`, sorted.
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
    // Exact, since the sizes are far below 2^52.
    if all == 0 {
        1.0
    } else {
        shared as f64 / all as f64
    }
}

/// Verifies the pairs of files that share `band`: each pair, and whether they are
/// near duplicates. Leaves out pairs with the same root, pairs in `apart`, and
/// pairs that this band has joined already.
fn meetings(
    files: &[(&str, &str)],
    distinct: &[(usize, &Signature)],
    band: usize,
    roots: &[usize],
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
            let mut local: Vec<_> = bucket.iter().map(|&(_, file, _)| roots[file]).collect();
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

#[cfg(test)]
mod tests;
