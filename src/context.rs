//! Cross-file context for one cursor in one buffer. [`assemble`] is the one
//! function behind `getContext`, `fimd context` and every training example.
//!
//! A context comes about in four steps: `buffer` and `site` read the code
//! around the cursor, `query` finds the chunks that resemble it, `rank` (with
//! `infer`) finds the declarations that it is likely to name next, and `pack`
//! fits both into the budget. `weights` holds every number that they choose by.
//! `course` keeps what it has shown while somebody types on, and adds to it.

pub mod budget;
mod buffer;
mod candidate;
mod course;
mod included;
mod infer;
mod pack;
mod query;
mod rank;
mod request;
mod site;
mod snippet;
mod weights;

use buffer::Buffer;
pub use course::{Course, CourseKey, Courses, assemble_from, first_start};
use infer::{ClassLookup, Inference};
use pack::Found;
pub(crate) use pack::file_header;
use rank::{LikelyNames, RealCalls, Surroundings, Threshold};
pub use request::{ContextRequest, MinScore, Signal};
pub use snippet::{Context, DroppedSnippet, Snippet, SnippetSource};
use weights::{LITERAL_SHARE, NEIGHBOUR_CHUNKS, SHOWN_CHUNKS, names_looked_up};

use crate::cancel::{Cancel, Cancelled};
use crate::index::{Library, Snapshot};

/// Assembles the cross-file context for `request`.
///
/// A function of its arguments alone: the same snapshot and request give the
/// same bytes, in the editor as in training.
///
/// # Errors
/// [`Cancelled`] once `cancel` is set.
pub fn assemble(
    snapshot: &Snapshot,
    request: &ContextRequest<'_>,
    cancel: &Cancel,
) -> Result<Context, Cancelled> {
    assemble_without(&[], snapshot, request, cancel)
}

/// Like [`assemble`], with the signals `without` switched off.
///
/// # Errors
/// [`Cancelled`] once `cancel` is set.
pub fn assemble_without(
    without: &[Signal],
    snapshot: &Snapshot,
    request: &ContextRequest<'_>,
    cancel: &Cancel,
) -> Result<Context, Cancelled> {
    let packed = find(without, snapshot, request, cancel, |found| {
        let packed = pack::pack(found, request, cancel)?;
        Ok(packed.context)
    });
    packed.map(Option::unwrap_or_default)
}

/// Whether `snapshot` has any source of a context.
fn has_sources(snapshot: &Snapshot) -> bool {
    !snapshot.segments().is_empty() || !snapshot.library().is_none_or(Library::is_empty)
}

/// Calls `take` with what is found for `request`, with the signals `without` switched
/// off. Returns its result; `None` if there is no source of a context.
///
/// # Errors
/// [`Cancelled`] once `cancel` is set.
fn find<T>(
    without: &[Signal],
    snapshot: &Snapshot,
    request: &ContextRequest<'_>,
    cancel: &Cancel,
    take: impl FnOnce(Found<'_, '_>) -> Result<T, Cancelled>,
) -> Result<Option<T>, Cancelled> {
    cancel.check()?;
    // Without any source there is no context, whatever the buffer holds.
    if !has_sources(snapshot) {
        return Ok(None);
    }
    let buffer = Buffer::new(request);
    let hits = if request.bm25 {
        query::similar_chunks(snapshot, &buffer, NEIGHBOUR_CHUNKS, cancel)?
    } else {
        Vec::new()
    };
    cancel.check()?;
    let lookup = ClassLookup::new(snapshot, &buffer);
    let inference = Inference::new(&buffer, snapshot, &lookup);
    let (mut literals, mut threshold) = (None, Threshold::default());
    let (mut ranking, mut calls) = (None, RealCalls::default());
    let candidates = if request.dependencies {
        let surroundings = Surroundings::new(&inference);
        let count = names_looked_up(request.max_chars);
        let mut found = rank::rank(&surroundings, &hits, count, without, cancel)?;
        let mut candidates = rank::likely_declarations(&inference, &found, cancel)?;
        if !without.contains(&Signal::Dependencies) {
            rank::add_dependencies(&surroundings, &mut candidates);
        }
        threshold = found.threshold(request.min_score);
        literals = found.literals.take();
        ranking = Some(found);
        let candidates = rank::merge_same(candidates);
        calls = rank::real_calls(&surroundings, &candidates);
        candidates
    } else {
        Vec::new()
    };
    cancel.check()?;
    let chunks = &hits[..hits.len().min(SHOWN_CHUNKS)];
    take(Found {
        candidates: &candidates,
        literals,
        literal_chars: (request.max_chars as f32 * LITERAL_SHARE) as usize,
        chunks,
        names: ranking.as_ref().map(LikelyNames::of),
        calls,
        threshold,
        buffer: &buffer,
    })
    .map(Some)
}
