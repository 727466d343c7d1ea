//! Which files give examples, and which of them belong together.
//!
//! Whoever is turned down is so for the cheapest reason: where the file lies,
//! then whose it is, then what it says, then what else says the same.

use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::duplicates::{self, Clusters};
use super::options::{Dedup, Options};
use super::rejects::Reject;
use super::vendored::Copies;
use super::{InRoot, SplitBy, generated, tested};
use crate::cancel::{Cancel, Cancelled};
use crate::files;
use crate::index::{Snapshot, SourceFile};

/// The reason of a file whose text another one has.
const SAME: &str = "same text as another file";
/// The reason of a file that is nearly another one.
const NEAR: &str = "near-duplicate of another file";

/// A file that gives examples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    /// The file.
    pub(super) file: &'a Arc<SourceFile>,
    /// Equal for files that must not be torn apart by the split.
    pub(super) cluster: usize,
}

/// A file that gives none.
#[derive(Clone, Debug)]
pub(super) struct Skipped<'a> {
    /// Its key.
    pub(super) path: &'a str,
    /// Why.
    pub(super) reason: String,
    /// The key of the file that stands for it, if it is a duplicate.
    pub(super) duplicate_of: Option<&'a str>,
}

/// All files of a snapshot, sorted out.
#[derive(Debug, Default)]
pub(super) struct Sources<'a> {
    /// How many there are.
    pub(super) files: usize,
    /// Those that give examples, in the order of keys.
    pub(super) used: Vec<Source<'a>>,
    /// The others, in the order in which they were turned down.
    pub(super) skipped: Vec<Skipped<'a>>,
}

/// Sorts out the files of `snapshot`, in parallel on the current rayon pool.
pub(super) fn sources<'a>(
    snapshot: &'a Snapshot,
    options: &Options,
    in_root: InRoot<'_>,
    cancel: &Cancel,
) -> Result<Sources<'a>, Cancelled> {
    let mut sources = Sources::default();
    let mut candidates = sources.own(snapshot, options, in_root);
    if !options.keep_generated {
        let objections: Vec<_> = candidates
            .par_iter()
            .map(|file| {
                cancel.check()?;
                Ok(generated::objection(&file.text))
            })
            .collect::<Result<_, Cancelled>>()?;
        let mut objections = objections.into_iter();
        candidates.retain(|file| match objections.next().flatten() {
            Some(reason) => sources.skip(&file.path, reason.into(), None),
            None => true,
        });
    }
    let split = options.val_split > 0.0 && options.split_by == SplitBy::File;
    let near = if split || options.dedup == Dedup::Near {
        let texts: Vec<_> = candidates
            .iter()
            .map(|file| (&*file.path, &*file.text))
            .collect();
        Some(duplicates::clusters(&texts, cancel)?)
    } else {
        None
    };
    sources.keep_one_of_each(&candidates, near.as_ref(), options.dedup);
    Ok(sources)
}

impl Skipped<'_> {
    /// It as the file of rejects has it.
    pub(super) fn reject(&self) -> Reject<'_> {
        Reject {
            filepath: self.path,
            start_byte: None,
            end_byte: None,
            reason: &self.reason,
            duplicate_of: self.duplicate_of.map(str::to_owned),
            middle: None,
        }
    }
}

impl<'a> Sources<'a> {
    /// Notes that a file gives no examples: always false.
    fn skip(&mut self, path: &'a str, reason: String, duplicate_of: Option<&'a str>) -> bool {
        self.skipped.push(Skipped {
            path,
            reason,
            duplicate_of,
        });
        false
    }

    /// The files of the project's own source.
    fn own(
        &mut self,
        snapshot: &'a Snapshot,
        options: &Options,
        in_root: InRoot<'_>,
    ) -> Vec<&'a Arc<SourceFile>> {
        let tests = options
            .tested_only
            .then(|| tested::Tests::new(snapshot.files()));
        let in_project = || snapshot.files().filter(|file| in_root(&file.path));
        let copies = (!options.keep_vendored).then(|| Copies::new(in_project()));
        let mut own = Vec::new();
        for file in snapshot.files() {
            self.files += 1;
            let reason = if !in_root(&file.path) {
                Some("only in an include path".to_owned())
            } else if file.lossy {
                Some("not UTF-8".to_owned())
            } else if let Some(reason) = files::left_out_of_dataset(&file.path) {
                Some(reason.to_owned())
            } else if tests.as_ref().is_some_and(|tests| !tests.cover(file)) {
                Some("no test for it".to_owned())
            } else {
                copies.as_ref().and_then(|c| c.objection(&file.path))
            };
            match reason {
                Some(reason) => drop(self.skip(&file.path, reason, None)),
                None => own.push(file),
            }
        }
        own
    }

    /// Fills in what is used: of duplicates, as far as `dedup` tells, the one
    /// with the smallest key. `candidates` are in the order of keys.
    fn keep_one_of_each(
        &mut self,
        candidates: &[&'a Arc<SourceFile>],
        near: Option<&Clusters>,
        dedup: Dedup,
    ) {
        let cluster = |at: usize| near.and_then(|near| near.representative(at)).unwrap_or(at);
        let mut first: FxHashMap<blake3::Hash, usize> = FxHashMap::default();
        for (at, &file) in candidates.iter().enumerate() {
            let same = match dedup {
                Dedup::Off => at,
                _ => *first
                    .entry(blake3::hash(file.text.as_bytes()))
                    .or_insert(at),
            };
            let (kept, reason) = match dedup {
                Dedup::Near if same == at => (cluster(at), NEAR),
                // What has the text of a near duplicate stands for that one's file.
                Dedup::Near => (cluster(at), SAME),
                Dedup::Exact | Dedup::Off => (same, SAME),
            };
            if kept == at {
                self.used.push(Source {
                    file,
                    cluster: cluster(at),
                });
            } else {
                self.skip(&file.path, reason.into(), Some(&candidates[kept].path));
            }
        }
    }
}
