//! Packs chunks, which show how other files use what the buffer uses.

use std::ops::Range;

use super::duplicates::{near_duplicates, word_hashes};
use super::excerpt::{Statements, is_code};
use super::render::file_header;
use super::state::PackingState;
use crate::context::rank::LikelyNames;
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
    /// The words of each excerpt in `text`.
    shown: Vec<Vec<u64>>,
    /// Which likely names the excerpts show in use, by their numbers.
    in_use: Vec<bool>,
}

impl ChunkPacker {
    /// Takes excerpts of those of `chunks` that fit into `limit` characters, the
    /// likeliest first, near-duplicates once. An excerpt shows likely `names` in use; a
    /// character of it must be worth `per_char`. Without likely names, chunks are shown
    /// whole.
    pub(super) fn take<'h>(
        &mut self,
        chunks: &[&'h Hit],
        names: Option<&LikelyNames<'_>>,
        per_char: f32,
        limit: usize,
        state: &mut PackingState<'h>,
    ) {
        let most = state.max_chars.min(state.used + limit);
        let mut waiting: Vec<WaitingChunk<'h>> = chunks
            .iter()
            .map(|hit| WaitingChunk::of(hit, names, per_char))
            .collect();
        // Chunks of the same worth stay in the order of the search.
        waiting.sort_by(|a, b| b.worth.total_cmp(&a.worth));
        for chunk in &waiting {
            let header = self.header(chunk.hit);
            let range = match names {
                Some(_) => {
                    let least = per_char * header.chars().count() as f32;
                    let best = chunk.statements.best_run(per_char, &self.in_use);
                    best.filter(|(_, worth)| *worth > least)
                        .map(|(range, _)| range)
                }
                None => chunk.statements.whole(),
            };
            match range {
                Some(range) => self.take_one(chunk, range, &header, most, state),
                None => state.drop_chunks(&[chunk.hit], "shows no likely name in use"),
            }
        }
    }

    /// The header that an excerpt of `hit` needs behind those that are there.
    fn header(&self, hit: &Hit) -> String {
        let last = self.files.last();
        if last.is_some_and(|file| **file == *hit.file.path) {
            String::new()
        } else {
            file_header(&hit.file.path)
        }
    }

    /// Takes the bytes `range` of a chunk if they fit into `most` characters and are not
    /// like what is shown already.
    fn take_one<'h>(
        &mut self,
        chunk: &WaitingChunk<'h>,
        range: Range<usize>,
        header: &str,
        most: usize,
        state: &mut PackingState<'h>,
    ) {
        let hit = chunk.hit;
        let text = hit.file.text[range.clone()].trim_end();
        let words = word_hashes(text);
        if self
            .shown
            .iter()
            .any(|other| near_duplicates(other, &words))
        {
            state.drop_chunks(&[hit], "like a chunk that is there");
            return;
        }
        let header_chars = header.chars().count();
        let hidden = state
            .secrets
            .map_or(&[][..], |secrets| hit.file.secrets(secrets));
        let room = most.saturating_sub(state.used + header_chars);
        let Some(excerpt) = Excerpt::of(hit, range.start, text, hidden, room) else {
            state.drop_chunks(&[hit], "no room");
            return;
        };
        let (start, end) = (range.start, excerpt.end);
        let chars = header_chars + excerpt.chars;
        state.used += chars;
        state.count_redacted(secrets::within(hidden, start..end));
        self.text.push_str(header);
        self.text.push_str(&excerpt.body);
        if !header.is_empty() {
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
        self.shown.push(words);
        for number in chunk.statements.names_in(&(start..end)) {
            if self.in_use.len() <= number {
                self.in_use.resize(number + 1, false);
            }
            self.in_use[number] = true;
        }
    }

    /// Appends the chunks to `context`.
    pub(super) fn write(self, context: &mut Context) {
        context.text.push_str(&self.text);
        context.files.extend(self.files);
        context.snippets.extend(self.snippets);
    }
}

/// A chunk that waits for room.
struct WaitingChunk<'h> {
    hit: &'h Hit,
    statements: Statements,
    /// What its best run of statements is worth.
    worth: f32,
}

impl<'h> WaitingChunk<'h> {
    fn of(hit: &'h Hit, names: Option<&LikelyNames<'_>>, per_char: f32) -> Self {
        let used = names.map(|names| names.used_in(&hit.file, hit.chunk));
        let statements = Statements::of(&hit.file, hit.chunk, &used.unwrap_or_default());
        let best = statements.best_run(per_char, &[]);
        Self {
            hit,
            statements,
            worth: best.map_or(0.0, |(_, worth)| worth),
        }
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
