//! The section `[files]`: which files count.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::values::accept;
use crate::files::Extensions;

/// Which files a project is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FilesSettings {
    /// The endings of the files that count.
    #[serde(deserialize_with = "extensions")]
    pub extensions: Extensions,
    /// The folders whose projects may name files outside of themselves, absolute paths.
    #[serde(deserialize_with = "folders")]
    pub trusted_projects: Vec<PathBuf>,
}

fn extensions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Extensions, D::Error> {
    let expected = r#"an array of endings such as "php" and "inc""#;
    accept(deserializer, expected, |value| {
        let endings: Option<Vec<String>> = value
            .as_array()?
            .iter()
            .map(|ending| Value::as_str(ending).map(str::to_owned))
            .collect();
        Extensions::try_from(endings?).ok()
    })
}

fn folders<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PathBuf>, D::Error> {
    let expected = r#"an array of absolute paths, such as "/home/me/src/shop" or "~/src/shop""#;
    accept(deserializer, expected, |value| {
        let folder = |value: &Value| absolute(Path::new(value.as_str()?));
        value.as_array()?.iter().map(folder).collect()
    })
}

/// `path` if it is absolute, also with `~` for the user's home.
fn absolute(path: &Path) -> Option<PathBuf> {
    let path = match path.strip_prefix("~") {
        Ok(inside) => etcetera::home_dir().ok()?.join(inside),
        Err(_) => path.to_owned(),
    };
    path.is_absolute().then_some(path)
}
