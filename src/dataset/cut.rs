//! Cuts examples: where the holes of a file are, which of them are worth learning,
//! and the example made for each.
//!
//! - [`holes`] draws the holes of a file, and [`quality`] rejects poor middles.
//! - `plan` is a file with its holes, before any context is assembled.
//! - `example` builds the example for one hole; `control_tokens` neutralises
//!   control tokens in it.
//! - `start` draws from where on the text before a hole counts as typed.
//! - `history` cuts holes at what commits added, which `edit` finds.
//! - `encoded` is an example in the form in which a sink stores it.

mod control_tokens;
pub(in crate::dataset) mod edit;
pub(in crate::dataset) mod encoded;
pub(in crate::dataset) mod example;
pub(in crate::dataset) mod history;
pub mod holes;
pub(in crate::dataset) mod measure;
pub(in crate::dataset) mod plan;
pub mod quality;
