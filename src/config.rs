//! What fimd may take, and the settings file that says so.
//!
//! The defaults stand here; the settings file overrules them, and a flag
//! overrules the file. Settings are resolved once, when the program starts,
//! and passed as values from then on.

mod api_key;
mod apply;
mod completion;
mod editor;
mod endpoint;
mod file;
mod limits;
mod section;
mod tags;

use std::env::{self, VarError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use etcetera::base_strategy::Xdg;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml_edit::{Document, TableLike};

pub use self::api_key::ApiKey;
pub use self::apply::{AppliedConfig, ApplyError, EditorResources, apply};
pub use self::completion::CompletionSettings;
pub use self::editor::EditorSettings;
pub use self::endpoint::{Endpoint, EndpointKind};
pub use self::limits::Limits;
pub use self::tags::TagSettings;

use self::section::{Section, Wrong, place};
use crate::model::{Families, Family};
use crate::secrets::InContext;

/// The environment variable with the key for the model server.
const API_KEY: &str = "FIMD_API_KEY";

/// Where the settings file is, below the user's configuration folder.
const FILE: &str = "fimd/settings.toml";

/// Everything that can be set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The section `[limits]`.
    pub limits: Limits,
    /// The model families: fimd's own and those of the sections `[models.NAME]`.
    pub families: Families,
    /// The section `[context]`.
    pub context: ContextSettings,
    /// The section `[endpoint]`.
    pub endpoint: Endpoint,
    /// The section `[completion]`.
    pub completion: CompletionSettings,
    /// The section `[tags]`.
    pub tags: TagSettings,
    /// The section `[editor]`.
    pub editor: EditorSettings,
    /// The file that says so, or would: where changes go. Settings of no file
    /// cannot be changed.
    pub file: Option<PathBuf>,
}

/// What the contexts are like that editors get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContextSettings {
    /// What becomes of secrets in them, unless a client asks otherwise.
    pub secrets: InContext,
    /// What they may be made of.
    pub sources: ContextSources,
}

/// What contexts may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextSources {
    /// Declarations that names resolve to.
    pub dependencies: bool,
    /// Chunks found by BM25, for a client that asks for them.
    pub bm25: bool,
}

impl Default for ContextSources {
    fn default() -> Self {
        Self {
            dependencies: true,
            bm25: true,
        }
    }
}

/// The settings file cannot be used: names the file, the line, the key and
/// what was expected there.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

impl SettingsError {
    fn io(path: &Path, error: &io::Error) -> Self {
        Self(format!("{}: {error}", path.display()))
    }
}

impl Settings {
    /// The settings that `file` makes of the defaults; without one, the user's
    /// own `fimd/settings.toml` in `$XDG_CONFIG_HOME` (`~/.config`), which need
    /// not exist.
    ///
    /// # Errors
    /// If the file cannot be read, is not TOML, or has a key that means nothing
    /// or a value that makes no sense.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let path = settings_path(file)?;
        let settings = match fs::read_to_string(&path) {
            Ok(text) => Self::read(&text).map_err(|wrong| wrong.of(&path, &text))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && file.is_none() => {
                Self::default()
            }
            Err(error) => return Err(SettingsError::io(&path, &error)),
        };
        settings.of_file(path)
    }

    /// The same for a server that has to start: a file that is not TOML at all
    /// is set aside and gives the defaults. Also gives one line that says so.
    ///
    /// # Errors
    /// Those of [`Settings::load`], but for that, and if it cannot be set aside.
    pub fn load_or_set_aside(file: Option<&Path>) -> Result<(Self, Option<String>), SettingsError> {
        let path = settings_path(file)?;
        match file::set_aside_if_corrupt(&path)? {
            None => Ok((Self::load(file)?, None)),
            aside => Ok((Self::default().of_file(path)?, aside)),
        }
    }

    /// The settings as they are with the environment, `path` being their file.
    fn of_file(self, path: PathBuf) -> Result<Self, SettingsError> {
        let mut settings = Self {
            file: Some(path),
            ..self
        };
        match env::var(API_KEY) {
            Ok(key) if !key.is_empty() => settings.endpoint.api_key = Some(key.into()),
            Ok(_) | Err(VarError::NotPresent) => {}
            Err(VarError::NotUnicode(_)) => {
                return Err(SettingsError(format!("{API_KEY}: expected UTF-8")));
            }
        }
        Ok(settings)
    }

    fn read(text: &str) -> Result<Self, Wrong> {
        const SECTIONS: &str = "[limits], [context], [models.NAME], [endpoint], [completion], \
                                [tags] or [editor]";
        let document = parse(text)?;
        let mut settings = Self::default();
        let none = toml_edit::Table::new();
        let (mut endpoint, mut completion): (&dyn TableLike, &dyn TableLike) = (&none, &none);
        for (key, item) in document.iter() {
            let wrong = |what: String| {
                Wrong::new(
                    place(document.as_table(), key, item),
                    format!("{key}: {what}"),
                )
            };
            let section = || {
                let found = item.type_name();
                let section = item.as_table_like();
                section.ok_or_else(|| wrong(format!("expected a section, found {found}")))
            };
            match key {
                "limits" => settings.limits = limits::read(section()?)?,
                "context" => settings.context = read_context(section()?)?,
                "models" => read_families(section()?, &mut settings.families)?,
                "endpoint" => endpoint = section()?,
                "completion" => completion = section()?,
                "tags" => settings.tags = tags::read(section()?)?,
                "editor" => settings.editor = editor::read(section()?)?,
                _ => return Err(wrong(format!("unknown; expected {SECTIONS}"))),
            }
        }
        // It may name a family, wherever in the file that is described.
        settings.endpoint = endpoint::read(endpoint, &settings.families)?;
        settings.completion = completion::read(completion, &settings.endpoint)?;
        Ok(settings)
    }
}

impl Wrong {
    /// What is wrong with the file at `path`, whose text is `text`.
    fn of(self, path: &Path, text: &str) -> SettingsError {
        let Self { at, what } = self;
        let line = 1 + text[..at].matches('\n').count();
        SettingsError(format!("{}:{line}: {what}", path.display()))
    }
}

fn parse(text: &str) -> Result<Document<&str>, Wrong> {
    Document::parse(text).map_err(|error| {
        let message = error.message().replace('\n', "; ");
        Wrong::new(error.span(), format!("not TOML: {message}"))
    })
}

/// The settings file: `file`, else the user's own, which need not exist.
///
/// # Errors
/// If the user has no folder for settings.
pub fn settings_path(file: Option<&Path>) -> Result<PathBuf, SettingsError> {
    match file {
        Some(path) => Ok(path.to_owned()),
        None => own_file(),
    }
}

/// The files that have been set aside because they stood, corrupt, in the place
/// of the settings file at `path`.
#[must_use]
pub fn set_aside(path: &Path) -> Vec<PathBuf> {
    file::all_set_aside(path)
}

fn own_file() -> Result<PathBuf, SettingsError> {
    let folders = Xdg::new().map_err(|error| {
        SettingsError(format!(
            "no folder for settings: {error}; name a file with --settings"
        ))
    })?;
    Ok(folders.config_dir().join(FILE))
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
    let section = Section::new("context", table, &["secrets", "enabled_sources"])?;
    let expected = r#"an array of "dependencies" and "bm25""#;
    let sources = section.get("enabled_sources", expected, |item| {
        let mut sources = ContextSources {
            dependencies: false,
            bm25: false,
        };
        for name in item.as_array()? {
            match name.as_str()? {
                "dependencies" => sources.dependencies = true,
                "bm25" => sources.bm25 = true,
                _ => return None,
            }
        }
        Some(sources)
    })?;
    let secrets = section.get("secrets", r#""redact" or "keep""#, |item| {
        Some(match item.as_str()? {
            "redact" => InContext::Redact,
            "keep" => InContext::Keep,
            _ => return None,
        })
    })?;
    Ok(ContextSettings {
        secrets: secrets.unwrap_or_default(),
        sources: sources.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ContextStyle;

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
        let settings = Settings {
            file: None,
            ..load("").unwrap()
        };
        assert_eq!(settings, Settings::default());
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
            own.part_tokens().collect::<Vec<_>>(),
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
    fn an_endpoint_has_a_family_and_may_have_tokens_of_its_own() {
        let endpoint = load("").unwrap().endpoint;
        assert_eq!(endpoint, Endpoint::default());
        assert_eq!(endpoint.url, "http://127.0.0.1:8080");
        assert_eq!(endpoint.family.name, "qwen2.5-coder");
        assert_eq!(endpoint.family.middle, "<|fim_middle|>");
        let endpoint = load(
            "[endpoint]\nurl = 'https://example.com/v1/completions'\nkind = 'ollama'\n\
             model = 'm'\napi_key = 'sk-1'\nfamily = 'own'\nfim_suffix = '<X>'\n\
             temperature = 1\ntop_p = 0.5\nconnect_timeout_ms = 1\n\
             first_byte_timeout_ms = 2\nidle_timeout_ms = 3\nallow_remote_endpoints = true\n\
             [models.own]\nprefix = '<P>'\nsuffix = '<S>'\nmiddle = '<M>'\nend = '<E>'\n",
        );
        let endpoint = endpoint.unwrap().endpoint;
        assert_eq!(endpoint.url, "https://example.com/v1/completions");
        assert_eq!(endpoint.kind, EndpointKind::Ollama);
        assert_eq!(endpoint.model.as_deref(), Some("m"));
        let family = &endpoint.family;
        assert_eq!([&*family.prefix, &*family.suffix], ["<P>", "<X>"]);
        assert_eq!(
            (endpoint.temperature, endpoint.top_p),
            (Some(1.0), Some(0.5))
        );
        assert_eq!(endpoint.connect_timeout_ms, 1);
        assert_eq!(endpoint.first_byte_timeout_ms, 2);
        assert_eq!(endpoint.idle_timeout_ms, 3);
        assert!(endpoint.allow_remote_endpoints);
        let key = endpoint.api_key.as_ref().unwrap();
        assert_eq!(key.reveal(), "sk-1");
        assert_eq!(format!("{key}"), "(hidden)");
        assert!(!format!("{endpoint:?}").contains("sk-1"));
    }

    #[test]
    fn repository_style_needs_a_server_that_is_sent_the_tokens() {
        let styled = |endpoint: &str| {
            load(&format!(
                "[completion]\ncontext_style = 'repo'\n[endpoint]\n{endpoint}"
            ))
        };
        let completion = styled("").unwrap().completion;
        assert_eq!(completion.context_style, ContextStyle::Repo);
        for (endpoint, says) in [
            (
                "family = 'codellama'",
                "the family codellama has no tokens for repositories",
            ),
            ("kind = 'infill'", "a server that puts its own tokens"),
            (
                "kind = 'ollama'\nmodel = 'm'",
                "a server that puts its own tokens",
            ),
        ] {
            let said = styled(endpoint).unwrap_err();
            let at = "s.toml:2: completion.context_style: ";
            assert!(said.starts_with(at) && said.contains(says), "{said}");
        }
    }

    #[test]
    fn tags_and_the_editor_have_settings() {
        let settings = load("").unwrap();
        assert_eq!(settings.tags.languages, ["plaintext", "markdown", "fimpad"]);
        assert_eq!(settings.tags.log_runs, 10);
        assert_eq!(settings.editor, EditorSettings::default());
        let tags = load(
            "[tags]\nlanguages = []\ncontext = true\nstrip_inner = true\n\
             keep_partial = true\nlog_runs = 0\n",
        );
        let expected = TagSettings {
            languages: Vec::new(),
            context: true,
            strip_inner: true,
            keep_partial: true,
            log_runs: 0,
        };
        assert_eq!(tags.unwrap().tags, expected);
        let editor = load(
            "[editor]\nfont = 'A'\nfont_size = 6\neditor_padding = 1\n\
             line_number_padding = 2\nfg_color = 'red'\nbg_color = '#fff'\n\
             caret_color = 'sky blue'\nselection_color = 'Gray50'\nscroll_speed = 3\n\
             spell_lang = 'en'\n",
        );
        let some = |text: &str| Some(text.to_owned());
        let expected = EditorSettings {
            font: some("A"),
            font_size: Some(6),
            editor_padding: Some(1),
            line_number_padding: Some(2),
            fg_color: some("red"),
            bg_color: some("#fff"),
            caret_color: some("sky blue"),
            selection_color: some("Gray50"),
            scroll_speed: Some(3),
            spell_lang: some("en"),
        };
        assert_eq!(editor.unwrap().editor, expected);
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
                "s.toml:2: limit: unknown; expected [limits], [context], ",
            ),
            ("limits = 5", "s.toml:1: limits: expected a section, found "),
            (
                "[context]\nsecret = \"keep\"",
                "s.toml:2: context.secret: unknown; expected one of secrets, enabled_sources",
            ),
            (
                "[context]\nsecrets = \"drop\"",
                "s.toml:2: context.secrets: expected \"redact\" or \"keep\", found \"drop\"",
            ),
            (
                "[context]\nsecrets = false",
                "s.toml:2: context.secrets: expected \"redact\" or \"keep\", found false",
            ),
            (
                "[limits]\n\nmax_flies = 1",
                "s.toml:3: limits.max_flies: unknown; expected one of max_files, ",
            ),
            (
                "[limits]\nmax_files = \"5\"",
                "s.toml:2: limits.max_files: expected an integer of 1 or more, found \"5\"",
            ),
            (
                "[limits]\nmax_clients = 0",
                "s.toml:2: limits.max_clients: expected an integer of 1 or more, found 0",
            ),
            (
                "[endpoint]\nurl = 'ftp://x'",
                "s.toml:2: endpoint.url: expected http://HOST or https://HOST, found \"ftp://x\"",
            ),
            (
                "[endpoint]\n\nkind = 'openai'",
                "s.toml:3: endpoint.kind: expected \"completions\", \"infill\" or \"ollama\", found",
            ),
            (
                "[endpoint]\nfamily = 'nobody'",
                "s.toml:2: endpoint.family: expected one of qwen2.5-coder, ",
            ),
            (
                "endpoint.temperature = 2.5",
                "s.toml:1: endpoint.temperature: expected a number from 0 to 2, found 2.5",
            ),
            (
                "endpoint.idle_timeout_ms = 0",
                "s.toml:1: endpoint.idle_timeout_ms: expected an integer from 1 to 3600000, found 0",
            ),
            (
                "endpoint.api_key = 12345",
                "s.toml:1: endpoint.api_key: expected a string with something in it",
            ),
            (
                "endpoint.allow_remote = true",
                "s.toml:1: endpoint.allow_remote: unknown; expected one of url, kind, ",
            ),
            (
                "tags.languages = ['a', 1]",
                "s.toml:1: tags.languages: expected an array of strings, found array",
            ),
            (
                "tags.log_runs = -1",
                "s.toml:1: tags.log_runs: expected an integer from 0 to 1000, found -1",
            ),
            (
                "editor.fg_color = 'rde'",
                "s.toml:1: editor.fg_color: expected #rgb, #rrggbb, #rrrgggbbb, ",
            ),
            (
                "editor.font_size = 5",
                "s.toml:1: editor.font_size: expected an integer from 6 to 72, found 5",
            ),
            (
                "[limits]\nmax_clients = -3",
                "s.toml:2: limits.max_clients: expected an integer of 1 or more, found -3",
            ),
        ] {
            let error = load(text).unwrap_err();
            assert!(error.starts_with(said), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
            assert!(!error.contains("12345"), "{error}");
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
