//! How far a run is.

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files done.
    pub files_done: usize,
    /// Files in all, of the projects read so far.
    pub files_total: usize,
    /// Examples so far.
    pub examples: usize,
    /// Whether all examples are made, and are being split and written.
    pub is_writing: bool,
}
