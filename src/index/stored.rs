//! A snapshot as bytes, to be kept from one run to the next, without the texts
//! of its files: those are read anyway, and tell what of it still holds. What
//! is known of a file is used only if its text is, byte for byte, the one that
//! it was learnt from.

use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::codec::DamagedIndex;
use super::file::{SourceText, TextDigest};
use super::live::LiveSegment;
use super::segment::Segment;
use super::segment::stored::StoredSegment;
use super::snapshot::Snapshot;

/// The number of what stored bytes hold and of how it was read out of the
/// texts: what one build of the program stored, another reads only if it has
/// the same. A test fails where it must change.
pub const FORMAT: u32 = 1;

/// What is known of files whose texts are not there yet.
#[derive(Debug, Default)]
pub struct StoredIndex {
    segments: Vec<StoredSegment>,
}

/// What is known of files, and their texts.
#[derive(Debug, Default)]
pub struct RestoredIndex {
    segments: Vec<Segment>,
}

impl Snapshot {
    /// The snapshot as bytes, a part at a time, so that they need not all be in
    /// memory at once. [`StoredIndex::decode`] reads the parts.
    ///
    /// # Errors
    /// If facts cannot be written at all.
    pub fn encode(&self) -> impl Iterator<Item = Result<Vec<u8>, postcard::Error>> {
        let encode = |live: &LiveSegment| live.segment().encode(|file| live.is_live(file));
        self.segments().iter().map(encode)
    }
}

impl StoredIndex {
    /// What [`Snapshot::encode`] wrote, in parallel on the current rayon pool.
    ///
    /// # Errors
    /// [`DamagedIndex`] if the bytes are others. Not all damage can be seen: who
    /// keeps them keeps a checksum.
    pub fn decode(parts: &[&[u8]]) -> Result<Self, DamagedIndex> {
        let segments = parts.par_iter().map(|part| StoredSegment::decode(part));
        Ok(Self {
            segments: segments.collect::<Result<_, _>>()?,
        })
    }

    /// What still holds for `sources`, each key once, and those about which
    /// nothing is known, in their order. In parallel on the current rayon pool.
    #[must_use]
    pub fn claim(self, sources: Vec<SourceText>) -> (RestoredIndex, Vec<SourceText>) {
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
    pub(super) fn snapshot(self) -> Snapshot {
        Snapshot::of(self.segments)
    }
}
