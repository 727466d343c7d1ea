//! `generateDataset`: starts a job that does what `fimd generate` does.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::json;
use crate::dataset::Options;
use crate::engine::{DatasetOrder, Engine, SubmitError};
use crate::rpc::Error;
use crate::server::params::Params;
use crate::server::project::Connected;

/// The parameters beside the options of a dataset.
const PROJECT_ROOT: &str = "project_root";
const PROJECTS: &str = "projects";
const INPUTS: &str = "inputs";
const OUTPUT: &str = "output";
const RESUME: &str = "resume";

/// What is answered at once.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::server) struct Started {
    /// What the job is called, and the token of its progress.
    pub(in crate::server) job_id: String,
}

/// Accepts the job. Its project is that of the connection unless it names
/// projects or inputs.
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

fn order(connected: Option<&Connected>, params: &Params<'_>) -> Result<DatasetOrder, Error> {
    const EXPECTED: &str = "the absolute path of a folder";
    let named: Option<PathBuf> = params.optional(PROJECT_ROOT, EXPECTED)?;
    const PATHS: &str = "an array of absolute paths";
    let more: Option<Vec<PathBuf>> = params.optional(PROJECTS, PATHS)?;
    let inputs: Option<Vec<PathBuf>> = params.optional(INPUTS, PATHS)?;
    let inputs = inputs.unwrap_or_default();
    let more = more.unwrap_or_default();
    for (name, paths) in [(PROJECTS, &more), (INPUTS, &inputs)] {
        for path in paths {
            absolute(name, path)?;
        }
    }
    if let Some(root) = &named {
        absolute(PROJECT_ROOT, root)?;
    }
    let mut projects: Vec<_> = named.into_iter().chain(more).collect();
    if projects.is_empty() && inputs.is_empty() {
        let connected = connected.ok_or_else(Error::not_initialized)?;
        projects.push(connected.project.roots.root().to_owned());
    }
    let output: PathBuf = params.required(OUTPUT, EXPECTED)?;
    let resume: Option<bool> = params.optional(RESUME, "true or false")?;
    let options: Options = params.others(&[PROJECT_ROOT, PROJECTS, INPUTS, OUTPUT, RESUME])?;
    absolute(OUTPUT, &output)?;
    for path in &options.include_path {
        absolute("include_path", path)?;
    }
    if let Some(path) = &options.tokenizer {
        absolute("tokenizer", path)?;
    }
    if let Some(path) = &options.rejects {
        absolute("rejects", path)?;
    }
    Ok(DatasetOrder {
        projects,
        inputs,
        output,
        resume: resume.unwrap_or(false),
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
