//! One row of an input file.

/// The columns of one row that fimd reads.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) repo: String,
    pub(super) path: String,
    /// Bytes that are not UTF-8 have become U+FFFD.
    pub(super) content: String,
    /// Whether `content` had such bytes.
    pub(super) lossy: bool,
    pub(super) license: Option<String>,
    pub(super) commit: Option<String>,
    pub(super) duplicate_of: Option<String>,
}

/// The number of a row, counted from 1, and the row, or why it is refused.
pub(super) type NumberedRow = (u64, Result<Row, String>);

/// The rows of a file. After an error nothing more can be read.
pub(super) type RowIter = Box<dyn Iterator<Item = Result<NumberedRow, String>>>;
