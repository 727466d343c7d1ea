//! `$/cancelRequest`: the client no longer wants an answer.

use serde_json::value::RawValue;

use crate::rpc::{Error, Kind};
use crate::server::params::Params;

/// The id to cancel, as written.
pub(in crate::server) fn target(params: Option<&RawValue>) -> Result<&RawValue, Error> {
    let expected = "a string or a number";
    let id = Params::read(params)?.raw("id", expected)?;
    match Kind::of(id) {
        Kind::String | Kind::Number => Ok(id),
        found => Err(Error::invalid_params(format!(
            "id: expected {expected}, found {found}"
        ))),
    }
}
