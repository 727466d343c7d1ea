//! `job/status` and `job/cancel`: the state of a job, whichever client started
//! it, and its cancellation.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::engine::{Engine, Job};
use crate::rpc::Error;
use crate::server::params::Params;
use crate::server::result::json;
use crate::server::session_view::SessionView;

/// The parameters of `job/status` and `job/cancel`.
#[derive(Debug)]
pub(in crate::server) struct JobParams {
    job_id: String,
}

impl JobParams {
    pub(super) fn read(raw: Option<&RawValue>) -> Result<Self, Error> {
        let job_id = Params::read(raw)?.required("job_id", "the id of a job")?;
        Ok(Self { job_id })
    }

    fn job(&self, engine: &Engine) -> Result<Arc<Job>, Error> {
        let id = &self.job_id;
        engine.job(id).ok_or_else(|| {
            Error::invalid_params(format!(
                "job_id: expected a job of this server, found {id:?}, which is unknown or ended long ago"
            ))
        })
    }
}

/// Answers the state of a job.
pub(super) async fn status(
    session: SessionView,
    params: Result<JobParams, Error>,
) -> Result<Box<RawValue>, Error> {
    session.projects.wait().await;
    let job = params?.job(&session.engine)?;
    json(&job.status())
}

/// Asks a job to stop and answers its state. A running job is at work until it
/// has cleaned up, and a job that has ended stays as it is.
pub(super) async fn cancel(
    session: SessionView,
    params: Result<JobParams, Error>,
) -> Result<Box<RawValue>, Error> {
    session.projects.wait().await;
    let job = params?.job(&session.engine)?;
    session.engine.cancel_job(&job);
    json(&job.status())
}
