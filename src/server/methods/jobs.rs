//! `job/status` and `job/cancel`: what has become of a job, whoever started
//! it, and its end before its time.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::json;
use crate::engine::{Engine, Job};
use crate::rpc::Error;
use crate::server::params::Params;

/// How far a job is.
pub(in crate::server) fn status(
    engine: &Engine,
    params: Option<&RawValue>,
) -> Result<Box<RawValue>, Error> {
    json(&job(engine, params)?.status())
}

/// Asks a job to stop; answers how far it is. One that runs is at work until
/// it has cleaned up, and one that has ended stays as it is.
pub(in crate::server) fn cancel(
    engine: &Engine,
    params: Option<&RawValue>,
) -> Result<Box<RawValue>, Error> {
    let job = job(engine, params)?;
    engine.cancel_job(&job);
    json(&job.status())
}

fn job(engine: &Engine, params: Option<&RawValue>) -> Result<Arc<Job>, Error> {
    let id: String = Params::read(params)?.required("job_id", "the id of a job")?;
    engine.job(&id).ok_or_else(|| {
        Error::invalid_params(format!(
            "job_id: expected a job of this server, found {id:?}, which is unknown or ended long ago"
        ))
    })
}
