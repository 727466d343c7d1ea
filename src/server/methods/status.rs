//! `fimd/status`: what the engine holds, whom it serves, and how fast.

use serde_json::value::RawValue;

use super::json;
use crate::engine::Engine;
use crate::rpc::Error;

/// Gathers the status off the runtime: it counts what every file takes.
pub(in crate::server) async fn run(engine: Engine) -> Result<Box<RawValue>, Error> {
    let worker = engine.clone();
    worker.run(move || json(&engine.status())).await?
}
