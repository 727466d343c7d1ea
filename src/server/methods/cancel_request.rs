//! `$/cancelRequest`: the client no longer wants an answer.

use serde_json::value::RawValue;

use crate::rpc::{Error, JsonKind};
use crate::server::params::Params;

/// The id to cancel, as written.
pub(in crate::server) fn target(params: Option<&RawValue>) -> Result<&RawValue, Error> {
    const EXPECTED: &str = "a string or a number";
    let id = Params::read(params)?.raw("id", EXPECTED)?;
    match JsonKind::of(id) {
        JsonKind::String | JsonKind::Number => Ok(id),
        found => Err(Error::invalid_params(format!(
            "id: expected {EXPECTED}, found {found}"
        ))),
    }
}
