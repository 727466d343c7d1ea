//! The report on a run: `metadata.json`, and the page `report.html` that shows
//! the dataset.
//!
//! [`metadata`] holds what `metadata.json` says, [`mod@merge`] adds the reports on
//! the parts of a larger dataset, and `page` renders the page.

pub mod distribution;
pub mod merge;
pub mod metadata;
pub(in crate::dataset) mod page;
pub(in crate::dataset) mod page_data;
pub(in crate::dataset) mod sample;
pub mod shape;
pub mod tally;

pub use self::metadata::{DatasetCounts, Report};
