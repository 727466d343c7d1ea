//! How fast a model server is, as its answers show it.

use crate::endpoint::Observed;
use crate::model::CHARS_PER_TOKEN;
use crate::prompt::ServerSpeed;

/// The fewest tokens that a server must have read for its time to count: below, the
/// work that each request makes hides the speed.
const LEAST_READ: f64 = 32.0;
/// The share of the former times that a new one leaves.
const KEPT: f64 = 0.8;

/// The mean speed of a server, the newest requests counting most.
#[derive(Debug, Default)]
pub(super) struct SpeedMeter {
    read: Pace,
    write: Pace,
    /// Whether a request was timed by the clock. The first one may have waited for the
    /// model to be loaded.
    is_warm: bool,
}

/// The speed of a server that `reuses` what it has read, or not, by a request with a
/// prompt of `chars` characters that it had not read; none if the server has written
/// nothing.
#[must_use]
pub fn observed_speed(observed: Observed, chars: usize, reuses: bool) -> Option<ServerSpeed> {
    let mut meter = SpeedMeter {
        is_warm: true,
        ..SpeedMeter::default()
    };
    meter.add(observed, chars);
    meter.speed(reuses)
}

/// Tokens, and the milliseconds that they took.
#[derive(Debug, Default)]
struct Pace {
    tokens: f64,
    ms: f64,
}

impl Pace {
    fn add(&mut self, tokens: f64, ms: f64) {
        self.tokens = self.tokens * KEPT + tokens;
        self.ms = self.ms * KEPT + ms;
    }

    /// The milliseconds of a token.
    fn ms_per_token(&self) -> Option<f64> {
        (self.tokens > 0.0).then(|| self.ms / self.tokens)
    }
}

impl SpeedMeter {
    /// Counts a request of whose prompt the server had to read about `unread` characters.
    /// What the server says of its times counts more than the clock, which also shows
    /// the network and other clients' requests.
    pub(super) fn add(&mut self, observed: Observed, unread: usize) {
        let work = observed.work.unwrap_or_default();
        let in_tokens = |chars: usize| chars as f64 / CHARS_PER_TOKEN;
        let (read, read_ms) = match work.read_ms {
            Some(ms) => (f64::from(work.read_tokens), Some(ms)),
            None if !self.is_warm => (0.0, None),
            None => (in_tokens(unread), observed.first_token_ms),
        };
        if let Some(ms) = read_ms
            && read >= LEAST_READ
        {
            self.read.add(read, ms);
        }
        let (written, write_ms) = match work.write_ms {
            // The time counts from the first token on.
            Some(ms) => (f64::from(work.written_tokens.saturating_sub(1)), ms),
            None => (in_tokens(observed.written.0), observed.written.1),
        };
        if written >= 1.0 {
            self.write.add(written, write_ms);
        }
        self.is_warm |= observed.first_token_ms.is_some();
    }

    /// The speed of a server that `reuses` what it has read, or not; none before a
    /// request has shown it.
    pub(super) fn speed(&self, reuses: bool) -> Option<ServerSpeed> {
        Some(ServerSpeed {
            read_ms: self.read.ms_per_token()?,
            // Of a server that has written one token only, it is not known.
            write_ms: self.write.ms_per_token().unwrap_or(0.0),
            reuses,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::ServerWork;

    fn told(read_tokens: u32, read_ms: f64, written_tokens: u32, write_ms: f64) -> Observed {
        Observed {
            first_token_ms: Some(9e9),
            written: (9, 9e9),
            work: Some(ServerWork {
                read_tokens,
                reused_tokens: Some(0),
                read_ms: Some(read_ms),
                written_tokens,
                write_ms: Some(write_ms),
            }),
        }
    }

    #[test]
    fn what_the_server_says_counts_more_than_the_clock() {
        let mut meter = SpeedMeter::default();
        assert_eq!(meter.speed(true), None);
        // Too little to tell.
        meter.add(told(8, 900.0, 1, 3.0), 5000);
        assert_eq!(meter.speed(true), None);
        meter.add(told(500, 1000.0, 11, 200.0), 5000);
        let speed = meter.speed(true).unwrap();
        assert_eq!((speed.read_ms, speed.write_ms), (2.0, 20.0));
        // It becomes slower, and is believed by and by.
        meter.add(told(500, 2000.0, 11, 200.0), 5000);
        let now = meter.speed(true).unwrap().read_ms;
        assert!((3.0..4.0).contains(&now), "{now}");
    }

    #[test]
    fn a_server_that_says_nothing_is_timed_but_for_its_first_request() {
        let seen = |first_token_ms| Observed {
            first_token_ms: Some(first_token_ms),
            written: (52, 100.0),
            work: None,
        };
        let mut meter = SpeedMeter::default();
        meter.add(seen(60_000.0), 2600);
        assert_eq!(meter.speed(false), None, "it may have loaded its model");
        meter.add(seen(500.0), 2600);
        let speed = meter.speed(false).unwrap();
        assert_eq!((speed.read_ms, speed.write_ms), (0.5, 5.0));
    }
}
