//! `fimd/status`: the engine's projects and clients, and its speed.

use serde_json::value::RawValue;

use crate::rpc::Error;
use crate::server::result::json;
use crate::server::session_view::SessionView;

/// Answers the status, also while `initialize` is at work. Gathers it on the
/// pool, because it counts the memory of every file.
pub(super) async fn run(session: SessionView) -> Result<Box<RawValue>, Error> {
    let engine = session.engine.clone();
    session.engine.run(move || json(&engine.status())).await?
}
