//! The settings as clients see them, and the notification
//! `fimd/settingsChanged`.

use std::sync::Arc;

use serde::Serialize;

use super::output::Notifier;
use crate::config::{EditorSettings, EndpointKind, Settings, TagSettings};
use crate::engine::Engine;
use crate::rpc;

/// The settings as clients see them. The names are those of the settings file,
/// and a setting that is not set is null. The API key is left out because it is
/// a secret, and the limits because they never change.
#[derive(Debug, Serialize)]
pub(super) struct SettingsView<'a> {
    settings: SectionsView<'a>,
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
    pub(super) fn new(settings: &'a Settings) -> Self {
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
        }
    }
}

/// Tells a client the settings once its output has room. Changes in quick
/// succession lead to one notification.
pub(super) async fn tell(engine: Engine, client: Notifier) {
    let told = client.send(|| {
        let settings: Arc<Settings> = engine.settings();
        rpc::notification("fimd/settingsChanged", &SettingsView::new(&settings))
    });
    if told.await.is_none() {
        tracing::debug!("the client left before it heard of new settings");
    }
}
