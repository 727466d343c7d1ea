//! `tags/run`: puts a model's text in the place of a FIM tag, or applies a config
//! tag. fimd sends the text as it comes, in notifications `tags/delta`; a delta
//! never takes back text of an earlier one.

use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::target::{FimTarget, resources};
use crate::cancel::Cancel;
use crate::config::EditorResources;
use crate::endpoint::EndpointError;
use crate::engine::tags::{PreparedRun, RunError, RunView, Runner};
use crate::rpc::{self, Error, Id};
use crate::server::output::Notifier;
use crate::server::params::Params;
use crate::server::result;
use crate::server::session_view::SessionView;

/// The parameters of `tags/run`.
#[derive(Debug)]
pub(in crate::server) struct TagsRunParams {
    tag: FimTarget,
    /// For a config tag.
    resources: EditorResources,
    /// The name of the run in its deltas; if none, the id of the request.
    run_id: Option<Box<RawValue>>,
}

impl TagsRunParams {
    pub(in crate::server) fn read(raw: Option<&RawValue>) -> Result<Self, Error> {
        let params = &Params::read(raw)?;
        Ok(Self {
            run_id: params.optional("run_id", "any value")?,
            tag: FimTarget::read(params)?,
            resources: resources(params)?,
        })
    }
}

/// What generating at a tag does.
enum TagAction {
    /// Runs the FIM tag.
    Run(Box<PreparedRun>),
    /// Applies the config tag of a text at a byte.
    Apply(String, usize),
}

/// The parameters of `tags/delta`.
#[derive(Debug, Serialize)]
struct DeltaParams<'a> {
    run_id: &'a RawValue,
    /// The text that follows the text of earlier deltas.
    text: &'a str,
}

/// Runs the tag for the request `id`. Dropping the future, as a cancellation
/// does, closes the connection to the model server.
pub(in crate::server) async fn run(
    session: SessionView,
    params: Result<TagsRunParams, Error>,
    id: Option<Id>,
    client: Notifier,
    cancel: Cancel,
) -> Result<Box<RawValue>, Error> {
    let offsets = session.projects.offsets().await;
    let TagsRunParams {
        tag,
        resources,
        run_id,
    } = params?;
    let run_id = run_id
        .or_else(|| id.map(Id::into_raw))
        .unwrap_or_else(|| RawValue::NULL.to_owned());
    let settings = session.engine.settings();
    let file = tag.file_with_context(&session.projects, &settings).await?;
    let SessionView { engine, open, .. } = session;
    let prepare = {
        let settings = settings.clone();
        move || match tag.config(offsets) {
            Some((content, at)) => Ok(TagAction::Apply(content, at)),
            None => tag
                .prepare(offsets, file, &open, &settings, &cancel)
                .map(|prepared| TagAction::Run(Box::new(prepared))),
        }
    };
    let prepared = match engine.run(prepare).await?? {
        TagAction::Run(prepared) => prepared,
        TagAction::Apply(content, at) => {
            return result::json(&engine.apply_config(content, at, resources).await??);
        }
    };
    let runner = Runner::new(&settings, engine.run_log().cloned())?;
    let show = |text: String| {
        let (client, run_id) = (&client, &*run_id);
        async move {
            let delta = || {
                let text = &text;
                rpc::notification("tags/delta", &DeltaParams { run_id, text })
            };
            // If the client has left, its session ends the run.
            let _ = client.send(delta).await;
        }
    };
    let _due = engine.due_answer();
    let outcome = runner.run(&prepared, show).await?;
    engine
        .run(move || result::json(&RunView::new(&prepared, &outcome, offsets)))
        .await?
}

impl From<EndpointError> for Error {
    fn from(error: EndpointError) -> Self {
        Self::model_server(error.to_string())
    }
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        let message = error.to_string();
        let partial = error.partial();
        let data = (!partial.is_empty()).then(|| json!({ "partial": partial }));
        let error = match &error {
            RunError::Endpoint { .. } => Self::model_server(message),
            RunError::Stops(_) => Self::internal(message),
        };
        error.with_data(data)
    }
}
