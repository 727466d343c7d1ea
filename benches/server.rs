//! The daemon under load, over its socket: many clients with one request in
//! flight each, and one client alone on an empty project. Runs on the project
//! that `FIMD_CORPUS` names, and prints a table.
//!
//! Clients and daemon share the machine's processors, as editors and a daemon
//! do, so the daemon's processor time per request is measured as well. `cargo
//! bench` builds the program as for a release.

#![expect(clippy::print_stdout, reason = "the table is what the benchmark gives")]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fimd::files::{self, Roots, WalkOptions};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use self::common::{Daemon, Outcome, line};

mod common;

/// The number of simultaneous clients.
const CLIENTS: usize = 64;
/// The duration of each measurement.
const DURATION: Duration = Duration::from_secs(10);
/// The number of different requests.
const REQUESTS: usize = 512;
/// The size of the buffer in the measurement of the protocol alone, in bytes.
const BUFFER_BYTES: usize = 30 << 10;
/// The time for which an idle daemon is observed.
const IDLE: Duration = Duration::from_secs(5);

/// Requests at random offsets of random files, each as one line.
fn requests(files: &[(String, String)]) -> Vec<String> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut request = |id| {
        let (path, text) = &files[random.random_range(0..files.len())];
        let cursor = random.random_range(0..=text.len());
        line(
            id,
            "getContext",
            &json!({ "filepath": path, "content": text, "cursor_offset": cursor }),
        )
    };
    (0..REQUESTS).map(&mut request).collect()
}

fn corpus(folder: &str) -> Outcome<Vec<(String, String)>> {
    let roots = Roots::new(Path::new(folder), &[])?;
    let walk = files::walk(&roots, &WalkOptions::default())?;
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut texts = Vec::new();
    for _ in 0..REQUESTS {
        let found = &walk.files[random.random_range(0..walk.files.len())];
        texts.push((
            found.key.clone(),
            files::read(found, u64::MAX - 1)?.text.into_string(),
        ));
    }
    Ok(texts)
}

/// One client: sends `requests` from number `first` on, one after another, until
/// `end`. Returns how long each answer took.
async fn client(
    socket: PathBuf,
    initialize: String,
    requests: std::sync::Arc<Vec<String>>,
    first: usize,
    end: Instant,
) -> std::io::Result<Vec<Duration>> {
    let (input, mut output) = UnixStream::connect(socket).await?.into_split();
    let mut input = BufReader::new(input);
    let mut answer = Vec::new();
    output.write_all(initialize.as_bytes()).await?;
    input.read_until(b'\n', &mut answer).await?;
    let mut took = Vec::new();
    for request in requests.iter().cycle().skip(first) {
        let begun = Instant::now();
        if begun >= end {
            break;
        }
        output.write_all(request.as_bytes()).await?;
        answer.clear();
        input.read_until(b'\n', &mut answer).await?;
        took.push(begun.elapsed());
        if !answer.windows(9).any(|part| part == b"\"result\":") {
            let said = String::from_utf8_lossy(&answer).into_owned();
            return Err(std::io::Error::other(said));
        }
    }
    Ok(took)
}

/// Measures `clients` simultaneous clients on the project at `root`, and prints
/// one line of the table.
fn measure(
    name: &str,
    daemon: &Daemon,
    root: &str,
    clients: usize,
    requests: Vec<String>,
) -> Outcome<()> {
    let initialize = line(
        0,
        "initialize",
        &json!({ "project_root": root, "bm25": true }),
    );
    // The project is opened before the measurement, so that only the answers are
    // measured.
    let mut stream = BlockingStream::connect(daemon.socket())?;
    stream.write_all(initialize.as_bytes())?;
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.read_to_end(&mut Vec::new())?;

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let requests = std::sync::Arc::new(requests);
    let before = daemon.processor_time()?;
    let begun = Instant::now();
    let mut took = runtime.block_on(async {
        let end = begun + DURATION;
        let all: Vec<_> = (0..clients)
            .map(|number| {
                let first = number * requests.len() / clients;
                let requests = requests.clone();
                let (socket, initialize) = (daemon.socket(), initialize.clone());
                tokio::spawn(client(socket, initialize, requests, first, end))
            })
            .collect();
        let mut took = Vec::new();
        for client in all {
            took.extend(client.await??);
        }
        Outcome::Ok(took)
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    let used = daemon.processor_time()?.saturating_sub(before);
    took.sort_unstable();
    let percentile = |p: usize| took[(took.len() - 1) * p / 100].as_secs_f64() * 1e3;
    println!(
        "{name:<28} {clients:>7} {:>9.0} {:>9.3} {:>9.3} {:>9.3} {:>12.3}",
        took.len() as f64 / seconds,
        percentile(50),
        percentile(90),
        percentile(99),
        used.as_secs_f64() * 1e3 / took.len() as f64,
    );
    Ok(())
}

fn main() -> Outcome<()> {
    let daemon = Daemon::start("")?;
    println!(
        "{:<28} {:>7} {:>9} {:>9} {:>9} {:>9} {:>12}",
        "", "clients", "answers/s", "p50 ms", "p90 ms", "p99 ms", "CPU ms/answer"
    );
    let empty = tempfile::tempdir()?;
    let root = empty
        .path()
        .to_str()
        .ok_or("the folder's name is not UTF-8")?;
    let mut text = String::from("<?php\n");
    while text.len() < BUFFER_BYTES {
        text += "    $total = $this->items->sum(fn (Item $item): int => $item->price) + 1;\n";
    }
    let empty_project = requests(&[("a.php".into(), text)]);
    measure(
        "empty project, 30 KB buffer",
        &daemon,
        root,
        1,
        empty_project,
    )?;
    if let Ok(folder) = std::env::var("FIMD_CORPUS") {
        let asked = requests(&corpus(&folder)?);
        measure("corpus", &daemon, &folder, 1, asked.clone())?;
        measure("corpus", &daemon, &folder, CLIENTS, asked)?;
    }
    let before = daemon.processor_time()?;
    std::thread::sleep(IDLE);
    let used = daemon.processor_time()?.saturating_sub(before);
    println!(
        "idle: {:.1} % of a processor",
        100.0 * used.as_secs_f64() / IDLE.as_secs_f64()
    );
    Ok(())
}
