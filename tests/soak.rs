//! Sixty-four clients of one daemon, in both framings, while the project's files
//! are written, renamed and deleted. The clients send requests, cancel them,
//! edit, send nonsense, disconnect in the middle of a message and reconnect; one
//! never reads. Every request must get exactly one correct answer, the daemon's
//! memory must not grow, and the daemon must end cleanly.
//!
//! The soak takes five seconds, or the number of seconds in `FIMD_SOAK_SECONDS`.
//! It checks the memory only if it takes half a minute or longer.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "it/common/mod.rs"]
#[expect(dead_code, reason = "the tests in `it` use the rest")]
mod common;

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::daemon::Daemon;
use common::{Client, Project, fimd};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// The number of clients; one of them never reads.
const CLIENTS: usize = 64;

/// The number of files that the changing project always has; some more come and
/// go.
const FILES: usize = 300;

/// The number of files of the unchanged project that clients ask about.
const FROZEN_CASES: usize = 8;

/// The memory, in bytes, that the daemon may gain between the second and the
/// last third of a soak, besides 15 %.
const SLACK_BYTES: u64 = 8 << 20;

/// The pause between two changes of the project: short enough to keep a watcher
/// busy, long enough for the rest to run.
const PAUSE: Duration = Duration::from_millis(5);

/// Counts of what happened, so that a soak without load fails.
#[derive(Debug, Default)]
struct Tally {
    frozen: AtomicUsize,
    live: AtomicUsize,
    shows_others: AtomicUsize,
    cancelled: AtomicUsize,
    refused: AtomicUsize,
    initialized: AtomicUsize,
    vanished: AtomicUsize,
    changes: AtomicUsize,
}

fn count(what: &AtomicUsize) {
    what.fetch_add(1, Ordering::Relaxed);
}

/// A method that only file number `n` declares.
fn marker(n: usize) -> String {
    format!("markerOf{n}x")
}

/// The text of file number `n` in one of its versions.
fn source(n: usize, version: usize) -> String {
    let (mark, other, far) = (marker(n), (n + 1) % FILES, (n * 7 + 3) % FILES);
    format!(
        "<?php\nnamespace Soak;\nclass File{n} extends File{other}\n{{\n    \
         public function {mark}(File{far} $far, int $version = {version}): File{other}\n    {{\n        \
         $this->collect($far)->total({n});\n        return new File{other}();\n    }}\n}}\n"
    )
}

/// A buffer of file number `n` with the cursor at its end.
fn buffer(n: usize) -> String {
    let other = (n + 1) % FILES;
    let text = source(n, 0);
    let text = text.trim_end().trim_end_matches('}');
    format!(
        "{text}    public function more(File{other} $other)\n    {{\n        /* 😀 */ $this->collect($other)->total(1);\n        $other->"
    )
}

fn path(n: usize) -> String {
    format!("src/File{n}.php")
}

fn generated(files: usize) -> Project {
    let files: Vec<(String, String)> = (0..files).map(|n| (path(n), source(n, 0))).collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (&**path, &**text))
        .collect();
    Project::new(&files)
}

/// The two projects, and the expected answers for the unchanged one.
struct World {
    live: Project,
    frozen: Project,
    answers: Vec<String>,
    tally: Tally,
}

impl World {
    fn new() -> Self {
        let frozen = generated(FILES / 4);
        // A separate server gives the expected answers.
        let mut client = Client::start(&mut fimd());
        let mut ask = |method: &str, params: Value| -> Value {
            let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
            client.send(format!("{request}\n"));
            let answer: Value = serde_json::from_str(&client.answer()).unwrap();
            answer["result"].clone()
        };
        ask(
            "initialize",
            json!({"project_root": frozen.path(), "bm25": true}),
        );
        let answers: Vec<String> = (0..FROZEN_CASES)
            .map(|n| {
                ask("getContext", asked(n))["context"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        assert_eq!(client.close().code, Some(0));
        for (n, answer) in answers.iter().enumerate() {
            assert!(answer.contains(&marker(n + 1)), "{answer}");
        }
        Self {
            live: generated(FILES),
            frozen,
            answers,
            tally: Tally::default(),
        }
    }
}

/// Parameters of `getContext` for the buffer of file number `n`.
fn asked(n: usize) -> Value {
    let content = buffer(n);
    json!({"filepath": path(n), "cursor_offset": content.len(), "content": content})
}

/// The expected answer.
#[derive(Debug)]
enum Expected {
    /// The context of this case in the unchanged project.
    Frozen(usize),
    /// A context without this file's own method. The request may have been
    /// cancelled.
    Live { file: usize, may_be_cancelled: bool },
    /// A result of `initialize`.
    Opened,
    /// This error.
    Error(i64),
    /// `null`.
    Null,
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    Ndjson,
    Lsp,
}

/// One connection, and its requests that are not answered yet.
struct Connection<'a> {
    world: &'a World,
    framing: Framing,
    stream: BufReader<UnixStream>,
    output: Vec<u8>,
    next_id: u64,
    wanted: HashMap<u64, Expected>,
    /// The number of outstanding answers without an id.
    nulls: usize,
}

impl<'a> Connection<'a> {
    fn new(world: &'a World, daemon: &Daemon, framing: Framing) -> Self {
        Self {
            world,
            framing,
            stream: BufReader::new(daemon.connect()),
            output: Vec::new(),
            next_id: 0,
            wanted: HashMap::new(),
            nulls: 0,
        }
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let framed = match self.framing {
            Framing::Ndjson => text + "\n",
            Framing::Lsp => format!("Content-Length: {}\r\n\r\n{text}", text.len()),
        };
        self.output.extend(framed.as_bytes());
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn request(&mut self, method: &str, params: Value, wanted: Expected) {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        if let Expected::Live {
            may_be_cancelled: true,
            ..
        } = wanted
        {
            self.notify("$/cancelRequest", json!({"id": id}));
        }
        self.wanted.insert(id, wanted);
    }

    /// Sends the gathered messages.
    fn flush(&mut self) {
        self.stream.get_mut().write_all(&self.output).unwrap();
        self.output.clear();
    }

    /// Sends the gathered messages, and reads until all requests are answered.
    fn settle(&mut self) {
        self.flush();
        while self.nulls > 0 || !self.wanted.is_empty() {
            let answer = self.read();
            self.judge(&answer.expect("an answer, not the end"));
        }
    }

    /// The next message, or nothing at the end of the stream.
    fn read(&mut self) -> Option<Value> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        match self.framing {
            Framing::Ndjson => Some(serde_json::from_str(&line).unwrap()),
            Framing::Lsp => {
                let length = line.strip_prefix("Content-Length: ").unwrap();
                let mut body = vec![0; length.trim_end().parse::<usize>().unwrap() + 2];
                self.stream.read_exact(&mut body).unwrap();
                Some(serde_json::from_slice(&body[2..]).unwrap())
            }
        }
    }

    fn judge(&mut self, answer: &Value) {
        let tally = &self.world.tally;
        let Some(id) = answer["id"].as_u64() else {
            assert!(answer["id"].is_null(), "{answer}");
            assert!(
                answer["error"]["code"].is_i64() && self.nulls > 0,
                "{answer}"
            );
            self.nulls -= 1;
            count(&tally.refused);
            return;
        };
        let wanted = self.wanted.remove(&id);
        let wanted = wanted.unwrap_or_else(|| panic!("never asked, or answered twice: {answer}"));
        let result = &answer["result"];
        match wanted {
            Expected::Frozen(case) => {
                assert_eq!(
                    result["context"], *self.world.answers[case],
                    "{case}: {answer}"
                );
                count(&tally.frozen);
            }
            Expected::Live {
                file,
                may_be_cancelled,
            } => match result["context"].as_str() {
                Some(context) => {
                    assert!(!context.contains(&marker(file)), "{file} leaks: {context}");
                    if context.contains("markerOf") {
                        count(&tally.shows_others);
                    }
                    count(&tally.live);
                }
                None => {
                    let code = &answer["error"]["code"];
                    assert!(may_be_cancelled && *code == -32800, "{answer}");
                    count(&tally.cancelled);
                }
            },
            Expected::Opened => {
                assert!(result.is_object(), "{answer}");
                count(&tally.initialized);
            }
            Expected::Error(code) => {
                assert_eq!(answer["error"]["code"], code, "{answer}");
                count(&tally.refused);
            }
            Expected::Null => assert!(answer.get("result").is_some_and(Value::is_null), "{answer}"),
        }
    }

    /// Shuts the session down, and fails unless the answer to this comes last.
    fn leave(mut self) {
        self.request("shutdown", Value::Null, Expected::Null);
        if matches!(self.framing, Framing::Lsp) {
            self.notify("exit", Value::Null);
        }
        self.settle();
        assert_eq!(self.read(), None);
    }

    /// Disconnects with requests in flight and half a message sent.
    fn vanish(mut self, rng: &mut ChaCha8Rng) {
        let half = self.output.len() - rng.random_range(0..self.output.len() / 2);
        self.output.truncate(half);
        self.flush();
        count(&self.world.tally.vanished);
    }

    /// Closes the sending side, and fails unless every request is answered
    /// before the end of the stream.
    fn end_of_input(mut self) {
        self.flush();
        self.stream.get_ref().shutdown(Shutdown::Write).unwrap();
        while let Some(answer) = self.read() {
            self.judge(&answer);
        }
        assert!(
            self.wanted.is_empty() && self.nulls == 0,
            "lost: {:?}",
            self.wanted
        );
    }
}

/// Whether a client may continue after a round.
#[derive(PartialEq)]
enum Mood {
    Stay,
    Vanish,
    Leave,
    EndOfInput,
}

fn mood(rng: &mut ChaCha8Rng) -> Mood {
    match rng.random_range(0..10) {
        0 => Mood::Vanish,
        1 => Mood::Leave,
        2 => Mood::EndOfInput,
        _ => Mood::Stay,
    }
}

/// Runs connections of one framing, one after another, until the time is up.
fn client(world: &World, daemon: &Daemon, framing: Framing, rng: &mut ChaCha8Rng, end: Instant) {
    while Instant::now() < end {
        let mut connection = Connection::new(world, daemon, framing);
        // An LSP client cannot change its project.
        let mut is_live = rng.random_bool(0.5);
        open(&mut connection, is_live);
        connection.settle();
        loop {
            if matches!(framing, Framing::Ndjson) && rng.random_bool(0.2) {
                is_live = rng.random_bool(0.5);
                open(&mut connection, is_live);
            }
            match (framing, is_live) {
                (_, false) => ask_frozen(&mut connection, rng),
                (Framing::Ndjson, true) => ask_lines(&mut connection, rng),
                (Framing::Lsp, true) => edit(&mut connection, rng),
            }
            let mood = mood(rng);
            match mood {
                Mood::Vanish => break connection.vanish(rng),
                Mood::EndOfInput => break connection.end_of_input(),
                Mood::Stay | Mood::Leave => connection.settle(),
            }
            if mood == Mood::Leave || Instant::now() >= end {
                break connection.leave();
            }
        }
    }
}

fn open(connection: &mut Connection<'_>, is_live: bool) {
    let world = connection.world;
    let root = match is_live {
        true => world.live.path(),
        false => world.frozen.path(),
    };
    let options = json!({"project_root": root, "bm25": true});
    let params = match connection.framing {
        Framing::Ndjson => options,
        Framing::Lsp => json!({"capabilities": {}, "initializationOptions": options}),
    };
    connection.request("initialize", params, Expected::Opened);
}

fn ask_frozen(connection: &mut Connection<'_>, rng: &mut ChaCha8Rng) {
    for _ in 0..3 {
        let case = rng.random_range(0..FROZEN_CASES);
        connection.request("getContext", asked(case), Expected::Frozen(case));
    }
}

fn ask_lines(connection: &mut Connection<'_>, rng: &mut ChaCha8Rng) {
    for _ in 0..4 {
        let file = rng.random_range(0..FILES);
        let may_be_cancelled = rng.random_bool(0.25);
        let mut params = asked(file);
        if rng.random_bool(0.5) {
            params["cursor_offset"] = rng.random_range(0..1000).into();
        }
        connection.request(
            "getContext",
            params,
            Expected::Live {
                file,
                may_be_cancelled,
            },
        );
    }
    match rng.random_range(0..4) {
        0 => {
            connection
                .output
                .extend(b"{\"jsonrpc\":\"2.0\",\"id\":1,\n{}\n");
            connection.nulls += 2;
        }
        1 => connection.request("nope", json!({}), Expected::Error(-32601)),
        2 => connection.request(
            "getContext",
            json!({"filepath": 5}),
            Expected::Error(-32602),
        ),
        _ => {}
    }
}

/// Opens two buffers, edits one, requests contexts for both, and closes them.
fn edit(connection: &mut Connection<'_>, rng: &mut ChaCha8Rng) {
    let root = connection.world.live.path().canonicalize().unwrap();
    let file = rng.random_range(0..FILES);
    let files = [file, (file + 1) % FILES];
    for file in files {
        let uri = format!("file://{}/{}", root.display(), path(file));
        let document = json!({"uri": uri, "languageId": "php", "version": 1, "text": buffer(file)});
        connection.notify("textDocument/didOpen", json!({"textDocument": document}));
    }
    for (n, file) in files.into_iter().enumerate() {
        let uri = format!("file://{}/{}", root.display(), path(file));
        let last = buffer(file).lines().count() - 1;
        for _ in 0..rng.random_range(0..4) {
            // The cursor is after the comment of the line above, which has a
            // character of two UTF-16 units.
            let place = json!({"line": last - 1, "character": 17});
            let change = json!({"range": {"start": place, "end": place}, "text": "/*😀*/"});
            connection.notify(
                "textDocument/didChange",
                json!({"textDocument": {"uri": uri, "version": 2}, "contentChanges": [change]}),
            );
        }
        connection.request(
            "getContext",
            json!({"textDocument": {"uri": uri}, "position": {"line": last, "character": 16}}),
            Expected::Live {
                file,
                may_be_cancelled: n == 1 && rng.random_bool(0.3),
            },
        );
    }
    for file in files {
        let uri = format!("file://{}/{}", root.display(), path(file));
        connection.notify(
            "textDocument/didClose",
            json!({"textDocument": {"uri": uri}}),
        );
    }
}

/// Sends requests without reading until the daemon accepts no more, and keeps
/// the connection open.
fn never_reads(world: &World, daemon: &Daemon) -> UnixStream {
    let mut connection = Connection::new(world, daemon, Framing::Ndjson);
    open(&mut connection, true);
    connection.settle();
    let mut request =
        json!({"jsonrpc": "2.0", "id": 1, "method": "getContext", "params": asked(1)}).to_string();
    request.push('\n');
    let mut stream = connection.stream.into_inner();
    stream
        .set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    loop {
        if let Err(error) = stream.write_all(request.as_bytes()) {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            return stream;
        }
    }
}

/// Changes the project until the time is up.
fn churn(world: &World, rng: &mut ChaCha8Rng, end: Instant) {
    let src = world.live.path().join("src");
    let folder = |n: usize| src.join(format!("churn{n}"));
    let mut version = 0;
    while Instant::now() < end {
        version += 1;
        let n = rng.random_range(0..FILES);
        let stable = src.join(format!("File{n}.php"));
        let passing = folder(n % 5).join(format!("Passing{n}.php"));
        match rng.random_range(0..6) {
            0 => fs::write(&stable, source(n, version)).unwrap(),
            1 => {
                let new = src.join("File.php~");
                fs::write(&new, source(n, version)).unwrap();
                fs::rename(new, stable).unwrap();
            }
            2 => {
                fs::create_dir_all(folder(n % 5)).unwrap();
                let text = format!(
                    "<?php\nnamespace Soak;\nclass Passing{n} {{ function collect{version}() {{}} }}\n"
                );
                fs::write(passing, text).unwrap();
            }
            3 => allow_missing(fs::rename(&passing, passing.with_extension("moved.php"))),
            4 => allow_missing(fs::remove_file(passing)),
            _ => match rng.random_range(0..20) {
                0 => allow_missing(fs::remove_dir_all(folder(n % 5))),
                1 => allow_missing(fs::rename(folder(0), folder(version + 5))),
                _ => {}
            },
        }
        count(&world.tally.changes);
        thread::sleep(PAUSE);
    }
}

/// A file to be moved or deleted need not exist.
fn allow_missing(changed: std::io::Result<()>) {
    if let Err(error) = changed {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
}

/// The memory of the daemon in bytes, once a second.
fn sample(daemon: &Daemon, end: Instant) -> Vec<u64> {
    let mut samples = Vec::new();
    while Instant::now() < end {
        samples.push(daemon.resident_bytes());
        thread::sleep(Duration::from_secs(1));
    }
    samples
}

fn most(samples: &[u64]) -> u64 {
    samples.iter().copied().max().unwrap()
}

#[test]
fn clients_of_all_kinds_are_served_while_the_project_changes() {
    let seconds = std::env::var("FIMD_SOAK_SECONDS");
    let seconds: u64 = seconds.map_or(5, |seconds| seconds.parse().unwrap());
    let world = World::new();
    let mut daemon = Daemon::start();
    let end = Instant::now() + Duration::from_secs(seconds);
    let samples = thread::scope(|scope| {
        let (world, daemon) = (&world, &daemon);
        let stuck = never_reads(world, daemon);
        scope.spawn(move || churn(world, &mut ChaCha8Rng::seed_from_u64(0), end));
        let clients: Vec<_> = (1..CLIENTS as u64)
            .map(|seed| {
                let framing = [Framing::Ndjson, Framing::Lsp][seed as usize % 2];
                let mut rng = ChaCha8Rng::seed_from_u64(seed);
                scope.spawn(move || client(world, daemon, framing, &mut rng, end))
            })
            .collect();
        let samples = sample(daemon, end);
        for client in clients {
            client.join().unwrap();
        }
        drop(stuck);
        samples
    });
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    assert!(!daemon.path().exists());

    let mebibytes: Vec<u64> = samples.iter().map(|bytes| bytes >> 20).collect();
    eprintln!("{seconds} s, {:?}, resident MiB {mebibytes:?}", world.tally);
    let Tally {
        frozen,
        live,
        shows_others,
        cancelled,
        refused,
        initialized,
        vanished,
        changes,
    } = &world.tally;
    for what in [
        frozen,
        live,
        shows_others,
        cancelled,
        refused,
        initialized,
        vanished,
        changes,
    ] {
        assert_ne!(what.load(Ordering::Relaxed), 0, "{:?}", world.tally);
    }
    if seconds >= 30 {
        // In the first third, which is ten seconds or more, caches fill.
        let third = samples.len() / 3;
        let before = most(&samples[third..2 * third]);
        let after = most(&samples[2 * third..]);
        let bound = before + before * 15 / 100 + SLACK_BYTES;
        assert!(after <= bound, "{mebibytes:?}");
    }
}
