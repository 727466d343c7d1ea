//! The lines of the file of rejects for one batch.

use std::ops::Range;

use crate::dataset::cut::plan::FilePlan;
use crate::dataset::error::DatasetError;
use crate::dataset::reject::Reject;
use crate::dataset::repo::Repo;
use crate::secrets::{self, Secrets};

/// The lines of one batch, if the options ask for them.
pub(super) struct RejectLines<'a> {
    repo: &'a Repo<'a>,
    secrets: &'a Secrets,
    lines: Option<String>,
}

impl<'a> RejectLines<'a> {
    /// No lines yet. Keeps lines only if `is_listed`.
    pub(super) fn new(repo: &'a Repo<'a>, secrets: &'a Secrets, is_listed: bool) -> Self {
        Self {
            repo,
            secrets,
            lines: is_listed.then(String::new),
        }
    }

    /// Adds the hole `hole` of the file of `plan`, in bytes. `duplicate_of` is the label of the
    /// hole that it duplicates, if it is rejected for that.
    pub(super) fn push(
        &mut self,
        plan: &FilePlan<'_>,
        hole: Range<usize>,
        reason: &str,
        duplicate_of: Option<String>,
    ) -> Result<(), DatasetError> {
        let Some(lines) = &mut self.lines else {
            return Ok(());
        };
        let file = plan.file;
        let found = file.secrets(self.secrets);
        let middle = secrets::replace(&file.text, hole.clone(), found);
        let reject = Reject {
            repo: self.repo.name,
            filepath: &file.path,
            history_commit: plan.version.map(|version| &*version.commit),
            start_byte: Some(hole.start),
            end_byte: Some(hole.end),
            reason,
            duplicate_of,
            middle: Some(&middle),
        };
        lines.push_str(&reject.line()?);
        Ok(())
    }

    /// The lines; empty if none are kept.
    pub(super) fn into_lines(self) -> String {
        self.lines.unwrap_or_default()
    }
}
