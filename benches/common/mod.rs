//! The real binary as a daemon, for the benchmarks that talk to it.

use std::error::Error;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

/// What a benchmark gives, or why it could not run.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// The daemon. It is killed when dropped.
pub(crate) struct Daemon {
    child: Child,
    folder: tempfile::TempDir,
}

impl Daemon {
    /// Starts the daemon with the settings file `settings`.
    pub(crate) fn start(settings: &str) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, settings)?;
        let child = Command::new(env!("CARGO_BIN_EXE_fimd"))
            .arg("--settings")
            .arg(file)
            .arg("--socket")
            .arg(folder.path().join("s"))
            .env_remove("RUST_LOG")
            .env("XDG_CONFIG_HOME", folder.path())
            .stdin(Stdio::null())
            .spawn()?;
        let daemon = Self { child, folder };
        let begun = Instant::now();
        while UnixStream::connect(daemon.socket()).is_err() {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err("the daemon does not listen".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(daemon)
    }

    /// Its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    /// The processor time that the daemon has used.
    pub(crate) fn processor_time(&self) -> Outcome<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(')').ok_or("no process state")?;
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(str::parse::<u64>).sum::<Result<_, _>>()?;
        // Linux reports hundredths of a second to user programs.
        Ok(Duration::from_millis(ticks * 10))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request as one line.
pub(crate) fn line(id: usize, method: &str, params: &serde_json::Value) -> String {
    let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    format!("{request}\n")
}
