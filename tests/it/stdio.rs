//! `fimd` as a process: its streams, exit codes, signals and log.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::common::{Client, Project, fimd, matches};

const SHUTDOWN: &str = r#"{"jsonrpc":"2.0","id":1,"method":"shutdown"}"#;

#[test]
fn shutdown_ends_the_process_while_the_input_is_open() {
    let mut client = Client::start(&mut fimd());
    client.send(format!("{SHUTDOWN}\n"));
    let ended = client.wait();
    assert_eq!(ended.answers, [r#"{"jsonrpc":"2.0","id":1,"result":null}"#]);
    assert_eq!(ended.code, Some(0));
    assert_eq!(ended.log, "");
}

#[test]
fn a_signal_ends_the_server_with_success() {
    for name in ["TERM", "INT"] {
        let mut child = fimd()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"{}\n").unwrap();
        let mut answer = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut answer).unwrap();
        let kill = Command::new("kill")
            .args(["-s", name, &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "SIG{name}");
        drop(input);
    }
}

#[test]
fn a_client_that_stops_reading_is_no_failure() {
    let mut child = fimd()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"{}\n").unwrap();
    // The input stays open. The server ends because its output is closed.
    let status = child.wait().unwrap();
    drop(input);
    assert_eq!(status.code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn streams_that_fail_are_one_line_on_stderr_and_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let directory = std::fs::File::open(folder.path()).unwrap();
    let output = fimd().stdin(directory).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        matches(
            "fimd: cannot serve on stdin and stdout: *directory*\n",
            &log
        ),
        "{log}"
    );

    let full = std::fs::File::create("/dev/full").unwrap();
    let mut child = fimd().stdin(Stdio::piped()).stdout(full).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"{}\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_wrong_log_level_is_a_wrong_use() {
    for (level, variable) in [(Some("loud"), None), (None, Some("fimd=loud"))] {
        let mut command = fimd();
        command.args(level.map(|level| format!("--log-level={level}")));
        command.envs(variable.map(|value| ("RUST_LOG", value)));
        let output = command.stdin(Stdio::null()).output().unwrap();
        let log = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{log}");
        assert!(
            log.contains("--log-level") || log.starts_with("fimd: RUST_LOG: "),
            "{log}"
        );
    }
}

#[test]
fn the_log_goes_to_stderr_from_the_level_asked_for() {
    let project = Project::new(&[("a.php", "<?php\n")]);
    let initialize = project.fill(
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"project_root":"{root}"}}"#,
    );
    for (level, variable, logs) in [
        (None, None, false),
        (Some("info"), None, true),
        (None, Some("fimd=info"), true),
        (Some("error"), Some("info"), false),
    ] {
        let mut command = fimd();
        command.args(level.map(|level| format!("--log-level={level}")));
        command.envs(variable.map(|value| ("RUST_LOG", value)));
        let mut client = Client::start(&mut command);
        client.send(format!("{initialize}\n"));
        assert_eq!(
            client.answer(),
            r#"{"jsonrpc":"2.0","id":1,"result":{"file_count":1,"bm25_chunks":0}}"#
        );
        let ended = client.close();
        assert_eq!(
            ended.log.contains("project read"),
            logs,
            "{level:?} {variable:?}: {}",
            ended.log
        );
    }
}
