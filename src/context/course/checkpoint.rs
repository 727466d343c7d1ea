//! The places at which the context of a course may grow.

use crate::text::line_start;

/// What stands right before a checkpoint inside a line.
const OPENERS: [&str; 3] = ["->", "::", "("];
/// What a line begins with that is a comment as a whole.
const COMMENTS: [&str; 4] = ["//", "/*", "*", "# "];

/// The checkpoints of `text` behind byte `from`, in ascending order: the starts of lines
/// and the places behind [`OPENERS`]. A line that is a comment has none but its start.
///
/// What is a checkpoint follows from the text before it alone. So what is typed behind
/// it does not change it.
pub(super) fn checkpoints(text: &str, from: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut line = line_start(text, from);
    for at in from + 1..=text.len() {
        if text.as_bytes()[at - 1] == b'\n' {
            line = at;
            found.push(at);
            continue;
        }
        let before = &text.as_bytes()[line..at];
        if OPENERS
            .iter()
            .any(|opener| before.ends_with(opener.as_bytes()))
        {
            // An opener ends with a whole character.
            let code = text[line..at].trim_start();
            if !COMMENTS.iter().any(|comment| code.starts_with(comment)) {
                found.push(at);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn checkpoints_are_line_starts_and_where_the_code_asks() {
        let text = "<?php\n$a->b(C::d());\n// f(->\n#[A(1)]\n\u{e4}->";
        let parts = checkpoints(text, 0);
        let before: Vec<&str> = parts.iter().map(|&at| &text[..at]).collect();
        assert_eq!(
            before,
            [
                "<?php\n",
                "<?php\n$a->",
                "<?php\n$a->b(",
                "<?php\n$a->b(C::",
                "<?php\n$a->b(C::d(",
                "<?php\n$a->b(C::d());\n",
                "<?php\n$a->b(C::d());\n// f(->\n",
                "<?php\n$a->b(C::d());\n// f(->\n#[A(",
                "<?php\n$a->b(C::d());\n// f(->\n#[A(1)]\n",
                text,
            ]
        );
    }

    proptest! {
        #[test]
        fn text_behind_a_checkpoint_does_not_change_it(
            pieces in prop::collection::vec(prop_oneof![
                Just("->"), Just("::"), Just("("), Just("\n"), Just("//"), Just(" a"), Just("\u{e4}"),
            ], 0..30),
            from in 0_usize..20,
        ) {
            let text = pieces.concat();
            let from = text.floor_char_boundary(from.min(text.len()));
            let all = checkpoints(&text, from);
            for (end, _) in text.char_indices().filter(|(end, _)| *end >= from) {
                let shorter: Vec<_> = all.iter().copied().filter(|at| *at <= end).collect();
                prop_assert_eq!(checkpoints(&text[..end], from), shorter);
            }
            // A walk in two parts finds the same.
            if let Some(&half) = all.get(all.len() / 2) {
                let rest: Vec<_> = all.iter().copied().filter(|at| *at > half).collect();
                prop_assert_eq!(checkpoints(&text, half), rest);
            }
        }
    }
}
