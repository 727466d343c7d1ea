//! `tags/run`: puts a model's text in the place of a FIM tag. The text is told
//! as it comes, in notifications `tags/delta`, none of which takes anything of
//! the last one back.

use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::cancel::Cancel;
use crate::endpoint::EndpointError;
use crate::engine::tags::{RunError, RunView, Runner};
use crate::rpc::{self, Error, Id};
use crate::server::methods;
use crate::server::methods::Asked;
use crate::server::reply::Notifier;

/// The params of `tags/delta`.
#[derive(Debug, Serialize)]
struct Delta<'a> {
    /// The parameter of this name, else the id of the request.
    run_id: &'a RawValue,
    /// What comes next.
    text: &'a str,
}

/// Runs the tag. Dropping the future, as cancelling does, closes the
/// connection to the model server.
pub(in crate::server) async fn run(
    asked: Asked,
    id: Option<Id>,
    client: Notifier,
    cancel: Cancel,
) -> Result<Box<RawValue>, Error> {
    let engine = asked.engine.clone();
    let encoding = asked.encoding();
    let run_id = run_id(&asked, id)?;
    let settings = engine.settings();
    let prepare = {
        let settings = settings.clone();
        move || asked.prepare(&settings, &cancel)
    };
    let prepared = engine.run(prepare).await??;
    let runner = Runner::new(&settings, engine.run_log().cloned())?;
    let show = |text: String| {
        let (client, run_id) = (&client, &*run_id);
        async move {
            let delta = || {
                let text = &text;
                rpc::notification("tags/delta", &Delta { run_id, text })
            };
            // A client that has gone ends the run by itself.
            let _ = client.send(delta).await;
        }
    };
    let outcome = runner.run(&prepared, show).await?;
    engine
        .run(move || methods::json(&RunView::new(&prepared, &outcome, encoding)))
        .await?
}

/// What the run is called in its deltas.
fn run_id(asked: &Asked, id: Option<Id>) -> Result<Box<RawValue>, Error> {
    let named: Option<&RawValue> = asked.params()?.optional("run_id", "any value")?;
    Ok(match (named, id) {
        (Some(named), _) => named.to_owned(),
        (None, Some(id)) => id.into_raw(),
        (None, None) => RawValue::NULL.to_owned(),
    })
}

impl From<EndpointError> for Error {
    fn from(error: EndpointError) -> Self {
        Self::model_server(error.to_string())
    }
}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        let partial = error.partial();
        let data = (!partial.is_empty()).then(|| json!({ "partial": partial }));
        Self::internal(error.to_string()).with_data(data)
    }
}
