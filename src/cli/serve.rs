//! `fimd`: serves one client over stdin and stdout, or many over a socket.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{CliError, Setup};
use crate::engine::Engine;
use crate::server::{self, SessionEnd, Socket};

/// Serves until the client or a signal ends it.
pub(super) fn stdio(setup: Setup) -> Result<ExitCode, CliError> {
    if io::stdin().is_terminal() {
        anstream::eprintln!(
            "fimd: waiting for JSON-RPC requests on stdin, one per line, as an editor sends them; \
             Ctrl-D ends. `fimd --help` lists the commands for people."
        );
    }
    let (engine, runtime) = start(setup)?;
    let served = runtime.block_on(async {
        let end = Signals::new()?.first();
        let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
        let served = server::serve(engine.clone(), input, output, end).await;
        // The only client has left, so nobody can ask for the jobs any more.
        engine.end_jobs().await;
        served
    });
    // A blocked read of stdin cannot be interrupted.
    runtime.shutdown_background();
    engine.close();
    match served {
        Ok(SessionEnd::Orderly) => Ok(ExitCode::SUCCESS),
        Ok(SessionEnd::WithoutShutdown) => Ok(ExitCode::FAILURE),
        Err(error) => Err(CliError::Failure(format!(
            "cannot serve on stdin and stdout: {error}"
        ))),
    }
}

/// Serves the clients of a socket until a signal ends it.
pub(super) fn socket(path: &Path, setup: Setup) -> Result<(), CliError> {
    let (engine, runtime) = start(setup)?;
    let served = runtime.block_on(async {
        let signals = Signals::new().map_err(|error| CliError::Failure(error.to_string()))?;
        let socket = match Socket::passed(path) {
            Ok(None) => Socket::bind(path),
            Ok(Some(passed)) => Ok(passed),
            Err(error) => Err(error),
        };
        let socket = socket.map_err(|error| CliError::Failure(error.to_string()))?;
        tracing::info!("listening at {}", path.display());
        server::listen(engine.clone(), socket, signals.first()).await;
        Ok(())
    });
    // Does not wait for work whose client has left.
    runtime.shutdown_background();
    engine.close();
    served
}

fn start(setup: Setup) -> Result<(Engine, Runtime), CliError> {
    // A panic message may quote source text, which must not reach the log.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(tracing::field::display);
        tracing::error!(place, "panicked");
    }));
    let engine = Engine::new(setup.settings, setup.cache)
        .map_err(|error| CliError::Failure(error.to_string()))?
        .with_run_log(super::run_log());
    engine
        .follow_settings(setup.named)
        .map_err(|error| CliError::Failure(format!("cannot follow the settings: {error}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Failure(format!("cannot start the runtime: {error}")))?;
    Ok((engine, runtime))
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

    /// Waits for the first signal, after which the server still answers the
    /// requests in flight. A second signal ends the process at once.
    async fn first(mut self) {
        self.next().await;
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(1);
        });
    }
}
