//! `fimd/settings`: the settings.

use serde_json::value::RawValue;

use crate::rpc::Error;
use crate::server::result::json;
use crate::server::session_view::SessionView;
use crate::server::settings::SettingsView;

/// Answers the settings as they are now.
pub(super) async fn run(session: SessionView) -> Result<Box<RawValue>, Error> {
    session.projects.wait().await;
    let engine = &session.engine;
    json(&SettingsView::new(
        &engine.settings(),
        engine.settings_warning(),
    ))
}
