//! The shared daemon from the shell: the default socket, `fimd stop`,
//! `fimd restart` and the units of systemd.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::common::daemon::{Daemon, wait_for};
use crate::common::{Client, fimd};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#;

/// A user's folders, where nothing runs yet. What runs at the end is stopped.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::create_dir(home.path("run")).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn fimd(&self, args: &[&str]) -> Command {
        let mut command = fimd();
        command.env("HOME", self.0.path());
        command.env("XDG_CONFIG_HOME", self.path("config"));
        command.env("XDG_CACHE_HOME", self.path("cache"));
        command.env("XDG_RUNTIME_DIR", self.path("run"));
        command.args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.fimd(args).output().unwrap()
    }

    /// The process number of the daemon.
    fn pid(&self) -> u64 {
        let ran = self.run(&["status", "--json"]);
        let status: Value = serde_json::from_slice(&ran.stdout).unwrap();
        status["pid"].as_u64().unwrap()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.run(&["stop"]);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Fails unless the command failed with one line that holds `said`.
#[track_caller]
fn fails(output: &Output, said: &str) {
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains(said) && error.lines().count() == 1,
        "{error}"
    );
    assert!(output.stdout.is_empty());
}

/// Whether a process runs. One that has ended counts until its parent has asked.
fn runs(pid: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, state)| !state.starts_with('Z'))
}

#[test]
fn the_default_socket_needs_no_name() {
    let home = Home::new();
    let socket = home.path("run/fimd.sock");
    fails(&home.run(&["status"]), "run/fimd.sock: no daemon listens");
    fails(&home.run(&["stop"]), "run/fimd.sock: no daemon runs here");
    let mut client = Client::start(&mut home.fimd(&["connect"]));
    client.send(format!("{INITIALIZE}\n"));
    assert!(client.answer().contains("project_root"));
    let pid = home.pid();
    assert!(text(&home.run(&["status"]).stdout).contains(&format!("pid      {pid}\n")));
    let stopped = home.run(&["stop"]);
    assert_eq!(
        text(&stopped.stdout),
        format!("the daemon has ended, pid {pid}\n")
    );
    assert!(!runs(pid) && !socket.exists());
    assert_eq!(client.wait().code, Some(0));
    fails(&home.run(&["stop"]), "no daemon runs here");
}

#[test]
fn without_a_runtime_folder_the_socket_is_in_the_cache() {
    let home = Home::new();
    let run = |command: &str| {
        let mut command = home.fimd(&[command]);
        command.env("XDG_RUNTIME_DIR", "").output().unwrap()
    };
    assert_eq!(run("restart").status.code(), Some(0));
    let folder = fs::metadata(home.path("cache/fimd")).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    assert!(home.path("cache/fimd/fimd.sock").exists());
    assert_eq!(run("stop").status.code(), Some(0));
    assert!(!home.path("cache/fimd/fimd.sock").exists());
}

#[test]
fn a_restart_replaces_the_daemon_or_starts_the_first() {
    let home = Home::new();
    let restart = || {
        let ran = home.run(&["restart"]);
        assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
        text(&ran.stdout)
    };
    let version = env!("CARGO_PKG_VERSION");
    let said = restart();
    let first = home.pid();
    assert_eq!(said, format!("fimd {version} runs, pid {first}\n"));
    let said = restart();
    let second = home.pid();
    assert_ne!(first, second);
    assert_eq!(
        said,
        format!("the daemon has ended, pid {first}\nfimd {version} runs, pid {second}\n")
    );
    assert!(!runs(first) && runs(second));
}

/// The check of the daemon in the report of the doctor.
#[test]
fn a_restart_that_would_fail_ends_no_daemon() {
    let home = Home::new();
    assert!(home.run(&["restart"]).status.success());
    let pid = home.pid();
    fs::create_dir_all(home.path("config/fimd")).unwrap();
    fs::write(
        home.path("config/fimd/settings.toml"),
        "[endpoint]\nurll = 1\n",
    )
    .unwrap();
    let refused = home.run(&["restart"]);
    assert_eq!(refused.status.code(), Some(2));
    let error = text(&refused.stderr);
    assert!(
        error.contains("settings.toml:2: endpoint.urll: unknown"),
        "{error}"
    );
    assert_eq!(home.pid(), pid);
}

fn daemon_check(home: &Home, args: &[&str]) -> Value {
    let ran = home.run(&[&["doctor", "--json"], args].concat());
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let mut checks = report["checks"].as_array().unwrap().iter();
    let check = checks.find(|check| check["name"] == "daemon").unwrap();
    check.clone()
}

#[test]
fn doctor_and_status_compare_the_settings_of_the_daemon() {
    let home = Home::new();
    let file = home.path("config/fimd/settings.toml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "[completion]\nmax_lines = 3\n").unwrap();
    assert_eq!(home.run(&["restart"]).status.code(), Some(0));
    let says = |state: &str, says: &str, fix: &str, args: &[&str]| {
        let check = daemon_check(&home, args);
        let is_so = check["state"] == state
            && check["says"].as_str().unwrap().contains(says)
            && check["fix"].as_str().unwrap_or_default().contains(fix);
        let status = text(&home.run(&[&["status"], args].concat()).stdout);
        assert!(status.contains(&format!("settings {}\n", file.display())));
        (is_so && (state == "ok" || status.contains(says) && status.contains(fix)))
            .then_some(())
            .ok_or_else(|| format!("{check} {status}"))
    };
    says("ok", "runs, pid", "", &[]).unwrap();
    let other = home.path("other.toml");
    fs::write(&other, "").unwrap();
    let args = ["--settings", other.to_str().unwrap()];
    says("warning", "settings.toml, not ", "fimd restart", &args).unwrap();
    fs::write(&file, "[completion]\nmax_lies = 3\n").unwrap();
    let fault = "settings.toml:2: completion.max_lies: unknown";
    wait_for("the fault to be told", || {
        says("warning", fault, "mend the file", &[]).ok()
    });
    fs::write(&file, "[limits]\nmax_clients = 3\n").unwrap();
    wait_for("the limits to be told", || {
        says("warning", "[limits]", "fimd restart", &[]).ok()
    });
    assert_eq!(home.run(&["restart"]).status.code(), Some(0));
    says("ok", "runs, pid", "", &[]).unwrap();
}

#[test]
fn what_is_in_flight_is_answered_before_a_stop() {
    let mut daemon = Daemon::start();
    let mut client = BufReader::new(daemon.connect());
    let content = format!("<?php {} $a->", "f([1, 2, 3]); ".repeat(50_000));
    let root = tempfile::tempdir().unwrap();
    for request in [
        json!({"id": 1, "method": "initialize", "params": {"project_root": root.path()}}),
        json!({"id": 2, "method": "getContext", "params": {"filepath": "x.php", "content": content}}),
        json!({"id": 3, "method": "nope"}),
    ] {
        writeln!(client.get_mut(), "{}", with_version(request)).unwrap();
    }
    // When the third request is answered, the daemon has read the second.
    let mut answers = String::new();
    while !answers.contains(r#""id":3"#) {
        client.read_line(&mut answers).unwrap();
    }
    let stopped = stop(&daemon.path());
    assert_eq!(stopped.status.code(), Some(0), "{}", text(&stopped.stderr));
    assert_eq!(daemon.wait(), Some(0));
    client.read_to_string(&mut answers).unwrap();
    assert!(answers.contains(r#""id":2,"result""#), "{answers}");
}

#[test]
fn the_units_start_the_program_from_where_it_is() {
    let home = Home::new();
    // A folder that systemd does not search, with a name to quote.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let program = folder.join("100% own/fimd");
    fs::create_dir(program.parent().unwrap()).unwrap();
    fs::hard_link(env!("CARGO_BIN_EXE_fimd"), &program).unwrap();
    let install = || {
        let mut command = Command::new(&program);
        command.env("HOME", home.0.path());
        command.env("XDG_CONFIG_HOME", home.path("config"));
        command.arg("install-units").output().unwrap()
    };
    let units = home.path("config/systemd/user");
    for _ in 0..2 {
        let ran = install();
        assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
        assert!(text(&ran.stdout).contains("enable --now fimd.socket"));
    }
    let service = fs::read_to_string(units.join("fimd.service")).unwrap();
    let path = program.to_str().unwrap().replace('%', "%%");
    assert!(
        service.contains(&format!("\nExecStart=\"{path}\" --socket %t/fimd.sock\n")),
        "{service}"
    );
    let socket = fs::read_to_string(units.join("fimd.socket")).unwrap();
    assert!(socket.contains("\nListenStream=%t/fimd.sock\n"));
    // The user's own unit stays, and so does the other one.
    fs::write(units.join("fimd.socket"), "[Socket]\n").unwrap();
    fs::write(units.join("fimd.service"), service.replace("Restart", "#")).unwrap();
    fails(&install(), "fimd.socket: not written by this command");
    assert_eq!(
        fs::read_to_string(units.join("fimd.socket")).unwrap(),
        "[Socket]\n"
    );
    assert!(
        !fs::read_to_string(units.join("fimd.service"))
            .unwrap()
            .contains("Restart")
    );
}

fn with_version(mut request: Value) -> Value {
    request["jsonrpc"] = "2.0".into();
    request
}

fn stop(socket: &Path) -> Output {
    fimd()
        .args(["stop", "--socket"])
        .arg(socket)
        .output()
        .unwrap()
}

#[test]
fn a_process_that_is_no_fimd_is_not_ended() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let mut other = Command::new("sleep")
        .arg("300")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    let status = json!({"id": 1, "result": {"version": "0.0.1", "pid": other.id()}});
    let answering = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        BufReader::new(&client)
            .read_line(&mut String::new())
            .unwrap();
        writeln!(client, "{}", with_version(status)).unwrap();
    });
    let stopped = stop(&socket);
    answering.join().unwrap();
    fails(&stopped, "is none of fimd");
    assert_eq!(other.try_wait().unwrap(), None);
    other.kill().unwrap();
    wait_for("the other to end", || other.try_wait().unwrap());
}

#[test]
fn a_socket_path_that_is_too_long_is_refused_with_the_way_out() {
    let home = Home::new();
    let long = format!("/tmp/{}", "x".repeat(120));
    for args in [
        &["--socket", &long][..],
        &["status", "--socket", &long],
        &["connect", "--socket", &long],
    ] {
        let refused = home.run(args);
        assert_eq!(refused.status.code(), Some(2), "{args:?}");
        let error = text(&refused.stderr);
        let reason =
            "the path has 125 bytes, and that of a socket can have 107; name a shorter one";
        assert!(error.contains(reason), "{error}");
    }
    let deep = home.path(&"y".repeat(100));
    fs::create_dir(&deep).unwrap();
    let refused = home
        .fimd(&["status"])
        .env("XDG_RUNTIME_DIR", &deep)
        .output()
        .unwrap();
    assert!(text(&refused.stderr).contains("of a socket can have 107"));
}

#[test]
fn a_wrong_usage_names_the_command_that_tells_the_right_one() {
    let home = Home::new();
    for (args, said) in [
        (
            &["fly"][..],
            "unrecognized subcommand 'fly'; see `fimd --help`",
        ),
        (
            &["generate", "--shard-size", "XB"],
            "expected a size with its unit, such as 256MB or 1GiB; see `fimd ",
        ),
        (&["tags", "run"], "; see `fimd tags run --help`"),
    ] {
        let refused = home.run(args);
        let error = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{error}");
        assert!(
            error.contains(said) && error.lines().count() == 1,
            "{error}"
        );
    }
}
