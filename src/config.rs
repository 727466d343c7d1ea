//! The settings: their defaults, and the settings file that changes them.
//!
//! The settings file overrides the defaults, and flags override the file. fimd
//! reads the settings when the program starts, and a server again when the file
//! has changed. A client of a server may send settings of its own, which override
//! the file for that client. fimd passes settings as values. This room reads one setting from the
//! environment, `FIMD_API_KEY`, and the XDG variables that say where the file is.

mod api_key;
mod apply;
mod client;
mod completion;
mod context;
mod editor;
mod endpoint;
mod error;
mod file;
mod files;
mod limits;
mod place;
mod read;
mod tags;
mod tuned;
mod values;

use std::env::{self, VarError};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use etcetera::base_strategy::Xdg;

pub use self::api_key::ApiKey;
pub use self::apply::{AppliedConfig, ApplyError, EditorResources, apply};
pub use self::client::ClientSettings;
pub use self::completion::CompletionSettings;
pub use self::context::{ContextSettings, ContextSources};
pub use self::editor::EditorSettings;
pub use self::endpoint::{Endpoint, EndpointKind};
pub use self::error::SettingsError;
pub use self::files::FilesSettings;
pub use self::limits::Limits;
pub use self::place::EndpointPlace;
pub use self::tags::TagSettings;
pub use self::tuned::TunedError;

use crate::files::WalkOptions;
use crate::model::Families;

/// The environment variable with the API key of the model server.
const API_KEY: &str = "FIMD_API_KEY";

/// The settings file, below the user's configuration folder.
const FILE: &str = "fimd/settings.toml";

/// All settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The section `[limits]`.
    pub limits: Limits,
    /// The section `[files]`.
    pub files: FilesSettings,
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
    /// The settings file, which need not exist. Changes are written to it; without
    /// a file the settings cannot be changed.
    pub file: Option<PathBuf>,
}

impl Settings {
    /// The options for finding the files of a project.
    #[must_use]
    pub fn walk(&self) -> WalkOptions {
        WalkOptions {
            extensions: self.files.extensions.clone(),
            trusted_projects: self.files.trusted_projects.clone(),
            ..self.limits.walk()
        }
    }

    /// The defaults, changed by `file`. Without `file`, by the user's
    /// `fimd/settings.toml` in `$XDG_CONFIG_HOME` (`~/.config`), which need not
    /// exist. The environment variable `FIMD_API_KEY` overrides the file's key.
    ///
    /// # Errors
    /// If the file cannot be read, is not TOML, or has an unknown key or an
    /// invalid value.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let path = settings_path(file)?;
        let settings = match fs::read_to_string(&path) {
            Ok(text) => read::read(&text).map_err(|fault| fault.in_file(&path, &text))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && file.is_none() => {
                Self::default()
            }
            Err(error) => {
                return Err(SettingsError(format!(
                    "{}: {error}; name a settings file that can be read, or leave --settings out",
                    path.display()
                )));
            }
        };
        settings.of_file(path)
    }

    /// Like [`Settings::load`], for a server, which has to start: renames a file
    /// that is not TOML and returns the defaults, with one line that says so.
    ///
    /// # Errors
    /// As [`Settings::load`], except for a file that is not TOML; and if such a
    /// file cannot be renamed.
    pub fn load_or_set_aside(file: Option<&Path>) -> Result<(Self, Option<String>), SettingsError> {
        let path = settings_path(file)?;
        match file::set_aside_if_corrupt(&path)? {
            None => Ok((Self::load(file)?, None)),
            aside => Ok((Self::default().of_file(path)?, aside)),
        }
    }

    /// These settings of the file at `path`, with the key from the environment.
    fn of_file(self, path: PathBuf) -> Result<Self, SettingsError> {
        let mut settings = Self {
            file: Some(path.clone()),
            ..self
        };
        settings.endpoint.place = EndpointPlace::File(Some(path));
        if let Some(key) = key_of_environment()? {
            settings.endpoint.api_key = Some(key);
        }
        Ok(settings)
    }

    /// Replaces the URL of the model server by the one that a flag names. The key of
    /// the file goes to no other server than the file's; the key of the environment
    /// does.
    ///
    /// # Errors
    /// If the key of the environment is not UTF-8.
    pub fn set_endpoint_url(&mut self, url: &str) -> Result<(), SettingsError> {
        let endpoint = &mut self.endpoint;
        if !endpoint::is_same_server(url, &endpoint.url) {
            endpoint.api_key = key_of_environment()?;
            // It tells of the model of the file.
            self.completion.tuned = None;
        }
        endpoint.url = url.to_owned();
        endpoint.place = EndpointPlace::Flags(self.file.clone());
        Ok(())
    }
}

/// The API key in the environment; none if the variable is empty.
fn key_of_environment() -> Result<Option<ApiKey>, SettingsError> {
    match env::var(API_KEY) {
        Ok(key) => Ok(Some(key).filter(|key| !key.is_empty()).map(ApiKey::from)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(SettingsError(format!("{API_KEY}: expected UTF-8"))),
    }
}

/// The path of the settings file: `file`, else that of the user, which need not
/// exist.
///
/// # Errors
/// If the user has no home, and so no configuration folder.
pub fn settings_path(file: Option<&Path>) -> Result<PathBuf, SettingsError> {
    match file {
        Some(path) => Ok(path.to_owned()),
        None => user_file(),
    }
}

/// The corrupt files that fimd has renamed to make room for the settings file at
/// `path`.
#[must_use]
pub fn set_aside(path: &Path) -> Vec<PathBuf> {
    file::all_set_aside(path)
}

fn user_file() -> Result<PathBuf, SettingsError> {
    let folders = Xdg::new().map_err(|error| {
        SettingsError(format!(
            "no folder for settings: {error}; name a file with --settings"
        ))
    })?;
    Ok(folders.config_dir().join(FILE))
}

#[cfg(test)]
mod tests;
