//! MinHash signatures of the files of some sources, for a dataset that is made
//! in parts.

use std::path::Path;

use super::error::GenerateError;
use super::sources::{DatasetSources, SourceItem, SourceNeeds};
use crate::cancel::Cancel;
use crate::dataset::write::Signatures;
use crate::dataset::{self, DatasetError, Options};

/// Writes the signatures of the files of `sources` that `options` would cut to
/// the Parquet file `output`, in parallel on the current rayon pool. Returns the
/// number of signatures.
///
/// # Errors
/// See [`GenerateError`]. The file is then unchanged.
pub fn sign(
    sources: DatasetSources,
    options: &Options,
    output: &Path,
    cancel: &Cancel,
) -> Result<usize, GenerateError> {
    options.check().map_err(DatasetError::from)?;
    let mut signatures = Signatures::new(output)?;
    let check = || cancel.check().map_err(GenerateError::from);
    let mut count = 0;
    let needs = SourceNeeds {
        names: true,
        ..SourceNeeds::default()
    };
    sources.each(needs, &check, &mut |item| {
        if let SourceItem::Project(repo) = item {
            for signed in dataset::sign(repo, options, cancel)? {
                signatures.push(&signed)?;
                count += 1;
            }
        }
        Ok(())
    })?;
    signatures.publish()?;
    Ok(count)
}
