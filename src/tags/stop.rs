//! Ends a stream of text at the first of some patterns.
//!
//! The result is defined on the whole output: of all matches the one that
//! begins first; of several that begin there, the pattern written first. So
//! text that could still belong to a match is held back until that is decided:
//! what is shown is never taken back, and how the stream is cut into pieces
//! changes nothing.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, BuildError, MatchError, MatchKind};
use rustc_hash::FxHashMap;

use super::Stop;

/// Patterns that cannot be watched for.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// They are more than an automaton can hold.
    #[error("the stop patterns are too large: {0}")]
    Build(#[from] BuildError),
    /// The automaton cannot search a stream.
    #[error(transparent)]
    Search(#[from] MatchError),
}

/// Watches a stream for patterns.
#[derive(Clone, Debug)]
pub struct Matcher {
    stops: Vec<Stop>,
    automaton: NFA,
    /// How many bytes of a pattern have been read in each state: what could
    /// still become a match. States that are missing have read none.
    depths: FxHashMap<StateID, usize>,
    state: StateID,
    /// What has been read and not been given out.
    held: Vec<u8>,
    /// How many bytes of `held` the automaton has read.
    read: usize,
    /// The best match so far: its pattern, and where in `held` it ends.
    best: Option<(usize, usize)>,
    ended_by: Option<usize>,
}

impl Matcher {
    /// A matcher for `stops`, none of them empty.
    ///
    /// # Errors
    /// If they are more than an automaton can hold.
    pub fn new(stops: Vec<Stop>) -> Result<Self, StopError> {
        let patterns = stops.iter().map(|stop| stop.pattern.as_bytes());
        let automaton = NFA::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .build(patterns)?;
        let start = automaton.start_state(Anchored::No)?;
        let mut depths = FxHashMap::default();
        for stop in &stops {
            let mut state = start;
            for (at, byte) in stop.pattern.bytes().enumerate() {
                state = automaton.next_state(Anchored::No, state, byte);
                // Dead behind a match that comes first: nothing is held for it.
                if automaton.is_dead(state) {
                    break;
                }
                depths.insert(state, at + 1);
            }
        }
        Ok(Self {
            stops,
            automaton,
            depths,
            state: start,
            held: Vec::new(),
            read: 0,
            best: None,
            ended_by: None,
        })
    }

    /// Takes the next piece of the stream, which may end inside a character,
    /// and adds to `shown` what is decided by it. Whether the text has ended:
    /// nothing that follows counts.
    pub fn push(&mut self, piece: &[u8], shown: &mut String) -> bool {
        if self.ended_by.is_some() {
            return true;
        }
        self.held.extend_from_slice(piece);
        while self.read < self.held.len() {
            let byte = self.held[self.read];
            self.state = self.automaton.next_state(Anchored::No, self.state, byte);
            self.read += 1;
            if self.automaton.is_dead(self.state) {
                self.decide(shown);
                return true;
            }
            if self.automaton.is_match(self.state) {
                let pattern = self.automaton.match_pattern(self.state, 0).as_usize();
                self.best = Some((pattern, self.read));
            }
        }
        if self.best.is_none() {
            let depth = self.depths.get(&self.state).copied().unwrap_or(0);
            self.show(self.read - depth, shown);
        }
        false
    }

    /// Says that the stream has ended, and adds to `shown` what was held back.
    /// The pattern that ended the text, if one did.
    pub fn finish(mut self, shown: &mut String) -> Option<Stop> {
        if self.ended_by.is_none() {
            self.decide(shown);
        }
        self.ended_by.map(|pattern| self.stops.swap_remove(pattern))
    }

    /// Ends the text at the best match, or with the stream if there is none.
    fn decide(&mut self, shown: &mut String) {
        let end = match self.best {
            Some((pattern, end)) if self.stops[pattern].keep => end,
            Some((pattern, end)) => end - self.stops[pattern].pattern.len(),
            None => self.held.len(),
        };
        shown.push_str(&String::from_utf8_lossy(&self.held[..end]));
        self.held.clear();
        self.ended_by = self.best.map(|(pattern, _)| pattern);
    }

    /// Gives out the first `end` bytes of what is held, but for a character
    /// that is not complete.
    fn show(&mut self, end: usize, shown: &mut String) {
        let mut end = end;
        let text = &self.held[..end];
        let tail = text
            .iter()
            .rev()
            .take(4)
            .position(|byte| *byte >= 0xc0 || *byte < 0x80);
        if let Some(back) = tail {
            let start = text.len() - 1 - back;
            let whole = match text[start] {
                0xf0.. => 4,
                0xe0.. => 3,
                0xc0.. => 2,
                _ => 1,
            };
            if text.len() - start < whole {
                end = start;
            }
        }
        shown.push_str(&String::from_utf8_lossy(&self.held[..end]));
        self.held.drain(..end);
        self.read -= end;
    }
}
