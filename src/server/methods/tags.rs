//! `tags/parse`, `tags/prompt`, `tags/run` and `tags/applyConfig`: FIMpad tags in a text that the
//! client gives. They need no project, and so no `initialize`; without one
//! offsets count bytes. Only cross-file context is that of the project.

mod apply_config;
pub(in crate::server) mod parse;
pub(in crate::server) mod prompt;
pub(in crate::server) mod run;

use std::future::Future;

use super::Asked;
use crate::cancel::Cancel;
use crate::config::Settings;
use crate::engine::tags::{
    ContextError, PreparedRun, TagError, TagSite, context, has_context, prepare,
};
use crate::rpc::{Error, Id};
use crate::server::params::Params;
use crate::server::reply::Reply;
use crate::server::requests::Requests;
use crate::text::{Encoding, byte_offset};

/// Starts what `method` asks for, once it is known who asks.
pub(in crate::server) fn start(
    method: &str,
    asked: impl Future<Output = Asked> + Send + 'static,
    id: Option<Id>,
    reply: Reply,
    bytes: usize,
    requests: &mut Requests,
) {
    let client = requests.notifier();
    let method = method.to_owned();
    requests.request(id.clone(), reply, bytes, |cancel| async move {
        let asked = asked.await;
        match method.as_str() {
            "tags/parse" => parse::run(asked).await,
            "tags/prompt" => prompt::run(asked, cancel).await,
            "tags/run" => run::run(asked, id, client, cancel).await,
            "tags/applyConfig" => apply_config::run(asked).await,
            _ => Err(Error::method_not_found(&method)),
        }
    });
}

impl Asked {
    /// The unit of the client's offsets.
    fn encoding(&self) -> Encoding {
        let connected = self.connected.as_deref();
        connected.map_or_else(Encoding::default, |connected| connected.offsets)
    }

    fn params(&self) -> Result<Params<'_>, Error> {
        Params::read(self.params.as_deref())
    }

    /// The text that the parameters give, and the byte in it that they name.
    fn place(&self, params: &Params<'_>) -> Result<(String, usize), Error> {
        let content = content(params)?;
        let offset = params.count("cursor_offset")?.ok_or_else(|| {
            Error::invalid_params("cursor_offset: expected an integer of 0 or more, found nothing")
        })?;
        let at = byte_offset(&content, offset, self.encoding());
        Ok((content, at))
    }

    /// What the tag that the parameters name asks the model.
    fn prepare(&self, settings: &Settings, cancel: &Cancel) -> Result<PreparedRun, Error> {
        let params = self.params()?;
        let (content, at) = self.place(&params)?;
        let context = self.context(&params, settings, &content, at, cancel)?;
        Ok(prepare(content, at, settings, context)?)
    }

    /// The cross-file context, if it is wanted: as the parameters say, else
    /// the settings.
    fn context(
        &self,
        params: &Params<'_>,
        settings: &Settings,
        content: &str,
        at: usize,
        cancel: &Cancel,
    ) -> Result<String, Error> {
        let path: Option<String> = params.optional("filepath", "a path")?;
        let asked = params.optional("context", "true or false")?;
        let path = match (asked.unwrap_or(settings.tags.context), path) {
            (true, Some(path)) if has_context(&path) => path,
            (true, None) if asked.is_some() => {
                return Err(Error::invalid_params(
                    "filepath: expected the path of the file that is to have a context, found \
                     nothing",
                ));
            }
            _ => return Ok(String::new()),
        };
        let connected = self
            .connected
            .as_deref()
            .ok_or_else(Error::not_initialized)?;
        let key = connected.project.roots.key(&path);
        let snapshot = self.open.over(connected.project.index.snapshot(), &key);
        let site = TagSite {
            path: &key,
            content,
            at,
            sources: connected.sources,
            secrets: connected.secrets.as_deref(),
        };
        context(&snapshot, site, cancel).map_err(|error| match error {
            ContextError::Tag(error) => error.into(),
            ContextError::Cancelled(_) => Error::cancelled(),
        })
    }
}

fn content(params: &Params<'_>) -> Result<String, Error> {
    params.required("content", "the text with the tags")
}

impl From<TagError> for Error {
    fn from(error: TagError) -> Self {
        Self::invalid_params(error.to_string())
    }
}
