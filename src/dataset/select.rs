//! Which files give examples.

pub mod generated;
pub mod signatures;
pub(in crate::dataset) mod sources;
mod tested;
pub mod vendored;
