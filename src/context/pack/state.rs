//! What declarations and chunks share while they are packed: the room that is
//! left, the secrets that were replaced, and the snippets that were left out.

use std::collections::BTreeMap;

use super::render::signature_chars;
use crate::context::candidate::ScoredCandidate;
use crate::context::snippet::{DroppedSnippet, Snippet, SnippetSource};
use crate::index::Hit;
use crate::secrets::{Secret, Secrets};

pub(super) struct PackingState<'a> {
    /// The size of the whole context, in characters.
    pub(super) max_chars: usize,
    /// Characters that are used so far.
    pub(super) used: usize,
    pub(super) secrets: Option<&'a Secrets>,
    dropped: Vec<DroppedSnippet>,
    redacted: BTreeMap<&'static str, u64>,
}

impl<'a> PackingState<'a> {
    pub(super) fn new(max_chars: usize, secrets: Option<&'a Secrets>) -> Self {
        Self {
            max_chars,
            used: 0,
            secrets,
            dropped: Vec::new(),
            redacted: BTreeMap::new(),
        }
    }

    /// Counts secrets that placeholders replace in the context.
    pub(super) fn count_redacted<'s>(&mut self, secrets: impl IntoIterator<Item = &'s Secret>) {
        for secret in secrets {
            *self.redacted.entry(secret.kind).or_default() += 1;
        }
    }

    /// Records a declaration that is left out.
    pub(super) fn drop_candidate(&mut self, scored: ScoredCandidate<'_>, reason: &'static str) {
        let ScoredCandidate { candidate, score } = scored;
        let span = candidate.span();
        let snippet = Snippet {
            path: candidate.path().to_owned(),
            start: span.start as usize,
            end: span.end as usize,
            source: SnippetSource::Dependency,
            score,
            chars: signature_chars(span),
        };
        self.dropped.push(DroppedSnippet { snippet, reason });
    }

    /// Records chunks that are left out.
    pub(super) fn drop_chunks(&mut self, chunks: &[&Hit], reason: &'static str) {
        for hit in chunks {
            let snippet = Snippet {
                path: hit.file.path.to_string(),
                start: hit.chunk.start as usize,
                end: hit.chunk.end as usize,
                source: SnippetSource::Bm25,
                score: hit.score,
                chars: hit.chunk.of(&hit.file.text).chars().count(),
            };
            self.dropped.push(DroppedSnippet { snippet, reason });
        }
    }

    /// The snippets that were left out, and the replaced secrets by kind.
    pub(super) fn finish(self) -> (Vec<DroppedSnippet>, BTreeMap<&'static str, u64>) {
        (self.dropped, self.redacted)
    }
}
