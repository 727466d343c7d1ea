//! The place of the tokenizer in a build without the feature `tokenizers`.

use std::io;
use std::path::Path;

use super::counts::{TokenCounts, TokenizerError};
use super::family::Family;
use super::render::ModelText;

/// The tokenizer of a build that cannot read one: it has no values.
#[derive(Clone, Debug)]
pub(super) enum Tokenizer {}

impl Tokenizer {
    pub(super) fn read<'p>(
        path: &'p Path,
        _: impl FnOnce(&'p Path) -> io::Result<Vec<u8>>,
    ) -> Result<Self, TokenizerError> {
        Err(TokenizerError(format!(
            "none, since this fimd was built without the feature `tokenizers`; found {}",
            path.display()
        )))
    }

    pub(super) fn prove(&self, _: &Family) -> Result<(), TokenizerError> {
        match *self {}
    }

    pub(super) fn special(&self) -> Vec<String> {
        match *self {}
    }

    pub(super) fn tokens(&self, _: &str) -> Result<Vec<u32>, TokenizerError> {
        match *self {}
    }

    pub(super) fn count(&self, _: &ModelText) -> Result<TokenCounts, TokenizerError> {
        match *self {}
    }
}
