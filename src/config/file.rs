//! The settings file on the disk: reading it, and changing it so that nothing
//! is lost.
//!
//! Whoever writes holds a lock on the file's folder from reading to renaming:
//! of several processes that write at once, each goes on from what the one
//! before has written, and no file is left that only says that it is locked.
//! What is written replaces the file as a whole, once it is on the disk: who
//! reads, or dies, at any time finds the old text or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, Value as Toml};

use super::Settings;
use super::error::SettingsError;
use super::read::{parse, read};
use crate::tags::ConfigKey;
use crate::tags::settings::{SettingChange, SettingValue};

/// How many links may lead to the file, one to the next.
const MAX_LINKS: usize = 40;

/// What the name of a file that was set aside has behind it, before a number.
const ASIDE: &str = ".corrupt-";

/// What can be in the place of a settings file.
enum Found {
    /// Text that is TOML, or nothing, which is too.
    Text(String),
    /// Something that is no settings file and cannot be changed into one: why.
    Corrupt(SettingsError),
}

/// What is at `path`; a file that is missing has no text.
fn look(path: &Path) -> Result<Found, SettingsError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(SettingsError::io(path, &error)),
    };
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = 1 + memchr::memchr_iter(b'\n', &error.as_bytes()[..at]).count();
            let what = format!("{}:{line}: not TOML: not UTF-8", path.display());
            return Ok(Found::Corrupt(SettingsError(what)));
        }
    };
    Ok(match parse(&text) {
        Ok(_) => Found::Text(text),
        Err(fault) => Found::Corrupt(fault.in_file(path, &text)),
    })
}

/// What the file at `path` says; nothing if it is missing or corrupt.
pub(super) fn now(path: &Path) -> Result<Settings, SettingsError> {
    match look(path)? {
        Found::Text(text) => read(&text).map_err(|fault| fault.in_file(path, &text)),
        Found::Corrupt(_) => Ok(Settings::default()),
    }
}

/// Moves the file at `path` out of the way if it is no TOML. Gives one line
/// that says what was wrong and where it is now.
pub(super) fn set_aside_if_corrupt(path: &Path) -> Result<Option<String>, SettingsError> {
    if let Found::Text(_) = look(path)? {
        return Ok(None);
    }
    let path = target(path)?;
    let _lock = lock(&path)?;
    match look(&path)? {
        Found::Text(_) => Ok(None),
        Found::Corrupt(error) => set_aside(&path, &error).map(Some),
    }
}

/// What has become of a settings file.
pub(super) struct Changed {
    /// What it says now.
    pub(super) settings: Settings,
    /// What was in its way: one line.
    pub(super) set_aside: Option<String>,
}

/// Writes `changes` into the file at `path`, which need not exist. Comments,
/// order and all else stay as they are.
pub(super) fn change(path: &Path, changes: &[SettingChange]) -> Result<Changed, SettingsError> {
    let path = &target(path)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| SettingsError::io(folder, &error))?;
    }
    let _lock = lock(path)?;
    let (text, set_aside) = match look(path)? {
        Found::Text(text) => (text, None),
        Found::Corrupt(error) => (String::new(), Some(set_aside(path, &error)?)),
    };
    // What is wrong with the file now is no fault of the changes.
    read(&text).map_err(|fault| fault.in_file(path, &text))?;
    let changed = edited(&text, changes)
        .map_err(|what| SettingsError(format!("{}: {what}", path.display())))?;
    let settings = read(&changed).map_err(|fault| fault.in_file(path, &changed))?;
    if changed != text {
        write(path, &changed).map_err(|error| SettingsError::io(path, &error))?;
    }
    Ok(Changed {
        settings,
        set_aside,
    })
}

/// The text with `changes` made.
fn edited(text: &str, changes: &[SettingChange]) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error| format!("not TOML: {error}"))?;
    for SettingChange { key, value } in changes {
        let (section, key) = place(*key);
        if !document.contains_key(section) {
            add_section(&mut document, section);
        }
        let table = document.get_mut(section);
        let table = table
            .and_then(Item::as_table_like_mut)
            .ok_or_else(|| format!("{section}: expected a section"))?;
        let mut value = match value {
            SettingValue::Text(text) => Toml::from(text.as_str()),
            SettingValue::Number(number) => Toml::from(*number),
            SettingValue::Integer(number) => Toml::from(i64::from(*number)),
        };
        match table.get_mut(key) {
            Some(Item::Value(old)) => {
                // The remark behind it.
                *value.decor_mut() = old.decor().clone();
                *old = value;
            }
            _ => drop(table.insert(key, Item::Value(value))),
        }
    }
    Ok(document.to_string())
}

/// Adds an empty section behind everything, a remark at the end included.
fn add_section(document: &mut DocumentMut, name: &str) {
    let remark = document.trailing().as_str().unwrap_or_default();
    let before = match (document.is_empty(), remark) {
        (true, "") => String::new(),
        _ => format!("{remark}\n"),
    };
    document.set_trailing("");
    let mut table = Table::new();
    table.decor_mut().set_prefix(before);
    document.insert(name, Item::Table(table));
}

/// The section and the key in the settings file of a setting in a tag.
fn place(key: ConfigKey) -> (&'static str, &'static str) {
    match key {
        ConfigKey::Endpoint => ("endpoint", "url"),
        ConfigKey::Temperature => ("endpoint", "temperature"),
        ConfigKey::TopP => ("endpoint", "top_p"),
        ConfigKey::FimPrefix => ("endpoint", "fim_prefix"),
        ConfigKey::FimSuffix => ("endpoint", "fim_suffix"),
        ConfigKey::FimMiddle => ("endpoint", "fim_middle"),
        ConfigKey::Font => ("editor", "font"),
        ConfigKey::FontSize => ("editor", "font_size"),
        ConfigKey::EditorPadding => ("editor", "editor_padding"),
        ConfigKey::LineNumberPadding => ("editor", "line_number_padding"),
        ConfigKey::FgColor => ("editor", "fg_color"),
        ConfigKey::BgColor => ("editor", "bg_color"),
        ConfigKey::CaretColor => ("editor", "caret_color"),
        ConfigKey::SelectionColor => ("editor", "selection_color"),
        ConfigKey::ScrollSpeed => ("editor", "scroll_speed"),
        ConfigKey::SpellLang => ("editor", "spell_lang"),
    }
}

/// The file that `path` leads to, which need not exist: to rename over a link
/// would leave what it leads to as it was.
fn target(path: &Path) -> Result<PathBuf, SettingsError> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(next) = fs::read_link(&path) else {
            return Ok(path);
        };
        path = folder(&path).join(next);
    }
    let what = format!("{}: too many links, one to the next", path.display());
    Err(SettingsError(what))
}

fn folder(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    parent.unwrap_or(Path::new("."))
}

/// Keeps others from writing files in the folder of `path` for as long as the
/// result lives.
fn lock(path: &Path) -> Result<File, SettingsError> {
    let folder = folder(path);
    let lock = || {
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok(folder)
    };
    lock().map_err(|error| SettingsError::io(folder, &error))
}

/// The path with `ending` behind the name.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// Renames a file that is corrupt, for which `error` is the reason, to the
/// first name that is free. To be called with the lock held.
fn set_aside(path: &Path, error: &SettingsError) -> Result<String, SettingsError> {
    let mut names = (1..).map(|number: u32| with_ending(path, &format!("{ASIDE}{number}")));
    let free = names.find(|name| fs::symlink_metadata(name).is_err());
    let free = free.unwrap_or_else(|| with_ending(path, ".corrupt"));
    fs::rename(path, &free)
        .map_err(|reason| SettingsError(format!("{error}; it cannot be set aside: {reason}")))?;
    Ok(format!("{error}; set aside as {}", free.display()))
}

/// The files that [`set_aside`] has made of the one at `path`.
pub(super) fn all_set_aside(path: &Path) -> Vec<PathBuf> {
    // It may be missing, and its folder too.
    let path = target(path).unwrap_or_else(|_| path.to_owned());
    let start = with_ending(&path, ASIDE).into_os_string();
    let entries = fs::read_dir(folder(&path)).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let is_aside = |path: &PathBuf| {
        let path = path.as_os_str().as_encoded_bytes();
        path.starts_with(start.as_encoded_bytes())
    };
    let mut aside: Vec<_> = paths.filter(is_aside).collect();
    aside.sort();
    aside
}

/// Puts `text` in the place of the file. To be called with the lock held: the
/// new file has one name, so that one whose writer died is found by the next.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = with_ending(path, ".new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // It may hold a key.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    if let Ok(old) = fs::metadata(path) {
        file.set_permissions(fs::Permissions::from_mode(old.permissions().mode()))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(folder(path))?.sync_all()
}

#[cfg(test)]
mod tests;
