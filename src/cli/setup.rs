//! What commands start from: the settings, the cache and the log of tag runs.

use etcetera::base_strategy::{BaseStrategy, Xdg};

use crate::config::Settings;
use crate::engine::tags::RunLog;
use crate::files::Cache;

/// The settings and the cache, for every command that reads projects.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) settings: Settings,
    /// The cache of project indexes; none with `--no-cache`.
    pub(super) cache: Option<Cache>,
}

/// The cache in the user's cache folder; none if the user has no home.
pub(super) fn cache() -> Option<Cache> {
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
