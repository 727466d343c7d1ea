//! The spool: a file that keeps the examples of a run until their order is known.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use rayon::prelude::*;
use serde::Deserialize;

use crate::dataset::duplicates::{HoleText, StoredHole};
use crate::dataset::sink::ExampleText;
use crate::dataset::template::{self, SpooledExample};

/// The name of the spool's file.
pub(super) const SPOOL: &str = "spool";

/// The buffer between the run and the spool's file, in bytes.
const BUFFER_BYTES: usize = 1 << 18;

/// The number of examples whose lines are built in parallel at a time.
pub(super) const LINES: usize = 64;

/// Keeps the examples in a file: the text of each source file once, followed by the
/// templates of the examples that are cut from it.
#[derive(Debug)]
pub(super) struct Spool {
    file: BufWriter<File>,
    /// The length of the spool, in bytes.
    bytes: u64,
    /// The offset of the last text.
    text: u64,
    examples: Vec<SpoolOffset>,
}

/// The offsets of an example in the spool, in bytes.
#[derive(Clone, Copy, Debug)]
struct SpoolOffset {
    /// The offset of its template.
    template: u64,
    /// The offset of the text of its source file, if the example is cut from one.
    text: u64,
    example: SpooledExample,
}

impl Spool {
    /// The spool in `file`, which must be open for reading and appending. Content that
    /// is already in the file counts only after [`Self::skip_text`] and
    /// [`Self::skip_example`].
    pub(super) fn new(file: File) -> Self {
        Self {
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            bytes: 0,
            text: 0,
            examples: Vec::new(),
        }
    }

    /// Appends the text of a source file.
    pub(super) fn push_text(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.write_all(text)?;
        self.skip_text(text.len());
        Ok(())
    }

    /// Appends the template of an example.
    pub(super) fn push_example(
        &mut self,
        template: &str,
        example: &SpooledExample,
    ) -> io::Result<()> {
        self.file.write_all(template.as_bytes())?;
        self.skip_example(example);
        Ok(())
    }

    /// Notes that the next `bytes` of the file are the text of a source file.
    pub(super) fn skip_text(&mut self, bytes: usize) {
        self.text = self.bytes;
        self.bytes += bytes as u64;
    }

    /// Notes that the template of `example` comes next in the file.
    pub(super) fn skip_example(&mut self, example: &SpooledExample) {
        self.examples.push(SpoolOffset {
            template: self.bytes,
            text: self.text,
            example: *example,
        });
        self.bytes += example.bytes as u64;
    }

    /// Hands all that was appended to the system.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// The length of the line of the example with the index `at`, in bytes.
    pub(super) fn line_bytes(&self, at: usize) -> u64 {
        self.examples[at].example.line_bytes()
    }

    /// Appends the line of the example with the index `at` to `lines`: a JSON object
    /// and a line break.
    pub(super) fn line(&self, at: usize, lines: &mut Vec<u8>) -> io::Result<()> {
        let offset = &self.examples[at];
        let template = self.template(offset)?;
        let Some(window) = offset.example.window else {
            lines.extend_from_slice(&template);
            return Ok(());
        };
        let shown = self.text(offset, window.range())?;
        let parts = window.parts(&shown);
        let parts = parts.ok_or_else(|| io::Error::other("an example without its text"))?;
        template::fill(&template, parts, lines);
        Ok(())
    }

    /// Calls `take` with the line of each example in `order`. Builds the next lines in
    /// parallel meanwhile.
    pub(super) fn lines(
        &self,
        order: &[usize],
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let build = |order: &[usize]| -> Vec<io::Result<Vec<u8>>> {
            let line = |at: &usize| {
                let mut line = Vec::new();
                self.line(*at, &mut line).map(|()| line)
            };
            order.par_iter().map(line).collect()
        };
        let mut ready: Vec<io::Result<Vec<u8>>> = Vec::new();
        // The last chunk is empty: its turn takes the lines of the one before.
        for chunk in order.chunks(LINES).chain([&[][..]]) {
            let mut next = Vec::new();
            rayon::in_place_scope(|scope| {
                scope.spawn(|_| next = build(chunk));
                ready.drain(..).try_for_each(|line| take(&line?))
            })?;
            ready = next;
        }
        Ok(())
    }

    /// Calls `look` with the texts of the examples with these indices, which must
    /// ascend: with the text of each source file once, and with the line of each
    /// example that has other texts.
    pub(super) fn texts(
        &self,
        indices: &[usize],
        look: &(dyn Fn(ExampleText) -> io::Result<()> + Sync),
    ) -> io::Result<()> {
        let offset = |at: &usize| (*at, &self.examples[*at]);
        let offsets: Vec<_> = indices.iter().map(offset).collect();
        let files: Vec<_> = offsets
            .chunk_by(|(_, a), (_, b)| a.text == b.text)
            .collect();
        let files = files.into_par_iter();
        files.try_for_each(|of_file| self.texts_of_file(of_file, look))
    }

    /// Calls `look` with the texts of `examples`, which are of one source file, each
    /// with its index.
    fn texts_of_file(
        &self,
        examples: &[(usize, &SpoolOffset)],
        look: &(dyn Fn(ExampleText) -> io::Result<()> + Sync),
    ) -> io::Result<()> {
        let shown = examples.iter().filter_map(|(at, offset)| {
            let window = offset.example.window?;
            Some((*at, window.range()))
        });
        let (of, windows): (Vec<_>, Vec<_>) = shown.unzip();
        let all = windows.iter().cloned();
        let all = all.reduce(|all, window| all.start.min(window.start)..all.end.max(window.end));
        if let (Some(all), Some((_, first))) = (all, examples.first()) {
            let windows = windows.iter();
            let windows = windows.map(|window| window.start - all.start..window.end - all.start);
            let windows: Vec<_> = windows.collect();
            let (text, windows) = template::plain(&self.text(first, all)?, &windows)?;
            let windows = of.into_iter().zip(windows).collect();
            look(ExampleText::Source(text, windows))?;
        }
        for (at, offset) in examples {
            let line = self.template(offset)?;
            let line = match offset.example.window {
                Some(_) if !offset.example.has_context => continue,
                Some(_) => {
                    let mut without_source = Vec::new();
                    template::fill(&line, [b""; 3], &mut without_source);
                    without_source
                }
                None => line,
            };
            look(ExampleText::Line(*at, line))?;
        }
        Ok(())
    }

    /// The middle of the example with the index `at`, with the text around it.
    pub(super) fn hole(&self, at: usize) -> io::Result<StoredHole> {
        /// The fields that are read of a line.
        #[derive(Deserialize)]
        struct Parts {
            prefix: String,
            middle: String,
            suffix: String,
        }
        let offset = &self.examples[at];
        let Some(window) = offset.example.window else {
            let line = self.template(offset)?;
            let parts: Parts = serde_json::from_slice(&line)?;
            return Ok(StoredHole::new(HoleText {
                before: &parts.prefix,
                middle: &parts.middle,
                after: &parts.suffix,
            }));
        };
        let shown = self.text(offset, window.range())?;
        let middle = window.middle();
        let middle = middle.start - window.range().start..middle.end - window.range().start;
        let (text, middle) = template::plain(&shown, &[middle, 0..shown.len()])?;
        let middle = middle.into_iter().next().unwrap_or_default();
        Ok(StoredHole::new(HoleText {
            before: &text[..middle.start],
            middle: &text[middle.clone()],
            after: &text[middle.end..],
        }))
    }

    fn template(&self, offset: &SpoolOffset) -> io::Result<Vec<u8>> {
        let mut template = vec![0; offset.example.bytes];
        let file = self.file.get_ref();
        file.read_exact_at(&mut template, offset.template)?;
        Ok(template)
    }

    /// The bytes `range` of the source text from which the example is cut.
    fn text(&self, offset: &SpoolOffset, range: Range<usize>) -> io::Result<Vec<u8>> {
        let mut text = vec![0; range.len()];
        let from = offset.text + range.start as u64;
        self.file.get_ref().read_exact_at(&mut text, from)?;
        Ok(text)
    }
}
