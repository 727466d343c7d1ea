//! All access to the file system: finding, naming, reading and watching PHP
//! files, and keeping what was learnt from them.

mod cache;
mod input;
mod library;
mod origin;
mod read;
mod roots;
mod rules;
mod stamp;
mod walk;
pub mod watch;

pub use cache::{Cache, Survey};
pub use input::{Repositories, Repository, WHOLE};
pub use library::Composer;
pub use origin::Origin;
pub use read::{decode, read, read_source, read_text};
pub use roots::{Roots, named_path, resolve};
pub use rules::left_out_of_dataset;
pub use stamp::Stamp;
pub use walk::{
    Exclusion, ProjectFile, Walk, WalkOptions, belongs, folders_above, is_rule, is_walked, walk,
    walk_what_is_there,
};

/// Why the project's files could not be listed or read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct FilesError(pub String);
