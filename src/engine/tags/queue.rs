//! The FIM tags that a run of all tags of a text takes, from top to bottom.

use super::prepare::{TagError, fim};
use crate::tags::{CodeRanges, Tag, TagKind, Tags, TextFormat};

/// The FIM tags of a text that are to run, from top to bottom. Tags in code are left
/// out.
#[derive(Clone, Debug)]
pub struct TagQueue {
    /// For each FIM tag, from the last to the first: whether it is in code. The text
    /// that a run inserts may look like code or like tags, but the tags behind it
    /// keep their places counted from the end.
    in_code: Vec<bool>,
}

impl TagQueue {
    /// The queue of `text` before the first run.
    ///
    /// # Errors
    /// For the first malformed tag outside code.
    pub fn new(text: &str, format: TextFormat) -> Result<Self, TagError> {
        let tags = Tags::parse(text);
        let code = CodeRanges::find(text, &tags, format);
        let is_wrong = |tag: &&Tag| matches!(tag.kind, TagKind::Invalid(_)) && !code.contains(tag);
        if let Some(tag) = tags.all().iter().find(is_wrong) {
            fim(text, tag)?;
        }
        let from_last = tags.all().iter().rev().filter(|tag| is_fim(tag));
        Ok(Self {
            in_code: from_last.map(|tag| code.contains(tag)).collect(),
        })
    }

    /// The number of FIM tags that are left out, because they are in code.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.in_code.iter().filter(|in_code| **in_code).count()
    }

    /// The start of the next tag, in bytes, in `text` as it is after the runs so far.
    /// `from` is the end of what the last run inserted.
    #[must_use]
    pub fn next(&self, text: &str, from: usize) -> Option<usize> {
        let tags = Tags::parse(text);
        let rest = tags.all().iter().rev();
        let rest = rest.take_while(|tag| tag.range.start >= from);
        let rest = rest.filter(|tag| is_fim(tag)).zip(&self.in_code);
        let next = rest.filter(|(_, in_code)| !**in_code).last();
        next.map(|(tag, _)| tag.range.start)
    }
}

fn is_fim(tag: &Tag) -> bool {
    matches!(tag.kind, TagKind::Fim(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_in_code_are_left_out_whatever_the_runs_insert() {
        let text = "[[[1]]] `[[[2]]]`\n[[[3]]]\n```\n[[[1, 2], [3, 4]]]\n```\n[[[4]]]";
        let queue = TagQueue::new(text, TextFormat::Markdown).unwrap();
        assert_eq!(queue.left_out(), 1);
        assert_eq!(queue.next(text, 0), Some(0));
        // The model has begun a block of code and does not end it.
        let text = text.replacen("[[[1]]]", "\n```\n[[[9]]]\n", 1);
        let third = text.find("[[[3]]]").unwrap();
        assert_eq!(queue.next(&text, 13), Some(third));
        assert_eq!(queue.next(&text, third + 1), text.find("[[[4]]]"));
        assert_eq!(queue.next(&text, text.len()), None);
    }

    #[test]
    fn a_malformed_tag_outside_code_is_an_error() {
        let text = "`[[[1, 2]]]` [[[1, 2]]]";
        let error = TagQueue::new(text, TextFormat::Markdown).unwrap_err();
        assert!(error.to_string().starts_with("1:18: "), "{error}");
        let error = TagQueue::new(text, TextFormat::Plain).unwrap_err();
        assert!(error.to_string().starts_with("1:6: "), "{error}");
    }
}
