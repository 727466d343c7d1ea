//! `tags/applyConfig`: applies a config tag in a text that the client gives,
//! whole or not at all. Needs no project, and so no `initialize`; without one
//! offsets count bytes.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::json;
use crate::config::{ApplyError, Offered};
use crate::engine::Engine;
use crate::rpc::Error;
use crate::server::params::Params;
use crate::server::project::Connected;
use crate::text::{Encoding, byte_offset};

/// Applies the tag. Whether the answer or the news of it comes first is open.
pub(in crate::server) async fn run(
    engine: &Engine,
    connected: Option<Arc<Connected>>,
    params: Option<&RawValue>,
) -> Result<Box<RawValue>, Error> {
    const NAMES: &str = "an array of strings";
    let params = Params::read(params)?;
    let content: String = params.required("content", "the text with the tag")?;
    let offset = params.count("cursor_offset")?.ok_or_else(|| {
        Error::invalid_params("cursor_offset: expected an integer of 0 or more, found nothing")
    })?;
    let offered = Offered {
        fonts: params.optional("fonts", NAMES)?,
        spell_languages: params.optional("spell_languages", NAMES)?,
    };
    let units = connected.map_or_else(Encoding::default, |connected| connected.offsets);
    let at = byte_offset(&content, offset, units);
    let applied = engine.apply_config(content, at, offered).await??;
    json(&applied)
}

impl From<ApplyError> for Error {
    fn from(error: ApplyError) -> Self {
        let message = error.to_string();
        match error {
            ApplyError::Tag(_) => Self::invalid_params(message),
            ApplyError::NoFile | ApplyError::File(_) => Self::internal(message),
        }
    }
}
