//! Helpers of the tests: a client of the real binary, projects for it to serve,
//! and what the submodules have.

pub(crate) mod browser;
pub(crate) mod contexts;
pub(crate) mod daemon;
pub(crate) mod lsp_client;
pub(crate) mod model_server;
pub(crate) mod neovim;
pub(crate) mod oracle;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Tests wait this long only when the server hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The bytes of every file of a folder, by name.
pub(crate) fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, std::fs::read(file.path()).unwrap())
        })
        .collect()
}

/// A folder with files. It is deleted when dropped.
pub(crate) struct Project(tempfile::TempDir);

impl Project {
    /// A project with these files: paths and texts.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    /// The path of the folder.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// `text` with `{root}` replaced by the folder's path, as in a JSON string.
    pub(crate) fn fill(&self, text: &str) -> String {
        let root = serde_json::to_string(self.path().to_str().unwrap()).unwrap();
        text.replace("{root}", root.trim_matches('"'))
    }
}

/// The real binary with pipes to it.
pub(crate) struct Client {
    child: Child,
    input: Option<ChildStdin>,
    answers: Receiver<String>,
    log: JoinHandle<String>,
}

/// The remains of a server that has ended.
pub(crate) struct ServerExit {
    /// The answers that the test had not read yet.
    pub(crate) answers: Vec<String>,
    /// The exit code.
    pub(crate) code: Option<i32>,
    /// All of stderr.
    pub(crate) log: String,
}

/// The program without arguments, in an environment without anything that would
/// change its behaviour.
pub(crate) fn fimd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fimd"));
    command.env_remove("RUST_LOG");
    // These folders hold no settings and no state.
    command.env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.env_remove("FIMD_API_KEY");
    command
}

impl Client {
    /// Starts `command` with pipes to all of its streams.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut errors = child.stderr.take().unwrap();
        let (lines, answers) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines() {
                if lines.send(line.unwrap()).is_err() {
                    break;
                }
            }
        });
        let log = thread::spawn(move || {
            let mut log = String::new();
            errors.read_to_string(&mut log).unwrap();
            log
        });
        Self {
            input: child.stdin.take(),
            child,
            answers,
            log,
        }
    }

    /// Sends bytes as they are. It is no error if the server has ended.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let input = self.input.as_mut().unwrap();
        if let Err(error) = input.write_all(bytes.as_ref()).and_then(|()| input.flush()) {
            assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
        }
    }

    /// The next line of stdout.
    pub(crate) fn answer(&self) -> String {
        self.answers.recv_timeout(PATIENCE).unwrap()
    }

    /// Closes the input, and waits until the server has ended.
    pub(crate) fn close(mut self) -> ServerExit {
        self.input = None;
        self.wait()
    }

    /// Waits until the server has ended, with the input still open.
    pub(crate) fn wait(mut self) -> ServerExit {
        let mut answers = Vec::new();
        loop {
            match self.answers.recv_timeout(PATIENCE) {
                Ok(line) => answers.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.child.kill().unwrap();
                    panic!("the server does not end; it answered {answers:#?}");
                }
            }
        }
        let code = self.child.wait().unwrap().code();
        let log = self.log.join().unwrap();
        ServerExit { answers, code, log }
    }
}

/// Reports that a test cannot run here, and what it needs. Where the environment
/// variable `CI` is set, this fails the test: CI installs all that tests need.
pub(crate) fn skip(needs: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "CI skips no test; this one needs {needs}"
    );
    // Unlike `eprintln!`, this is printed even when the test passes.
    let line = format!("SKIPPED: needs {needs}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Whether `text` is `pattern`, where each `*` stands for any text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(first) else {
        return false;
    };
    let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts.any(|at| matches(rest, &text[at..]))
}
