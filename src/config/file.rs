//! The settings file on the disk: reads it, and changes it without losing anything.
//!
//! A writer locks the folder of the file from reading to renaming. So processes that
//! write at the same time see each other's changes, and no lock file is left behind.
//! A writer syncs the new text to the disk in a temporary file, then renames it. So
//! a reader, or a crash at any time, finds either the old text or the new one.

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

/// The longest chain of links to the file.
const MAX_LINKS: usize = 40;

/// The suffix of a corrupt file that was renamed; a number follows.
const ASIDE: &str = ".corrupt-";

/// The content of a settings file.
enum FileContent {
    /// TOML; empty if the file does not exist.
    Text(String),
    /// Something other than TOML, with the reason.
    Corrupt(SettingsError),
}

/// The content of the file at `path`.
fn content(path: &Path) -> Result<FileContent, SettingsError> {
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
            return Ok(FileContent::Corrupt(SettingsError(what)));
        }
    };
    Ok(match parse(&text) {
        Ok(_) => FileContent::Text(text),
        Err(fault) => FileContent::Corrupt(fault.in_file(path, &text)),
    })
}

/// The settings of the file at `path`; the defaults if it is missing or corrupt.
pub(super) fn read_or_default(path: &Path) -> Result<Settings, SettingsError> {
    match content(path)? {
        FileContent::Text(text) => read(&text).map_err(|fault| fault.in_file(path, &text)),
        FileContent::Corrupt(_) => Ok(Settings::default()),
    }
}

/// Renames the file at `path` if it is not TOML. Returns one line with its fault and
/// its new name.
pub(super) fn set_aside_if_corrupt(path: &Path) -> Result<Option<String>, SettingsError> {
    remove_leftover(path);
    if let FileContent::Text(_) = content(path)? {
        return Ok(None);
    }
    let path = target(path)?;
    let _lock = lock(&path)?;
    match content(&path)? {
        FileContent::Text(_) => Ok(None),
        FileContent::Corrupt(error) => set_aside(&path, &error).map(Some),
    }
}

/// The result of changing a settings file.
pub(super) struct FileUpdate {
    /// The new settings.
    pub(super) settings: Settings,
    /// If the old file was corrupt: one line with its fault and its new name.
    pub(super) set_aside: Option<String>,
}

/// Writes `changes` to the file at `path`, which need not exist. Keeps comments,
/// order and everything else as they are.
pub(super) fn change(path: &Path, changes: &[SettingChange]) -> Result<FileUpdate, SettingsError> {
    let path = &target(path)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| SettingsError::io(folder, &error))?;
    }
    let _lock = lock(path)?;
    let (text, set_aside) = match content(path)? {
        FileContent::Text(text) => (text, None),
        FileContent::Corrupt(error) => (String::new(), Some(set_aside(path, &error)?)),
    };
    // A fault of the old file is reported as such, not as one of the changes.
    read(&text).map_err(|fault| fault.in_file(path, &text))?;
    let changed = edited(&text, changes)
        .map_err(|what| SettingsError(format!("{}: {what}", path.display())))?;
    let settings = read(&changed).map_err(|fault| fault.in_file(path, &changed))?;
    if changed != text {
        write(path, &changed).map_err(|error| SettingsError::io(path, &error))?;
    }
    Ok(FileUpdate {
        settings,
        set_aside,
    })
}

/// `text` with `changes`.
fn edited(text: &str, changes: &[SettingChange]) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error| format!("not TOML: {error}"))?;
    for SettingChange { key, value } in changes {
        let (section, key) = toml_path(*key);
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
                // Keeps the comment behind the value.
                *value.decor_mut() = old.decor().clone();
                *old = value;
            }
            _ => drop(table.insert(key, Item::Value(value))),
        }
    }
    Ok(document.to_string())
}

/// Adds an empty section at the end, behind a trailing comment.
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

/// The section and the key in the settings file for a key of config tags.
fn toml_path(key: ConfigKey) -> (&'static str, &'static str) {
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

/// The file that `path` leads to, which need not exist. Renaming over a link would
/// replace the link instead of the file.
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

/// Locks the folder of `path` against other writers, until the result is dropped.
fn lock(path: &Path) -> Result<File, SettingsError> {
    let folder = folder(path);
    let lock = || {
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok(folder)
    };
    lock().map_err(|error| SettingsError::io(folder, &error))
}

/// `path` with `ending` appended.
fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

/// Renames a corrupt file, with the fault `error`, to the first unused name. Must be
/// called with the lock held.
fn set_aside(path: &Path, error: &SettingsError) -> Result<String, SettingsError> {
    let mut names = (1..).map(|number: u32| with_ending(path, &format!("{ASIDE}{number}")));
    let free = names.find(|name| fs::symlink_metadata(name).is_err());
    let free = free.unwrap_or_else(|| with_ending(path, ".corrupt"));
    fs::rename(path, &free)
        .map_err(|reason| SettingsError(format!("{error}; it cannot be set aside: {reason}")))?;
    Ok(format!("{error}; set aside as {}", free.display()))
}

/// The files to which [`set_aside`] has renamed the file at `path`.
pub(super) fn all_set_aside(path: &Path) -> Vec<PathBuf> {
    // The file and its folder may be missing.
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

/// The ending of the file that is to replace the settings file.
const NEW: &str = ".new";

/// Removes the unfinished file that a killed writer of the file at `path` has left. Only
/// logs an error, since the settings can be read all the same.
fn remove_leftover(path: &Path) {
    let Ok(path) = target(path) else { return };
    let new = with_ending(&path, NEW);
    if fs::symlink_metadata(&new).is_err() {
        return;
    }
    // No writer is at work while the lock is held; one that is needs no help.
    let lock = File::open(folder(&path));
    let removed = lock.and_then(|lock| match lock.try_lock() {
        Ok(()) => fs::remove_file(&new),
        Err(_) => Ok(()),
    });
    if let Err(error) = removed {
        tracing::warn!("{}: left by a killed process: {error}", new.display());
    }
}

/// Replaces the file by one with `text`. Must be called with the lock held. The
/// temporary file has a fixed name, so the next writer, or the next server that starts,
/// removes the one of a writer that has crashed.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = with_ending(path, NEW);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write_new(path, &new, text);
    if written.is_err() {
        // The disk may be full. The error of writing says more than one of this.
        drop(fs::remove_file(&new));
    }
    written?;
    File::open(folder(path))?.sync_all()
}

/// Writes `text` to the file `new`, which must not exist, and moves it to `path`.
fn write_new(path: &Path, new: &Path, text: &str) -> io::Result<()> {
    // The file may hold an API key.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(new)?;
    if let Ok(old) = fs::metadata(path) {
        file.set_permissions(fs::Permissions::from_mode(old.permissions().mode()))?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)
}

#[cfg(test)]
mod tests;
