//! Where a written type ends in the text of a doc tag.

/// The byte behind the type at the start of `text`. A blank ends a type, unless
/// it stands inside brackets or beside an operator.
#[must_use]
pub fn type_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut last = b' ';
    let mut quote = None;
    for (at, &byte) in bytes.iter().enumerate() {
        if let Some(open) = quote {
            if byte == open {
                quote = None;
            }
            continue;
        }
        match byte {
            b'\'' | b'"' if !last.is_ascii_alphanumeric() => quote = Some(byte),
            b'<' | b'(' | b'{' | b'[' => depth += 1,
            b'>' | b')' | b'}' | b']' => match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return at,
            },
            _ if depth == 0 && byte.is_ascii_whitespace() && ends(last, &text[at..]) => return at,
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            last = byte;
        }
    }
    text.len()
}

/// Whether the type is complete between the byte `last` and the text `rest`,
/// which begins with a blank.
fn ends(last: u8, rest: &str) -> bool {
    if matches!(last, b'|' | b':') {
        return false;
    }
    let rest = rest.trim_start();
    let mut bytes = rest.bytes();
    match bytes.next() {
        Some(b'|') => false,
        // `A & B`, but not `A &$x`.
        Some(b'&') => bytes.next().is_some_and(|byte| matches!(byte, b'$' | b'.')),
        Some(b':') => last != b')',
        _ => last != b'&',
    }
}
