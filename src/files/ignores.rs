//! The ignore files of a project, and the question whether a path belongs to it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::extensions::Extensions;
use super::regular::check_regular;
use super::roots::Roots;
use super::rules::{left_out_by_name, may_hold_source};
use super::source_folders::SourceFolders;

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
        let has = |name: &str| folder.join(name).is_file();
        let ignores = (has(".fimignore"), has(".gitignore"));
        rules = rules.below(&folder, ignores, &mut warnings);
        let is_folder = is_folder || parts.peek().is_some();
        let path = folder.join(name);
        let name = name.to_string_lossy();
        if !is_folder && !names.extensions.count(&name) && !rules.bring_back(&path) {
            return false;
        }
        if rules.rule_against(&path, &name, is_folder, names).is_some() {
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
        let has_fimignore = entry.join(".fimignore").is_file();
        rules = rules.below(&entry, (has_fimignore, false), &mut warnings);
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

/// The folders above the root whose ignore files apply to it, the nearest first.
#[must_use]
pub fn folders_above(root: &Path) -> Vec<PathBuf> {
    let Some(top) = root.ancestors().find(|f| f.join(".git").exists()) else {
        return Vec::new();
    };
    let above = root.ancestors().skip(1).take_while(|f| f.starts_with(top));
    above.map(Path::to_path_buf).collect()
}

/// Whether a change to an entry with this name can change which files belong to
/// a project.
#[must_use]
pub fn is_rule_file(name: &OsStr) -> bool {
    [".fimignore", ".gitignore", ".git"]
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
}

impl IgnoreRules {
    /// The rules that come from above `top`, the root or an include path. Those that
    /// exclude an include path do not apply to it, because the user names it.
    pub(super) fn of_top(top: &Path, roots: &Roots, warnings: &mut Vec<String>) -> Self {
        let above = folders_above(top);
        let rules = above.iter().rev().fold(Self::default(), |rules, folder| {
            let has_gitignore = folder.join(".gitignore").is_file();
            rules.below(folder, (false, has_gitignore), warnings)
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
        Self(Some(Arc::new(FolderRules {
            fimignore: load(has_fimignore, ".fimignore"),
            gitignore: load(has_gitignore, ".gitignore"),
            above: self.clone(),
        })))
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

/// The rules of an ignore file. Adds a warning for each rule that cannot be read.
fn load(folder: &Path, name: &str, warnings: &mut Vec<String>) -> Gitignore {
    let path = folder.join(name);
    let mut builder = GitignoreBuilder::new(folder);
    let unread = match check_regular(&path) {
        Ok(()) => builder.add(&path),
        Err(error) => Some(error.into()),
    };
    let (gitignore, unbuilt) = match builder.build() {
        Ok(gitignore) => (gitignore, None),
        Err(error) => (Gitignore::empty(), Some(error)),
    };
    for error in unread.into_iter().chain(unbuilt) {
        warnings.push(format!("{}: rule not applied: {error}", path.display()));
    }
    gitignore
}

/// A pattern in words for a user: the ignore file and the line in it.
fn named(glob: &ignore::gitignore::Glob, roots: &Roots) -> String {
    let from = glob.from().unwrap_or(Path::new(""));
    let file = roots
        .key_of(from)
        .unwrap_or_else(|| from.to_string_lossy().into_owned());
    format!("{file}: {}", glob.original())
}
