//! Text that fimd writes into a document while the user edits it: its range, the
//! edits that are left, and which changes of the document are fimd's own.
//!
//! The text grows right before its tag, and the tag is deleted at the end. A
//! document that is left midway still has its tag, and one deletion restores a
//! document. fimd asks the client for edits, one set at a time, each for one
//! version of the document. An edit counts once the document has changed
//! accordingly, whatever the client answers: some clients answer before they send
//! the change, and some say that they have applied edits that they drop. All
//! other changes move the ranges that are kept here.

use std::ops::Range;

use tokio::sync::watch;

use crate::tags;

/// Text that fimd writes into a document. All ranges are in bytes.
#[derive(Debug)]
pub(super) struct Splice {
    /// The text that the document holds so far.
    written: Range<usize>,
    /// The tag, right behind the text; empty if there is no tag or no more.
    tag: Range<usize>,
    /// Prefix and suffix tags that are deleted at the end.
    deletes: Vec<Range<usize>>,
    /// The edits that the client was asked for and that do not show yet.
    requested: Vec<Step>,
    /// Whether the user has edited the text or the tag.
    is_disturbed: bool,
    changes: watch::Sender<()>,
}

/// The wanted state of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// This text stands before the tag.
    Grow(String),
    /// This text stands in the tag's place.
    Finish(String),
    /// The document holds no text of fimd.
    Undo,
}

/// One edit of fimd. The splice's ranges give its position.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Inserts text before the tag.
    Grow(String),
    /// Replaces the tag with the rest of the text.
    Finish(String),
    /// Deletes a prefix or suffix tag, by its index in `deletes`.
    Delete(usize),
    /// Deletes the text.
    Undo,
}

impl Splice {
    /// No text yet, in the place of `tag`. `deletes` are deleted with the tag.
    pub(super) fn new(tag: Range<usize>, deletes: Vec<Range<usize>>) -> Self {
        Self {
            written: tag.start..tag.start,
            tag,
            deletes,
            requested: Vec::new(),
            is_disturbed: false,
            changes: watch::Sender::new(()),
        }
    }

    /// Receives a signal for every change of the document from now on. Ends with
    /// the splice.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Signals that the document has changed.
    pub(super) fn signal_change(&self) {
        self.changes.send_replace(());
    }

    /// Whether the user has edited the text or the tag. fimd then leaves both as
    /// they are.
    pub(super) fn is_disturbed(&self) -> bool {
        self.is_disturbed
    }

    /// The number of requested edits that do not show yet.
    pub(super) fn left(&self) -> usize {
        self.requested.len()
    }

    /// The requested edits will not happen.
    pub(super) fn forget(&mut self) {
        self.requested.clear();
    }

    /// The edits that lead to `goal`, in the order of the text; none if it is
    /// reached. They count as requested.
    pub(super) fn edits(&mut self, goal: &Goal) -> Vec<tags::Edit> {
        let written = self.written.len();
        self.requested = match goal {
            Goal::Grow(text) if text.len() > written => vec![Step::Grow(text[written..].into())],
            Goal::Finish(text) => {
                let deletes = (0..self.deletes.len()).map(Step::Delete);
                let rest = &text[written.min(text.len())..];
                let is_done = rest.is_empty() && self.tag.is_empty();
                let finish = (!is_done).then(|| Step::Finish(rest.into()));
                deletes.chain(finish).collect()
            }
            Goal::Undo if written > 0 => vec![Step::Undo],
            Goal::Grow(_) | Goal::Undo => Vec::new(),
        };
        let mut edits: Vec<_> = self.requested.iter().map(|step| self.edit(step)).collect();
        edits.sort_by_key(|edit| edit.start);
        edits
    }

    /// The document has changed: `new` replaces `range` of the text `before`.
    pub(super) fn changed(&mut self, before: &str, range: Range<usize>, new: &str) {
        let change = tags::Edit {
            start: range.start,
            end: range.end,
            new_text: new.to_owned(),
        };
        let mut all: Vec<_> = self.requested.iter().map(|step| self.edit(step)).collect();
        all.sort_by_key(|edit| edit.start);
        if all.len() > 1 && same(before, &all, &change) {
            while let Some(step) = self.requested.pop() {
                self.done(&step);
            }
            return;
        }
        let is_it = |step: &Step| same(before, &[self.edit(step)], &change);
        match self.requested.iter().position(is_it) {
            Some(own) => {
                let step = self.requested.remove(own);
                self.done(&step);
            }
            None => self.moved(before, range, new),
        }
    }

    fn edit(&self, step: &Step) -> tags::Edit {
        let (range, text) = match step {
            Step::Grow(text) => (self.tag.start..self.tag.start, text.as_str()),
            Step::Finish(text) => (self.tag.clone(), text.as_str()),
            Step::Delete(at) => (self.deletes[*at].clone(), ""),
            Step::Undo => (self.written.clone(), ""),
        };
        tags::Edit {
            start: range.start,
            end: range.end,
            new_text: text.to_owned(),
        }
    }

    /// An edit of fimd has happened.
    fn done(&mut self, step: &Step) {
        let tags::Edit { start, end, .. } = self.edit(step);
        match step {
            Step::Grow(text) | Step::Finish(text) => {
                for delete in self.deletes.iter_mut().filter(|range| range.start >= end) {
                    shift(delete, end - start, text.len());
                }
                let tag_len = match step {
                    Step::Grow(_) => self.tag.len(),
                    _ => 0,
                };
                self.written.end += text.len();
                self.tag = self.written.end..self.written.end + tag_len;
            }
            Step::Delete(gone) => {
                let range = self.deletes.remove(*gone);
                for step in &mut self.requested {
                    if let Step::Delete(at) = step
                        && *at > *gone
                    {
                        *at -= 1;
                    }
                }
                self.shift_behind(&range, 0);
            }
            Step::Undo => {
                let range = self.written.clone();
                self.written.end = self.written.start;
                shift(&mut self.tag, range.len(), 0);
                for delete in &mut self.deletes {
                    if delete.start >= range.end {
                        shift(delete, range.len(), 0);
                    }
                }
            }
        }
    }

    /// The user has changed the text.
    fn moved(&mut self, before: &str, range: Range<usize>, new: &str) {
        let (range, inserted) = trimmed(before, range, new);
        let ours = self.written.start..self.tag.end;
        if range.end > ours.start && range.start < ours.end {
            self.is_disturbed = true;
        }
        let mut at = 0;
        while at < self.deletes.len() {
            let delete = &self.deletes[at];
            if range.end > delete.start && range.start < delete.end {
                // The user has edited this tag, so it stays.
                self.deletes.remove(at);
                self.requested.retain(|step| *step != Step::Delete(at));
                for step in &mut self.requested {
                    if let Step::Delete(other) = step
                        && *other > at
                    {
                        *other -= 1;
                    }
                }
            } else {
                at += 1;
            }
        }
        self.shift_behind(&range, inserted);
    }

    /// Moves every range behind `range`, which `inserted` bytes have replaced.
    fn shift_behind(&mut self, range: &Range<usize>, inserted: usize) {
        if self.written.start >= range.end {
            shift(&mut self.written, range.len(), inserted);
            shift(&mut self.tag, range.len(), inserted);
        }
        for delete in &mut self.deletes {
            if delete.start >= range.end {
                shift(delete, range.len(), inserted);
            }
        }
    }
}

fn shift(range: &mut Range<usize>, removed: usize, inserted: usize) {
    range.start = range.start - removed + inserted;
    range.end = range.end - removed + inserted;
}

/// Whether `edits` have the same effect on a text as `change`.
fn same(before: &str, edits: &[tags::Edit], change: &tags::Edit) -> bool {
    let grows = |edit: &tags::Edit| edit.new_text.len() as i128 - (edit.end - edit.start) as i128;
    edits.iter().map(grows).sum::<i128>() == grows(change)
        && tags::Edit::apply(before, edits)
            == tags::Edit::apply(before, std::slice::from_ref(change))
}

/// A change without its unchanged ends. Clients that send the whole text say that
/// all of it has changed.
fn trimmed(before: &str, range: Range<usize>, new: &str) -> (Range<usize>, usize) {
    let old = &before[range.clone()];
    let same_len = |pairs: &mut dyn Iterator<Item = (char, char)>| {
        pairs
            .take_while(|(a, b)| a == b)
            .map(|(c, _)| c.len_utf8())
            .sum::<usize>()
    };
    let head = same_len(&mut old.chars().zip(new.chars()));
    let (old, new) = (&old[head..], &new[head..]);
    let tail = same_len(&mut old.chars().rev().zip(new.chars().rev()));
    (range.start + head..range.end - tail, new.len() - tail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The next event in a document.
    #[derive(Clone, Debug)]
    enum Event {
        /// The user edits before the tag, or behind it: where, how much, what.
        Typed(bool, prop::sample::Index, usize, String),
        /// Edits are requested and happen, as several changes or as one.
        Applied(bool),
        /// Edits are requested and do not happen.
        Refused,
        /// More text has come.
        Came(String),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            (
                any::<bool>(),
                any::<prop::sample::Index>(),
                0_usize..4,
                "[a\\[é\n]{0,3}"
            )
                .prop_map(|(before, at, len, new)| Event::Typed(before, at, len, new)),
            any::<bool>().prop_map(Event::Applied),
            Just(Event::Refused),
            // Uses other characters, so that the user never types the model's text.
            "[xñ ]{1,3}".prop_map(Event::Came),
        ]
    }

    /// Applies the edits to `text`, each as a change or all as one.
    fn happen(splice: &mut Splice, text: &mut String, goal: &Goal, at_once: bool) {
        let edits = splice.edits(goal);
        let after = tags::Edit::apply(text, &edits);
        if at_once {
            let whole = text.clone();
            splice.changed(&whole, 0..whole.len(), &after);
            *text = after;
        } else {
            for edit in edits.iter().rev() {
                splice.changed(text, edit.start..edit.end, &edit.new_text);
                text.replace_range(edit.start..edit.end, &edit.new_text);
            }
            assert_eq!(*text, after);
        }
        assert_eq!(splice.left(), 0, "all of it was seen");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn text_grows_at_its_place_whatever_the_user_types_around_it(
            events in prop::collection::vec(event(), 0..24),
            is_undone in any::<bool>(),
            at_once in any::<bool>(),
        ) {
            const TAG: &str = "[[[5]]]";
            let (mut before, mut after) = ("ab\nc".to_owned(), "dé\nf".to_owned());
            let mut text = [&before, TAG, "P", &after].concat();
            let start = before.len();
            let soft = start + TAG.len();
            let suffix = soft..soft + 1;
            let mut splice = Splice::new(start..soft, vec![suffix]);
            let (mut come, mut written) = (String::new(), 0);
            for event in events {
                match event {
                    Event::Came(new) => come.push_str(&new),
                    Event::Refused => {
                        splice.edits(&Goal::Grow(come.clone()));
                        splice.forget();
                    }
                    Event::Applied(at_once) => {
                        happen(&mut splice, &mut text, &Goal::Grow(come.clone()), at_once);
                        written = come.len();
                    }
                    Event::Typed(is_before, at, len, new) => {
                        let behind = before.len() + written + TAG.len() + "P".len();
                        let (side, offset) = match is_before {
                            true => (&mut before, 0),
                            false => (&mut after, behind),
                        };
                        let at = side.floor_char_boundary(at.index(side.len() + 1));
                        let end = side.floor_char_boundary((at + len).min(side.len())).max(at);
                        side.replace_range(at..end, &new);
                        // Requests an edit that the client will refuse.
                        splice.edits(&Goal::Grow(come.clone()));
                        splice.changed(&text, offset + at..offset + end, &new);
                        text.replace_range(offset + at..offset + end, &new);
                        splice.forget();
                    }
                }
                let expected = [&before, &come[..written], TAG, "P", &after].concat();
                prop_assert_eq!(&text, &expected);
                prop_assert!(!splice.is_disturbed());
            }
            let (goal, middle) = match is_undone {
                true => (Goal::Undo, [TAG, "P"].concat()),
                false => (Goal::Finish(come.clone()), come.clone()),
            };
            happen(&mut splice, &mut text, &goal, at_once);
            prop_assert_eq!(&text, &[before, middle, after].concat());
            prop_assert_eq!(splice.edits(&goal), []);
        }
    }

    #[test]
    fn an_edit_of_the_text_or_the_tag_is_a_disturbance_and_beside_them_is_none() {
        let text = "ab[[[5]]]cd";
        for (range, disturbed) in [
            (0..2, false),
            (2..2, false),
            (1..3, true),
            (4..4, true),
            (8..10, true),
            (9..9, false),
            (0..11, true),
        ] {
            let mut splice = Splice::new(2..9, Vec::new());
            splice.changed(text, range.clone(), "x");
            assert_eq!(splice.is_disturbed(), disturbed, "{range:?}");
        }
    }
}
