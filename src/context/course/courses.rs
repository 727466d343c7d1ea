//! The courses of a client.

use std::collections::VecDeque;

use super::{Course, first_start};
use crate::context::request::ContextRequest;
use crate::index::Snapshot;

/// The most courses that are kept; the least recently used goes first.
const CAPACITY: usize = 16;

/// What a course is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseKey {
    /// What the client calls the series of requests; none for completions.
    pub session: Option<String>,
    /// The name of the file among those of all projects.
    pub file: String,
}

/// The courses of a client, one for each [`CourseKey`].
#[derive(Debug, Default)]
pub struct Courses(pub(super) VecDeque<(CourseKey, Course)>);

impl Courses {
    /// The course of `key` if `request` goes on with it, else a new one from the
    /// [`first_start`] on. [`Courses::keep`] it once it has given its context.
    #[must_use]
    pub fn course(
        &self,
        key: &CourseKey,
        snapshot: &Snapshot,
        request: &ContextRequest<'_>,
    ) -> Course {
        self.known(key, snapshot, request).unwrap_or_else(|| {
            let start = first_start(&request.content[..request.cursor]);
            Course::new(start, snapshot, request)
        })
    }

    /// The course of `key` if `request` goes on with it.
    #[must_use]
    pub fn known(
        &self,
        key: &CourseKey,
        snapshot: &Snapshot,
        request: &ContextRequest<'_>,
    ) -> Option<Course> {
        let known = self.0.iter().find(|(known, _)| known == key);
        known.and_then(|(_, course)| course.clone().at(snapshot, request))
    }

    /// Keeps `course` for the next request with `key`.
    pub fn keep(&mut self, key: CourseKey, course: Course) {
        self.0.retain(|(known, _)| *known != key);
        self.0.truncate(CAPACITY - 1);
        self.0.push_front((key, course));
    }

    /// Forgets the courses of `file`.
    pub fn forget(&mut self, file: &str) {
        self.0.retain(|(key, _)| key.file != file);
    }
}
