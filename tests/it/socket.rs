//! The shared daemon: its socket, its clients, how it ends, and `fimd connect`.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::daemon::{Daemon, serving, wait_for};
use crate::common::{Client, Project, fimd, matches};

const SHUTDOWN: &str = "{\"jsonrpc\":\"2.0\",\"id\":\"s\",\"method\":\"shutdown\"}\n";
const SHUT_DOWN: &str = r#"{"jsonrpc":"2.0","id":"s","result":null}"#;

fn project() -> Project {
    Project::new(&[("a.php", "<?php\nclass A { public function run() {} }\n")])
}

fn initialize(project: &Project) -> String {
    let line = r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"project_root":"{root}","bm25":true}}"#;
    project.fill(line) + "\n"
}

fn get(id: usize, content: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"getContext","params":{{"filepath":"x.php","content":"{content}"}}}}"#
    ) + "\n"
}

fn line(stream: &mut impl BufRead) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// A connection that has opened the project.
fn opened(daemon: &Daemon, project: &Project) -> BufReader<UnixStream> {
    let mut stream = BufReader::new(daemon.connect());
    let request = initialize(project);
    stream.get_mut().write_all(request.as_bytes()).unwrap();
    let answer = line(&mut stream);
    assert!(answer.contains(r#""file_count":1"#), "{answer}");
    stream
}

/// Fails unless the daemon soon answers a new client.
fn answers_soon(daemon: &Daemon, project: &Project) {
    let start = Instant::now();
    let answers = daemon.ask((initialize(project) + &get(1, "<?php $a->") + SHUTDOWN).as_bytes());
    let took = start.elapsed();
    assert_eq!(answers.lines().count(), 3, "{answers}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// Runs a daemon that cannot start, and returns its error.
fn refused(socket: &Path) -> String {
    let output = serving(socket).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_socket_is_this_users_and_goes_with_the_daemon() {
    for name in ["TERM", "INT"] {
        let mut daemon = Daemon::start();
        let found = fs::symlink_metadata(daemon.path()).unwrap();
        assert!(found.file_type().is_socket());
        assert_eq!(found.permissions().mode() & 0o777, 0o600);
        daemon.signal(name);
        assert_eq!(daemon.wait(), Some(0), "SIG{name}");
        assert!(!daemon.path().exists());
    }
}

#[test]
fn a_socket_that_is_served_is_refused_and_a_dead_one_replaced() {
    let project = project();
    let mut daemon = Daemon::start();
    let said = refused(&daemon.path());
    assert!(
        matches("fimd: socket */s: another daemon serves here; *\n", &said),
        "{said}"
    );
    answers_soon(&daemon, &project);

    daemon.signal("KILL");
    assert_eq!(daemon.wait(), None);
    assert!(daemon.path().exists());
    daemon.restart();
    answers_soon(&daemon, &project);
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "precious").unwrap();
    let said = refused(&file);
    assert!(
        matches(
            "fimd: socket */file: there is a file that is no socket; *\n",
            &said
        ),
        "{said}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    let said = refused(&folder.path().join("missing/s"));
    assert!(
        matches(
            "fimd: socket */missing/s: */missing: No such file*\n",
            &said
        ),
        "{said}"
    );
}

#[test]
fn shutdown_ends_the_clients_own_connection_alone() {
    let project = project();
    let daemon = Daemon::start();
    let mut stays = opened(&daemon, &project);
    let mut leaves = opened(&daemon, &project);
    leaves.get_mut().write_all(SHUTDOWN.as_bytes()).unwrap();
    let mut rest = String::new();
    leaves.read_to_string(&mut rest).unwrap();
    assert_eq!(rest.trim_end(), SHUT_DOWN);
    stays.get_mut().write_all(get(7, "").as_bytes()).unwrap();
    assert_eq!(
        line(&mut stays),
        r#"{"jsonrpc":"2.0","id":7,"result":{"context":""}}"#
    );
}

#[test]
fn what_is_in_flight_is_answered_before_the_end() {
    let project = project();
    let mut daemon = Daemon::start();
    let mut client = opened(&daemon, &project);
    let slow = get(
        1,
        &format!("<?php {} $a->", "f([1, 2, 3]); ".repeat(50_000)),
    );
    let nope = "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"nope\"}\n";
    client
        .get_mut()
        .write_all((slow + nope).as_bytes())
        .unwrap();
    // When the second request is answered, the daemon has read the first.
    let mut answers = vec![line(&mut client)];
    daemon.signal("TERM");
    let mut rest = String::new();
    client.read_to_string(&mut rest).unwrap();
    answers.extend(rest.lines().map(String::from));
    answers.sort();
    assert_eq!(answers.len(), 2, "{answers:#?}");
    assert!(
        answers[0].starts_with(r#"{"jsonrpc":"2.0","id":1,"result":"#),
        "{answers:#?}"
    );
    assert_eq!(daemon.wait(), Some(0));
}

/// The memory, in bytes, that a client may cost which sends without reading.
/// Requests in flight are bounded at 64 MiB; the rest is for the work that they
/// cause.
const FLOOD_BYTES: u64 = 128 << 20;

/// Sends `bytes` and nothing more. The connection stays open.
fn stalled(daemon: &Daemon, bytes: &[u8]) -> Vec<UnixStream> {
    let mut stream = daemon.connect();
    stream.write_all(bytes).unwrap();
    vec![stream]
}

/// Sends ten thousand requests, or as many as the daemon accepts, and reads no
/// answer.
fn flood(daemon: &Daemon, project: &Project) -> Vec<UnixStream> {
    let mut stream = opened(daemon, project).into_inner();
    let patience = Duration::from_secs(2);
    stream.set_write_timeout(Some(patience)).unwrap();
    let comment = "x".repeat(10_000);
    let content = format!("<?php /* {comment} */\\nfunction f(A $a) {{ $a->");
    let mut sent = 0;
    let end = loop {
        match stream.write_all(get(sent, &content).as_bytes()) {
            Ok(()) => sent += 1,
            Err(error) => break error.kind(),
        }
        assert!(sent < 10_000, "the flood is read without end");
    };
    assert_eq!(end, ErrorKind::WouldBlock);
    assert!(sent > 100, "{sent}");
    vec![stream]
}

#[test]
fn clients_that_misbehave_harm_nobody_else() {
    type Abuse = fn(&Daemon, &Project) -> Vec<UnixStream>;
    const ABUSES: [(&str, Abuse); 8] = [
        ("half a line", |daemon, _| stalled(daemon, b"{\"jsonrpc\":")),
        ("half a message", |daemon, _| {
            stalled(daemon, b"Content-Length: 50000000\r\n\r\n{")
        }),
        ("a length above the limit", |daemon, _| {
            stalled(daemon, b"Content-Length: 99999999999\r\n\r\n{")
        }),
        ("a length above all numbers", |daemon, _| {
            stalled(daemon, b"Content-Length: 99999999999999999999999\r\n\r\n{")
        }),
        ("half a header", |daemon, _| stalled(daemon, b"Content-")),
        ("death in a message", |daemon, project| {
            let mut client = opened(daemon, project);
            client.get_mut().write_all(b"{\"json").unwrap();
            Vec::new()
        }),
        ("a flood", flood),
        ("a crowd", |daemon, _| {
            // More requests than the daemon works on at a time.
            (0..600).map(|_| daemon.connect()).collect()
        }),
    ];
    let project = project();
    let daemon = Daemon::start();
    let mut polite = opened(&daemon, &project);
    let mut ask = || {
        let request = get(1, "<?php\\nfunction f(A $a) { $a->");
        polite.get_mut().write_all(request.as_bytes()).unwrap();
        line(&mut polite)
    };
    let right = ask();
    assert!(right.contains("function run()"), "{right}");
    let before = daemon.resident_bytes();
    let mut abusers = Vec::new();
    for (name, abuse) in ABUSES {
        abusers.extend(abuse(&daemon, &project));
        for _ in 0..20 {
            assert_eq!(ask(), right, "{name}");
        }
        let grown = daemon.resident_bytes().saturating_sub(before);
        assert!(grown < FLOOD_BYTES, "{name}: {grown} bytes");
    }
    drop(abusers);
    answers_soon(&daemon, &project);
    assert_eq!(ask(), right);
}

#[test]
fn many_clients_get_each_answer_once() {
    const CLIENTS: usize = 16;
    const REQUESTS: usize = 100;
    let project = project();
    let daemon = Daemon::start();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = opened(&daemon, &project);
                let requests: String = (0..REQUESTS)
                    .map(|id| get(id, "<?php $a = new A; $a->"))
                    .collect();
                let mut output = client.get_ref().try_clone().unwrap();
                output.write_all(requests.as_bytes()).unwrap();
                output.write_all(SHUTDOWN.as_bytes()).unwrap();
                let mut ids: Vec<u64> = Vec::new();
                for line in (&mut client).lines() {
                    let answer: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
                    ids.extend(answer["id"].as_u64());
                }
                ids.sort_unstable();
                assert_eq!(ids, (0..REQUESTS as u64).collect::<Vec<_>>());
            });
        }
    });
}

#[test]
fn a_socket_that_systemd_passes_is_served_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    // The daemon gets the listener as file descriptor 3, and its own process id
    // in a variable.
    let script = r#"export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" --socket "$1" 3<&0 </dev/null"#;
    let mut daemon = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_fimd")])
        .arg(&path)
        .stdin(OwnedFd::from(listener))
        .spawn()
        .unwrap();
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(SHUTDOWN.as_bytes()).unwrap();
    let mut answers = String::new();
    client.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.trim_end(), SHUT_DOWN);
    let kill = Command::new("kill").arg(daemon.id().to_string()).status();
    assert!(kill.unwrap().success());
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
    assert!(path.exists());
}

fn connect(socket: &Path) -> Command {
    let mut command = fimd();
    command.args(["connect", "--socket"]).arg(socket);
    command
}

/// The ids of the processes that serve a socket.
fn daemons(socket: &Path) -> Vec<String> {
    let mut ids = Vec::new();
    for process in fs::read_dir("/proc").unwrap() {
        let process = process.unwrap();
        // A process that has ended meanwhile has no command line.
        let Ok(command) = fs::read(process.path().join("cmdline")) else {
            continue;
        };
        let words: Vec<&[u8]> = command.split(|&byte| byte == 0).collect();
        if words.len() > 2
            && words[1] == b"--socket"
            && words[2] == socket.as_os_str().as_encoded_bytes()
        {
            ids.push(process.file_name().into_string().unwrap());
        }
    }
    ids
}

#[test]
fn connect_joins_the_daemon_and_starts_it_if_none_runs() {
    let project = project();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    // All clients start at once. One of them starts the daemon that all of them
    // reach.
    let mut clients: Vec<_> = (0..6)
        .map(|_| Client::start(&mut connect(&socket)))
        .collect();
    for client in &mut clients {
        client.send(initialize(&project) + &get(1, ""));
    }
    for client in clients {
        assert!(client.answer().contains(r#""file_count":1"#));
        assert_eq!(
            client.answer(),
            r#"{"jsonrpc":"2.0","id":1,"result":{"context":""}}"#
        );
        // The end of its input ends the client's process, not the daemon.
        let ended = client.close();
        assert_eq!((ended.code, ended.log.as_str()), (Some(0), ""));
    }
    let mut late = Client::start(&mut connect(&socket));
    late.send(SHUTDOWN);
    let ended = late.wait();
    assert_eq!(ended.answers, [SHUT_DOWN]);
    assert_eq!(ended.code, Some(0));

    let ids = wait_for("the others to give way", || {
        let ids = daemons(&socket);
        (ids.len() == 1).then_some(ids)
    });
    assert!(
        Command::new("kill")
            .arg(&ids[0])
            .status()
            .unwrap()
            .success()
    );
    wait_for("the socket to go", || (!socket.exists()).then_some(()));
}

#[test]
fn connect_says_why_no_daemon_starts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for (socket, reason) in [
        (file, "fimd: *file: *no socket*\n"),
        (
            folder.path().join("missing/s"),
            "fimd: *missing: No such file*\n",
        ),
    ] {
        let output = connect(&socket).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            matches(reason, &said) && said.lines().count() == 1,
            "{said}"
        );
    }
}

#[test]
fn the_half_messages_of_many_clients_do_not_fill_the_memory() {
    let daemon = Daemon::start();
    let half = vec![b' '; 60 << 20];
    let begin = || {
        let mut client = daemon.connect();
        client.write_all(b"{").unwrap();
        client.write_all(&half).unwrap();
        client
    };
    let mut first: Vec<_> = (0..4).map(|_| begin()).collect();
    let answer = |client: &UnixStream| {
        let mut line = String::new();
        BufReader::new(client).read_line(&mut line).unwrap();
        line
    };
    let mut fifth = begin();
    let said = answer(&fifth);
    assert!(
        said.contains("of all clients take too much memory"),
        "{said}"
    );
    fifth.write_all(b"\n{}\n").unwrap();
    let said = answer(&fifth);
    assert!(said.contains("-32600"), "the next message is read: {said}");
    // A message that has begun is read to its end.
    first[0].write_all(b"\n").unwrap();
    let said = answer(&first[0]);
    assert!(said.contains("-32700"), "{said}");
}
