//! What fimd may take, and the settings file that says so.
//!
//! The defaults stand here; the settings file overrules them, and a flag
//! overrules the file. Settings are resolved once, when the program starts,
//! and passed as values from then on.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use etcetera::base_strategy::Xdg;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml_edit::{Document, Item, TableLike, Value};

use crate::files::WalkOptions;
use crate::model::{Families, Family};
use crate::secrets::InContext;

/// Where the settings file is, below the user's configuration folder.
const FILE: &str = "fimd/settings.toml";

/// Everything that can be set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The section `[limits]`.
    pub limits: Limits,
    /// The model families: fimd's own and those of the sections `[models.NAME]`.
    pub families: Families,
    /// The section `[context]`.
    pub context: ContextSettings,
}

/// What the contexts are like that editors get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContextSettings {
    /// What becomes of secrets in them, unless a client asks otherwise.
    pub secrets: InContext,
}

/// How much of everything there may be. What goes beyond is refused with an
/// answer that names the limit; nothing is cut off in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// PHP files that a project may have; one with more is not opened.
    pub max_files: usize,
    /// Bytes that a file may have; a larger one is left out with a warning.
    pub max_file_bytes: u64,
    /// Bytes of memory that a project may take, by accounting: the texts, the
    /// facts and the index. One that takes more is not opened.
    pub max_project_bytes: u64,
    /// Bytes that a message may have; a larger one is answered with an error
    /// and skipped.
    pub max_message_bytes: usize,
    /// Bytes that an open buffer may have; a larger one is forgotten until the
    /// client gives it as a whole again, and requests for it are refused.
    pub max_buffer_bytes: usize,
    /// Characters that a client may ask for in one context.
    pub max_context_chars: usize,
    /// Clients that a socket serves at a time; the next is answered with an
    /// error and let go.
    pub max_clients: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let walk = WalkOptions::default();
        Self {
            max_files: walk.max_files,
            max_file_bytes: walk.max_file_bytes,
            max_project_bytes: walk.max_project_bytes,
            max_message_bytes: 64 << 20,
            max_buffer_bytes: 16 << 20,
            max_context_chars: 1 << 20,
            max_clients: 512,
        }
    }
}

impl Limits {
    /// What the settings file calls them.
    const KEYS: [&str; 7] = [
        "max_files",
        "max_file_bytes",
        "max_project_bytes",
        "max_message_bytes",
        "max_buffer_bytes",
        "max_context_chars",
        "max_clients",
    ];

    /// Sets one of them, if there is one of that name: whether there is.
    fn set(&mut self, key: &str, limit: usize) -> bool {
        match key {
            "max_files" => self.max_files = limit,
            "max_file_bytes" => self.max_file_bytes = limit as u64,
            "max_project_bytes" => self.max_project_bytes = limit as u64,
            "max_message_bytes" => self.max_message_bytes = limit,
            "max_buffer_bytes" => self.max_buffer_bytes = limit,
            "max_context_chars" => self.max_context_chars = limit,
            "max_clients" => self.max_clients = limit,
            _ => return false,
        }
        true
    }

    /// How files are found within them.
    #[must_use]
    pub fn walk(&self) -> WalkOptions {
        WalkOptions {
            max_files: self.max_files,
            max_file_bytes: self.max_file_bytes,
            max_project_bytes: self.max_project_bytes,
        }
    }
}

/// The settings file cannot be used: names the file, the line, the key and
/// what was expected there.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

impl Settings {
    /// The settings that `file` makes of the defaults; without one, the user's
    /// own `fimd/settings.toml` in `$XDG_CONFIG_HOME` (`~/.config`), which need
    /// not exist.
    ///
    /// # Errors
    /// If the file cannot be read, is not TOML, or has a key that means nothing
    /// or a value that makes no sense.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let path = match file {
            Some(path) => path.to_owned(),
            None => own_file()?,
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && file.is_none() => {
                return Ok(Self::default());
            }
            Err(error) => return Err(SettingsError(format!("{}: {error}", path.display()))),
        };
        Self::read(&text).map_err(|Wrong { at, what }| {
            let line = 1 + text[..at].matches('\n').count();
            SettingsError(format!("{}:{line}: {what}", path.display()))
        })
    }

    fn read(text: &str) -> Result<Self, Wrong> {
        let document = Document::parse(text).map_err(|error| {
            let message = error.message().replace('\n', "; ");
            Wrong::new(error.span(), format!("not TOML: {message}"))
        })?;
        let mut settings = Self::default();
        for (key, item) in document.iter() {
            let at = place(document.as_table(), key, item);
            if !["limits", "context", "models"].contains(&key) {
                let what = format!("{key}: unknown; expected [limits], [context] or [models.NAME]");
                return Err(Wrong::new(at, what));
            }
            let Some(section) = item.as_table_like() else {
                let found = item.type_name();
                let what = format!("{key}: expected a section, found {found}");
                return Err(Wrong::new(at, what));
            };
            match key {
                "limits" => settings.limits = read_limits(section)?,
                "context" => settings.context = read_context(section)?,
                _ => read_families(section, &mut settings.families)?,
            }
        }
        Ok(settings)
    }
}

fn own_file() -> Result<PathBuf, SettingsError> {
    let folders = Xdg::new().map_err(|error| {
        SettingsError(format!(
            "no folder for settings: {error}; name a file with --settings"
        ))
    })?;
    Ok(folders.config_dir().join(FILE))
}

fn read_limits(table: &dyn TableLike) -> Result<Limits, Wrong> {
    let mut limits = Limits::default();
    for (key, item) in table.iter() {
        let at = place(table, key, item);
        let number = item.as_integer().and_then(|number| number.try_into().ok());
        let Some(limit) = number.filter(|&number| number > 0) else {
            let found = match item.as_value() {
                Some(Value::Integer(number)) => number.value().to_string(),
                _ => item.type_name().to_owned(),
            };
            let what = format!("limits.{key}: expected an integer of 1 or more, found {found}");
            return Err(Wrong::new(at, what));
        };
        if !limits.set(key, limit) {
            let known = Limits::KEYS.join(", ");
            let what = format!("limits.{key}: unknown; expected one of {known}");
            return Err(Wrong::new(at, what));
        }
    }
    Ok(limits)
}

/// Adds the families that `table` describes, by their names.
fn read_families(table: &dyn TableLike, families: &mut Families) -> Result<(), Wrong> {
    for (name, item) in table.iter() {
        let at = place(table, name, item);
        let value = item.clone().into_value().map_err(|item| {
            let found = item.type_name();
            let what = format!("models.{name}: expected a section, found {found}");
            Wrong::new(at.clone(), what)
        })?;
        let family = Family::deserialize(value.into_deserializer()).map_err(|error| {
            let span = error.span().or_else(|| at.clone());
            let message = error.message().replace('\n', "; ");
            Wrong::new(span, format!("models.{name}: {message}"))
        })?;
        let family = Family {
            name: name.to_owned(),
            ..family
        };
        families
            .add(family)
            .map_err(|error| Wrong::new(at, format!("models.{name}: {error}")))?;
    }
    Ok(())
}

fn read_context(table: &dyn TableLike) -> Result<ContextSettings, Wrong> {
    let mut context = ContextSettings::default();
    for (key, item) in table.iter() {
        let at = place(table, key, item);
        if key != "secrets" {
            let what = format!("context.{key}: unknown; expected secrets");
            return Err(Wrong::new(at, what));
        }
        context.secrets = match item.as_str() {
            Some("redact") => InContext::Redact,
            Some("keep") => InContext::Keep,
            found => {
                let found = found.map_or(item.type_name().to_owned(), |text| format!("{text:?}"));
                let what =
                    format!(r#"context.secrets: expected "redact" or "keep", found {found}"#);
                return Err(Wrong::new(at, what));
            }
        };
    }
    Ok(context)
}

/// What is wrong with a settings file.
struct Wrong {
    /// The byte where it stands.
    at: usize,
    what: String,
}

impl Wrong {
    fn new(at: Option<Range<usize>>, what: String) -> Self {
        let at = at.map_or(0, |span| span.start);
        Self { at, what }
    }
}

/// Where the key stands, or, if that is not known, its value.
fn place(table: &dyn TableLike, key: &str, item: &Item) -> Option<Range<usize>> {
    let key = table.key(key).and_then(|key| key.span());
    key.or_else(|| item.span())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.toml");
        fs::write(&file, text).unwrap();
        Settings::load(Some(&file)).map_err(|error| {
            let folder = format!("{}/", folder.path().display());
            error.to_string().replace(&folder, "")
        })
    }

    #[test]
    fn what_is_not_set_keeps_its_default() {
        assert_eq!(load(""), Ok(Settings::default()));
        for text in [
            "# mine\n[limits]\nmax_files = 5 # few\nmax_clients = 1_0\n",
            "limits = { max_files = 5, max_clients = 10 }",
            "limits.max_files = 5\nlimits.max_clients = 10",
        ] {
            let limits = load(text).unwrap().limits;
            let expected = Limits {
                max_files: 5,
                max_clients: 10,
                ..Limits::default()
            };
            assert_eq!(limits, expected, "{text}");
        }
    }

    #[test]
    fn families_of_ones_own_are_added() {
        let text = "[models.own]\nprefix = '<P>'\nsuffix = '<S>'\nmiddle = '<M>'\nend = '<E>'\n\
                    [models.own.repo]\nfile = '{path}: {code}'\n";
        let families = load(text).unwrap().families;
        let own = families.get("own").unwrap();
        assert_eq!(
            own.markers().collect::<Vec<_>>(),
            ["<P>", "<S>", "<M>", "<E>"]
        );
        assert!(own.mixes_formats());
        assert_eq!(own.repo.as_ref().unwrap().file, "{path}: {code}");
        for (wrong, said) in [
            (text.replace("end = '<E>'", ""), "s.toml:1: models.own: "),
            (
                text.replace("'<M>'", "''"),
                "s.toml:1: models.own: middle: ",
            ),
            (text.replace("'<S>'", "5"), "s.toml:3: models.own: "),
            (text.replace("suffix", "sufix"), "s.toml:3: models.own: "),
            ("[models]\nown = 1".into(), "s.toml:2: models.own: "),
            ("models = 1".into(), "s.toml:1: models: expected a section"),
        ] {
            let error = load(&wrong).unwrap_err();
            assert!(error.starts_with(said), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn secrets_can_be_kept() {
        let secrets = |text| load(text).unwrap().context.secrets;
        assert_eq!(secrets("[limits]\nmax_files = 5"), InContext::Redact);
        assert_eq!(secrets("[context]\nsecrets = 'redact'"), InContext::Redact);
        assert_eq!(secrets("context.secrets = 'keep'"), InContext::Keep);
    }

    #[test]
    fn every_key_sets_a_limit_of_its_own() {
        for (number, key) in Limits::KEYS.iter().enumerate() {
            let text = format!("[limits]\n{key} = {}\n", number + 1);
            let set = format!("{:?}", load(&text).unwrap().limits);
            assert!(set.contains(&format!(" {key}: {}", number + 1)), "{set}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, said) in [
            ("a", "s.toml:1: not TOML: "),
            ("\n\n[limits]\nmax_files = \n", "s.toml:4: not TOML: "),
            (
                "\n[limit]\nmax_files = 1",
                "s.toml:2: limit: unknown; expected [limits], [context] or [models.NAME]",
            ),
            ("limits = 5", "s.toml:1: limits: expected a section, found "),
            (
                "[context]\nsecret = \"keep\"",
                "s.toml:2: context.secret: unknown; expected secrets",
            ),
            (
                "[context]\nsecrets = \"drop\"",
                "s.toml:2: context.secrets: expected \"redact\" or \"keep\", found \"drop\"",
            ),
            (
                "[context]\nsecrets = false",
                "s.toml:2: context.secrets: expected \"redact\" or \"keep\", found boolean",
            ),
            (
                "[limits]\n\nmax_flies = 1",
                "s.toml:3: limits.max_flies: unknown; expected one of max_files, ",
            ),
            (
                "[limits]\nmax_files = \"5\"",
                "s.toml:2: limits.max_files: expected an integer of 1 or more, found string",
            ),
            (
                "[limits]\nmax_clients = 0",
                "s.toml:2: limits.max_clients: expected an integer of 1 or more, found 0",
            ),
            (
                "[limits]\nmax_clients = -3",
                "s.toml:2: limits.max_clients: expected an integer of 1 or more, found -3",
            ),
        ] {
            let error = load(text).unwrap_err();
            assert!(error.starts_with(said), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn a_file_that_is_named_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("missing.toml");
        let error = Settings::load(Some(&file)).unwrap_err().to_string();
        assert!(error.contains("missing.toml: No such file"), "{error}");
    }
}
