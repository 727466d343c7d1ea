//! The contexts of a client that grow while it types.

use std::sync::Mutex;

use super::{Completions, lock};
use crate::cancel::{Cancel, Cancelled};
use crate::context::{Context, ContextRequest, CourseKey, Courses};
use crate::index::Snapshot;

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
        lock(&self.courses).forget(file);
    }
}

/// The context for `request` on the course of `key`, and the byte at which that begins.
/// The courses are not locked while it is made.
pub(super) fn course_context(
    courses: &Mutex<Courses>,
    key: CourseKey,
    snapshot: &Snapshot,
    request: &ContextRequest<'_>,
    cancel: &Cancel,
) -> Result<(Context, usize), Cancelled> {
    let mut course = lock(courses).course(&key, snapshot, request);
    let context = course.context(snapshot, request, cancel)?;
    let start = course.start();
    lock(courses).keep(key, course);
    Ok((context, start))
}
