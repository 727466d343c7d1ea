//! `fimd/settings`: what the settings are.

use serde_json::value::RawValue;

use super::json;
use crate::engine::Engine;
use crate::rpc::Error;
use crate::server::settings::Shown;

/// The settings as they are now.
pub(in crate::server) fn run(engine: &Engine) -> Result<Box<RawValue>, Error> {
    json(&Shown::of(&engine.settings()))
}
