//! `generateDataset`: starts a job that does what `fimd generate` does.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::json;
use crate::dataset::Options;
use crate::engine::{Engine, Order, SubmitError};
use crate::rpc::Error;
use crate::server::params::Params;
use crate::server::project::Connected;

/// The parameters beside the options of a dataset.
const PROJECT_ROOT: &str = "project_root";
const OUTPUT: &str = "output";

/// What is answered at once.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::server) struct Started {
    /// What the job is called, and the token of its progress.
    pub(in crate::server) job_id: String,
}

/// Accepts the job. Its project is that of the connection unless it names one.
pub(in crate::server) async fn run(
    engine: &Engine,
    connected: Option<Arc<Connected>>,
    params: Option<&RawValue>,
) -> Result<Box<RawValue>, Error> {
    let order = order(connected.as_deref(), &Params::read(params)?)?;
    let job = engine.submit(order).await?;
    let job_id = job.id().to_owned();
    json(&Started { job_id })
}

fn order(connected: Option<&Connected>, params: &Params<'_>) -> Result<Order, Error> {
    const EXPECTED: &str = "the absolute path of a folder";
    let named: Option<PathBuf> = params.optional(PROJECT_ROOT, EXPECTED)?;
    let project_root = match (named, connected) {
        (Some(root), _) => root,
        (None, Some(connected)) => connected.project.roots.root().to_owned(),
        (None, None) => return Err(Error::not_initialized()),
    };
    let output: PathBuf = params.required(OUTPUT, EXPECTED)?;
    let options: Options = params.others(&[PROJECT_ROOT, OUTPUT])?;
    absolute(PROJECT_ROOT, &project_root)?;
    absolute(OUTPUT, &output)?;
    for path in &options.include_path {
        absolute("include_path", path)?;
    }
    if let Some(path) = &options.tokenizer {
        absolute("tokenizer", path)?;
    }
    Ok(Order {
        project_root,
        output,
        options,
    })
}

/// The server's working folder is not the client's.
fn absolute(name: &str, path: &Path) -> Result<(), Error> {
    if path.is_absolute() {
        return Ok(());
    }
    let found = path.display();
    Err(Error::invalid_params(format!(
        "{name}: expected an absolute path, found {found}"
    )))
}

impl From<SubmitError> for Error {
    fn from(error: SubmitError) -> Self {
        let message = error.to_string();
        match error {
            SubmitError::Options(_) | SubmitError::Busy(..) => Self::invalid_params(message),
            SubmitError::Full | SubmitError::Ending | SubmitError::Work(_) => {
                Self::internal(message)
            }
        }
    }
}
