//! The context while somebody types in one place: it is only added to.
//!
//! A *course* begins at a byte of the buffer, its start. Behind the start lie
//! checkpoints (`checkpoint`): places where the code asks for something new. At each of
//! them, up to the cursor, the context is found as if the buffer ended there and went on
//! with the lines behind the cursor. The first one, at the start, makes a context that
//! leaves room. Each further one appends what is likely there and not shown yet. When
//! the budget is full, the context is made anew.
//!
//! So the context at a cursor is a function of the snapshot, the buffer, the start and
//! the cursor. It does not matter which requests came in between: a [`Course`] only
//! remembers what it would compute again. While the cursor moves on, most contexts equal
//! the one before, or begin with it. A cursor that moves back gets the bytes that it had
//! there.

mod checkpoint;
mod courses;
mod start;

use std::sync::Arc;

use rustc_hash::FxHashSet;
use xxhash_rust::xxh3::xxh3_64;

use self::checkpoint::checkpoints;
pub use self::courses::{CourseKey, Courses};
pub use self::start::first_start;
use super::buffer::Buffer;
use super::pack::{self, Found, Packed, file_header};
use super::rank::Threshold;
use super::request::{ContextRequest, MinScore};
use super::snippet::Context;
use super::weights::{
    COURSE_ADDITION_SHARE, COURSE_BYTES, COURSE_CHECKPOINTS, COURSE_FIRST_SHARE,
    COURSE_LEAST_ADDITION, COURSE_LITERAL_SHARE, COURSE_MISSING, COURSE_MISSING_IN_MIXTURE,
    COURSE_OUTLINE_SHARE, COURSE_PASSED, COURSE_SCORE,
};
use super::{find, has_sources};
use crate::cancel::{Cancel, Cancelled};
use crate::index::{Snapshot, StateBeside};
use crate::text::line_end;

/// The context for `request` after its text was typed from byte `start` of the buffer
/// on. A start that is far away from the cursor, or behind it, counts as the cursor.
///
/// A function of its arguments alone, as [`assemble`](super::assemble) is.
///
/// # Errors
/// [`Cancelled`] once `cancel` is set.
pub fn assemble_from(
    start: usize,
    snapshot: &Snapshot,
    request: &ContextRequest<'_>,
    cancel: &Cancel,
) -> Result<Context, Cancelled> {
    Course::new(start, snapshot, request).context(snapshot, request, cancel)
}

/// The context of one place in a buffer while somebody types there.
#[derive(Clone, Debug)]
pub struct Course {
    /// The byte of the buffer at which it begins.
    start: usize,
    origin: CourseOrigin,
    /// The buffer's text from the start to the last cursor.
    typed: String,
    /// In ascending order; the first is the start. Empty before the first context.
    checkpoints: Vec<Checkpoint>,
    additions: Vec<Arc<Addition>>,
}

/// What the contexts of a course are made from, beside the text that is typed.
#[derive(Clone, Debug, PartialEq)]
struct CourseOrigin {
    /// The hash of the text before the start.
    before: u64,
    /// The bytes of the lines behind the cursor's, and their hash.
    behind: (usize, u64),
    state: StateBeside,
    max_chars: usize,
    min_score: MinScore,
    dependencies: bool,
    bm25: bool,
    redacts: bool,
}

/// A checkpoint that the cursor has passed.
#[derive(Clone, Copy, Debug)]
struct Checkpoint {
    /// Its byte in the buffer.
    at: usize,
    /// How many additions are made up to it, itself included.
    additions: usize,
}

/// What a checkpoint adds to the context.
#[derive(Debug)]
struct Addition {
    /// Whether the context begins anew with it.
    begins: bool,
    context: Context,
    /// The characters of its text.
    chars: usize,
    /// The keys of the declarations in it.
    shown: Vec<(Box<str>, u32)>,
}

impl CourseOrigin {
    fn new(start: usize, snapshot: &Snapshot, request: &ContextRequest<'_>) -> Self {
        let behind = &request.content[line_end(request.content, request.cursor)..];
        Self {
            before: xxh3_64(&request.content.as_bytes()[..start]),
            behind: (behind.len(), xxh3_64(behind.as_bytes())),
            state: snapshot.state_beside(request.path),
            max_chars: request.max_chars,
            min_score: request.min_score,
            dependencies: request.dependencies,
            bm25: request.bm25,
            redacts: request.secrets.is_some(),
        }
    }
}

impl Course {
    /// A course from byte `start` of the buffer of `request` on; from its cursor if the
    /// start is far away or behind that.
    fn new(start: usize, snapshot: &Snapshot, request: &ContextRequest<'_>) -> Self {
        let mut start = request.content.floor_char_boundary(start);
        if start > request.cursor || checkpoints_between(start, request).is_none() {
            start = request.cursor;
        }
        Self {
            start,
            origin: CourseOrigin::new(start, snapshot, request),
            typed: String::new(),
            checkpoints: Vec::new(),
            additions: Vec::new(),
        }
    }

    /// The byte of the buffer at which it begins: [`assemble_from`] makes the same
    /// contexts from there.
    #[must_use]
    pub fn start(&self) -> usize {
        self.start
    }

    /// This course if the text of `request` was typed in it, with what it remembers
    /// as far as that still holds. None if the cursor is in another place, or if too
    /// much would have to be made again.
    fn at(mut self, snapshot: &Snapshot, request: &ContextRequest<'_>) -> Option<Self> {
        if !request.content.is_char_boundary(self.start) || self.start > request.cursor {
            return None;
        }
        let between = checkpoints_between(self.start, request)?;
        let origin = CourseOrigin::new(self.start, snapshot, request);
        if origin != self.origin {
            let behind = &request.content[request.content.len() - origin.behind.0..];
            let is_same_place = origin.before == self.origin.before
                && (origin.behind == self.origin.behind || closes_only(behind, self.origin.behind));
            if !is_same_place {
                return None;
            }
            // The same start, but its contexts have to be made again.
            self.origin = origin;
            self.checkpoints.clear();
            self.additions.clear();
        }
        self.go_back_to(&request.content[self.start..request.cursor]);
        let last = self.checkpoints.last().map_or(0, |last| last.at);
        let ahead = between.iter().filter(|at| **at > last).count();
        (ahead <= COURSE_PASSED).then_some(self)
    }

    /// The context at the cursor of `request`, which this course is for.
    ///
    /// # Errors
    /// [`Cancelled`] once `cancel` is set.
    pub fn context(
        &mut self,
        snapshot: &Snapshot,
        request: &ContextRequest<'_>,
        cancel: &Cancel,
    ) -> Result<Context, Cancelled> {
        self.go_back_to(&request.content[self.start..request.cursor]);
        if self.checkpoints.is_empty() {
            self.pass(self.start, snapshot, request, cancel)?;
        }
        let last = self.checkpoints.last().map_or(self.start, |last| last.at);
        if last < request.cursor {
            for at in checkpoints(&request.content[..request.cursor], last) {
                self.pass(at, snapshot, request, cancel)?;
            }
        }
        let mut passed = self.checkpoints.iter().rev();
        let last = passed.find(|checkpoint| checkpoint.at <= request.cursor);
        let additions = self.in_force(last.map_or(0, |last| last.additions));
        Ok(joined(outline(snapshot, request), additions))
    }

    /// Forgets the checkpoints behind which the buffer has other text than before;
    /// `typed` is the text from the start to the cursor. A cursor that has only moved
    /// back changes no text.
    fn go_back_to(&mut self, typed: &str) {
        let pairs = typed.bytes().zip(self.typed.bytes());
        let same = pairs.take_while(|(new, old)| new == old).count();
        if same == typed.len() {
            return;
        }
        let (start, checkpoints) = (self.start, &mut self.checkpoints);
        checkpoints.retain(|checkpoint| checkpoint.at <= start + same);
        let additions = checkpoints.last().map_or(0, |last| last.additions);
        self.additions.truncate(additions);
        typed.clone_into(&mut self.typed);
    }

    /// Those of the first `count` additions that the context consists of.
    fn in_force(&self, count: usize) -> &[Arc<Addition>] {
        let made = &self.additions[..count];
        let begin = made.iter().rposition(|addition| addition.begins);
        &made[begin.unwrap_or(0)..]
    }

    /// Passes the checkpoint at byte `at`: adds what the context lacks there.
    fn pass(
        &mut self,
        at: usize,
        snapshot: &Snapshot,
        request: &ContextRequest<'_>,
        cancel: &Cancel,
    ) -> Result<(), Cancelled> {
        let behind = &request.content[line_end(request.content, request.cursor)..];
        let content = [&request.content[..at], behind].concat();
        let there = ContextRequest {
            content: &content,
            cursor: at,
            window: None,
            max_chars: request.max_chars - share_of(request, COURSE_OUTLINE_SHARE),
            ..*request
        };
        let shown = Shown::by(self.in_force(self.additions.len()));
        let added = find(&[], snapshot, &there, cancel, |found| {
            if shown.chars > 0
                && let Some(added) = shown.lacking(&found, &there, cancel)?
            {
                return Ok(added);
            }
            begin(found, &there, cancel)
        })?;
        self.additions
            .extend(added.into_iter().flatten().map(Arc::new));
        let additions = self.additions.len();
        self.checkpoints.push(Checkpoint { at, additions });
        Ok(())
    }
}

/// The checkpoints between byte `start` and the cursor; none if these are too far apart.
fn checkpoints_between(start: usize, request: &ContextRequest<'_>) -> Option<Vec<usize>> {
    let is_near = request.cursor - start <= COURSE_BYTES;
    let between = is_near.then(|| checkpoints(&request.content[..request.cursor], start));
    between.filter(|between| between.len() < COURSE_CHECKPOINTS)
}

/// `share` of the budget of `request`, in characters.
fn share_of(request: &ContextRequest<'_>, share: f32) -> usize {
    (request.max_chars as f32 * share) as usize
}

/// Whether `behind` is the text of `old.0` bytes with the hash `old.1`, and before it
/// only what an editor adds to close a bracket.
fn closes_only(behind: &str, old: (usize, u64)) -> bool {
    let Some(added) = behind.len().checked_sub(old.0) else {
        return false;
    };
    let (closers, rest) = behind.as_bytes().split_at(added);
    let is_closer = |byte: &u8| byte.is_ascii_whitespace() || b")]};,".contains(byte);
    closers.iter().all(is_closer) && xxh3_64(rest) == old.1
}

/// The outline of the buffer, with which the context begins. It depends on the buffer
/// and the window alone, so it needs no checkpoints.
fn outline(snapshot: &Snapshot, request: &ContextRequest<'_>) -> Context {
    if request.window.is_none() || !has_sources(snapshot) {
        return Context::default();
    }
    let most = share_of(request, COURSE_OUTLINE_SHARE);
    pack::outline(&Buffer::new(request), request, most)
}

/// The context that consists of the outline `joined` and `additions`.
fn joined(mut joined: Context, additions: &[Arc<Addition>]) -> Context {
    joined.dropped.clear();
    for addition in additions {
        let Context {
            text,
            files,
            snippets,
            redacted,
            ..
        } = &addition.context;
        joined.text.push_str(text);
        joined.files.extend_from_slice(files);
        joined.snippets.extend_from_slice(snippets);
        for (kind, count) in redacted {
            *joined.redacted.entry(kind).or_default() += count;
        }
    }
    joined
}

/// The additions with which a context begins.
fn begin(
    found: Found<'_, '_>,
    request: &ContextRequest<'_>,
    cancel: &Cancel,
) -> Result<Vec<Addition>, Cancelled> {
    let first = share_of(request, COURSE_FIRST_SHARE);
    let room = ContextRequest {
        // What is too little for an addition would stay empty.
        max_chars: match request.max_chars - first < COURSE_LEAST_ADDITION {
            true => request.max_chars,
            false => first,
        },
        ..*request
    };
    let rest = Found {
        literals: None,
        chunks: &[],
        names: None,
        calls: found.calls.clone(),
        ..found
    };
    let first = Arc::new(Addition::new(pack::pack(found, &room, cancel)?, true));
    let more = Shown::by(std::slice::from_ref(&first)).lacking(&rest, request, cancel)?;
    let more = more.into_iter().flatten();
    Ok(Arc::into_inner(first).into_iter().chain(more).collect())
}

impl Addition {
    fn new(packed: Packed<'_>, begins: bool) -> Self {
        let Packed { context, shown, .. } = packed;
        let shown = shown.into_iter();
        Self {
            begins,
            chars: context.text.chars().count(),
            shown: shown.map(|(path, at)| (path.into(), at)).collect(),
            context,
        }
    }

    /// Leaves out its first header if that names the file `last`, whose section it
    /// goes on with.
    fn go_on_with(&mut self, last: &str) {
        let header = file_header(last);
        if let Some(rest) = self.context.text.strip_prefix(&header) {
            self.context.text = rest.to_owned();
            self.context.files.remove(0);
            self.chars -= header.chars().count();
        }
    }
}

/// What a context shows.
struct Shown<'c> {
    declarations: FxHashSet<(&'c str, u32)>,
    text: String,
    /// The characters of the text.
    chars: usize,
    /// The file of its last section.
    last: Option<&'c str>,
}

impl<'c> Shown<'c> {
    /// What `additions` show.
    fn by(additions: &'c [Arc<Addition>]) -> Self {
        let files = additions.iter().flat_map(|one| &one.context.files);
        let declarations = additions.iter().flat_map(|one| &one.shown);
        Self {
            declarations: declarations.map(|(path, at)| (&**path, *at)).collect(),
            text: additions.iter().map(|one| &*one.context.text).collect(),
            chars: additions.iter().map(|one| one.chars).sum(),
            last: files.last().map(String::as_str),
        }
    }

    /// What to add of what was `found`: nothing if nothing likely is missing. None if
    /// there is no room for it.
    fn lacking(
        &self,
        found: &Found<'_, '_>,
        request: &ContextRequest<'_>,
        cancel: &Cancel,
    ) -> Result<Option<Vec<Addition>>, Cancelled> {
        let mut missing = Vec::new();
        for scored in found.candidates {
            let is_shown = || self.declarations.contains(&scored.candidate.key());
            if scored.score >= COURSE_SCORE.max(found.threshold.probability) && !is_shown() {
                missing.push(*scored);
            }
        }
        let least = match found.threshold.is_by_evidence {
            true => COURSE_MISSING,
            false => COURSE_MISSING_IN_MIXTURE,
        };
        if missing.iter().map(|scored| scored.score).sum::<f32>() < least {
            missing.clear();
        }
        let mut literals = found.literals.clone();
        if let Some(literals) = &mut literals {
            let is_new = |text: &&str| !self.text.contains(&format!("'{text}'"));
            literals.texts.retain(is_new);
        }
        let literals = literals.filter(|literals| !literals.texts.is_empty());
        if missing.is_empty() && literals.is_none() {
            return Ok(Some(Vec::new()));
        }
        let room = request.max_chars.saturating_sub(self.chars);
        let most = share_of(request, COURSE_ADDITION_SHARE).max(COURSE_LEAST_ADDITION);
        let literal_chars = share_of(request, COURSE_LITERAL_SHARE);
        let request = ContextRequest {
            max_chars: room.min(most),
            ..*request
        };
        let lacking = Found {
            candidates: &missing,
            literals,
            literal_chars,
            chunks: &[],
            names: None,
            calls: found.calls.clone(),
            threshold: Threshold::default(),
            buffer: found.buffer,
        };
        let packed = pack::pack(lacking, &request, cancel)?;
        if packed.lacks_room && room < most {
            return Ok(None);
        }
        let mut added = Addition::new(packed, false);
        if let Some(last) = self.last {
            added.go_on_with(last);
        }
        Ok(Some(match added.context.text.is_empty() {
            true => Vec::new(),
            false => vec![added],
        }))
    }
}

#[cfg(test)]
mod tests;
