//! What commands start from: the settings, the cache and the log of tag runs.

use std::path::PathBuf;

use etcetera::base_strategy::{BaseStrategy, Xdg};
use tokio::runtime::{Builder, Runtime};
use tracing::level_filters::LevelFilter;

use super::CliError;
use crate::config::{EndpointKind, EndpointPlace, Settings, SettingsError};
use crate::engine::tags::RunLog;
use crate::files::{Cache, Extensions};

/// The settings and the cache, for every command that reads projects.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) settings: Settings,
    /// The settings file that `--settings` names.
    pub(super) named: Option<PathBuf>,
    /// The cache of project indexes; none with `--no-cache`.
    pub(super) cache: Option<Cache>,
}

/// The options that every command takes.
#[derive(Debug)]
pub(super) struct CommonOptions {
    /// The log level; none for that of `RUST_LOG`.
    pub(super) log_level: Option<LevelFilter>,
    /// The settings file; none for that of the user.
    pub(super) settings: Option<PathBuf>,
    /// Whether the cache is neither read nor written.
    pub(super) no_cache: bool,
    /// The endings of the files that count; none for those of the settings.
    pub(super) extensions: Option<Extensions>,
}

impl CommonOptions {
    /// The cache that commands use.
    pub(super) fn cache(&self) -> Option<Cache> {
        if self.no_cache { None } else { cache() }
    }

    /// What a command starts from.
    pub(super) fn setup(&self) -> Result<Setup, CliError> {
        let settings = Settings::load(self.settings.as_deref()).map_err(|error| wrong(&error))?;
        Ok(self.with(settings))
    }

    /// What a server starts from. It starts even if the settings file is corrupt.
    pub(super) fn setup_to_serve(&self) -> Result<Setup, CliError> {
        let loaded = Settings::load_or_set_aside(self.settings.as_deref());
        let (settings, set_aside) = loaded.map_err(|error| wrong(&error))?;
        if let Some(aside) = set_aside {
            tracing::warn!("{aside}; all settings have their defaults");
        }
        Ok(self.with(settings))
    }

    fn with(&self, mut settings: Settings) -> Setup {
        if let Some(extensions) = &self.extensions {
            settings.files.extensions = extensions.clone();
        }
        Setup {
            settings,
            named: self.settings.clone(),
            cache: self.cache(),
        }
    }
}

fn wrong(error: &SettingsError) -> CliError {
    CliError::Usage(error.to_string())
}

/// Puts the flags `--endpoint` and `--endpoint-kind` over the settings of the model server.
pub(super) fn overrule_endpoint(
    settings: &mut Settings,
    url: Option<&str>,
    kind: Option<EndpointKind>,
) -> Result<(), CliError> {
    if let Some(url) = url {
        settings
            .set_endpoint_url(url)
            .map_err(|error| CliError::Usage(error.to_string()))?;
    }
    if let Some(kind) = kind {
        settings.endpoint.kind = kind;
        settings.endpoint.place = EndpointPlace::Flags(settings.file.clone());
    }
    Ok(())
}

/// A runtime for a command that waits for one connection.
pub(super) fn runtime() -> Result<Runtime, CliError> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Failure(format!("cannot start the runtime: {error}")))
}

/// The cache in the user's cache folder; none if the user has no home.
fn cache() -> Option<Cache> {
    match Xdg::new() {
        Ok(folders) => Some(Cache::new(folders.cache_dir().join("fimd"))),
        Err(error) => {
            tracing::debug!("nothing is cached: {error}");
            None
        }
    }
}

/// The log of tag runs in the user's state folder; none if the user has no home.
pub(super) fn run_log() -> Option<RunLog> {
    let folders = Xdg::new().ok()?;
    folders
        .state_dir()
        .map(|folder| RunLog::new(&folder.join("fimd")))
}
