//! Reasons why a dataset cannot be verified.

use crate::cancel::Cancelled;
use crate::model::TokenizerError;
use crate::php::spans::GrammarError;
use crate::secrets::RulesError;

/// A reason why the checks cannot run.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The metadata does not tell how the dataset was made.
    #[error(
        "metadata.json: {0}; verify with the version of fimd that wrote the dataset, which it names as `version`"
    )]
    Metadata(String),
    /// The tokenizer cannot tokenize a text.
    #[error("tokens cannot be counted: {0}")]
    Tokens(#[from] TokenizerError),
    /// The PHP grammar cannot be loaded.
    #[error(transparent)]
    Grammar(#[from] GrammarError),
    /// The search for secrets cannot be set up.
    #[error(transparent)]
    Secrets(#[from] RulesError),
    /// The checks were cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
