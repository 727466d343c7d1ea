//! Makes the texts of examples from the history of files again, from the commits.

use std::borrow::Cow;

use crate::dataset::cut::edit::LineEdits;
use crate::dataset::history::History;
use crate::dataset::record::Example;
use crate::dataset::verify::checker::Checker;

impl Checker<'_> {
    /// The text that the hole of `example` is cut from: that of its file, or that which
    /// the file had while its commit was made. If there is no such text, the error tells
    /// why.
    pub(super) fn text_of(&self, example: &Example) -> Result<Cow<'_, str>, String> {
        let today = self.source(example.repo.as_deref(), &example.filepath)?;
        if example.history_commit.is_none() {
            return Ok(Cow::Borrowed(today));
        }
        let project = self.project(example.repo.as_deref());
        let history = project.and_then(|project| project.history);
        let history = history.ok_or("expected the history of the project, found none")?;
        version(history, example).map(Cow::Owned)
    }
}

/// The text that the file of `example` had while its commit was made.
fn version(history: &dyn History, example: &Example) -> Result<String, String> {
    let (Some(id), Some(path), Some(places)) = (
        &example.history_commit,
        &example.history_path,
        example.history_places,
    ) else {
        return Err("expected history_commit, history_path and history_places together".into());
    };
    let unreadable = |error: std::io::Error| format!("the history cannot be read: {error}");
    let commit = history.commit(id).map_err(unreadable)?;
    let mut changes = commit.changes.iter();
    let change = changes
        .find(|change| change.path == *path)
        .ok_or_else(|| format!("expected a commit {id} that changes {path}, found none"))?;
    let text = |blob: &str| {
        let text = history.text(blob).map_err(unreadable)?;
        text.map_err(|reason| format!("the text of {path} in {id} is of no use: {reason}"))
    };
    let (before, after) = (text(&change.before)?, text(&change.after)?);
    let edits = LineEdits::new(&before, &after);
    if places == 0 || places > edits.places() {
        return Err(format!(
            "history_places: expected 1 to {}, found {places}",
            edits.places()
        ));
    }
    let (text, additions) = edits.applied(places);
    let (start, end) = (example.start_byte, example.end_byte);
    let is_added = additions
        .iter()
        .any(|addition| addition.added.start <= start && end <= addition.added.end);
    match is_added {
        true => Ok(text),
        false => Err(format!(
            "expected {start}..{end} in what {id} added, found it elsewhere"
        )),
    }
}
