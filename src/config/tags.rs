//! The section `[tags]`: which documents have FIMpad tags, and how tags are run.

use serde::{Deserialize, Deserializer, Serialize};

use super::values::{accept, flag, integer};

/// Which documents have FIMpad tags, and how tags are run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TagSettings {
    /// The languages, by their LSP identifiers, whose documents have tags.
    #[serde(deserialize_with = "languages")]
    pub languages: Vec<String>,
    /// Whether the prompt of a tag in a PHP file begins with the cross-file context.
    #[serde(deserialize_with = "flag")]
    pub context: bool,
    /// Whether the prompt leaves out the other tags in the window.
    #[serde(deserialize_with = "flag")]
    pub strip_inner: bool,
    /// Whether the document keeps the text of an incomplete answer.
    #[serde(deserialize_with = "flag")]
    pub keep_partial: bool,
    /// How many runs the log keeps; 0 switches it off.
    #[serde(deserialize_with = "integer::<_, _, 0, 1000>")]
    pub log_runs: usize,
}

impl Default for TagSettings {
    fn default() -> Self {
        Self {
            languages: ["plaintext", "markdown", "fimpad"]
                .map(str::to_owned)
                .to_vec(),
            context: false,
            strip_inner: false,
            keep_partial: false,
            log_runs: 10,
        }
    }
}

fn languages<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    accept(deserializer, "an array of strings", |value| {
        let texts = value.as_array()?.iter();
        texts.map(|text| text.as_str().map(str::to_owned)).collect()
    })
}
