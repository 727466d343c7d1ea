//! Stores a snapshot from one run to the next. The stored bytes hold no texts of
//! files: fimd reads these anyway, to see which of them have changed. It uses the
//! stored facts of a file only if the text is, byte for byte, the one from which
//! they were read.

use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::codec::DamagedIndex;
use super::file::{SourceText, TextDigest};
use super::live::LiveSegment;
use super::segment::Segment;
use super::segment::stored::StoredSegment;
use super::snapshot::Snapshot;

/// The version of the stored bytes, and of the way in which their contents are read
/// out of texts. A build reads only what a build with the same number has stored. A
/// test fails when the number must change.
pub const FORMAT: u32 = 5;

/// The stored index of files whose texts were not read yet.
#[derive(Debug, Default)]
pub struct StoredIndex {
    segments: Vec<StoredSegment>,
}

/// A part of a stored index together with the texts of its files.
#[derive(Debug, Default)]
pub struct RestoredIndex {
    segments: Vec<Segment>,
}

impl Snapshot {
    /// The snapshot as bytes, part by part, so that not all of them need to be in
    /// memory at once. [`StoredIndex::decode`] reads the parts.
    ///
    /// # Errors
    /// If facts cannot be serialised.
    pub fn encode(&self) -> impl Iterator<Item = Result<Vec<u8>, postcard::Error>> {
        let encode = |live: &LiveSegment| live.segment().encode(|file| live.is_live(file));
        self.segments().iter().map(encode)
    }
}

impl StoredIndex {
    /// Reads what [`Snapshot::encode`] wrote, in parallel on the current rayon pool.
    ///
    /// # Errors
    /// [`DamagedIndex`] if the bytes are no stored index. It does not notice all
    /// damage; the caller has to keep a checksum.
    pub fn decode(parts: &[&[u8]]) -> Result<Self, DamagedIndex> {
        let segments = parts.par_iter().map(|part| StoredSegment::decode(part));
        Ok(Self {
            segments: segments.collect::<Result<_, _>>()?,
        })
    }

    /// Divides `sources`, each key once, into files whose stored facts are still
    /// valid, and the other ones in their order. Works in parallel on the current
    /// rayon pool.
    #[must_use]
    pub fn restore(self, sources: Vec<SourceText>) -> (RestoredIndex, Vec<SourceText>) {
        if self.segments.is_empty() {
            return (RestoredIndex::default(), sources);
        }
        let digests: Vec<_> = sources
            .par_iter()
            .map(|s| TextDigest::of(&s.text))
            .collect();
        let numbers: FxHashMap<Arc<str>, usize> = (0..)
            .zip(&sources)
            .map(|(number, source)| (Arc::clone(&source.path), number))
            .collect();
        let mut sources: Vec<_> = sources.into_iter().map(Some).collect();
        let mut segments = Vec::with_capacity(self.segments.len());
        for segment in self.segments {
            let mut texts = Vec::with_capacity(segment.files().len());
            for file in segment.files() {
                let number = numbers.get(&*file.path).copied();
                let same = number.filter(|&number| {
                    let is_same = |source: &SourceText| source.lossy == file.lossy;
                    file.digest == Some(digests[number])
                        && sources[number].as_ref().is_some_and(is_same)
                });
                texts.push(same.and_then(|number| Some(sources[number].take()?.text)));
            }
            segments.push((segment, texts));
        }
        let segments = segments.into_par_iter();
        let segments = segments.map(|(segment, texts)| segment.with_texts(texts));
        let restored = RestoredIndex {
            segments: segments.collect(),
        };
        (restored, sources.into_iter().flatten().collect())
    }
}

impl RestoredIndex {
    /// The snapshot of these files.
    pub(super) fn snapshot(self) -> Snapshot {
        Snapshot::of(self.segments)
    }
}
