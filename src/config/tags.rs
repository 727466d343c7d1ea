//! The section `[tags]`: where FIMpad tags are meant, and how they are run.

use serde::{Deserialize, Deserializer, Serialize};

use super::values::{accept, flag, integer};

/// Where tags are meant, and how they are run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TagSettings {
    /// The languages, as LSP identifies them, in whose documents tags are
    /// looked for.
    #[serde(deserialize_with = "languages")]
    pub languages: Vec<String>,
    /// Whether the cross-file context stands before the prefix of a tag in a
    /// PHP file.
    #[serde(deserialize_with = "flag")]
    pub context: bool,
    /// Whether other tags in the window are left out of the prompt.
    #[serde(deserialize_with = "flag")]
    pub strip_inner: bool,
    /// Whether the text so far stays in the document when an answer breaks off.
    #[serde(deserialize_with = "flag")]
    pub keep_partial: bool,
    /// How many runs are remembered; 0 for none.
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
