//! Datasets as jobs of the server. Each scenario runs over pipes and over a
//! socket, in NDJSON and in LSP framing.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::daemon::{Daemon, wait_for};
use crate::common::{Project, fimd};

/// Tests wait this long only when the server hangs.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Framing {
    Ndjson,
    Lsp,
}

/// A client of its own server process, or of a daemon.
struct Client {
    framing: Framing,
    process: Option<Child>,
    stream: Option<UnixStream>,
    input: Option<Box<dyn Write>>,
    messages: Receiver<Value>,
    /// Notifications that came before an awaited answer.
    notifications: Vec<Value>,
    next_id: u64,
}

fn read_lines(output: &mut impl BufRead) -> Option<Value> {
    let mut line = String::new();
    (output.read_line(&mut line).ok()? > 0).then(|| serde_json::from_str(&line).unwrap())
}

fn read_headers(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end().strip_prefix("Content-Length: ") {
            Some(bytes) => length = bytes.parse().unwrap(),
            None => break,
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).unwrap())
}

impl Client {
    fn new(framing: Framing, daemon: Option<&Daemon>, root: &Path) -> Self {
        let (process, stream, input, output): (_, _, Box<dyn Write>, Box<dyn Read + Send>) =
            match daemon {
                None => {
                    let mut command = fimd();
                    command.stdin(Stdio::piped()).stdout(Stdio::piped());
                    let mut child = command.spawn().unwrap();
                    let input = child.stdin.take().unwrap();
                    let output = child.stdout.take().unwrap();
                    (Some(child), None, Box::new(input), Box::new(output))
                }
                Some(daemon) => {
                    let stream = daemon.connect();
                    let [input, output] = [(); 2].map(|()| stream.try_clone().unwrap());
                    (None, Some(stream), Box::new(input), Box::new(output))
                }
            };
        let (send, messages) = mpsc::channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            let read = |output: &mut _| match framing {
                Framing::Ndjson => read_lines(output),
                Framing::Lsp => read_headers(output),
            };
            while let Some(message) = read(&mut output) {
                if send.send(message).is_err() {
                    break;
                }
            }
        });
        let mut client = Self {
            framing,
            process,
            stream,
            input: Some(input),
            messages,
            notifications: Vec::new(),
            next_id: 0,
        };
        let params = match framing {
            Framing::Ndjson => json!({"project_root": root}),
            Framing::Lsp => {
                json!({"capabilities": {}, "initializationOptions": {"project_root": root}})
            }
        };
        client.call("initialize", &params);
        client
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let framed = match self.framing {
            Framing::Ndjson => format!("{text}\n"),
            Framing::Lsp => format!("Content-Length: {}\r\n\r\n{text}", text.len()),
        };
        let input = self.input.as_mut().unwrap();
        input.write_all(framed.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    fn receive(&self) -> Value {
        self.messages.recv_timeout(PATIENCE).unwrap()
    }

    /// The result of a method, or its error.
    fn try_call(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.receive();
            if message["id"] == id {
                return match message.get("error") {
                    Some(error) => Err(error.clone()),
                    None => Ok(message["result"].clone()),
                };
            }
            assert_eq!(message["method"], "$/progress", "{message}");
            self.notifications.push(message);
        }
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.try_call(method, params).unwrap()
    }

    fn generate(&mut self, params: &Value) -> String {
        let started = self.call("generateDataset", params);
        assert_eq!(started.as_object().unwrap().len(), 1, "{started}");
        started["job_id"].as_str().unwrap().to_owned()
    }

    fn status(&mut self, job: &str) -> Value {
        self.call("job/status", &json!({"job_id": job}))
    }

    /// The job's progress values, up to and including the first that `last`
    /// accepts.
    fn progress(&mut self, job: &str, last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut values = Vec::new();
        let mut others = Vec::new();
        while !values.last().is_some_and(&last) {
            let message = match self.notifications.is_empty() {
                true => self.receive(),
                false => self.notifications.remove(0),
            };
            assert_eq!(message["method"], "$/progress", "{message}");
            match message["params"]["token"] == job {
                true => values.push(message["params"]["value"].clone()),
                false => others.push(message),
            }
        }
        others.append(&mut self.notifications);
        self.notifications = others;
        values
    }

    fn until_ended(&mut self, job: &str) -> (Vec<Value>, Value) {
        let values = self.progress(job, |value| value["kind"] == "end");
        (values, self.status(job))
    }

    /// Shuts the server down and waits for its end. Returns what came after the
    /// answer.
    fn shut_down(mut self) -> Vec<Value> {
        self.call("shutdown", &Value::Null);
        if self.framing == Framing::Lsp {
            self.send(&json!({"jsonrpc": "2.0", "method": "exit"}));
        }
        self.input = None;
        let rest = self.messages.iter().collect();
        if let Some(mut process) = self.process {
            assert_eq!(process.wait().unwrap().code(), Some(0));
        }
        rest
    }
}

/// Runs a test in both framings, over pipes and over a socket.
fn over_all(root: &Path, test: impl Fn(&dyn Fn() -> Client)) {
    let daemon = Daemon::start();
    for framing in [Framing::Ndjson, Framing::Lsp] {
        for daemon in [None, Some(&daemon)] {
            test(&|| Client::new(framing, daemon, root));
        }
    }
}

/// A project of `classes` classes that call each other.
fn project(files: usize) -> Project {
    let class = |n: usize| {
        let other = (n + 1) % files;
        let methods: String = (0..6)
            .map(|m| {
                format!(
                    "    public function total{n}x{m}(Class{other} $other, int $amount): int\n    {{\n        if ($amount > {m}) {{\n            return $other->total{other}x{m}($this->next(), $amount - {n});\n        }}\n        return $amount * {m} + {n};\n    }}\n"
                )
            })
            .collect();
        format!("<?php\n\nnamespace App;\n\nclass Class{n}\n{{\n{methods}}}\n")
    };
    let files: Vec<_> = (0..files)
        .map(|n| (format!("src/Class{n}.php"), class(n)))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    Project::new(&files)
}

/// A project that takes long enough for a job to be cancelled on the way.
fn large() -> (Project, Value) {
    let options = json!({"cross_file_context": true, "bm25_context": true});
    (project(400), options)
}

fn with(options: &Value, output: &Path) -> Value {
    let mut params = options.clone();
    params["output"] = json!(output);
    params
}

fn dataset(output: &Path) -> [String; 3] {
    ["train.jsonl", "val.jsonl", "metadata.json"]
        .map(|name| fs::read_to_string(output.join(name)).unwrap())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Whether the job has begun to process files.
fn has_begun(value: &Value) -> bool {
    assert_ne!(value["kind"], "end", "too soon: {value}");
    value["percentage"].as_u64().unwrap() > 0
}

#[test]
fn a_job_writes_what_the_command_line_writes() {
    let project = project(60);
    let temp = tempfile::tempdir().unwrap();
    let expected = temp.path().join("expected");
    let run = fimd()
        .arg("generate")
        .arg(project.path())
        .args(["--cross-file-context", "--seed=7", "--mix=ast_node,lines"])
        .args(["--max-total-chars=2000", "--val-split=0.25", "--output"])
        .arg(&expected)
        .output()
        .unwrap();
    assert!(run.status.success());
    let expected = dataset(&expected);
    let options = json!({
        "cross_file_context": true, "seed": 7, "mix": "ast_node,lines",
        "max_total_chars": 2000, "val_split": 0.25,
    });
    over_all(project.path(), |new| {
        let output = temp.path().join("output");
        let mut client = new();
        let job = client.generate(&with(&options, &output));
        let (values, status) = client.until_ended(&job);
        assert_eq!(dataset(&output), expected);
        let lines = [&expected[0], &expected[1]].map(|part| part.lines().count());
        assert_eq!(status["state"], "done");
        assert_eq!(status["stage"], "writing");
        assert_eq!(status["files_done"], 60);
        assert_eq!(status["files_total"], 60);
        let metadata: Value = serde_json::from_str(&expected[2]).unwrap();
        let seen = &metadata["rejections"]["seen_in_training"];
        let seen = usize::try_from(seen.as_u64().unwrap_or(0)).unwrap();
        assert_eq!(status["examples"], lines[0] + lines[1] + seen);
        assert_eq!(status["result"]["output"], json!(output));
        assert_eq!(status["result"]["train"], lines[0]);
        assert_eq!(status["result"]["val"], lines[1]);
        assert!(status.get("error").is_none());

        let kinds: Vec<_> = values.iter().map(|value| value["kind"].clone()).collect();
        let (begin, reports) = kinds.split_first().unwrap();
        let (end, reports) = reports.split_last().unwrap();
        assert_eq!((begin, end), (&json!("begin"), &json!("end")), "{values:?}");
        assert!(reports.iter().all(|kind| kind == "report"), "{values:?}");
        let percentages = values
            .iter()
            .filter_map(|value| value["percentage"].as_u64());
        let percentages: Vec<_> = percentages.collect();
        assert!(percentages.is_sorted() && percentages.iter().all(|p| *p <= 100));
        assert_eq!(client.shut_down(), [] as [Value; 0]);
        fs::remove_dir_all(output).unwrap();
    });
}

#[test]
fn a_third_job_waits_and_may_be_cancelled_there() {
    let project = project(4);
    over_all(project.path(), |new| {
        let temp = tempfile::tempdir().unwrap();
        // A job that waits for this lock is running and does not end.
        let gate = File::open(temp.path()).unwrap();
        gate.lock().unwrap();
        let output = |name: &str| with(&json!({}), &temp.path().join(name));
        let mut client = new();
        let jobs = ["a", "b", "c", "d"].map(|name| client.generate(&output(name)));
        let states = |client: &mut Client| {
            jobs.each_ref()
                .map(|job| client.status(job)["state"].as_str().unwrap().to_owned())
        };
        assert_eq!(
            states(&mut client),
            ["running", "running", "queued", "queued"]
        );
        assert_eq!(client.status(&jobs[2])["stage"], "waiting");

        let error = client
            .try_call("generateDataset", &output("c"))
            .unwrap_err();
        assert_eq!(error["code"], -32602);
        let message = error["message"].as_str().unwrap();
        assert!(
            message.starts_with("output: ") && message.contains(&jobs[2]),
            "{message}"
        );

        let cancelled = client.call("job/cancel", &json!({"job_id": jobs[2]}));
        assert_eq!(cancelled["state"], "cancelled");
        client.call("job/cancel", &json!({"job_id": jobs[0]}));
        assert_eq!(
            states(&mut client),
            ["running", "running", "cancelled", "queued"]
        );
        gate.unlock().unwrap();
        for job in &jobs {
            client.until_ended(job);
        }
        assert_eq!(
            states(&mut client),
            ["cancelled", "done", "cancelled", "done"]
        );
        assert_eq!(names(temp.path()), ["b", "d"]);
        let again = client.call("job/cancel", &json!({"job_id": jobs[1]}));
        assert_eq!(again["state"], "done");
    });
}

#[test]
fn a_job_over_projects_and_rows_writes_what_the_command_line_writes() {
    let projects = [project(8), project(5)];
    let temp = tempfile::tempdir().unwrap();
    let input = temp.path().join("rows.jsonl");
    let content = "<?php\nfunction of_a_row(array $rows) { return array_map('strlen', $rows); }\n";
    let row = json!({"repo": "r", "path": "a.php", "content": content});
    fs::write(&input, format!("{row}\n")).unwrap();
    let expected = temp.path().join("expected");
    let run = fimd()
        .arg("generate")
        .args(projects.each_ref().map(Project::path))
        .args(["--provenance", "--input"])
        .arg(&input)
        .arg("--output")
        .arg(&expected)
        .output()
        .unwrap();
    assert!(run.status.success());
    let expected = dataset(&expected);
    let options = json!({
        "projects": projects.each_ref().map(Project::path), "inputs": [input],
        "provenance": true, "resume": true,
    });
    over_all(projects[0].path(), |new| {
        let output = temp.path().join("output");
        let mut client = new();
        let job = client.generate(&with(&options, &output));
        let (_, status) = client.until_ended(&job);
        assert_eq!(status["state"], "done", "{status}");
        assert_eq!(dataset(&output), expected);
        fs::remove_dir_all(&output).unwrap();
        assert_eq!(names(temp.path()), ["expected", "rows.jsonl"]);
    });
}

#[test]
fn a_cancelled_job_leaves_the_old_dataset() {
    let (project, options) = large();
    let small = self::project(4);
    over_all(project.path(), |new| {
        let temp = tempfile::tempdir().unwrap();
        let output = temp.path().join("data");
        let mut client = new();
        let small = json!({"project_root": small.path(), "output": output});
        let first = client.generate(&small);
        assert_eq!(client.until_ended(&first).1["state"], "done");
        let old = dataset(&output);
        let job = client.generate(&with(&options, &output));
        client.progress(&job, has_begun);
        assert_eq!(client.status(&job)["state"], "running");
        client.call("job/cancel", &json!({"job_id": job}));
        let (values, status) = client.until_ended(&job);
        assert_eq!(values.last().unwrap()["message"], "cancelled");
        assert_eq!(status["state"], "cancelled");
        assert!(status.get("result").is_none());
        assert_eq!(dataset(&output), old);
        assert_eq!(names(temp.path()), ["data"]);
    });
}

#[test]
fn a_job_that_cannot_be_done_says_why() {
    let project = project(2);
    let empty = tempfile::tempdir().unwrap();
    over_all(project.path(), |new| {
        let temp = tempfile::tempdir().unwrap();
        let output = temp.path().join("data");
        let mut client = new();
        for (params, why) in [
            (json!({"project_root": temp.path().join("gone")}), "gone"),
            (json!({"project_root": empty.path()}), "no example"),
            (json!({"include_path": [temp.path().join("lib")]}), "lib"),
        ] {
            let job = client.generate(&with(&params, &output));
            let (values, status) = client.until_ended(&job);
            assert_eq!(status["state"], "failed", "{status}");
            let error = status["error"].as_str().unwrap();
            assert!(error.contains(why) && !error.contains('\n'), "{error}");
            let said = values.last().unwrap()["message"].as_str().unwrap();
            assert_eq!(said, format!("failed: {error}"));
            assert_eq!(names(temp.path()), [] as [String; 0]);
        }
    });
}

#[test]
fn wrong_parameters_are_named() {
    let project = project(2);
    let table = [
        (
            "generateDataset",
            json!({}),
            "output: expected the absolute path of a folder, found nothing",
        ),
        (
            "generateDataset",
            json!({"output": "data"}),
            "output: expected an absolute path, found data",
        ),
        (
            "generateDataset",
            json!({"output": 5}),
            "output: expected the absolute path of a folder, found 5",
        ),
        (
            "generateDataset",
            json!({"output": "/x", "project_root": "."}),
            "project_root: expected an absolute path, found .",
        ),
        (
            "generateDataset",
            json!({"output": "/x", "projects": ["/a", "b"]}),
            "projects: expected an absolute path, found b",
        ),
        (
            "generateDataset",
            json!({"output": "/x", "inputs": "/a.jsonl"}),
            "inputs: expected an array of absolute paths, found \"/a.jsonl\"",
        ),
        (
            "generateDataset",
            json!({"output": "/x", "inputs": ["/a.jsonl"], "resume": 1}),
            "resume: expected true or false, found 1",
        ),
        (
            "generateDataset",
            json!({"output": "/x", "include_path": ["lib"]}),
            "include_path: expected an absolute path, found lib",
        ),
        (
            "generateDataset",
            json!({"output": "/x", "include_path": "/lib"}),
            "include_path: expected an array, found \"/lib\"",
        ),
        (
            "generateDataset",
            json!({"output": "/x", "max_middle_lines": "3"}),
            "max_middle_lines: expected an integer of 0 or more, found \"3\"",
        ),
        (
            "generateDataset",
            json!({"output": "/x", "max_middle_lines": 0}),
            "max_middle_lines: expected at least 1, found 0",
        ),
        (
            "generateDataset",
            json!({"output": "/x", "seed": -1}),
            "seed: expected an integer of 0 or more, found -1",
        ),
        (
            "generateDataset",
            json!({"output": "/x", "curriculum": 1}),
            "curriculum: expected true or false, found 1",
        ),
        (
            "generateDataset",
            json!({"output": "/x", "val_split": null}),
            "val_split: expected a number, found null",
        ),
        (
            "generateDataset",
            json!({"output": "/x", "min_score": 2}),
            "min_score: it must be a number from 0 to 1",
        ),
        (
            "generateDataset",
            json!({"output": "/x", "base_model": "gpt"}),
            "base_model: expected one of qwen2.5-coder, ",
        ),
        (
            "generateDataset",
            json!({"output": "/x", "colour": 1}),
            "colour: unknown field `colour`, expected one of `base_model`",
        ),
        (
            "job/status",
            json!({}),
            "job_id: expected the id of a job, found nothing",
        ),
        (
            "job/status",
            json!({"job_id": 7}),
            "job_id: expected the id of a job, found 7",
        ),
        (
            "job/cancel",
            json!({"job_id": "dataset-9"}),
            "job_id: expected a job of this server, found \"dataset-9\"",
        ),
    ];
    over_all(project.path(), |new| {
        let mut client = new();
        for (method, params, start) in &table {
            let error = client.try_call(method, params).unwrap_err();
            assert_eq!(error["code"], -32602, "{params}: {error}");
            let message = error["message"].as_str().unwrap();
            assert!(message.starts_with(start), "{params}: {message}");
        }
    });
}

#[test]
fn a_job_has_the_formats_and_shards_of_the_command_line() {
    let project = project(60);
    let temp = tempfile::tempdir().unwrap();
    let expected = temp.path().join("expected");
    let run = fimd()
        .args(["generate", "--format=parquet", "--shard-size=10kB"])
        .arg(project.path())
        .arg("--output")
        .arg(&expected)
        .output()
        .unwrap();
    assert!(run.status.success());
    assert!(names(&expected).contains(&"report.html".to_owned()));
    for size in [json!("10kB"), json!(10_000)] {
        let output = temp.path().join("output");
        let mut client = Client::new(Framing::Ndjson, None, project.path());
        let options = json!({"format": "parquet", "shard_size": size});
        let job = client.generate(&with(&options, &output));
        let (_, status) = client.until_ended(&job);
        assert_eq!(status["state"], "done", "{status}");
        let parts = names(&output);
        assert!(parts.iter().any(|name| name.starts_with("train-00001-of-")));
        assert_eq!(parts, names(&expected));
        for name in parts {
            let [found, wanted] = [&output, &expected].map(|folder| fs::read(folder.join(&name)));
            assert!(found.unwrap() == wanted.unwrap(), "{name}");
        }
    }
}

#[test]
fn the_end_of_a_client_on_stdio_ends_its_job() {
    let (project, options) = large();
    for framing in [Framing::Ndjson, Framing::Lsp] {
        let temp = tempfile::tempdir().unwrap();
        let mut client = Client::new(framing, None, project.path());
        let job = client.generate(&with(&options, &temp.path().join("data")));
        client.progress(&job, has_begun);
        assert_eq!(client.shut_down(), [] as [Value; 0]);
        assert_eq!(names(temp.path()), [] as [String; 0], "{framing:?}");
    }
}

#[test]
fn in_a_daemon_a_job_outlives_its_client_and_others_may_ask() {
    let (project, options) = large();
    let daemon = Daemon::start();
    let temp = tempfile::tempdir().unwrap();
    let output = temp.path().join("data");
    let mut client = Client::new(Framing::Ndjson, Some(&daemon), project.path());
    let job = client.generate(&with(&options, &output));
    client.progress(&job, has_begun);
    client.stream.unwrap().shutdown(Shutdown::Both).unwrap();
    let mut other = Client::new(Framing::Lsp, Some(&daemon), project.path());
    // A job yields to all other work, so on a busy machine it may take any time.
    // But it makes progress.
    let mut status = other.status(&job);
    while status["state"] == "running" {
        let before = status;
        status = wait_for("the job to get on", || {
            let status = other.status(&job);
            (status != before).then_some(status)
        });
    }
    assert_eq!(status["state"], "done", "{status}");
    assert!(!dataset(&output)[0].is_empty());
    // Only the client that started the job gets its progress.
    assert!(other.notifications.is_empty());
}

#[test]
fn a_signal_ends_the_jobs_and_leaves_nothing() {
    let (project, options) = large();
    for stdio in [true, false] {
        let mut daemon = Daemon::start();
        let temp = tempfile::tempdir().unwrap();
        let served_by = (!stdio).then_some(&daemon);
        let mut client = Client::new(Framing::Ndjson, served_by, project.path());
        let job = client.generate(&with(&options, &temp.path().join("data")));
        client.progress(&job, has_begun);
        let code = match client.process.as_mut() {
            Some(process) => {
                let id = process.id().to_string();
                let kill = Command::new("kill").args(["-s", "TERM", &id]).status();
                assert!(kill.unwrap().success());
                process.wait().unwrap().code()
            }
            None => {
                daemon.signal("TERM");
                daemon.wait()
            }
        };
        assert_eq!(code, Some(0));
        assert_eq!(names(temp.path()), [] as [String; 0]);
    }
}
