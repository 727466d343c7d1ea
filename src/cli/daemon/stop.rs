//! Ending the shared daemon.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::{DaemonProcess, failure, read, status};
use crate::cli::CliError;

/// The longest time from the signal until the daemon is gone: it answers what is in
/// flight and writes the cache.
const END: Duration = Duration::from_secs(60);

/// The pause between two looks at the process.
const RETRY: Duration = Duration::from_millis(10);

/// Ends the daemon at `socket` and waits until its process is gone. Returns its
/// process number; none if no daemon runs there.
///
/// Sends SIGTERM to the process that the daemon's status names, if it runs fimd. The
/// status is asked only of a socket of this user.
pub(in crate::cli) fn stop(socket: &Path) -> Result<Option<u32>, CliError> {
    let Some(status) = status(socket)? else {
        return Ok(None);
    };
    let daemon: DaemonProcess = read(&status).map_err(|reason| failure(socket, &reason))?;
    let DaemonProcess { pid: number, .. } = daemon;
    let pid = i32::try_from(number).ok().and_then(Pid::from_raw);
    let Some(pid) = pid.filter(|_| runs_fimd(number)) else {
        let reason = format!(
            "process {number}, which the daemon names, is none of fimd here; end the daemon where \
             it runs, such as in a container"
        );
        return Err(failure(socket, &reason));
    };
    kill_process(pid, Signal::TERM)
        .map_err(|error| failure(socket, &format!("cannot end process {number}: {error}")))?;
    let deadline = Instant::now() + END;
    while is_running(pid, number) {
        if Instant::now() > deadline {
            let seconds = END.as_secs();
            let reason = format!("process {number} has not ended after {seconds} s");
            return Err(failure(socket, &reason));
        }
        thread::sleep(RETRY);
    }
    Ok(Some(number))
}

/// Whether the process runs fimd, as far as the system tells. The socket may lead
/// to a daemon in a container, whose process numbers mean others here.
fn runs_fimd(number: u32) -> bool {
    if !Path::new("/proc/self/exe").exists() {
        return true;
    }
    // The name of a program that was replaced ends with ` (deleted)`.
    fs::read_link(format!("/proc/{number}/exe")).is_ok_and(|program| {
        let name = program.file_name().map(|name| name.to_string_lossy());
        name.is_some_and(|name| name.starts_with("fimd"))
    })
}

/// Whether the process runs. A process that has ended keeps its number until its
/// parent has asked for its exit code.
fn is_running(pid: Pid, number: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
    // The state stands behind the name of the program in parentheses.
    let state = stat.rsplit_once(") ").map(|(_, state)| state);
    test_kill_process(pid).is_ok() && !state.is_some_and(|state| state.starts_with('Z'))
}
