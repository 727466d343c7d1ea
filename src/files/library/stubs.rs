//! Files of stubs: they state for tools and editors what other files declare.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::places::PackagePlaces;
use crate::files::below::each_below;
use crate::files::extensions::ends_with;
use crate::files::rules::is_php;

/// The most files of stubs.
const MAX_STUBS: usize = 1000;

/// The files that laravel-ide-helper writes into the root of a project.
pub(super) const IDE_HELPERS: [&str; 2] = ["_ide_helper.php", "_ide_helper_models.php"];

/// The package of stubs for PHP itself. Every model knows these, and the few that lead
/// to classes of a project are built in.
const OF_PHP: &str = "jetbrains/phpstorm-stubs";

/// Folders of a package of stubs that hold no stubs.
const OTHER_FOLDERS: [&str; 6] = ["bin", "source", "src", "test", "tests", "vendor"];

/// The names of the files of stubs in `places`, in their order: the files that
/// laravel-ide-helper writes into the root, and the packages in the folders `vendors` that
/// are called so.
pub(super) fn stub_files(places: &PackagePlaces, vendors: &BTreeSet<String>) -> Vec<String> {
    let helpers = IDE_HELPERS
        .into_iter()
        .filter(|name| places.path(name).is_file());
    let mut files: BTreeSet<String> = helpers.map(str::to_owned).collect();
    for vendor in vendors {
        for owner in names_in(places, vendor) {
            for package in names_in(places, &format!("{vendor}/{owner}")) {
                let folder = format!("{vendor}/{owner}/{package}");
                if package.ends_with("-stubs") && format!("{owner}/{package}") != OF_PHP {
                    add(places, &folder, is_php, &mut files);
                } else if package.starts_with("phpstan-") {
                    add(places, &format!("{folder}/stubs"), is_stub, &mut files);
                }
            }
        }
    }
    files.into_iter().collect()
}

/// Whether a file of this name holds stubs as PHPStan's extensions name them.
fn is_stub(name: &str) -> bool {
    ends_with(name, "stub")
}

/// Adds the files below `folder` whose names `counts` takes.
fn add(
    places: &PackagePlaces,
    folder: &str,
    counts: fn(&str) -> bool,
    files: &mut BTreeSet<String>,
) {
    let Some(place) = places.find(folder) else {
        return;
    };
    let enters = |name: &str| !name.starts_with('.') && !OTHER_FOLDERS.contains(&name);
    each_below(&place, enters, |below, name, kind| {
        if files.len() >= MAX_STUBS {
            return ControlFlow::Break(());
        }
        if kind.is_file() && counts(name) && !name.starts_with('.') {
            files.insert(format!("{folder}/{below}"));
        }
        ControlFlow::Continue(())
    });
}

/// The names in `folder` that are UTF-8, in their order; none if it cannot be read.
fn names_in(places: &PackagePlaces, folder: &str) -> BTreeSet<String> {
    let entries = places.find(folder).map(std::fs::read_dir);
    let entries = entries.into_iter().flatten().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().into_string());
    names.filter_map(Result::ok).collect()
}
