//! Where the files lie that Composer's files name. A name that leads out of the project's
//! reach is refused, whichever way it takes there: an absolute path, `..` or a link.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::files::reach::Reach;
use crate::files::roots::{Roots, labels_of};
use crate::index::Exclusion;
use crate::php::composer::Autoload;

/// The most refused names that are kept; the others are refused without a word.
const MAX_REFUSED: usize = 100;

/// The files and folders that the packages of one project consist of, by their names:
/// paths relative to the project's root, or to a folder outside that has a label.
#[derive(Debug)]
pub(super) struct PackagePlaces {
    roots: Roots,
    /// The folders that Composer's files name by an absolute path and that are not within
    /// the reach of relative ones. The label of each stands for it, so that no context
    /// shows where it is.
    labelled: Vec<(String, PathBuf)>,
    /// The rule by which each name was refused.
    refused: Mutex<BTreeMap<String, String>>,
}

impl PackagePlaces {
    /// The places of the packages of the project in `roots`.
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            roots: roots.clone(),
            labelled: Vec::new(),
            refused: Mutex::default(),
        }
    }

    /// The project's root.
    pub(super) fn root(&self) -> &Path {
        self.roots.root()
    }

    /// The path of the file or folder called `name`, wherever it leads.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        let (first, rest) = name.split_once('/').unwrap_or((name, ""));
        match self.labelled.iter().find(|(label, _)| label == first) {
            Some((_, folder)) => folder.join(rest.trim_start_matches('/')),
            None => self.root().join(name),
        }
    }

    /// The canonical path of the file or folder called `name`; `None` if there is none, or
    /// if it is out of the project's reach, which is noted.
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        self.look_for(name).ok()
    }

    /// As [`PackagePlaces::find`], with the error.
    pub(super) fn look_for(&self, name: &str) -> io::Result<PathBuf> {
        let found = self.roots.find(&self.path(name));
        found.inspect_err(|error| {
            if error.kind() == ErrorKind::PermissionDenied {
                self.refuse(name, error);
            }
        })
    }

    /// The name of the file or folder that one of Composer's files calls `name`, which may
    /// be an absolute path; `None` as in [`PackagePlaces::find`].
    pub(super) fn name(&mut self, name: &str) -> Option<String> {
        if !name.starts_with('/') {
            return Some(name.to_owned());
        }
        let found = self.find(name)?;
        if let Reach::Within(top) = self.roots.reach()
            && let Ok(inside) = found.strip_prefix(top)
        {
            let up = |root: &Path| root.strip_prefix(top).ok().map(|way| way.iter().count());
            let inside = inside.to_string_lossy();
            return match found.strip_prefix(self.root()) {
                Ok(inside) => Some(inside.to_string_lossy().into_owned()),
                Err(_) => Some(format!("{}{inside}", "../".repeat(up(self.root())?))),
            };
        }
        if let Ok(inside) = found.strip_prefix(self.root()) {
            return Some(inside.to_string_lossy().into_owned());
        }
        let known = self.labelled.iter().find(|(_, folder)| *folder == found);
        if let Some((label, _)) = known {
            return Some(label.clone());
        }
        let is_free = |label: &String| {
            !self.root().join(label).exists() && self.labelled.iter().all(|(used, _)| used != label)
        };
        let label = labels_of(&found).find(is_free)?;
        self.labelled.push((label.clone(), found));
        Some(label)
    }

    /// Takes the names out of `autoload` that lead out of reach. Those that lead nowhere
    /// stay, since their files may come later.
    pub(super) fn retain(&self, autoload: &mut Autoload) {
        let is_kept = |name: &String| {
            let found = self.look_for(name);
            found.map_or_else(
                |error| error.kind() != ErrorKind::PermissionDenied,
                |_| true,
            )
        };
        for (_, folders) in autoload.psr4.iter_mut().chain(&mut autoload.psr0) {
            folders.retain(is_kept);
        }
        autoload.searched.retain(is_kept);
        autoload.files.retain(is_kept);
    }

    /// Notes that `name` was refused.
    fn refuse(&self, name: &str, why: &io::Error) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.len() < MAX_REFUSED && !refused.contains_key(name) {
            tracing::debug!("{name:?}: not read: {why}");
            refused.insert(name.to_owned(), format!("composer.json: {why}"));
        }
    }

    /// The names that were refused so far, with the rules, in their order.
    pub(super) fn refused(&self) -> Vec<Exclusion> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = refused.iter().map(|(name, rule)| Exclusion {
            // A name of the project may hold anything.
            key: name.escape_debug().to_string(),
            rule: rule.escape_debug().to_string(),
        });
        refused.collect()
    }
}
