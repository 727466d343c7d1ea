//! Classes that the buffer does not declare: the project's, out of the index,
//! and those of installed packages, which are read for the request.

use std::sync::Arc;

use elsa::FrozenMap;

use crate::index::symbols::ClassRef;
use crate::index::{Snapshot, SourceFile};

/// How many names one request may look for among packages.
const MAX_LOOKUPS: usize = 512;

/// The classes outside of one buffer.
pub(super) struct Classes<'a> {
    snapshot: &'a Snapshot,
    /// The key of the buffer's file: what stands in it is not outside.
    buffer: &'a str,
    /// What the library has answered. Holds the files while the request lasts,
    /// and gives the same answer throughout it.
    read: FrozenMap<String, Box<Option<Arc<SourceFile>>>>,
}

impl<'a> Classes<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, buffer: &'a str) -> Self {
        Self {
            snapshot,
            buffer,
            read: FrozenMap::new(),
        }
    }

    /// The class-like with the fully qualified name `name`. The project's own
    /// comes first, and a file of the index is only what the index says it is.
    pub(super) fn get(&'a self, name: &str) -> Option<ClassRef<'a>> {
        let own = self.snapshot.class(name, self.buffer);
        own.or_else(|| {
            let file = self.package_file(name)?;
            let mut classes = (0..file.facts.classes.len()).map(|item| ClassRef::of(file, item));
            classes.find(|class| class.is_called(name))
        })
    }

    fn package_file(&'a self, name: &str) -> Option<&'a SourceFile> {
        let library = self.snapshot.library()?;
        let file = match self.read.get(name) {
            Some(known) => known,
            None if self.read.len() >= MAX_LOOKUPS => return None,
            None => {
                let is_outside = |file: &Arc<SourceFile>| {
                    *file.path != *self.buffer && self.snapshot.file(&file.path).is_none()
                };
                let found = library.file_of(name).filter(is_outside);
                self.read.insert(name.to_owned(), Box::new(found))
            }
        };
        file.as_deref()
    }
}
