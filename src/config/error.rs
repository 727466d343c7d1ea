//! Faults of a settings file, each with its line, its key, and what was expected
//! there.

use std::fmt::Display;
use std::io;
use std::path::Path;

use toml_edit::{Document, Item, Key, TableLike, TomlError, de};

use super::api_key::without_keys;

/// The settings file cannot be used: names the file, the line, the key and
/// what was expected there.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(pub(super) String);

/// What stands before the errors in the settings of a client.
const CLIENT: &str = "the editor's settings: ";

impl SettingsError {
    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        Self(format!("{}: {error}", path.display()))
    }

    /// An error in the settings of a client.
    pub(super) fn of_client(what: impl Display) -> Self {
        Self(format!("{CLIENT}{what}"))
    }

    /// The message without the words that say that a client has sent the settings.
    pub(super) fn without_client(&self) -> &str {
        self.0.strip_prefix(CLIENT).unwrap_or(&self.0)
    }
}

/// A fault in the text of a settings file.
pub(super) struct SettingFault {
    /// Where it stands, in bytes.
    at: usize,
    what: String,
}

impl SettingFault {
    /// The text is not TOML.
    pub(super) fn syntax(error: &TomlError) -> Self {
        let message = error.message().replace('\n', "; ");
        Self {
            at: error.span().map_or(0, |span| span.start),
            what: format!("not TOML: {message}"),
        }
    }

    /// serde does not accept a key or a value of `document`.
    pub(super) fn data(document: &Document<&str>, error: &de::Error) -> Self {
        let message = error.message().replace('\n', "; ");
        let at = error.span().map_or(0, |span| span.start);
        let Some(entry) = Entry::at(document, at) else {
            return Self { at, what: message };
        };
        let what = entry.explain(&message);
        Self {
            at: entry.start(),
            what: format!("{}: {what}", entry.path.join(".")),
        }
    }

    /// The value of the key at `path` does not go with the rest of `document`.
    pub(super) fn value(document: &Document<&str>, path: &[&str], what: impl Display) -> Self {
        let mut table: &dyn TableLike = document.as_table();
        let mut at = None;
        for name in path {
            at = table.key(name).and_then(Key::span).or(at);
            match table.get(name).and_then(Item::as_table_like) {
                Some(below) => table = below,
                None => break,
            }
        }
        Self {
            at: at.map_or(0, |span| span.start),
            what: format!("{}: {what}", path.join(".")),
        }
    }

    /// The error message for the settings of a client.
    pub(super) fn in_client_settings(self) -> SettingsError {
        SettingsError::of_client(without_keys(&self.what))
    }

    /// The error message for the file at `path`, whose text is `text`.
    pub(super) fn in_file(self, path: &Path, text: &str) -> SettingsError {
        let Self { at, what } = self;
        let line = 1 + text[..at].matches('\n').count();
        let what = without_keys(&what);
        SettingsError(format!("{}:{line}: {what}", path.display()))
    }
}

/// A key of a settings file, with its value.
struct Entry<'d> {
    /// The keys that lead to it, and its own.
    path: Vec<&'d str>,
    key: Option<&'d Key>,
    item: &'d Item,
}

impl<'d> Entry<'d> {
    /// The entry whose key or value stands around the byte `at`; of several, one
    /// inside the other, the innermost.
    fn at(document: &'d Document<&str>, at: usize) -> Option<Self> {
        let mut innermost: Option<(usize, Self)> = None;
        let mut tables: Vec<(Vec<&str>, &dyn TableLike)> = vec![(Vec::new(), document.as_table())];
        while let Some((path, table)) = tables.pop() {
            for (name, item) in table.iter() {
                let path: Vec<_> = path.iter().copied().chain([name]).collect();
                let key = table.key(name);
                let spans = [key.and_then(Key::span), item.span()];
                let around = spans
                    .into_iter()
                    .flatten()
                    .filter(|span| span.contains(&at));
                if let Some(length) = around.map(|span| span.len()).min()
                    && innermost.as_ref().is_none_or(|(other, _)| length < *other)
                {
                    let path = path.clone();
                    innermost = Some((length, Self { path, key, item }));
                }
                if let Some(below) = item.as_table_like() {
                    tables.push((path, below));
                }
            }
        }
        innermost.map(|(_, entry)| entry)
    }

    fn start(&self) -> usize {
        let span = self.key.and_then(Key::span).or_else(|| self.item.span());
        span.map_or(0, |span| span.start)
    }

    /// serde's `message` about the entry, in the words of all messages about
    /// settings: what was expected, and what was found.
    fn explain(&self, message: &str) -> String {
        if message.starts_with("unknown field ") {
            // serde puts the names of the fields into backticks.
            let (_, fields) = message.rsplit_once(", expected ").unwrap_or_default();
            let fields = fields.split('`').skip(1).step_by(2);
            let expected = match self.path.len() {
                1 => sections(fields),
                _ => keys(fields),
            };
            return format!("unknown; expected {expected}");
        }
        let wrong_type = message
            .strip_prefix("invalid type: ")
            .and_then(|message| message.rsplit_once(", expected "));
        match wrong_type {
            Some((_, expected)) => format!("expected {expected}, found {}", self.item.type_name()),
            None => message.to_owned(),
        }
    }
}

/// The names of sections as an error message lists them.
fn sections<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names = names.map(|name| match name {
        "models" => "[models.NAME]".to_owned(),
        name => format!("[{name}]"),
    });
    let names: Vec<_> = names.collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "none".to_owned(),
    }
}

/// The names of keys as an error message lists them.
fn keys<'n>(names: impl Iterator<Item = &'n str>) -> String {
    match &*names.collect::<Vec<_>>() {
        [only] => (*only).to_owned(),
        several => format!("one of {}", several.join(", ")),
    }
}
