//! Strings that name what files at their usual places define: keys of the
//! configuration and of translations, names of views, and the routes that
//! `Route::resource` makes.

use super::arrays::keys;
use crate::context::infer::framework::DefinedString;
use crate::context::infer::inference::Inference;
use crate::context::infer::limits::{BINDINGS, STRING_FILES};
use crate::index::SourceFile;
use crate::php::place_hash;

/// Folders with translations, in the language that new applications have.
const TRANSLATIONS: [&str; 2] = ["lang/en/", "resources/lang/en/"];
/// The folder of the templates.
const VIEWS: &str = "resources/views/";
/// How the name of a template ends.
const BLADE: &str = ".blade.php";
/// The routes that `Route::resource` makes, and that `Route::apiResource` makes
/// but for the two of forms.
const ACTIONS: [&str; 7] = [
    "index", "create", "store", "show", "edit", "update", "destroy",
];

/// The strings that may stand at `place`.
pub(super) fn at<'a>(inference: &'a Inference<'a>, place: &str) -> Vec<DefinedString<'a>> {
    match place {
        "config#0" => in_folders(inference, &["config/"]),
        "__#0" | "trans#0" | "trans_choice#0" | "lang#0" => in_folders(inference, &TRANSLATIONS),
        "view#0" | "make#0" | "extends#0" | "include#0" => views(inference),
        "route#0" => resources(inference),
        _ => Vec::new(),
    }
}

/// The keys of the arrays in the files of `folders`: the name of the file, then
/// the keys, separated by dots.
fn in_folders<'a>(inference: &'a Inference<'a>, folders: &[&str]) -> Vec<DefinedString<'a>> {
    let mut all = Vec::new();
    for folder in folders {
        for (_, file) in inference.snapshot.files_in(folder, STRING_FILES) {
            let Some(name) = file.path[folder.len()..].strip_suffix(".php") else {
                continue;
            };
            if *file.path == *inference.buffer.path {
                continue;
            }
            for (path, start) in keys(&file.text) {
                all.push(DefinedString {
                    text: inference.keep(format!("{name}.{path}")),
                    path: &file.path,
                    start,
                });
            }
        }
    }
    all
}

/// The names of the templates that are indexed.
fn views<'a>(inference: &'a Inference<'a>) -> Vec<DefinedString<'a>> {
    let named = |file: &'a SourceFile| {
        let name = file.path.strip_prefix(VIEWS)?.strip_suffix(BLADE)?;
        Some(DefinedString {
            text: inference.keep(name.replace('/', ".")),
            path: &file.path,
            start: 0,
        })
    };
    let files = inference.snapshot.files();
    files.filter_map(|file| named(file)).collect()
}

/// The names of the routes that resources make.
fn resources<'a>(inference: &'a Inference<'a>) -> Vec<DefinedString<'a>> {
    let mut all = Vec::new();
    for (place, is_api) in [("resource#0", false), ("apiresource#0", true)] {
        let found = inference.snapshot.literals_at(place_hash(place), BINDINGS);
        for (file, resource) in found {
            let actions = ACTIONS.iter();
            let actions =
                actions.filter(|action| !is_api || !matches!(**action, "create" | "edit"));
            all.extend(actions.map(|action| DefinedString {
                text: inference.keep(format!("{resource}.{action}")),
                path: &file.path,
                start: (resource.as_ptr().addr() - file.text.as_ptr().addr()) as u32,
            }));
        }
    }
    all
}
