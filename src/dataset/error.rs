//! Why a run fails.

use crate::cancel::Cancelled;
use crate::dataset::options::WrongOption;
use crate::model::TokenizerError;
use crate::php::spans::GrammarError;
use crate::secrets::RulesError;

/// Why there is no dataset.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The options contradict each other or are out of range.
    #[error(transparent)]
    Options(#[from] WrongOption),
    /// The sink could not store the examples.
    #[error("the dataset cannot be written: {0}")]
    Sink(#[from] std::io::Error),
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
    /// No file gave an example. Holds the number of files in the index.
    #[error(
        "no example could be cut from {0} PHP files: see `fimd files --why` for what is left out, and try a lower --min-middle-chars"
    )]
    NoExamples(usize),
    /// A project has changed since the batches were made that the sink recalls.
    /// Holds its name.
    #[error(
        "{0}: not the files that the interrupted run has read; leave --resume out to begin anew"
    )]
    SourceChanged(String),
}
