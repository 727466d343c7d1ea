//! Starting the shared daemon, detached from the process that starts it.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::UnixStream;

use super::{check_owner, failure, means_no_daemon};
use crate::cli::CliError;
use crate::cli::setup::CommonOptions;

/// The longest time from starting a daemon until it listens.
const START: Duration = Duration::from_secs(10);

/// The pause between two attempts to connect.
const RETRY: Duration = Duration::from_millis(10);

/// Connects to the daemon at `socket` and starts one if none listens. When many
/// processes do this at once, all of them connect to the daemon that bound first.
pub(in crate::cli) async fn reach(
    socket: &Path,
    options: &CommonOptions,
) -> Result<UnixStream, CliError> {
    let mut started: Option<Child> = None;
    let deadline = Instant::now() + START;
    loop {
        let error = match connect(socket).await {
            Ok(daemon) => return Ok(daemon),
            Err(error) => error,
        };
        if !means_no_daemon(&error) {
            return Err(failure(socket, &error));
        }
        let Some(daemon) = &mut started else {
            started = Some(start(socket, options).map_err(|error| {
                failure(socket, &format!("cannot start a daemon for it: {error}"))
            })?);
            continue;
        };
        let ended = daemon.try_wait().map_err(|error| failure(socket, &error))?;
        if ended.is_some_and(|status| !status.success()) {
            // It ends with an error if another daemon has bound the socket first.
            if let Ok(daemon) = connect(socket).await {
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

/// Connects to the daemon at `socket`.
///
/// # Errors
/// If there is none, and if it runs as another user, who would be sent the user's code.
async fn connect(socket: &Path) -> io::Result<UnixStream> {
    let daemon = UnixStream::connect(socket).await?;
    check_owner(daemon.peer_cred()?.uid())?;
    Ok(daemon)
}

/// Starts a daemon that outlives this process and its terminal's signals.
fn start(socket: &Path, options: &CommonOptions) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--socket").arg(std::path::absolute(socket)?);
    // A working directory inside a project would keep that folder from being unmounted.
    command.current_dir("/");
    command.args(options.no_cache.then_some("--no-cache"));
    command.args(
        options
            .log_level
            .map(|level| format!("--log-level={level}")),
    );
    if let Some(file) = &options.settings {
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
