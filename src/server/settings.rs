//! What a client is shown of the settings, and `fimd/settingsChanged`, which
//! tells it when they have changed.

use std::sync::Arc;

use serde::Serialize;

use super::reply::Notifier;
use crate::config::{EditorSettings, EndpointKind, Settings, TagSettings};
use crate::engine::Engine;
use crate::rpc;

/// What a client is shown: the names are those of the settings file, and what
/// is not set is null. The key is not shown, and no limits, which never change.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    settings: Sections<'a>,
}

#[derive(Debug, Serialize)]
struct Sections<'a> {
    endpoint: Endpoint<'a>,
    tags: &'a TagSettings,
    editor: &'a EditorSettings,
}

#[derive(Debug, Serialize)]
struct Endpoint<'a> {
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

impl<'a> Shown<'a> {
    /// Of these settings.
    pub(super) fn of(settings: &'a Settings) -> Self {
        let Settings {
            endpoint,
            tags,
            editor,
            ..
        } = settings;
        Self {
            settings: Sections {
                endpoint: Endpoint {
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

/// Tells a client what the settings are once it has room to hear it: of
/// changes that follow each other quickly, the last.
pub(super) async fn tell(engine: Engine, client: Notifier) {
    let told = client.send(|| {
        let settings: Arc<Settings> = engine.settings();
        rpc::notification("fimd/settingsChanged", &Shown::of(&settings))
    });
    if told.await.is_none() {
        tracing::debug!("the client left before it heard of new settings");
    }
}
