//! Applying a config tag to the settings file: all of it, or nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{self, Path};

use serde::Serialize;

use super::file::{self, FileUpdate};
use super::{ClientSettings, Endpoint, Settings, SettingsError};
use crate::system;
use crate::tags::server_url::server_url;
use crate::tags::settings::{AllowedValues, EntryError, SettingValue, check};
use crate::tags::tk::TK_FONTS;
use crate::tags::{Config, ConfigKey, Fault, Tag, TagKind, Tags};
use crate::text::TextPosition;

/// The fonts and languages of an editor, which may run on another machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditorResources {
    /// The families of its fonts; none for those of this machine and of Tk.
    pub fonts: Option<Vec<String>>,
    /// The languages whose spelling it can check; none for those that have a dictionary
    /// on this machine.
    pub spell_languages: Option<Vec<String>>,
}

/// The changes of an applied config tag.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AppliedConfig {
    /// The settings by their names in the tag, with their new values.
    pub applied: BTreeMap<&'static str, SettingValue>,
    /// The settings file with the new values.
    pub file: String,
    /// If the old file was corrupt: one line with its fault and its new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<String>,
}

impl fmt::Display for AppliedConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = self.applied.iter();
        let changes = changes.map(|(name, value)| format!("{name} = {value}"));
        let changes = changes.collect::<Vec<_>>().join(", ");
        write!(f, "applied {changes}; written to {}", self.file)
    }
}

/// A config tag was not applied; no setting has changed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The tag is missing or invalid.
    #[error("{0}; nothing was changed")]
    Tag(String),
    /// The settings have no file.
    #[error("no settings file to change; name one with --settings")]
    NoFile,
    /// The settings file cannot be read or written.
    #[error("{0}; nothing was changed")]
    File(#[from] SettingsError),
}

/// Applies the config tag of `text` that contains the byte `at` or ends right
/// before it to `file`. The settings in `file`, and `own` over them, say which model
/// servers the tag may name. Returns the changes and the new settings. Blocks while it looks for fonts
/// and writes the file.
///
/// # Errors
/// See [`ApplyError`]. The file is then unchanged.
pub fn apply(
    file: &Path,
    own: Option<&ClientSettings>,
    text: &str,
    at: usize,
    resources: EditorResources,
) -> Result<(AppliedConfig, Settings), ApplyError> {
    // The reader of the answer may have another working directory.
    let path = &path::absolute(file).map_err(|error| SettingsError::io(file, &error))?;
    let tags = Tags::parse(text);
    let (tag, config) = config_at(&tags, text, at)?;
    let mut current = file::read_or_default(path)?.of_file(path.to_owned())?;
    if let Some(allows) = own.and_then(ClientSettings::allows_remote_endpoints) {
        current.endpoint.allow_remote_endpoints = allows;
    }
    let allowed = allowed(config, &current.endpoint, resources)?;
    let changes = check(config, &allowed).map_err(|wrong| {
        let wrong = wrong.iter().map(|entry| entry_error(text, tag, entry));
        ApplyError::Tag(wrong.collect::<Vec<_>>().join("; "))
    })?;
    let FileUpdate {
        settings: changed,
        set_aside,
    } = file::change(path, &changes)?;
    let applied = AppliedConfig {
        applied: changes
            .into_iter()
            .map(|change| (change.key.name(), change.value))
            .collect(),
        file: path.to_string_lossy().into_owned(),
        set_aside,
    };
    Ok((applied, changed.of_file(path.to_owned())?))
}

fn config_at<'t>(
    tags: &'t Tags,
    text: &str,
    at: usize,
) -> Result<(&'t Tag, &'t Config), ApplyError> {
    let fault = |place: usize, what: &str| {
        ApplyError::Tag(format!(
            "{}: {what}",
            TextPosition::line_column(text, place)
        ))
    };
    const EXPECTED: &str = r#"expected a config tag such as [[[{fontSize:"14"}]]]"#;
    let Some(tag) = tags.at(at) else {
        return Err(fault(at, &format!("{EXPECTED}, found no tag")));
    };
    let start = tag.range.start;
    let found = match &tag.kind {
        TagKind::Config(config) => return Ok((tag, config)),
        TagKind::Invalid(Fault { message, at, hint }) => {
            return Err(fault(start + at, &format!("{message}; {hint}")));
        }
        TagKind::Fim(_) => "one that asks for text",
        TagKind::Boundary(_) => "one that bounds the context",
        TagKind::Comment(_) => "a comment",
    };
    Err(fault(start, &format!("{EXPECTED}, found {found}")))
}

/// The allowed values for `config`. Looks for fonts and dictionaries on this machine
/// only if the tag sets them and the editor has not sent its own.
fn allowed(
    config: &Config,
    endpoint: &Endpoint,
    resources: EditorResources,
) -> Result<AllowedValues, ApplyError> {
    let sets = |key| config.entries.iter().any(|entry| entry.key == key);
    let of_this_machine = || {
        let mut fonts = system::fonts();
        fonts.extend(TK_FONTS.map(str::to_owned));
        fonts
    };
    let EditorResources {
        fonts,
        spell_languages,
    } = resources;
    Ok(AllowedValues {
        fonts: match fonts {
            None if sets(ConfigKey::Font) => of_this_machine(),
            fonts => fonts.unwrap_or_default(),
        },
        spell_languages: match spell_languages {
            None if sets(ConfigKey::SpellLang) => system::spell_languages(),
            languages => languages.unwrap_or_default(),
        },
        remote_endpoints: endpoint.allow_remote_endpoints,
        key_server: match &endpoint.api_key {
            Some(_) => Some(server_url(&endpoint.url).map_err(ApplyError::Tag)?),
            None => None,
        },
    })
}

fn entry_error(text: &str, tag: &Tag, entry: &EntryError) -> String {
    let place = TextPosition::line_column(text, tag.range.start + entry.at);
    format!("{place}: {entry}")
}
