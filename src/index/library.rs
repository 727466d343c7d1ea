//! What a project knows of classes beside its indexed files.

use std::fmt::Debug;
use std::sync::Arc;

use super::file::SourceFile;
use super::packages::Packages;

/// A source of classes that are not indexed: those of installed packages. It also tells
/// the project's own files from those of include paths. Its answers must not depend on
/// earlier calls.
pub trait Library: Debug + Send + Sync {
    /// The file that declares the class with the fully qualified name `name`.
    fn file_of(&self, name: &str) -> Option<Arc<SourceFile>>;

    /// Whether the indexed file with this key is the project's own, not one of an
    /// include path.
    fn owns(&self, key: &str) -> bool;

    /// Whether it has no classes at all.
    fn is_empty(&self) -> bool;

    /// Whether the project requires the package called `package`, such as
    /// `vendor/name`.
    fn requires(&self, package: &str) -> bool;

    /// The fully qualified name of the class of the service with the id `id`, as the
    /// project's container knows it.
    fn service(&self, id: &str) -> Option<&str>;

    /// Whether it knows a place for the class with the fully qualified name `folded`,
    /// which is in lower case. The class need not be there.
    fn locates(&self, folded: &str) -> bool;

    /// The fully qualified names, in lower case, of the classes that it knows a place
    /// for and that begin with `prefix`, which is in lower case: their short names, or
    /// their full ones if a namespace is part of it.
    fn with_prefix<'a>(&'a self, prefix: &str) -> Box<dyn Iterator<Item = &'a str> + 'a>;

    /// The files that declare the classes called `names` and all that these inherit
    /// from, and the files that packages always load. The names are fully qualified
    /// and in lower case.
    fn packages(&self, names: &Arc<[Box<str>]>) -> Arc<Packages>;
}
