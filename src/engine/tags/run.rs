//! Running a prepared tag: reads the stream of the model server up to the first
//! stop pattern or control token.

use std::borrow::Cow;
use std::future::Future;

use futures_util::TryStreamExt;

use super::log::{LoggedRun, RunLog};
use super::outcome::{RunError, RunOutcome};
use super::prepare::PreparedRun;
use super::stops;
use crate::config::{Settings, TagSettings};
use crate::endpoint::{EndpointError, ModelClient, StreamDelta};
use crate::tags::stop::{Matcher, StopError};
use crate::tags::{Edit, Stop, TagPrompt};
use crate::text::{LineBreak, with_newlines};

/// Runs tags.
#[derive(Clone, Debug)]
pub struct Runner {
    client: ModelClient,
    keep_partial: bool,
    log: Option<(RunLog, usize)>,
}

impl Runner {
    /// A runner that asks the model server of `settings`. It logs its runs in `log`,
    /// unless the settings switch the log off.
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

    /// Runs a tag. Passes the replacing text to `show` piece by piece, as it arrives;
    /// together these are [`RunOutcome::text`]. Dropping the future cancels the run
    /// and closes the connection.
    ///
    /// # Errors
    /// If the server does not answer, or not completely. Nothing must change then.
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
        let mut filter = StopFilter::new(&prepared.prompt.stops, &prepared.control_tokens)?;
        let mut shown = String::new();
        let read = self.read(prepared, &mut filter, &mut shown, &mut show);
        let broken = read.await.err();
        let mut rest = String::new();
        let stopped_by = filter.finish(&prepared.prompt.stops, &mut rest);
        if shown.is_empty() && (broken.is_none() || !rest.is_empty()) {
            rest.insert_str(0, prepend);
        }
        match broken {
            Some(error) if !self.keep_partial || (shown.is_empty() && rest.is_empty()) => {
                shown.push_str(&with_breaks_of(prepared, &shown, &rest));
                return Err(RunError::Endpoint {
                    error,
                    partial: shown,
                });
            }
            Some(_) => {}
            None => rest.push_str(append),
        }
        let rest = with_breaks_of(prepared, &shown, &rest);
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

    /// Reads the stream of the model until it ends or `filter` ends the text. Adds the
    /// text to `shown` and passes it to `show`.
    async fn read<F: Future<Output = ()> + Send>(
        &self,
        prepared: &PreparedRun,
        filter: &mut StopFilter,
        shown: &mut String,
        show: &mut (impl FnMut(String) -> F + Send),
    ) -> Result<(), EndpointError> {
        // Returning closes the connection: the rest of the stream does not count.
        let mut deltas = Box::pin(self.client.stream(prepared.request.clone()));
        while let Some(delta) = deltas.try_next().await? {
            let mut new = String::new();
            let has_ended = filter.push(delta, &mut new);
            if shown.is_empty() && !new.is_empty() {
                new.insert_str(0, &prepared.prompt.prepend);
            }
            let new = with_breaks_of(prepared, shown, &new);
            shown.push_str(&new);
            if !new.is_empty() {
                show(new).await;
            }
            if has_ended {
                break;
            }
        }
        Ok(())
    }
}

/// `text`, which follows the text `shown`, with the line breaks of the document.
fn with_breaks_of(prepared: &PreparedRun, shown: &str, text: &str) -> String {
    let line_break = LineBreak::at(&prepared.content, prepared.prompt.tag.start);
    let last = shown.bytes().next_back();
    line_break.apply(text, last).into_owned()
}

/// Cuts the stream of the model at the first stop pattern, or before the first control
/// token. A `\r\n` of the stream counts as `\n`.
struct StopFilter {
    matcher: Matcher,
    /// Whether the stream so far ends with `\r`, which the matcher does not have yet.
    holds_return: bool,
    /// The pattern at which the server has stopped, if it says so.
    stopped_by: Option<String>,
}

impl StopFilter {
    fn new(stops: &[Stop], control_tokens: &[String]) -> Result<Self, StopError> {
        let control_tokens = control_tokens.iter().map(|token| Stop {
            pattern: token.clone(),
            keep: false,
        });
        let all = stops::plain(stops).into_iter().chain(control_tokens);
        Ok(Self {
            matcher: Matcher::new(all.collect())?,
            holds_return: false,
            stopped_by: None,
        })
    }

    /// Takes a delta. Adds to `new` the text that cannot belong to a stop pattern any
    /// more. Returns whether the text has ended.
    fn push(&mut self, delta: StreamDelta, new: &mut String) -> bool {
        self.stopped_by = delta.stopped_by;
        let mut text = delta.text;
        if self.holds_return {
            text.insert(0, '\r');
        }
        self.holds_return = text.ends_with('\r');
        if self.holds_return {
            text.pop();
        }
        let text = with_newlines(Cow::Owned(text));
        self.matcher.push(text.as_bytes(), new)
    }

    /// Adds the text that was held back to `new`. Returns the pattern of `stops` that
    /// ended the text.
    fn finish(mut self, stops: &[Stop], new: &mut String) -> Option<String> {
        if self.holds_return {
            // A server that stops at `\n` leaves the `\r` before it, which is no text.
            let mut matcher = self.matcher.clone();
            if matcher.push(b"\n", &mut String::new())
                || matcher.finish(&mut String::new()).is_some()
            {
                self.matcher.push(b"\n", new);
            }
        }
        let Some(matched) = self.matcher.finish(new) else {
            return self.stopped_by;
        };
        // A control token is no pattern of the document.
        let plain = stops::plain(stops);
        let place = plain.iter().position(|stop| *stop == matched)?;
        Some(stops[place].pattern.clone())
    }
}
