//! Selects the files that give examples, and groups those that must stay together
//! in the split.
//!
//! The reasons to reject a file are tried in the order of their cost: its path, a
//! copy of a library, its text in an earlier project, a generated text, and a
//! duplicate in its own project.

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
use crate::dataset::select::{density, generated, tested};
use crate::index::{SourceFile, training_exclusion};

/// The reason of a file that has the text of another one.
const SAME: &str = "same text as another file";
/// The reason of a near duplicate of another file.
const NEAR: &str = "near-duplicate of another file";
/// The reason of a file whose input row names another file to keep instead.
const ELSEWHERE: &str = "duplicate of a file elsewhere, as its row says";

/// A file that gives examples.
#[derive(Clone, Copy, Debug)]
pub(in crate::dataset) struct ExampleSource<'a> {
    /// The file.
    pub(in crate::dataset) file: &'a Arc<SourceFile>,
    /// Equal for files that must be in the same split: the number of one of them
    /// in [`SourceSelection::used`].
    pub(in crate::dataset) cluster: usize,
    /// The hash of the text that represents these files.
    pub(in crate::dataset) text: blake3::Hash,
    /// How many holes it gives, as a multiple of the usual number.
    pub(in crate::dataset) density: f64,
}

/// A file that gives no examples.
#[derive(Clone, Debug)]
pub(in crate::dataset) struct SkippedFile<'a> {
    /// The file's key.
    pub(in crate::dataset) path: &'a str,
    /// Why it gives none.
    pub(in crate::dataset) reason: String,
    /// The label of the file that is kept instead, if this is a duplicate.
    pub(in crate::dataset) duplicate_of: Option<String>,
}

/// All files of a project: those that give examples, and the others.
#[derive(Debug, Default)]
pub(in crate::dataset) struct SourceSelection<'a> {
    /// How many files there are.
    pub(in crate::dataset) files: usize,
    /// The files that give examples, in the order of keys.
    pub(in crate::dataset) used: Vec<ExampleSource<'a>>,
    /// The others, in the order in which they were rejected.
    pub(in crate::dataset) skipped: Vec<SkippedFile<'a>>,
    /// The hash of the text of each file in `used`, with the file's number there.
    pub(in crate::dataset) texts: Vec<(blake3::Hash, usize)>,
}

/// A file that may give examples, and the hash of its text.
type SourceCandidate<'a> = (&'a Arc<SourceFile>, blake3::Hash);

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

/// Selects from the files of `repo`, in parallel on the current rayon pool.
/// `hashes` are the hashes of all texts, in the order of keys. `known_text` gives the
/// label of the file of an earlier project that has the text with this hash.
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
    let used = sources.used.iter();
    let texts: Vec<(&str, &str)> = used.map(|s| (&*s.file.path, &*s.file.text)).collect();
    for (source, density) in sources
        .used
        .iter_mut()
        .zip(density::densities(&texts, cancel)?)
    {
        source.density = density;
    }
    Ok(sources)
}

/// The rule by which the file `key` of `repo` gives no examples by its path, if there is
/// one that neither the options nor a `.fimignore` file of the project overrule.
fn unwanted(repo: &Repo<'_>, key: &str, options: &Options) -> Option<&'static str> {
    let reason = training_exclusion(key)?;
    let is_included = match reason {
        "config/" => options.include_config,
        "routes/" => options.include_routes,
        "database/migrations/" => options.include_migrations,
        _ => options.include_tests,
    };
    (!is_included && !(repo.brought_back)(key)).then_some(reason)
}

impl SkippedFile<'_> {
    /// The line of the file of rejects for it; `repo` is its project.
    pub(in crate::dataset) fn reject<'a>(&'a self, repo: &Repo<'a>) -> Reject<'a> {
        Reject {
            repo: repo.name,
            filepath: self.path,
            history_commit: None,
            start_byte: None,
            end_byte: None,
            reason: &self.reason,
            duplicate_of: self.duplicate_of.clone(),
            middle: None,
        }
    }
}

impl<'a> SourceSelection<'a> {
    /// Adds a file that gives no examples. Returns false, for use in `retain`.
    fn skip(&mut self, path: &'a str, reason: String, duplicate_of: Option<String>) -> bool {
        self.skipped.push(SkippedFile {
            path,
            reason,
            duplicate_of,
        });
        false
    }

    /// The files that are the project's own source, by their paths. Skips the rest.
    fn own(
        &mut self,
        repo: &Repo<'a>,
        options: &Options,
        hashes: &[blake3::Hash],
    ) -> Vec<SourceCandidate<'a>> {
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
            } else if let Some(reason) = unwanted(repo, &file.path, options) {
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

    /// Fills in [`Self::used`] and [`Self::texts`]. Of duplicates, in the sense of
    /// `dedup`, it keeps the file with the smallest key. It keeps none if the input
    /// row of that file names a file elsewhere to keep instead. `candidates` are in
    /// the order of keys.
    fn keep_one_of_each(
        &mut self,
        repo: &Repo<'a>,
        candidates: &[SourceCandidate<'a>],
        near: Option<&Clusters>,
        dedup: Dedup,
    ) {
        let cluster = |at: usize| near.and_then(|near| near.representative(at)).unwrap_or(at);
        let mut first: FxHashMap<blake3::Hash, usize> = FxHashMap::default();
        // For each candidate the number of the used file that is kept instead, if
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
                // It has the text of an earlier candidate, and that one may be a
                // near duplicate itself.
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
                    density: 1.0,
                });
                Some(number)
            };
            numbers.push(number);
            self.texts.extend(number.map(|number| (hash, number)));
        }
    }
}
