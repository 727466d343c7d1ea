//! Ranking by BM25 (Robertson & Zaragoza, "The Probabilistic Relevance
//! Framework: BM25 and Beyond", 2009), with the idf of Lucene, which is above
//! 0 for every term:
//!
//! ```text
//! score(chunk) = Σ weight · idf · tf / (tf + k1 · (1 − b + b · length / mean length))
//!          idf = ln(1 + (N − df + ½) / (df + ½))
//! ```
//!
//! The search is exact: it scores every chunk. It leaves out terms only if a
//! query has more than it may use, and then those of the lowest weight. The
//! statistics are integers over the live chunks, and each score is summed in the
//! order of weights. So the division of the index into segments does not change
//! a bit of a score.

use std::collections::BinaryHeap;
use std::ops::Range;
use std::sync::Arc;

use super::file::SourceFile;
use super::live::LiveSegment;
use crate::cancel::{Cancel, Cancelled};
use crate::php::Span;

/// How soon repetitions of a term stop adding to a score.
pub const K1: f64 = 1.2;

/// How much the length of a chunk lowers its score.
pub const B: f64 = 0.75;

/// The number of scores that are compared with the lowest useful one at once.
const BLOCK: usize = 64;

/// The number of maxima of a block that are kept at once.
const LANES: usize = 16;

/// The terms to search for.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The terms with their weights. A term whose weight is not above 0 is ignored.
    pub terms: &'a [(&'a str, f32)],
    /// The most terms to use: those with the highest weight · idf. Common terms
    /// cost the most time and say the least.
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

/// The inverse document frequency of a term that `frequency` of `chunks` chunks
/// contain.
#[must_use]
pub fn idf(chunks: usize, frequency: usize) -> f64 {
    let (chunks, frequency) = (chunks as f64, frequency as f64);
    (1.0 + (chunks - frequency + 0.5) / (frequency + 0.5)).ln()
}

/// A chunk with its score. In its order the lesser is the better one.
struct ScoredChunk<'a> {
    score: f32,
    path: &'a str,
    segment: &'a LiveSegment,
    chunk: usize,
}

impl Ord for ScoredChunk<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let score = other.score.total_cmp(&self.score);
        // A path is live in one segment only, and chunk numbers follow the text.
        score.then_with(|| (self.path, self.chunk).cmp(&(other.path, other.chunk)))
    }
}

impl PartialOrd for ScoredChunk<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ScoredChunk<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ScoredChunk<'_> {}

/// See [`Snapshot::search`](super::Snapshot::search).
pub(super) fn search(
    segments: &[LiveSegment],
    query: &Query<'_>,
    exclude: &str,
    limit: usize,
    cancel: &Cancel,
) -> Result<Vec<Hit>, Cancelled> {
    let collection = Collection::new(segments, exclude);
    if limit == 0 || collection.chunks == 0 {
        return Ok(Vec::new());
    }
    let terms = collection.weigh(query);
    let mut best = BestChunks {
        heap: BinaryHeap::new(),
        limit,
    };
    let mut scores: Vec<f32> = Vec::new();
    for (number, live) in segments.iter().enumerate() {
        collection.score(number, &terms, &mut scores, cancel)?;
        best.offer(live, &scores);
    }
    Ok(best.into_hits())
}

/// The chunks that a query searches: all live ones outside the excluded file.
struct Collection<'a> {
    segments: &'a [LiveSegment],
    /// The chunks of the excluded file in each segment. Only one segment has any.
    excluded: Vec<Range<usize>>,
    /// The number of chunks.
    chunks: usize,
    /// The number of terms of all chunks.
    length: u64,
}

/// A term of a query that stands in the collection.
struct WeightedTerm {
    /// The query's weight · idf.
    weight: f32,
    /// The term's number in each segment, where it has one.
    ids: Vec<Option<u32>>,
}

impl<'a> Collection<'a> {
    fn new(segments: &'a [LiveSegment], exclude: &str) -> Self {
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
        Self {
            segments,
            excluded,
            chunks,
            length,
        }
    }

    /// The terms of `query` to be searched for, the heaviest first.
    fn weigh(&self, query: &Query<'_>) -> Vec<WeightedTerm> {
        let mut weighted = Vec::with_capacity(query.terms.len());
        for &(term, weight) in query.terms {
            if weight.is_nan() || weight <= 0.0 {
                continue;
            }
            let segments = self.segments.iter();
            let ids: Vec<_> = segments.map(|live| live.segment().term(term)).collect();
            let mut frequency = 0;
            for ((live, id), excluded) in self.segments.iter().zip(&ids).zip(&self.excluded) {
                if let &Some(id) = id {
                    frequency += live.frequency(id) - live.segment().frequency_in(id, excluded);
                }
            }
            if frequency > 0 {
                let weight = (f64::from(weight) * idf(self.chunks, frequency)) as f32;
                weighted.push(WeightedTerm { weight, ids });
            }
        }
        weighted.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        weighted.truncate(query.most);
        weighted
    }

    /// Writes the score of each chunk of segment `number` into `scores`: 0 for a
    /// chunk that is no part of the collection.
    fn score(
        &self,
        number: usize,
        terms: &[WeightedTerm],
        scores: &mut Vec<f32>,
        cancel: &Cancel,
    ) -> Result<(), Cancelled> {
        let short = (K1 * (1.0 - B)) as f32;
        let per_term = (K1 * B * self.chunks as f64 / self.length as f64) as f32;
        let live = &self.segments[number];
        let segment = live.segment();
        let lengths = segment.lengths();
        scores.clear();
        scores.resize(lengths.len(), 0.0);
        for WeightedTerm { weight, ids } in terms {
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
        for chunks in dead.chain([self.excluded[number].clone()]) {
            scores[chunks].fill(0.0);
        }
        Ok(())
    }
}

/// The greatest of `scores`, of which none is below 0. Several maxima are kept at once,
/// so that no comparison waits for the one before it.
fn greatest(scores: &[f32]) -> f32 {
    let mut maxima = [0.0_f32; LANES];
    let (lanes, rest) = scores.as_chunks::<LANES>();
    for lane in lanes {
        for (most, score) in maxima.iter_mut().zip(lane) {
            *most = if *score > *most { *score } else { *most };
        }
    }
    let all = maxima.into_iter().chain(rest.iter().copied());
    all.fold(0.0, f32::max)
}

/// The best chunks found so far, at most `limit`.
struct BestChunks<'a> {
    /// The worst on top.
    heap: BinaryHeap<ScoredChunk<'a>>,
    limit: usize,
}

impl<'a> BestChunks<'a> {
    /// Takes the best of the chunks of `live`, which have these `scores`.
    fn offer(&mut self, live: &'a LiveSegment, scores: &[f32]) {
        let segment = live.segment();
        let mut least = self.worst().map_or(f32::MIN_POSITIVE, |worst| worst.score);
        for (block, scores) in scores.chunks(BLOCK).enumerate() {
            // Most blocks have no score that is high enough and are skipped at once.
            if greatest(scores) < least {
                continue;
            }
            for (at, &score) in scores.iter().enumerate() {
                if score < least {
                    continue;
                }
                let chunk = block * BLOCK + at;
                let candidate = ScoredChunk {
                    score,
                    path: &segment.file_of(chunk).path,
                    segment: live,
                    chunk,
                };
                match self.worst() {
                    Some(worst) if candidate >= *worst => continue,
                    Some(_) => drop(self.heap.pop()),
                    None => {}
                }
                self.heap.push(candidate);
                if let Some(worst) = self.worst() {
                    least = worst.score;
                }
            }
        }
    }

    /// The worst of the best chunks, once there are `limit` of them.
    fn worst(&self) -> Option<&ScoredChunk<'a>> {
        self.heap.peek().filter(|_| self.heap.len() >= self.limit)
    }

    /// The chunks as hits, best first.
    fn into_hits(self) -> Vec<Hit> {
        let hit = |found: ScoredChunk<'_>| {
            let segment = found.segment.segment();
            Hit {
                file: Arc::clone(segment.file_of(found.chunk)),
                chunk: segment.span(found.chunk),
                score: found.score,
            }
        };
        let best = self.heap.into_sorted_vec();
        best.into_iter().map(hit).collect()
    }
}
