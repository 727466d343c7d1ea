//! `fimd`: serves one client over stdin and stdout.

use std::io::{self, IsTerminal};

use super::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::engine::Engine;
use crate::server;

/// Serves until the client or a signal ends it.
pub(super) fn run() -> Result<(), Error> {
    if io::stdin().is_terminal() {
        anstream::eprintln!(
            "fimd: waiting for JSON-RPC requests on stdin, one per line, as an editor sends them; \
             Ctrl-D ends. `fimd --help` lists the commands for people."
        );
    }
    let failure = |error: &dyn std::error::Error| Error::Failure(error.to_string());
    let engine = Engine::new().map_err(|error| failure(&error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Failure(format!("cannot start the runtime: {error}")))?;
    let served = runtime.block_on(async {
        let signals = Signals::new()?;
        server::serve(
            engine,
            tokio::io::stdin(),
            tokio::io::stdout(),
            signals.first(),
        )
        .await
    });
    // A read of stdin cannot be interrupted, and nobody waits for it any more.
    runtime.shutdown_background();
    served.map_err(|error| Error::Failure(format!("cannot serve on stdin and stdout: {error}")))
}

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

    /// Waits for the first, which lets requests in flight be answered; from
    /// then on a second one ends the process at once.
    async fn first(mut self) {
        self.next().await;
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(1);
        });
    }
}
