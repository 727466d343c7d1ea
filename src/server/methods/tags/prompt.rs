//! `tags/prompt`: the prompt that a FIM tag would send to the model.

use serde_json::value::RawValue;

use super::target::FimTarget;
use crate::cancel::Cancel;
use crate::engine::tags::PromptView;
use crate::rpc::Error;
use crate::server::params::Params;
use crate::server::result::json;
use crate::server::session_view::SessionView;

/// The parameters of `tags/prompt`.
#[derive(Debug)]
pub(in crate::server) struct TagsPromptParams {
    tag: FimTarget,
}

impl TagsPromptParams {
    pub(in crate::server) fn read(raw: Option<&RawValue>) -> Result<Self, Error> {
        let tag = FimTarget::read(&Params::read(raw)?)?;
        Ok(Self { tag })
    }
}

/// Assembles the prompt on the pool.
pub(in crate::server) async fn run(
    session: SessionView,
    params: Result<TagsPromptParams, Error>,
    cancel: Cancel,
) -> Result<Box<RawValue>, Error> {
    let offsets = session.projects.offsets().await;
    let TagsPromptParams { tag } = params?;
    let settings = session.engine.settings();
    let file = tag.file_with_context(&session.projects, &settings).await?;
    let SessionView { engine, open, .. } = session;
    let prompt = move || {
        let prepared = tag.prepare(offsets, file, &open, &settings, &cancel)?;
        json(&PromptView::new(&prepared, &settings.endpoint, offsets))
    };
    engine.run(prompt).await?
}
