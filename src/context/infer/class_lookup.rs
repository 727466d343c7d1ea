//! Finds a class by its name: in the buffer, in the project's index, in an
//! installed package, whose file is read for the request, or among PHP's own.

use std::cell::RefCell;
use std::sync::Arc;

use elsa::FrozenMap;
use memchr::memmem;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::doc_tags::doc_tags;
use super::limits::PACKAGE_LOOKUPS;
use crate::context::buffer::Buffer;
use crate::index::symbols::ClassRef;
use crate::index::{Snapshot, SourceFile, VisiblePackages};
use crate::php;

/// Declarations of PHP's own functions and classes, as far as their types lead
/// on to classes of a project.
const BUILTIN: &str = include_str!("builtin.php");
/// The path of that file. No file of a project is called so.
pub(in crate::context) const BUILTIN_PATH: &str = "php:";
/// What the name of an anonymous class of the buffer begins with; its number
/// follows.
const ANONYMOUS: &str = "class@";

/// The name of the buffer's anonymous class number `item`.
pub(super) fn anonymous_name(item: usize) -> String {
    format!("{ANONYMOUS}{item}")
}

/// The classes that one request can see.
pub(in crate::context) struct ClassLookup<'a> {
    snapshot: &'a Snapshot,
    buffer: &'a Buffer<'a>,
    /// The files of packages that the project's files lead to.
    packages: Option<VisiblePackages<'a>>,
    /// The files that the library gave beside these. Kept, so that the request may borrow
    /// from them and gets the same file for a name each time.
    package_files: FrozenMap<String, Box<Option<Arc<SourceFile>>>>,
    /// What [`Self::find`] and [`Self::outside`] have found, by name.
    found: RefCell<FxHashMap<String, Option<ClassRef<'a>>>>,
    found_outside: RefCell<FxHashMap<String, Option<ClassRef<'a>>>>,
    /// What classes inherit from, by their places.
    parents: FrozenMap<(usize, usize), Vec<Option<ClassRef<'a>>>, FxBuildHasher>,
    /// Whether a file is one of a package, by the address of its key.
    packaged: RefCell<FxHashMap<usize, bool>>,
}

impl<'a> ClassLookup<'a> {
    pub(in crate::context) fn new(snapshot: &'a Snapshot, buffer: &'a Buffer<'a>) -> Self {
        let packages = snapshot.packages();
        Self {
            snapshot,
            buffer,
            packages: packages
                .map(|packages| VisiblePackages::new(snapshot, packages, buffer.path)),
            package_files: FrozenMap::new(),
            found: RefCell::default(),
            found_outside: RefCell::default(),
            parents: FrozenMap::default(),
            packaged: RefCell::default(),
        }
    }

    /// The class-like with the fully qualified name `name`: the buffer's own
    /// if it declares it, else the project's or a package's, else PHP's.
    pub(super) fn find(&'a self, name: &str) -> Option<ClassRef<'a>> {
        if let Some(&known) = self.found.borrow().get(name) {
            return known;
        }
        let found = self.find_anew(name);
        self.found.borrow_mut().insert(name.to_owned(), found);
        found
    }

    fn find_anew(&'a self, name: &str) -> Option<ClassRef<'a>> {
        if let Some(item) = name.strip_prefix(ANONYMOUS) {
            let item = item.parse().ok()?;
            return (item < self.buffer.facts.classes.len()).then(|| self.own(item));
        }
        let own = self.buffer.class_named(name);
        own.map(|item| self.own(item))
            .or_else(|| self.outside(name))
            .or_else(|| {
                let file = self.builtin_for(name)?;
                let mut classes =
                    (0..file.facts.classes.len()).map(|item| ClassRef::of(file, item));
                classes.find(|class| class.is_called(name))
            })
    }

    /// PHP's own functions and classes, if `name` may be one of them. Most names
    /// are not, and then the file need not be read.
    pub(super) fn builtin_for(&'a self, name: &str) -> Option<&'a SourceFile> {
        let is_there = |name: &str| memmem::find(BUILTIN.as_bytes(), name.as_bytes()).is_some();
        if !is_there(name) && !is_there(&name.to_ascii_lowercase()) {
            return None;
        }
        Some(self.snapshot.builtin(|| {
            SourceFile::new(
                BUILTIN_PATH.into(),
                BUILTIN.into(),
                false,
                php::facts(BUILTIN),
            )
        }))
    }

    /// The buffer's class number `item`.
    pub(super) fn own(&self, item: usize) -> ClassRef<'a> {
        let Buffer {
            path,
            content,
            facts,
            ..
        } = self.buffer;
        ClassRef {
            path,
            text: content,
            facts,
            item,
        }
    }

    /// The class-like with the fully qualified name `name` in another file.
    /// The project comes before the packages. A package's file that the
    /// project's index holds as well is read from the index only.
    pub(in crate::context) fn outside(&'a self, name: &str) -> Option<ClassRef<'a>> {
        if let Some(&known) = self.found_outside.borrow().get(name) {
            return known;
        }
        let found = self.outside_anew(name);
        let mut all = self.found_outside.borrow_mut();
        all.insert(name.to_owned(), found);
        found
    }

    fn outside_anew(&'a self, name: &str) -> Option<ClassRef<'a>> {
        let project = self.snapshot.class(name, self.buffer.path);
        project.or_else(|| {
            if let Some(class) = self.package_class(name) {
                return Some(class);
            }
            let in_file = |file: &'a SourceFile| {
                let mut classes =
                    (0..file.facts.classes.len()).map(|item| ClassRef::of(file, item));
                classes.find(|class| class.is_called(name))
            };
            let found = self.package_file(name).and_then(in_file);
            found.or_else(|| self.stub(name))
        })
    }

    /// Like [`Self::outside`], for a name in lower case, by which no file is found that
    /// was not read yet.
    pub(in crate::context) fn outside_folded(&'a self, name: &str) -> Option<ClassRef<'a>> {
        let project = self.snapshot.class(name, self.buffer.path);
        project.or_else(|| self.package_class(name).or_else(|| self.stub(name)))
    }

    /// What `class` inherits from directly, in the order in which PHP looks into it:
    /// traits, then the parent, then interfaces; last what its doc comment states.
    /// `None` stands for what is not found.
    pub(super) fn parents(&'a self, class: ClassRef<'a>) -> &'a [Option<ClassRef<'a>>] {
        if let Some(known) = self.parents.get(&class.place()) {
            return known;
        }
        let (declared, scope) = (class.class(), class.scope());
        let named = declared
            .traits
            .iter()
            .chain(&declared.extends)
            .chain(&declared.implements);
        let named = named.map(|name| name.of(class.text));
        let mixins = mixins(declared.doc.of(class.text));
        let parents = named
            .chain(mixins.iter().map(|name| &**name))
            .map(|name| scope.class(name).and_then(|name| self.find(&name)));
        self.parents.insert(class.place(), parents.collect())
    }

    /// Whether the file with the key `path`, which declares a class that was found, is
    /// one of a package.
    pub(in crate::context) fn is_packaged(&self, path: &'a str) -> bool {
        if self.packages.is_none() {
            return false;
        }
        let mut packaged = self.packaged.borrow_mut();
        // Keys do not move while the request runs.
        *packaged.entry(path.as_ptr().addr()).or_insert_with(|| {
            path != self.buffer.path && path != BUILTIN_PATH && self.snapshot.file(path).is_none()
        })
    }

    /// The files of packages that the project's files lead to.
    pub(in crate::context) fn packages(&self) -> Option<&VisiblePackages<'a>> {
        self.packages.as_ref()
    }

    /// Whether there are stubs of any class.
    pub(super) fn has_stubs(&self) -> bool {
        self.packages().is_some_and(|packages| packages.has_stubs())
    }

    /// What stubs state of the class-like with the fully qualified name `name`.
    pub(super) fn stub(&'a self, name: &str) -> Option<ClassRef<'a>> {
        self.packages()?.stub(name)
    }

    fn package_class(&'a self, name: &str) -> Option<ClassRef<'a>> {
        let class = self.packages()?.class(name)?;
        self.is_packaged(class.path).then_some(class)
    }

    fn package_file(&'a self, name: &str) -> Option<&'a SourceFile> {
        let library = self.snapshot.library()?;
        let file = match self.package_files.get(name) {
            Some(known) => known,
            None if self.package_files.len() >= PACKAGE_LOOKUPS => return None,
            None => {
                let is_outside = |file: &Arc<SourceFile>| {
                    *file.path != *self.buffer.path && self.snapshot.file(&file.path).is_none()
                };
                let found = library.file_of(name).filter(is_outside);
                self.package_files.insert(name.to_owned(), Box::new(found))
            }
        };
        file.as_deref()
    }
}

/// The names of the classes whose members a class has by its doc comment:
/// `@mixin`, and what users of a trait or interface must inherit from.
fn mixins(doc: &str) -> Vec<String> {
    if !doc.contains("mixin") && !doc.contains("require-") {
        return Vec::new();
    }
    let names = ["mixin", "require-extends", "require-implements"];
    let tags = doc_tags(doc).filter(|tag| names.contains(&tag.name));
    tags.map(|tag| tag.ty().split('<').next().unwrap_or("").to_owned())
        .collect()
}
