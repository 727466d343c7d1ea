//! The contexts of a client that grow while it types.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::{BufferPosition, Completions, lock};
use crate::cancel::{Cancel, Cancelled};
use crate::context::{Context, ContextRequest, CourseKey, Courses};
use crate::index::Snapshot;

/// The most files whose totals are kept.
const CAPACITY: usize = 16;

/// The courses of a client.
#[derive(Debug, Default)]
pub(super) struct ClientCourses {
    pub(super) all: Courses,
    /// The total budget of the prompts on the course of a file, in characters; the last
    /// one used stands first.
    totals: VecDeque<(String, usize)>,
}

impl ClientCourses {
    /// The total budget of the last completion in `file`, in characters.
    pub(super) fn total_chars(&self, file: &str) -> Option<usize> {
        let known = self.totals.iter().find(|(of, _)| of == file);
        known.map(|(_, total)| *total)
    }

    /// Keeps the total budget of the prompts in `file`.
    pub(super) fn keep_total_chars(&mut self, file: String, total: usize) {
        self.totals.retain(|(of, _)| *of != file);
        self.totals.truncate(CAPACITY - 1);
        self.totals.push_front((file, total));
    }
}

/// The course of completions at `position`.
pub(super) fn completion_course(position: &BufferPosition) -> CourseKey {
    CourseKey {
        session: None,
        file: position.file(),
    }
}

impl Completions {
    /// The context for `request` in the session that the client calls `session`, and the
    /// byte at which its course begins. `file` is a
    /// [name among all files](super::BufferPosition::name).
    ///
    /// # Errors
    /// [`Cancelled`] once `cancel` is set.
    pub fn context(
        &self,
        session: &str,
        file: &str,
        snapshot: &Snapshot,
        request: &ContextRequest<'_>,
        cancel: &Cancel,
    ) -> Result<(Context, usize), Cancelled> {
        let key = CourseKey {
            session: Some(session.to_owned()),
            file: file.to_owned(),
        };
        course_context(&self.courses, key, snapshot, request, cancel)
    }

    /// Forgets the courses of `file`, whose buffer the client has closed.
    pub fn forget(&self, file: &str) {
        let mut courses = lock(&self.courses);
        courses.all.forget(file);
        courses.totals.retain(|(of, _)| of != file);
    }
}

/// The context for `request` on the course of `key`, and the byte at which that begins.
/// The courses are not locked while it is made.
pub(super) fn course_context(
    courses: &Mutex<ClientCourses>,
    key: CourseKey,
    snapshot: &Snapshot,
    request: &ContextRequest<'_>,
    cancel: &Cancel,
) -> Result<(Context, usize), Cancelled> {
    let mut course = lock(courses).all.course(&key, snapshot, request);
    let context = course.context(snapshot, request, cancel)?;
    let start = course.start();
    lock(courses).all.keep(key, course);
    Ok((context, start))
}
