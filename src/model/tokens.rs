//! A family together with the tokenizer of one of its models: counts the tokens of a
//! text, or estimates them.

use std::io;
use std::ops::Range;
use std::path::Path;

use super::control_tokens::ControlTokens;
use super::counts::{TokenCounts, TokenizerError};
use super::estimate;
use super::family::Family;
#[cfg(not(feature = "tokenizers"))]
use super::no_tokenizer::Tokenizer;
use super::render::ModelText;
#[cfg(feature = "tokenizers")]
use super::tokenizer::Tokenizer;

/// A family and, if it is known, the tokenizer of one of its models.
#[derive(Clone, Debug)]
pub struct Model {
    family: Family,
    family_tokens: ControlTokens,
    control_tokens: ControlTokens,
    tokenizer: Option<Tokenizer>,
}

impl Model {
    /// A model of `family`, with the `tokenizer.json` at the path `tokenizer` if
    /// there is one. `read` reads the bytes of that file.
    ///
    /// # Errors
    /// If the file cannot be read or holds no tokenizer, or if a control token of
    /// the family is not one token of it.
    pub fn new<'p>(
        family: Family,
        tokenizer: Option<&'p Path>,
        read: impl FnOnce(&'p Path) -> io::Result<Vec<u8>>,
    ) -> Result<Self, TokenizerError> {
        let tokenizer = tokenizer.map(|path| Tokenizer::read(path, read));
        let tokenizer = tokenizer.transpose()?;
        let too_many = |error| TokenizerError(format!("too many control tokens: {error}"));
        let mut reserved: Vec<_> = family.reserved().map(str::to_owned).collect();
        let family_tokens =
            ControlTokens::new(reserved.iter().map(String::as_str)).map_err(too_many)?;
        if let Some(tokenizer) = &tokenizer {
            tokenizer.prove(&family)?;
            reserved.extend(tokenizer.special());
        }
        let control_tokens =
            ControlTokens::new(reserved.iter().map(String::as_str)).map_err(too_many)?;
        Ok(Self {
            family,
            family_tokens,
            control_tokens,
            tokenizer,
        })
    }

    /// The family.
    #[must_use]
    pub fn family(&self) -> &Family {
        &self.family
    }

    /// The control tokens of the family. Prompts neutralise those that a file spells.
    #[must_use]
    pub fn family_tokens(&self) -> &ControlTokens {
        &self.family_tokens
    }

    /// The control tokens that texts must not contain: those of the family and,
    /// with a tokenizer, all of the tokenizer's.
    #[must_use]
    pub fn control_tokens(&self) -> &ControlTokens {
        &self.control_tokens
    }

    /// Whether [`Self::count`] counts tokens; otherwise it estimates them.
    #[must_use]
    pub fn has_tokenizer(&self) -> bool {
        self.tokenizer.is_some()
    }

    /// The numbers of the tokens of `text`; none without a tokenizer.
    ///
    /// # Errors
    /// If the tokenizer cannot encode the text.
    pub fn tokens(&self, text: &str) -> Result<Option<Vec<u32>>, TokenizerError> {
        let tokenizer = self.tokenizer.as_ref();
        tokenizer.map(|own| own.tokens(text)).transpose()
    }

    /// The number of the tokens of `text`, counted by the tokenizer or estimated for the
    /// family.
    ///
    /// # Errors
    /// If the tokenizer cannot encode the text.
    pub fn tokens_of(&self, text: &str) -> Result<usize, TokenizerError> {
        Ok(match self.tokens(text)? {
            Some(tokens) => tokens.len(),
            None => estimate::tokens(text, &self.family.name),
        })
    }

    /// The tokens of a text, counted by the tokenizer or estimated for the family.
    ///
    /// # Errors
    /// If the tokenizer cannot encode the text.
    pub fn count(&self, text: &ModelText) -> Result<TokenCounts, TokenizerError> {
        if let Some(tokenizer) = &self.tokenizer {
            return tokenizer.count(text);
        }
        let estimate = |part: &str| estimate::tokens(part, &self.family.name);
        let of = |range: &Range<usize>| estimate(&text.text[range.clone()]);
        Ok(TokenCounts {
            context: of(&text.context),
            prefix: of(&text.prefix),
            middle: of(&text.middle),
            suffix: of(&text.suffix),
            total: estimate(&text.text),
        })
    }
}
