//! `fimd connect`: copies bytes between stdin, stdout and the shared daemon, for
//! editors that can only spawn a process. Starts the daemon if none runs.

use std::io::{self, IsTerminal};

use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;

use super::CliError;
use super::daemon::{SocketOption, failure, reach};
use super::setup::{CommonOptions, runtime};

/// Connect stdin and stdout to the daemon at a socket; start the daemon if none runs.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    socket: SocketOption,
}

/// Runs until the daemon ends the connection.
pub(super) fn run(args: &Args, options: &CommonOptions) -> Result<(), CliError> {
    if io::stdin().is_terminal() {
        anstream::eprintln!(
            "fimd: passes JSON-RPC requests on stdin to the daemon, as an editor sends them; \
             Ctrl-D ends. `fimd --help` lists the commands for people."
        );
    }
    let socket = args.socket.path_to_start()?;
    let runtime = runtime()?;
    let joined = runtime.block_on(async {
        let daemon = reach(&socket, options).await?;
        join(daemon).await.map_err(|error| failure(&socket, &error))
    });
    // A blocked read of stdin cannot be interrupted.
    runtime.shutdown_background();
    joined
}

/// Copies bytes both ways until the daemon closes the connection.
async fn join(daemon: UnixStream) -> io::Result<()> {
    let (mut answers, mut requests) = daemon.into_split();
    let sender = tokio::spawn(async move {
        // This fails if the daemon has closed the connection, which is no error.
        let sent = tokio::io::copy(&mut tokio::io::stdin(), &mut requests).await;
        let ended = requests.shutdown().await;
        sent.map(drop).and(ended)
    });
    let mut stdout = tokio::io::stdout();
    let received = tokio::io::copy(&mut answers, &mut stdout).await;
    if sender.is_finished() {
        tracing::debug!("the input has ended");
    }
    match received {
        Ok(_) => stdout.flush().await,
        // The editor has closed its end.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(error),
    }
}
