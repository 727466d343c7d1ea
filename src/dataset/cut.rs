//! Cuts examples: where the holes of a file are, which of them are worth learning,
//! and the example made for each.
//!
//! - [`holes`] proposes the holes of a file, and [`quality`] rejects poor middles.
//!   `foreign_names` are the names that need another file; holes with such are preferred.
//! - `quota` takes those proposals that the mix asks for.
//! - [`unfinished`] draws what is not typed yet in a buffer.
//! - [`drawn`] draws holes of some kinds for a measure, without a quota.
//! - `plan` is a file with its holes, before any context is assembled.
//! - `example` builds the example for one hole; `control_tokens` neutralises
//!   control tokens in it.
//! - `history` cuts holes at what commits added, which `edit` finds.
//! - `encoded` is an example in the form in which a sink stores it.

mod control_tokens;
pub mod drawn;
pub(in crate::dataset) mod edit;
pub(in crate::dataset) mod encoded;
pub(in crate::dataset) mod example;
pub(in crate::dataset) mod foreign_names;
pub(in crate::dataset) mod history;
pub mod holes;
pub(in crate::dataset) mod measure;
pub(in crate::dataset) mod plan;
pub mod quality;
pub(in crate::dataset) mod quota;
pub mod unfinished;
