//! Where somebody who types pauses long enough for a request.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// How likely a pause is, by what stands before the cursor and behind it.
const BEHIND_OPERATOR: f64 = 0.7;
const AT_LINE_START: f64 = 0.7;
const AT_LINE_END: f64 = 0.45;
const BETWEEN_WORDS: f64 = 0.3;
const IN_WORD_BEGUN: f64 = 0.12;
const ELSEWHERE: f64 = 0.02;
/// How likely a pause ends with taking back what was typed last.
const TAKING_BACK: f64 = 0.06;
/// The most bytes that are taken back.
const MAX_TAKEN_BACK: usize = 4;

/// What happens while a text is typed: how many of its bytes stand there when a request
/// is made.
pub(super) fn pauses(text: &str, from: usize, to: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let mut all = vec![from];
    let inside = (from + 1..to).filter(|at| text.is_char_boundary(*at));
    for at in inside.chain([to]) {
        let draw = rng.random::<f64>();
        let again = rng.random::<f64>();
        let back = rng.random_range(1..=MAX_TAKEN_BACK);
        if draw >= likelihood(&text[..at], &text[at..]) {
            continue;
        }
        all.push(at);
        let kept = text.floor_char_boundary(at.saturating_sub(back)).max(from);
        let is_one_line = !text[kept..at].contains('\n');
        if again < TAKING_BACK && is_one_line && kept < at {
            all.push(kept);
        }
    }
    all
}

/// How likely a pause is between `before` and `behind`.
fn likelihood(before: &str, behind: &str) -> f64 {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let line = before.rsplit('\n').next().unwrap_or(before);
    let begins_blank = behind.starts_with([' ', '\t']);
    if ["->", "::", "("].iter().any(|end| before.ends_with(end)) {
        return BEHIND_OPERATOR;
    }
    if behind.is_empty() || behind.starts_with('\n') {
        return AT_LINE_END;
    }
    if line.trim().is_empty() {
        // An editor indents the line at once.
        return match begins_blank {
            true => 0.0,
            false => AT_LINE_START,
        };
    }
    if before.ends_with(' ') && !begins_blank {
        return BETWEEN_WORDS;
    }
    let typed = before.chars().rev().take_while(|c| is_word(*c)).count();
    match typed {
        2 | 3 if behind.starts_with(is_word) => IN_WORD_BEGUN,
        _ => ELSEWHERE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_pause_where_something_is_to_come() {
        let of = |before, behind| likelihood(before, behind);
        assert_eq!(of("$a->", "b()"), BEHIND_OPERATOR);
        assert_eq!(of("$a = f(", "1)"), BEHIND_OPERATOR);
        assert_eq!(of("f();\n    ", "g();"), AT_LINE_START);
        assert_eq!(of("f();\n", "    g();"), 0.0, "the editor indents");
        assert_eq!(of("f();", "\n"), AT_LINE_END);
        assert_eq!(of("return ", "$a;"), BETWEEN_WORDS);
        assert_eq!(of("$a->ge", "tName()"), IN_WORD_BEGUN);
        assert_eq!(of("$a->getN", "ame()"), ELSEWHERE);
    }
}
