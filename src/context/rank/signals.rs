//! What the ranking learns from, one file a [`Signal`](crate::context::Signal).
//! Each adds weights to names; the mixture turns them into probabilities.

pub(super) mod callee;
pub(super) mod chunks;
pub(super) mod imports;
pub(in crate::context) mod literals;
pub(super) mod nearby;
pub(super) mod reach;
pub(super) mod receivers;
pub(super) mod similar_files;
pub(super) mod tested;
pub(super) mod typed;
pub(super) mod types;
pub(super) mod words;
