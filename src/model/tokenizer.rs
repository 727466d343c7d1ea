//! A model's own tokenizer: counts tokens, and checks that each control token is one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::counts::{TokenCounts, TokenizerError};
use super::family::Family;
use super::render::ModelText;

/// A `tokenizer.json`.
#[derive(Clone, Debug)]
pub(super) struct Tokenizer {
    path: PathBuf,
    inner: Arc<tokenizers::Tokenizer>,
}

impl Tokenizer {
    pub(super) fn read<'p>(
        path: &'p Path,
        read: impl FnOnce(&'p Path) -> io::Result<Vec<u8>>,
    ) -> Result<Self, TokenizerError> {
        let fail = |error: &dyn std::fmt::Display| {
            let reason = error.to_string().replace('\n', "; ");
            let path = path.display();
            TokenizerError(format!("a tokenizer.json, found {path}: {reason}"))
        };
        let json = read(path).map_err(|error| fail(&error))?;
        let mut inner = tokenizers::Tokenizer::from_bytes(json).map_err(|error| fail(&error))?;
        // A file may ask for truncation or padding; either falsifies a count.
        inner
            .with_truncation(None)
            .map_err(|error| fail(&error))?
            .with_padding(None);
        Ok(Self {
            path: path.to_owned(),
            inner: Arc::new(inner),
        })
    }

    /// Checks that each control token of `family` is one token.
    pub(super) fn prove(&self, family: &Family) -> Result<(), TokenizerError> {
        for token in family.part_tokens() {
            let encoding = self
                .inner
                .encode(token, false)
                .map_err(|error| self.unreadable(&*error))?;
            let pieces = encoding.get_tokens();
            // The token for unknown text is one token too.
            let is_one = pieces.len() == 1 && pieces[0].contains(token);
            if !is_one {
                return Err(TokenizerError(format!(
                    "a tokenizer of the family {}, whose marker {token:?} is one token; in {} it is {}",
                    family.name,
                    self.path.display(),
                    match pieces.len() {
                        1 => "unknown".to_owned(),
                        count => format!("{count} tokens"),
                    },
                )));
            }
        }
        Ok(())
    }

    /// The texts of its control tokens, in order.
    pub(super) fn special(&self) -> Vec<String> {
        let tokens = self.inner.get_added_tokens_decoder();
        let mut special: Vec<_> = tokens
            .into_values()
            .filter(|token| token.special)
            .map(|token| token.content.trim().to_owned())
            .collect();
        special.sort_unstable();
        special
    }

    /// The numbers of the tokens of `text`.
    pub(super) fn tokens(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let encoding = self.inner.encode_fast(text, false);
        let encoding = encoding.map_err(|error| self.unreadable(&*error))?;
        Ok(encoding.get_ids().to_vec())
    }

    pub(super) fn count(&self, text: &ModelText) -> Result<TokenCounts, TokenizerError> {
        let encoding = self
            .inner
            .encode(text.text.as_str(), false)
            .map_err(|error| self.unreadable(&*error))?;
        let mut counts = TokenCounts {
            total: encoding.len(),
            ..TokenCounts::default()
        };
        for (start, _) in encoding.get_offsets() {
            for (part, count) in [
                (&text.context, &mut counts.context),
                (&text.prefix, &mut counts.prefix),
                (&text.middle, &mut counts.middle),
                (&text.suffix, &mut counts.suffix),
            ] {
                *count += usize::from(part.contains(start));
            }
        }
        Ok(counts)
    }

    fn unreadable(&self, error: &dyn std::fmt::Display) -> TokenizerError {
        let reason = error.to_string().replace('\n', "; ");
        TokenizerError(format!("{}: {reason}", self.path.display()))
    }
}
