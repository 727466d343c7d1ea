//! The ignore files of a project, and the question whether a path belongs to it.
//!
//! An ignore file may hide what nobody else may see. So one that cannot be read hides
//! its whole folder until it can.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::extensions::Extensions;
use super::reach::{Reach, folders_above};
use super::regular::{Links, MAX_IGNORE_BYTES, read_bytes};
use super::roots::Roots;
use super::rules::{left_out_by_name, may_hold_source};
use super::source_folders::SourceFolders;

/// The file whose rules come before all others.
pub(super) const FIMIGNORE: &str = ".fimignore";

/// Git's own.
pub(super) const GITIGNORE: &str = ".gitignore";

/// The most rules of one ignore file.
const MAX_RULES: usize = 10_000;

/// What decides about an entry of a folder beside the ignore files.
#[derive(Clone, Copy, Debug)]
pub struct NameRules<'a> {
    /// The root and the include paths.
    pub roots: &'a Roots,
    /// The endings that count.
    pub extensions: &'a Extensions,
    /// The folders that count whatever they are called.
    pub folders: &'a SourceFolders,
}

/// Whether a file with this canonical path would belong to the project by its
/// name and the rules. The file need not exist.
#[must_use]
pub fn belongs(names: NameRules<'_>, path: &Path) -> bool {
    is_allowed(names, path, false)
}

/// Like [`belongs`], with the default endings, and without looking into the files of the
/// project.
#[must_use]
pub fn belongs_by_default(roots: &Roots, path: &Path) -> bool {
    let names = NameRules {
        roots,
        extensions: &Extensions::default(),
        folders: &SourceFolders::autoloaded(roots),
    };
    belongs(names, path)
}

/// Whether the walk would read a folder with this canonical path.
#[must_use]
pub fn is_walked(names: NameRules<'_>, folder: &Path) -> bool {
    is_allowed(names, folder, true)
}

/// Whether the rules allow the file or folder at `path`.
fn is_allowed(names: NameRules<'_>, path: &Path, is_folder: bool) -> bool {
    let roots = names.roots;
    let Some(top) = roots.top_of(path) else {
        return false;
    };
    let Ok(inside) = path.strip_prefix(top) else {
        return false;
    };
    // The walk reports the same warnings.
    let mut warnings = Vec::new();
    let mut rules = IgnoreRules::of_top(top, roots, &mut warnings);
    let mut folder = top.to_owned();
    let mut parts = inside.iter().peekable();
    while let Some(name) = parts.next() {
        let ignores = (stands(&folder, FIMIGNORE), stands(&folder, GITIGNORE));
        rules = rules.below(&folder, ignores, roots, &mut warnings);
        let is_folder = is_folder || parts.peek().is_some();
        let path = folder.join(name);
        let name = name.to_string_lossy();
        if !is_folder && !names.extensions.count(&name) && !rules.bring_back(&path) {
            return false;
        }
        if rules.hide().is_some() || rules.rule_against(&path, &name, is_folder, names).is_some() {
            return false;
        }
        folder = path;
    }
    true
}

/// Whether a `.fimignore` file brings the file with this canonical path, or a folder that
/// holds it, back with a `!`.
#[must_use]
pub fn is_brought_back(roots: &Roots, path: &Path) -> bool {
    let Some(top) = roots.top_of(path) else {
        return false;
    };
    let Ok(inside) = path.strip_prefix(top) else {
        return false;
    };
    // The walk reports the same warnings.
    let mut warnings = Vec::new();
    let mut rules = IgnoreRules::default();
    let mut entry = top.to_owned();
    let mut is_back = false;
    let mut parts = inside.iter().peekable();
    while let Some(name) = parts.next() {
        let has_fimignore = stands(&entry, FIMIGNORE);
        rules = rules.below(&entry, (has_fimignore, false), roots, &mut warnings);
        if rules.hide().is_some() {
            return false;
        }
        entry.push(name);
        let is_folder = parts.peek().is_some();
        let matched = rules
            .levels()
            .map(|level| level.fimignore.matched(&entry, is_folder))
            .find(|matched| !matched.is_none());
        is_back = matched.map_or(is_back, |matched| matched.is_whitelist());
    }
    is_back
}

/// Whether `folder` has an entry called `name`. If the system does not tell, it may.
fn stands(folder: &Path, name: &str) -> bool {
    let found = folder.join(name).symlink_metadata();
    let is_absent = |error: io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        )
    };
    !found.is_err_and(is_absent)
}

/// Whether a change to an entry with this name can change which files belong to
/// a project.
#[must_use]
pub fn is_rule_file(name: &OsStr) -> bool {
    [FIMIGNORE, GITIGNORE, ".git"]
        .iter()
        .any(|rule| name == *rule)
}

/// The rule that excludes an entry.
pub(super) struct ExclusionRule {
    /// The rule in words for a user.
    pub(super) rule: String,
    /// Whether it gives way where the project uses what is in the folder.
    pub(super) may_hold_source: bool,
}

impl ExclusionRule {
    /// A rule that never gives way.
    fn fixed(rule: String) -> Self {
        Self {
            rule,
            may_hold_source: false,
        }
    }
}

/// The ignore files that apply to a folder: its own and those above it.
#[derive(Clone, Default)]
pub(super) struct IgnoreRules(Option<Arc<FolderRules>>);

/// The ignore files of one folder.
struct FolderRules {
    fimignore: Gitignore,
    gitignore: Gitignore,
    above: IgnoreRules,
    /// Why the folder is hidden, if one of its ignore files cannot be read.
    unread: Option<String>,
}

impl IgnoreRules {
    /// The rules that come from above `top`, the root or an include path. Those that
    /// exclude an include path do not apply to it, because the user names it.
    pub(super) fn of_top(top: &Path, roots: &Roots, warnings: &mut Vec<String>) -> Self {
        let above = folders_above(top);
        let rules = above.iter().rev().fold(Self::default(), |rules, folder| {
            let has_gitignore = stands(folder, GITIGNORE);
            rules.below(folder, (false, has_gitignore), roots, warnings)
        });
        if top != roots.root() && rules.exclude_all_of(top) {
            return Self::default();
        }
        rules
    }

    /// Whether the `.gitignore` files exclude `folder`, a folder that holds it, or
    /// whatever is in it, as `folder/**` does.
    fn exclude_all_of(&self, folder: &Path) -> bool {
        let any = &folder.join("any");
        let matched = self
            .levels()
            .map(|level| level.gitignore.matched_path_or_any_parents(any, false))
            .find(|matched| !matched.is_none());
        matched.is_some_and(|matched| matched.is_ignore())
    }

    /// The rules that apply in `folder`, given whether it has a `.fimignore` and a
    /// `.gitignore`.
    pub(super) fn below(
        &self,
        folder: &Path,
        (has_fimignore, has_gitignore): (bool, bool),
        roots: &Roots,
        warnings: &mut Vec<String>,
    ) -> Self {
        if !has_fimignore && !has_gitignore {
            return self.clone();
        }
        let mut unread = None;
        let mut load = |exists: bool, name: &str| {
            let read = match exists {
                true => load(&folder.join(name), roots, warnings),
                false => Ok(Gitignore::empty()),
            };
            read.unwrap_or_else(|error| {
                let file = folder.join(name);
                warnings.push(format!(
                    "{}: cannot be read: {error}; its folder is left out until it can",
                    file.display()
                ));
                let file = roots.key_at(&file);
                unread.get_or_insert(format!("{file}: cannot be read: {error}"));
                Gitignore::empty()
            })
        };
        Self(Some(Arc::new(FolderRules {
            fimignore: load(has_fimignore, FIMIGNORE),
            gitignore: load(has_gitignore, GITIGNORE),
            above: self.clone(),
            unread,
        })))
    }

    /// Why the folder is hidden, if an ignore file of it or of a folder above it cannot be
    /// read.
    pub(super) fn hide(&self) -> Option<&str> {
        self.levels().find_map(|level| level.unread.as_deref())
    }

    /// The ignore files by folder, the deepest first.
    fn levels(&self) -> impl Iterator<Item = &FolderRules> {
        std::iter::successors(self.0.as_deref(), |level| level.above.0.as_deref())
    }

    /// Whether a `.fimignore` file brings the file at `path` back with a `!`.
    pub(super) fn bring_back(&self, path: &Path) -> bool {
        let mut matched = self
            .levels()
            .map(|level| level.fimignore.matched(path, false));
        let matched = matched.find(|matched| !matched.is_none());
        matched.is_some_and(|matched| matched.is_whitelist())
    }

    /// The rule that excludes an entry, if there is one.
    pub(super) fn rule_against(
        &self,
        path: &Path,
        name: &str,
        is_dir: bool,
        names: NameRules<'_>,
    ) -> Option<ExclusionRule> {
        let roots = names.roots;
        let matched = self
            .levels()
            .map(|level| level.fimignore.matched(path, is_dir))
            .find(|matched| !matched.is_none());
        match matched {
            Some(Match::Whitelist(_)) => return None,
            Some(Match::Ignore(glob)) => return Some(ExclusionRule::fixed(named(glob, roots))),
            Some(Match::None) | None => {}
        }
        let by_name = left_out_by_name(name, is_dir, names.extensions);
        let may_hold_source = is_dir && may_hold_source(name);
        let key = || roots.key_of(path).unwrap_or_default();
        if by_name.is_none() && is_dir && names.folders.is_installed(&key()) {
            return Some(ExclusionRule::fixed("composer.json: vendor-dir".into()));
        }
        let is_source = || names.folders.hold(&key());
        let by_name = by_name.filter(|_| !(may_hold_source && is_source()));
        if let Some(rule) = &by_name
            && !may_hold_source
        {
            return Some(ExclusionRule::fixed(rule.clone()));
        }
        let matched = self
            .levels()
            .map(|level| level.gitignore.matched(path, is_dir))
            .find(|matched| !matched.is_none());
        match matched {
            Some(Match::Ignore(glob)) => {
                let rule = by_name.unwrap_or_else(|| named(glob, roots));
                Some(ExclusionRule::fixed(rule))
            }
            Some(Match::Whitelist(_) | Match::None) | None => by_name.map(|rule| ExclusionRule {
                rule,
                may_hold_source,
            }),
        }
    }
}

/// The rules of the ignore file at `path`, none if it has vanished. Adds a warning for
/// each rule that makes no sense.
///
/// # Errors
/// If the file cannot be read: it is no regular file, has a rule that is not UTF-8 or too
/// many rules, or is a link that leads out of the project.
fn load(path: &Path, roots: &Roots, warnings: &mut Vec<String>) -> io::Result<Gitignore> {
    let content = match read(path, roots) {
        Err(error)
            if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() =>
        {
            return Ok(Gitignore::empty());
        }
        content => content?,
    };
    let folder = path.parent().unwrap_or(path);
    let mut builder = GitignoreBuilder::new(folder);
    let content = content
        .strip_prefix("\u{feff}".as_bytes())
        .unwrap_or(&content);
    let mut count = 0;
    let lines = content.split(|&byte| byte == b'\n');
    for (number, line) in (1..).zip(lines) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        count += 1;
        if count > MAX_RULES {
            return Err(io::Error::other(format!("more than {MAX_RULES} rules")));
        }
        let line = std::str::from_utf8(line)
            .map_err(|_| io::Error::other(format!("line {number} is not UTF-8")))?;
        if let Err(error) = builder.add_line(Some(path.to_owned()), line) {
            let place = format!("{}: rule not applied: line {number}", path.display());
            warnings.push(format!("{place}: {error}"));
        }
    }
    builder.build().map_err(io::Error::other)
}

/// The content of the ignore file at `path`.
fn read(path: &Path, roots: &Roots) -> io::Result<Vec<u8>> {
    if !path.symlink_metadata()?.is_symlink() {
        return read_bytes(path, MAX_IGNORE_BYTES, Links::Refused);
    }
    let found = path.canonicalize()?;
    let folder = path.parent().unwrap_or(path);
    if !roots.reach().holds(&found) {
        // An include path may lie in a repository of its own.
        Reach::of(folder).find(&found)?;
    }
    read_bytes(&found, MAX_IGNORE_BYTES, Links::Refused)
}

/// A pattern in words for a user: the ignore file and the line in it.
fn named(glob: &ignore::gitignore::Glob, roots: &Roots) -> String {
    let from = glob.from().unwrap_or(Path::new(""));
    let file = roots
        .key_of(from)
        .unwrap_or_else(|| from.to_string_lossy().into_owned());
    format!("{file}: {}", glob.original())
}
