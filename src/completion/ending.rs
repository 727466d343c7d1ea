//! Where the useful part of an answer ends: before a Markdown fence, and before the
//! header of a file as contexts have it, which a model writes when it goes on to
//! another file.

use crate::php::lex::{LexMode, lex_from};

/// A Markdown fence.
pub(super) const FENCE: &str = "```";
/// The start of the header of a file of the context.
const HEADER: &str = "// --- ";
/// The end of that header.
const HEADER_END: &str = " ---";

/// The useful start of an answer in code, and whether it is all that is useful.
/// `begins_line` tells whether the answer begins a line of the buffer.
pub(super) fn of_code(text: &str, begins_line: bool, is_whole: bool) -> (&str, bool) {
    let fence = text.contains(FENCE).then(|| {
        let tokens = lex_from(text, 0, LexMode::Code);
        let starts = tokens.iter().map(|token| token.span.start as usize);
        // In a literal or a comment a fence is content, and no token starts there.
        starts
            .into_iter()
            .find(|start| text[*start..].starts_with(FENCE))
    });
    ended(text, fence.flatten(), begins_line, is_whole)
}

/// The same for an answer in text. `is_fenced` tells whether a fence began it.
pub(super) fn of_text(
    text: &str,
    is_fenced: bool,
    begins_line: bool,
    is_whole: bool,
) -> (&str, bool) {
    if !is_fenced {
        return (text, is_whole);
    }
    ended(text, text.find(FENCE), begins_line, is_whole)
}

/// `text` up to `fence` or to the first header, without what may become one of them.
fn ended(text: &str, fence: Option<usize>, begins_line: bool, is_whole: bool) -> (&str, bool) {
    let (header, begun) = header(text, begins_line, is_whole);
    let cut = match (fence, header) {
        (Some(fence), Some(header)) => Some(fence.min(header)),
        (fence, header) => fence.or(header),
    };
    if let Some(cut) = cut {
        return (&text[..cut], true);
    }
    if is_whole {
        return (text, true);
    }
    let without_ticks = text.trim_end_matches('`').len();
    (
        &text[..without_ticks.min(begun.unwrap_or(text.len()))],
        false,
    )
}

/// The start of the first line that is a header of a context, and the start of a
/// last line that may become one.
fn header(text: &str, begins_line: bool, is_whole: bool) -> (Option<usize>, Option<usize>) {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if start > 0 || begins_line {
            match line.strip_suffix('\n') {
                Some(line) if is_header(line) => return (Some(start), None),
                Some(_) => {}
                None if is_whole && (is_header(line) || is_cut_header(line)) => {
                    return (Some(start), None);
                }
                None if HEADER.starts_with(line) || line.starts_with(HEADER) => {
                    return (None, Some(start));
                }
                None => {}
            }
        }
        start += line.len();
    }
    (None, None)
}

fn is_header(line: &str) -> bool {
    let path = line.trim_end().strip_prefix(HEADER);
    path.and_then(|path| path.strip_suffix(HEADER_END))
        .is_some_and(is_path)
}

/// Whether an answer that ends with `line` has ended inside a header.
fn is_cut_header(line: &str) -> bool {
    line.strip_prefix(HEADER).is_some_and(is_path)
}

/// Whether `text` is the path of a file rather than the title of a section.
fn is_path(text: &str) -> bool {
    let is_word = !text.contains(char::is_whitespace) && text.contains(['/', '.']);
    is_word || text.ends_with(".php")
}
