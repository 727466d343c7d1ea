//! Finding the files of a project, and saying of each PHP file that is not one
//! of them which rule put it out.
//!
//! The rules, the first that speaks decides:
//! 1. An include path is in, whole.
//! 2. `.fimignore` files in the root and below it, the deepest first, last matching pattern first; a
//!    pattern with `!` brings back what any rule below leaves out.
//! 3. Hidden files and folders, and the default folders and endings, are out.
//! 4. `.gitignore` files, likewise, also those above the root up to the top of
//!    the git repository that it lies in.
//!
//! What only this machine knows (`core.excludesFile`, `.git/info/exclude`) is
//! deliberately not read: two clones of a project give the same files. Symbolic
//! links are not followed: what they lead to is found where it is, so no file
//! comes twice and no loop is entered.
//!
//! The walk is our own, over the `ignore` crate's matchers: that crate's walker
//! does not say what it left out or why.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{DirEntry, FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::rules::{is_php, left_out_by_name};
use super::{FilesError, Roots, Stamp};

/// How files are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkOptions {
    /// A project with more PHP files than this is refused.
    pub max_files: usize,
    /// Files with more bytes are left out with a warning.
    pub max_file_bytes: u64,
    /// A project that takes more bytes of memory than this, by accounting, is
    /// refused: at once if its files alone are larger.
    pub max_project_bytes: u64,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self {
            max_files: 200_000,
            max_file_bytes: 1 << 20,
            max_project_bytes: 4 << 30,
        }
    }
}

impl WalkOptions {
    /// These, with another limit for the size of files if one is given.
    #[must_use]
    pub fn with_max_file_bytes(mut self, max_file_bytes: Option<u64>) -> Self {
        if let Some(bytes) = max_file_bytes {
            self.max_file_bytes = bytes;
        }
        self
    }

    /// Why a file of so many bytes is left out, if it is.
    pub(super) fn too_large(&self, bytes: u64) -> Option<String> {
        let limit = self.max_file_bytes;
        (bytes > limit).then(|| format!("{bytes} bytes, more than the {limit} of max_file_bytes"))
    }

    /// Whether a project that takes so many bytes of memory may be opened.
    ///
    /// # Errors
    /// If not, with what to do.
    pub fn check_memory(&self, roots: &Roots, bytes: u64) -> Result<(), FilesError> {
        let limit = self.max_project_bytes;
        if bytes <= limit {
            return Ok(());
        }
        Err(FilesError(format!(
            "{}: {bytes} bytes of memory, more than the {limit} of max_project_bytes; leave \
             folders out in .fimignore, or raise it under [limits] in the settings file",
            roots.root().display()
        )))
    }
}

/// A file that belongs to the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    /// Its key, see [`SourceFile::path`](crate::index::SourceFile::path).
    pub key: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes when it was found.
    pub bytes: u64,
    /// What told its state then.
    pub stamp: Stamp,
    /// Whether it lies under the project root and belongs to the project by
    /// the project's own rules, not only by an include path.
    pub in_root: bool,
}

impl ProjectFile {
    /// A file with this metadata.
    pub(crate) fn new(key: String, path: PathBuf, metadata: &Metadata, in_root: bool) -> Self {
        Self {
            key,
            path,
            bytes: metadata.len(),
            stamp: Stamp::of(metadata),
            in_root,
        }
    }
}

/// A PHP file, or a folder, that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// Its path as a key; a folder ends with `/`.
    pub key: String,
    /// The rule that put it out, as a user would name it.
    pub rule: String,
}

/// What walking a project found, each list in the order of keys.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    /// What belongs to the index.
    pub files: Vec<ProjectFile>,
    /// What does not, and why.
    pub left_out: Vec<Exclusion>,
    /// The folders that were looked into, by their canonical paths.
    pub folders: BTreeSet<PathBuf>,
    /// What a user should hear of, a line each.
    pub warnings: Vec<String>,
    /// The root and the include paths that are gone or cannot be read.
    pub missing: Vec<(PathBuf, FilesError)>,
    /// Which limit of the project the files are above: then they are not all
    /// here.
    pub over: Option<FilesError>,
}

/// Finds the project's PHP files and logs what there is to warn of.
///
/// # Errors
/// If a root cannot be read at all, and if the project is above a limit; a
/// folder below the root that cannot be read is left out with its error as the
/// rule.
pub fn walk(roots: &Roots, options: &WalkOptions) -> Result<Walk, FilesError> {
    let walk = walk_what_is_there(roots, options);
    for warning in &walk.warnings {
        tracing::warn!("{warning}");
    }
    let missing = walk.missing.first().map(|(_, error)| error);
    match walk.over.as_ref().or(missing) {
        Some(error) => Err(error.clone()),
        None => Ok(walk),
    }
}

/// Like [`walk`], of what there is, without a word in the log.
#[must_use]
pub fn walk_what_is_there(roots: &Roots, options: &WalkOptions) -> Walk {
    let mut walker = Walker {
        roots,
        options,
        files: BTreeMap::new(),
        bytes: 0,
        left_out: BTreeMap::new(),
        folders: BTreeSet::new(),
        warnings: Vec::new(),
        over: None,
    };
    let above = Rules::above(roots.root(), &mut walker.warnings);
    let mut missing = Vec::new();
    let mut note = |top: &Path, walked: io::Result<()>| {
        if let Err(error) = walked {
            let error = FilesError(format!("{}: {error}", top.display()));
            missing.push((top.to_owned(), error));
        }
    };
    note(roots.root(), walker.tree(roots.root(), Some(above)));
    for include in roots.includes() {
        let walked = if include.is_dir() {
            walker.tree(include, None)
        } else {
            let metadata = std::fs::metadata(include);
            metadata.map(|metadata| {
                walker.offer(include, &metadata, false);
                walker.check();
            })
        };
        note(include, walked);
    }
    let Walker {
        files,
        mut left_out,
        folders,
        warnings,
        over,
        ..
    } = walker;
    // What a rule of the root put out and an include path brought back.
    for include in roots.includes() {
        if let Some(key) = roots.key_of(include) {
            left_out.retain(|_, out| !(out.ignored && is_within(&out.key, &key)));
        }
    }
    Walk {
        files: files.into_values().collect(),
        left_out: left_out
            .into_values()
            .map(|Out { key, rule, .. }| Exclusion { key, rule })
            .collect(),
        folders,
        warnings,
        missing,
        over,
    }
}

/// Whether a file with this canonical path, which need not exist, would be one
/// of the project's by its name and the rules.
#[must_use]
pub fn belongs(roots: &Roots, path: &Path) -> bool {
    let name = path.file_name();
    name.is_some_and(|name| is_php(&name.to_string_lossy())) && is_let_in(roots, path, false)
}

/// Whether the walk would look into a folder with this canonical path.
#[must_use]
pub fn is_walked(roots: &Roots, folder: &Path) -> bool {
    is_let_in(roots, folder, true)
}

fn is_let_in(roots: &Roots, path: &Path, is_folder: bool) -> bool {
    if roots.includes().any(|include| path.starts_with(include)) {
        return true;
    }
    let Ok(inside) = path.strip_prefix(roots.root()) else {
        return false;
    };
    // Whoever walks hears of them.
    let mut warnings = Vec::new();
    let mut rules = Rules::above(roots.root(), &mut warnings);
    let mut folder = roots.root().to_owned();
    let mut names = inside.iter().peekable();
    while let Some(name) = names.next() {
        let has = |name: &str| folder.join(name).is_file();
        let ignores = (has(".fimignore"), has(".gitignore"));
        rules = rules.below(&folder, ignores, &mut warnings);
        let is_folder = is_folder || names.peek().is_some();
        let path = folder.join(name);
        let name = name.to_string_lossy();
        if rules.rule_against(&path, &name, is_folder, roots).is_some() {
            return false;
        }
        folder = path;
    }
    true
}

/// The folders above the root whose ignore files have a say in it, the nearest
/// first.
#[must_use]
pub fn folders_above(root: &Path) -> Vec<PathBuf> {
    let Some(top) = root.ancestors().find(|f| f.join(".git").exists()) else {
        return Vec::new();
    };
    let above = root.ancestors().skip(1).take_while(|f| f.starts_with(top));
    above.map(Path::to_path_buf).collect()
}

/// Whether a change to an entry with this name changes what belongs to a project.
#[must_use]
pub fn is_rule(name: &OsStr) -> bool {
    [".fimignore", ".gitignore", ".git"]
        .iter()
        .any(|rule| name == *rule)
}

/// Whether the key of a file or, with `/` at its end, a folder is `folder` or
/// lies below it.
fn is_within(key: &str, folder: &str) -> bool {
    key.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The ignore files of a folder, and those of the folders above it.
#[derive(Clone, Default)]
struct Rules(Option<Arc<Level>>);

struct Level {
    fimignore: Gitignore,
    gitignore: Gitignore,
    above: Rules,
}

impl Rules {
    /// The rules that apply to the project's root itself.
    fn above(root: &Path, warnings: &mut Vec<String>) -> Self {
        let above = folders_above(root);
        above.iter().rev().fold(Self::default(), |rules, folder| {
            let has_gitignore = folder.join(".gitignore").is_file();
            rules.below(folder, (false, has_gitignore), warnings)
        })
    }

    /// The rules in `folder`, given whether it has a `.fimignore` and a `.gitignore`.
    fn below(
        &self,
        folder: &Path,
        (has_fimignore, has_gitignore): (bool, bool),
        warnings: &mut Vec<String>,
    ) -> Self {
        if !has_fimignore && !has_gitignore {
            return self.clone();
        }
        let mut load = |exists: bool, name: &str| {
            if exists {
                load(folder, name, warnings)
            } else {
                Gitignore::empty()
            }
        };
        Self(Some(Arc::new(Level {
            fimignore: load(has_fimignore, ".fimignore"),
            gitignore: load(has_gitignore, ".gitignore"),
            above: self.clone(),
        })))
    }

    fn levels(&self) -> impl Iterator<Item = &Level> {
        std::iter::successors(self.0.as_deref(), |level| level.above.0.as_deref())
    }

    /// Why an entry is left out, if it is.
    fn rule_against(&self, path: &Path, name: &str, is_dir: bool, roots: &Roots) -> Option<String> {
        let matched = self
            .levels()
            .map(|level| level.fimignore.matched(path, is_dir))
            .find(|matched| !matched.is_none());
        match matched {
            Some(Match::Whitelist(_)) => return None,
            Some(Match::Ignore(glob)) => return Some(named(glob, roots)),
            Some(Match::None) | None => {}
        }
        if let Some(rule) = left_out_by_name(name, is_dir) {
            return Some(rule);
        }
        let matched = self
            .levels()
            .map(|level| level.gitignore.matched(path, is_dir))
            .find(|matched| !matched.is_none());
        match matched {
            Some(Match::Ignore(glob)) => Some(named(glob, roots)),
            Some(Match::Whitelist(_) | Match::None) | None => None,
        }
    }
}

/// An ignore file's rules, with a warning of what cannot be read or understood.
fn load(folder: &Path, name: &str, warnings: &mut Vec<String>) -> Gitignore {
    let path = folder.join(name);
    let mut builder = GitignoreBuilder::new(folder);
    let unread = builder.add(&path);
    let (gitignore, unbuilt) = match builder.build() {
        Ok(gitignore) => (gitignore, None),
        Err(error) => (Gitignore::empty(), Some(error)),
    };
    for error in unread.into_iter().chain(unbuilt) {
        warnings.push(format!("{}: rule not applied: {error}", path.display()));
    }
    gitignore
}

/// A pattern as a user would look for it: the ignore file and the line in it.
fn named(glob: &ignore::gitignore::Glob, roots: &Roots) -> String {
    let from = glob.from().unwrap_or(Path::new(""));
    let file = roots
        .key_of(from)
        .unwrap_or_else(|| from.to_string_lossy().into_owned());
    format!("{file}: {}", glob.original())
}

/// Something left out.
struct Out {
    key: String,
    rule: String,
    /// Whether by a rule that an include path overrules.
    ignored: bool,
}

struct Walker<'a> {
    roots: &'a Roots,
    options: &'a WalkOptions,
    files: BTreeMap<String, ProjectFile>,
    /// Of all of these together.
    bytes: u64,
    /// By path: two paths may have the same key once they are made UTF-8.
    left_out: BTreeMap<(String, PathBuf), Out>,
    folders: BTreeSet<PathBuf>,
    warnings: Vec<String>,
    /// See [`Walk::over`].
    over: Option<FilesError>,
}

impl Walker<'_> {
    /// Finds the files below `top`, by `rules` or, without any, all of them.
    fn tree(&mut self, top: &Path, rules: Option<Rules>) -> io::Result<()> {
        // A stack of our own: a deep tree must not end the thread's.
        let mut folders = vec![(top.to_owned(), rules)];
        while let Some((folder, rules)) = folders.pop() {
            let entries = match entries(&folder) {
                Ok(entries) => entries,
                Err(error) if folder == top => return Err(error),
                // It vanished since the folder above was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    let warning = format!("{}: left out: {error}", folder.display());
                    self.warnings.push(warning);
                    self.leave_out(&folder, true, format!("cannot be read: {error}"), false);
                    continue;
                }
            };
            let has = |name: &str| {
                let mut entries = entries.iter();
                entries.any(|(entry, kind)| !kind.is_dir() && entry.file_name() == name)
            };
            let ignores = (has(".fimignore"), has(".gitignore"));
            let rules = rules.map(|rules| rules.below(&folder, ignores, &mut self.warnings));
            for (entry, kind) in &entries {
                self.entry(entry, *kind, rules.as_ref(), &mut folders);
            }
            self.folders.insert(folder);
            self.check();
            if self.over.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        entry: &DirEntry,
        kind: FileType,
        rules: Option<&Rules>,
        folders: &mut Vec<(PathBuf, Option<Rules>)>,
    ) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let path = entry.path();
        let is_folder = kind.is_dir() || kind.is_symlink() && path.is_dir();
        if !is_folder && !is_php(&name) {
            return;
        }
        let rule = rules.and_then(|rules| rules.rule_against(&path, &name, is_folder, self.roots));
        if let Some(rule) = rule {
            self.leave_out(&path, is_folder, rule, true);
        } else if kind.is_symlink() {
            self.leave_out(&path, is_folder, "symbolic link".into(), false);
        } else if is_folder {
            folders.push((path, rules.cloned()));
        } else if !kind.is_file() {
            self.leave_out(&path, false, "not a regular file".into(), false);
        } else {
            match entry.metadata() {
                Ok(metadata) => self.offer(&path, &metadata, rules.is_some()),
                // It vanished since the folder was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    self.leave_out(&path, false, format!("cannot be read: {error}"), false);
                }
            }
        }
    }

    /// Notes whether what was found so far is above a limit.
    fn check(&mut self) {
        let (limit, root) = (self.options.max_files, self.roots.root());
        let within = match self.files.len() > limit {
            true => Err(FilesError(format!(
                "{}: more PHP files than the {limit} of max_files; leave folders out in \
                 .fimignore, or raise it under [limits] in the settings file",
                root.display()
            ))),
            false => self.options.check_memory(self.roots, self.bytes),
        };
        self.over = within.err();
    }

    /// Takes a file unless it is too large or its key is taken.
    fn offer(&mut self, path: &Path, metadata: &Metadata, in_root: bool) {
        let Some(key) = self.roots.key_of(path) else {
            return;
        };
        let bytes = metadata.len();
        if let Some(rule) = self.options.too_large(bytes) {
            let warning = format!("{}: left out: {rule}", path.display());
            if self.leave_out(path, false, rule, false) {
                self.warnings.push(warning);
            }
            return;
        }
        let total = &mut self.bytes;
        let found = || {
            *total += bytes;
            ProjectFile::new(key.clone(), path.to_owned(), metadata, in_root)
        };
        let taken = self.files.entry(key.clone()).or_insert_with(found);
        if taken.path != path {
            let rule = format!("same name as {} once made UTF-8", taken.path.display());
            self.leave_out(path, false, rule, false);
        }
    }

    /// Notes that a file or folder is out. Whether that is news.
    fn leave_out(&mut self, path: &Path, is_folder: bool, rule: String, ignored: bool) -> bool {
        let Some(mut key) = self.roots.key_of(path) else {
            return false;
        };
        if is_folder {
            key.push('/');
        }
        let out = Out {
            key: key.clone(),
            rule,
            ignored,
        };
        self.left_out.insert((key, path.to_owned()), out).is_none()
    }
}

/// The entries of a folder in the order of names, with what each of them is.
fn entries(folder: &Path) -> io::Result<Vec<(DirEntry, FileType)>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        entries.push((entry, kind));
    }
    entries.sort_by_key(|(entry, _)| entry.file_name());
    Ok(entries)
}
