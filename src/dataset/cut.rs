//! Cutting examples: where the holes of a file are, which of them are worth
//! learning, and the example around each.

pub(in crate::dataset) mod encoded;
pub(in crate::dataset) mod example;
pub mod holes;
pub(in crate::dataset) mod measure;
pub(in crate::dataset) mod plan;
pub mod quality;
