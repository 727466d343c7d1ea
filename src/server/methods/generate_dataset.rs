//! `generateDataset`: starts a job that does what `fimd generate` does.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::dataset::Options;
use crate::engine::{DatasetOrder, SubmitError};
use crate::rpc::Error;
use crate::server::output::Notifier;
use crate::server::params::Params;
use crate::server::progress;
use crate::server::result::{MethodResult, json};
use crate::server::session_view::SessionView;

/// The parameters that are not options of a dataset.
const PROJECT_ROOT: &str = "project_root";
const PROJECTS: &str = "projects";
const INPUTS: &str = "inputs";
const OUTPUT: &str = "output";
const RESUME: &str = "resume";

/// What a parameter that names a folder is.
const FOLDER: &str = "the absolute path of a folder";

/// The parameters of `generateDataset`.
#[derive(Debug)]
pub(in crate::server) struct GenerateDatasetParams {
    /// `project_root` and `projects`. If these and the inputs are empty, the
    /// projects are the folders that the connection names.
    projects: Vec<PathBuf>,
    inputs: Vec<PathBuf>,
    output: PathBuf,
    resume: bool,
    options: Box<Options>,
}

impl GenerateDatasetParams {
    pub(super) fn read(raw: Option<&RawValue>) -> Result<Self, Error> {
        const PATHS: &str = "an array of absolute paths";
        let params = Params::read(raw)?;
        let root: Option<PathBuf> = params.optional(PROJECT_ROOT, FOLDER)?;
        let more: Option<Vec<PathBuf>> = params.optional(PROJECTS, PATHS)?;
        let inputs: Option<Vec<PathBuf>> = params.optional(INPUTS, PATHS)?;
        let output: PathBuf = params.required(OUTPUT, FOLDER)?;
        let resume: Option<bool> = params.optional(RESUME, "true or false")?;
        let options: Options = params.others(&[PROJECT_ROOT, PROJECTS, INPUTS, OUTPUT, RESUME])?;
        let (more, inputs) = (more.unwrap_or_default(), inputs.unwrap_or_default());
        let named = [
            (PROJECTS, more.as_slice()),
            (INPUTS, inputs.as_slice()),
            (PROJECT_ROOT, root.as_slice()),
            (OUTPUT, std::slice::from_ref(&output)),
            ("include_path", options.include_path.as_slice()),
            ("tokenizer", options.tokenizer.as_slice()),
            ("rejects", options.rejects.as_slice()),
            ("exclude_dataset", options.exclude_dataset.as_slice()),
            ("contamination", options.contamination.as_slice()),
        ];
        for (name, paths) in named {
            paths
                .iter()
                .try_for_each(|path| require_absolute(name, path))?;
        }
        Ok(Self {
            projects: root.into_iter().chain(more).collect(),
            inputs,
            output,
            resume: resume.unwrap_or(false),
            options: Box::new(options),
        })
    }
}

/// The result of `generateDataset`.
#[derive(Debug, Serialize)]
struct GenerateDatasetResult<'a> {
    /// The id of the job, which is the token of its progress, too.
    job_id: &'a str,
}

/// Submits the job. The client is told its progress after the answer.
pub(super) async fn run(
    session: SessionView,
    params: Result<GenerateDatasetParams, Error>,
    client: Notifier,
) -> Result<MethodResult, Error> {
    let known = session.projects.wait().await;
    let GenerateDatasetParams {
        mut projects,
        inputs,
        output,
        resume,
        options,
    } = params?;
    if projects.is_empty() && inputs.is_empty() {
        let known = known.ok_or_else(Error::not_initialized)?;
        projects.extend(known.folders().into_iter().map(|folder| folder.path));
        if projects.is_empty() {
            return Err(Error::invalid_params(format!(
                "{PROJECT_ROOT}: expected {FOLDER}, because this session has no project; found \
                 nothing"
            )));
        }
    }
    let order = DatasetOrder {
        projects,
        inputs,
        output,
        resume,
        options: *options,
    };
    let job = session.engine.submit(order).await?;
    let answer = GenerateDatasetResult { job_id: job.id() };
    Ok(MethodResult {
        json: json(&answer)?,
        after: Some(Box::new(|| progress::follow(job, client))),
    })
}

/// Refuses a relative path: the server's working folder is not the client's.
fn require_absolute(name: &str, path: &Path) -> Result<(), Error> {
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
