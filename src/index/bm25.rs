//! Ranking by BM25 (Robertson & Zaragoza, "The Probabilistic Relevance
//! Framework: BM25 and Beyond", 2009), with the idf of Lucene, which is above
//! 0 for every term:
//!
//! ```text
//! score(chunk) = Σ weight · idf · tf / (tf + k1 · (1 − b + b · length / mean length))
//!          idf = ln(1 + (N − df + ½) / (df + ½))
//! ```
//!
//! It is exact: no chunk is skipped, and no term but those that tell least, if a
//! query has more than it is to use. The statistics are integers over the live
//! chunks and a chunk's score is summed in the order of weights, so that how the
//! index is cut into segments changes no bit of it.

use std::collections::BinaryHeap;
use std::sync::Arc;

use super::SourceFile;
use super::snapshot::LiveSegment;
use crate::cancel::{Cancel, Cancelled};
use crate::php::Span;

/// How soon repetitions of a term stop counting.
pub const K1: f64 = 1.2;

/// How much a chunk's length counts against it.
pub const B: f64 = 0.75;

/// How many scores are looked at together.
const BLOCK: usize = 64;

/// What is searched for.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The terms, each with what it counts for; one whose weight is not above 0
    /// counts for nothing.
    pub terms: &'a [(&'a str, f32)],
    /// How many of them are used: those whose weight · idf is highest, since
    /// common ones cost most and tell least.
    pub most: usize,
}

/// A chunk that a query found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The file it stands in.
    pub file: Arc<SourceFile>,
    /// Its bytes in the file's text.
    pub chunk: Span,
    /// BM25 score, above 0.
    pub score: f32,
}

/// What a term's occurrence is worth, by the numbers of the whole collection.
#[must_use]
pub fn idf(chunks: usize, frequency: usize) -> f64 {
    let (chunks, frequency) = (chunks as f64, frequency as f64);
    (1.0 + (chunks - frequency + 0.5) / (frequency + 0.5)).ln()
}

/// A found chunk among others: the lesser is the better one.
struct Candidate<'a> {
    score: f32,
    path: &'a str,
    segment: &'a LiveSegment,
    chunk: usize,
}

impl Ord for Candidate<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let score = other.score.total_cmp(&self.score);
        // A path is live in one segment only, whose chunks are in order.
        score.then_with(|| (self.path, self.chunk).cmp(&(other.path, other.chunk)))
    }
}

impl PartialOrd for Candidate<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate<'_> {}

/// See [`Snapshot::search`](super::Snapshot::search).
pub(super) fn search(
    segments: &[LiveSegment],
    query: &Query<'_>,
    exclude: &str,
    limit: usize,
    cancel: &Cancel,
) -> Result<Vec<Hit>, Cancelled> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    // The chunks of the excluded file, in each segment: none but in one.
    let excluded: Vec<_> = segments
        .iter()
        .map(|live| {
            live.position(exclude)
                .map_or(0..0, |file| live.segment().chunks_of(file))
        })
        .collect();
    let (mut chunks, mut length) = (0, 0);
    for (live, excluded) in segments.iter().zip(&excluded) {
        let (live_chunks, live_length) = live.totals();
        let lengths = &live.segment().lengths()[excluded.clone()];
        chunks += live_chunks - excluded.len();
        length += live_length - lengths.iter().map(|&n| u64::from(n)).sum::<u64>();
    }
    if chunks == 0 {
        return Ok(Vec::new());
    }

    let mut weighted: Vec<(f32, Vec<Option<u32>>)> = Vec::with_capacity(query.terms.len());
    for &(term, weight) in query.terms {
        if weight.is_nan() || weight <= 0.0 {
            continue;
        }
        let ids: Vec<_> = segments
            .iter()
            .map(|live| live.segment().term(term))
            .collect();
        let mut frequency = 0;
        for ((live, id), excluded) in segments.iter().zip(&ids).zip(&excluded) {
            if let &Some(id) = id {
                frequency += live.frequency(id) - live.segment().frequency_in(id, excluded);
            }
        }
        if frequency > 0 {
            let weight = (f64::from(weight) * idf(chunks, frequency)) as f32;
            weighted.push((weight, ids));
        }
    }
    weighted.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    weighted.truncate(query.most);

    let short = (K1 * (1.0 - B)) as f32;
    let per_term = (K1 * B * chunks as f64 / length as f64) as f32;
    let mut scores: Vec<f32> = Vec::new();
    let mut best: BinaryHeap<Candidate<'_>> = BinaryHeap::new();
    for (number, (live, excluded)) in segments.iter().zip(excluded).enumerate() {
        let segment = live.segment();
        let lengths = segment.lengths();
        scores.clear();
        scores.resize(lengths.len(), 0.0);
        for (weight, ids) in &weighted {
            cancel.check()?;
            let Some(term) = ids[number] else { continue };
            let (chunks, frequencies) = segment.postings(term);
            for (&chunk, &frequency) in chunks.iter().zip(frequencies) {
                let chunk = chunk as usize;
                let frequency = f32::from(frequency);
                let norm = short + per_term * lengths[chunk] as f32;
                scores[chunk] += weight * frequency / (frequency + norm);
            }
        }
        let dead = live.dead_files().map(|file| segment.chunks_of(file));
        for chunks in dead.chain([excluded]) {
            scores[chunks].fill(0.0);
        }
        let mut least = full(&best, limit).map_or(f32::MIN_POSITIVE, |worst| worst.score);
        for (block, scores) in scores.chunks(BLOCK).enumerate() {
            // A block without a good score, as most are, is passed over at once.
            if scores.iter().fold(0.0, |a: f32, b| a.max(*b)) < least {
                continue;
            }
            for (at, &score) in scores.iter().enumerate() {
                if score < least {
                    continue;
                }
                let chunk = block * BLOCK + at;
                let candidate = Candidate {
                    score,
                    path: &segment.file_of(chunk).path,
                    segment: live,
                    chunk,
                };
                match full(&best, limit) {
                    Some(worst) if candidate >= *worst => continue,
                    Some(_) => drop(best.pop()),
                    None => {}
                }
                best.push(candidate);
                if let Some(worst) = full(&best, limit) {
                    least = worst.score;
                }
            }
        }
    }
    let hit = |candidate: Candidate<'_>| {
        let segment = candidate.segment.segment();
        Hit {
            file: Arc::clone(segment.file_of(candidate.chunk)),
            chunk: segment.span(candidate.chunk),
            score: candidate.score,
        }
    };
    Ok(best.into_sorted_vec().into_iter().map(hit).collect())
}

/// The worst of the `limit` best, once there are that many.
fn full<'a, 'b>(best: &'a BinaryHeap<Candidate<'b>>, limit: usize) -> Option<&'a Candidate<'b>> {
    best.peek().filter(|_| best.len() >= limit)
}
