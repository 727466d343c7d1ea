//! Classes from outside the index.

use std::fmt::Debug;
use std::sync::Arc;

use super::file::SourceFile;

/// Where classes can be read from that are not indexed: those of installed
/// packages. What it answers must not depend on what it was asked before.
pub trait Library: Debug + Send + Sync {
    /// The file that declares the class with the fully qualified name `name`.
    fn file_of(&self, name: &str) -> Option<Arc<SourceFile>>;

    /// Whether it has no class to give, whatever it is asked.
    fn is_empty(&self) -> bool;
}
