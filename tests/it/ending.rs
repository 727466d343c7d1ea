//! The end of the server: within two seconds of a signal, or of the end of its input,
//! whatever is blocked.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::daemon::Daemon;
use crate::common::model_server::ModelServer;
use crate::common::{Project, fimd};

/// Two seconds, and what a busy machine needs to notice. Without the limit, all of these
/// servers wait for more than ten.
const MOST: Duration = Duration::from_secs(6);

fn request(id: u32, method: &str, params: &Value) -> String {
    let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    format!("{request}\n")
}

/// A server on pipes, with what the test keeps of them.
struct Server {
    child: Child,
    input: Option<ChildStdin>,
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        Self { child, input }
    }

    fn send(&mut self, text: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
    }

    fn signal(&self) {
        let number = self.child.id().to_string();
        let kill = Command::new("kill").args(["-s", "TERM", &number]).status();
        assert!(kill.unwrap().success());
    }

    /// Fails unless the server ends in time.
    fn ends(mut self, what: &str) {
        let began = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if began.elapsed() > MOST {
                self.child.kill().unwrap();
                panic!("{what}: the server has not ended after {MOST:?}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// How a server is told to end.
#[derive(Clone, Copy, Debug)]
enum End {
    Signal,
    /// Its input is closed; its output is still read.
    Input,
    /// Its client is gone.
    Client,
}

impl End {
    fn tell(self, server: &mut Server) {
        match self {
            Self::Signal => server.signal(),
            Self::Input => server.input = None,
            Self::Client => {
                server.input = None;
                server.child.stdout = None;
            }
        }
    }
}

/// Holds the lock of `folder`, as another process would.
fn lock(folder: &Path) -> File {
    std::fs::create_dir_all(folder).unwrap();
    let held = File::open(folder).unwrap();
    held.lock().unwrap();
    held
}

#[test]
fn a_lock_on_the_cache_holds_up_no_end() {
    for end in [End::Signal, End::Input, End::Client] {
        let project = Project::new(&[("a.php", "<?php class A {}")]);
        let cache = tempfile::tempdir().unwrap();
        let _held = lock(&cache.path().join("fimd"));
        let mut server = Server::start(fimd().env("XDG_CACHE_HOME", cache.path()));
        server.send(&request(
            1,
            "initialize",
            &json!({"project_root": project.path()}),
        ));
        let mut answer = String::new();
        let mut output = BufReader::new(server.child.stdout.take().unwrap());
        output.read_line(&mut answer).unwrap();
        assert!(answer.contains("file_count"), "{answer}");
        if !matches!(end, End::Client) {
            server.child.stdout = Some(output.into_inner());
        }
        end.tell(&mut server);
        server.ends(&format!("{end:?}"));
    }
}

#[test]
fn work_that_is_blocked_holds_up_no_end() {
    for end in [End::Signal, End::Input, End::Client] {
        let home = tempfile::tempdir().unwrap();
        let _held = lock(&home.path().join("fimd"));
        let mut server = Server::start(fimd().env("XDG_CONFIG_HOME", home.path()));
        let params = json!({"content": r#"[[[{temperature:"0.5"}]]]"#, "cursor_offset": 3});
        for id in 0..9 {
            server.send(&request(id, "tags/applyConfig", &params));
        }
        std::thread::sleep(Duration::from_millis(500));
        end.tell(&mut server);
        server.ends(&format!("{end:?}"));
    }
}

#[test]
fn a_server_whose_client_is_there_waits_for_blocked_work() {
    let home = tempfile::tempdir().unwrap();
    let held = lock(&home.path().join("fimd"));
    let mut server = Server::start(fimd().env("XDG_CONFIG_HOME", home.path()));
    let params = json!({"content": r#"[[[{temperature:"0.5"}]]]"#, "cursor_offset": 3});
    server.send(&request(1, "tags/applyConfig", &params));
    let output = BufReader::new(server.child.stdout.take().unwrap());
    let (told, answers) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        // The changed settings may be told first.
        let mut lines = output.lines().map(Result::unwrap);
        let answer = lines.find(|line| line.contains("\"id\":1"));
        told.send(answer.unwrap()).unwrap();
    });
    // Longer than work of a client that has left may stand still.
    assert!(answers.recv_timeout(Duration::from_secs(3)).is_err());
    assert_eq!(server.child.try_wait().unwrap(), None);
    drop(held);
    let answer = answers.recv_timeout(Duration::from_secs(60)).unwrap();
    assert!(answer.contains("\"result\""), "{answer}");
    server.input = None;
    assert!(server.child.wait().unwrap().code().is_some());
}

/// An `initialize` on `project`, and a `complete` of a file in it.
fn complete(project: &Project) -> String {
    let root = json!({"project_root": project.path()});
    let params = json!({"filepath": "a.php", "content": "<?php\n", "cursor_offset": 6});
    request(1, "initialize", &root) + &request(2, "complete", &params)
}

/// The program with a settings file, in `folder`, that names the model server.
fn asking(model: &ModelServer, folder: &Path) -> Command {
    let file = folder.join("settings.toml");
    std::fs::write(&file, format!("[endpoint]\nurl = \"{}\"\n", model.url)).unwrap();
    let mut command = fimd();
    command.arg("--log-level=error").arg("--settings").arg(file);
    command
}

#[test]
fn a_silent_model_server_holds_up_no_end() {
    let project = Project::new(&[("a.php", "<?php class A {}")]);
    for end in [End::Signal, End::Client] {
        let model = ModelServer::start(|_, answer| answer.hang());
        let mut server = Server::start(&mut asking(&model, project.path()));
        server.send(&complete(&project));
        model.asked();
        end.tell(&mut server);
        server.ends(&format!("{end:?}"));
    }
    let model = ModelServer::start(|_, answer| answer.hang());
    let mut daemon = Daemon::start_with(&mut asking(&model, project.path()));
    let mut client = daemon.connect();
    client.write_all(complete(&project).as_bytes()).unwrap();
    model.asked();
    let began = Instant::now();
    daemon.signal("TERM");
    daemon.wait();
    assert!(began.elapsed() < MOST, "{:?}", began.elapsed());
}

#[test]
fn an_answer_that_takes_long_is_still_given_after_the_end_of_the_input() {
    let project = Project::new(&[("a.php", "<?php class A {}")]);
    let model = ModelServer::start(|_, answer| {
        std::thread::sleep(Duration::from_secs(4));
        answer.stream();
        answer.text("echo 1;");
        answer.done();
    });
    let mut server = Server::start(&mut asking(&model, project.path()));
    server.send(&complete(&project));
    server.input = None;
    let mut answers = String::new();
    let mut output = server.child.stdout.take().unwrap();
    output.read_to_string(&mut answers).unwrap();
    assert!(answers.contains("echo 1;"), "{answers}");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}
