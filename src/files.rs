//! All access to the file system: finding, naming and reading PHP files, and
//! keeping what was learnt from them.

mod cache;
mod library;
mod read;
mod roots;
mod rules;
mod walk;

pub use cache::Cache;
pub use library::Composer;
pub use read::{decode, read, read_source, read_text};
pub use roots::{Roots, named_path};
pub use rules::left_out_of_dataset;
pub use walk::{Found, LeftOut, Walk, WalkOptions, belongs, walk};

/// Why the project's files could not be listed or read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FilesError(pub String);
