//! `tags/prompt`: what a FIM tag would ask the model.

use serde_json::value::RawValue;

use crate::cancel::Cancel;
use crate::engine::tags::PromptView;
use crate::rpc::Error;
use crate::server::methods::Asked;
use crate::server::methods::json;

/// Assembles the prompt off the runtime.
pub(in crate::server) async fn run(asked: Asked, cancel: Cancel) -> Result<Box<RawValue>, Error> {
    let engine = asked.engine.clone();
    let prompt = move || {
        let settings = asked.engine.settings();
        let prepared = asked.prepare(&settings, &cancel)?;
        json(&PromptView::new(
            &prepared,
            &settings.endpoint,
            asked.encoding(),
        ))
    };
    engine.run(prompt).await?
}
