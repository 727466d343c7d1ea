//! Which files give examples, and which of them belong together.
//!
//! Whoever is turned down is so for the cheapest reason: where the file lies,
//! then whose it is, then what it says, then what else says the same.

use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::cancel::{Cancel, Cancelled};
use crate::dataset::duplicates;
use crate::dataset::duplicates::Clusters;
use crate::dataset::options::{Dedup, Options, SplitUnit};
use crate::dataset::reject::Reject;
use crate::dataset::repo::Repo;
use crate::dataset::select::vendored::VendoredCopies;
use crate::dataset::select::{generated, tested};
use crate::files;
use crate::index::SourceFile;

/// The reason of a file whose text another one has.
const SAME: &str = "same text as another file";
/// The reason of a file that is nearly another one.
const NEAR: &str = "near-duplicate of another file";
/// The reason of a file whose row names another one that stands for it.
const ELSEWHERE: &str = "duplicate of a file elsewhere, as its row says";

/// A file that gives examples.
#[derive(Clone, Copy, Debug)]
pub(in crate::dataset) struct ExampleSource<'a> {
    /// The file.
    pub(in crate::dataset) file: &'a Arc<SourceFile>,
    /// Equal for files that must not be torn apart by the split: the number of
    /// one of them in [`SourceSelection::used`].
    pub(in crate::dataset) cluster: usize,
    /// The hash of the text that stands for these files.
    pub(in crate::dataset) text: blake3::Hash,
}

/// A file that gives none.
#[derive(Clone, Debug)]
pub(in crate::dataset) struct SkippedFile<'a> {
    /// Its key.
    pub(in crate::dataset) path: &'a str,
    /// Why.
    pub(in crate::dataset) reason: String,
    /// The label of the file that stands for it, if it is a duplicate.
    pub(in crate::dataset) duplicate_of: Option<String>,
}

/// All files of a project, sorted out.
#[derive(Debug, Default)]
pub(in crate::dataset) struct SourceSelection<'a> {
    /// How many there are.
    pub(in crate::dataset) files: usize,
    /// Those that give examples, in the order of keys.
    pub(in crate::dataset) used: Vec<ExampleSource<'a>>,
    /// The others, in the order in which they were turned down.
    pub(in crate::dataset) skipped: Vec<SkippedFile<'a>>,
    /// The texts that the files in `used` stand for, by hash, each with the
    /// number of the one that does.
    pub(in crate::dataset) texts: Vec<(blake3::Hash, usize)>,
}

/// A file that may give examples, and the hash of its text.
type Candidate<'a> = (&'a Arc<SourceFile>, blake3::Hash);

/// The hashes of the texts of all files, in the order of keys.
pub(in crate::dataset) fn text_hashes(
    repo: &Repo<'_>,
    cancel: &Cancel,
) -> Result<Vec<blake3::Hash>, Cancelled> {
    repo.files
        .par_iter()
        .map(|file| cancel.check().map(|()| blake3::hash(file.text.as_bytes())))
        .collect()
}

/// Sorts out the files of `repo`, in parallel on the current rayon pool.
/// `hashes` are those of all texts. `known_text` gives the label of the file of
/// an earlier project that has the text with this hash.
pub(in crate::dataset) fn sources<'a>(
    repo: &Repo<'a>,
    options: &Options,
    hashes: &[blake3::Hash],
    known_text: &dyn Fn(&blake3::Hash) -> Option<String>,
    cancel: &Cancel,
) -> Result<SourceSelection<'a>, Cancelled> {
    let mut sources = SourceSelection::default();
    let mut candidates = sources.own(repo, options, hashes);
    if options.dedup != Dedup::Off {
        candidates.retain(|(file, hash)| match known_text(hash) {
            Some(name) => sources.skip(&file.path, SAME.into(), Some(name)),
            None => true,
        });
    }
    if !options.keep_generated {
        let objections: Vec<_> = candidates
            .par_iter()
            .map(|(file, _)| {
                cancel.check()?;
                Ok(generated::objection(&file.text))
            })
            .collect::<Result<_, Cancelled>>()?;
        let mut objections = objections.into_iter();
        candidates.retain(|(file, _)| match objections.next().flatten() {
            Some(reason) => sources.skip(&file.path, reason.into(), None),
            None => true,
        });
    }
    let split = options.val_split > 0.0 && options.split_by == SplitUnit::File;
    let near = if split || options.dedup == Dedup::Near {
        let texts: Vec<_> = candidates
            .iter()
            .map(|(file, _)| (&*file.path, &*file.text))
            .collect();
        Some(duplicates::clusters(&texts, cancel)?)
    } else {
        None
    };
    sources.keep_one_of_each(repo, &candidates, near.as_ref(), options.dedup);
    Ok(sources)
}

impl SkippedFile<'_> {
    /// It as the file of rejects has it; `repo` is its project.
    pub(in crate::dataset) fn reject<'a>(&'a self, repo: &Repo<'a>) -> Reject<'a> {
        Reject {
            repo: repo.name,
            filepath: self.path,
            start_byte: None,
            end_byte: None,
            reason: &self.reason,
            duplicate_of: self.duplicate_of.clone(),
            middle: None,
        }
    }
}

impl<'a> SourceSelection<'a> {
    /// Notes that a file gives no examples: always false.
    fn skip(&mut self, path: &'a str, reason: String, duplicate_of: Option<String>) -> bool {
        self.skipped.push(SkippedFile {
            path,
            reason,
            duplicate_of,
        });
        false
    }

    /// The files of the project's own source.
    fn own(
        &mut self,
        repo: &Repo<'a>,
        options: &Options,
        hashes: &[blake3::Hash],
    ) -> Vec<Candidate<'a>> {
        let (files, in_root) = (repo.files, repo.in_root);
        let tests = options.tested_only.then(|| tested::TestIndex::new(files));
        let in_project = || files.iter().filter(|file| in_root(&file.path));
        let copies = (!options.keep_vendored).then(|| VendoredCopies::new(in_project()));
        let mut own = Vec::new();
        for (file, hash) in files.iter().zip(hashes) {
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
                None => own.push((file, *hash)),
            }
        }
        own
    }

    /// Fills in what is used: of duplicates, as far as `dedup` tells, the one
    /// with the smallest key, unless its row says that a file elsewhere stands
    /// for it. `candidates` are in the order of keys.
    fn keep_one_of_each(
        &mut self,
        repo: &Repo<'a>,
        candidates: &[Candidate<'a>],
        near: Option<&Clusters>,
        dedup: Dedup,
    ) {
        let cluster = |at: usize| near.and_then(|near| near.representative(at)).unwrap_or(at);
        let mut first: FxHashMap<blake3::Hash, usize> = FxHashMap::default();
        // For each candidate the number of the used file that stands for it, if
        // there is one.
        let mut numbers: Vec<Option<usize>> = Vec::with_capacity(candidates.len());
        // The first used file of each cluster.
        let mut of_cluster: FxHashMap<usize, usize> = FxHashMap::default();
        for (at, &(file, hash)) in candidates.iter().enumerate() {
            let same = match dedup {
                Dedup::Off => at,
                _ => *first.entry(hash).or_insert(at),
            };
            let (kept, reason) = match dedup {
                Dedup::Near if same == at => (cluster(at), NEAR),
                // What has the text of a near duplicate stands for that one's file.
                Dedup::Near => (cluster(at), SAME),
                Dedup::Exact | Dedup::Off => (same, SAME),
            };
            let elsewhere = || (repo.origin)(&file.path).duplicate_of;
            let number = if kept != at {
                let name = repo.label(&candidates[kept].0.path);
                self.skip(&file.path, reason.into(), Some(name));
                numbers[kept]
            } else if let Some(name) = elsewhere() {
                self.skip(&file.path, ELSEWHERE.into(), Some(name.to_string()));
                None
            } else {
                let number = self.used.len();
                let (_, text) = candidates[cluster(at)];
                let cluster = *of_cluster.entry(cluster(at)).or_insert(number);
                self.used.push(ExampleSource {
                    file,
                    cluster,
                    text,
                });
                Some(number)
            };
            numbers.push(number);
            self.texts.extend(number.map(|number| (hash, number)));
        }
    }
}
