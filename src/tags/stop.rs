//! Ends a stream of text at the first match of some patterns.
//!
//! The first match is defined on the whole output: the match that begins first; of
//! several that begin there, the one of the pattern that was written first. The
//! matcher holds back text that may still belong to a match. Therefore shown text
//! is never taken back, and the result does not depend on how the stream is cut.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, BuildError, MatchError, MatchKind};
use rustc_hash::FxHashMap;

/// A pattern that ends the generated text.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Stop {
    /// The pattern.
    pub pattern: String,
    /// Whether the text keeps the pattern.
    pub keep: bool,
}

/// The stop patterns cannot be compiled.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The patterns are too large for an automaton.
    #[error("the stop patterns are too large: {0}")]
    Build(#[from] BuildError),
    /// The automaton cannot search a stream.
    #[error(transparent)]
    Search(#[from] MatchError),
}

/// Searches a stream for stop patterns.
#[derive(Clone, Debug)]
pub struct Matcher {
    stops: Vec<Stop>,
    automaton: NFA,
    /// For each state, how many bytes of a pattern have been read, which may still
    /// become a match. Missing states have read none.
    depths: FxHashMap<StateID, usize>,
    state: StateID,
    /// The text that is held back.
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
    /// If the patterns are too large for an automaton.
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
                // The state is dead behind a match of an earlier pattern, so nothing
                // is held back for this one.
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

    /// Takes the next piece of the stream, which may end inside a character. Adds to
    /// `shown` the text that cannot belong to a match any more. Returns whether the
    /// text has ended; the matcher ignores what follows.
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

    /// Ends the stream. Adds the text that was held back to `shown`. Returns the pattern
    /// that ended the text, if one did.
    pub fn finish(mut self, shown: &mut String) -> Option<Stop> {
        if self.ended_by.is_none() {
            self.decide(shown);
        }
        self.ended_by.map(|pattern| self.stops.swap_remove(pattern))
    }

    /// Ends the text at the best match; without a match, at the end of the stream.
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

    /// Moves the first `end` bytes that are held back to `shown`, except for an
    /// incomplete character.
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
