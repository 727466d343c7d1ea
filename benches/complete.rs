//! `complete` without the model's time: the daemon over its socket, and a model server
//! that answers at once with the same statement. Replays typing sessions, and asks at
//! random places, in the project that `FIMD_CORPUS` names. Prints a table.
//!
//! What the model server itself takes is measured beside it, with the same requests to
//! a server of the same kind.

#![expect(clippy::print_stdout, reason = "the table is what the benchmark gives")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Instant;

use fimd::engine::{Project, ProjectOptions};
use fimd::eval::typing;
use fimd::files::WalkOptions;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::json;

use self::common::{Daemon, Outcome, line};

mod common;

/// The number of typing sessions, each of about 60 requests.
const SESSIONS: usize = 12;
/// The number of requests at random places.
const PLACES: usize = 512;
/// The answer of the model server.
const ANSWER: &str = "data: {\"choices\":[{\"text\":\"$answer = 1;\\n\",\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// A request: a file's key, its text, and the cursor in bytes.
type Place = (String, String, usize);

/// The result of `complete`, as far as it is measured.
#[derive(Deserialize)]
struct Answer {
    result: Completed,
}

#[derive(Deserialize)]
struct Completed {
    context_chars: usize,
    timings: Timings,
}

#[derive(Deserialize)]
struct Timings {
    context_ms: f64,
}

/// Reads a request of HTTP. Returns its first line; none at the end of the connection.
fn read_request(input: &mut impl BufRead) -> Option<String> {
    let (mut first, mut length) = (String::new(), 0);
    input.read_line(&mut first).ok().filter(|read| *read > 0)?;
    loop {
        let mut header = String::new();
        input.read_line(&mut header).ok()?;
        let header = header.trim().to_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    Some(first)
}

/// Answers the requests of one connection.
fn answer_all(mut output: TcpStream) -> std::io::Result<()> {
    output.set_nodelay(true)?;
    let mut input = BufReader::new(output.try_clone()?);
    while let Some(first) = read_request(&mut input) {
        let (status, media, body) = match first.starts_with("POST ") {
            true => ("200 OK", "text/event-stream", ANSWER),
            false => ("404 Not Found", "application/json", "{}"),
        };
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-type: {media}\r\ncontent-length: {length}");
        output.write_all(format!("{head}\r\n\r\n{body}").as_bytes())?;
    }
    Ok(())
}

/// Starts the model server. Returns its address.
fn model_server() -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that breaks shows in the client's answer.
            std::thread::spawn(|| answer_all(stream));
        }
    });
    Ok(address)
}

/// How long the model server at `address` takes for a request of 8 KB, in milliseconds.
fn server_alone(address: &str) -> Outcome<Vec<f64>> {
    let mut output = TcpStream::connect(address)?;
    output.set_nodelay(true)?;
    let mut input = BufReader::new(output.try_clone()?);
    let body = "x".repeat(8 << 10);
    let request = format!(
        "POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut took = Vec::new();
    for _ in 0..PLACES {
        let begun = Instant::now();
        output.write_all(request.as_bytes())?;
        read_request(&mut input).ok_or("the model server has left")?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(took)
}

/// Where people type, request by request, and as many random places.
fn places(folder: &str) -> Outcome<[Vec<Place>; 2]> {
    let project = Project::open(&ProjectOptions {
        root: PathBuf::from(folder),
        include_paths: Vec::new(),
        walk: WalkOptions::default(),
        cache: None,
    })?;
    let snapshot = project.index.snapshot();
    let sessions = typing::sessions(&snapshot, 1, SESSIONS, &|key| project.roots.owns(key));
    let steps = sessions.into_iter().flat_map(|session| session.steps);
    let typed = steps.map(|step| (step.path, step.content, step.cursor));
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let files: Vec<_> = snapshot.files().filter(|file| !file.lossy).collect();
    let mut anywhere = || {
        let file = files[random.random_range(0..files.len())];
        let cursor = random.random_range(0..=file.text.len());
        let cursor = file.text.floor_char_boundary(cursor);
        (file.path.to_string(), file.text.to_string(), cursor)
    };
    let anywhere = (0..PLACES).map(|_| anywhere()).collect();
    Ok([typed.collect(), anywhere])
}

/// Asks at each place, one after another, and prints a line for the time from the
/// request to its answer, and one for the part of it until the prompt was ready.
fn measure(name: &str, daemon: &Daemon, root: &str, places: &[Place]) -> Outcome<()> {
    let mut output = UnixStream::connect(daemon.socket())?;
    let mut input = BufReader::new(output.try_clone()?);
    let mut ask = |request: &str| -> Outcome<String> {
        output.write_all(request.as_bytes())?;
        let mut answer = String::new();
        input.read_line(&mut answer)?;
        Ok(answer)
    };
    let folder = json!({ "project_root": root, "bm25": true });
    ask(&line(0, "initialize", &folder))?;
    let (mut whole, mut prompt, mut chars) = (Vec::new(), Vec::new(), 0);
    let before = daemon.processor_time()?;
    for (id, (path, content, cursor)) in places.iter().enumerate() {
        let params = json!({ "filepath": path, "content": content, "cursor_offset": cursor });
        let request = line(id + 1, "complete", &params);
        let begun = Instant::now();
        let answer = ask(&request)?;
        whole.push(begun.elapsed().as_secs_f64() * 1e3);
        let read = serde_json::from_str(&answer);
        let Answer { result } = read.map_err(|error| format!("{error}: {answer}"))?;
        prompt.push(result.timings.context_ms);
        chars += result.context_chars;
    }
    let used = daemon.processor_time()?.saturating_sub(before);
    row(name, &mut whole);
    row("  until the prompt is ready", &mut prompt);
    let count = places.len() as f64;
    println!(
        "  {:.2} ms of processor time and {:.0} characters of context a request",
        used.as_secs_f64() * 1e3 / count,
        chars as f64 / count
    );
    Ok(())
}

fn row(name: &str, took: &mut [f64]) {
    took.sort_unstable_by(f64::total_cmp);
    let percentile = |p: usize| took[(took.len() - 1) * p / 100];
    println!(
        "{name:<28} {:>8} {:>9.3} {:>9.3} {:>9.3}",
        took.len(),
        percentile(50),
        percentile(90),
        percentile(99)
    );
}

fn main() -> Outcome<()> {
    let Ok(folder) = std::env::var("FIMD_CORPUS") else {
        println!("set FIMD_CORPUS to the folder of a project");
        return Ok(());
    };
    let address = model_server()?;
    let settings = format!("[endpoint]\nurl = \"http://{address}\"\n");
    let daemon = Daemon::start(&settings)?;
    let [typed, anywhere] = places(&folder)?;
    println!(
        "{:<28} {:>8} {:>9} {:>9} {:>9}",
        "", "requests", "p50 ms", "p90 ms", "p99 ms"
    );
    row("the model server alone", &mut server_alone(&address)?);
    measure("complete while typing", &daemon, &folder, &typed)?;
    measure("complete at random places", &daemon, &folder, &anywhere)
}
