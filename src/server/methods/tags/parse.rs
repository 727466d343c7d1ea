//! `tags/parse`: the tags of a text.

use serde_json::value::RawValue;

use super::content;
use crate::engine::tags::TagsView;
use crate::rpc::Error;
use crate::server::methods::Asked;
use crate::server::methods::json;
use crate::tags::Tags;

/// Parses off the runtime: the text may be long.
pub(in crate::server) async fn run(asked: Asked) -> Result<Box<RawValue>, Error> {
    let engine = asked.engine.clone();
    let parse = move || {
        let content = content(&asked.params()?)?;
        let tags = Tags::parse(&content);
        json(&TagsView::new(&content, &tags, asked.encoding()))
    };
    engine.run(parse).await?
}
