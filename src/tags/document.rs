//! The tags of a text, and how an edit of the text changes them.

use std::ops::Range;

use super::parser::is_space;
use super::scan::TagScanner;
use super::tag::{Tag, TagKind};

/// The tags of a text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tags {
    list: Vec<Tag>,
    /// The starts of comments without an end, which are plain text. A `)]]]` that is
    /// inserted anywhere behind would make one a comment.
    open_comments: Vec<usize>,
}

/// A part of a text: one tag, or the plain text between two tags.
#[derive(Clone, Debug, PartialEq)]
pub enum Tile<'a> {
    /// Plain text: its range in bytes.
    Plain(Range<usize>),
    /// A tag.
    Tag(&'a Tag),
}

impl Tags {
    /// Finds the tags of `text`, in time proportional to its length.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut scanner = TagScanner::new(text);
        let mut list: Vec<Tag> = Vec::new();
        while let Some(tag) = scanner.next_tag(list.last().map_or(0, |tag| tag.range.end)) {
            list.push(tag);
        }
        Self {
            list,
            open_comments: scanner.open_comments,
        }
    }

    /// The tags, in order.
    #[must_use]
    pub fn all(&self) -> &[Tag] {
        &self.list
    }

    /// The tags and the plain text between them, which tile a text of `len` bytes.
    pub fn tiles(&self, len: usize) -> impl Iterator<Item = Tile<'_>> {
        let starts = self.list.iter().map(|tag| tag.range.start);
        let ends = self.list.iter().map(|tag| tag.range.end);
        let gaps = std::iter::once(0).chain(ends).zip(starts.chain([len]));
        let tags = self.list.iter().map(Some).chain([None]);
        gaps.zip(tags).flat_map(|((start, end), tag)| {
            let plain = (start < end).then_some(Tile::Plain(start..end));
            plain.into_iter().chain(tag.map(Tile::Tag))
        })
    }

    /// The tag that contains the byte `at` or ends right before it.
    #[must_use]
    pub fn at(&self, at: usize) -> Option<&Tag> {
        let after = self.list.partition_point(|tag| tag.range.start <= at);
        self.list[..after].last().filter(|tag| tag.range.end >= at)
    }

    /// Whether the tag that contains the byte `at` or ends right before it is a config
    /// tag.
    #[must_use]
    pub fn is_config_at(&self, at: usize) -> bool {
        let tag = self.at(at);
        tag.is_some_and(|tag| matches!(tag.kind, TagKind::Config(_)))
    }

    /// Brings the tags up to date after an edit, which has replaced the byte range
    /// `replaced` of the old text by `inserted` bytes. `text` is the new text. Parses
    /// only the part that the edit can affect.
    pub fn edit(&mut self, text: &str, replaced: Range<usize>, inserted: usize) {
        let mut scanner = TagScanner::new(text);
        let reached = |tag: &Tag| tag.range.start.saturating_add(tag.reach) >= replaced.start;
        let mut kept = self
            .list
            .iter()
            .position(reached)
            .unwrap_or(self.list.len());
        let mut from = before_edit(text, replaced.start);
        if let Some(reached) = self.list.get(kept) {
            from = from.min(reached.range.start);
        }
        let open_comments = std::mem::take(&mut self.open_comments);
        let open_before = open_comments.partition_point(|open| *open < from);
        match open_comments[..open_before].first() {
            Some(open) if scanner.is_comment(*open) => {
                kept = kept.min(self.list.partition_point(|tag| tag.range.start < *open));
                from = *open;
            }
            _ => scanner.open_comments = open_comments[..open_before].to_vec(),
        }
        let tail = self.list.split_off(kept);
        from = from.max(self.list.last().map_or(0, |tag| tag.range.end));
        let moved = |at: usize| at - replaced.len() + inserted;
        let mut tail = tail
            .into_iter()
            .skip_while(|tag| tag.range.start < replaced.end)
            .map(|tag| Tag {
                range: moved(tag.range.start)..moved(tag.range.end),
                ..tag
            })
            .peekable();
        while let Some(tag) = scanner.next_tag(from) {
            while tail
                .next_if(|old| old.range.start < tag.range.start)
                .is_some()
            {}
            if tail
                .peek()
                .is_some_and(|old| old.range.start == tag.range.start)
            {
                // From here on, the text and its tags are unchanged.
                let behind = open_comments.iter().filter(|open| **open >= replaced.end);
                let behind = behind.map(|open| moved(*open));
                let behind = behind.filter(|open| *open > tag.range.start);
                scanner.open_comments.extend(behind);
                self.list.extend(tail);
                break;
            }
            from = tag.range.end;
            self.list.push(tag);
        }
        self.open_comments = scanner.open_comments;
    }
}

/// The earliest position at which an edit at `at` can create a tag: before the
/// brackets, the white space and the word in front of the edit.
fn before_edit(text: &str, at: usize) -> usize {
    let before = &text[..at];
    let before = before.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let before = before.trim_end_matches(is_space);
    before.trim_end_matches('[').len()
}
