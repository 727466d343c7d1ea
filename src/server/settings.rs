//! The settings as clients see them, and the notification
//! `fimd/settingsChanged`.

use std::sync::Arc;

use serde::Serialize;

use tokio::sync::watch;
use tower_lsp::ls_types::{MessageType, ShowMessageParams};

use super::output::Notifier;
use crate::config::{EditorSettings, EndpointKind, Settings, TagSettings};
use crate::engine::{Engine, SettingsChanges, SettingsFileStatus};
use crate::rpc::{self, Framing};

/// The settings that hold for a client, as it sees them. The names are those of the settings file,
/// and a setting that is not set is null. The API key is left out because it is
/// a secret, and the limits because they never change.
#[derive(Debug, Serialize)]
pub(super) struct SettingsView<'a> {
    settings: SectionsView<'a>,
    /// What a user should know, if these settings are not all that the file and the
    /// client say.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

#[derive(Debug, Serialize)]
struct SectionsView<'a> {
    endpoint: EndpointView<'a>,
    tags: &'a TagSettings,
    editor: &'a EditorSettings,
}

#[derive(Debug, Serialize)]
struct EndpointView<'a> {
    url: &'a str,
    kind: EndpointKind,
    model: Option<&'a str>,
    family: &'a str,
    fim_prefix: &'a str,
    fim_suffix: &'a str,
    fim_middle: &'a str,
    temperature: Option<f64>,
    top_p: Option<f64>,
    allow_remote_endpoints: bool,
}

impl<'a> SettingsView<'a> {
    /// The view of these settings.
    pub(super) fn new(settings: &'a Settings, warning: Option<String>) -> Self {
        let Settings {
            endpoint,
            tags,
            editor,
            ..
        } = settings;
        Self {
            settings: SectionsView {
                endpoint: EndpointView {
                    url: &endpoint.url,
                    kind: endpoint.kind,
                    model: endpoint.model.as_deref(),
                    family: &endpoint.family.name,
                    fim_prefix: &endpoint.family.prefix,
                    fim_suffix: &endpoint.family.suffix,
                    fim_middle: &endpoint.family.middle,
                    temperature: endpoint.temperature,
                    top_p: endpoint.top_p,
                    allow_remote_endpoints: endpoint.allow_remote_endpoints,
                },
                tags,
                editor,
            },
            warning,
        }
    }
}

/// What a client learns of the settings, as it happens.
pub(super) struct SettingsNews {
    engine: Engine,
    changes: SettingsChanges,
    own_changes: watch::Receiver<()>,
    file: watch::Receiver<SettingsFileStatus>,
    /// The warning that the client has been told.
    warning: Option<String>,
}

impl SettingsNews {
    /// The news from now on. What is wrong with the file already is news, too.
    pub(super) fn new(engine: &Engine) -> Self {
        let mut file = engine.settings_file();
        if file.borrow().warning().is_some() {
            file.mark_changed();
        }
        Self {
            engine: engine.clone(),
            changes: engine.settings_changes(),
            own_changes: engine.client_settings_changes(),
            file,
            warning: None,
        }
    }

    /// Waits for news. Returns the warning about the settings, if it is new.
    pub(super) async fn next(&mut self) -> Option<String> {
        // An error means that the engine has ended.
        tokio::select! {
            Ok(()) = self.changes.changed() => {}
            Ok(()) = self.own_changes.changed() => {}
            Ok(()) = self.file.changed() => {}
            else => std::future::pending().await,
        }
        let told = std::mem::replace(&mut self.warning, self.engine.settings_warning());
        self.warning.clone().filter(|_| self.warning != told)
    }
}

/// Tells a client the settings once its output has room. Changes in quick
/// succession lead to one notification. An editor also shows the user `warning`.
pub(super) async fn tell(
    engine: Engine,
    client: Notifier,
    framing: Framing,
    warning: Option<String>,
) {
    let told = client.send(|| {
        let settings: Arc<Settings> = engine.settings();
        let view = SettingsView::new(&settings, engine.settings_warning());
        rpc::notification("fimd/settingsChanged", &view)
    });
    if told.await.is_none() {
        tracing::debug!("the client left before it heard of new settings");
    }
    if let (Framing::Lsp, Some(warning)) = (framing, warning) {
        let params = ShowMessageParams {
            typ: MessageType::WARNING,
            message: format!("fimd: {warning}"),
        };
        let told = client.send(|| rpc::notification("window/showMessage", &params));
        if told.await.is_none() {
            tracing::debug!("the client left before this warning");
        }
    }
}
