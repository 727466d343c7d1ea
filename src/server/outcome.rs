//! One outcome for a request, whatever happens to it.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

use tokio::sync::oneshot;

use crate::cancel::{Cancel, CancelOnDrop};
use crate::engine::WorkError;
use crate::rpc;

/// What `work` comes to, or the error that it was cancelled or panicked. Sets
/// `cancel` when nobody waits for the work any more.
pub(super) async fn outcome<T>(
    work: impl Future<Output = Result<T, rpc::Error>>,
    cancelled: oneshot::Receiver<()>,
    cancel: Cancel,
) -> Result<T, rpc::Error> {
    let _stop = CancelOnDrop::from(cancel);
    let mut work = pin!(work);
    let work = poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))).unwrap_or_else(|payload| {
            let error = WorkError::caught(&*payload);
            std::task::Poll::Ready(Err(rpc::Error::internal(error.to_string())))
        })
    });
    tokio::select! {
        result = work => result,
        // An error here says only that nobody can cancel any more.
        Ok(()) = cancelled => Err(rpc::Error::cancelled()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    type Nothing = Result<(), rpc::Error>;

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let (_open, cancelled) = oneshot::channel();
        let work = async { panic!("on purpose") };
        let outcome: Nothing = outcome(work, cancelled, Cancel::default()).await;
        assert_eq!(outcome, Err(rpc::Error::internal("panicked: on purpose")));
    }

    #[tokio::test]
    async fn cancelled_work_is_answered_at_once_and_told_to_stop() {
        let (open, cancelled) = oneshot::channel();
        open.send(()).unwrap();
        let cancel = Cancel::default();
        let outcome: Nothing = outcome(pending(), cancelled, cancel.clone()).await;
        assert_eq!(outcome, Err(rpc::Error::cancelled()));
        assert!(cancel.is_cancelled());
    }

    #[tokio::test]
    async fn work_whose_client_has_gone_is_told_to_stop() {
        let (open, cancelled) = oneshot::channel();
        drop(open);
        let cancel = Cancel::default();
        {
            let mut waiting = pin!(outcome::<()>(pending(), cancelled, cancel.clone()));
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
