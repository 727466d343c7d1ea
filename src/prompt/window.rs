//! Where the prefix of a prompt begins, and where its suffix ends.
//!
//! Both borders stay where they are while somebody types. The prefix begins at the
//! first line behind a point of a grid that is counted from the start of the file,
//! so it is the same for all cursors within a quarter of its budget, whatever is
//! edited between it and the cursor. The suffix depends on the text behind the
//! cursor alone.

use memchr::{memchr, memrchr};

use super::budget::PromptBudget;

/// The prefix begins at another place after this share of its budget.
const STEPS: usize = 4;

/// The bytes of `content` that a prompt with the cursor at byte `cursor` shows: where its
/// prefix begins and where its suffix ends.
#[must_use]
pub fn window(content: &str, cursor: usize, budget: PromptBudget) -> (usize, usize) {
    let (before, after) = content.split_at(cursor);
    (
        prefix_start(before, budget.prefix),
        cursor + suffix_end(after, budget.suffix),
    )
}

/// The byte of `before`, the text before the cursor, at which a prefix of at most
/// `chars` characters begins: 0 if the text is not longer. Otherwise it is the first
/// start of a line at or behind a point of the grid, or that point itself if the line
/// there is longer than a step.
pub(super) fn prefix_start(before: &str, chars: usize) -> usize {
    let earliest = last_chars(before, chars);
    if earliest == 0 {
        return 0;
    }
    let step = (chars / STEPS).max(1);
    let point = earliest.next_multiple_of(step);
    if point >= before.len() {
        return earliest;
    }
    // A line begins at the point if a line break ends right before it.
    let end = (point + step).min(before.len());
    match memchr(b'\n', &before.as_bytes()[point - 1..end]) {
        Some(newline) if point + newline < before.len() => point + newline,
        _ => before.ceil_char_boundary(point),
    }
}

/// The byte of `after`, the text behind the cursor, at which a suffix of at most
/// `chars` characters ends: behind the last whole line of it, or inside a line that is
/// longer.
pub(super) fn suffix_end(after: &str, chars: usize) -> usize {
    let Some((cut, _)) = after.char_indices().nth(chars) else {
        return after.len();
    };
    memrchr(b'\n', &after.as_bytes()[..cut]).map_or(cut, |newline| newline + 1)
}

/// The byte at which the last `chars` characters of `text` begin; 0 if it has no more.
fn last_chars(text: &str, chars: usize) -> usize {
    let Some(from) = text.len().checked_sub(chars) else {
        return 0;
    };
    if text.as_bytes()[from..].is_ascii() {
        return from;
    }
    match chars.checked_sub(1) {
        None => text.len(),
        Some(others) => {
            let mut starts = text.char_indices().rev();
            starts.nth(others).map_or(0, |(at, _)| at)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_short_text_is_shown_whole() {
        assert_eq!(prefix_start("one\ntwo\n", 8), 0);
        assert_eq!(suffix_end("one\ntwo\n", 8), 8);
        assert_eq!((prefix_start("", 0), suffix_end("", 0)), (0, 0));
    }

    #[test]
    fn borders_are_between_lines() {
        let text = "one\ntwo\nthree\nfour\n".repeat(9);
        let start = prefix_start(&text, 60);
        assert!(text[..start].ends_with('\n') && text.len() - start <= 60);
        assert!(text.len() - start > 30);
        assert_eq!(&text[..suffix_end(&text, 9)], "one\ntwo\n");
        // A line that is longer than the budget is cut.
        let line = "x".repeat(500);
        assert_eq!(suffix_end(&line, 9), 9);
        assert_eq!(prefix_start(&line, 100), 400);
        assert_eq!(prefix_start(&line[1..], 100), 400);
    }

    #[test]
    fn the_start_moves_once_in_many_keystrokes() {
        let text = "        $this->call($some, $thing);\n".repeat(200);
        let starts: Vec<_> = (2000..4000)
            .map(|cursor| prefix_start(&text[..cursor], 1000))
            .collect();
        let moves = starts.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(moves, 8, "2000 characters are eight steps of 250");
        // An edit between the start and the cursor moves nothing.
        let edited = [&text[..2500], "// more\n", &text[2500..2980]].concat();
        let start = prefix_start(&text[..2980], 1000);
        assert_eq!(prefix_start(&edited, 1000), start);
    }

    proptest! {
        #[test]
        fn parts_keep_their_budgets(
            text in "([a-z\u{e4}\u{1F600}]{0,30}\n|\r\n){0,60}[a-z]{0,50}",
            chars in 0..400_usize,
        ) {
            let start = prefix_start(&text, chars);
            prop_assert!(text[start..].chars().count() <= chars);
            if text.chars().count() <= chars {
                prop_assert_eq!(start, 0);
            } else {
                // One step is given up for the grid, and one for the line.
                let shown = text[start..].chars().count();
                prop_assert!(shown + 2 * (chars / STEPS).max(1) + 4 > chars);
            }
            let end = suffix_end(&text, chars);
            prop_assert!(text[..end].chars().count() <= chars);
        }
    }
}
