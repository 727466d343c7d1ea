//! Finds the files of a project. For each PHP file that does not belong to the
//! project it names the rule that excludes the file.
//!
//! The root and each include path are walked alike, each by its own rules. The first
//! rule that matches decides:
//! 1. The include path itself belongs to the project.
//! 2. `.fimignore` files in the root and below it: the deepest file first, and in
//!    a file the last matching pattern first. A pattern with `!` includes what
//!    the rules below exclude.
//! 3. Hidden files and folders are excluded, and so are the default folders and
//!    endings. A default folder other than `vendor` and `node_modules` stays if
//!    `composer.json` autoloads it or a file of the project names what is in it.
//! 4. `.gitignore` files work like `.fimignore` files. Those above the root
//!    count too, up to the top of the git repository around it, but not those
//!    that exclude an include path as a whole.
//!
//! An ignore file that cannot be read comes before all of these: its folder is excluded.
//!
//! The walk does not read the rules that exist on one machine only
//! (`core.excludesFile`, `.git/info/exclude`), so that two clones of a project
//! give the same files. It does not follow symbolic links, so no file comes twice
//! and there are no loops. A target inside the project is found at its own path.
//!
//! fimd has its own walk over the `ignore` crate's matchers, because that crate's
//! walker does not report what it excludes or why.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{DirEntry, FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::error::FilesError;
use super::extensions::file_holds_php;
use super::ignores::{FIMIGNORE, GITIGNORE, IgnoreRules, NameRules};
use super::limits::WalkOptions;
use super::listing::{FoundBeside, ProjectFile, Walk};
use super::roots::Roots;
use super::source_folders::SourceFolders;
use crate::index::{Exclusion, WHOLE};

/// Finds the project's PHP files and logs the warnings.
///
/// # Errors
/// If a root cannot be read at all, or if the project exceeds a limit. A folder
/// below the root that cannot be read is excluded, with its error as the rule.
pub fn walk(roots: &Roots, options: &WalkOptions) -> Result<Walk, FilesError> {
    let walk = walk_existing(roots, options);
    for warning in &walk.warnings {
        tracing::warn!("{warning}");
    }
    let missing = walk.missing.first().map(|(_, error)| error);
    match walk.over.as_ref().or(missing) {
        Some(error) => Err(error.clone()),
        None => Ok(walk),
    }
}

/// Like [`walk`], but lists what can be read and logs nothing.
#[must_use]
pub fn walk_existing(roots: &Roots, options: &WalkOptions) -> Walk {
    let mut walker = Walker {
        roots,
        options,
        files: BTreeMap::new(),
        bytes: 0,
        left_out: BTreeMap::new(),
        folders: BTreeSet::new(),
        source: SourceFolders::autoloaded(roots),
        beside: FoundBeside::default(),
        doubtful: BTreeMap::new(),
        warnings: Vec::new(),
        over: None,
    };
    let mut missing = Vec::new();
    let mut note = |top: &Path, walked: io::Result<()>| {
        if let Err(error) = walked {
            let error = FilesError(format!("{}: {error}", top.display()));
            missing.push((top.to_owned(), error));
        }
    };
    note(roots.root(), walker.tree(roots.root()));
    for include in roots.includes() {
        let walked = if include.is_dir() {
            walker.tree(include)
        } else {
            let metadata = std::fs::metadata(include);
            metadata.map(|metadata| {
                walker.offer(include, &metadata);
                walker.check();
            })
        };
        note(include, walked);
    }
    walker.add_named_folders();
    let Walker {
        files,
        left_out,
        folders,
        source,
        beside,
        warnings,
        over,
        ..
    } = walker;
    Walk {
        files: files.into_values().collect(),
        left_out: left_out.into_values().collect(),
        folders,
        source,
        beside,
        warnings,
        missing,
        over,
    }
}

/// The state of one walk.
struct Walker<'a> {
    roots: &'a Roots,
    options: &'a WalkOptions,
    files: BTreeMap<String, ProjectFile>,
    /// The bytes of all these files together.
    bytes: u64,
    /// By key and path, because two paths may have the same key in UTF-8.
    left_out: BTreeMap<(String, PathBuf), Exclusion>,
    folders: BTreeSet<PathBuf>,
    source: SourceFolders,
    /// See [`Walk::beside`].
    beside: FoundBeside,
    /// The folders that are left out by their names alone, by key, with the rules that
    /// apply in them.
    doubtful: BTreeMap<String, (PathBuf, IgnoreRules)>,
    warnings: Vec<String>,
    /// See [`Walk::over`].
    over: Option<FilesError>,
}

impl Walker<'_> {
    /// Finds the files below `top`, the root or an include path, that the rules
    /// allow.
    fn tree(&mut self, top: &Path) -> io::Result<()> {
        let rules = IgnoreRules::of_top(top, self.roots, &mut self.warnings);
        self.below(top, rules)
    }

    /// Takes in the folders that were left out by their names although files of the
    /// project name what is in them.
    fn add_named_folders(&mut self) {
        while !self.doubtful.is_empty() && self.over.is_none() {
            let mut doubtful = std::mem::take(&mut self.doubtful);
            let folders = doubtful.iter();
            let folders = folders
                .map(|(key, (path, _))| (key.clone(), &**path))
                .collect();
            let files: Vec<&Path> = self.files.values().map(|file| &*file.path).collect();
            let named = self.source.add_named(&folders, self.options, &files);
            if named.is_empty() {
                return;
            }
            for key in named {
                let Some((path, rules)) = doubtful.remove(&key) else {
                    continue;
                };
                self.left_out.remove(&(format!("{key}/"), path.clone()));
                if let Err(error) = self.below(&path, rules) {
                    self.leave_out(&path, true, format!("cannot be read: {error}"));
                }
            }
            // What was found now may name the others.
            self.doubtful.append(&mut doubtful);
        }
    }

    /// Finds the files below `top` that `rules` and those further down allow.
    fn below(&mut self, top: &Path, rules: IgnoreRules) -> io::Result<()> {
        // An explicit stack, because a deep tree could overflow the thread's.
        let mut folders = vec![(top.to_owned(), rules)];
        while let Some((folder, rules)) = folders.pop() {
            let entries = match entries(&folder) {
                Ok(entries) => entries,
                Err(error) if folder == top => return Err(error),
                // The folder vanished after its parent was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    let warning = format!("{}: left out: {error}", folder.display());
                    self.warnings.push(warning);
                    self.leave_out(&folder, true, format!("cannot be read: {error}"));
                    continue;
                }
            };
            let has = |name: &str| {
                let mut entries = entries.iter();
                entries.any(|(entry, _)| entry.file_name() == name)
            };
            let ignores = (has(FIMIGNORE), has(GITIGNORE));
            let rules = rules.below(&folder, ignores, self.roots, &mut self.warnings);
            if let Some(rule) = rules.hide() {
                self.leave_out(&folder, true, rule.to_owned());
                self.folders.insert(folder);
                continue;
            }
            for (entry, kind) in &entries {
                self.entry(entry, *kind, &rules, &mut folders);
            }
            self.folders.insert(folder);
            self.check();
            if self.over.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Takes, excludes or queues one entry of a folder.
    fn entry(
        &mut self,
        entry: &DirEntry,
        kind: FileType,
        rules: &IgnoreRules,
        folders: &mut Vec<(PathBuf, IgnoreRules)>,
    ) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let path = entry.path();
        let is_folder = kind.is_dir() || kind.is_symlink() && path.is_dir();
        self.note_beside(&path, &name, is_folder);
        if !is_folder && !self.options.extensions.count(&name) && !rules.bring_back(&path) {
            return;
        }
        if self.roots.tops().any(|top| top == path) {
            // It is walked by itself.
            return;
        }
        let names = NameRules {
            roots: self.roots,
            extensions: &self.options.extensions,
            folders: &self.source,
        };
        if let Some(rule) = rules.rule_against(&path, &name, is_folder, names) {
            if rule.may_hold_source
                && kind.is_dir()
                && let Some(key) = self.roots.key_of(&path)
            {
                self.doubtful.insert(key, (path.clone(), rules.clone()));
            }
            self.leave_out(&path, is_folder, rule.rule);
        } else if kind.is_symlink() {
            self.leave_out(&path, is_folder, "symbolic link".into());
        } else if is_folder {
            folders.push((path, rules.clone()));
        } else if !kind.is_file() {
            self.leave_out(&path, false, "not a regular file".into());
        } else {
            match entry.metadata() {
                Ok(metadata)
                    if self.options.too_large(metadata.len()).is_none()
                        && !file_holds_php(&path, self.options.max_file_bytes) =>
                {
                    self.leave_out(&path, false, "no PHP in it".into());
                }
                Ok(metadata) => self.offer(&path, &metadata),
                // The file vanished after its folder was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    self.leave_out(&path, false, format!("cannot be read: {error}"));
                }
            }
        }
    }

    /// Notes an entry that counts although it is no file of the project.
    fn note_beside(&mut self, path: &Path, name: &str, is_folder: bool) {
        let is_nested = matches!(
            (name, is_folder),
            ("composer.json", false) | ("vendor", true)
        );
        let is_yaml = !is_folder && (name.ends_with(".yml") || name.ends_with(".yaml"));
        if !is_nested && !is_yaml || self.roots.top_of(path) != Some(self.roots.root()) {
            return;
        }
        if is_nested {
            let folder = path.parent().and_then(|folder| self.roots.key_of(folder));
            self.beside.nested.extend(folder);
            return;
        }
        let in_folder = path.parent().and_then(Path::file_name);
        let states_services = name.starts_with("services.")
            || name.contains(".services.")
            || in_folder.is_some_and(|folder| folder == "services");
        if states_services {
            self.beside.services.extend(self.roots.key_of(path));
        }
    }

    /// Records whether the files found so far exceed a limit.
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

    /// Adds a file unless it is too large or another file has its key.
    fn offer(&mut self, path: &Path, metadata: &Metadata) {
        let Some(key) = self.roots.key_of(path) else {
            return;
        };
        let bytes = metadata.len();
        if let Some(rule) = self.options.too_large(bytes) {
            let warning = format!("{}: left out: {rule}", path.display());
            if self.leave_out(path, false, rule) {
                self.warnings.push(warning);
            }
            return;
        }
        let total = &mut self.bytes;
        let found = || {
            *total += bytes;
            ProjectFile::new(key.clone(), path.to_owned(), metadata)
        };
        let taken = self.files.entry(key.clone()).or_insert_with(found);
        if taken.path != path {
            let rule = format!("same name as {} once made UTF-8", taken.path.display());
            self.leave_out(path, false, rule);
        }
    }

    /// Excludes a file or folder. Returns whether it was not excluded before.
    fn leave_out(&mut self, path: &Path, is_folder: bool, rule: String) -> bool {
        let key = match self.roots.key_of(path) {
            Some(key) if is_folder => format!("{key}/"),
            Some(key) => key,
            None if path == self.roots.root() => WHOLE.to_owned(),
            None => return false,
        };
        let out = Exclusion {
            key: key.clone(),
            rule,
        };
        self.left_out.insert((key, path.to_owned()), out).is_none()
    }
}

/// The entries of a folder with their types, in the order of names.
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
