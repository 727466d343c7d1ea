//! The examples from the history of a project: the versions of its files in batches, as
//! they follow the files themselves.

use std::sync::Arc;

use rayon::prelude::*;

use super::Run;
use crate::dataset::cut::example::ExampleBuilder;
use crate::dataset::cut::history::CutVersion;
use crate::dataset::cut::plan::FilePlan;
use crate::dataset::error::DatasetError;
use crate::dataset::history::History;
use crate::dataset::repo::Repo;
use crate::dataset::select::history::{FileVersion, VersionSelection, versions};
use crate::dataset::select::sources::SourceSelection;
use crate::php::spans::SpanParser;

/// The versions in a batch. They bound the memory for its texts and examples.
const BATCH: usize = 64;

impl Run<'_> {
    /// Selects the versions of files from the history of `repo`, and numbers them after
    /// the files of `sources`.
    pub(super) fn select_versions<'r>(
        &mut self,
        repo: &Repo<'r>,
        sources: &SourceSelection<'r>,
    ) -> VersionSelection<'r> {
        let Some(history) = repo.history else {
            return VersionSelection::default();
        };
        if history.is_shallow() {
            tracing::warn!(
                project = repo.title,
                commits = history.commits().len(),
                "the repository is a shallow clone, so older commits are missing: `git fetch --unshallow` gets them"
            );
        }
        let selection = versions(history, sources);
        self.ledger
            .add_versions(repo, self.state.files_done, &selection);
        self.state.files_total += selection.versions.len();
        (self.progress)(self.state);
        selection
    }

    /// Makes the examples of `versions`, except of those that the sink recalls.
    pub(super) fn make_versions(
        &mut self,
        repo: &Repo<'_>,
        digest: &str,
        versions: &[FileVersion<'_>],
    ) -> Result<(), DatasetError> {
        let Some(history) = repo.history else {
            return Ok(());
        };
        let secrets = Arc::clone(&self.secrets);
        let builder = self.builder(repo, &secrets);
        for batch in versions.chunks(BATCH) {
            if let Some(stored) = self.sink.recall()? {
                self.recall(repo, digest, &vec![None; batch.len()], &stored)?;
            } else {
                let cut = cut(&builder, history, batch)?;
                let plans = cut
                    .par_iter()
                    .map(|cut| FilePlan::of_version(cut, self.options, &secrets))
                    .collect::<Result<_, _>>()?;
                self.make(&builder, digest, plans)?;
            }
            self.finish_files(batch.len());
        }
        Ok(())
    }
}

/// The digest of the input of the examples of a project: `files` is that of its files.
pub(super) fn digest(files: String, versions: &[FileVersion<'_>]) -> String {
    if versions.is_empty() {
        return files;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(files.as_bytes());
    for FileVersion { commit, change, .. } in versions {
        for part in [commit, &*change.path, &change.before, &change.after] {
            hasher.update(&part.len().to_le_bytes());
            hasher.update(part.as_bytes());
        }
    }
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    format!("{:032x}", u128::from_be_bytes(digest))
}

/// Reads and cuts `versions`, in parallel on the current rayon pool.
fn cut(
    builder: &ExampleBuilder<'_>,
    history: &dyn History,
    versions: &[FileVersion<'_>],
) -> Result<Vec<CutVersion>, DatasetError> {
    let cut = |parser: &mut Result<SpanParser, _>, version: &FileVersion<'_>| {
        builder.cancel.check()?;
        let parser = parser.as_mut().map_err(|error| *error)?;
        let text = |id: &str| history.text(id).map_err(DatasetError::History);
        let change = version.change;
        Ok(match (text(&change.before)?, text(&change.after)?) {
            (Ok(before), Ok(after)) => {
                CutVersion::new(version, [&before, &after], builder.options, parser)
            }
            (Err(reason), _) | (_, Err(reason)) => CutVersion::without(version, reason),
        })
    };
    let versions = versions.par_iter();
    versions.map_init(SpanParser::new, cut).collect()
}
