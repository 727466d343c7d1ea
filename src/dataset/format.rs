//! The file formats of a dataset.

use serde::{Deserialize, Serialize, Serializer};

/// The compression level of both zstd formats. It is zstd's default. At higher
/// levels the time grows faster than the files shrink.
pub(in crate::dataset) const ZSTD_LEVEL: i32 = 3;

/// How the examples are written.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
pub enum FileFormat {
    /// A JSON object per line.
    #[default]
    #[serde(rename = "jsonl")]
    Jsonl,
    /// A JSON object per line, compressed with zstd.
    #[value(name = "jsonl.zst")]
    #[serde(rename = "jsonl.zst")]
    JsonlZst,
    /// Typed columns in row groups, compressed with zstd.
    #[serde(rename = "parquet")]
    Parquet,
}

impl FileFormat {
    /// All formats.
    pub(in crate::dataset) const ALL: [Self; 3] = [Self::Jsonl, Self::JsonlZst, Self::Parquet];

    /// The end of the name of a file, without the first dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::JsonlZst => "jsonl.zst",
            Self::Parquet => "parquet",
        }
    }
}

/// Serializes a size as its number of bytes. Its text would be rounded.
pub(in crate::dataset) fn in_bytes<S: Serializer>(
    size: &Option<bytesize::ByteSize>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    size.map(|size| size.as_u64()).serialize(serializer)
}
