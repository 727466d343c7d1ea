//! Runs the work of a request. The work always ends with a result, also when it is
//! cancelled or panics.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use crate::cancel::{Cancel, CancelOnDrop};
use crate::engine::WorkError;
use crate::rpc::Error;

/// Runs `work` until it first waits. Returns its result if it never waits.
pub(super) fn begin<T>(
    work: Pin<&mut impl Future<Output = Result<T, Error>>>,
) -> Option<Result<T, Error>> {
    let mut context = Context::from_waker(Waker::noop());
    match poll(work, &mut context) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}

/// Waits for the result of `work`, which is an error if the work is cancelled
/// or panics. Sets `cancel` when the returned future is dropped.
pub(super) fn finish<T>(
    work: impl Future<Output = Result<T, Error>>,
    cancelled: oneshot::Receiver<()>,
    cancel: Cancel,
) -> impl Future<Output = Result<T, Error>> {
    let stop = CancelOnDrop::from(cancel);
    async move {
        let _stop = stop;
        let mut work = pin!(work);
        tokio::select! {
            result = poll_fn(|context| poll(work.as_mut(), context)) => result,
            // An error means that the request cannot be cancelled any more.
            Ok(()) = cancelled => Err(Error::cancelled()),
        }
    }
}

/// Polls `work`; a panic is an error.
fn poll<T>(
    work: Pin<&mut impl Future<Output = Result<T, Error>>>,
    context: &mut Context<'_>,
) -> Poll<Result<T, Error>> {
    catch_unwind(AssertUnwindSafe(|| work.poll(context)))
        .unwrap_or_else(|panic| Poll::Ready(Err(WorkError::caught(&*panic).into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let (_open, cancelled) = oneshot::channel();
        let work = async { panic!("on purpose") };
        let result: Result<(), Error> = finish(work, cancelled, Cancel::default()).await;
        assert_eq!(result, Err(Error::internal("panicked: on purpose")));
        let work = pin!(async { panic!("on purpose") });
        let result: Option<Result<(), Error>> = begin(work);
        assert_eq!(result, Some(Err(Error::internal("panicked: on purpose"))));
    }

    #[tokio::test]
    async fn work_that_waits_goes_on_where_it_has_begun() {
        let (sender, receiver) = oneshot::channel();
        let mut steps = 0;
        let mut work = Box::pin(async {
            steps += 1;
            receiver.await.map_err(|_| Error::cancelled())
        });
        assert_eq!(begin(work.as_mut()), None);
        sender.send(7).unwrap();
        let (_open, cancelled) = oneshot::channel();
        assert_eq!(finish(work, cancelled, Cancel::default()).await, Ok(7));
        assert_eq!(steps, 1);
    }

    #[tokio::test]
    async fn cancelled_work_is_answered_at_once_and_told_to_stop() {
        let (open, cancelled) = oneshot::channel();
        open.send(()).unwrap();
        let cancel = Cancel::default();
        let result: Result<(), Error> = finish(pending(), cancelled, cancel.clone()).await;
        assert_eq!(result, Err(Error::cancelled()));
        assert!(cancel.is_cancelled());
    }

    #[tokio::test]
    async fn work_whose_client_has_left_is_told_to_stop() {
        let (open, cancelled) = oneshot::channel();
        drop(open);
        let cancel = Cancel::default();
        {
            let mut waiting = pin!(finish::<()>(pending(), cancelled, cancel.clone()));
            tokio::select! {
                biased;
                _ = &mut waiting => panic!("the work never ends"),
                () = ready(()) => {}
            }
            assert!(!cancel.is_cancelled());
        }
        assert!(cancel.is_cancelled());
    }
}
