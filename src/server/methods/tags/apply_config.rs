//! `tags/applyConfig`: applies a config tag, whole or not at all.

use serde_json::value::RawValue;

use crate::config::{ApplyError, EditorResources};
use crate::rpc::Error;
use crate::server::methods::Asked;
use crate::server::methods::json;

/// Applies the tag. Every client is told, this one too; whether its answer or
/// the news comes first is open.
pub(in crate::server) async fn run(asked: Asked) -> Result<Box<RawValue>, Error> {
    const NAMES: &str = "an array of strings";
    let params = asked.params()?;
    let (content, at) = asked.place(&params)?;
    let offered = EditorResources {
        fonts: params.optional("fonts", NAMES)?,
        spell_languages: params.optional("spell_languages", NAMES)?,
    };
    let applied = asked.engine.apply_config(content, at, offered).await??;
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
