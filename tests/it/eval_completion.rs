//! `fimd eval completion`, run from the command line against servers that know the right
//! answers and give them as often as the test says.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::model_server::{ModelServer, ReceivedRequest, Reply};
use crate::common::{Project, fimd};
use crate::verify::Fixture;

/// The files of a shop, each with methods that use what others declare. No two lines with
/// code are equal.
fn files(count: usize) -> Vec<(String, String)> {
    let class = |n: usize| {
        let next = (n + 1) % count;
        let methods: String = (0..4)
            .map(|m| {
                format!(
                    "    /** Totals of kind {n} and {m}. */\n    \
                     public function total{n}x{m}(Item{next} $item{n}x{m}): int\n    {{\n        \
                     // Adds what is sold of {n} and {m}.\n        \
                     $sum{n}x{m} = $item{n}x{m}->total{next}x{m}($this->stock{n}, 1{n}{m});\n        \
                     $rest{n}x{m} = max($sum{n}x{m} - 1{m}{n}, $this->stock{n});\n        \
                     return $rest{n}x{m} + $sum{n}x{m} * {n};\n    }}\n\n"
                )
            })
            .collect();
        let text = format!(
            "<?php\n\nnamespace Shop;\n\nclass Item{n}\n{{\n    private int $stock{n} = {n};\n\n{methods}}}\n"
        );
        (format!("src/part{}/Item{n}.php", n % 3), text)
    };
    (0..count).map(class).collect()
}

fn project(files: &[(String, String)]) -> Project {
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (&**path, &**text))
        .collect();
    Project::new(&files)
}

/// The text between prefix and suffix of the prompt, as the files have it.
fn truth<'f>(files: &'f [(String, String)], prompt: &str) -> Option<&'f str> {
    let (_, rest) = prompt.split_once("<|fim_suffix|>")?;
    let (suffix, behind) = rest.split_once("<|fim_middle|>")?;
    // The suffix comes first, or the prefix does.
    let prefix = match behind.is_empty() {
        true => prompt.split("<|fim_suffix|>").next()?,
        false => behind,
    };
    let prefix = prefix.strip_prefix("<|fim_prefix|>").unwrap_or(prefix);
    let from = prefix.len().saturating_sub(120);
    let last = &prefix[prefix.ceil_char_boundary(from)..];
    let first = &suffix[..suffix.floor_char_boundary(120)];
    files.iter().find_map(|(_, text)| {
        let start = text.find(last)? + last.len();
        let end = match first.is_empty() {
            true => text.len(),
            false => start + text[start..].find(first)?,
        };
        Some(&text[start..end])
    })
}

/// A number from 0 to 1 that depends on `text` and `salt` alone.
fn luck(text: &str, salt: &str) -> f64 {
    let hash = blake3::hash(format!("{salt} {text}").as_bytes());
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&hash.as_bytes()[..4]);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

/// Sends `text` as the whole answer.
fn say(answer: &mut Reply, text: &str) {
    answer.stream();
    answer.text(text);
    answer.done();
}

/// A server that gives the right answer this often. Servers with one `salt` have the same
/// luck at the same hole.
fn right(files: &[(String, String)], share: f64, salt: &'static str) -> ModelServer {
    let files = files.to_vec();
    ModelServer::start(move |asked, answer| {
        let prompt = asked.body["prompt"].as_str().unwrap();
        let truth = truth(&files, prompt).unwrap_or("unknown();");
        match luck(truth, salt) < share {
            true => say(answer, truth),
            false => say(answer, "wrong();"),
        }
    })
}

fn command(project: &Path, args: &[&str]) -> Command {
    let mut command = fimd();
    command
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .args(["--no-cache", "eval", "completion"])
        .arg(project)
        .args(args);
    command
}

fn run(project: &Path, args: &[&str]) -> Output {
    command(project, args).output().unwrap()
}

/// The run as JSON.
fn report(project: &Path, args: &[&str]) -> Value {
    let ran = run(project, &[args, &["--json"]].concat());
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// The figure of the condition number `at`, over all holes.
fn figure<'r>(report: &'r Value, at: usize, name: &str) -> &'r Value {
    &report["report"]["all"]["conditions"][at]["figures"][name]
}

/// The report without what the server's speed decides.
fn stable(mut report: Value) -> Value {
    report["report"].as_object_mut().unwrap().remove("server");
    report
}

const ONE: &[&str] = &["--kind", "identifier,one_line,line_rest,arguments"];

#[test]
fn planted_differences_are_found_and_ties_are_not() {
    let files = files(60);
    let project = project(&files);
    let [low, high] = [0.6, 0.7].map(|share| right(&files, share, "a"));
    let tie = right(&files, 0.6, "b");
    let [low, high, tie] = [("low", &low), ("high", &high), ("tie", &tie)]
        .map(|(name, server)| format!("{name}={}", server.url));
    let args = [
        ONE,
        &["--holes", "300", "--parallel", "4", "--condition", "plain"],
        &["--endpoint", &low, "--endpoint", &high, "--endpoint", &tie],
    ];
    let report = report(project.path(), &args.concat());
    assert_eq!(report["report"]["holes"], 300);
    let names = report["report"]["conditions"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|of| of["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["low, plain", "high, plain", "tie, plain"]);
    let exact = |at: usize| figure(&report, at, "exact")["mean"].as_f64().unwrap();
    assert!((0.5..0.68).contains(&exact(0)), "{}", exact(0));
    assert!(exact(1) > exact(0));
    let words = |at: usize| figure(&report, at, "exact")["difference"]["words"].clone();
    assert_eq!(
        (words(1), words(2)),
        (json!("better"), json!("no difference seen"))
    );
}

#[test]
fn the_same_holes_are_asked_with_and_without_context() {
    let files = files(12);
    let project = project(&files);
    let output = tempfile::tempdir().unwrap();
    let folder = output.path().join("run");
    let server = right(&files, 1.0, "");
    let all = [
        ["--endpoint", &server.url],
        ["--output", folder.to_str().unwrap()],
        ["--holes", "40"],
    ];
    let told = report(project.path(), &all.concat());
    // Answers that are cut to a line or a statement are not the whole middle.
    let exact = figure(&told, 0, "exact")["mean"].as_f64().unwrap();
    assert!(exact > 0.6, "{exact}");
    assert_eq!(
        figure(&told, 1, "exact")["difference"]["words"],
        "no difference seen"
    );
    let text = std::fs::read_to_string(folder.join("cases.jsonl")).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 1 + 40 * 3);
    assert_eq!(lines[0]["run"], told["run"]);
    let mut with_context = 0;
    for hole in lines[1..].chunks(3) {
        let (middle, [without, with]) =
            (&hole[0]["hole"], [&hole[1]["answer"], &hole[2]["answer"]]);
        let path = middle["path"].as_str().unwrap();
        let source = &files.iter().find(|(of, _)| of == path).unwrap().1;
        let middle = middle["middle"].as_str().unwrap();
        assert!(source.contains(middle), "{middle}");
        assert_eq!(without["context"], "");
        assert_eq!(without["parses"], true, "{hole:?}");
        with_context += usize::from(with["context"] != "");
    }
    assert!(with_context > 30, "{with_context}");
    let saved: Value =
        serde_json::from_slice(&std::fs::read(folder.join("eval.json")).unwrap()).unwrap();
    assert_eq!(saved, told);
    let page = std::fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.contains("Completions of "));
    // The requests are those of a user who asks, without chance.
    let asked = server.asked().body;
    assert_eq!(
        (&asked["temperature"], &asked["seed"]),
        (&json!(0.0), &json!(42))
    );
}

#[test]
fn a_killed_run_resumes_to_the_same_table() {
    let files = files(12);
    let project = project(&files);
    let output = tempfile::tempdir().unwrap();
    let [whole, broken] = ["whole", "broken"].map(|name| output.path().join(name));
    let server = right(&files, 0.5, "");
    let args = |folder: &Path, server: &ModelServer| -> Vec<String> {
        let folder = folder.to_str().unwrap();
        let args = [
            "--holes",
            "30",
            "--output",
            folder,
            "--endpoint",
            &server.url,
        ];
        args.map(str::to_owned).to_vec()
    };
    let plain = args(&whole, &server);
    let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
    let expected = report(project.path(), &plain);

    // A server that ends connections after some answers, and later keeps them open.
    let answers = Arc::new(AtomicUsize::new(25));
    let left = Arc::clone(&answers);
    let (tell, hangs) = mpsc::channel();
    let is_slow = Arc::new(AtomicBool::new(false));
    let slow = Arc::clone(&is_slow);
    let known = files.clone();
    let dying = ModelServer::start(move |asked: &ReceivedRequest, answer: &mut Reply| {
        let prompt = asked.body["prompt"].as_str().unwrap();
        let truth = truth(&known, prompt).unwrap_or("unknown();");
        let take = |left: usize| left.checked_sub(1);
        let taken = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take);
        match taken {
            Err(_) if slow.load(Ordering::SeqCst) => {
                let _ = tell.send(());
                answer.hang();
            }
            Err(_) => {}
            Ok(_) if luck(truth, "") < 0.5 => say(answer, truth),
            Ok(_) => say(answer, "wrong();"),
        }
    });
    let own = args(&broken, &dying);
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let ran = run(project.path(), &own);
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{said}");
    let kept = "of 60 answers are in ";
    assert!(
        said.contains(kept) && said.contains("--resume goes on"),
        "{said}"
    );
    // A kill may leave half a line.
    let cases = broken.join("cases.jsonl");
    let mut text = std::fs::read_to_string(&cases).unwrap();
    let lines = text.lines().count();
    text.push_str("{\"answer\":{\"hole\":1");
    std::fs::write(&cases, text).unwrap();
    assert!((20..50).contains(&lines), "{lines}");

    let again = run(project.path(), &own);
    let said = String::from_utf8(again.stderr).unwrap();
    assert!(
        said.contains("is there already: --resume goes on"),
        "{said}"
    );
    let other = [&own[..], &["--resume", "--seed", "7"]].concat();
    let said = String::from_utf8(run(project.path(), &other).stderr).unwrap();
    assert!(said.contains("seed was 42 and is 7"), "{said}");
    // Now the run itself is killed.
    let resumed = [&own[..], &["--resume"]].concat();
    is_slow.store(true, Ordering::SeqCst);
    answers.store(10, Ordering::SeqCst);
    let mut killed = command(project.path(), &resumed).spawn().unwrap();
    hangs.recv_timeout(Duration::from_secs(60)).unwrap();
    killed.kill().unwrap();
    killed.wait().unwrap();
    answers.store(usize::MAX, Ordering::SeqCst);
    let mut resumed = report(project.path(), &resumed);
    for condition in resumed["run"]["conditions"].as_array_mut().unwrap() {
        condition["endpoint"] = server.url.clone().into();
    }
    assert_eq!(stable(resumed), stable(expected));
    let lines = std::fs::read_to_string(&cases).unwrap().lines().count();
    assert_eq!(lines, 1 + 30 * 3);
}

#[test]
fn what_is_wrong_is_said() {
    let files = files(4);
    let project = project(&files);
    for (args, said) in [
        (
            &["--condition", "a:contxt=off"][..],
            "a: \"contxt\" is no key of a condition; expected one of context, dependencies, bm25, max_context_chars",
        ),
        (
            &["--condition", "a:max_tokens=0"],
            "--condition a: completion.max_tokens: expected an integer from 1 to 16384",
        ),
        (
            &["--condition", "a:context=no"],
            "--condition a: context: expected on or off, found \"no\"",
        ),
        (
            &["--condition", "a", "--condition", "a:bm25=off"],
            "--condition a: expected another name",
        ),
        (
            &["--condition", "a:endpoint=b"],
            "--condition a: endpoint: expected the NAME of an --endpoint",
        ),
        (&["--kind", "nonsense"], "expected one of typing, one_line"),
        (&["--resume"], "--output"),
    ] {
        let ran = run(project.path(), args);
        let stderr = String::from_utf8(ran.stderr).unwrap();
        assert!(stderr.contains(said), "{args:?}: {stderr}");
        assert_eq!(ran.status.code(), Some(2), "{args:?}");
    }
    let gone = ["--endpoint", "http://127.0.0.1:9"];
    let said = String::from_utf8(run(project.path(), &gone).stderr).unwrap();
    assert!(
        said.contains("cannot reach the model server") && said.contains("--output keeps"),
        "{said}"
    );
}

#[test]
fn holes_of_a_dataset_are_those_that_it_does_not_train_on() {
    let fixture = Fixture::new(&[]);
    let (project, data) = (fixture.project(), fixture.output());
    let server = ModelServer::saying(&["wrong();"]);
    let data_path = data.to_str().unwrap();
    let plain = [
        "--endpoint",
        &server.url,
        "--condition",
        "plain",
        "--holes",
        "20",
    ];
    let with = |more: &[&'static str], folder| [&plain[..], more, &[folder]].concat();

    let output = tempfile::tempdir().unwrap();
    let kept = output.path().to_str().unwrap();
    let args = [&with(&["--output"], kept)[..], &["--dataset", data_path]].concat();
    let told = report(&project, &args);
    let val = std::fs::read_to_string(data.join("val.jsonl")).unwrap();
    let examples: Vec<Value> = val
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let cases = std::fs::read_to_string(output.path().join("cases.jsonl")).unwrap();
    let cases = cases
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let holes: Vec<Value> = cases.filter(|line| line.get("hole").is_some()).collect();
    assert_eq!(
        told["report"]["holes"],
        examples.len(),
        "all that validates"
    );
    assert_eq!(holes.len(), examples.len());
    for hole in &holes {
        let hole = &hole["hole"];
        let same = |example: &&Value| {
            example["filepath"] == hole["path"]
                && example["middle"] == hole["middle"]
                && example["start_byte"] == hole["cursor"]
                && example["span_kind"] == hole["kind"]
        };
        assert!(examples.iter().find(same).is_some(), "{hole}");
    }

    // The files of the project are what the dataset trains on.
    let ran = run(&project, &with(&["--training"], data_path));
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(
        said.contains("the training data has text of ") && said.contains("--allow-overlap"),
        "{said}"
    );
    let ran = run(
        &project,
        &with(&["--allow-overlap", "--training"], data_path),
    );
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(
        ran.status.success() && said.contains(" files with holes are in the training data"),
        "{said}"
    );

    // A training split that holds a validating file is noticed.
    let leaky = fixture.copy();
    let train = leaky.output().join("train.jsonl");
    let mut text = std::fs::read_to_string(&train).unwrap();
    text.push_str(&val);
    std::fs::write(&train, text).unwrap();
    let leaky_data = leaky.output();
    let ran = run(
        &project,
        &with(&["--dataset"], leaky_data.to_str().unwrap()),
    );
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.contains("the training data has text of "), "{said}");
    // So is a file that is no longer what the dataset was made from.
    let changed = leaky
        .project()
        .join(holes[0]["hole"]["path"].as_str().unwrap());
    let text = std::fs::read_to_string(&changed).unwrap();
    std::fs::write(&changed, text.replacen("<?php", "<?php // new", 1)).unwrap();
    let ran = run(&leaky.project(), &with(&["--dataset"], data_path));
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(
        said.contains("it has changed since the dataset was made"),
        "{said}"
    );
}
