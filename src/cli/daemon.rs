//! The shared daemon as the shell sees it: its socket, its status, how it starts
//! and how it ends.

mod start;
mod stop;

use std::fmt::Display;
use std::fs::{self, DirBuilder};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy;
use etcetera::base_strategy::Xdg;
use rustix::process::geteuid;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

pub(super) use self::start::reach;
pub(super) use self::stop::stop;

use super::CliError;
use crate::config::settings_path;
use crate::engine::SettingsFileStatus;

/// The longest time to wait for an answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes of a socket's path: `sun_path` of `sockaddr_un` less the zero
/// byte at its end (unix(7); 104 bytes on the BSDs and macOS).
const MAX_SOCKET_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

const REQUEST: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fimd/status\"}\n";

/// The socket that a command is about.
#[derive(Debug, clap::Args)]
pub(super) struct SocketOption {
    /// Socket of the daemon [default: fimd.sock in $XDG_RUNTIME_DIR, else
    /// fimd/fimd.sock in $XDG_CACHE_HOME or ~/.cache]
    #[arg(long, value_name = "PATH", value_parser = socket_path)]
    socket: Option<PathBuf>,
}

impl SocketOption {
    /// The named socket; none if the default is meant.
    fn named(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// The named socket, else the default one.
    pub(super) fn path(&self) -> Result<PathBuf, CliError> {
        if let Some(path) = &self.socket {
            return Ok(path.clone());
        }
        let Some(path) = default_socket() else {
            let what = "no usual place for the socket: set XDG_RUNTIME_DIR or HOME, or name one \
                        with --socket";
            return Err(CliError::Failure(what.into()));
        };
        check_length(&path).map_err(|reason| failure(&path, &reason))?;
        Ok(path)
    }

    /// The command that restarts the daemon, for messages.
    pub(super) fn restart_command(&self) -> String {
        match self.named() {
            Some(path) => format!("fimd restart --socket {}", path.display()),
            None => "fimd restart".into(),
        }
    }

    /// Like [`SocketOption::path`], for a daemon that may have to start: makes the
    /// folder of the default socket.
    pub(super) fn path_to_start(&self) -> Result<PathBuf, CliError> {
        let path = self.path()?;
        if let (None, Some(folder)) = (&self.socket, path.parent()) {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.map_err(|error| failure(&path, &error))?;
        }
        Ok(path)
    }
}

/// Reads the path of a socket.
pub(super) fn socket_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    check_length(&path).map(|()| path)
}

/// Refuses a path that is too long for a socket.
fn check_length(path: &Path) -> Result<(), String> {
    match path.as_os_str().len() {
        0..=MAX_SOCKET_BYTES => Ok(()),
        bytes => Err(format!(
            "the path has {bytes} bytes, and that of a socket can have {MAX_SOCKET_BYTES}; name a \
             shorter one with --socket, such as /tmp/fimd.sock"
        )),
    }
}

/// The default socket of the editors and the systemd units; none if the user has
/// no home.
pub(super) fn default_socket() -> Option<PathBuf> {
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => Some(Path::new(&folder).join("fimd.sock")),
        None => Some(Xdg::new().ok()?.cache_dir().join("fimd/fimd.sock")),
    }
}

/// The failure of a command about the daemon at `socket`.
pub(super) fn failure(socket: &Path, reason: &dyn Display) -> CliError {
    CliError::Failure(format!("socket {}: {reason}", socket.display()))
}

/// Whether connecting failed because no daemon runs.
pub(super) fn means_no_daemon(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

/// Fails if `owner`, who runs a daemon or has made its socket, is another user.
fn check_owner(owner: u32) -> io::Result<()> {
    if owner == geteuid().as_raw() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "it belongs to another user ({owner}); name a socket in a folder that only you can write to"
    )))
}

/// Whether waiting for an answer took longer than [`PATIENCE`].
pub(super) fn is_silence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// The response of the daemon.
#[derive(Deserialize)]
struct StatusResponse {
    result: Option<Box<RawValue>>,
    error: Option<ResponseError>,
}

/// A message from the daemon that is no response.
#[derive(Deserialize)]
struct Notification {
    #[expect(dead_code, reason = "only its presence matters")]
    method: IgnoredAny,
}

#[derive(Deserialize)]
struct ResponseError {
    message: String,
}

/// The fields of a daemon's status that every version has, and the settings.
#[derive(Deserialize)]
pub(super) struct DaemonProcess {
    /// The version of the program that runs.
    pub(super) version: String,
    /// The process number.
    pub(super) pid: u32,
    /// How it follows its settings file; the defaults of an older version.
    #[serde(default)]
    pub(super) settings: SettingsFileStatus,
}

/// How a daemon differs from what this program would start.
pub(super) enum DaemonDifference {
    /// It is another version.
    Version,
    /// Its settings are not those of the file; what differs and the remedy.
    Settings(String, String),
}

impl DaemonProcess {
    /// The difference to a daemon of this program with the settings file that
    /// `--settings` names, if there is one; `restart` is the command that restarts
    /// the daemon.
    pub(super) fn difference(
        &self,
        named: Option<&Path>,
        restart: &str,
    ) -> Option<DaemonDifference> {
        if self.version != env!("CARGO_PKG_VERSION") {
            return Some(DaemonDifference::Version);
        }
        let SettingsFileStatus {
            file,
            fault,
            needs_restart,
        } = &self.settings;
        let ours = settings_path(named).ok()?;
        let ours = std::path::absolute(&ours).unwrap_or(ours);
        let (what, remedy) = match (file, fault, needs_restart) {
            (Some(file), ..) if Path::new(file) != ours => (
                format!("its settings file is {file}, not {}", ours.display()),
                format!("run `{restart}` to have the other"),
            ),
            (_, Some(fault), _) => (
                format!("it uses the last good settings: {fault}"),
                "mend the file, the daemon follows it".into(),
            ),
            (_, None, true) => (
                "[limits] in the settings file is not what it uses".into(),
                format!("run `{restart}`"),
            ),
            (_, None, false) => return None,
        };
        Some(DaemonDifference::Settings(what, remedy))
    }
}

/// The response of the daemon at a socket, as a line of JSON.
pub(super) fn ask(socket: &Path) -> io::Result<String> {
    let mut daemon = UnixStream::connect(socket)?;
    check_owner(fs::metadata(socket)?.uid())?;
    daemon.set_read_timeout(Some(PATIENCE))?;
    daemon.write_all(REQUEST)?;
    let mut daemon = BufReader::new(daemon);
    loop {
        let mut line = String::new();
        daemon.read_line(&mut line)?;
        // Notifications may come before the response.
        if serde_json::from_str::<Notification>(&line).is_err() {
            return Ok(line);
        }
    }
}

/// The result in such a line, or the error message.
pub(super) fn result(line: &str) -> Result<Box<RawValue>, String> {
    let answer: StatusResponse = serde_json::from_str(line).map_err(|error| not_ours(&error))?;
    match answer {
        StatusResponse {
            error: Some(refused),
            ..
        } => Err(refused.message),
        StatusResponse { result, .. } => result.ok_or_else(|| "an answer without a result".into()),
    }
}

/// The result of the daemon at `socket`; none if no daemon runs there.
pub(super) fn status(socket: &Path) -> Result<Option<Box<RawValue>>, CliError> {
    let line = match ask(socket) {
        Ok(line) => line,
        Err(error) if means_no_daemon(&error) => return Ok(None),
        Err(error) if is_silence(&error) => {
            let reason = format!("no answer within {} s", PATIENCE.as_secs());
            return Err(failure(socket, &reason));
        }
        Err(error) => return Err(failure(socket, &error)),
    };
    let result = result(&line).map_err(|reason| failure(socket, &reason))?;
    Ok(Some(result))
}

/// Reads the fields of a status that `T` has.
pub(super) fn read<'r, T: Deserialize<'r>>(status: &'r RawValue) -> Result<T, String> {
    serde_json::from_str(status.get()).map_err(|error| not_ours(&error))
}

fn not_ours(error: &serde_json::Error) -> String {
    format!("not a daemon of fimd: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_of_another_user_is_refused() {
        let own = geteuid().as_raw();
        assert!(check_owner(own).is_ok());
        let error = check_owner(own + 1).unwrap_err().to_string();
        assert!(error.contains("another user"), "{error}");
    }
}
