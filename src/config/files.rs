//! The section `[files]`: which files count.

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
