//! Classes from outside the index.

use std::fmt::Debug;
use std::sync::Arc;

use super::file::SourceFile;

/// A source of classes that are not indexed: those of installed packages. Its answers
/// must not depend on earlier calls.
pub trait Library: Debug + Send + Sync {
    /// The file that declares the class with the fully qualified name `name`.
    fn file_of(&self, name: &str) -> Option<Arc<SourceFile>>;

    /// Whether it has no classes at all.
    fn is_empty(&self) -> bool;
}
