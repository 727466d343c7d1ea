//! The fonts and the spelling dictionaries that are installed on this machine.
//! Reads the environment variables `DICPATH`, `HOME` and `XDG_DATA_HOME`.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use etcetera::base_strategy::Xdg;

/// The folders of dictionaries below a folder of shared data.
const SHARED: [&str; 3] = ["hunspell", "myspell", "myspell/dicts"];

/// The families of all installed fonts, sorted. Reads the folders and files of fonts.
#[must_use]
pub fn fonts() -> Vec<String> {
    let mut database = fontdb::Database::new();
    database.load_system_fonts();
    let names = database
        .faces()
        .flat_map(|face| face.families.iter().map(|(name, _)| name.clone()));
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The languages with a dictionary of hunspell, myspell or aspell, such as `en_GB`,
/// sorted. Reads the usual folders and those of `DICPATH`.
#[must_use]
pub fn spell_languages() -> Vec<String> {
    let mut languages = BTreeSet::new();
    for folder in dictionary_folders() {
        dictionaries(&folder, &mut languages);
    }
    languages.into_iter().collect()
}

/// The folders that may hold dictionaries; most of them do not exist.
fn dictionary_folders() -> Vec<PathBuf> {
    let mut folders: Vec<_> = env::var_os("DICPATH")
        .map(|paths| env::split_paths(&paths).collect())
        .unwrap_or_default();
    let mut shared: Vec<_> = ["/usr/local/share", "/usr/share"].map(PathBuf::from).into();
    if let Ok(user) = Xdg::new() {
        shared.push(user.data_dir());
        folders.push(user.home_dir().join("Library/Spelling"));
    }
    for data in shared {
        folders.extend(SHARED.map(|name| data.join(name)));
    }
    folders.push("/Library/Spelling".into());
    for library in ["/usr/local/lib", "/usr/lib", "/usr/lib64"] {
        folders.extend(["aspell", "aspell-0.60"].map(|name| Path::new(library).join(name)));
    }
    folders
}

/// Adds the languages of the dictionaries in `folder`. A dictionary of hunspell or
/// myspell is a word list with a file of rules; one of aspell is a list of lists.
fn dictionaries(folder: &Path, languages: &mut BTreeSet<String>) {
    let files = match fs::read_dir(folder) {
        Ok(files) => files,
        Err(error) => {
            tracing::debug!("{}: no dictionaries: {error}", folder.display());
            return;
        }
    };
    for file in files.flatten() {
        let path = file.path();
        let is_dictionary = match path.extension().and_then(OsStr::to_str) {
            Some("dic") => path.with_extension("aff").is_file(),
            Some("multi") => true,
            _ => false,
        };
        let name = path.file_stem().and_then(OsStr::to_str);
        if let Some(name) = name.filter(|name| is_dictionary && is_language(name)) {
            languages.insert(name.replace('-', "_"));
        }
    }
}

/// Whether the name of a dictionary is that of a language: `en`, `en_GB`,
/// `de_DE_frami`. Excludes hyphenation and aspell's variants, such as
/// `en-variant_0`.
fn is_language(name: &str) -> bool {
    let language = name.split(['_', '-']).next().unwrap_or(name);
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && !name.contains("variant")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionary_of_any_kind_is_a_language() {
        let folder = tempfile::tempdir().unwrap();
        for file in [
            "en_GB.dic",
            "en_GB.aff",
            "de_DE_frami.dic",
            "de_DE_frami.aff",
            "fr.multi",
            "pt-BR.dic",
            "pt-BR.aff",
            "en-variant_0.multi",
            "hyph_de.dic",
            "hyph_de.aff",
            "it_IT.dic",
            "es.rws",
            "README_en.txt",
        ] {
            fs::write(folder.path().join(file), "").unwrap();
        }
        let mut languages = BTreeSet::new();
        dictionaries(folder.path(), &mut languages);
        dictionaries(&folder.path().join("missing"), &mut languages);
        let languages: Vec<_> = languages.into_iter().collect();
        assert_eq!(languages, ["de_DE_frami", "en_GB", "fr", "pt_BR"]);
    }

    #[test]
    fn fonts_are_named_once_and_in_order() {
        let fonts = fonts();
        assert!(fonts.windows(2).all(|pair| pair[0] < pair[1]), "{fonts:?}");
    }
}
