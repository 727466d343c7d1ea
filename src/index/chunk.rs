//! Splits text into chunks, the units that a query finds. A chunk is a block of lines
//! without a blank line between them, cut after [`MAX_LINES`] lines.

use crate::php::Span;

/// The most lines of a chunk.
pub const MAX_LINES: usize = 20;

/// The chunks of `text` in its order. A chunk reaches from the first byte of a line to
/// the last byte of a line, without its line break.
pub fn chunks(text: &str) -> impl Iterator<Item = Span> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let mut chunk: Option<(usize, usize)> = None;
        let mut lines = 0;
        while at < text.len() && lines < MAX_LINES {
            let start = at;
            let rest = &text.as_bytes()[start..];
            let line = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
            at += line.len() + 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                if chunk.is_some() {
                    break;
                }
                continue;
            }
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let first = chunk.map_or(start, |(first, _)| first);
            chunk = Some((first, start + line.len()));
            lines += 1;
        }
        chunk.map(|(start, end)| Span::new(start, end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<&str> {
        chunks(text).map(|chunk| chunk.of(text)).collect()
    }

    #[test]
    fn blank_lines_separate() {
        assert_eq!(
            all("\n a\nb\r\n \t\r\n\nc\n\n\nd"),
            [" a\nb", "c", "d"].as_slice()
        );
        assert!(all("").is_empty());
        assert!(all(" \n\r\n").is_empty());
    }

    #[test]
    fn a_long_block_is_cut() {
        let text = "x\n".repeat(MAX_LINES * 2 + 1);
        let lines: Vec<_> = all(&text).iter().map(|c| c.lines().count()).collect();
        assert_eq!(lines, [MAX_LINES, MAX_LINES, 1]);
    }
}
