//! fimd's own methods, the same in both framings. [`Method::parse`] is the one
//! list of their names, [`Method::start`] the one place that starts them.
//!
//! The messages of a session's life cycle are not here: `initialize`,
//! `shutdown`, `exit` and `$/cancelRequest` mean something else in each framing.
//! Neither are the other messages of LSP, which the language server handles.

mod buffer;
pub(super) mod cancel_request;
mod complete;
pub(super) mod completion_cursor;
mod generate_dataset;
mod get_context;
pub(super) mod initialize;
pub(super) mod inline_completion;
mod jobs;
mod settings;
mod status;
mod tags;

use serde_json::value::RawValue;

use self::complete::{CompleteParams, DeclinedParams, PlaceParams};
use self::generate_dataset::GenerateDatasetParams;
use self::get_context::GetContextParams;
use self::inline_completion::InlineCompletionParams;
use self::jobs::JobParams;
use self::tags::apply_config::ApplyConfigParams;
use self::tags::parse::TagsParseParams;
use self::tags::prompt::TagsPromptParams;
use self::tags::run::TagsRunParams;
use super::reply::Reply;
use super::requests::Requests;
use super::session_view::SessionView;
use crate::rpc::Error;

/// The parameters of a method, or what is wrong with them. Methods look at the
/// error only after they know whether there is a project: without one, a request
/// that needs it is answered `not initialized`, whatever its parameters.
type MethodParams<T> = Result<T, Error>;

/// A call of a method.
#[derive(Debug)]
pub(super) enum Method {
    /// `getContext`.
    GetContext(MethodParams<GetContextParams>),
    /// `complete`.
    Complete(MethodParams<CompleteParams>),
    /// `completion/accepted`.
    CompletionAccepted(MethodParams<PlaceParams>),
    /// `completion/declined`.
    CompletionDeclined(MethodParams<DeclinedParams>),
    /// `completion/readAhead`.
    CompletionReadAhead(MethodParams<PlaceParams>),
    /// `textDocument/inlineCompletion`, which only LSP sessions have.
    InlineCompletion(MethodParams<InlineCompletionParams>),
    /// `generateDataset`.
    GenerateDataset(MethodParams<GenerateDatasetParams>),
    /// `job/status`.
    JobStatus(MethodParams<JobParams>),
    /// `job/cancel`.
    JobCancel(MethodParams<JobParams>),
    /// `fimd/status`.
    Status,
    /// `fimd/settings`.
    Settings,
    /// `tags/parse`.
    TagsParse(MethodParams<TagsParseParams>),
    /// `tags/prompt`.
    TagsPrompt(MethodParams<TagsPromptParams>),
    /// `tags/run`.
    TagsRun(MethodParams<TagsRunParams>),
    /// `tags/applyConfig`.
    TagsApplyConfig(MethodParams<ApplyConfigParams>),
}

impl Method {
    /// The call of the method `name`; none if fimd has no such method.
    pub(super) fn parse(name: &str, params: Option<&RawValue>) -> Option<Self> {
        Some(match name {
            "getContext" => Self::GetContext(GetContextParams::read(params)),
            "complete" => Self::Complete(CompleteParams::read(params)),
            "completion/accepted" => Self::CompletionAccepted(PlaceParams::read(params)),
            "completion/declined" => Self::CompletionDeclined(DeclinedParams::read(params)),
            "completion/readAhead" => Self::CompletionReadAhead(PlaceParams::read(params)),
            "generateDataset" => Self::GenerateDataset(GenerateDatasetParams::read(params)),
            "job/status" => Self::JobStatus(JobParams::read(params)),
            "job/cancel" => Self::JobCancel(JobParams::read(params)),
            "fimd/status" => Self::Status,
            "fimd/settings" => Self::Settings,
            "tags/parse" => Self::TagsParse(TagsParseParams::read(params)),
            "tags/prompt" => Self::TagsPrompt(TagsPromptParams::read(params)),
            "tags/run" => Self::TagsRun(TagsRunParams::read(params)),
            "tags/applyConfig" => Self::TagsApplyConfig(ApplyConfigParams::read(params)),
            _ => return None,
        })
    }

    /// Starts the method; its result goes to `reply`.
    pub(super) fn start(self, session: SessionView, reply: Reply, requests: &mut Requests) {
        let client = requests.notifier();
        let id = reply.id().cloned();
        match self {
            Self::GetContext(params) => {
                requests.run(reply, |cancel| get_context::run(session, params, cancel))
            }
            Self::Complete(params) => {
                requests.run(reply, |cancel| complete::run(session, params, cancel))
            }
            Self::CompletionAccepted(params) => {
                requests.run(reply, |_| complete::accepted(session, params))
            }
            Self::CompletionDeclined(params) => {
                requests.run(reply, |_| complete::declined(session, params))
            }
            Self::CompletionReadAhead(params) => {
                requests.run(reply, |_| complete::read_ahead(session, params))
            }
            Self::InlineCompletion(params) => requests.run(reply, |cancel| {
                inline_completion::run(session, params, cancel)
            }),
            Self::GenerateDataset(params) => {
                requests.run(reply, |_| generate_dataset::run(session, params, client))
            }
            Self::JobStatus(params) => requests.run(reply, |_| jobs::status(session, params)),
            Self::JobCancel(params) => requests.run(reply, |_| jobs::cancel(session, params)),
            Self::Status => requests.run(reply, |_| status::run(session)),
            Self::Settings => requests.run(reply, |_| settings::run(session)),
            Self::TagsParse(params) => requests.run(reply, |_| tags::parse::run(session, params)),
            Self::TagsPrompt(params) => {
                requests.run(reply, |cancel| tags::prompt::run(session, params, cancel))
            }
            Self::TagsRun(params) => requests.run(reply, |cancel| {
                tags::run::run(session, params, id, client, cancel)
            }),
            Self::TagsApplyConfig(params) => {
                requests.run(reply, |_| tags::apply_config::run(session, params))
            }
        };
    }
}
