//! The settings of a running process: config tags change them, and their
//! subscribers learn of every change.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::{Engine, WorkError};
use crate::config::{self, AppliedConfig, ApplyError, EditorResources, Settings};

/// Receives the settings after each change; if several come at once, the latest.
pub type SettingsChanges = watch::Receiver<Arc<Settings>>;

/// The current settings and their subscribers.
#[derive(Debug)]
pub(super) struct LiveSettings {
    current: watch::Sender<Arc<Settings>>,
    /// Held while a tag is applied, so that the file and `current` agree.
    applying: Mutex<()>,
}

impl LiveSettings {
    /// The settings at the start of the process.
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            current: watch::Sender::new(Arc::new(settings)),
            applying: Mutex::default(),
        }
    }
}

impl Engine {
    /// The current settings. Only the sections `[endpoint]`, `[tags]` and `[editor]`
    /// change while the process runs.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.shared.settings.current.borrow())
    }

    /// Receives each change of the settings from now on.
    #[must_use]
    pub fn settings_changes(&self) -> SettingsChanges {
        self.shared.settings.current.subscribe()
    }

    /// Applies the config tag at byte `at` of `text`; see [`config::apply`]. The new
    /// settings hold for every client, and all subscribers are told.
    ///
    /// # Errors
    /// As [`config::apply`], and on a panic.
    pub async fn apply_config(
        &self,
        text: String,
        at: usize,
        resources: EditorResources,
    ) -> Result<Result<AppliedConfig, ApplyError>, WorkError> {
        let engine = self.clone();
        // This reads the folders of fonts, so it must not run before requests.
        let reading = &self.shared.reading;
        let work = move || engine.apply_config_now(&text, at, resources);
        reading.run(&reading.permits(), work).await
    }

    fn apply_config_now(
        &self,
        text: &str,
        at: usize,
        resources: EditorResources,
    ) -> Result<AppliedConfig, ApplyError> {
        let live = &self.shared.settings;
        let _applying = live.applying.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.settings();
        let file = before.file.as_deref().ok_or(ApplyError::NoFile)?;
        let (applied, changed) = config::apply(file, text, at, resources)?;
        if let Some(aside) = &applied.set_aside {
            tracing::warn!("{aside}");
        }
        live.current.send_if_modified(|current| {
            let next = Settings {
                endpoint: changed.endpoint,
                tags: changed.tags,
                editor: changed.editor,
                ..(**current).clone()
            };
            let is_new = **current != next;
            *current = Arc::new(next);
            is_new
        });
        Ok(applied)
    }
}
