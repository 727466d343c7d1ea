//! Selects the files of a project that give examples.
//!
//! - `sources` makes the selection. It leaves out files of other projects,
//!   duplicates, and what the other files of this room find:
//! - [`vendored`] finds copies of third-party libraries,
//! - [`generated`] finds generated files and data tables,
//! - `density` says how many holes each file gives,
//! - `tested` finds the files that have a test.
//! - `history` selects the changes of commits to these files,
//! - [`signatures`] gives the signatures that find near duplicates among projects.

mod density;
pub mod generated;
pub(in crate::dataset) mod history;
pub mod signatures;
pub(in crate::dataset) mod sources;
mod tested;
pub mod vendored;
