//! Packs chunks, which show how other files use what the buffer uses.

use super::duplicates::{near_duplicates, word_hashes};
use super::excerpt::{is_code, whole_statements};
use super::render::file_header;
use super::state::PackingState;
use crate::context::snippet::{Context, Snippet, SnippetSource};
use crate::context::weights::MIN_CUT_CHUNK_LINES;
use crate::index::Hit;
use crate::secrets::{self, Secret};

/// The chunks that the context shows.
#[derive(Default)]
pub(super) struct ChunkPacker {
    text: String,
    /// The file under each header in `text`.
    files: Vec<String>,
    snippets: Vec<Snippet>,
}

impl ChunkPacker {
    /// Takes those of `chunks` that fit into `limit` characters, best first, near-duplicates once.
    pub(super) fn take(&mut self, chunks: &[&Hit], limit: usize, state: &mut PackingState<'_>) {
        let most = state.max_chars.min(state.used + limit);
        let mut shown: Vec<Vec<u64>> = Vec::new();
        for hit in chunks {
            let Some(range) = whole_statements(&hit.file, hit.chunk) else {
                state.drop_chunks(&[hit], "no whole statement");
                continue;
            };
            let text = hit.file.text[range.clone()].trim_end();
            let words = word_hashes(text);
            if shown.iter().any(|other| near_duplicates(other, &words)) {
                state.drop_chunks(&[hit], "like a chunk that is there");
                continue;
            }
            let is_open = self
                .files
                .last()
                .is_some_and(|file| **file == *hit.file.path);
            let header = if is_open {
                String::new()
            } else {
                file_header(&hit.file.path)
            };
            let header_chars = header.chars().count();
            let hidden = state
                .secrets
                .map_or(&[][..], |secrets| hit.file.secrets(secrets));
            let room = most.saturating_sub(state.used + header_chars);
            let Some(excerpt) = Excerpt::of(hit, range.start, text, hidden, room) else {
                state.drop_chunks(&[hit], "no room");
                continue;
            };
            let (start, end) = (range.start, excerpt.end);
            let chars = header_chars + excerpt.chars;
            state.used += chars;
            state.count_redacted(secrets::within(hidden, start..end));
            self.text.push_str(&header);
            self.text.push_str(&excerpt.body);
            if !is_open {
                self.files.push(hit.file.path.to_string());
            }
            self.snippets.push(Snippet {
                path: hit.file.path.to_string(),
                start,
                end: start + text[..end - start].trim_end().len(),
                source: SnippetSource::Bm25,
                score: hit.score,
                chars,
            });
            shown.push(words);
        }
    }

    /// Appends the chunks to `context`.
    pub(super) fn write(self, context: &mut Context) {
        context.text.push_str(&self.text);
        context.files.extend(self.files);
        context.snippets.extend(self.snippets);
    }
}

/// The first lines of a chunk, with placeholders for its secrets.
struct Excerpt {
    body: String,
    chars: usize,
    /// One past its last byte in the file.
    end: usize,
}

impl Excerpt {
    /// As many lines of `text`, at byte `start` of the file of `hit`, as fit into `room` characters;
    /// `None` if too few fit to show anything.
    fn of(hit: &Hit, start: usize, text: &str, hidden: &[Secret], room: usize) -> Option<Self> {
        let (mut body, mut chars) = (String::new(), 0);
        let (mut lines, mut end) = (0, start);
        let mut in_comment = false;
        // What is there up to the last line of code.
        let mut code = (0, 0, 0, start);
        for line in text.split_inclusive('\n') {
            let line_end = end + line.len();
            // The placeholder of a secret of several lines stands on one line.
            let covered = secrets::cut(hidden, end).map_or(end, |secret| secret.range.end);
            let shown = secrets::replace(&hit.file.text, covered.min(line_end)..line_end, hidden);
            let ended = shown.ends_with('\n') || line_end == start + text.len();
            let shown = shown.strip_suffix('\n').unwrap_or(&shown);
            let shown = shown.strip_suffix('\r').unwrap_or(shown);
            // Only the start of a file can be a byte order mark.
            let shown = shown.strip_prefix('\u{feff}').unwrap_or(shown);
            let line_chars = shown.chars().count();
            if chars + line_chars + 1 > room {
                break;
            }
            chars += line_chars + usize::from(ended);
            body.push_str(shown);
            if ended {
                body.push('\n');
            }
            lines += 1;
            end = line_end;
            if is_code(line, &mut in_comment) {
                code = (body.len(), chars, lines, end);
            }
        }
        let is_whole = end == start + text.len();
        if !is_whole {
            // A comment that is cut off would go on in what follows the context.
            body.truncate(code.0);
            (chars, lines, end) = (code.1, code.2, code.3);
        }
        if !is_whole && !body.is_empty() && !body.ends_with('\n') {
            // The cut is behind the first line of a secret, whose placeholder
            // took the line break with it.
            body.push('\n');
            chars += 1;
        }
        let is_too_short = body.trim().is_empty() || !is_whole && lines < MIN_CUT_CHUNK_LINES;
        (!is_too_short).then_some(Self { body, chars, end })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::index::SourceFile;
    use crate::php::{self, Span};

    #[test]
    fn a_chunk_that_is_cut_ends_with_code() {
        let text = "<?php\n$a = f(1);\n$b = f(2);\n$c = f(3);\n\n/**\n * Long words on it.\n */\n// More.\nfunction g() {}\n";
        let file = SourceFile::new("a.php".into(), text.into(), false, php::facts(text));
        let hit = Hit {
            file: Arc::new(file),
            chunk: Span::new(6, text.len()),
            score: 1.0,
        };
        let mut shown = Vec::new();
        for room in 0..text.len() {
            if let Some(excerpt) = Excerpt::of(&hit, 6, &text[6..], &[], room) {
                assert!(excerpt.chars <= room);
                assert_eq!(excerpt.chars, excerpt.body.chars().count());
                shown.push(excerpt.body);
            }
        }
        shown.dedup();
        let [.., cut, whole] = &*shown else {
            panic!("{shown:?}");
        };
        assert_eq!(whole, &text[6..]);
        assert_eq!(cut, "$a = f(1);\n$b = f(2);\n$c = f(3);\n");
    }
}
