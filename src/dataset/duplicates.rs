//! Finds copies and near copies among files and examples, and middles that a text
//! gives away.
//!
//! # Files
//! A file is compared as the set of its shingles. A shingle is [`SHINGLE`] tokens
//! in a row; white space and comments are no tokens. Two files are near duplicates
//! if the Jaccard similarity of their sets is at least [`THRESHOLD`]. [`clusters`]
//! puts files into one cluster if a chain of near duplicates connects them.
//!
//! MinHash signatures and locality-sensitive hashing ([`minhash`]) find candidate
//! pairs. Each pair is then verified with the sets themselves, so no two files are
//! joined by chance. Only the signatures are kept, 8 bytes times
//! [`minhash::PERMUTATIONS`] a file. The sets are made again for each candidate.
//!
//! Files of fewer than [`SMALL`] tokens are duplicates only if all their tokens
//! are equal: one changed token already lowers their similarity below the
//! threshold.
//!
//! # Examples
//! Examples come one at a time and in millions, so they are compared by a key:
//! [`example_key`]. Two examples are near duplicates if their middles and the
//! [`NEAR_TOKENS`] tokens on both sides are equal, white space aside. The same
//! line in two places is no duplicate, since the code around it differs. The same
//! function in two copies of a file is one.
//!
//! # Middles
//! [`near_contains`] says whether a text gives a middle away, by one of the rules of
//! [`MiddleRule`], and [`held_out::MiddleIndex`] says it for many middles at once.
//! [`elsewhere`] counts the short middles that a text has, but not in their place.

mod disjoint_sets;
pub mod elsewhere;
mod examples;
mod files;
pub mod held_out;
mod middles;
pub mod minhash;

pub(in crate::dataset) use self::disjoint_sets::DisjointSets;
pub use self::examples::{NEAR_TOKENS, example_key};
pub use self::files::{Clusters, SHINGLE, SMALL, THRESHOLD, clusters, signature};
pub use self::middles::{
    AROUND_TOKENS, DISTINCTIVE, DISTINCTIVE_BYTES, GIVEN_AWAY, HoleText, MiddleRule, SHORT_MIDDLE,
    StoredHole, near_contains, rule,
};

#[cfg(test)]
mod tests;
