//! `fimd restart`: ends the shared daemon, and starts one of this version.

use super::daemon::{DaemonProcess, SocketOption, failure, reach, read, status, stop};
use super::setup::{CommonOptions, runtime};
use super::{CliError, show};

/// End the daemon at a socket and start a new one, with this program and these options.
///
/// Starts one if none runs. The new daemon outlives the command.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    socket: SocketOption,
}

/// Runs the command.
pub(super) fn run(args: &Args, options: &CommonOptions) -> Result<(), CliError> {
    let socket = args.socket.path_to_start()?;
    // With settings that make no sense the new daemon would not start.
    options.setup_to_serve()?;
    let ended = stop(&socket)?;
    runtime()?.block_on(reach(&socket, options)).map(drop)?;
    let told = status(&socket)?.ok_or_else(|| failure(&socket, &"the new daemon has ended"))?;
    let DaemonProcess { version, pid, .. } =
        read(&told).map_err(|reason| failure(&socket, &reason))?;
    show::print(|out| {
        if let Some(ended) = ended {
            writeln!(out, "the daemon has ended, pid {ended}")?;
        }
        writeln!(out, "fimd {version} runs, pid {pid}")
    })
}
