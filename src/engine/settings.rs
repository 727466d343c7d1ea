//! The settings of a process that lives long: what is set while it runs, who
//! is told of it, and what stays.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::{Engine, WorkError};
use crate::config::{self, AppliedConfig, ApplyError, EditorResources, Settings};

/// Tells of every change of the settings, the latest for all before it.
pub type SettingsChanges = watch::Receiver<Arc<Settings>>;

/// The settings, and who waits for them to change.
#[derive(Debug)]
pub(super) struct LiveSettings {
    now: watch::Sender<Arc<Settings>>,
    /// Held while a tag is applied: what is written last is what holds.
    applying: Mutex<()>,
}

impl LiveSettings {
    /// With which the process begins.
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            now: watch::Sender::new(Arc::new(settings)),
            applying: Mutex::default(),
        }
    }
}

impl Engine {
    /// The settings as they are now. Limits, families and what becomes of
    /// secrets stay for as long as the process lives, the rest does not.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.shared.settings.now.borrow())
    }

    /// What the settings change to from now on.
    #[must_use]
    pub fn settings_changes(&self) -> SettingsChanges {
        self.shared.settings.now.subscribe()
    }

    /// Applies the config tag at byte `at` of `text`; see [`config::apply`].
    /// From then on it holds for every client, and all are told.
    ///
    /// # Errors
    /// As [`config::apply`], and on a panic.
    pub async fn apply_config(
        &self,
        text: String,
        at: usize,
        offered: EditorResources,
    ) -> Result<Result<AppliedConfig, ApplyError>, WorkError> {
        let engine = self.clone();
        // It looks at folders of fonts, which no request may wait behind.
        let reading = &self.shared.reading;
        let work = move || engine.apply_config_now(&text, at, offered);
        reading.run(&reading.turns(), work).await
    }

    fn apply_config_now(
        &self,
        text: &str,
        at: usize,
        offered: EditorResources,
    ) -> Result<AppliedConfig, ApplyError> {
        let live = &self.shared.settings;
        let _applying = live.applying.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.settings();
        let file = before.file.as_deref().ok_or(ApplyError::NoFile)?;
        let (applied, said) = config::apply(file, text, at, offered)?;
        if let Some(aside) = &applied.set_aside {
            tracing::warn!("{aside}");
        }
        live.now.send_if_modified(|now| {
            let next = Settings {
                endpoint: said.endpoint,
                tags: said.tags,
                editor: said.editor,
                ..(**now).clone()
            };
            let is_new = **now != next;
            *now = Arc::new(next);
            is_new
        });
        Ok(applied)
    }
}
