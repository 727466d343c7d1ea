//! The settings of a running process: the settings file and config tags change
//! them, and their subscribers learn of every change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{Engine, Shared, WorkError};
use crate::config::{self, AppliedConfig, ApplyError, EditorResources, Settings};
use crate::files::Stamp;

/// The interval of looking at the settings file. Watching its folder would not do:
/// the folder may be missing, and the file may be a link to another one.
const POLL: Duration = Duration::from_secs(1);

/// How long the settings file must stay the same before it is read. Editors write
/// a file in several steps.
const SETTLE: Duration = Duration::from_millis(200);

/// Receives the settings after each change; if several come at once, the latest.
pub type SettingsChanges = watch::Receiver<Arc<Settings>>;

/// How the process follows its settings file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsFileStatus {
    /// The file, which need not exist.
    pub file: Option<String>,
    /// Why the file cannot be used. Until it can, the last good settings hold.
    pub fault: Option<String>,
    /// Whether the section `[limits]` of the file is not that of the process, which
    /// keeps its limits to its end.
    pub needs_restart: bool,
}

impl SettingsFileStatus {
    /// What a user should know, if the process does not follow the whole file.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let Self {
            file,
            fault,
            needs_restart,
        } = self;
        match (fault, needs_restart) {
            (Some(fault), _) => Some(format!("{fault}; the last good settings stay in use")),
            (None, true) => Some(format!(
                "{}: [limits] takes effect when fimd starts again: run `fimd restart`, or restart \
                 the editor",
                file.as_deref().unwrap_or_default()
            )),
            (None, false) => None,
        }
    }
}

/// The current settings and their subscribers.
#[derive(Debug)]
pub(super) struct LiveSettings {
    current: watch::Sender<Arc<Settings>>,
    file: watch::Sender<SettingsFileStatus>,
    /// Held while the file is read or written, so that it and `current` agree.
    applying: Mutex<()>,
}

impl LiveSettings {
    /// The settings at the start of the process.
    pub(super) fn new(settings: Settings) -> Self {
        let file = settings.file.as_deref().map(|file| {
            let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
            absolute.to_string_lossy().into_owned()
        });
        Self {
            current: watch::Sender::new(Arc::new(settings)),
            file: watch::Sender::new(SettingsFileStatus {
                file,
                ..SettingsFileStatus::default()
            }),
            applying: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.applying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the file again; `named` as in [`Settings::load`]. Keeps the settings if
    /// the file has a fault. The limits stay, because projects are read by them.
    fn reload(&self, named: Option<&Path>) {
        let _applying = self.lock();
        let limits = self.current.borrow().limits;
        let (fault, needs_restart) = match Settings::load(named) {
            Ok(next) => {
                let needs_restart = next.limits != limits;
                let next = Settings { limits, ..next };
                if self.replace(next) {
                    tracing::info!("the settings have changed with their file");
                }
                (None, needs_restart)
            }
            Err(error) => (Some(error.to_string()), false),
        };
        self.follows(fault, needs_restart);
    }

    /// Replaces the settings and tells the subscribers. Returns whether they differ.
    fn replace(&self, next: Settings) -> bool {
        self.current.send_if_modified(|current| {
            let is_new = **current != next;
            if is_new {
                *current = Arc::new(next);
            }
            is_new
        })
    }

    /// Keeps how the process follows the file, and tells the subscribers.
    fn follows(&self, fault: Option<String>, needs_restart: bool) {
        self.file.send_if_modified(|file| {
            let next = SettingsFileStatus {
                file: file.file.clone(),
                fault,
                needs_restart,
            };
            let is_new = *file != next;
            if let (true, Some(warning)) = (is_new, next.warning()) {
                tracing::warn!("{warning}");
            }
            *file = next;
            is_new
        });
    }
}

/// The stamp of the file at `path`; none if there is no file.
fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path).ok().map(|found| Stamp::of(&found))
}

/// Looks at the file at `path` until the engine is dropped, and reads it whenever it
/// has changed.
fn follow(engine: &Weak<Shared>, path: &Path, named: Option<&Path>) {
    let mut read: Option<Option<Stamp>> = None;
    loop {
        let Some(engine) = engine.upgrade() else {
            return;
        };
        let found = stamp(path);
        // A file that changes twice within a step of the clock keeps its stamp.
        let is_sure = found.is_none_or(|stamp| stamp.is_settled(SystemTime::now()));
        if read != Some(found) || !is_sure {
            thread::sleep(SETTLE);
            if stamp(path) != found {
                continue;
            }
            engine.settings.reload(named);
            read = Some(found);
        }
        drop(engine);
        thread::sleep(POLL);
    }
}

impl Engine {
    /// The settings of the process: those of its file.
    pub(super) fn process_settings(&self) -> Arc<Settings> {
        Arc::clone(&self.shared.settings.current.borrow())
    }

    /// Receives each change of the settings of the process from now on.
    #[must_use]
    pub fn settings_changes(&self) -> SettingsChanges {
        self.shared.settings.current.subscribe()
    }

    /// How the process follows its settings file, from now on.
    #[must_use]
    pub fn settings_file(&self) -> watch::Receiver<SettingsFileStatus> {
        self.shared.settings.file.subscribe()
    }

    /// Follows the settings file on a thread of its own; `named` as in
    /// [`Settings::load`]. Does nothing if the settings have no file.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn follow_settings(&self, named: Option<PathBuf>) -> io::Result<()> {
        let Some(path) = self.process_settings().file.clone() else {
            return Ok(());
        };
        let engine = Arc::downgrade(&self.shared);
        thread::Builder::new()
            .name("fimd-settings".into())
            .spawn(move || follow(&engine, &path, named.as_deref()))
            .map(drop)
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
        let _applying = live.lock();
        let before = self.process_settings();
        let file = before.file.as_deref().ok_or(ApplyError::NoFile)?;
        let own = self.client_settings();
        let (applied, changed) = config::apply(file, own.as_ref(), text, at, resources)?;
        if let Some(aside) = &applied.set_aside {
            tracing::warn!("{aside}");
        }
        let limits = self.limits();
        let needs_restart = changed.limits != limits;
        live.replace(Settings { limits, ..changed });
        live.follows(None, needs_restart);
        Ok(applied)
    }
}
