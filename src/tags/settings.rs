//! What the settings of a config tag may be, and whether they are that.
//!
//! Pure: what a machine has, its fonts and dictionaries, is given.

use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::Serialize;
use url::{Host, Url};

use super::colours;
use super::config::{Config, ConfigEntry, ConfigKey};

/// Temperatures.
pub const TEMPERATURE: RangeInclusive<f64> = 0.0..=2.0;
/// Shares of the probability that a model may choose from.
pub const TOP_P: RangeInclusive<f64> = 0.0..=1.0;
/// Sizes of a font, in points.
pub const FONT_SIZE: RangeInclusive<u8> = 6..=72;
/// Paddings, in pixels.
pub const PADDING: RangeInclusive<u8> = 0..=200;
/// Speeds of scrolling.
pub const SCROLL_SPEED: RangeInclusive<u8> = 1..=10;

/// The fonts that Tk has on every machine: its named ones, and the three
/// families that it finds a stand-in for.
pub const TK_FONTS: [&str; 12] = [
    "TkDefaultFont",
    "TkTextFont",
    "TkFixedFont",
    "TkMenuFont",
    "TkHeadingFont",
    "TkCaptionFont",
    "TkSmallCaptionFont",
    "TkIconFont",
    "TkTooltipFont",
    "Courier",
    "Helvetica",
    "Times",
];

/// What a tag's settings are held against beside themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedValues {
    /// The fonts that there are where the editor is.
    pub fonts: Vec<String>,
    /// The languages whose spelling can be checked there.
    pub spell_languages: Vec<String>,
    /// Whether the model server may be on another machine.
    pub remote_endpoints: RemoteEndpoints,
}

/// Which model servers on other machines a tag may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RemoteEndpoints {
    /// None.
    #[default]
    None,
    /// Only the one at this URL, for which the settings have a key: another one
    /// would be sent it.
    Only(Url),
    /// All.
    Any,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SettingValue {
    /// Any text, a name in the spelling of the machine that has it.
    Text(String),
    /// A number.
    Number(f64),
    /// A whole number.
    Integer(u8),
}

/// A setting that a tag changes, and to what.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingChange {
    /// Which.
    pub key: ConfigKey,
    /// Its new value.
    pub value: SettingValue,
}

/// An entry of a tag that cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", key.name())]
pub struct EntryError {
    /// Which.
    pub key: ConfigKey,
    /// Where its value stands, in bytes from the tag's start.
    pub at: usize,
    /// What was expected and what was found, in one line.
    pub what: String,
}

/// What `config` changes.
///
/// # Errors
/// Every entry that is wrong. One is enough for none to be applied.
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

/// The entries of `config` that are wrong wherever it is applied. Which fonts
/// and dictionaries there are, and which servers may be named, differs.
#[must_use]
pub fn wrong_everywhere(config: &Config) -> Vec<EntryError> {
    let anywhere = AllowedValues {
        remote_endpoints: RemoteEndpoints::Any,
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

/// What the entry's text means, else what is wrong with it.
fn value(entry: &ConfigEntry, allowed: &AllowedValues) -> Result<SettingValue, String> {
    let text = entry.value.trim();
    match entry.key {
        ConfigKey::Endpoint => endpoint(text, &allowed.remote_endpoints).map(SettingValue::Text),
        ConfigKey::Temperature => number(text, &TEMPERATURE).map(SettingValue::Number),
        ConfigKey::TopP => number(text, &TOP_P).map(SettingValue::Number),
        // White space is part of some, and empty ones are none.
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

/// A colour as Tk writes it.
///
/// # Errors
/// What would be one, and what was found.
pub fn colour(text: &str) -> Result<String, String> {
    if colours::is_colour(text) {
        return Ok(text.to_owned());
    }
    let near = nearest(text, colours::names());
    Err(format!(
        "expected #rgb, #rrggbb, #rrrgggbbb, #rrrrggggbbbb or a colour that Tk knows by name, \
         found {text:?}{near}"
    ))
}

/// The one of `known` that `text` names, whatever the case.
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

/// What of `known` looks like `text`, as the end of an error message.
fn nearest(text: &str, known: impl Iterator<Item = String>) -> String {
    /// How alike they must be, from 0 to 1.
    const ALIKE: f64 = 0.65;
    let text = text.to_lowercase();
    let alike = |name: &str| strsim::normalized_damerau_levenshtein(&text, &name.to_lowercase());
    let alike = known.map(|name| (alike(&name), name));
    // Of several that are equally alike the first by name.
    let best = alike.max_by(|(a, x), (b, y)| a.total_cmp(b).then_with(|| y.cmp(x)));
    match best {
        Some((alike, name)) if alike >= ALIKE => format!("; did you mean {name:?}?"),
        _ => String::new(),
    }
}

/// The URL of a model server that a tag may name.
fn endpoint(text: &str, remote: &RemoteEndpoints) -> Result<String, String> {
    let url = server_url(text)?;
    let host = url.host_str().unwrap_or_default();
    match remote {
        _ if is_local(&url) => {}
        RemoteEndpoints::Any => {}
        RemoteEndpoints::Only(known) if known.origin() == url.origin() => {}
        RemoteEndpoints::Only(known) => {
            return Err(format!(
                "{host} would be sent the key that is meant for {}; to change both, edit the \
                 settings file",
                known.host_str().unwrap_or_default()
            ));
        }
        RemoteEndpoints::None => {
            return Err(format!(
                "{host} is not this machine; a tag may name another one only with \
                 allow_remote_endpoints = true under [endpoint] in the settings file"
            ));
        }
    }
    Ok(text.to_owned())
}

/// A URL that a model server can be at.
///
/// # Errors
/// What it would have to be, and what it is instead.
pub fn server_url(text: &str) -> Result<Url, String> {
    let expected = "expected http://HOST or https://HOST";
    let url = Url::parse(text).map_err(|error| format!("{expected}: {error}"))?;
    // It would be sent and logged with the URL, so it is not repeated here.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "{expected} without a user and a password; a key goes into api_key under [endpoint] \
             in the settings file"
        ));
    }
    if !["http", "https"].contains(&url.scheme()) || url.host().is_none() {
        return Err(format!("{expected}, found {text:?}"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{expected} without ? and #, found {text:?}"));
    }
    Ok(url)
}

/// Whether the server at `url` is on this machine, as far as the name tells.
#[must_use]
pub fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
