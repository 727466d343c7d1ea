//! The section `[tags]`: where FIMpad tags are meant, and how they are run.

use serde::Serialize;
use toml_edit::{Item, TableLike};

use super::section::{Section, Wrong};

/// Where tags are meant, and how they are run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TagSettings {
    /// The languages, as LSP identifies them, in whose documents tags are
    /// looked for.
    pub languages: Vec<String>,
    /// Whether the cross-file context stands before the prefix of a tag in a
    /// PHP file.
    pub context: bool,
    /// Whether other tags in the window are left out of the prompt.
    pub strip_inner: bool,
    /// Whether the text so far stays in the document when an answer breaks off.
    pub keep_partial: bool,
    /// How many runs are remembered; 0 for none.
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

impl TagSettings {
    const KEYS: [&str; 5] = [
        "languages",
        "context",
        "strip_inner",
        "keep_partial",
        "log_runs",
    ];
}

/// What the section says.
pub(super) fn read(table: &dyn TableLike) -> Result<TagSettings, Wrong> {
    let section = Section::new("tags", table, &TagSettings::KEYS)?;
    let default = TagSettings::default();
    let languages = section.get("languages", "an array of strings", texts)?;
    Ok(TagSettings {
        languages: languages.unwrap_or(default.languages),
        context: section.flag("context")?.unwrap_or(default.context),
        strip_inner: section.flag("strip_inner")?.unwrap_or(default.strip_inner),
        keep_partial: section
            .flag("keep_partial")?
            .unwrap_or(default.keep_partial),
        log_runs: section
            .integer("log_runs", &(0..=1000))?
            .unwrap_or(default.log_runs),
    })
}

fn texts(item: &Item) -> Option<Vec<String>> {
    let texts = item.as_array()?.iter();
    texts.map(|text| text.as_str().map(str::to_owned)).collect()
}
