//! All access to the file system: finding, naming and reading PHP files.

mod library;
mod read;
mod roots;
mod rules;
mod walk;

pub use library::Composer;
pub use read::{decode, read, read_text};
pub use roots::{Roots, named_path, resolve};
pub use rules::left_out_of_dataset;
pub use walk::{Found, LeftOut, Walk, WalkOptions, belongs, walk};

/// Why the project's files could not be listed or read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FilesError(pub String);
