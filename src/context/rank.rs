//! Ranks the declarations that the code at the cursor is likely to name next.
//!
//! First `mixture` ranks names: each file in `signals` weighs names in its own
//! way, and the mixture of the weights gives every name a probability. Then
//! `declarations` finds the declarations that a likely name stands for.
//! `dependencies` adds what the buffer imports and inherits.

mod declarations;
mod dependencies;
mod evidence;
mod likely_names;
mod mixture;
mod name_table;
mod names;
mod near_words;
mod real_calls;
mod signals;
mod surroundings;

pub(super) use declarations::likely_declarations;
pub(super) use dependencies::{add_dependencies, merge_same};
pub(super) use likely_names::{LikelyName, LikelyNames};
pub(super) use mixture::{Threshold, rank};
pub(super) use real_calls::{RealCall, RealCalls, real_calls};
pub(super) use signals::literals::LikelyLiterals;
pub(super) use surroundings::Surroundings;
