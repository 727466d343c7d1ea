//! The completions that were offered to a client, and those that its user has
//! declined. A declined text is not offered again at the same place unless the user
//! asks.

use std::collections::VecDeque;

use crate::text::{line_end, line_start};

/// The number of offers that can still be declined, and of declined texts that are
/// remembered.
const CAPACITY: usize = 64;

/// The surroundings of a cursor: the last line above it that is not blank, and its
/// own. Changes elsewhere in the buffer leave the place the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferPlace {
    path: String,
    before: String,
    after: String,
}

impl OfferPlace {
    /// The place at byte `cursor` of `content`, which must be on a character
    /// boundary. `path` is the key of the file.
    #[must_use]
    pub fn new(path: &str, content: &str, cursor: usize) -> Self {
        let above = content[..line_start(content, cursor)].trim_end();
        let start = line_start(content, above.len());
        Self {
            path: path.to_owned(),
            before: content[start..cursor].to_owned(),
            after: content[cursor..line_end(content, cursor)].to_owned(),
        }
    }
}

/// The offers of one client.
#[derive(Debug, Default)]
pub struct Offers {
    /// The number of offers so far.
    count: u64,
    /// The last offers, newest last.
    offered: VecDeque<(u64, OfferPlace, String)>,
    /// The texts that were declined last, newest last.
    declined: VecDeque<(OfferPlace, String)>,
}

impl Offers {
    /// Notes that `text` is offered at `place`. Returns the number of the offer.
    pub fn offer(&mut self, place: &OfferPlace, text: &str) -> u64 {
        self.count += 1;
        if self.offered.len() == CAPACITY {
            self.offered.pop_front();
        }
        let offer = (self.count, place.clone(), text.to_owned());
        self.offered.push_back(offer);
        self.count
    }

    /// Notes that the user has declined the offer of this number. Does nothing if the
    /// offer is not known any more.
    pub fn decline(&mut self, number: u64) {
        let offers = &mut self.offered;
        let Some(at) = offers.iter().position(|offer| offer.0 == number) else {
            return;
        };
        if let Some((_, place, text)) = offers.remove(at) {
            if self.declined.len() == CAPACITY {
                self.declined.pop_front();
            }
            self.declined.push_back((place, text));
        }
    }

    /// Whether the user has declined `text` at `place`.
    #[must_use]
    pub fn is_declined(&self, place: &OfferPlace, text: &str) -> bool {
        let mut declined = self.declined.iter();
        declined.any(|(there, other)| there == place && other == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str, code: &str) -> OfferPlace {
        let cursor = code.find('|').unwrap();
        OfferPlace::new(path, &code.replacen('|', "", 1), cursor)
    }

    #[test]
    fn a_declined_text_is_declined_at_its_place() {
        let mut offers = Offers::default();
        let here = place("a.php", "<?php\nfoo();\n\n$x = |;\n");
        let number = offers.offer(&here, "1");
        assert!(!offers.is_declined(&here, "1"));
        offers.decline(number + 1);
        assert!(!offers.is_declined(&here, "1"));
        offers.decline(number);
        assert!(offers.is_declined(&here, "1"));
        assert!(!offers.is_declined(&here, "2"));
        let elsewhere_changed = place("a.php", "<?php\nbar();\nfoo();\n\n$x = |;\nbaz();\n");
        assert!(offers.is_declined(&elsewhere_changed, "1"));
        for other in [
            place("b.php", "<?php\nfoo();\n\n$x = |;\n"),
            place("a.php", "<?php\nbar();\n\n$x = |;\n"),
            place("a.php", "<?php\nfoo();\n\n$x = |\n"),
            place("a.php", "<?php\nfoo();\n\n$x =|;\n"),
        ] {
            assert!(!offers.is_declined(&other, "1"), "{other:?}");
        }
    }

    #[test]
    fn only_the_last_offers_and_declined_texts_are_remembered() {
        let mut offers = Offers::default();
        let here = place("a.php", "|");
        let first = offers.offer(&here, "0");
        for number in 0..CAPACITY {
            let offer = offers.offer(&here, &number.to_string());
            offers.decline(offer);
        }
        assert!(offers.is_declined(&here, "0"));
        let next = offers.offer(&here, "next");
        offers.decline(next);
        assert!(!offers.is_declined(&here, "0"));
        // It is still among the last offers, since declined ones are not.
        offers.decline(first);
        assert!(offers.is_declined(&here, "0"));
    }
}
