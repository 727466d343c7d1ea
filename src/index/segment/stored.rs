//! Writes a segment as bytes without the texts of its files, and restores it for
//! those files whose texts are unchanged.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Segment;
use crate::index::codec::{DamagedIndex, Decoder, Encoder, Renumbering, ensure};
use crate::index::dictionary::Dictionary;
use crate::index::file::{SourceFile, TextDigest};
use crate::index::symbols::Symbols;
use crate::php::{FileFacts, Span};

/// A file of a stored segment.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::index) struct StoredFile {
    /// The file's key.
    pub(in crate::index) path: String,
    /// The digest of the file's text; none if the file was dead in its segment.
    pub(in crate::index) digest: Option<TextDigest>,
    pub(in crate::index) lossy: bool,
    facts: FileFacts,
}

/// A stored segment whose files have no texts yet.
#[derive(Debug)]
pub(in crate::index) struct StoredSegment {
    files: Vec<StoredFile>,
    /// The segment without its files.
    segment: Segment,
}

impl Segment {
    /// The segment as bytes. `is_live` tells whether the file with a number is live.
    ///
    /// # Errors
    /// If facts cannot be serialised.
    pub(in crate::index) fn encode(
        &self,
        is_live: impl Fn(usize) -> bool,
    ) -> Result<Vec<u8>, postcard::Error> {
        let mut out = Encoder::default();
        out.number(self.files.len() as u32);
        for (number, file) in self.files.iter().enumerate() {
            let digest = is_live(number).then(|| TextDigest::of(&file.text));
            // These are the fields of a `StoredFile`.
            out.value(&(&*file.path, digest, file.lossy, &file.facts))?;
        }
        out.offsets(&self.first_chunks);
        for pair in self.first_chunks.windows(2) {
            let mut end = 0;
            for span in &self.spans[pair[0] as usize..pair[1] as usize] {
                out.number(span.start - end);
                out.number(span.end - span.start);
                end = span.end;
            }
        }
        self.lengths.iter().for_each(|&length| out.number(length));
        self.dictionary.encode(&mut out);
        out.offsets(&self.first_postings);
        let chunks = self.posting_chunks.iter().copied();
        out.ascending(&self.first_postings, chunks);
        out.bytes(&self.posting_frequencies);
        self.symbols.encode(&mut out)?;
        Ok(out.finish())
    }
}

impl StoredSegment {
    /// Reads what [`Segment::encode`] wrote.
    pub(in crate::index) fn decode(bytes: &[u8]) -> Result<Self, DamagedIndex> {
        let mut from = Decoder::new(bytes);
        let count = from.count()?;
        let mut files: Vec<StoredFile> = Vec::with_capacity(count.min(bytes.len() / 64));
        for _ in 0..count {
            files.push(from.value()?);
        }
        ensure(files.is_sorted_by(|a, b| a.path < b.path))?;
        let first_chunks = from.offsets()?;
        ensure(first_chunks.len() == files.len() + 1)?;
        let chunks = first_chunks.last().map_or(0, |&end| end as usize);
        let spans = spans(&mut from, &first_chunks)?;
        let mut lengths = Vec::with_capacity(chunks);
        for _ in 0..chunks {
            lengths.push(from.number()?);
        }
        let dictionary = Dictionary::decode(&mut from)?;
        let first_postings = from.offsets()?;
        ensure(first_postings.len() == dictionary.len() + 1)?;
        let posting_chunks = from.ascending(&first_postings, chunks as u32)?;
        let posting_frequencies = from.bytes()?.to_vec();
        ensure(posting_frequencies.len() == posting_chunks.len())?;
        let facts: Vec<_> = files.iter().map(|file| &file.facts).collect();
        let symbols = Symbols::decode(&mut from, &facts)?;
        from.finish()?;
        Ok(Self {
            files,
            segment: Segment {
                files: Vec::new(),
                first_chunks,
                spans,
                lengths,
                dictionary,
                first_postings,
                posting_chunks,
                posting_frequencies,
                symbols,
            },
        })
    }

    /// The files, in the order of keys.
    pub(in crate::index) fn files(&self) -> &[StoredFile] {
        &self.files
    }

    /// The segment of those files that have a text. `texts` has one entry for each
    /// file.
    pub(in crate::index) fn with_texts(self, texts: Vec<Option<Box<str>>>) -> Segment {
        let Self { files, mut segment } = self;
        let numbers = texts
            .iter()
            .any(Option::is_none)
            .then(|| Renumbering::new(texts.iter().map(Option::is_some)));
        let source = |(file, text): (StoredFile, Option<Box<str>>)| {
            let (path, lossy) = (file.path.into(), file.lossy);
            Some(Arc::new(SourceFile::new(path, text?, lossy, file.facts)))
        };
        segment.files = files.into_iter().zip(texts).filter_map(source).collect();
        segment.files.shrink_to_fit();
        if let Some(numbers) = &numbers {
            segment.renumber(numbers);
        }
        segment.symbols.keep(numbers.as_ref(), &segment.files);
        segment
    }
}

impl Segment {
    /// Removes the chunks of the files that go.
    fn renumber(&mut self, files: &Renumbering) {
        let counts = self.first_chunks.windows(2).map(|pair| pair[1] - pair[0]);
        let chunks = Renumbering::new(
            (0..)
                .zip(counts)
                .flat_map(|(file, count)| (0..count).map(move |_| files.of(file).is_some())),
        );
        self.first_chunks = files.lists(&self.first_chunks, |_, _| true);
        chunks.keep(&mut self.spans);
        chunks.keep(&mut self.lengths);

        let stays = |&chunk: &u32| chunks.of(chunk).is_some();
        let terms = Renumbering::new(self.first_postings.windows(2).map(|pair| {
            let postings = &self.posting_chunks[pair[0] as usize..pair[1] as usize];
            postings.iter().any(stays)
        }));
        self.dictionary = self.dictionary.renumbered(&terms);
        let of = &mut self.posting_chunks;
        let frequencies = &mut self.posting_frequencies;
        self.first_postings = terms.lists(&self.first_postings, |from, to| {
            chunks.of(of[from]).is_some_and(|chunk| {
                of[to] = chunk;
                frequencies[to] = frequencies[from];
                true
            })
        });
        let postings = self.first_postings.last().map_or(0, |&end| end as usize);
        of.truncate(postings);
        of.shrink_to_fit();
        frequencies.truncate(postings);
        frequencies.shrink_to_fit();
    }
}

/// Reads the spans of all chunks.
fn spans(from: &mut Decoder<'_>, first_chunks: &[u32]) -> Result<Vec<Span>, DamagedIndex> {
    let mut spans = Vec::new();
    for pair in first_chunks.windows(2) {
        let mut end = 0_u32;
        for _ in pair[0]..pair[1] {
            let start = end.checked_add(from.number()?).ok_or(DamagedIndex)?;
            end = start.checked_add(from.number()?).ok_or(DamagedIndex)?;
            spans.push(Span { start, end });
        }
    }
    spans.shrink_to_fit();
    Ok(spans)
}
