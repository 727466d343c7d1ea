//! The classes that autoload rules locate, listed by the names of files, without
//! reading them.

use std::ops::ControlFlow;

use rustc_hash::FxHashMap;

use super::places::PackagePlaces;
use crate::files::below::each_below;
use crate::files::rules::is_php;
use crate::php::composer::Autoload;
use crate::php::lex::{is_name_byte, is_name_start};

/// The most files that are listed.
const MAX_LISTED: usize = 200_000;

/// Folders below an autoloaded one whose classes only serve the package itself.
const OWN_FOLDERS: [&str; 5] = ["Tests", "tests", "test", "vendor", "node_modules"];

/// Where the autoload rules expect each class. A file need not declare the class.
#[derive(Debug, Default)]
pub(super) struct ClassListing {
    /// The name of the file of each class, by the class's fully qualified
    /// name in lower case.
    files: FxHashMap<Box<str>, Box<str>>,
    /// These names in the order of short names, then of full names.
    by_short: Vec<Box<str>>,
    /// The numbers of the names in `by_short`, in the order of full names.
    by_full: Vec<u32>,
}

impl ClassListing {
    /// Lists the classes that `autoload` locates in `places`.
    pub(super) fn read(places: &PackagePlaces, autoload: &Autoload) -> Self {
        let mapped = autoload.classes.iter();
        let mut files: FxHashMap<Box<str>, Box<str>> = mapped
            .map(|(class, path)| (class.as_str().into(), path.as_str().into()))
            .collect();
        for (prefix, folders) in &autoload.psr4 {
            for folder in folders {
                list(places, folder, &mut |inside, path| {
                    add(
                        &mut files,
                        format!("{prefix}{}", inside.replace('/', "\\")),
                        path,
                    );
                });
            }
        }
        for (prefix, folders) in &autoload.psr0 {
            let separator = if prefix.contains('\\') { "\\" } else { "_" };
            for folder in folders {
                // The path below the folder is the whole name.
                list(places, folder, &mut |inside, path| {
                    let name = inside.replace('/', separator);
                    if name.starts_with(&**prefix) {
                        add(&mut files, name, path);
                    }
                });
            }
        }
        let mut by_short: Vec<Box<str>> = files.keys().cloned().collect();
        by_short.sort_unstable_by(|a, b| short(a).cmp(short(b)).then_with(|| a.cmp(b)));
        let mut by_full: Vec<u32> = (0..by_short.len() as u32).collect();
        by_full.sort_unstable_by_key(|&name| &by_short[name as usize]);
        Self {
            files,
            by_short,
            by_full,
        }
    }

    /// The file in which the class called `folded` is expected.
    pub(super) fn file_of(&self, folded: &str) -> Option<&str> {
        self.files.get(folded).map(|path| &**path)
    }

    /// The names of the classes that begin with `prefix`: the short names, or the full
    /// ones if a namespace is part of it.
    pub(super) fn with_prefix<'a>(
        &'a self,
        prefix: &str,
    ) -> Box<dyn Iterator<Item = &'a str> + 'a> {
        let prefix = prefix.to_owned();
        if prefix.contains('\\') {
            let name = |&at: &u32| &*self.by_short[at as usize];
            let first = self.by_full.partition_point(|at| *name(at) < *prefix);
            let found = self.by_full[first..].iter().map(name);
            return Box::new(found.take_while(move |name| name.starts_with(&prefix)));
        }
        let first = self.by_short.partition_point(|name| *short(name) < *prefix);
        let found = self.by_short[first..].iter().map(|name| &**name);
        Box::new(found.take_while(move |name| short(name).starts_with(&prefix)))
    }
}

/// The part of a class's name behind its namespace.
fn short(name: &str) -> &str {
    name.rsplit('\\').next().unwrap_or(name)
}

/// Notes that `name` is expected in `path`, unless an earlier rule has placed it or it
/// cannot be the name of a class.
fn add(files: &mut FxHashMap<Box<str>, Box<str>>, name: String, path: &str) {
    let is_part = |part: &str| {
        let bytes = part.as_bytes();
        bytes.first().is_some_and(|&b| is_name_start(b)) && bytes.iter().all(|&b| is_name_byte(b))
    };
    if files.len() < MAX_LISTED && name.split('\\').all(is_part) {
        let name = name.to_ascii_lowercase().into_boxed_str();
        files.entry(name).or_insert_with(|| path.into());
    }
}

/// Calls `found` with the path below `folder`, without its ending, and the name of each
/// PHP file below `folder`, in the order of names. Symbolic links are not followed below
/// it.
fn list(places: &PackagePlaces, folder: &str, found: &mut impl FnMut(&str, &str)) {
    let top = folder.trim_end_matches('/');
    let enters = |name: &str| !name.starts_with('.') && !OWN_FOLDERS.contains(&name);
    let Some(place) = places.find(top) else {
        return;
    };
    each_below(&place, enters, |below, name, kind| {
        if kind.is_file()
            && is_php(name)
            && let Some((stem, _)) = below.rsplit_once('.')
        {
            match top {
                "" => found(stem, below),
                top => found(stem, &format!("{top}/{below}")),
            }
        }
        ControlFlow::Continue(())
    });
}
