//! `tags/parse`: the tags of a text.

use serde_json::value::RawValue;

use super::target::content;
use crate::engine::tags::TagsView;
use crate::rpc::Error;
use crate::server::params::Params;
use crate::server::result::json;
use crate::server::session_view::SessionView;
use crate::tags::Tags;

/// The parameters of `tags/parse`.
#[derive(Debug)]
pub(in crate::server) struct TagsParseParams {
    content: String,
}

impl TagsParseParams {
    pub(in crate::server) fn read(raw: Option<&RawValue>) -> Result<Self, Error> {
        let content = content(&Params::read(raw)?)?;
        Ok(Self { content })
    }
}

/// Parses on the pool, because the text may be long.
pub(in crate::server) async fn run(
    session: SessionView,
    params: Result<TagsParseParams, Error>,
) -> Result<Box<RawValue>, Error> {
    let offsets = session.projects.offsets().await;
    let TagsParseParams { content } = params?;
    let parse = move || {
        let tags = Tags::parse(&content);
        json(&TagsView::new(&content, &tags, offsets))
    };
    session.engine.run(parse).await?
}
