//! `fimd`: serves one client over stdin and stdout, or many over a socket.

mod ending;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use tokio::runtime::Runtime;

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
    let cannot =
        |error: io::Error| CliError::Failure(format!("cannot serve on stdin and stdout: {error}"));
    let end = ending::first_signal().map_err(cannot)?;
    ending::watch_client(engine.clone()).map_err(cannot)?;
    let served = runtime.block_on(async {
        let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
        let served = server::serve(engine.clone(), input, output, end).await;
        ending::end_soon(code(served.as_ref().ok()));
        // The only client has left, so nobody can ask for the jobs any more.
        engine.end_jobs().await;
        served
    });
    // A blocked read of stdin cannot be interrupted.
    runtime.shutdown_background();
    engine.close();
    let code = code(served.as_ref().ok());
    served.map_err(cannot).map(|_| ExitCode::from(code))
}

/// The exit code after the only session has ended so; none if it has failed.
fn code(end: Option<&SessionEnd>) -> u8 {
    u8::from(end != Some(&SessionEnd::Orderly))
}

/// Serves the clients of a socket until a signal ends it.
pub(super) fn socket(path: &Path, setup: Setup) -> Result<(), CliError> {
    let (engine, runtime) = start(setup)?;
    let served = runtime.block_on(async {
        let end = ending::first_signal();
        let end = end.map_err(|error| CliError::Failure(error.to_string()))?;
        let socket = match Socket::passed(path) {
            Ok(None) => Socket::bind(path),
            Ok(Some(passed)) => Ok(passed),
            Err(error) => Err(error),
        };
        let socket = socket.map_err(|error| CliError::Failure(error.to_string()))?;
        tracing::info!("listening at {}", path.display());
        server::listen(engine.clone(), socket, end).await;
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
