//! Measures how many characters of a project's source a token has, so that a limit of
//! tokens becomes budgets of characters.

use std::sync::Arc;

use super::error::DatasetError;
use super::options::Options;
use crate::index::SourceFile;
use crate::model::{Model, TokenizerError};

/// The characters of a window, about as many as a text of 1,024 tokens has.
const WINDOW: usize = 3000;
/// The most windows that are measured.
const MAX_WINDOWS: usize = 400;
/// The share of the windows, in percent, that have fewer characters per token. Their
/// prompts fit as well, since the part of the limit that is kept for the middle stays
/// nearly empty; tables of data and the like, which may be a quarter of a project, do not
/// count.
const DENSE_PERCENT: usize = 25;

impl Options {
    /// Whether `chars_per_token` has to be measured on the source.
    #[must_use]
    pub fn measures_tokens(&self) -> bool {
        self.max_tokens.is_some() && self.chars_per_token.is_none() && !self.partial
    }

    /// Sets `chars_per_token` to what `files` have.
    ///
    /// # Errors
    /// If the tokenizer cannot encode a text.
    pub fn measure_tokens(
        &mut self,
        files: &[Arc<SourceFile>],
        model: &Model,
    ) -> Result<(), DatasetError> {
        let texts: Vec<_> = files.iter().map(|file| &*file.text).collect();
        self.chars_per_token = chars_per_token(&texts, model)?;
        Ok(())
    }
}

/// The characters per token of `texts`, in hundredths, by the tokenizer of `model` or by
/// the estimate for its family: what three quarters of the source have at least. `None`
/// if there is no text.
///
/// # Errors
/// If the tokenizer cannot encode a text.
fn chars_per_token(texts: &[&str], model: &Model) -> Result<Option<f64>, TokenizerError> {
    let windows = || texts.iter().flat_map(|text| windows(text));
    let step = windows().count().div_ceil(MAX_WINDOWS).max(1);
    let mut ratios = Vec::new();
    for window in windows().step_by(step) {
        let tokens = model.tokens_of(window)?.max(1);
        // Both numbers are far below 2^52.
        ratios.push(window.chars().count() as f64 / tokens as f64);
    }
    ratios.sort_unstable_by(f64::total_cmp);
    let ratio = ratios.get(ratios.len() * DENSE_PERCENT / 100);
    Ok(ratio.map(|ratio| (ratio * 100.0).floor() / 100.0))
}

/// `text` in windows of [`WINDOW`] bytes. A shorter rest of it is left out, unless it is
/// all of it.
fn windows(text: &str) -> impl Iterator<Item = &str> {
    let count = (text.len() / WINDOW).max(usize::from(!text.is_empty()));
    (0..count).map(move |number| {
        let start = text.floor_char_boundary(number * WINDOW);
        let end = text.floor_char_boundary((number + 1) * WINDOW);
        &text[start..end]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Options;
    use crate::model::Families;

    #[test]
    fn a_project_with_long_words_has_more_characters_per_token() {
        let model = Options::default()
            .model(&Families::default(), std::fs::read)
            .unwrap();
        let of = |text: &str| {
            let text = text.repeat(2000);
            chars_per_token(&[&text, ""], &model).unwrap().unwrap()
        };
        let (wordy, terse) = (of("    return renderer\n"), of("$a[1]=2;\n"));
        assert!(terse < 2.0 && wordy > 4.0, "{terse} {wordy}");
        assert_eq!(chars_per_token(&[], &model).unwrap(), None);
        assert_eq!(chars_per_token(&[""], &model).unwrap(), None);
    }
}
