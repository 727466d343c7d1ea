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

mod disjoint_sets;
mod examples;
mod files;
pub mod held_out;
mod middles;
pub mod minhash;

pub(in crate::dataset) use self::disjoint_sets::DisjointSets;
pub use self::examples::{NEAR_TOKENS, example_key};
pub use self::files::{Clusters, SHINGLE, SMALL, THRESHOLD, clusters, signature};
pub use self::middles::near_contains;

#[cfg(test)]
mod tests;
