//! The services of a project by their ids, from YAML files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use super::places::PackagePlaces;
use crate::files::regular::{Links, MAX_SERVICES_BYTES, read_text_below};
use crate::files::stamp::Stamp;
use crate::php::composer::Autoload;
use crate::php::services::services;

/// The most files that are read.
const MAX_FILES: usize = 2000;
/// The most services that are known.
const MAX_SERVICES: usize = 50_000;
/// The most names of one service that lead to another.
const MAX_ALIASES: usize = 8;
/// The namespace of Drupal's core.
const DRUPAL_CORE: &str = "Drupal\\Core\\";
/// The folder of that namespace inside Drupal's own.
const IN_CORE: &str = "lib/Drupal/Core";
/// Where modules lie, relative to the folder of Drupal's core.
const MODULES: [&str; 4] = [
    "modules",
    "../modules",
    "../modules/contrib",
    "../modules/custom",
];

/// Services by their ids.
#[derive(Debug, Default)]
pub(super) struct ServiceIds {
    /// The class and the alias of each id.
    by_id: FxHashMap<String, (String, String)>,
    /// The files with their stamps when they were read.
    files: Vec<(PathBuf, Option<Stamp>)>,
}

impl ServiceIds {
    /// Reads the files called `keys`, then those of Drupal's core and modules. If
    /// several state an id, the first one counts.
    pub(super) fn read(
        places: &PackagePlaces,
        keys: &BTreeSet<String>,
        autoload: &Autoload,
    ) -> Self {
        let mut read = Self::default();
        let of_modules = modules(places, autoload)
            .into_iter()
            .map(|(name, folder)| format!("{folder}/{name}.services.yml"));
        let of_core = core_folders(autoload).map(|core| format!("{core}core.services.yml"));
        let own = keys.iter().cloned();
        for name in own.chain(of_core).chain(of_modules).take(MAX_FILES) {
            let Some(path) = places.find(&name) else {
                continue;
            };
            let text = match read_text_below(&path, MAX_SERVICES_BYTES, Links::Refused) {
                Ok(text) => text,
                Err(error) => {
                    tracing::warn!("{}: its services are left out: {error}", path.display());
                    continue;
                }
            };
            for entry in services(&text) {
                if read.by_id.len() < MAX_SERVICES {
                    let stated = (entry.class, entry.alias);
                    read.by_id.entry(entry.id).or_insert(stated);
                }
            }
            let before = Stamp::at(&path);
            read.files.push((path, before));
        }
        read
    }

    /// The class of the service with this id.
    pub(super) fn class(&self, id: &str) -> Option<&str> {
        let mut id = id;
        for _ in 0..MAX_ALIASES {
            let (stated, (class, alias)) = self.by_id.get_key_value(id)?;
            match (&**class, &**alias) {
                ("", "") => return stated.contains('\\').then_some(stated),
                ("", alias) => id = alias,
                (class, _) => return Some(class),
            }
        }
        None
    }

    /// Whether the file at `path` is one of those that were read.
    pub(super) fn depend_on(&self, path: &Path) -> bool {
        self.files.iter().any(|(file, _)| file == path)
    }

    /// Whether one of the files has changed since it was read.
    pub(super) fn is_outdated(&self) -> bool {
        self.files
            .iter()
            .any(|(path, before)| Stamp::at(path) != *before)
    }
}

/// The folders of Drupal's core, relative to the root.
fn core_folders(autoload: &Autoload) -> impl Iterator<Item = &str> {
    let of_core = autoload
        .psr4
        .iter()
        .filter(|(prefix, _)| prefix == DRUPAL_CORE);
    let folders = of_core.flat_map(|(_, folders)| folders);
    folders.filter_map(|folder| folder.trim_end_matches('/').strip_suffix(IN_CORE))
}

/// Drupal's modules by name, with the names of their folders, where Composer has installed
/// its core.
fn modules(places: &PackagePlaces, autoload: &Autoload) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for core in core_folders(autoload) {
        for below in MODULES {
            let folder = match below.strip_prefix("../") {
                Some(beside) => format!("{}{beside}", above(core)),
                None => format!("{core}{below}"),
            };
            let Some(place) = places.find(&folder) else {
                continue;
            };
            let entries = std::fs::read_dir(&place);
            let entries = entries.into_iter().flatten().flatten();
            let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
            let names: BTreeSet<String> = names.collect();
            for name in names {
                let info = format!("{name}/{name}.info.yml");
                if place.join(info).is_file() {
                    let module = format!("{folder}/{name}");
                    found.push((name, module));
                }
            }
        }
    }
    found
}

/// The folder that holds `folder`, which ends with `/`: empty or with a `/` at its end.
fn above(folder: &str) -> &str {
    let folder = folder.trim_end_matches('/');
    folder.rfind('/').map_or("", |slash| &folder[..=slash])
}

/// The autoload rules of Drupal's modules, which Drupal itself adds as it runs.
pub(super) fn of_modules(
    places: &PackagePlaces,
    autoload: &Autoload,
) -> Vec<(String, Vec<String>)> {
    let modules = modules(places, autoload).into_iter();
    modules
        .map(|(name, folder)| (format!("Drupal\\{name}\\"), vec![format!("{folder}/src")]))
        .collect()
}
