//! Why a run fails.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use crate::cancel::Cancelled;
use crate::dataset::options::WrongOption;
use crate::dataset::reject::{NO_HOLE, TOO_SHORT};
use crate::model::TokenizerError;
use crate::php::spans::GrammarError;
use crate::secrets::RulesError;

/// Why no file of the projects gave an example.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NothingCut {
    /// The number of files in the index.
    pub files: usize,
    /// The number of files and folders that were left out, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// The number of holes that were rejected, by reason.
    pub rejected: BTreeMap<String, u64>,
}

/// The most reasons of a kind that a message lists.
const MAX_REASONS: usize = 4;

impl fmt::Display for NothingCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            files,
            left_out,
            rejected,
        } = self;
        let s = if *files == 1 { "" } else { "s" };
        write!(f, "no example could be cut from {files} PHP file{s}")?;
        if !left_out.is_empty() {
            write!(f, "; left out: {}", most_frequent(left_out))?;
        }
        if !rejected.is_empty() {
            write!(f, "; holes rejected: {}", most_frequent(rejected))?;
        }
        match () {
            () if rejected.contains_key(TOO_SHORT) || left_out.contains_key(NO_HOLE) => {
                f.write_str("; a lower --min-middle-chars allows shorter holes")
            }
            () if *files == 0 => {
                f.write_str("; name a project with PHP files: `fimd files --why DIR` lists them")
            }
            () => f.write_str("; `fimd generate --help` has the options that keep more"),
        }
    }
}

/// The most frequent reasons, with how often each counts.
fn most_frequent(reasons: &BTreeMap<String, u64>) -> String {
    let mut reasons: Vec<_> = reasons.iter().collect();
    reasons.sort_by_key(|(_, count)| Reverse(**count));
    let listed = reasons.iter().take(MAX_REASONS);
    let listed: Vec<_> = listed
        .map(|(reason, count)| format!("{count} ({reason})"))
        .collect();
    match reasons.len().saturating_sub(MAX_REASONS) {
        0 => listed.join(", "),
        more => format!("{} and {more} more reasons", listed.join(", ")),
    }
}

/// Why there is no dataset.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The options contradict each other or are out of range.
    #[error(transparent)]
    Options(#[from] WrongOption),
    /// The sink could not store the examples.
    #[error("the dataset cannot be written: {0}")]
    Sink(#[from] std::io::Error),
    /// The history of a project cannot be read.
    #[error("the history cannot be read: {0}")]
    History(std::io::Error),
    /// The tokenizer cannot read a text.
    #[error("tokens cannot be counted: {0}")]
    Tokens(#[from] TokenizerError),
    /// The PHP grammar could not be loaded.
    #[error(transparent)]
    Grammar(#[from] GrammarError),
    /// The rules for secrets could not be loaded.
    #[error(transparent)]
    Secrets(#[from] RulesError),
    /// The run was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// No file gave an example.
    #[error("{0}")]
    NoExamples(NothingCut),
    /// A project has changed since the batches were made that the sink recalls.
    /// Holds its name.
    #[error(
        "{0}: not the files that the interrupted run has read; leave --resume out to begin anew"
    )]
    SourceChanged(String),
}
