//! Code inside a string that is still open at the cursor: `"{$order->`, `"$order->`.

use memchr::memmem;

use crate::php::lex::{LexMode, Token, TokenKind, lex_from};

/// Puts the tokens of the expression at the cursor in the place of the string that
/// holds it. `prefix` is the text up to the cursor, which ends with `tokens`. Without
/// an open string that interpolates an expression at its end, nothing changes.
pub(super) fn open_interpolation(prefix: &str, tokens: &mut Vec<Token>) {
    let Some(string) = tokens.last().copied() else {
        return;
    };
    let text = string.span.of(prefix);
    let is_at_cursor = string.span.end as usize == prefix.len();
    if string.kind != TokenKind::Template || !is_at_cursor || !is_open_string(text) {
        return;
    }
    let first = string.span.start as usize;
    if let Some(code) = in_braces(prefix, first).or_else(|| plain(prefix, first)) {
        tokens.pop();
        tokens.extend(code);
    }
}

/// The tokens behind the last `{$` of the string that starts at byte `first`, if its
/// `}` is missing.
fn in_braces(prefix: &str, first: usize) -> Option<Vec<Token>> {
    let brace = first + memmem::rfind(&prefix.as_bytes()[first..], b"{$")?;
    if is_escaped(prefix, brace) {
        return None;
    }
    let code = lex_from(prefix, brace + 1, LexMode::Code);
    let mut depth = 0_usize;
    for token in &code {
        match token.kind {
            TokenKind::Punct(b'{') => depth += 1,
            TokenKind::Punct(b'}') => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    Some(code)
}

/// The tokens of `$name->word` at the end of the string that starts at byte `first`.
fn plain(prefix: &str, first: usize) -> Option<Vec<Token>> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii();
    let before_word = |end: usize| {
        let word = prefix.as_bytes()[first..end].iter().rev();
        end - word.take_while(|byte| is_word(byte)).count()
    };
    let operator = before_word(prefix.len());
    let object = prefix[first..operator].strip_suffix("->")?;
    let object = object.strip_suffix('?').unwrap_or(object);
    let dollar = before_word(first + object.len()).checked_sub(1)?;
    let is_variable = prefix.as_bytes()[dollar] == b'$' && !is_escaped(prefix, dollar);
    is_variable.then(|| lex_from(prefix, dollar, LexMode::Code))
}

/// Whether a backslash escapes byte `at`.
fn is_escaped(text: &str, at: usize) -> bool {
    let backslashes = text.as_bytes()[..at].iter().rev();
    backslashes.take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

/// Whether `text`, a string that reaches the cursor, is still open there.
pub(in crate::context) fn is_open_string(text: &str) -> bool {
    match text.as_bytes() {
        [quote @ (b'\'' | b'"' | b'`'), .., last] if last == quote => {
            // An escaped quote does not close the string.
            is_escaped(&text[1..], text.len() - 2)
        }
        [b'<', ..] => {
            let label = text.trim_start_matches(['<', ' ', '\t', '\'', '"']);
            let label = label
                .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .next();
            let last_line = text.lines().next_back().unwrap_or("").trim_start();
            text.lines().count() < 2 || Some(last_line) != label
        }
        _ => true,
    }
}
