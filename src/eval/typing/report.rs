//! The figures of typing sessions.

use serde::Serialize;

use super::change::{PromptChange, common_start};
use crate::model::{CHARS_PER_TOKEN, ModelText};

/// The figures of some sessions.
#[derive(Clone, Debug, Serialize)]
pub struct TypingReport {
    /// The number of sessions.
    pub sessions: usize,
    /// The seed of their choice.
    pub seed: u64,
    /// How many prompts the server keeps, each in a slot of its own.
    pub slots: usize,
    /// Whether a tokenizer counts the tokens; else they are estimated.
    pub tokenizer: bool,
    /// The number of requests.
    pub requests: usize,
    /// The tokens of a whole prompt.
    pub prompt_tokens: Spread,
    /// The tokens that a server reads for a request that has a former one in its slot.
    pub read_tokens: Spread,
    /// The share of these tokens in the tokens of the same prompts, from 0 to 1.
    pub read_share: f64,
    /// The same by what differs first from the former prompt. Changes without a request
    /// are absent.
    pub changes: Vec<ChangeResult>,
    /// The recall of the names that are typed next.
    pub recall: TypingRecall,
    /// The time to make a prompt, in milliseconds.
    pub prompt_ms: Spread,
    /// What the model server says; none if none was asked.
    pub server: Option<ServerFigures>,
}

/// The requests whose prompts differ in one way from the former ones.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeResult {
    /// What differs first.
    pub change: PromptChange,
    /// The number of requests.
    pub requests: usize,
    /// Their share in all that have a former prompt, from 0 to 1.
    pub share: f64,
    /// The tokens that a server reads for them.
    pub read_tokens: Spread,
    /// The time to the first text, in milliseconds; none if no server was asked.
    pub first_token_ms: Option<Spread>,
}

/// How many of the names that are typed next the contexts hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct TypingRecall {
    /// The number of places where the next name is asked for.
    pub places: usize,
    /// The share that the contexts of the session hold, from 0 to 1.
    pub ident: f64,
    /// The share that contexts hold which are made for the same cursors alone, as
    /// `getContext` makes them without a session.
    pub fresh: f64,
}

/// What a model server says about its work, over the requests that have a former one.
#[derive(Clone, Debug, Serialize)]
pub struct ServerFigures {
    /// Tokens that it read for a request.
    pub read_tokens: Spread,
    /// Tokens that it had read before.
    pub reused_tokens: Spread,
    /// The time of reading, in milliseconds.
    pub read_ms: Spread,
    /// The time from sending a request to the first text, in milliseconds.
    pub first_token_ms: Spread,
}

/// How some values are spread; all 0 if there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// The nearest rank.
    pub median: f64,
    /// The mean.
    pub mean: f64,
    /// 90 % of the values are at most this.
    pub p90: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1) - 1;
            sorted.get(rank).copied().unwrap_or_default()
        };
        Self {
            median: at(50),
            mean: sorted.iter().sum::<f64>() / sorted.len().max(1) as f64,
            p90: at(90),
        }
    }
}

/// One prompt, and what is known about it.
#[derive(Clone, Debug)]
pub struct MeasuredPrompt {
    /// The prompt.
    pub text: ModelText,
    /// Its tokens by their numbers; none without a tokenizer.
    pub tokens: Option<Vec<u32>>,
    /// The time to make it, in milliseconds.
    pub ms: f64,
    /// Whether the cursor has come from elsewhere.
    pub has_moved: bool,
    /// Whether the context holds the name that is typed next, and whether one does that
    /// is made for this cursor alone; none if no name is asked for.
    pub holds_name: Option<(bool, bool)>,
    /// Tokens read and reused, the time of reading and the time to the first text, as
    /// the server says.
    pub server: Option<[f64; 4]>,
}

impl MeasuredPrompt {
    /// The number of its tokens.
    fn count(&self) -> usize {
        match &self.tokens {
            Some(tokens) => tokens.len(),
            None => estimate(&self.text.text),
        }
    }

    /// How many tokens a server reads that has read `former`. It reads the last one
    /// always, because it needs its result.
    fn read_after(&self, former: &Self, same: usize) -> usize {
        let read = match (&self.tokens, &former.tokens) {
            (Some(now), Some(former)) => now.len() - common_start(now, former),
            _ => estimate(&self.text.text[self.text.text.floor_char_boundary(same)..]),
        };
        read.max(1)
    }
}

fn estimate(text: &str) -> usize {
    (text.chars().count() as f64 / CHARS_PER_TOKEN).ceil() as usize
}

/// Adds up the prompts of sessions.
#[derive(Debug)]
pub struct TypingTally {
    slots: usize,
    /// The last prompt of each slot with the name of its buffer, the newest first.
    former: Vec<(String, MeasuredPrompt)>,
    prompt_tokens: Vec<f64>,
    prompt_ms: Vec<f64>,
    pairs: Vec<PromptPair>,
    names: Vec<(bool, bool)>,
}

/// A prompt that has a former one.
#[derive(Debug)]
struct PromptPair {
    /// What differs first.
    change: PromptChange,
    /// Its tokens to read.
    read: usize,
    /// All its tokens.
    all: usize,
    /// As [`MeasuredPrompt::server`].
    server: Option<[f64; 4]>,
}

impl TypingTally {
    /// Nothing yet, for a server with this number of slots.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self {
            slots: slots.max(1),
            former: Vec::new(),
            prompt_tokens: Vec::new(),
            prompt_ms: Vec::new(),
            pairs: Vec::new(),
            names: Vec::new(),
        }
    }

    /// The next session begins. What the server has read before does not count.
    pub fn next_session(&mut self) {
        self.former.clear();
    }

    /// Adds the next prompt, for the buffer `path`.
    pub fn add(&mut self, path: &str, prompt: MeasuredPrompt) {
        self.prompt_tokens.push(prompt.count() as f64);
        self.prompt_ms.push(prompt.ms);
        self.names.extend(prompt.holds_name);
        if let Some(former) = self.former(path) {
            let (old, new) = (former.text.text.as_bytes(), prompt.text.text.as_bytes());
            let same = common_start(old, new);
            let change = match prompt.has_moved {
                true => PromptChange::Moved,
                false => PromptChange::between(&former.text, &prompt.text, same),
            };
            self.pairs.push(PromptPair {
                change,
                read: prompt.read_after(&former, same),
                all: prompt.count(),
                server: prompt.server,
            });
        }
        self.former.insert(0, (path.to_owned(), prompt));
    }

    /// The server reads `prompt` for the buffer `path` while nobody waits.
    pub fn read_ahead(&mut self, path: &str, prompt: MeasuredPrompt) {
        self.former(path);
        self.former.insert(0, (path.to_owned(), prompt));
    }

    /// Takes the prompt out of the slot for the buffer `path`; none if the slot is empty.
    fn former(&mut self, path: &str) -> Option<MeasuredPrompt> {
        let known = self.former.iter().position(|(of, _)| of == path);
        let is_full = self.former.len() >= self.slots;
        let slot = known.or_else(|| is_full.then(|| self.former.len() - 1))?;
        Some(self.former.remove(slot).1)
    }

    /// The figures of `sessions` sessions that `seed` has chosen.
    #[must_use]
    pub fn report(&self, sessions: usize, seed: u64, tokenizer: bool) -> TypingReport {
        let read = |pairs: &mut dyn Iterator<Item = &PromptPair>| {
            let read: Vec<f64> = pairs.map(|pair| pair.read as f64).collect();
            Spread::of(&read)
        };
        let of = |change: PromptChange| self.pairs.iter().filter(move |pair| pair.change == change);
        let changes = PromptChange::ALL.into_iter().map(|change| {
            let requests = of(change).count();
            ChangeResult {
                change,
                requests,
                share: requests as f64 / self.pairs.len().max(1) as f64,
                read_tokens: read(&mut of(change)),
                first_token_ms: server_spread(of(change), FIRST_TOKEN_MS),
            }
        });
        let all: usize = self.pairs.iter().map(|pair| pair.all).sum();
        let behind: usize = self.pairs.iter().map(|pair| pair.read).sum();
        TypingReport {
            sessions,
            seed,
            slots: self.slots,
            tokenizer,
            requests: self.prompt_tokens.len(),
            prompt_tokens: Spread::of(&self.prompt_tokens),
            read_tokens: read(&mut self.pairs.iter()),
            read_share: behind as f64 / all.max(1) as f64,
            changes: changes.filter(|of| of.requests > 0).collect(),
            recall: self.recall(),
            prompt_ms: Spread::of(&self.prompt_ms),
            server: self.server_figures(),
        }
    }

    fn recall(&self) -> TypingRecall {
        let places = self.names.len();
        let share = |held: usize| held as f64 / places.max(1) as f64;
        TypingRecall {
            places,
            ident: share(self.names.iter().filter(|name| name.0).count()),
            fresh: share(self.names.iter().filter(|name| name.1).count()),
        }
    }

    fn server_figures(&self) -> Option<ServerFigures> {
        let spread = |which: usize| server_spread(self.pairs.iter(), which);
        Some(ServerFigures {
            read_tokens: spread(0)?,
            reused_tokens: spread(1)?,
            read_ms: spread(2)?,
            first_token_ms: spread(FIRST_TOKEN_MS)?,
        })
    }
}

/// Which figure of [`MeasuredPrompt::server`] is the time to the first text.
const FIRST_TOKEN_MS: usize = 3;

/// One figure of the server; none if it was not asked.
fn server_spread<'a>(pairs: impl Iterator<Item = &'a PromptPair>, which: usize) -> Option<Spread> {
    let values: Vec<f64> = pairs.filter_map(|pair| Some(pair.server?[which])).collect();
    (!values.is_empty()).then(|| Spread::of(&values))
}
