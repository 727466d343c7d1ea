//! `fimd stop`: ends the shared daemon.

use super::daemon::{SocketOption, failure, stop};
use super::{CliError, show};

/// End the daemon at a socket.
///
/// The daemon answers what is in flight first. The command waits until its process
/// is gone. Editors that are open start a new daemon, or lose their connection.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    socket: SocketOption,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let socket = args.socket.path()?;
    match stop(&socket)? {
        Some(pid) => show::print(|out| writeln!(out, "the daemon has ended, pid {pid}")),
        None => Err(failure(&socket, &"no daemon runs here")),
    }
}
