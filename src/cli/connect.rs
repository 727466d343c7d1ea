//! `fimd connect`: copies bytes between stdin, stdout and the shared daemon, for
//! editors that can only spawn a process. Starts the daemon if none runs.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tracing::level_filters::LevelFilter;

use super::CliError;

/// The longest time from starting a daemon until it listens.
const START: Duration = Duration::from_secs(10);

/// The pause between two attempts to connect.
const RETRY: Duration = Duration::from_millis(10);

/// Connect stdin and stdout to the daemon at a socket; start the daemon if none runs.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Socket of the daemon
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
}

/// Runs until the daemon ends the connection.
pub(super) fn run(
    args: &Args,
    log_level: Option<LevelFilter>,
    settings: Option<&Path>,
    no_cache: bool,
) -> Result<(), CliError> {
    let start = || start(&args.socket, log_level, settings, no_cache);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Failure(format!("cannot start the runtime: {error}")))?;
    let joined = runtime.block_on(async {
        let daemon = reach(&args.socket, &start).await?;
        join(daemon)
            .await
            .map_err(|error| failure(&args.socket, &error))
    });
    // A blocked read of stdin cannot be interrupted.
    runtime.shutdown_background();
    joined
}

fn failure(socket: &Path, reason: &dyn std::fmt::Display) -> CliError {
    CliError::Failure(format!("socket {}: {reason}", socket.display()))
}

/// Connects to the daemon at `socket` and starts one if none listens. When many
/// processes do this at once, all of them connect to the daemon that bound first.
async fn reach(
    socket: &Path,
    start: &impl Fn() -> io::Result<Child>,
) -> Result<UnixStream, CliError> {
    let mut started: Option<Child> = None;
    let deadline = Instant::now() + START;
    loop {
        let error = match UnixStream::connect(socket).await {
            Ok(daemon) => return Ok(daemon),
            Err(error) => error,
        };
        let nobody = matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
        );
        if !nobody {
            return Err(failure(socket, &error));
        }
        let Some(daemon) = &mut started else {
            started = Some(start().map_err(|error| {
                failure(socket, &format!("cannot start a daemon for it: {error}"))
            })?);
            continue;
        };
        let ended = daemon.try_wait().map_err(|error| failure(socket, &error))?;
        if ended.is_some_and(|status| !status.success()) {
            // It ends with an error if another daemon has bound the socket first.
            if let Ok(daemon) = UnixStream::connect(socket).await {
                return Ok(daemon);
            }
            let mut log = String::new();
            if let Some(mut stderr) = daemon.stderr.take() {
                stderr
                    .read_to_string(&mut log)
                    .map_err(|error| failure(socket, &error))?;
            }
            let last = log.lines().last().unwrap_or("it said nothing");
            let said = last.trim_start_matches("fimd: ");
            return Err(CliError::Failure(format!(
                "the daemon did not start: {said}"
            )));
        }
        if Instant::now() > deadline {
            let seconds = START.as_secs();
            return Err(failure(
                socket,
                &format!(
                    "the daemon does not listen after {seconds} s; run `fimd --socket` to see why"
                ),
            ));
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Starts a daemon that outlives this process and its terminal's signals.
fn start(
    socket: &Path,
    log_level: Option<LevelFilter>,
    settings: Option<&Path>,
    no_cache: bool,
) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--socket").arg(std::path::absolute(socket)?);
    // A working directory inside a project would keep that folder from being unmounted.
    command.current_dir("/");
    command.args(no_cache.then_some("--no-cache"));
    command.args(log_level.map(|level| format!("--log-level={level}")));
    if let Some(file) = settings {
        command.arg("--settings").arg(std::path::absolute(file)?);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // Read only if the daemon does not start; its later log is lost.
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
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
