//! The end of a server, by a signal or because its only client has left. The process ends
//! soon after, whatever is blocked: a file system that hangs, a lock that another process
//! holds, a model server that is silent. Threads of their own see to that, since all
//! others may be blocked.

use std::future::Future;
use std::io;
use std::process;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::engine::Engine;

/// How long after a signal, or after the last answer, the process ends by itself.
const LAST_WORK: Duration = Duration::from_millis(1800);

/// The interval of looking at the work once the client has left.
const LOOK: Duration = Duration::from_millis(250);

/// How many looks in a row must find that work stands still, or that nobody reads.
const LOOKS: u32 = 5;

/// Work that has taken less processor time than this between two looks stands still.
/// Reading a single small file takes more, looking takes less.
const LEAST_WORK: Duration = Duration::from_micros(200);

/// The exit code of a process that does not end by itself.
const BLOCKED: i32 = 1;

/// The signals that end the server.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Completes at the first signal, after which the server still answers the requests in
/// flight, as far as that takes less than [`LAST_WORK`]. A second signal ends the process
/// at once.
///
/// # Errors
/// If signals cannot be heard of.
pub(super) fn first_signal() -> io::Result<impl Future<Output = ()>> {
    let (tell, told) = oneshot::channel();
    let (report, is_ready) = mpsc::channel();
    spawn("fimd-signals", move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(report.send(Err(error))),
        };
        runtime.block_on(async {
            let mut signals = match Signals::new() {
                Ok(signals) => signals,
                Err(error) => return drop(report.send(Err(error))),
            };
            drop(report.send(Ok(())));
            signals.next().await;
            // The server may have ended already.
            let _told = tell.send(());
            if timeout(LAST_WORK, signals.next()).await.is_err() {
                tracing::warn!("ended with work that is blocked");
            }
            process::exit(BLOCKED);
        });
    })?;
    is_ready.recv().map_err(io::Error::other)??;
    Ok(async {
        // The thread lives as long as the process.
        drop(told.await);
    })
}

/// Ends the process with the exit code `code` unless it has ended by itself within
/// [`LAST_WORK`].
pub(super) fn end_soon(code: u8) {
    let spawned = spawn("fimd-end", move || {
        thread::sleep(LAST_WORK);
        tracing::warn!("ended with work that is blocked");
        process::exit(code.into());
    });
    if let Err(error) = spawned {
        tracing::warn!("the end may take long: {error}");
    }
}

/// Waits until the client has closed standard input. From then on ends the process as soon
/// as nobody can read its answers, or when the work on them stands still. A server whose
/// client has not left is never ended.
///
/// # Errors
/// If no thread can be started.
pub(super) fn watch_client(engine: Engine) -> io::Result<()> {
    spawn("fimd-client", move || {
        while !is_closed(&io::stdin(), None) {}
        watch_work(&engine);
        tracing::warn!("the client has left, and work for it is blocked");
        process::exit(BLOCKED);
    })
}

/// Returns when nobody can read the answers to a client that has left, or when the work on
/// them stands still. Counts looks instead of reading a clock, so that a process that was
/// stopped for a while is not taken for one whose work stands still.
fn watch_work(engine: &Engine) {
    let (mut unread, mut still) = (0, 0);
    let mut before = cpu_time();
    while unread < LOOKS && still < LOOKS {
        thread::sleep(LOOK);
        let now = cpu_time();
        let stands_still = engine.is_at_work() && now.saturating_sub(before) < LEAST_WORK;
        still = if stands_still { still + 1 } else { 0 };
        let is_unread = is_closed(&io::stdout(), Some(&Timespec::default()));
        unread = if is_unread { unread + 1 } else { 0 };
        before = now;
    }
}

/// The processor time of the process so far.
fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// Whether the other side of `stream` is closed, once it is or `patience` has passed;
/// without it, this may take for ever.
fn is_closed(stream: &impl std::os::fd::AsFd, patience: Option<&Timespec>) -> bool {
    let mut polled = [PollFd::new(stream, PollFlags::empty())];
    match poll(&mut polled, patience) {
        Ok(_) => !polled[0].revents().is_empty(),
        Err(Errno::INTR) => false,
        Err(error) => {
            tracing::debug!("a stream cannot be polled: {error}");
            thread::sleep(LOOK);
            false
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new()
        .name(name.into())
        .spawn(work)
        .map(drop)
}
