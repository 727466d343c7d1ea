//! Finding the project that a file belongs to, by the folders above it.
//!
//! A folder with a `composer.json` is a project of its own, also inside another
//! project's folder, as in a monorepo. It belongs to the project around it if that
//! project's rules load its classes, or if it cannot do without that project; see
//! [`ComposerManifest::stands_alone`].

use std::path::{Path, PathBuf};

use super::reach::Reach;
use super::regular::MAX_COMPOSER_BYTES;
use crate::php::composer::{ComposerManifest, manifest};

/// The file that describes a Composer project or package.
const COMPOSER: &str = "composer.json";

/// What a project's root folder holds, one of these.
const MARKERS: [&str; 3] = [COMPOSER, ".git", ".fimignore"];

/// The root of the project that the file at the absolute path `file` belongs to: the
/// nearest folder above it with a `composer.json`, a `.git` or a `.fimignore`. A
/// Composer package that belongs to the project around it counts as a part of that
/// project, up to the top of the git repository.
#[must_use]
pub fn root_of(file: &Path) -> Option<PathBuf> {
    let above = || file.ancestors().skip(1);
    let is_root = |folder: &&Path| MARKERS.iter().any(|name| folder.join(name).exists());
    let is_repository = |folder: &&Path| folder.join(".git").exists();
    let nearest = above().find(is_root)?;
    if is_repository(&nearest) || !nearest.join(COMPOSER).exists() {
        return Some(nearest.to_owned());
    }
    innermost(file, above().find(is_repository)).map(Path::to_owned)
}

/// The root of the project that the file at the canonical path `file` belongs to,
/// below the folder `top` that holds it: `top`, unless the file belongs to a Composer
/// project inside it.
#[must_use]
pub fn root_within(top: &Path, file: &Path) -> PathBuf {
    innermost(file, Some(top)).unwrap_or(top).to_owned()
}

/// The innermost Composer project that `file` belongs to. Looks no higher than `top`,
/// which counts as a project without a `composer.json`, too.
fn innermost<'a>(file: &'a Path, top: Option<&Path>) -> Option<&'a Path> {
    let mut found: Option<(&Path, bool)> = None;
    for folder in file.ancestors().skip(1) {
        let is_top = Some(folder) == top;
        let path = folder.join(COMPOSER);
        // Most folders have no such file.
        let is_there = path.symlink_metadata().is_ok();
        let read = || Reach::of(folder).read(&path, MAX_COMPOSER_BYTES).ok();
        let text = is_there.then(read).flatten();
        if text.is_some() || is_top {
            // A file that is being edited may be no JSON for a moment.
            let manifest = text.and_then(|text| manifest(&text).ok());
            let manifest = manifest.unwrap_or_default();
            if found.is_none_or(|(inner, stands_alone)| {
                !stands_alone || takes_in(&manifest, folder, inner)
            }) {
                found = Some((folder, manifest.stands_alone));
            }
        }
        if is_top {
            break;
        }
    }
    found.map(|(folder, _)| folder)
}

/// Whether the project at `folder` loads the classes of the package at `inner`.
fn takes_in(manifest: &ComposerManifest, folder: &Path, inner: &Path) -> bool {
    let inside = inner.strip_prefix(folder).ok();
    inside.is_some_and(|inside| manifest.takes_in(&inside.to_string_lossy()))
}
