//! The model server of some settings, and what fimd has learnt of it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::due::DueAnswers;
use super::speed::SpeedMeter;
use super::{CompleteError, lock};
use crate::config::Settings;
use crate::endpoint::{ModelClient, Observed};
use crate::model::ControlTokens;
use crate::prompt::ServerSpeed;

/// The least tokens that a server should have reused, for its not doing so to count.
const LEAST_REUSE: f64 = 256.0;
/// How many such requests are looked at, and how many of them must have reused nearly
/// nothing, for the server to count as one that reads everything again.
const JUDGED: usize = 8;
const MISSES: usize = 6;
/// The share of the mean time to the first text that typing must pause for.
const PAUSE: f64 = 0.25;
/// The longest such pause. The settings may have a longer one.
const LONGEST_PAUSE: Duration = Duration::from_millis(300);
/// The share of the newest time in the mean of times.
const NEWEST: f64 = 0.25;

/// The client of the model server, with the settings from which it was made.
#[derive(Debug)]
pub struct ModelServer {
    pub(super) settings: Arc<Settings>,
    /// Whether the model was seen to answer in Markdown, so that the first line of an
    /// answer may be no code.
    writes_markdown: AtomicBool,
    /// Whether what one answer shows changes the next request.
    learns: bool,
    pub(super) client: ModelClient,
    pub(super) control_tokens: ControlTokens,
    /// The total budget of the prompts of a new course, in characters; none before the
    /// first, or without a budget in time.
    pub(super) total: Mutex<Option<usize>>,
    pub(super) due: DueAnswers,
    slots: Mutex<Slots>,
    seen: Mutex<Seen>,
}

/// Which buffer has which slot of the server.
#[derive(Debug, Default)]
struct Slots(VecDeque<(String, u32)>);

/// What the server's answers have shown.
#[derive(Debug, Default)]
struct Seen {
    /// The buffer and the prompt of the last request.
    former: Option<(String, String)>,
    /// Whether each of the last requests was read again though it was known.
    misses: VecDeque<bool>,
    /// The mean time to the first text, in milliseconds, the newest counting most.
    first_token_ms: Option<f64>,
    meter: SpeedMeter,
}

impl ModelServer {
    /// The server of these settings. Does not connect yet.
    ///
    /// # Errors
    /// As [`ModelClient::new`], and if the settings' family is invalid.
    pub fn new(settings: Arc<Settings>) -> Result<Self, CompleteError> {
        let control_tokens = ControlTokens::new(settings.endpoint.family.reserved());
        Ok(Self {
            client: ModelClient::new(&settings.endpoint)?,
            writes_markdown: AtomicBool::new(false),
            learns: true,
            control_tokens: control_tokens.map_err(|error| CompleteError::Family {
                key: settings.endpoint.place.key("family"),
                reason: error.to_string(),
            })?,
            settings,
            total: Mutex::default(),
            due: DueAnswers::default(),
            slots: Mutex::default(),
            seen: Mutex::default(),
        })
    }

    /// The same server, but what it is asked at one place does not depend on what it has
    /// answered at others.
    #[must_use]
    pub fn without_learning(self) -> Self {
        Self {
            learns: false,
            ..self
        }
    }

    /// Whether the first line of an answer may be no code.
    pub(super) fn writes_markdown(&self) -> bool {
        self.writes_markdown.load(Ordering::Relaxed)
    }

    /// Notes that the model has answered in Markdown.
    pub(super) fn saw_markdown(&self) {
        self.writes_markdown
            .fetch_or(self.learns, Ordering::Relaxed);
    }

    /// Its client.
    #[must_use]
    pub fn client(&self) -> &ModelClient {
        &self.client
    }

    /// The slot of `buffer`: each has one of its own as long as there are enough, so
    /// that none reads away what another one needs. None if the server has only one.
    pub(super) fn slot(&self, buffer: &str, count: u32) -> Option<u32> {
        (count > 1).then(|| lock(&self.slots).of(buffer, count))
    }

    /// Notes what the answer to `prompt` for `buffer` has shown.
    pub(super) fn saw(&self, buffer: &str, prompt: &str, observed: Observed) {
        let mut seen = lock(&self.seen);
        if let Some(newest) = observed.first_token_ms {
            let mean = seen.first_token_ms;
            seen.first_token_ms = Some(mean.map_or(newest, |mean| mean + (newest - mean) * NEWEST));
        }
        let known = seen.known_bytes(buffer, prompt);
        let unread = prompt.get(known..).unwrap_or(prompt).chars().count();
        seen.meter.add(observed, unread);
        let work = observed.work.unwrap_or_default();
        if let Some(reused) = work.reused_tokens {
            let share = known as f64 / prompt.len().max(1) as f64;
            seen.judge(share, work.read_tokens, reused);
        }
        seen.former = Some((buffer.to_owned(), prompt.to_owned()));
    }

    /// How fast it is; none if no answer has shown it yet.
    pub(super) fn speed(&self) -> Option<ServerSpeed> {
        let reuses = !self.rereads();
        lock(&self.seen).meter.speed(reuses)
    }

    /// How many characters of `prompt` the server has read for `buffer` already: those
    /// with which the last one began, if that was for `buffer`, too.
    pub(super) fn known_chars(&self, buffer: &str, prompt: &str) -> usize {
        let known = lock(&self.seen).known_bytes(buffer, prompt);
        prompt.get(..known).unwrap_or(prompt).chars().count()
    }

    /// How long typing must pause before an automatic completion is asked for: as long
    /// as the settings say, and longer where a server is slow, so that fewer prompts are
    /// read for nothing.
    pub(super) fn pause(&self) -> Duration {
        let least = Duration::from_millis(self.settings.completion.debounce_ms);
        let measured = lock(&self.seen).first_token_ms.unwrap_or(0.0);
        let longer = Duration::from_secs_f64(measured * PAUSE / 1e3);
        least.max(longer.min(LONGEST_PAUSE))
    }

    /// Whether the server reads a whole prompt again though it has read nearly all of
    /// it for the request before.
    pub(super) fn rereads(&self) -> bool {
        let seen = lock(&self.seen);
        seen.misses.iter().filter(|miss| **miss).count() >= MISSES
    }
}

impl Slots {
    /// The slot of `buffer` among `count`.
    fn of(&mut self, buffer: &str, count: u32) -> u32 {
        let known = self.0.iter().position(|(of, _)| of == buffer);
        let known = known.and_then(|at| self.0.remove(at));
        let used = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        let slot = match known {
            Some((_, slot)) => slot,
            None if used < count => used,
            // That of the buffer that was not asked for longest.
            None => self.0.pop_back().map_or(0, |(_, slot)| slot),
        };
        self.0.push_front((buffer.to_owned(), slot));
        slot
    }
}

impl Seen {
    /// How many bytes of `prompt` stand at the start of the last one, if that was for
    /// `buffer`, too.
    fn known_bytes(&self, buffer: &str, prompt: &str) -> usize {
        let former = self.former.as_ref().filter(|(of, _)| of == buffer);
        former.map_or(0, |(_, former)| {
            let pairs = former.bytes().zip(prompt.bytes());
            let same = pairs.take_while(|(a, b)| a == b).count();
            prompt.floor_char_boundary(same)
        })
    }

    /// Judges whether the server has reused what it could of a prompt of which it had
    /// read the share `known`.
    fn judge(&mut self, known: f64, read: u32, reused: u32) {
        let could = f64::from(read.saturating_add(reused)) * known;
        if could < LEAST_REUSE {
            return;
        }
        self.misses.push_front(f64::from(reused) * 4.0 < could);
        self.misses.truncate(JUDGED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::ServerWork;

    #[test]
    fn each_buffer_has_a_slot_as_long_as_there_are_enough() {
        let mut slots = Slots::default();
        let given = ["a", "b", "a", "c", "a", "b"].map(|buffer| slots.of(buffer, 2));
        assert_eq!(given, [0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn a_server_that_reads_everything_again_is_recognised() {
        let server = ModelServer::new(Arc::default()).unwrap();
        let work = |read_tokens, reused| Observed {
            first_token_ms: Some(10.0),
            work: Some(ServerWork {
                read_tokens,
                reused_tokens: Some(reused),
                ..ServerWork::default()
            }),
            ..Observed::default()
        };
        let prompt = "word ".repeat(400);
        for n in 0..9 {
            assert!(!server.rereads() || n > 6, "after {n}");
            let typed = format!("{prompt}{n}");
            server.saw("a.php", &typed, work(400, 0));
        }
        assert!(server.rereads());
        for n in 0..3 {
            server.saw("a.php", &format!("{prompt}{n}"), work(2, 398));
        }
        assert!(!server.rereads(), "it reuses again");
        // Another prompt is rightly read.
        for n in 0..9 {
            server.saw("b.php", &format!("{n}{prompt}"), work(400, 0));
        }
        assert!(!server.rereads());
    }
}
