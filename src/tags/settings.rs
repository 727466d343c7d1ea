//! Checks the entries of a config tag. The caller passes the fonts and the
//! dictionaries of the machine.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::Serialize;
use url::Url;

use super::config::{Config, ConfigEntry, ConfigKey};
use super::ranges::{FONT_SIZE, PADDING, SCROLL_SPEED, TEMPERATURE, TOP_P};
use super::server_url::{is_local, server_url};
use super::tk;

/// The values that an editor and the settings allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedValues {
    /// The fonts that the editor has.
    pub fonts: Vec<String>,
    /// The languages whose spelling the editor can check.
    pub spell_languages: Vec<String>,
    /// Whether a tag may name a model server on another machine.
    pub remote_endpoints: bool,
    /// The only model server that a tag may name, if the settings have an API key for
    /// it: no other server must be sent that key, on this machine neither.
    pub key_server: Option<Url>,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SettingValue {
    /// A text. Names of fonts and languages are spelled as on the machine.
    Text(String),
    /// A number.
    Number(f64),
    /// An integer.
    Integer(u8),
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Integer(number) => write!(f, "{number}"),
        }
    }
}

/// A setting with its new value.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingChange {
    /// The setting.
    pub key: ConfigKey,
    /// Its new value.
    pub value: SettingValue,
}

/// An entry of a config tag has an invalid value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", key.name())]
pub struct EntryError {
    /// The setting.
    pub key: ConfigKey,
    /// The position of the value, in bytes from the tag's start.
    pub at: usize,
    /// What was expected and what was found, in one line.
    pub what: String,
}

/// The changes of `config`.
///
/// # Errors
/// All invalid entries. If there is one, nothing is applied.
pub fn check(
    config: &Config,
    allowed: &AllowedValues,
) -> Result<Vec<SettingChange>, Vec<EntryError>> {
    let mut wrong = Vec::new();
    let mut changes = Vec::new();
    for entry in &config.entries {
        match change(entry, allowed) {
            Ok(change) => changes.push(change),
            Err(entry) => wrong.push(entry),
        }
    }
    if wrong.is_empty() {
        Ok(changes)
    } else {
        Err(wrong)
    }
}

/// The entries of `config` that are invalid on every machine. Fonts, languages and
/// remote servers depend on the machine, so they are not checked.
#[must_use]
pub fn wrong_everywhere(config: &Config) -> Vec<EntryError> {
    let anywhere = AllowedValues {
        remote_endpoints: true,
        ..AllowedValues::default()
    };
    let entries = config.entries.iter();
    let entries =
        entries.filter(|entry| !matches!(entry.key, ConfigKey::Font | ConfigKey::SpellLang));
    entries
        .filter_map(|entry| change(entry, &anywhere).err())
        .collect()
}

fn change(entry: &ConfigEntry, allowed: &AllowedValues) -> Result<SettingChange, EntryError> {
    let key = entry.key;
    match value(entry, allowed) {
        Ok(value) => Ok(SettingChange { key, value }),
        Err(what) => Err(EntryError {
            key,
            at: entry.at,
            what,
        }),
    }
}

/// The value of an entry, else the error message.
fn value(entry: &ConfigEntry, allowed: &AllowedValues) -> Result<SettingValue, String> {
    let text = entry.value.trim();
    match entry.key {
        ConfigKey::Endpoint => endpoint(text, allowed).map(SettingValue::Text),
        ConfigKey::Temperature => number(text, &TEMPERATURE).map(SettingValue::Number),
        ConfigKey::TopP => number(text, &TOP_P).map(SettingValue::Number),
        // Some tokens have white space; an empty text means no token.
        ConfigKey::FimPrefix | ConfigKey::FimSuffix | ConfigKey::FimMiddle => {
            Ok(SettingValue::Text(entry.value.clone()))
        }
        ConfigKey::Font => one_of(text, "a font", &allowed.fonts).map(SettingValue::Text),
        ConfigKey::FontSize => integer(text, &FONT_SIZE).map(SettingValue::Integer),
        ConfigKey::EditorPadding | ConfigKey::LineNumberPadding => {
            integer(text, &PADDING).map(SettingValue::Integer)
        }
        ConfigKey::FgColor
        | ConfigKey::BgColor
        | ConfigKey::CaretColor
        | ConfigKey::SelectionColor => colour(text).map(SettingValue::Text),
        ConfigKey::ScrollSpeed => integer(text, &SCROLL_SPEED).map(SettingValue::Integer),
        ConfigKey::SpellLang => {
            let known = &allowed.spell_languages;
            one_of(
                &text.replace('-', "_"),
                "a language with a dictionary",
                known,
            )
            .map(SettingValue::Text)
        }
    }
}

fn number(text: &str, range: &RangeInclusive<f64>) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    let (least, most) = range.clone().into_inner();
    number.ok_or_else(|| format!("expected a number from {least} to {most}, found {text:?}"))
}

fn integer(text: &str, range: &RangeInclusive<u8>) -> Result<u8, String> {
    let number = u8::from_str(text).ok();
    let (least, most) = range.clone().into_inner();
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("expected an integer from {least} to {most}, found {text:?}"))
}

/// `text`, if Tk accepts it as a colour.
///
/// # Errors
/// A message that says what Tk accepts, with the nearest name.
pub fn colour(text: &str) -> Result<String, String> {
    if tk::is_colour(text) {
        return Ok(text.to_owned());
    }
    let near = nearest(text, tk::colour_names());
    Err(format!(
        "expected #rgb, #rrggbb, #rrrgggbbb, #rrrrggggbbbb or a colour that Tk knows by name, \
         found {text:?}{near}"
    ))
}

/// The name in `known` that equals `text`, ignoring case.
fn one_of(text: &str, expected: &str, known: &[String]) -> Result<String, String> {
    let same = |name: &&String| name.to_lowercase() == text.to_lowercase();
    if let Some(name) = known.iter().find(same) {
        return Ok(name.clone());
    }
    let near = match known {
        [] => "; none is installed".to_owned(),
        known => nearest(text, known.iter().cloned()),
    };
    Err(format!(
        "expected {expected} that is installed, found {text:?}{near}"
    ))
}

/// The name in `known` that is most similar to `text`, as the end of a message.
fn nearest(text: &str, known: impl Iterator<Item = String>) -> String {
    /// The least similarity, from 0 to 1.
    const LEAST_SIMILARITY: f64 = 0.65;
    let text = text.to_lowercase();
    let alike = |name: &str| strsim::normalized_damerau_levenshtein(&text, &name.to_lowercase());
    let alike = known.map(|name| (alike(&name), name));
    // Of equally similar names, the first in alphabetical order.
    let best = alike.max_by(|(a, x), (b, y)| a.total_cmp(b).then_with(|| y.cmp(x)));
    match best {
        Some((alike, name)) if alike >= LEAST_SIMILARITY => format!("; did you mean {name:?}?"),
        _ => String::new(),
    }
}

/// `text`, if it is the URL of a model server that a tag may name.
fn endpoint(text: &str, allowed: &AllowedValues) -> Result<String, String> {
    let url = server_url(text)?;
    if !allowed.remote_endpoints && !is_local(&url) {
        return Err(format!(
            "{} is not this machine; a tag may name another one only with \
             allow_remote_endpoints = true under [endpoint] in the settings file",
            url.host_str().unwrap_or_default()
        ));
    }
    match &allowed.key_server {
        Some(known) if known.origin() != url.origin() => Err(format!(
            "{} would be sent the key that is meant for {}; to change both, edit the settings file",
            url.origin().ascii_serialization(),
            known.origin().ascii_serialization()
        )),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests;
