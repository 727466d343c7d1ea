//! How long the prompts for a model server are, where the settings have a budget in
//! time.
//!
//! A prompt of another length begins with another context and another window, so the
//! server has to read all of it. Therefore the length changes only where the context
//! begins anew, too: at a new course.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::courses::{ClientCourses, completion_course};
use super::{CompletionRequest, ModelServer, lock};
use crate::index::Snapshot;
use crate::prompt::ServerSpeed;

/// What the prompts of completions are made with, for a budget in time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// The budget in time, in milliseconds.
    pub target_ms: u64,
    /// The total that the last new course has, in characters.
    pub total_chars: usize,
    /// That of the settings, in characters.
    pub max_total_chars: usize,
    /// The measured speed of the server; none if it is not known yet.
    pub speed: Option<ServerSpeed>,
    /// What a request takes on average at most with this total, in milliseconds.
    pub expected_ms: Option<f64>,
    /// The same with the next larger total.
    pub larger_ms: Option<f64>,
}

impl ModelServer {
    /// The total of the prompt for `request`, in characters: that of the course that it
    /// goes on with, else the one that the server's speed allows.
    pub(super) fn total_chars(
        &self,
        request: &CompletionRequest,
        snapshot: &Snapshot,
        courses: &Mutex<ClientCourses>,
    ) -> usize {
        let completion = &self.settings.completion;
        let Some(target_ms) = completion.target_ms else {
            return completion.max_total_chars;
        };
        let position = &request.position;
        let course = completion_course(position);
        let steps = completion.limits().steps();
        let known = lock(courses).total_chars(&course.file);
        if let Some(total) = known.filter(|total| steps.contains(total)) {
            let settings = self.prompt_settings(total, request.sources, request.secrets.as_deref());
            let there =
                settings.context_request(&position.path, &position.content, position.cursor);
            // Without contexts there are no courses: the length stays while the buffer does.
            let goes_on = there.is_none_or(|there| {
                let courses = lock(courses);
                courses.all.known(&course, snapshot, &there).is_some()
            });
            if goes_on {
                return total;
            }
        }
        let total = self.next_total(target_ms);
        lock(courses).keep_total_chars(course.file, total);
        total
    }

    /// The total of a new course, in characters.
    fn next_total(&self, target_ms: u64) -> usize {
        let speed = self.speed();
        let limits = self.settings.completion.limits();
        let mut total = lock(&self.total);
        let now = total.unwrap_or(limits.total);
        let next = speed.map_or(now, |speed| limits.next_step(now, target_ms as f64, speed));
        if next != now {
            tracing::info!("prompts have up to {next} characters for target_ms = {target_ms}");
        }
        *total = Some(next);
        next
    }

    /// What the prompts are made with; none without a budget in time.
    pub(super) fn target(&self) -> Option<TargetStatus> {
        let completion = &self.settings.completion;
        let target_ms = completion.target_ms?;
        let (limits, speed) = (completion.limits(), self.speed());
        let total_chars = lock(&self.total).unwrap_or(limits.total);
        let ms = |step: usize| speed.map(|speed| limits.line_ms(step, speed));
        let larger = limits.steps().into_iter().rfind(|step| *step > total_chars);
        Some(TargetStatus {
            target_ms,
            total_chars,
            max_total_chars: limits.total,
            speed,
            expected_ms: ms(total_chars),
            larger_ms: larger.and_then(ms),
        })
    }
}
