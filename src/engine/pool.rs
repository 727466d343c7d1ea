//! Threads for computation, outside the async runtime. As many pieces of work run
//! at a time as there are threads, and as many again are queued at the threads,
//! so that no thread waits for the runtime. All other work waits as futures, in
//! order: dropping such a future cancels the work at no cost.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};

use super::error::{StartError, WorkError};

/// A pool of threads.
#[derive(Debug)]
pub(super) struct Pool {
    threads: rayon::ThreadPool,
    permits: Permits,
}

/// How many pieces of work may be at the threads: of a pool, or of one of its users.
pub(super) type Permits = Arc<Semaphore>;

impl Pool {
    /// A pool with one thread per processor.
    pub(super) fn new() -> Result<Self, StartError> {
        Self::with_threads("fimd-work", || {})
    }

    /// Like [`Pool::new`], with threads of the lowest priority. Their work must hold
    /// no lock that other threads wait for.
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
            permits: Arc::new(Semaphore::new(2 * threads)),
        })
    }

    /// Whether some work is at the threads.
    pub(super) fn is_busy(&self) -> bool {
        self.permits.available_permits() < 2 * self.threads.current_num_threads()
    }

    /// Permits for one user of the pool: as many as there are threads.
    pub(super) fn permits(&self) -> Permits {
        Arc::new(Semaphore::new(self.threads.current_num_threads()))
    }

    /// Runs `work` of the user with the permits `own`, once one of them and one of
    /// the pool's permits are free.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        own: &Permits,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let own = Arc::clone(own).acquire_owned().await;
        let common = Arc::clone(&self.permits).acquire_owned().await;
        let permits = own.and_then(|own| common.map(|common| (own, common)));
        let permits = permits.map_err(|_| WorkError::Stopped)?;
        let (result, finished) = oneshot::channel();
        self.threads.spawn(move || {
            let _permits = permits;
            let outcome = catch_unwind(AssertUnwindSafe(work))
                .map_err(|payload| WorkError::caught(&*payload));
            // This fails if the future has been dropped.
            drop(result.send(outcome));
        });
        finished.await.map_err(|_| WorkError::Stopped)?
    }
}

/// Gives the current thread the lowest priority.
#[cfg(target_os = "linux")]
fn yield_to_others() {
    const LOWEST: i32 = 19;
    // On Linux, process 0 here means the calling thread.
    if let Err(error) = rustix::process::setpriority_process(None, LOWEST) {
        tracing::warn!("a job runs with the priority of requests: {error}");
    }
}

/// Does nothing: other systems set priorities for whole processes only.
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
            let outcome = pool.run(&pool.permits(), || panic!("number {}", 5)).await;
            assert_eq!(
                outcome,
                Err::<(), _>(WorkError::Panicked("number 5".into()))
            );
        }
        assert_eq!(pool.run(&pool.permits(), || 1).await, Ok(1));
    }

    #[tokio::test]
    async fn work_that_is_dropped_before_its_turn_never_starts() {
        let pool = Pool::new().unwrap();
        let busy = pool.permits.available_permits();
        let users: Vec<_> = (0..busy).map(|_| pool.permits()).collect();
        let gates: Vec<_> = users
            .iter()
            .map(|permits| {
                let (open, gate) = mpsc::channel::<()>();
                (open, pool.run(permits, move || gate.recv()))
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
        let others = pool.permits();
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
