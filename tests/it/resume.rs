//! A run that was killed continues where it stopped, and gives the same bytes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::common::files_of;

/// Tests wait this long only when a run hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Three projects and a file of rows, each of several batches.
fn inputs(temp: &Path) -> Vec<String> {
    let mut args = Vec::new();
    for project in ["a", "b", "c"] {
        let root = temp.join(project);
        fs::create_dir(&root).unwrap();
        for (name, text) in files(project) {
            fs::write(root.join(name), text).unwrap();
        }
        args.push(root.to_str().unwrap().to_owned());
    }
    let rows: String = ["d", "e"]
        .iter()
        .flat_map(|repo| {
            files(repo).into_iter().map(move |(path, content)| {
                let row = serde_json::json!({"repo": repo, "path": path, "content": content});
                format!("{row}\n")
            })
        })
        .collect();
    let input = temp.join("rows.jsonl");
    fs::write(&input, rows).unwrap();
    args.extend(["--input".to_owned(), input.to_str().unwrap().to_owned()]);
    args
}

/// Each file has about 20 KB, so seven make a batch.
fn files(project: &str) -> Vec<(String, String)> {
    (0..16)
        .map(|n| {
            let functions: String = (0..90)
                .map(|f| {
                    format!(
                        "/** Number {f}. */\nfunction {project}_{n}_{f}(array $rows, int $least): int\n{{\n    $found = array_filter($rows, fn ($row) => $row > $least + {f});\n    return count($found) * {n} + {f};\n}}\n\n"
                    )
                })
                .collect();
            // These texts are the same in all projects, and hold a password,
            // because rejections must survive a resumed run as well.
            let shared = "function connect(string $host): Link\n{\n    $settings = ['host' => $host, 'password' => 'tr0ub4dor&3zQ'];\n    return Link::open($settings, retries: 3);\n}\n\n".repeat(8);
            (format!("f{n}.php"), format!("<?php\n\n{functions}{shared}"))
        })
        .collect()
}

fn command(inputs: &[String], output: &Path, threads: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fimd"));
    command
        .args(["--no-cache", "generate", "--output"])
        .arg(output)
        .args(inputs)
        .env("RAYON_NUM_THREADS", threads)
        .env_remove("RUST_LOG")
        .stderr(Stdio::piped());
    command
}

fn log(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The journal of the unfinished run into `parent/data`.
fn journal(parent: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(parent).unwrap().flatten();
    let stage = entries.find(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with(".data.fimd-")
    })?;
    Some(stage.path().join("journal"))
}

fn batches(parent: &Path) -> usize {
    let text = journal(parent).and_then(|path| fs::read(path).ok());
    let lines = text.map_or(0, |text| text.iter().filter(|byte| **byte == b'\n').count());
    lines.saturating_sub(1)
}

/// Waits until the journal holds `wanted` batches or the run has ended. Returns
/// whether the run still goes on.
fn reaches(run: &mut Child, parent: &Path, wanted: usize) -> bool {
    let started = Instant::now();
    while batches(parent) < wanted {
        assert!(started.elapsed() < PATIENCE, "no progress");
        if run.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

#[test]
fn however_often_it_is_killed_the_bytes_are_the_same() {
    let temp = tempfile::tempdir().unwrap();
    let inputs = inputs(temp.path());
    let whole = temp.path().join("whole");
    let rejects = temp.path().join("rejects.jsonl");
    let command = |output: &Path, threads: &str| {
        let mut command = command(&inputs, output, threads);
        command
            .args(["--quality-filter", "--rejects"])
            .arg(&rejects);
        command
    };
    let run = command(&whole, "2").output().unwrap();
    assert!(run.status.success(), "{}", log(&run));
    let whole = files_of(&whole);
    let refused = fs::read_to_string(&rejects).unwrap();
    assert!(refused.contains("near_duplicate_example"), "{refused}");
    let told: serde_json::Value = serde_json::from_slice(&whole["metadata.json"]).unwrap();
    let redacted = &told["secrets"]["examples_redacted"];
    assert!(redacted.as_u64().unwrap() > 0, "{told}");
    for (threads, step) in [("1", 5), ("2", 2)] {
        let parent = temp.path().join(threads);
        let output = parent.join("data");
        fs::create_dir(&parent).unwrap();
        let (mut wanted, mut killed) = (step, 0);
        loop {
            let mut run = command(&output, threads).arg("--resume").spawn().unwrap();
            if !reaches(&mut run, &parent, wanted) {
                assert!(run.wait().unwrap().success());
                break;
            }
            run.kill().unwrap();
            run.wait().unwrap();
            killed += 1;
            wanted = wanted.max(batches(&parent)) + step;
        }
        assert!(killed > 1, "killed {killed} times");
        assert!(files_of(&output) == whole, "{threads} threads");
        assert_eq!(fs::read_to_string(&rejects).unwrap(), refused);
        fs::remove_file(&rejects).unwrap();
        assert_eq!(fs::read_dir(&parent).unwrap().count(), 1, "leftovers");
    }
}

#[test]
fn every_format_and_shards_go_on_to_the_same_bytes() {
    let temp = tempfile::tempdir().unwrap();
    let inputs = &inputs(temp.path())[..2];
    for (format, partial) in [
        ("jsonl", None),
        ("jsonl.zst", None),
        ("parquet", None),
        ("parquet", Some("--partial")),
    ] {
        let parent = temp.path().join(partial.unwrap_or(format));
        let rejects = parent.join("refused");
        let output = parent.join("data");
        fs::create_dir_all(&rejects).unwrap();
        let file = rejects.join("rejects.jsonl");
        let more = ["--format", format, "--shard-size", "100kB", "--rejects"];
        let more = [&more[..], &[file.to_str().unwrap()], partial.as_slice()].concat();
        let whole = temp.path().join("whole");
        let run = command(inputs, &whole, "2").args(&more).output().unwrap();
        assert!(run.status.success(), "{}", log(&run));
        fs::remove_file(&file).unwrap();

        killed(inputs, &parent, &more);
        assert_eq!(fs::read_dir(&rejects).unwrap().count(), 0, "a stray file");
        assert!(!output.exists());
        let run = command(inputs, &output, "1")
            .args(&more)
            .arg("--resume")
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", log(&run));
        assert!(log(&run).contains("going on"), "{}", log(&run));
        let (whole, resumed) = (files_of(&whole), files_of(&output));
        assert!(resumed.keys().any(|name| name.starts_with("train-00001-")));
        assert!(resumed == whole, "{format}: {:?}", resumed.keys());
        assert_eq!(fs::read_dir(&rejects).unwrap().count(), 1);
        assert_eq!(fs::read_dir(&parent).unwrap().count(), 2, "leftovers");
    }
}

/// Starts a run into `parent/data` with `more` options, and kills it after some
/// batches.
fn killed(inputs: &[String], parent: &Path, more: &[&str]) {
    let mut run = command(inputs, &parent.join("data"), "2")
        .args(more)
        .spawn()
        .unwrap();
    assert!(reaches(&mut run, parent, 3));
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn only_the_same_run_over_the_same_files_goes_on() {
    let temp = tempfile::tempdir().unwrap();
    let inputs = inputs(temp.path());
    let parent = temp.path().join("out");
    fs::create_dir(&parent).unwrap();
    let output = parent.join("data");
    killed(&inputs, &parent, &[]);
    let made = batches(&parent);
    let resumed = |more: &[&str]| {
        let mut command = command(&inputs, &output, "2");
        command.arg("--resume").args(more).output().unwrap()
    };
    let other_seed = resumed(&["--seed", "7"]);
    assert_eq!(other_seed.status.code(), Some(1));
    assert!(
        log(&other_seed).contains("--seed 42; repeat that"),
        "{}",
        log(&other_seed)
    );
    let fewer = command(&inputs[1..], &output, "2")
        .arg("--resume")
        .output()
        .unwrap();
    assert!(log(&fewer).contains("the projects"), "{}", log(&fewer));

    let changed = temp.path().join("a/f3.php");
    let old = fs::read(&changed).unwrap();
    fs::write(&changed, "<?php // other").unwrap();
    let refused = resumed(&[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        log(&refused).contains("a: not the files"),
        "{}",
        log(&refused)
    );
    assert_eq!(batches(&parent), made, "nothing was lost");
    fs::write(&changed, old).unwrap();
    let done = resumed(&[]);
    assert!(log(&done).contains("going on"), "{}", log(&done));
    assert!(done.status.success());
}

#[test]
fn without_resume_a_run_begins_anew_and_says_what_it_removes() {
    let temp = tempfile::tempdir().unwrap();
    let inputs = inputs(temp.path());
    let parent = temp.path().join("out");
    fs::create_dir(&parent).unwrap();
    killed(&inputs, &parent, &[]);
    let run = command(&inputs, &parent.join("data"), "2")
        .output()
        .unwrap();
    assert!(run.status.success());
    assert!(log(&run).contains("--resume would have"), "{}", log(&run));
    assert_eq!(fs::read_dir(&parent).unwrap().count(), 1);
    let nothing_left = command(&inputs, &parent.join("data"), "2")
        .arg("--resume")
        .output()
        .unwrap();
    assert!(nothing_left.status.success());
    assert!(!log(&nothing_left).contains("going on"));
}

#[test]
fn an_interrupted_run_leaves_what_it_has_made_only_with_resume() {
    let temp = tempfile::tempdir().unwrap();
    let inputs = inputs(temp.path());
    for resume in [false, true] {
        let parent = temp.path().join(resume.to_string());
        fs::create_dir(&parent).unwrap();
        let mut command = command(&inputs, &parent.join("data"), "2");
        if resume {
            command.arg("--resume");
        }
        let mut run = command.spawn().unwrap();
        assert!(reaches(&mut run, &parent, 2));
        let id = rustix::process::Pid::from_child(&run);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        let run = run.wait_with_output().unwrap();
        assert_eq!(run.status.code(), Some(1), "{}", log(&run));
        let said = match resume {
            true => "the same command goes on from here",
            false => "nothing was written",
        };
        assert!(log(&run).contains(said), "{}", log(&run));
        assert_eq!(batches(&parent) > 1, resume);
    }
}
