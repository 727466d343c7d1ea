//! Packs declarations and chunks into the budget of a context.
//!
//! Every declaration competes by its probability per character: single
//! members, functions, constants and class heads, never whole classes. A part
//! of the budget is kept for chunks, which show usage. What is less likely than
//! the relevance threshold is left out even if there is room for it.

mod chunks;
mod declarations;
mod duplicates;
mod render;
mod state;

use chunks::ChunkPacker;
use declarations::DeclarationPacker;
pub(crate) use render::file_header;
use state::PackingState;

use super::candidate::ScoredCandidate;
use super::request::ContextRequest;
use super::snippet::Context;
use super::weights::{CHUNK_BUDGET_SHARE, DROPPED_SNIPPETS, MIN_CHUNK_SCORE};
use crate::cancel::{Cancel, Cancelled};
use crate::index::Hit;

/// Packs `candidates` and `chunks` into the budget of `request`.
///
/// # Errors
/// [`Cancelled`] once `cancel` is set.
pub(super) fn pack(
    candidates: &[ScoredCandidate<'_>],
    chunks: &[Hit],
    request: &ContextRequest<'_>,
    cancel: &Cancel,
) -> Result<Context, Cancelled> {
    let max_chars = request.max_chars;
    let best = chunks.first().map_or(0.0, |hit| hit.score);
    let (chunks, weak): (Vec<&Hit>, Vec<&Hit>) = chunks
        .iter()
        .partition(|hit| hit.score >= MIN_CHUNK_SCORE * best);
    let share = if candidates.is_empty() {
        1.0
    } else {
        CHUNK_BUDGET_SHARE
    };
    let wanted: usize = chunks
        .iter()
        .map(|hit| hit.chunk.len() + hit.file.path.len())
        .sum();
    let reserved = ((max_chars as f32 * share) as usize).min(wanted);

    let mut state = PackingState::new(max_chars, request.secrets);
    let mut declarations = DeclarationPacker::default();
    let pending = declarations.sort_out(candidates, request.min_score, &mut state);
    let pending = declarations.take(pending, max_chars - reserved, &mut state, cancel)?;
    let mut usage = ChunkPacker::default();
    usage.take(&chunks, &mut state);
    // Declarations may fill the room that the chunks did not need.
    for candidate in declarations.take(pending, max_chars, &mut state, cancel)? {
        state.drop_candidate(candidate.scored, "no room");
    }
    state.drop_chunks(&weak, "below the relevance threshold");

    let mut context = Context::default();
    declarations.write(&mut context);
    usage.write(&mut context);
    (context.dropped, context.redacted) = state.finish();
    context
        .dropped
        .sort_by(|a, b| b.snippet.score.total_cmp(&a.snippet.score));
    context.dropped.truncate(DROPPED_SNIPPETS);
    Ok(context)
}
