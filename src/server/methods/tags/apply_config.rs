//! `tags/applyConfig`: applies a config tag, whole or not at all.

use serde_json::value::RawValue;

use super::target::{TagTarget, resources};
use crate::config::{ApplyError, EditorResources};
use crate::rpc::Error;
use crate::server::params::Params;
use crate::server::result::json;
use crate::server::session_view::SessionView;

/// The parameters of `tags/applyConfig`.
#[derive(Debug)]
pub(in crate::server) struct ApplyConfigParams {
    tag: TagTarget,
    resources: EditorResources,
}

impl ApplyConfigParams {
    pub(in crate::server) fn read(raw: Option<&RawValue>) -> Result<Self, Error> {
        let params = &Params::read(raw)?;
        Ok(Self {
            tag: TagTarget::read(params)?,
            resources: resources(params)?,
        })
    }
}

/// Applies the tag. fimd notifies every client of the new settings, this one
/// too, before or after the answer.
pub(in crate::server) async fn run(
    session: SessionView,
    params: Result<ApplyConfigParams, Error>,
) -> Result<Box<RawValue>, Error> {
    let offsets = session.projects.offsets().await;
    let ApplyConfigParams { tag, resources } = params?;
    let (content, at) = tag.resolve(offsets);
    let applied = session
        .engine
        .apply_config(content, at, resources)
        .await??;
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
