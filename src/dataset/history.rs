//! The history of a project as a run reads it: what each commit changed in which file.
//! Names, mail addresses, times and messages are no part of it.

use std::io;

/// What a commit changed in the files of the project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// The commit's id, in hexadecimal.
    pub id: String,
    /// The files that the commit changed or renamed, in the order of their keys.
    pub changes: Vec<FileChange>,
}

/// A file that a commit changed or renamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The file's key before the commit.
    pub old_path: String,
    /// The file's key in the commit.
    pub path: String,
    /// The id of the file's text before the commit.
    pub before: String,
    /// The id of the file's text in the commit.
    pub after: String,
}

/// The history of a project.
pub trait History: Sync {
    /// The last commits that changed files of the project, without merges. Each comes
    /// before those that it is based on.
    fn commits(&self) -> &[Commit];

    /// What the commit `id` changed; without any change if there is no such commit, or
    /// if it is a merge.
    ///
    /// # Errors
    /// If the repository cannot be read.
    fn commit(&self, id: &str) -> io::Result<Commit>;

    /// The text with this id, or why it is of no use.
    ///
    /// # Errors
    /// If the repository cannot be read.
    fn text(&self, id: &str) -> io::Result<Result<String, &'static str>>;

    /// Whether commits are missing because the repository is a shallow clone.
    fn is_shallow(&self) -> bool;
}
