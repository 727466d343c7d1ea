//! What a chat model says before its code: sentences, and then a Markdown fence.

use super::ending::FENCE;

/// The least words of a sentence that does not end with `!`.
const MIN_WORDS: usize = 3;

/// `answer` without the sentences before its first fence; none while it is not known
/// whether a fence follows.
pub(super) fn without_prose(answer: &str, is_whole: bool) -> Option<&str> {
    let code = answer.trim_start();
    if code.is_empty() && !is_whole {
        return None;
    }
    let newline = code.find('\n');
    let line = &code[..newline.unwrap_or(code.len())];
    let is_prose = match newline.is_some() || is_whole {
        true => is_sentence(line),
        false => may_be_sentence(line),
    };
    if !is_prose {
        return Some(answer);
    }
    let fence = newline.and_then(|_| {
        let lines = code.match_indices('\n').map(|(at, _)| &code[at + 1..]);
        lines
            .map(str::trim_start)
            .find(|rest| rest.starts_with(FENCE))
    });
    fence.or_else(|| is_whole.then_some(answer))
}

/// Whether `answer` begins like Markdown: with a fence or a sentence.
pub(super) fn is_markdown(answer: &str) -> bool {
    let code = answer.trim_start();
    code.starts_with(FENCE) || code.lines().next().is_some_and(is_sentence)
}

/// Whether `line` is a sentence that no PHP code is.
fn is_sentence(line: &str) -> bool {
    let line = line.trim_end();
    let words = line.split_whitespace().count();
    may_be_sentence(line)
        && (line.ends_with('!') || words >= MIN_WORDS && line.ends_with([':', '.']))
}

/// Whether `line` may become a sentence: it has nothing but words, the first with a
/// capital letter.
fn may_be_sentence(line: &str) -> bool {
    let is_plain = |c: char| c.is_alphabetic() || " ,.:!'\u{2019}-`".contains(c);
    line.starts_with(char::is_uppercase) && line.chars().all(is_plain)
}
