//! The real binary as a shared daemon.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::common::fimd;

/// Tests wait this long only when the daemon hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// A daemon at a socket in its own folder. It is killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    folder: tempfile::TempDir,
}

/// The program as a daemon at `socket`.
pub(crate) fn serving(socket: &Path) -> Command {
    let mut command = fimd();
    serve_at(&mut command, socket);
    command
}

fn serve_at(command: &mut Command, socket: &Path) {
    command.arg("--socket").arg(socket);
    command.stdin(Stdio::null());
}

/// Waits until `done` returns a value.
pub(crate) fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let start = std::time::Instant::now();
    loop {
        if let Some(done) = done() {
            return done;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Starts a daemon, and waits until it accepts clients.
fn listening(command: &mut Command, socket: &Path) -> Child {
    let mut child = command.spawn().unwrap();
    wait_for("the daemon to listen", || {
        assert_eq!(child.try_wait().unwrap(), None, "the daemon has ended");
        UnixStream::connect(socket).ok()
    });
    child
}

impl Daemon {
    pub(crate) fn start() -> Self {
        // The tests remove files while the daemon reads them, and clients
        // disconnect; warnings about it are expected.
        Self::start_with(fimd().arg("--log-level=error"))
    }

    /// Starts `command`, the program with options.
    pub(crate) fn start_with(command: &mut Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        serve_at(command, &socket);
        let child = listening(command, &socket);
        Self { child, folder }
    }

    /// Starts a daemon that has ended again, at the same path.
    pub(crate) fn restart(&mut self) {
        self.child = listening(&mut serving(&self.path()), &self.path());
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    pub(crate) fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.path()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends `input` and its end on a new connection, and returns all answers.
    pub(crate) fn ask(&self, input: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(input).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).unwrap();
        answers
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }

    /// The resident memory of the daemon in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.unwrap().trim().strip_suffix(" kB").unwrap();
        kibibytes.parse::<u64>().unwrap() << 10
    }

    /// Waits until the daemon has ended, and returns its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let child = &mut self.child;
        wait_for("the daemon to end", || child.try_wait().unwrap()).code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
