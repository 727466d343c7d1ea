//! A family together with the tokenizer of one of its models: counts the tokens
//! of a text, and proves that each control token is one token.

use std::io;
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::control_tokens::ControlTokens;
use super::family::Family;
use super::render::ModelText;

#[cfg(not(feature = "tokenizers"))]
use self::absent::Tokenizer;
#[cfg(feature = "tokenizers")]
use self::real::Tokenizer;

/// Characters of PHP per token: the estimate without a tokenizer. Measured with
/// Qwen2.5's tokenizer: 2.7 in symfony, 3.0 in zabbix, 3.5 in wordpress and
/// mediawiki, 3.7 in cacti, 4.3 in phpmyadmin. The value is lower than all of
/// these, so that few texts have more tokens than estimated.
pub const CHARS_PER_TOKEN: f64 = 2.6;

/// A tokenizer that cannot be used; one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TokenizerError(String);

/// The numbers of tokens of the parts of a text. A token counts for the part in
/// which it begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCounts {
    /// Of the context.
    pub context: usize,
    /// Of the prefix.
    pub prefix: usize,
    /// Of the middle.
    pub middle: usize,
    /// Of the suffix.
    pub suffix: usize,
    /// Of the whole text, control tokens included.
    pub total: usize,
}

/// A family and, if it is known, the tokenizer of one of its models.
#[derive(Clone, Debug)]
pub struct Model {
    family: Family,
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
        let mut reserved: Vec<_> = family.reserved().map(str::to_owned).collect();
        if let Some(tokenizer) = &tokenizer {
            tokenizer.prove(&family)?;
            reserved.extend(tokenizer.special());
        }
        let control_tokens = ControlTokens::new(reserved.iter().map(String::as_str))
            .map_err(|error| TokenizerError(format!("too many control tokens: {error}")))?;
        Ok(Self {
            family,
            control_tokens,
            tokenizer,
        })
    }

    /// The family.
    #[must_use]
    pub fn family(&self) -> &Family {
        &self.family
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

    /// The tokens of a text, counted by the tokenizer or estimated with
    /// [`CHARS_PER_TOKEN`].
    ///
    /// # Errors
    /// If the tokenizer cannot encode the text.
    pub fn count(&self, text: &ModelText) -> Result<TokenCounts, TokenizerError> {
        if let Some(tokenizer) = &self.tokenizer {
            return tokenizer.count(text);
        }
        let estimate = |part: &str| {
            // Texts are far shorter than 2^52.
            (part.chars().count() as f64 / CHARS_PER_TOKEN).ceil() as usize
        };
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

#[cfg(feature = "tokenizers")]
mod real {
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use super::{Family, ModelText, TokenCounts, TokenizerError};

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
            let mut inner =
                tokenizers::Tokenizer::from_bytes(json).map_err(|error| fail(&error))?;
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
}

#[cfg(not(feature = "tokenizers"))]
mod absent {
    use std::io;
    use std::path::Path;

    use super::{Family, ModelText, TokenCounts, TokenizerError};

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

        pub(super) fn count(&self, _: &ModelText) -> Result<TokenCounts, TokenizerError> {
            match *self {}
        }
    }
}
