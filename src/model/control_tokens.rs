//! Control tokens that a source text contains itself. A tokenizer would take
//! them for real ones, and the model would learn a false structure.

use std::borrow::Cow;
use std::ops::Range;

use aho_corasick::{AhoCorasick, BuildError, MatchKind};

/// Finds the control tokens of a family in texts.
///
/// [`Self::neutralise`] inserts a space behind the first character of each one:
/// `<|fim_prefix|>` becomes `< |fim_prefix|>`. A space is visible; invisible
/// characters would be learnt by the model unnoticed. Where the text has such
/// spaces already, it inserts one more. [`Self::restore`] removes one space and
/// so always restores the text.
#[derive(Clone, Debug)]
pub struct ControlTokens {
    whole: AhoCorasick,
    /// The tokens without their first characters.
    rests: AhoCorasick,
    firsts: Vec<char>,
}

impl ControlTokens {
    /// Finds these tokens. Tokens of fewer than two characters are ignored.
    ///
    /// # Errors
    /// If they are too many for an automaton.
    pub fn new<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Result<Self, BuildError> {
        let mut tokens: Vec<_> = tokens.into_iter().collect();
        tokens.sort_unstable();
        tokens.dedup();
        let (mut whole, mut rests, mut firsts) = (Vec::new(), Vec::new(), Vec::new());
        for token in tokens {
            let mut chars = token.chars();
            if let Some(first) = chars.next()
                && !chars.as_str().is_empty()
            {
                whole.push(token);
                rests.push(chars.as_str());
                firsts.push(first);
            }
        }
        Ok(Self {
            whole: AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(whole)?,
            rests: AhoCorasick::new(rests)?,
            firsts,
        })
    }

    /// The byte ranges of the tokens in `text`.
    pub fn find(&self, text: &str) -> impl Iterator<Item = Range<usize>> {
        self.whole.find_iter(text).map(|found| found.range())
    }

    /// Whether `text` contains a token.
    #[must_use]
    pub fn occur_in(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    /// `text` with all tokens neutralised, and the number of inserted spaces.
    #[must_use]
    pub fn neutralise<'a>(&self, text: &'a str) -> (Cow<'a, str>, usize) {
        let places = self.places(text, 0);
        if places.is_empty() {
            return (Cow::Borrowed(text), 0);
        }
        let mut out = String::with_capacity(text.len() + places.len());
        let mut from = 0;
        for at in &places {
            out.push_str(&text[from..*at]);
            out.push(' ');
            from = *at;
        }
        out.push_str(&text[from..]);
        (Cow::Owned(out), places.len())
    }

    /// The text from which [`Self::neutralise`] made `text`.
    #[must_use]
    pub fn restore<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let places = self.places(text, 1);
        if places.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for at in places {
            out.push_str(&text[from..at]);
            from = at + 1;
        }
        out.push_str(&text[from..]);
        Cow::Owned(out)
    }

    /// The byte behind the first character of each token that has at least
    /// `spaces` spaces there, in order.
    fn places(&self, text: &str, spaces: usize) -> Vec<usize> {
        let mut places = Vec::new();
        for found in self.rests.find_overlapping_iter(text) {
            let before = &text[..found.start()];
            let first = before.trim_end_matches(' ');
            if before.len() - first.len() >= spaces
                && first.ends_with(self.firsts[found.pattern().as_usize()])
            {
                places.push(first.len());
            }
        }
        places.sort_unstable();
        places.dedup();
        places
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Families;

    proptest! {
        #[test]
        fn neutralised_text_contains_no_token_and_can_be_restored(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "<", "|fim_prefix|>", "<|fim_middle|>", " ", "</s>", "< /s>", "s>", "/s>",
                    "[SUFFIX]", "[", "PREFIX]", "<PRE>", "\u{e4}", "<[fim-suffix]>", "\n",
                ]),
                0..30,
            ),
        ) {
            let families = Families::default();
            for family in families.iter() {
                let control_tokens = ControlTokens::new(family.reserved()).unwrap();
                let text = pieces.concat();
                let (neutral, changes) = control_tokens.neutralise(&text);
                prop_assert!(!control_tokens.occur_in(&neutral), "{}: {neutral:?}", family.name);
                prop_assert_eq!(neutral.len(), text.len() + changes);
                prop_assert_eq!(control_tokens.restore(&neutral), text.as_str());
            }
        }
    }

    #[test]
    fn text_without_tokens_stays_unchanged() {
        let control_tokens = ControlTokens::new(["<|fim_pad|>", "x"]).unwrap();
        let text = "$a < 1; x; echo '<|fim_pad>';";
        assert!(matches!(
            control_tokens.neutralise(text),
            (Cow::Borrowed(_), 0)
        ));
        assert!(!control_tokens.occur_in(text));
        let found: Vec<_> = control_tokens.find("<|fim_pad|> <|fim_pad|>").collect();
        assert_eq!(found, [0..11, 12..23]);
        assert_eq!(control_tokens.neutralise("a<|fim_pad|>").0, "a< |fim_pad|>");
    }
}
