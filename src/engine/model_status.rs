//! How long users wait for the model server, and what it reads for them.

use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::completion::{TargetStatus, Timings};

/// The greatest value that is counted: tokens, or microseconds of one hour.
const MAX: u64 = 3_600_000_000;

/// What users were shown of the model server's answers, from all clients. Completions
/// that were known without asking do not count.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ModelStatus {
    /// The number of completions.
    pub completions: u64,
    /// Tokens of a prompt that the server read; none if it does not say.
    pub read_tokens: Option<RecentValues>,
    /// Tokens of a prompt that it had read before; none if it does not say.
    pub reused_tokens: Option<RecentValues>,
    /// Milliseconds from the prompt to the first text of the answer.
    pub first_token_ms: Option<RecentValues>,
    /// Milliseconds from the request to the text that is shown, the pause in typing
    /// included.
    pub shown_ms: Option<RecentValues>,
    /// Whether the server was seen to read whole prompts again though it had read nearly
    /// all of them.
    #[serde(default)]
    pub rereads: bool,
    /// The length of prompts that the last request chose for a budget in time; none
    /// without such a budget.
    #[serde(default)]
    pub target: Option<TargetStatus>,
}

/// The middle of some values, and the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecentValues {
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The last value.
    pub last: f64,
}

/// Counts completions. The lock is held while one is counted.
#[derive(Debug, Default)]
pub(super) struct ModelTimes(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    completions: u64,
    read: Values,
    reused: Values,
    first: Values,
    shown: Values,
    rereads: bool,
    target: Option<TargetStatus>,
}

/// Values with two significant digits.
#[derive(Debug, Default)]
struct Values {
    /// None before the first value.
    all: Option<Histogram<u64>>,
    last: u64,
}

impl Values {
    fn add(&mut self, value: u64) {
        if self.all.is_none() {
            match Histogram::new_with_max(MAX, 2) {
                Ok(all) => self.all = Some(all),
                Err(error) => tracing::error!("completions are not counted: {error}"),
            }
        }
        if let Some(all) = &mut self.all {
            all.saturating_record(value);
            self.last = value;
        }
    }

    /// The values divided by `unit`.
    fn recent(&self, unit: f64) -> Option<RecentValues> {
        let all = self.all.as_ref()?;
        let of = |value: u64| value as f64 / unit;
        Some(RecentValues {
            p50: of(all.value_at_quantile(0.5)),
            p90: of(all.value_at_quantile(0.9)),
            last: of(self.last),
        })
    }
}

impl ModelTimes {
    /// Counts a completion that the model server was asked for.
    pub(super) fn completed(&self, timings: &Timings) {
        let Some(first_token_ms) = timings.first_token_ms else {
            return;
        };
        let micros = |ms: f64| (ms * 1e3) as u64;
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.completions += 1;
        counted.first.add(micros(first_token_ms));
        counted.shown.add(micros(timings.total_ms));
        if let Some(read) = timings.read_tokens {
            counted.read.add(read.into());
        }
        if let Some(reused) = timings.reused_tokens {
            counted.reused.add(reused.into());
        }
    }

    /// Notes whether the server reads whole prompts again, and the length of prompts that
    /// a budget in time allows.
    pub(super) fn saw(&self, rereads: bool, target: Option<TargetStatus>) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.rereads = rereads;
        counted.target = target;
    }

    pub(super) fn status(&self) -> ModelStatus {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ModelStatus {
            completions: counted.completions,
            read_tokens: counted.read.recent(1.0),
            reused_tokens: counted.reused.recent(1.0),
            first_token_ms: counted.first.recent(1e3),
            shown_ms: counted.shown.recent(1e3),
            rereads: counted.rereads,
            target: counted.target,
        }
    }
}
