//! Applying a config tag: all of it, or nothing.

use std::collections::BTreeMap;
use std::path::{self, Path};

use serde::Serialize;

use super::file::{self, Changed};
use super::{Endpoint, Settings, SettingsError};
use crate::system;
use crate::tags::server_url::server_url;
use crate::tags::settings::{AllowedValues, EntryError, RemoteEndpoints, SettingValue, check};
use crate::tags::tk::TK_FONTS;
use crate::tags::{Config, ConfigKey, Fault, Tag, TagKind, Tags};
use crate::text::TextPosition;

/// What an editor has, where it is not on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditorResources {
    /// The families of its fonts; without them those of this machine and Tk's.
    pub fonts: Option<Vec<String>>,
    /// The languages whose spelling it can check; without them those that this
    /// machine has a dictionary for.
    pub spell_languages: Option<Vec<String>>,
}

/// What a tag has changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AppliedConfig {
    /// The settings of the tag by their names in it, with their new values.
    pub applied: BTreeMap<&'static str, SettingValue>,
    /// The settings file in which they stand now.
    pub file: String,
    /// The file that was in its place and was none: one line that says what
    /// was wrong with it and where it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_aside: Option<String>,
}

/// Why no setting was changed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The document does not say what to change.
    #[error("{0}; nothing was changed")]
    Tag(String),
    /// The settings are of no file.
    #[error("no settings file to change; name one with --settings")]
    NoFile,
    /// The settings file cannot take it.
    #[error("{0}; nothing was changed")]
    File(#[from] SettingsError),
}

/// Applies the config tag of `text` that contains the byte `at` or ends right
/// before it, as far as the settings in `file` allow it. Gives what was changed
/// and what that file says now. Blocks while the fonts are looked for and the
/// file is written.
///
/// # Errors
/// See [`ApplyError`]. The file is then as it was.
pub fn apply(
    file: &Path,
    text: &str,
    at: usize,
    offered: EditorResources,
) -> Result<(AppliedConfig, Settings), ApplyError> {
    // Relative to where whoever reads the answer is, it would be another.
    let path = &path::absolute(file).map_err(|error| SettingsError::io(file, &error))?;
    let tags = Tags::parse(text);
    let (tag, config) = config_at(&tags, text, at)?;
    let now = file::now(path)?.of_file(path.to_owned())?;
    let allowed = allowed(config, &now.endpoint, offered)?;
    let changes = check(config, &allowed).map_err(|wrong| {
        let wrong = wrong.iter().map(|entry| faulty_entry(text, tag, entry));
        ApplyError::Tag(wrong.collect::<Vec<_>>().join("; "))
    })?;
    let Changed {
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

/// Looks on this machine only for what the tag names and the client does not
/// bring.
fn allowed(
    config: &Config,
    endpoint: &Endpoint,
    offered: EditorResources,
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
    } = offered;
    Ok(AllowedValues {
        fonts: match fonts {
            None if sets(ConfigKey::Font) => of_this_machine(),
            fonts => fonts.unwrap_or_default(),
        },
        spell_languages: match spell_languages {
            None if sets(ConfigKey::SpellLang) => system::spell_languages(),
            languages => languages.unwrap_or_default(),
        },
        remote_endpoints: match &endpoint.api_key {
            _ if !endpoint.allow_remote_endpoints => RemoteEndpoints::None,
            Some(_) => RemoteEndpoints::Only(server_url(&endpoint.url).map_err(ApplyError::Tag)?),
            None => RemoteEndpoints::Any,
        },
    })
}

fn faulty_entry(text: &str, tag: &Tag, entry: &EntryError) -> String {
    let place = TextPosition::line_column(text, tag.range.start + entry.at);
    format!("{place}: {entry}")
}
