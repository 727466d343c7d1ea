//! What declarations and chunks share while they are packed: the room that is
//! left, the secrets that were replaced, and the snippets that were left out.

use std::collections::BTreeMap;

use super::render::signature_chars;
use crate::context::candidate::ScoredCandidate;
use crate::context::snippet::{DroppedSnippet, Snippet, SnippetSource};
use crate::context::weights::DROPPED_SNIPPETS;
use crate::index::Hit;
use crate::php::Span;
use crate::secrets::{Secret, Secrets};

pub(super) struct PackingState<'a> {
    /// The size of the whole context, in characters.
    pub(super) max_chars: usize,
    /// Characters that are used so far.
    pub(super) used: usize,
    pub(super) secrets: Option<&'a Secrets>,
    dropped: Vec<Dropped<'a>>,
    redacted: BTreeMap<&'static str, u64>,
}

/// What is left out. Most of it is never reported.
struct Dropped<'a> {
    score: f32,
    path: &'a str,
    span: Span,
    /// The chunk, if it is one.
    hit: Option<&'a Hit>,
    reason: &'static str,
}

impl From<Dropped<'_>> for DroppedSnippet {
    fn from(dropped: Dropped<'_>) -> Self {
        let Dropped {
            score, path, span, ..
        } = dropped;
        let (source, chars) = match dropped.hit {
            Some(hit) => (SnippetSource::Bm25, span.of(&hit.file.text).chars().count()),
            None => (SnippetSource::Dependency, signature_chars(span)),
        };
        let snippet = Snippet {
            path: path.to_owned(),
            start: span.start as usize,
            end: span.end as usize,
            source,
            score,
            chars,
        };
        Self {
            snippet,
            reason: dropped.reason,
        }
    }
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
    pub(super) fn drop_candidate(&mut self, scored: ScoredCandidate<'a>, reason: &'static str) {
        let ScoredCandidate { candidate, score } = scored;
        self.dropped.push(Dropped {
            score,
            path: candidate.path(),
            span: candidate.span(),
            hit: None,
            reason,
        });
    }

    /// Records chunks that are left out.
    pub(super) fn drop_chunks(&mut self, chunks: &[&'a Hit], reason: &'static str) {
        let dropped = chunks.iter().map(|hit| Dropped {
            score: hit.score,
            path: &hit.file.path,
            span: hit.chunk,
            hit: Some(hit),
            reason,
        });
        self.dropped.extend(dropped);
    }

    /// The best [`DROPPED_SNIPPETS`] snippets that were left out, best first, and the
    /// replaced secrets by kind.
    pub(super) fn finish(mut self) -> (Vec<DroppedSnippet>, BTreeMap<&'static str, u64>) {
        self.dropped.sort_by(|a, b| b.score.total_cmp(&a.score));
        self.dropped.truncate(DROPPED_SNIPPETS);
        let dropped = self.dropped.into_iter().map(DroppedSnippet::from);
        (dropped.collect(), self.redacted)
    }
}
