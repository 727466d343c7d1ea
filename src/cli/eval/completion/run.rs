//! Asks at each hole under each condition, in order, as many at a time as are wanted.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures_util::stream::{self, Stream, StreamExt};

use super::conditions::Condition;
use super::holes::{Plan, PlannedHole};
use crate::cancel::Cancel;
use crate::cli::CliError;
use crate::config::ContextSources;
use crate::endpoint::EndpointError;
use crate::engine::completion::{
    BufferPosition, CompletionAnswer, CompletionQuestion, CompletionRequest, Trigger,
};
use crate::eval::completion::AnswerRow;
use crate::eval::typing::holds_word;
use crate::php::spans::SpanParser;
use crate::secrets::Secrets;

/// What a run asks.
pub(super) struct CompletionRun {
    pub(super) plan: Plan,
    pub(super) conditions: Vec<Condition>,
    /// Finds the secrets to replace by placeholders; none to keep them.
    pub(super) secrets: Option<Arc<Secrets>>,
    /// The seed of all requests.
    pub(super) seed: u64,
    /// For each hole, whether its file parses with the middle in place.
    valid: Vec<OnceLock<bool>>,
    /// Parsers that nobody uses at the moment.
    parsers: Mutex<Vec<SpanParser>>,
}

/// A question at a hole under a condition.
struct PreparedQuestion {
    question: CompletionQuestion,
    row: AnswerRow,
}

/// Why there is no row.
pub(super) enum AnswerError {
    /// The server, under the condition of this number, does not answer.
    Server(usize, EndpointError),
    /// Another error.
    Other(CliError),
}

impl CompletionRun {
    pub(super) fn new(
        plan: Plan,
        conditions: Vec<Condition>,
        secrets: Option<Arc<Secrets>>,
        seed: u64,
    ) -> Self {
        Self {
            valid: plan.holes.iter().map(|_| OnceLock::new()).collect(),
            parsers: Mutex::default(),
            plan,
            conditions,
            secrets,
            seed,
        }
    }

    /// How many answers there are in all.
    pub(super) fn answers(&self) -> usize {
        self.plan.holes.len() * self.conditions.len()
    }

    /// The answers from number `first` on, in their order: those of one hole under each
    /// condition, then those of the next. The servers get `parallel` requests at a time;
    /// meanwhile the next prompts are made, and the last answers are looked at.
    pub(super) fn rows(
        self: &Arc<Self>,
        first: usize,
        parallel: usize,
    ) -> impl Stream<Item = Result<AnswerRow, AnswerError>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let ahead = threads + parallel;
        let (prepares, asks, judges) = (Arc::clone(self), Arc::clone(self), Arc::clone(self));
        stream::iter(first..self.answers())
            .map(move |number| {
                let run = Arc::clone(&prepares);
                on_thread(move || run.prepare(number))
            })
            .buffered(ahead)
            .map(move |prepared| Arc::clone(&asks).ask(prepared))
            .buffered(parallel)
            .map(move |row| {
                let run = Arc::clone(&judges);
                on_thread(move || run.judge(row?))
            })
            .buffered(ahead)
    }

    /// The hole and the condition of the answer `number`.
    fn place(&self, number: usize) -> (usize, usize) {
        (
            number / self.conditions.len(),
            number % self.conditions.len(),
        )
    }

    /// Makes the prompt of the answer `number`.
    fn prepare(&self, number: usize) -> Result<PreparedQuestion, AnswerError> {
        let (at, of) = self.place(number);
        let (hole, condition) = (&self.plan.holes[at], &self.conditions[of]);
        let snapshot = &self.plan.projects[hole.project].snapshot;
        let request = self.request(hole, condition.sources);
        let made =
            CompletionQuestion::new(&condition.server, request, snapshot, &Cancel::default());
        let question = made.map_err(|error| other(&error))?;
        let context = question.context().to_owned();
        let needed = hole.needed();
        let row = AnswerRow {
            hole: at as u32,
            condition: of as u32,
            shown: String::new(),
            raw: String::new(),
            needed_in_context: needed.map(|name| holds_word(&context, name)),
            context,
            cut: false,
            parses: None,
            tokens_read: None,
            tokens_reused: None,
            tokens_written: None,
            first_token_ms: None,
            total_ms: 0.0,
            bits_per_char: None,
            error: None,
        };
        Ok(PreparedQuestion { question, row })
    }

    /// What an editor asks for at `hole`.
    fn request(&self, hole: &PlannedHole, sources: ContextSources) -> CompletionRequest {
        let project = &self.plan.projects[hole.project];
        let [mut content, after] = hole.buffer();
        let cursor = content.len();
        content.push_str(&after);
        CompletionRequest {
            position: BufferPosition {
                root: project.project.roots.root().to_owned(),
                path: hole.file.path.to_string(),
                content,
                cursor,
            },
            repo: project.name.clone(),
            sources,
            secrets: self.secrets.clone(),
            trigger: Trigger::Invoked,
            max_items: 1,
            max_tokens: None,
            max_lines: None,
        }
    }

    /// Asks the server of the condition.
    async fn ask(
        self: Arc<Self>,
        prepared: Result<PreparedQuestion, AnswerError>,
    ) -> Result<AnswerRow, AnswerError> {
        let PreparedQuestion { question, row } = prepared?;
        let of = row.condition as usize;
        let Condition { server, lora, .. } = &self.conditions[of];
        let answer = question.ask(server, self.seed as u32, lora);
        match answer.await {
            Ok(answer) => Ok(with_answer(row, answer)),
            Err(error) if error.is_of_prompt() => Ok(AnswerRow {
                error: Some(error.to_string()),
                ..row
            }),
            Err(error) => Err(AnswerError::Server(of, error)),
        }
    }

    /// Looks whether the file parses with the answer in place.
    fn judge(&self, row: AnswerRow) -> Result<AnswerRow, AnswerError> {
        let at = row.hole as usize;
        let hole = &self.plan.holes[at];
        if row.error.is_some() {
            return Ok(row);
        }
        let free = self.parsers().pop();
        let mut parser = match free {
            Some(parser) => parser,
            None => SpanParser::new().map_err(|error| other(&error))?,
        };
        let [before, after] = hole.buffer();
        let mut is_valid = |middle: &str| {
            let whole = [&before, middle, &after].concat();
            parser.is_valid(&whole) == Some(true)
        };
        let parses = match *self.valid[at].get_or_init(|| is_valid(hole.middle())) {
            true => Some(row.shown == hole.middle() || is_valid(&row.shown)),
            false => None,
        };
        self.parsers().push(parser);
        Ok(AnswerRow { parses, ..row })
    }

    fn parsers(&self) -> std::sync::MutexGuard<'_, Vec<SpanParser>> {
        self.parsers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `row` with what the server has answered.
fn with_answer(row: AnswerRow, answer: CompletionAnswer) -> AnswerRow {
    let work = answer.observed.work;
    AnswerRow {
        shown: answer.shown,
        raw: answer.raw,
        cut: answer.is_cut,
        tokens_read: work.map(|work| work.read_tokens),
        tokens_reused: work.and_then(|work| work.reused_tokens),
        tokens_written: work.map(|work| work.written_tokens),
        first_token_ms: answer.observed.first_token_ms,
        total_ms: answer.total_ms,
        ..row
    }
}

fn other(error: &dyn std::fmt::Display) -> AnswerError {
    AnswerError::Other(CliError::Failure(error.to_string()))
}

/// Runs `work` on a thread of its own.
async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AnswerError> + Send + 'static,
) -> Result<T, AnswerError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| other(&error))?
}
