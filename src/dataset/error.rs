//! Why a run gives no dataset.

use crate::cancel::Cancelled;
use crate::dataset::options::WrongOption;
use crate::model::TokenizerError;
use crate::php::spans::GrammarError;
use crate::secrets::RulesError;

/// Why there is no dataset.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The options make no sense.
    #[error(transparent)]
    Options(#[from] WrongOption),
    /// The sink could not take the examples.
    #[error("the dataset cannot be written: {0}")]
    Sink(#[from] std::io::Error),
    /// The tokenizer cannot read a text.
    #[error("tokens cannot be counted: {0}")]
    Tokens(#[from] TokenizerError),
    /// No PHP can be parsed.
    #[error(transparent)]
    Grammar(#[from] GrammarError),
    /// Secrets could not be found.
    #[error(transparent)]
    Secrets(#[from] RulesError),
    /// The work was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// No file gave an example; says how many files were tried.
    #[error(
        "no example could be cut from {0} PHP files: see `fimd files --why` for what is left out, and try a lower --min-middle-chars"
    )]
    NoExamples(usize),
    /// A project is not what it was when the batches were made that the sink
    /// has kept.
    #[error(
        "{0}: not the files that the interrupted run has read; leave --resume out to begin anew"
    )]
    SourceChanged(String),
}
