//! The numbers by which the packing chooses.

/// Characters of a signature. A longer one loses its default values, then its
/// end. No measurement recorded.
pub(in crate::context) const SIGNATURE_CHARS: usize = 160;
/// Functions and methods beside whose signatures a real call may stand.
pub(in crate::context) const REAL_CALLS: usize = 4;
/// The least probability of such a function or method.
pub(in crate::context) const CALL_SCORE: f32 = 0.05;
/// The nearest files in which a call is looked for.
pub(in crate::context) const CALL_FILES: usize = 3;
/// Characters of a line that shows a call.
pub(in crate::context) const CALL_CHARS: usize = 100;
/// A method that more classes declare has no call, since that may be one of another
/// class.
pub(in crate::context) const COMMON_CALL: usize = 3;
/// Probability below which a function or method is shown without its parameters. The
/// line then takes 27 characters, not 45, on average.
pub(in crate::context) const BRIEF_SCORE: f32 = 0.02;
/// Characters of the signatures of all that is likely enough, above which some are shown
/// without parameters: where there is room, all of them are.
pub(in crate::context) const BRIEF_ABOVE_CHARS: usize = 1500;
/// Bytes that a line must save by leaving its parameters out.
pub(in crate::context) const BRIEF_SAVED_BYTES: usize = 8;
/// About how many characters such a line takes beside the name.
pub(in crate::context) const BRIEF_FRAME_CHARS: usize = 15;
/// Characters of a class's head; a longer one loses the names of its interfaces.
pub(in crate::context) const HEAD_CHARS: usize = 60;
/// Characters of a constant's value. No measurement recorded.
pub(in crate::context) const VALUE_CHARS: usize = 40;
/// Bytes of a doc comment's type that a signature shows. No measurement
/// recorded.
pub(in crate::context) const DOCUMENTED_TYPE_BYTES: usize = 24;

/// Chunks that may be shown. No measurement recorded.
pub(in crate::context) const SHOWN_CHUNKS: usize = 12;
/// The least score of a shown chunk, as a share of the best chunk's. No
/// measurement recorded.
pub(in crate::context) const MIN_CHUNK_SCORE: f32 = 0.5;
/// Share of the budget that the outline of the edited file takes at most. Of names that
/// the file declares out of sight, contexts held .21 without an outline, .61 in cacti and
/// .74 in mediawiki with this share, .74 and .86 with .25. The outline takes room from
/// what other files declare: `body` in phpmyadmin had .73 without it, .69 with this
/// share, .66 with .25; `identifier` lost nothing.
pub(in crate::context) const OUTLINE_BUDGET_SHARE: f32 = 0.15;
/// Declarations of the edited file that are considered for its outline. So many do not
/// fit; the limit bounds the time in a file with thousands.
pub(in crate::context) const OUTLINE_DECLARATIONS: usize = 200;
/// Share of the budget that is kept for chunks while declarations compete for
/// the rest. Chunks show usage. No measurement recorded.
pub(in crate::context) const CHUNK_BUDGET_SHARE: f32 = 0.25;
/// Share of the budget that chunks may take where declarations leave room.
pub(in crate::context) const CHUNK_LIMIT_SHARE: f32 = 0.3;
/// Characters of declarations for which the probability must reach the threshold: what
/// is less likely per character is left out even if there is room. See
/// [`DEFAULT_MIN_SCORE`]. A context at a random place had 2,665 characters with 30, and
/// 2,190 with 18.
pub(in crate::context) const PAYING_CHARS: f32 = 25.0;
/// The same where probabilities are shares of a mixture, which are too small for what is
/// unlikely. With 20, `ident` of identifiers fell from .929 to .908.
pub(in crate::context) const PAYING_CHARS_OF_MIXTURE: f32 = 100.0;
/// The same for excerpts of chunks, where the probabilities of the names in use add up.
/// 20 and 60 gave the same recall, .097 and .101 of use for statements.
pub(in crate::context) const PAYING_USAGE_CHARS: f32 = 40.0;
/// What a name in use is worth that another excerpt shows in use already.
pub(in crate::context) const USED_AGAIN: f32 = 0.2;
/// Lines that a chunk must show where the budget cuts it. No measurement
/// recorded.
pub(in crate::context) const MIN_CUT_CHUNK_LINES: usize = 3;

/// Tenths of a chunk's lines that must be code for it to be shown.
pub(in crate::context) const MIN_CODE_TENTHS: usize = 5;

/// Tenths of the longer chunk's words that the shorter one must have for the
/// two to be near duplicates. No measurement recorded.
pub(in crate::context) const DUPLICATE_LENGTH_TENTHS: usize = 8;
/// Tenths of the shorter chunk's words that the longer one must hold for the
/// two to be near duplicates. No measurement recorded.
pub(in crate::context) const DUPLICATE_WORDS_TENTHS: usize = 9;

/// Characters around the lines of a class: ` {` and `}`, or ` {}`, and line
/// breaks. A count of what is written.
pub(in crate::context) const CLASS_FRAME_CHARS: usize = 5;
/// Files of one folder that stand under one header, which names the folder; fewer have
/// headers of their own. Headers of files took 24 % of a context's characters, 2 % of
/// which were of use: 22 files in 5 to 11 folders.
pub(in crate::context) const FILES_OF_FOLDER: usize = 3;
/// Characters added to each declaration before the division by its length, so
/// that the shortest ones do not always win. No measurement recorded.
const DENSITY_FLOOR_CHARS: usize = 8;
/// Probability per character of declarations that take `chars` characters.
pub(in crate::context) fn density(probability: f32, chars: usize) -> f32 {
    probability / (chars + DENSITY_FLOOR_CHARS) as f32
}

/// How many of `waiting` declarations the packer tries before it finds their
/// densities anew: opening a file or class makes its other members cheaper.
/// No measurement recorded.
pub(in crate::context) fn packing_round(waiting: usize) -> usize {
    (waiting / 4).max(8)
}

/// Snippets that a context reports as left out. No measurement recorded.
pub(in crate::context) const DROPPED_SNIPPETS: usize = 64;
