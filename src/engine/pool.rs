//! Threads for work that computes. As many pieces of work run at a time as
//! there are threads, and as many again lie ready for them, so that no thread
//! waits for the runtime to bring it the next; the others wait as futures, in
//! order, so that dropping the future of one of them costs nothing.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};

use super::StartError;

/// Why work has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// It panicked, with this message.
    #[error("panicked: {0}")]
    Panicked(String),
    /// The threads have stopped.
    #[error("the engine has stopped")]
    Stopped,
}

impl WorkError {
    /// The error for what [`catch_unwind`] caught.
    #[must_use]
    pub fn caught(payload: &(dyn Any + Send)) -> Self {
        let message = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied());
        Self::Panicked(message.unwrap_or("no message").into())
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Pool {
    threads: rayon::ThreadPool,
    turns: Turns,
}

/// How many pieces of work may have left the queue: of a pool, or of one who uses it.
pub(super) type Turns = Arc<Semaphore>;

impl Pool {
    /// One thread for each processor.
    pub(super) fn new() -> Result<Self, StartError> {
        Self::with_threads("fimd-work", || {})
    }

    /// Like [`Pool::new`], of threads that only use what time others leave on
    /// the processors. Nobody should wait for a lock that work on it takes.
    pub(super) fn in_background() -> Result<Self, StartError> {
        Self::with_threads("fimd-job", yield_to_others)
    }

    fn with_threads(
        name: &'static str,
        start: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(move |n| format!("{name}-{n}"))
            .start_handler(move |_| start())
            .build()
            .map_err(|error| StartError::Threads {
                threads,
                reason: error.to_string(),
            })?;
        Ok(Self {
            threads: pool,
            turns: Arc::new(Semaphore::new(2 * threads)),
        })
    }

    /// Turns for one user of the pool: as many as there are threads.
    pub(super) fn turns(&self) -> Turns {
        Arc::new(Semaphore::new(self.threads.current_num_threads()))
    }

    /// Runs `work` of a user who has these turns when one of them and one of
    /// the pool's is free.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        own: &Turns,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let own = Arc::clone(own).acquire_owned().await;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turns = own.and_then(|own| turn.map(|turn| (own, turn)));
        let turns = turns.map_err(|_| WorkError::Stopped)?;
        let (result, finished) = oneshot::channel();
        self.threads.spawn(move || {
            let _turns = turns;
            let outcome = catch_unwind(AssertUnwindSafe(work))
                .map_err(|payload| WorkError::caught(&*payload));
            // Whoever asked may have gone.
            drop(result.send(outcome));
        });
        finished.await.map_err(|_| WorkError::Stopped)?
    }
}

/// Gives the current thread the lowest priority.
#[cfg(target_os = "linux")]
fn yield_to_others() {
    const LOWEST: i32 = 19;
    // On Linux this is about the thread that calls, not its process.
    if let Err(error) = rustix::process::setpriority_process(None, LOWEST) {
        tracing::warn!("a job runs with the priority of requests: {error}");
    }
}

/// Elsewhere priorities belong to the whole process.
#[cfg(not(target_os = "linux"))]
fn yield_to_others() {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_panic_is_the_works_own() {
        let pool = Pool::new().unwrap();
        for _ in 0..20 {
            let outcome = pool.run(&pool.turns(), || panic!("number {}", 5)).await;
            assert_eq!(
                outcome,
                Err::<(), _>(WorkError::Panicked("number 5".into()))
            );
        }
        assert_eq!(pool.run(&pool.turns(), || 1).await, Ok(1));
    }

    #[tokio::test]
    async fn work_that_is_dropped_before_its_turn_never_starts() {
        let pool = Pool::new().unwrap();
        let busy = pool.turns.available_permits();
        let turns: Vec<_> = (0..busy).map(|_| pool.turns()).collect();
        let gates: Vec<_> = turns
            .iter()
            .map(|turns| {
                let (open, gate) = mpsc::channel::<()>();
                (open, pool.run(turns, move || gate.recv()))
            })
            .collect();
        let (open, mut running): (Vec<_>, Vec<_>) =
            gates.into_iter().map(|(o, r)| (o, Box::pin(r))).unzip();
        for work in &mut running {
            tokio::select! {
                biased;
                _ = work => panic!("the gate is shut"),
                () = std::future::ready(()) => {}
            }
        }
        let others = pool.turns();
        let (started, starts) = mpsc::channel::<()>();
        let mut dropped = Box::pin(pool.run(&others, move || started.send(())));
        tokio::select! {
            biased;
            _ = &mut dropped => panic!("every thread is busy"),
            () = std::future::ready(()) => {}
        }
        drop(dropped);
        drop(open);
        for work in running {
            assert!(work.await.unwrap().is_err());
        }
        assert!(starts.recv().is_err());
    }
}
