//! The settings that one client sees: those of the process, with the client's own
//! over them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Engine;
use super::completion::ModelServer;
use crate::config::{ClientSettings, Settings, SettingsError};

/// What a client has set of its own.
#[derive(Debug, Default)]
pub(super) struct OwnSettings {
    /// None if the client sets nothing.
    overlay: Mutex<Option<Overlay>>,
    changes: watch::Sender<()>,
    /// The model server of the client, if the client has settings of its own.
    pub(super) model_server: Mutex<Option<Arc<ModelServer>>>,
}

/// The client's settings over those of the process.
#[derive(Debug)]
struct Overlay {
    own: ClientSettings,
    /// The settings of the process that lie below.
    below: Arc<Settings>,
    /// Both together; the last good ones if they do not go together.
    both: Arc<Settings>,
    /// Why the client's settings do not go with those of the process, if so.
    fault: Option<String>,
}

impl Overlay {
    fn new(own: ClientSettings, below: Arc<Settings>) -> Result<Self, SettingsError> {
        let both = Arc::new(own.over(&below)?);
        Ok(Self {
            own,
            below,
            both,
            fault: None,
        })
    }

    /// Follows the settings of the process.
    fn follow(&mut self, below: Arc<Settings>) {
        if Arc::ptr_eq(&self.below, &below) {
            return;
        }
        match self.own.over(&below) {
            Ok(both) => (self.both, self.fault) = (Arc::new(both), None),
            Err(error) => self.fault = Some(error.to_string()),
        }
        self.below = below;
    }
}

impl OwnSettings {
    fn overlay(&self) -> MutexGuard<'_, Option<Overlay>> {
        self.overlay.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the client's settings by `own`, over those of the process, `below`.
    /// Keeps the old ones if these are wrong.
    fn set(&self, own: ClientSettings, below: Arc<Settings>) -> Result<(), SettingsError> {
        let overlay = match own.is_empty() {
            true => None,
            false => Some(Overlay::new(own, below)?),
        };
        let mut known = self.overlay();
        let own = |overlay: &Option<Overlay>| overlay.as_ref().map(|overlay| overlay.own.clone());
        let is_new = own(&known) != own(&overlay);
        *known = overlay;
        drop(known);
        if is_new {
            self.changes.send_replace(());
        }
        Ok(())
    }

    /// The client's settings over those of the process, `below`. None if the client
    /// sets nothing.
    fn over(&self, below: &Arc<Settings>) -> Option<Arc<Settings>> {
        let mut overlay = self.overlay();
        let overlay = overlay.as_mut()?;
        overlay.follow(Arc::clone(below));
        Some(Arc::clone(&overlay.both))
    }

    /// Why the client's settings do not go with those of the process, `below`, if so.
    fn fault(&self, below: &Arc<Settings>) -> Option<String> {
        let mut overlay = self.overlay();
        let overlay = overlay.as_mut()?;
        overlay.follow(Arc::clone(below));
        overlay.fault.clone()
    }
}

impl Engine {
    /// The settings that hold for the client of this handle. All sections but
    /// `[limits]` may change while the process runs.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        let below = self.process_settings();
        self.own_settings.over(&below).unwrap_or(below)
    }

    /// Replaces the settings that the client of this handle has of its own. They
    /// override those of the process for this client.
    ///
    /// # Errors
    /// If they are wrong; the client then keeps those that it had.
    pub fn set_client_settings(&self, own: ClientSettings) -> Result<(), SettingsError> {
        self.own_settings.set(own, self.process_settings())
    }

    /// The client's own settings; none if it sets nothing.
    pub(super) fn client_settings(&self) -> Option<ClientSettings> {
        let overlay = self.own_settings.overlay();
        overlay.as_ref().map(|overlay| overlay.own.clone())
    }

    /// Receives each change of the client's own settings from now on.
    #[must_use]
    pub fn client_settings_changes(&self) -> watch::Receiver<()> {
        self.own_settings.changes.subscribe()
    }

    /// What the user of this client should know: why the settings are not all that the
    /// file and the client say.
    #[must_use]
    pub fn settings_warning(&self) -> Option<String> {
        let of_file = self.settings_file().borrow().warning();
        let fault = self.own_settings.fault(&self.process_settings());
        let of_client =
            fault.map(|fault| format!("{fault}; this editor's last good settings stay in use"));
        let both: Vec<_> = [of_file, of_client].into_iter().flatten().collect();
        (!both.is_empty()).then(|| both.join("; "))
    }
}
