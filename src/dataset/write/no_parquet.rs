//! Stands in for the Parquet files where fimd is built without them.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use crate::dataset::record::Example;
use crate::dataset::write::steady::Steady;

/// What to say to whoever asks for Parquet.
const REFUSAL: &str = "this fimd is built without Parquet (the cargo feature `parquet`)";

fn refusal() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, REFUSAL)
}

/// The rows that cannot be written.
pub(super) struct Rows(Infallible);

impl Rows {
    pub(super) fn new(_: BufWriter<Steady>) -> io::Result<Self> {
        Err(refusal())
    }

    pub(super) fn of_signatures(_: BufWriter<Steady>) -> io::Result<Self> {
        Err(refusal())
    }

    pub(super) fn push(&mut self, _: &[u8]) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn finish(self) -> io::Result<BufWriter<Steady>> {
        match self.0 {}
    }
}

/// The rows that cannot be counted.
///
/// # Errors
/// Always.
pub(super) fn count(_: &Path) -> io::Result<u64> {
    Err(refusal())
}

/// The examples that cannot be read.
///
/// # Errors
/// Always.
pub(in crate::dataset) fn read(
    _: File,
) -> io::Result<impl Iterator<Item = Result<Example, String>> + use<>> {
    Err::<std::iter::Empty<_>, _>(refusal())
}
