//! Cross-file context for one place in one buffer. [`assemble`] is the one
//! function behind `getContext`, `fimd context` and every training example.

pub mod budget;
mod buffer;
mod classes;
mod included;
mod members;
mod offers;
mod pack;
mod query;
mod rank;
mod render;
mod site;
mod types;

use std::cell::Cell;
use std::collections::BTreeMap;

use buffer::Buffer;
use classes::Classes;
use rank::Ranker;
pub(crate) use render::file_header;
use site::Site;
use types::Types;

use crate::cancel::{Cancel, Cancelled};
use crate::index::{Library, Snapshot};
use crate::secrets::Secrets;

/// How many chunks are asked for the names that they use.
const NEIGHBOURS: usize = 32;
/// How many of them may be shown themselves.
const USAGE_CHUNKS: usize = 12;

/// The relevance threshold: how likely a declaration must be the one that is
/// named next, from 0 (everything found may fill the budget) to 1.
///
/// The default costs next to no recall and leaves out what would only fill.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "f32")]
pub struct MinScore(f32);

impl Default for MinScore {
    fn default() -> Self {
        Self(0.0005)
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

/// What a context is wanted for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The key of the file being edited (see [`SourceFile::path`]), or, for a
    /// file outside the project, its absolute path. Never a source itself.
    ///
    /// [`SourceFile::path`]: crate::index::SourceFile::path
    pub path: &'a str,
    /// The buffer as it is in the editor, or the file with the hole cut out.
    pub content: &'a str,
    /// Where the completion will be inserted, in bytes of `content`, on a
    /// character boundary.
    pub cursor: usize,
    /// The most characters that the context may have.
    pub max_chars: usize,
    /// Declarations less likely than this are left out.
    pub min_score: MinScore,
    /// Whether declarations that the buffer's names resolve to are offered.
    pub dependencies: bool,
    /// Whether chunks found by BM25 are offered.
    pub bm25: bool,
    /// What finds the secrets that placeholders are to stand for; without it
    /// they are left as they are.
    pub secrets: Option<&'a Secrets>,
}

/// What the ranking learns from. All of it is used, unless someone wants to
/// know what one of them is worth: see [`assemble_without`].
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
    /// Names of the project that go on from the part that is typed.
    Typed,
    /// Members of the types of the variables in reach.
    Reach,
    /// What the buffer imports, inherits from and names.
    Dependencies,
}

/// Where a snippet comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A declaration that a name in the buffer resolves to.
    Dependency,
    /// A chunk found by BM25.
    Bm25,
}

/// One piece of a context.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Snippet {
    /// Key of the file it comes from.
    pub path: String,
    /// First byte in that file.
    pub start: usize,
    /// One past the last byte in that file.
    pub end: usize,
    /// What found it.
    pub source: Source,
    /// How it was rated; comparable within one answer only.
    pub score: f32,
    /// How many characters of the context it takes.
    pub chars: usize,
}

/// What an assembled context is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// The text to put before the prefix: ends with a newline unless empty.
    pub text: String,
    /// The file under each header of `text`, in its order.
    pub files: Vec<String>,
    /// What stands in `text`, in its order.
    pub snippets: Vec<Snippet>,
    /// What was found and left out, best first.
    pub dropped: Vec<Dropped>,
    /// How many secrets placeholders stand for in `text`, by kind.
    pub redacted: BTreeMap<&'static str, u64>,
}

/// A piece that was found and left out.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Dropped {
    /// The piece.
    #[serde(flatten)]
    pub snippet: Snippet,
    /// Why it was left out.
    pub reason: &'static str,
}

/// Assembles the cross-file context for `request`.
///
/// A function of its arguments alone: the same snapshot and request give the
/// same bytes, in the editor as in training.
///
/// # Errors
/// [`Cancelled`] once `cancel` is set.
pub fn assemble(
    snapshot: &Snapshot,
    request: &Request<'_>,
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
    request: &Request<'_>,
    cancel: &Cancel,
) -> Result<Context, Cancelled> {
    cancel.check()?;
    // Where there is nothing to tell of, the buffer need not be read.
    if snapshot.segments().is_empty() && snapshot.library().is_none_or(Library::is_empty) {
        return Ok(Context::default());
    }
    let buffer = Buffer::new(request);
    let hits = if request.bm25 {
        query::neighbours(snapshot, &buffer, NEIGHBOURS, cancel)?
    } else {
        Vec::new()
    };
    cancel.check()?;
    let fuel = Cell::new(types::FUEL);
    let classes = Classes::new(snapshot, request.path);
    let types = Types {
        buffer: &buffer,
        snapshot,
        classes: &classes,
        fuel: &fuel,
    };
    let offers = if request.dependencies {
        let site = Site::of(&buffer);
        let ranking = Ranker {
            buffer: &buffer,
            snapshot,
            types,
            site,
            without,
            cancel,
        }
        .rank(&hits, offers::names_for(request.max_chars))?;
        let mut offers = offers::likely(&types, &ranking, cancel)?;
        if !without.contains(&Signal::Dependencies) {
            offers::dependencies(&types, &mut offers);
        }
        offers::merged(offers)
    } else {
        Vec::new()
    };
    cancel.check()?;
    let chunks = &hits[..hits.len().min(USAGE_CHUNKS)];
    pack::pack(&offers, chunks, request, cancel)
}
