//! Packs declarations and chunks into the budget of a context.
//!
//! Every declaration competes by its probability per character: single
//! members, functions, constants and class heads, never whole classes. A part
//! of the budget is kept for chunks, which show usage. What is less likely than
//! the relevance threshold is left out even if there is room for it.

mod chunks;
mod declarations;
mod duplicates;
mod excerpt;
mod outline;
mod render;
mod sections;
mod state;

use chunks::ChunkPacker;
use declarations::DeclarationPacker;
use outline::Outline;
pub(crate) use render::file_header;
use state::PackingState;

use super::buffer::Buffer;
use super::candidate::ScoredCandidate;
use super::rank::{LikelyLiterals, LikelyNames, RealCalls, Threshold};
use super::request::ContextRequest;
use super::snippet::Context;
use super::weights::{
    CHUNK_BUDGET_SHARE, CHUNK_LIMIT_SHARE, MIN_CHUNK_SCORE, OUTLINE_BUDGET_SHARE,
};
use crate::cancel::{Cancel, Cancelled};
use crate::index::Hit;

/// What was found for a context.
pub(super) struct Found<'p, 'a> {
    pub(super) candidates: &'p [ScoredCandidate<'a>],
    pub(super) literals: Option<LikelyLiterals<'a>>,
    /// The most characters of the line of literals and its header.
    pub(super) literal_chars: usize,
    pub(super) chunks: &'p [Hit],
    /// The likely names, for judging what the chunks show; `None` if none were asked for.
    pub(super) names: Option<LikelyNames<'p>>,
    /// Real calls of the likeliest candidates.
    pub(super) calls: RealCalls<'a>,
    /// What is below it is left out.
    pub(super) threshold: Threshold,
    /// The buffer, whose outline the context begins with.
    pub(super) buffer: &'a Buffer<'a>,
}

/// What was packed.
pub(super) struct Packed<'a> {
    pub(super) context: Context,
    /// The [keys](super::candidate::Candidate::key) of the declarations in it.
    pub(super) shown: Vec<(&'a str, u32)>,
    /// Whether a declaration was left out for want of room.
    pub(super) lacks_room: bool,
}

/// The outline of `buffer`, in at most `max_chars` characters.
pub(super) fn outline(
    buffer: &Buffer<'_>,
    request: &ContextRequest<'_>,
    max_chars: usize,
) -> Context {
    let mut state = PackingState::new(max_chars, request.secrets);
    let mut context = Context::default();
    outline_of(buffer, request, max_chars, &mut state).write(&mut context);
    (context.dropped, context.redacted) = state.finish();
    context
}

fn outline_of<'a>(
    buffer: &'a Buffer<'a>,
    request: &ContextRequest<'_>,
    max_chars: usize,
    state: &mut PackingState<'_>,
) -> Outline<'a> {
    match &request.window {
        Some((start, end)) if request.dependencies => {
            Outline::new(buffer, &(*start..*end), max_chars, state)
        }
        _ => Outline::default(),
    }
}

/// Packs what was `found` into the budget of `request`.
///
/// # Errors
/// [`Cancelled`] once `cancel` is set.
pub(super) fn pack<'a>(
    found: Found<'_, 'a>,
    request: &ContextRequest<'_>,
    cancel: &Cancel,
) -> Result<Packed<'a>, Cancelled> {
    let Found {
        candidates,
        literals,
        literal_chars,
        chunks,
        names,
        calls,
        threshold,
        buffer,
    } = found;
    let max_chars = request.max_chars;
    let best = chunks.first().map_or(0.0, |hit| hit.score);
    let (chunks, weak): (Vec<&Hit>, Vec<&Hit>) = chunks
        .iter()
        .partition(|hit| hit.score >= MIN_CHUNK_SCORE * best);
    let share = if candidates.is_empty() && literals.is_none() {
        1.0
    } else {
        CHUNK_BUDGET_SHARE
    };
    let mut state = PackingState::new(max_chars, request.secrets);
    let most = (max_chars as f32 * OUTLINE_BUDGET_SHARE) as usize;
    let outline = outline_of(buffer, request, most, &mut state);
    let outlined = state.used;
    let room = max_chars - outlined;
    let reserved = ((room as f32 * share) as usize).min(whole_chars(&chunks));
    let mut declarations = DeclarationPacker::new(buffer.scope().namespace(), calls);
    if let Some(literals) = literals {
        declarations.take_literals(&literals, literal_chars, &mut state);
    }
    let pending = declarations.sort_out(candidates, threshold.probability, &mut state);
    let (first, per_char) = (max_chars - reserved, threshold.per_char);
    let pending = declarations.take(pending, first, per_char, &mut state, cancel)?;
    let mut usage = ChunkPacker::default();
    let limit = ((max_chars as f32 * share.max(CHUNK_LIMIT_SHARE)) as usize).max(reserved);
    let per_usage_char = threshold.per_usage_char;
    usage.take(&chunks, names.as_ref(), per_usage_char, limit, &mut state);
    // Declarations may fill the room that the chunks did not need.
    let pending = declarations.take(pending, max_chars, threshold.per_char, &mut state, cancel)?;
    let lacks_room = !pending.is_empty();
    for candidate in pending {
        state.drop_candidate(candidate.scored, "no room, or not worth it");
    }
    if state.used == outlined {
        // Nothing likely is known, so what is most like the code is all there is to show.
        usage.take(&chunks, None, 0.0, limit, &mut state);
    }
    state.drop_chunks(&weak, "below the relevance threshold");

    let mut context = Context::default();
    outline.write(&mut context);
    let shown = declarations.write(&mut context);
    usage.write(&mut context);
    (context.dropped, context.redacted) = state.finish();
    Ok(Packed {
        context,
        shown,
        lacks_room,
    })
}

/// About how many characters `chunks` take as a whole, with their headers.
fn whole_chars(chunks: &[&Hit]) -> usize {
    let chars = chunks
        .iter()
        .map(|hit| hit.chunk.len() + hit.file.path.len());
    chars.sum()
}
