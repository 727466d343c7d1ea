//! A completion that is ready to be asked for, and its answers.

use std::sync::Mutex;
use std::time::Instant;

use futures_util::TryStreamExt;
use tokio::sync::watch;

use super::courses::{ClientCourses, completion_course, course_context};
use super::{AskedPrompt, BufferPosition, CompletionRequest, ModelServer, Trigger, millis};
use crate::cancel::{Cancel, Cancelled};
use crate::completion::{AnswerFilter, CompletionExtent, ShownAnswer};
use crate::config::{ContextSources, EndpointKind};
use crate::context::{Context, MinScore, assemble};
use crate::endpoint::{EndpointError, ModelPrompt, ModelRequest, Observed};
use crate::index::Snapshot;
use crate::model::ModelText;
use crate::prompt::{Prompt, PromptBuffer, PromptLimits, PromptSettings};
use crate::secrets::Secrets;

/// The most tokens of a completion that ends with the line.
const MAX_LINE_TOKENS: u32 = 96;
/// How long a server that knows of it may write on at an automatic completion once it
/// has begun a second line, in milliseconds.
const AUTOMATIC_WRITE_MS: u32 = 1000;
/// The stop pattern of a completion that ends with the line.
const LINE_BREAK: &str = "\n";
/// As long as an answer has no more bytes, it is looked at with each text that comes.
/// Then only when it has grown by one part in [`LOOKS_PART`], so that looking at it takes
/// time in proportion to its length.
const MAX_LOOKS_BYTES: usize = 4 << 10;
/// See [`MAX_LOOKS_BYTES`].
const LOOKS_PART: usize = 16;
/// The temperature of answers that are to differ, where the settings have none or 0.
const VARYING_TEMPERATURE: f64 = 0.8;

/// A request with its context and prompt.
pub(super) struct PreparedCompletion {
    pub(super) position: BufferPosition,
    pub(super) context: Context,
    /// The byte at which its course begins; none without a context.
    pub(super) context_start: Option<usize>,
    /// The prompt of a server that is sent one text.
    text: ModelText,
    filter: AnswerFilter,
    pub(super) model_request: ModelRequest,
    max_lines: usize,
}

impl ModelServer {
    /// What prompts for the server with a total of `total` characters are made with.
    pub(super) fn prompt_settings<'a>(
        &'a self,
        total: usize,
        sources: ContextSources,
        secrets: Option<&'a Secrets>,
    ) -> PromptSettings<'a> {
        let completion = &self.settings.completion;
        let limits = PromptLimits {
            total,
            ..completion.limits()
        };
        PromptSettings {
            budget: limits.budget(),
            style: completion.context_style,
            family: &self.settings.endpoint.family,
            control_tokens: &self.control_tokens,
            min_score: MinScore::default(),
            dependencies: sources.dependencies,
            bm25: sources.bm25,
            secrets,
        }
    }

    /// The context that is made for the cursor of `request` alone, as `getContext` makes
    /// it without a session.
    ///
    /// # Errors
    /// [`Cancelled`] once `cancel` is set.
    pub fn fresh_context(
        &self,
        request: &CompletionRequest,
        snapshot: &Snapshot,
        cancel: &Cancel,
    ) -> Result<Context, Cancelled> {
        let BufferPosition {
            path,
            content,
            cursor,
            ..
        } = &request.position;
        let total = self.settings.completion.max_total_chars;
        let settings = self.prompt_settings(total, request.sources, request.secrets.as_deref());
        let request = settings.context_request(path, content, *cursor);
        let context = request.map(|request| assemble(snapshot, &request, cancel));
        context.unwrap_or_else(|| Ok(Context::default()))
    }

    /// The texts at which an answer ends: `newline`, the tokens of the family, and the
    /// header of a next file.
    fn stops(&self, newline: Option<&str>) -> Vec<String> {
        let family = &self.settings.endpoint.family;
        // Behind a line break, the header is not reached.
        let header = match newline {
            Some(_) => None,
            None => family.header_stop(self.settings.completion.context_style),
        };
        let first = newline.into_iter().chain([family.end.trim()]);
        let tokens = first.chain(header.as_deref());
        let tokens = tokens.chain(family.stops.iter().map(String::as_str));
        tokens.map(str::to_owned).collect()
    }
}

/// `prompt` as a server of this kind is sent it. `text` is all of it.
fn asked(prompt: Prompt<'_>, text: &ModelText, kind: EndpointKind) -> ModelPrompt {
    match kind {
        EndpointKind::Completions => ModelPrompt::Plain(text.text.clone()),
        EndpointKind::Infill | EndpointKind::Ollama => ModelPrompt::Code {
            context: prompt.context_files(),
            before: prompt.prefix,
            after: prompt.suffix,
        },
    }
}

impl PreparedCompletion {
    pub(super) fn new(
        request: CompletionRequest,
        snapshot: &Snapshot,
        server: &ModelServer,
        courses: &Mutex<ClientCourses>,
        cancel: &Cancel,
    ) -> Result<Self, Cancelled> {
        let total = server.total_chars(&request, snapshot, courses);
        let CompletionRequest {
            position,
            secrets,
            trigger,
            ..
        } = request;
        let settings = server.prompt_settings(total, request.sources, secrets.as_deref());
        let BufferPosition {
            path,
            content,
            cursor,
            ..
        } = &position;
        let request_of_context = settings.context_request(path, content, *cursor);
        let found = request_of_context.map(|request| {
            let key = completion_course(&position);
            course_context(courses, key, snapshot, &request, cancel)
        });
        let (context, context_start) = found.transpose()?.unzip();
        let context = context.unwrap_or_default();
        let (before, after) = content.split_at(*cursor);
        let buffer = PromptBuffer {
            repo: &request.repo,
            path,
            before,
            after,
        };
        let prompt = Prompt::new(settings, buffer, &context);
        let (settings, endpoint) = (&server.settings.completion, &server.settings.endpoint);
        let text = prompt.text(endpoint.family.format_for(settings.order));
        let asked = asked(prompt, &text, endpoint.kind);
        let filter = AnswerFilter::new(&position.content, position.cursor);
        let most = request.max_tokens.unwrap_or(settings.max_tokens);
        let lines = request.max_lines.unwrap_or(settings.max_lines);
        let (max_tokens, newline) = match filter.extent() {
            CompletionExtent::Statement | CompletionExtent::Body if lines > 1 => (most, None),
            _ => (most.min(MAX_LINE_TOKENS), Some(LINE_BREAK)),
        };
        let model_request = ModelRequest {
            prompt: asked,
            max_tokens: max_tokens.min(settings.max_tokens),
            // A server that is told none samples at a default of its own.
            temperature: Some(endpoint.temperature.unwrap_or(0.0)),
            top_p: None,
            seed: None,
            stop: server.stops(newline),
            max_write_ms: matches!(trigger, Trigger::Automatic).then_some(AUTOMATIC_WRITE_MS),
            slot: None,
            lora: Vec::new(),
        };
        Ok(Self {
            position,
            filter,
            context,
            context_start,
            text,
            model_request,
            max_lines: lines.min(settings.max_lines),
        })
    }

    /// The prompt and the request for it.
    pub(super) fn asked(self) -> AskedPrompt {
        AskedPrompt {
            text: self.text,
            context: self.context,
            request: self.model_request,
        }
    }

    /// The text of the prompt.
    pub(super) fn prompt(&self) -> &str {
        &self.text.text
    }

    /// The request that lets a server read about the first `chars` characters of the
    /// prompt and write nothing, and these characters.
    pub(super) fn without_answer(&self, chars: usize) -> (ModelRequest, &str) {
        let text = self.prompt();
        let end = text.char_indices().nth(chars).map(|(end, _)| end);
        let prompt = &self.model_request.prompt;
        let request = ModelRequest {
            prompt: end.map_or_else(|| prompt.clone(), |_| prompt.beginning(chars)),
            max_tokens: 0,
            ..self.model_request.clone()
        };
        (request, &text[..end.unwrap_or(text.len())])
    }

    /// Asks for the answer in this slot of the server.
    pub(super) fn take_slot(&mut self, slot: Option<u32>) {
        self.model_request.slot = slot;
    }

    /// The answer of the model, the times counted from `begun`. With a `seed` the model
    /// samples its answer. `progress` gets what is to be shown of it as it comes.
    pub(super) async fn answer(
        &self,
        server: &ModelServer,
        begun: Instant,
        seed: Option<u32>,
        progress: Option<&watch::Sender<String>>,
    ) -> Result<ModelAnswer, EndpointError> {
        let mut model_request = self.model_request.clone();
        if seed.is_some() {
            model_request.seed = seed;
            let own = server.settings.endpoint.temperature;
            let own = own.filter(|own| *own > 0.0);
            model_request.temperature = Some(own.unwrap_or(VARYING_TEMPERATURE));
        }
        let mut longer = model_request.clone();
        longer.stop.retain(|stop| stop != LINE_BREAK);
        if server.writes_markdown() || longer == model_request {
            return self.read(server, begun, longer, progress).await;
        }
        let answer = self.read(server, begun, model_request, progress).await?;
        if !self.filter.is_markdown(&answer.whole) {
            return Ok(answer);
        }
        // The code stands behind the first line.
        server.saw_markdown();
        let longer = self.read(server, begun, longer, progress).await?;
        Ok(ModelAnswer {
            observed: answer.observed,
            ..longer
        })
    }

    /// The answer to a request. Stops reading the stream as soon as what is to be shown
    /// is complete.
    async fn read(
        &self,
        server: &ModelServer,
        begun: Instant,
        model_request: ModelRequest,
        progress: Option<&watch::Sender<String>>,
    ) -> Result<ModelAnswer, EndpointError> {
        let stops: Vec<&str> = server.settings.endpoint.family.reserved().collect();
        let is_timed = model_request.max_write_ms.is_some();
        let mut deltas = Box::pin(server.client.stream(model_request));
        let shown =
            |answer: &str, is_whole| self.filter.shown(answer, is_whole, &stops, self.max_lines);
        let mut complete = None;
        let mut answer = ModelAnswer::default();
        let mut next_look = 0;
        while let Some(delta) = deltas.try_next().await? {
            answer.observed.work = delta.work.or(answer.observed.work);
            answer.is_cut |= delta.is_cut;
            if delta.is_cut && is_timed {
                answer.drop_begun_line();
            }
            if delta.text.is_empty() {
                continue;
            }
            answer
                .observed
                .text(delta.text.chars().count(), millis(begun));
            answer.whole.push_str(&delta.text);
            if answer.whole.len() < next_look {
                continue;
            }
            if answer.whole.len() > MAX_LOOKS_BYTES {
                next_look = answer.whole.len() + answer.whole.len() / LOOKS_PART;
            }
            let so_far = shown(&answer.whole, false);
            if let Some(progress) = progress {
                progress.send_replace(server.control_tokens.restore(&so_far.text).into_owned());
            }
            complete = Some(so_far).filter(|shown| shown.is_complete);
            if complete.is_some() {
                break;
            }
        }
        drop(deltas);
        let ShownAnswer { text, .. } = complete.unwrap_or_else(|| shown(&answer.whole, true));
        answer.text = server.control_tokens.restore(&text).into_owned();
        Ok(answer)
    }
}

/// An answer of the model.
#[derive(Debug, Default)]
pub(super) struct ModelAnswer {
    /// All of it, as far as it was read.
    pub(super) whole: String,
    /// The part of it to show.
    pub(super) text: String,
    /// What it has shown of the server.
    pub(super) observed: Observed,
    /// Whether the server has ended it though the model had more to say.
    pub(super) is_cut: bool,
}

impl ModelAnswer {
    /// Drops a last line that the server has not ended, unless it is the only one.
    fn drop_begun_line(&mut self) {
        if let Some(newline) = self.whole.rfind('\n') {
            self.whole.truncate(newline + 1);
        }
    }
}
