//! A budget in time: how long a prompt may be for a model server of a known speed.
//!
//! The total of a prompt takes one of a few steps: the user's own, and those of
//! [`STEPS`] below it. Each of them is a setting that a dataset can be made with
//! (`--max-total-chars`). A larger step is taken only where it is sure to be fast
//! enough, and a smaller one only where the present one is clearly too slow, so that a
//! speed that varies changes nothing.

use serde::{Deserialize, Serialize};

use super::budget::PromptLimits;
use crate::model::CHARS_PER_TOKEN;

/// The totals below that of the settings, in characters.
const STEPS: [usize; 3] = [4096, 2048, 1024];
/// By which share of the target the expected time must miss it for a smaller step, and
/// leave room for a larger one.
const SLACK: f64 = 0.15;
/// The share of a prompt that a server reads anew, if it keeps what it has read. In
/// sessions of `fimd eval typing` the mean request needs less: .22 in monica, .35, .46 and
/// .47 at the totals of [`STEPS`].
const READ_SHARE: f64 = 0.5;
/// The tokens of a line that is written.
const LINE_TOKENS: f64 = 16.0;

/// How fast a model server is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerSpeed {
    /// Milliseconds in which it reads a token of a prompt.
    pub read_ms: f64,
    /// Milliseconds in which it writes a token of an answer.
    pub write_ms: f64,
    /// Whether it may reuse what it has read of a prompt for the next one.
    pub reuses: bool,
}

impl ServerSpeed {
    /// The milliseconds that a request takes on average at most, from the prompt to a
    /// line of the answer, if a prompt has up to `chars` characters.
    #[must_use]
    pub fn line_ms(self, chars: usize) -> f64 {
        let share = if self.reuses { READ_SHARE } else { 1.0 };
        let tokens = chars as f64 / CHARS_PER_TOKEN;
        tokens * share * self.read_ms + self.write_ms * LINE_TOKENS
    }
}

impl PromptLimits {
    /// The totals that a budget in time chooses from, the largest first.
    #[must_use]
    pub fn steps(self) -> Vec<usize> {
        let smaller = STEPS.into_iter().filter(|step| *step < self.total);
        std::iter::once(self.total).chain(smaller).collect()
    }

    /// The milliseconds that a request takes on average at most with the total `step`.
    #[must_use]
    pub fn line_ms(self, step: usize, speed: ServerSpeed) -> f64 {
        let limits = Self {
            total: step,
            ..self
        };
        speed.line_ms(limits.budget().total())
    }

    /// The largest step with which a line takes at most `target_ms`; else the smallest.
    #[must_use]
    pub fn step_within(self, target_ms: f64, speed: ServerSpeed) -> usize {
        let steps = self.steps();
        let fits = |step: &&usize| self.line_ms(**step, speed) <= target_ms;
        let fitting = steps.iter().find(fits).or(steps.last());
        fitting.copied().unwrap_or(self.total)
    }

    /// The step behind the step `now`, for the target `target_ms`: `now`, unless it is
    /// clearly too slow or a larger one clearly fast enough.
    #[must_use]
    pub fn next_step(self, now: usize, target_ms: f64, speed: ServerSpeed) -> usize {
        if self.line_ms(now, speed) > target_ms * (1.0 + SLACK) {
            return self.step_within(target_ms, speed).min(now);
        }
        self.step_within(target_ms * (1.0 - SLACK), speed).max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speed(tokens_per_s: f64, reuses: bool) -> ServerSpeed {
        ServerSpeed {
            read_ms: 1e3 / tokens_per_s,
            write_ms: 5.0,
            reuses,
        }
    }

    #[test]
    fn faster_servers_get_longer_prompts() {
        let limits = PromptLimits::default();
        assert_eq!(limits.steps(), [8192, 4096, 2048, 1024]);
        let of = |tokens_per_s| limits.step_within(300.0, speed(tokens_per_s, true));
        assert_eq!(
            [20_000.0, 3_000.0, 1_500.0, 900.0, 150.0].map(of),
            [8192, 4096, 2048, 1024, 1024]
        );
        // One that reads all again needs twice as long.
        assert_eq!(limits.step_within(300.0, speed(3_000.0, false)), 2048);
        let own = PromptLimits {
            total: 3000,
            ..limits
        };
        assert_eq!(own.steps(), [3000, 2048, 1024]);
        let small = PromptLimits {
            total: 512,
            ..limits
        };
        assert_eq!(small.steps(), [512]);
        assert_eq!(small.step_within(300.0, speed(1.0, true)), 512);
    }

    #[test]
    fn a_speed_that_varies_changes_nothing() {
        let limits = PromptLimits::default();
        for reuses in [true, false] {
            for tokens_per_s in (100..12_000).step_by(100) {
                let steady = f64::from(tokens_per_s);
                let mut steps = vec![limits.step_within(300.0, speed(steady, reuses))];
                for n in 0..20 {
                    let varied = steady * if n % 2 == 0 { 0.93 } else { 1.07 };
                    let now = steps[steps.len() - 1];
                    let next = limits.next_step(now, 300.0, speed(varied, reuses));
                    if next != now {
                        steps.push(next);
                    }
                }
                assert!(steps.len() <= 2, "{tokens_per_s}: {steps:?}");
            }
        }
    }

    #[test]
    fn a_server_that_becomes_slow_or_fast_is_followed() {
        let limits = PromptLimits::default();
        let next = |now, tokens_per_s| limits.next_step(now, 300.0, speed(tokens_per_s, true));
        assert_eq!(next(8192, 900.0), 1024);
        assert_eq!(next(1024, 20_000.0), 8192);
        assert_eq!(next(2048, 1_500.0), 2048);
    }
}
