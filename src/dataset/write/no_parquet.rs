//! Replaces the module `parquet` if fimd is built without the cargo feature `parquet`. All
//! functions fail.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use crate::dataset::record::Example;
use crate::dataset::write::syncing_file::SyncingFile;

/// The error message.
const REFUSAL: &str = "this fimd is built without Parquet (the cargo feature `parquet`)";

fn refusal() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, REFUSAL)
}

/// Writes no rows: there are no values of this type.
pub(super) struct NoParquetRows(Infallible);

pub(super) use self::NoParquetRows as ParquetRows;

impl NoParquetRows {
    pub(super) fn of_examples(_: BufWriter<SyncingFile>) -> io::Result<Self> {
        Err(refusal())
    }

    pub(super) fn of_signatures(_: BufWriter<SyncingFile>) -> io::Result<Self> {
        Err(refusal())
    }

    pub(super) fn push(&mut self, _: &[u8]) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn finish(self) -> io::Result<BufWriter<SyncingFile>> {
        match self.0 {}
    }
}

/// The number of rows in the file at a path.
///
/// # Errors
/// Always.
pub(super) fn count(_: &Path) -> io::Result<u64> {
    Err(refusal())
}

/// The examples of a file.
///
/// # Errors
/// Always.
pub(in crate::dataset) fn read(
    _: File,
) -> io::Result<impl Iterator<Item = Result<Example, String>> + use<>> {
    Err::<std::iter::Empty<_>, _>(refusal())
}
