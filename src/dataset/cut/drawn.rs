//! Draws holes of some kinds from a project, for a measure that asks a model at them.

use std::ops::Range;

use rayon::prelude::*;

use crate::cancel::Cancel;
use crate::dataset::cut::foreign_names::NamesOfOthers;
use crate::dataset::cut::holes::{self, Hole};
use crate::dataset::error::DatasetError;
use crate::dataset::mix::Mix;
use crate::dataset::options::Options;
use crate::dataset::record::SpanKind;
use crate::dataset::select::generated;
use crate::index::{Snapshot, SourceFile, training_exclusion};
use crate::php::spans::SpanParser;

/// The most holes of a kind from one file.
const HOLES_PER_FILE: usize = 6;
/// The number of files that are examined at a time.
const BATCH: usize = 64;

/// A hole of a file of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnHole {
    /// The key of the file.
    pub path: String,
    /// The bytes of the file; both ends are character boundaries.
    pub range: Range<usize>,
    /// How it was chosen.
    pub kind: SpanKind,
    /// The first name in it that stands nowhere else in the file and that another file
    /// declares.
    pub needed: Option<String>,
}

/// Up to `most` holes of each of `kinds`, cut as datasets are. Each file gives one hole of
/// a kind before any file gives a second one. The holes depend only on the project's
/// files, `kinds`, `seed` and `most`. Files for which `is_own` is false, and those that
/// give no examples by their path or because they are generated, have no holes. In
/// parallel on the current rayon pool.
///
/// # Errors
/// If the PHP grammar cannot be loaded, and once `cancel` is set.
pub fn draw_holes(
    snapshot: &Snapshot,
    kinds: &[SpanKind],
    seed: u64,
    most: usize,
    is_own: &(impl Fn(&str) -> bool + Sync),
    cancel: &Cancel,
) -> Result<Vec<DrawnHole>, DatasetError> {
    let options = Options {
        seed,
        mix: Mix::even(kinds),
        ..Options::default()
    };
    let mut files: Vec<(blake3::Hash, &SourceFile)> = snapshot
        .files()
        .filter(|file| {
            !file.lossy && is_own(&file.path) && training_exclusion(&file.path).is_none()
        })
        .map(|file| (place(seed, &file.path), &**file))
        .collect();
    files.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
    let mut found: Vec<(&SourceFile, Vec<Hole>)> = Vec::new();
    let mut with_one = vec![0; kinds.len()];
    for batch in files.chunks(BATCH) {
        let proposed: Vec<_> = batch
            .par_iter()
            .map_init(SpanParser::new, |parser, (_, file)| {
                cancel.check()?;
                let parser = parser.as_mut().map_err(|error| *error)?;
                Ok((*file, propose(snapshot, file, &options, parser)))
            })
            .collect::<Result<_, DatasetError>>()?;
        for (file, holes) in proposed {
            for (count, kind) in with_one.iter_mut().zip(kinds) {
                *count += usize::from(holes.iter().any(|hole| hole.kind == *kind));
            }
            found.push((file, holes));
        }
        let has_all = with_one.iter().all(|count| *count >= most);
        if has_all && found.len() >= kinds.len() * most {
            break;
        }
    }
    let mut drawn = Vec::new();
    for (at, &kind) in kinds.iter().enumerate() {
        // Each kind begins with other files, so that the holes are in many.
        let (before, from) = found.split_at(at * found.len() / kinds.len());
        let round = |number: usize| {
            from.iter().chain(before).filter_map(move |(file, holes)| {
                let mut of_kind = holes.iter().filter(|hole| hole.kind == kind);
                Some((*file, of_kind.nth(number)?))
            })
        };
        drawn.extend((0..HOLES_PER_FILE).flat_map(round).take(most));
    }
    Ok(drawn
        .par_iter()
        .map(|(file, hole)| DrawnHole {
            path: file.path.to_string(),
            range: hole.range.clone(),
            kind: hole.kind,
            needed: NamesOfOthers::new(snapshot, &file.path, &file.text)
                .first_in(&hole.range)
                .map(str::to_owned),
        })
        .collect())
}

/// The holes that a dataset could cut from `file`, in random order; none of a file that a
/// tool has written.
fn propose(
    snapshot: &Snapshot,
    file: &SourceFile,
    options: &Options,
    parser: &mut SpanParser,
) -> Vec<Hole> {
    if generated::objection(&file.text).is_some() {
        return Vec::new();
    }
    let names = NamesOfOthers::new(snapshot, &file.path, &file.text);
    let needs_others = |range: &Range<usize>| names.are_in(range);
    let mut rng = options.rng(&file.path);
    holes::propose(&file.text, 1.0, options, parser, &needs_others, &mut rng).holes
}

/// The place of the file `path` among those of a project, at random.
fn place(seed: u64, path: &str) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(path.as_bytes());
    hasher.finalize()
}
