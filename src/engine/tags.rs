//! Running a FIM tag: what it asks ([`prepare`]), the model's answer as it
//! comes ([`Runner::run`]), and what that does to the text ([`RunOutcome`]).
//!
//! Nothing changes unless the answer is complete: an error leaves the text as
//! it was and holds what had come by then. What has been given out of an answer
//! is never taken back, and however it is cut into deltas the outcome is the same.

mod context;
mod log;
mod stops;
mod view;

use std::future::Future;
use std::ops::Range;

use futures_util::TryStreamExt;
use serde::Serialize;

pub use self::context::{ContextError, TagSite, context, has_context};
pub use self::log::{LogError, LoggedRun, LoggedWindow, RunLog};
pub use self::view::{PromptView, RunView, TagsView};

use crate::config::{Settings, TagSettings};
use crate::endpoint::{EndpointError, ModelClient, ModelPrompt, ModelRequest, StreamDelta};
use crate::tags::stop::{Matcher, StopError};
use crate::tags::{Edit, Fault, Fim, Stop, Tag, TagKind, TagPrompt, Tags};
use crate::text::TextPosition;

/// What the model is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptMode {
    /// To fill a gap.
    Fim,
    /// To go on from the text before the tag.
    Completion,
}

/// A tag that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// There is none.
    #[error("no tag at byte {at}; it must contain that byte or end right before it")]
    NoTag {
        /// Where one was looked for.
        at: usize,
    },
    /// It asks for no text.
    #[error("{place}: this is a {kind} tag; only tags such as [[[100]]] generate text")]
    NotFim {
        /// Where it is.
        place: TextPosition,
        /// What it is.
        kind: &'static str,
    },
    /// It is malformed.
    #[error("{place}: {message}; {hint}")]
    Invalid {
        /// Where the fault is.
        place: TextPosition,
        /// What was expected and what was found.
        message: String,
        /// What to do about it.
        hint: &'static str,
    },
}

/// A run that came to nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RunError {
    /// Its stop patterns cannot be watched for.
    #[error("{0}")]
    Stops(String),
    /// The model server gave no answer, or not all of it.
    #[error("{error}{}", lost(.partial))]
    Endpoint {
        /// What happened.
        error: EndpointError,
        /// What had come by then.
        partial: String,
    },
}

impl RunError {
    /// The text that had come before the answer broke off.
    #[must_use]
    pub fn partial(&self) -> &str {
        match self {
            Self::Stops(_) => "",
            Self::Endpoint { partial, .. } => partial,
        }
    }
}

fn lost(partial: &str) -> String {
    match partial.chars().count() {
        0 => String::new(),
        chars => format!(
            "; {chars} characters had come and are not kept (keep_partial under [tags] in the \
             settings file keeps them)"
        ),
    }
}

impl From<StopError> for RunError {
    fn from(error: StopError) -> Self {
        Self::Stops(error.to_string())
    }
}

/// What a FIM tag asks a model.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedRun {
    /// The text that it stands in.
    content: String,
    /// What the tag says and what is around it.
    pub prompt: TagPrompt,
    /// The cross-file context before it; empty if there is none.
    pub context: String,
    /// What the model server is asked.
    pub request: ModelRequest,
    /// The one text that it is sent, if it is one.
    pub sent: Option<String>,
}

impl PreparedRun {
    /// What the model is asked to do.
    #[must_use]
    pub fn mode(&self) -> PromptMode {
        match self.request.prompt {
            ModelPrompt::Plain(_) => PromptMode::Completion,
            ModelPrompt::Fim { .. } => PromptMode::Fim,
        }
    }

    /// The text that the tag stands in.
    #[must_use]
    pub fn content(&self) -> &str {
        &self.content
    }
}

/// The FIM tag of `text` that contains the byte `at` or ends right before it.
///
/// # Errors
/// If there is no tag, it is none that generates text, or it is malformed.
pub fn fim_at<'t>(text: &str, tags: &'t Tags, at: usize) -> Result<(&'t Tag, &'t Fim), TagError> {
    let tag = tags.at(at).ok_or(TagError::NoTag { at })?;
    fim(text, tag).map(|fim| (tag, fim))
}

fn fim<'t>(text: &str, tag: &'t Tag) -> Result<&'t Fim, TagError> {
    let kind = match &tag.kind {
        TagKind::Fim(fim) => return Ok(fim),
        TagKind::Invalid(Fault { message, at, hint }) => {
            return Err(TagError::Invalid {
                place: TextPosition::line_column(text, tag.range.start + at),
                message: message.clone(),
                hint,
            });
        }
        kind => view::kind(kind),
    };
    Err(TagError::NotFim {
        place: TextPosition::line_column(text, tag.range.start),
        kind,
    })
}

/// What the tag of `content` at the byte `at` asks the model behind `endpoint`,
/// with `context`, which may be empty, before the prefix.
///
/// # Errors
/// As [`fim_at`].
pub fn prepare(
    content: String,
    at: usize,
    settings: &Settings,
    context: String,
) -> Result<PreparedRun, TagError> {
    let Settings { endpoint, tags, .. } = settings;
    let parsed = Tags::parse(&content);
    let (tag, fim) = fim_at(&content, &parsed, at)?;
    let prompt = TagPrompt::new(&content, &parsed, tag, fim, tags.strip_inner);
    let before = [&*context, &*prompt.window.before].concat();
    let request = ModelRequest {
        prompt: ModelPrompt::new(endpoint, before, prompt.window.after.clone()),
        max_tokens: prompt.max_tokens,
        temperature: prompt.temperature,
        top_p: prompt.top_p,
        stop: stops::for_server(&prompt.stops),
    };
    Ok(PreparedRun {
        sent: request.prompt.text(endpoint),
        content,
        prompt,
        context,
        request,
    })
}

/// What a run has come to.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOutcome {
    /// Where the tag stood, in bytes of the text that it was run in.
    pub tag: Range<usize>,
    /// What stands in the tag's place.
    pub text: String,
    /// The stop pattern that ended it, if one did and the server, if it was
    /// the one to see it, says so.
    pub stopped_by: Option<String>,
    /// What changes in the text, in order.
    pub edits: Vec<Edit>,
    /// The text after the changes.
    pub content: String,
    /// Why the answer broke off, if it did and the settings say that what has
    /// come is kept.
    pub broken: Option<EndpointError>,
}

impl RunOutcome {
    /// Where the text ends that stands in the tag's place, in bytes of
    /// [`Self::content`].
    #[must_use]
    pub fn end(&self) -> usize {
        let mut end = 0;
        let mut at = 0;
        for edit in &self.edits {
            end += edit.start - at + edit.new_text.len();
            at = edit.end;
            if edit.end == self.tag.end {
                break;
            }
        }
        end
    }
}

/// Runs tags.
#[derive(Clone, Debug)]
pub struct Runner {
    client: ModelClient,
    keep_partial: bool,
    log: Option<(RunLog, usize)>,
}

impl Runner {
    /// One that asks the server of `settings` and keeps to them. What it does
    /// is remembered in `log`, unless the settings say otherwise.
    ///
    /// # Errors
    /// As [`ModelClient::new`].
    pub fn new(settings: &Settings, log: Option<RunLog>) -> Result<Self, EndpointError> {
        let TagSettings {
            keep_partial,
            log_runs,
            ..
        } = settings.tags;
        Ok(Self {
            client: ModelClient::new(&settings.endpoint)?,
            keep_partial,
            log: log.filter(|_| log_runs > 0).map(|log| (log, log_runs)),
        })
    }

    /// Runs a tag. Gives the text that comes in its place to `show`, delta by
    /// delta; together these texts are the outcome's text. To drop the future is
    /// to cancel the run, which closes the connection.
    ///
    /// # Errors
    /// If the server gives no answer or breaks off; then nothing is to change.
    pub async fn run<F: Future<Output = ()> + Send>(
        &self,
        prepared: &PreparedRun,
        show: impl FnMut(String) -> F + Send,
    ) -> Result<RunOutcome, RunError> {
        let outcome = self.ask(prepared, show).await;
        if let Some((log, keep)) = &self.log {
            log.add(LoggedRun::new(prepared, &outcome), *keep).await;
        }
        outcome
    }

    async fn ask<F: Future<Output = ()> + Send>(
        &self,
        prepared: &PreparedRun,
        mut show: impl FnMut(String) -> F + Send,
    ) -> Result<RunOutcome, RunError> {
        let TagPrompt {
            prepend, append, ..
        } = &prepared.prompt;
        let mut answer = Answer::new(prepared.prompt.stops.clone())?;
        let mut deltas = Box::pin(self.client.stream(prepared.request.clone()));
        let mut shown = String::new();
        let mut begun = false;
        let mut broken = None;
        loop {
            let delta = match deltas.try_next().await {
                Ok(Some(delta)) => delta,
                Ok(None) => break,
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            };
            let mut new = String::new();
            let ended = answer.push(delta, &mut new);
            if !begun && !new.is_empty() {
                begun = true;
                new.insert_str(0, prepend);
            }
            shown.push_str(&new);
            if !new.is_empty() {
                show(new).await;
            }
            if ended {
                break;
            }
        }
        // Whatever else the server would say does not count.
        drop(deltas);
        let mut rest = String::new();
        let stopped_by = answer.finish(&mut rest);
        if !begun && (broken.is_none() || !rest.is_empty()) {
            rest.insert_str(0, prepend);
        }
        match broken {
            Some(error) if !self.keep_partial || (shown.is_empty() && rest.is_empty()) => {
                shown.push_str(&rest);
                return Err(RunError::Endpoint {
                    error,
                    partial: shown,
                });
            }
            Some(_) => {}
            None => rest.push_str(append),
        }
        shown.push_str(&rest);
        if !rest.is_empty() {
            show(rest).await;
        }
        let edits = prepared.prompt.edits_to(shown.clone());
        Ok(RunOutcome {
            tag: prepared.prompt.tag.clone(),
            content: Edit::apply(&prepared.content, &edits),
            text: shown,
            stopped_by,
            edits,
            broken,
        })
    }
}

/// The generated text as it comes.
struct Answer {
    /// None if nothing stops it.
    matcher: Matcher,
    /// The pattern that the server has ended at.
    stopped_by: Option<String>,
}

impl Answer {
    fn new(stops: Vec<Stop>) -> Result<Self, StopError> {
        Ok(Self {
            matcher: Matcher::new(stops)?,
            stopped_by: None,
        })
    }

    /// Takes a delta, and adds to `new` what is decided by it. Whether the
    /// text has ended.
    fn push(&mut self, delta: StreamDelta, new: &mut String) -> bool {
        self.stopped_by = delta.stopped_by;
        self.matcher.push(delta.text.as_bytes(), new)
    }

    /// Adds to `new` what was held back. The pattern that ended the text.
    fn finish(self, new: &mut String) -> Option<String> {
        let matched = self.matcher.finish(new);
        matched.map(|stop| stop.pattern).or(self.stopped_by)
    }
}

/// Whether all tags of `text` are well formed.
///
/// # Errors
/// The first that is not.
pub fn check(text: &str) -> Result<(), TagError> {
    let tags = Tags::parse(text);
    let invalid = |tag: &&Tag| matches!(tag.kind, TagKind::Invalid(_));
    match tags.all().iter().find(invalid) {
        Some(tag) => fim(text, tag).map(drop),
        None => Ok(()),
    }
}

/// Where the first FIM tag at `from` or behind it begins, in bytes; none if
/// there is none.
///
/// # Errors
/// If a malformed tag comes before it: running tags from top to bottom ends
/// there.
pub fn first_fim(text: &str, from: usize) -> Result<Option<usize>, TagError> {
    let tags = Tags::parse(text);
    let mut rest = tags.all().iter().filter(|tag| tag.range.start >= from);
    let found = rest.find(|tag| matches!(tag.kind, TagKind::Fim(_) | TagKind::Invalid(_)));
    found
        .map(|tag| fim(text, tag).map(|_| tag.range.start))
        .transpose()
}
