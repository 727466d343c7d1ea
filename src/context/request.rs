//! What a caller asks a context for.

use super::weights::{DEFAULT_MIN_SCORE, RELATIVE_SCORE};
use crate::php::lex::LexedText;
use crate::secrets::Secrets;

/// The relevance threshold: the least probability that a declaration is the
/// one that the code names next, from 0 (everything found may fill the budget)
/// to 1.
///
/// The default leaves out what would only fill the context.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "f32")]
pub struct MinScore(f32);

impl MinScore {
    /// The threshold as a probability, where the likeliest name has the probability
    /// `best`: what is much less likely than that is left out too.
    pub(super) fn below(self, best: f32) -> f32 {
        self.0.max(best * self.0 * RELATIVE_SCORE)
    }
}

impl Default for MinScore {
    fn default() -> Self {
        Self(DEFAULT_MIN_SCORE)
    }
}

impl TryFrom<f32> for MinScore {
    type Error = &'static str;

    fn try_from(score: f32) -> Result<Self, Self::Error> {
        let fits = (0.0..=1.0).contains(&score);
        fits.then_some(Self(score))
            .ok_or("it must be a number from 0 to 1")
    }
}

impl std::str::FromStr for MinScore {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::try_from(text.parse::<f32>().unwrap_or(f32::NAN))
    }
}

impl std::fmt::Display for MinScore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The buffer and the cursor that a context is for, and its limits.
#[derive(Clone, Copy, Debug)]
pub struct ContextRequest<'a> {
    /// The key of the file being edited (see [`SourceFile::path`]), or, for a
    /// file outside the project, its absolute path. This file is never a
    /// source of the context.
    ///
    /// [`SourceFile::path`]: crate::index::SourceFile::path
    pub path: &'a str,
    /// The buffer as it is in the editor, or the file with the hole cut out.
    pub content: &'a str,
    /// Where the completion will be inserted, in bytes of `content`, on a
    /// character boundary.
    pub cursor: usize,
    /// The bytes of `content` that the prompt shows, so that the context holds an outline
    /// of the rest. Without it, the context has no outline.
    pub window: Option<(usize, usize)>,
    /// The largest size of the context, in characters.
    pub max_chars: usize,
    /// Declarations less likely than this are left out.
    pub min_score: MinScore,
    /// Whether the context may show declarations.
    pub dependencies: bool,
    /// Whether the context may show chunks found by BM25.
    pub bm25: bool,
    /// Finds the secrets that placeholders replace. Without it, secrets stay
    /// as they are.
    pub secrets: Option<&'a Secrets>,
    /// A text that begins and ends like `content`, such as the file before the hole was
    /// cut out. The context is the same without it, but takes longer.
    pub lexed: Option<&'a LexedText<'a>>,
}

#[cfg(test)]
impl<'a> ContextRequest<'a> {
    /// A request with small limits for the unit tests of this room.
    pub(super) fn for_test(path: &'a str, content: &'a str, cursor: usize) -> Self {
        Self {
            path,
            content,
            cursor,
            window: None,
            max_chars: 100,
            min_score: MinScore::default(),
            dependencies: true,
            bm25: false,
            secrets: None,
            lexed: None,
        }
    }
}

/// What the ranking learns from. The ranking uses every signal unless a caller
/// switches some off to measure what they are worth: see
/// [`assemble_without`](super::assemble_without).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// The members that the receiver's type, or the parent class, has.
    Types,
    /// Members used elsewhere on receivers of the same name.
    Receivers,
    /// Names used in the chunks that BM25 finds.
    Chunks,
    /// Names used in the files that use the same names as the buffer.
    SimilarFiles,
    /// Names of the project that begin with the typed part.
    Typed,
    /// Members of the types of the variables in reach and of the properties of
    /// `$this`, and statics of imported classes.
    Reach,
    /// The signature of the call whose arguments are being typed.
    Callee,
    /// Classes of the buffer's folder, and what methods called like the one at the
    /// cursor use.
    Nearby,
    /// Functions and classes named by words near the cursor.
    Words,
    /// Strings that other files write at the same place.
    Literals,
    /// The members of the class that a test is about.
    Tested,
    /// What the buffer imports, inherits from and names.
    Dependencies,
}
