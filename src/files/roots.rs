//! The root and the include paths of a project, and one key for each file in
//! them, however a client writes its path.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fmt::Display;
use std::path::{Component, Path, PathBuf};

use super::error::FilesError;
use super::reach::{Reach, out_of_reach};
use super::regular::{Links, open_regular, read_text_below};

/// The root and the include paths of a project, with a key for every file.
///
/// A key is the path relative to the project root, with `/`. A file outside
/// the root, in an include path, has the key `label/path/in/it.php`. The label is
/// the base name of the include path, with `-2`, `-3`, … added if another include
/// path or an entry of the root has that name. Bytes of a path that are not UTF-8
/// are U+FFFD in its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    root: PathBuf,
    includes: Vec<IncludePath>,
    reach: Reach,
}

/// A folder or file outside the root, or one below it that the rules exclude there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct IncludePath {
    path: PathBuf,
    /// The first part of the keys below it; only used outside the root.
    label: String,
}

impl Roots {
    /// The project at `root` with the folders or files of `includes`.
    ///
    /// # Errors
    /// If one of them does not exist or cannot be read, or if `root` is no folder.
    pub fn new(root: &Path, includes: &[PathBuf]) -> Result<Self, FilesError> {
        let bad_root = |what: &dyn Display| {
            FilesError(format!(
                "project root {}: {what}; name the folder that holds the project",
                root.display()
            ))
        };
        let canonical = root.canonicalize().map_err(|error| bad_root(&error))?;
        if !canonical.is_dir() {
            return Err(bad_root(&"not a folder"));
        }
        std::fs::read_dir(&canonical).map_err(|error| bad_root(&error))?;

        let mut labels = HashSet::new();
        let mut found: Vec<IncludePath> = Vec::new();
        for include in includes {
            let path = include
                .canonicalize()
                .and_then(|path| {
                    // Opening it reveals now whether it can be read.
                    if path.is_dir() {
                        std::fs::read_dir(&path)?;
                    } else {
                        open_regular(&path, Links::Refused)?;
                    }
                    Ok(path)
                })
                .map_err(|error| {
                    FilesError(format!(
                        "include path {}: {error}; name a folder or file that can be read",
                        include.display()
                    ))
                })?;
            if path == canonical || found.iter().any(|include| include.path == path) {
                continue;
            }
            let free = |label: &String| !labels.contains(label) && !canonical.join(label).exists();
            let Some(label) = labels_of(&path).find(free) else {
                continue;
            };
            labels.insert(label.clone());
            found.push(IncludePath { path, label });
        }
        Ok(Self {
            reach: Reach::of(&canonical),
            root: canonical,
            includes: found,
        })
    }

    /// The folder of a file that belongs to no project. Keys are relative to this
    /// folder. A file without a folder counts as one of the root of the file system.
    #[must_use]
    pub fn of_lone_file(file: &Path) -> Self {
        let folder = file.parent().filter(|folder| folder.is_absolute());
        let root = resolve(folder.unwrap_or(Path::new("/")));
        Self {
            reach: Reach::Within(root.clone()),
            root,
            includes: Vec::new(),
        }
    }

    /// These roots of a project that lies in `folder`, which the user has opened: the
    /// project's files may name all files of that folder.
    #[must_use]
    pub fn opened_in(mut self, folder: &Path) -> Self {
        self.reach = self.reach.widened(folder);
        self
    }

    /// These roots; if one of the folders `trusted` holds the project, its files may name
    /// files in all folders.
    #[must_use]
    pub fn trusting(mut self, trusted: &[PathBuf]) -> Self {
        let holds = |folder: &PathBuf| self.root.starts_with(resolve(folder));
        if trusted.iter().any(holds) {
            self.reach = Reach::Everywhere;
        }
        self
    }

    /// How far the names in the project's files may lead, beside the include paths.
    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// The canonical form of `path`, which a file of the project names.
    ///
    /// # Errors
    /// If there is nothing, or it is out of the project's reach.
    pub(super) fn find(&self, path: &Path) -> std::io::Result<PathBuf> {
        let found = path.canonicalize()?;
        match self.reach.holds(&found) || self.top_of(&found).is_some() {
            true => Ok(found),
            false => Err(out_of_reach(&found)),
        }
    }

    /// The text of the regular file at `path`, which a file of the project names.
    ///
    /// # Errors
    /// If it cannot be read, is out of reach, or has more than `most` bytes.
    pub(super) fn read(&self, path: &Path, most: u64) -> std::io::Result<String> {
        read_text_below(&self.find(path)?, most, Links::Refused)
    }

    /// The canonical path of the project root.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The canonical include paths, each once, in the order given.
    pub fn includes(&self) -> impl Iterator<Item = &Path> {
        self.includes.iter().map(|include| &*include.path)
    }

    /// Whether the file with this key is the project's own. A file of an include
    /// path is not, even if that path lies below the root.
    #[must_use]
    pub fn owns(&self, key: &str) -> bool {
        self.top_of(&self.path(key)) == Some(&*self.root)
    }

    /// The root and the include paths.
    pub(crate) fn tops(&self) -> impl Iterator<Item = &Path> {
        self.includes().chain([self.root()])
    }

    /// The root or include path that holds the canonical path `path`: the deepest
    /// one, whose rules apply there.
    pub(super) fn top_of(&self, path: &Path) -> Option<&Path> {
        let holding = self.tops().filter(|top| path.starts_with(top));
        holding.max_by_key(|top| top.components().count())
    }

    /// The key of the file that a client names by an absolute path, a path
    /// relative to the root, or a `file://` URI. Resolves `..` and symbolic links.
    /// The file need not exist. The key of a file outside the project is its
    /// absolute path.
    #[must_use]
    pub fn key(&self, filepath: &str) -> String {
        self.key_at(&resolve(&self.root.join(named_path(filepath))))
    }

    /// The key of the file with this canonical path; outside the project the path
    /// itself.
    #[must_use]
    pub fn key_at(&self, path: &Path) -> String {
        self.key_of(path)
            .unwrap_or_else(|| path.to_string_lossy().into_owned())
    }

    /// The key of the file with this canonical path; `None` outside the project.
    #[must_use]
    pub(crate) fn key_of(&self, path: &Path) -> Option<String> {
        if let Ok(inside) = path.strip_prefix(&self.root)
            && inside != Path::new("")
        {
            return Some(slashed(inside));
        }
        self.includes.iter().find_map(|include| {
            let inside = slashed(path.strip_prefix(&include.path).ok()?);
            Some(match &*inside {
                "" => include.label.clone(),
                _ => format!("{}/{inside}", include.label),
            })
        })
    }

    /// The path of the file with the key `key`. A key with U+FFFD does not tell the
    /// original bytes; [`ProjectFile::path`](super::ProjectFile::path) has them.
    #[must_use]
    pub fn path(&self, key: &str) -> PathBuf {
        let (label, inside) = key.split_once('/').unwrap_or((key, ""));
        match self.includes.iter().find(|include| include.label == label) {
            Some(include) if inside.is_empty() => include.path.clone(),
            Some(include) => include.path.join(inside),
            None => self.root.join(key),
        }
    }
}

/// Possible labels of an include path, the best first: `lib`, `lib-2`, …
pub(super) fn labels_of(path: &Path) -> impl Iterator<Item = String> {
    let lossy = |name: Option<&OsStr>| name.map(|name| name.to_string_lossy().into_owned());
    let (stem, extension) = if path.is_dir() {
        (lossy(path.file_name()), None)
    } else {
        (lossy(path.file_stem()), lossy(path.extension()))
    };
    // Only the root of the file system has no name.
    let stem = stem.unwrap_or_else(|| "root".into());
    let extension = extension.map_or_else(String::new, |extension| format!(".{extension}"));
    (1_usize..).map(move |n| match n {
        1 => format!("{stem}{extension}"),
        _ => format!("{stem}-{n}{extension}"),
    })
}

/// A relative path with `/` between its components.
fn slashed(path: &Path) -> String {
    let mut text = String::new();
    for component in path.components() {
        if !text.is_empty() {
            text.push('/');
        }
        text.push_str(&component.as_os_str().to_string_lossy());
    }
    text
}

/// The canonical form of an absolute path. The last part need not exist.
#[must_use]
pub fn resolve(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let mut resolved = PathBuf::new();
    let mut exists = true;
    for component in path.components() {
        match component {
            Component::ParentDir => drop(resolved.pop()),
            Component::CurDir => {}
            Component::Normal(name) => {
                resolved.push(name);
                // Nothing exists below a folder that does not exist.
                match resolved.canonicalize() {
                    Ok(canonical) if exists => resolved = canonical,
                    _ => exists = false,
                }
            }
            Component::RootDir | Component::Prefix(_) => resolved.push(component),
        }
    }
    resolved
}

/// The path that a client names, as a path or as a `file://` URI.
#[must_use]
pub fn named_path(name: &str) -> PathBuf {
    match name.strip_prefix("file://") {
        Some(uri) => uri_path(uri),
        None => PathBuf::from(name),
    }
}

/// The path of a `file://` URI, given the text after `file://`.
fn uri_path(uri: &str) -> PathBuf {
    // A host's name may stand before the path: `file://localhost/etc`.
    let path = uri.find('/').map_or("", |slash| &uri[slash..]);
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => bytes.push(first),
        }
    }
    bytes_path(bytes)
}

#[cfg(unix)]
fn bytes_path(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn bytes_path(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}
