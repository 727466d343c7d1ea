//! `fimd eval typing`, run from the command line.

use std::process::Output;

use serde_json::Value;

use crate::common::model_server::ModelServer;
use crate::common::{Project, fimd};

/// A class whose methods use those of another file, each another one.
fn class(name: &str) -> String {
    let method = |used: &str| {
        format!(
            "    public function take{used}(Basket $basket): int\n    {{\n        \
             $one = 1;\n        $sum = $basket->{used}();\n        \
             return $sum + $one;\n    }}\n\n"
        )
    };
    let methods: String = ["addItem", "total"].map(method).into_iter().collect();
    format!("<?php\nclass {name}\n{{\n{methods}}}\n")
}

fn project() -> Project {
    let basket = "<?php\nclass Basket\n{\n    public function addItem(int $item): void {}\n    \
                  public function total(): int { return 0; }\n}\n";
    let (a, b) = (class("A"), class("B"));
    Project::new(&[("Basket.php", basket), ("A.php", &a), ("B.php", &b)])
}

fn run(project: &Project, args: &[&str], threads: &str) -> Output {
    fimd()
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("RAYON_NUM_THREADS", threads)
        .args(["eval", "typing"])
        .arg(project.path())
        .args(args)
        .output()
        .unwrap()
}

/// The report without times, which differ from run to run.
fn report(project: &Project, args: &[&str], threads: &str) -> Value {
    let run = run(project, &[args, &["--json"]].concat(), threads);
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.is_empty(), "{said}");
    let mut report: Value = serde_json::from_slice(&run.stdout).unwrap();
    let ms = report.as_object_mut().unwrap().remove("prompt_ms").unwrap();
    assert!(ms["p90"].as_f64() > Some(0.0));
    report
}

#[test]
fn the_figures_depend_on_the_seed_alone() {
    let project = project();
    let one = report(&project, &[], "1");
    assert_eq!(report(&project, &[], "4"), one);
    assert_ne!(report(&project, &["--seed", "7"], "1"), one);
    assert_eq!(one["sessions"], 1, "two files have methods to type");
    let requests = one["requests"].as_u64().unwrap();
    let changes = one["changes"].as_array().unwrap();
    let of = |name: &str| {
        let change = changes.iter().find(|change| change["change"] == name);
        change.map_or(0, |change| change["requests"].as_u64().unwrap())
    };
    // The first request has none before it; the session moves three times.
    assert_eq!(of("moved"), 3, "{one}");
    let all: u64 = changes
        .iter()
        .map(|of| of["requests"].as_u64().unwrap())
        .sum();
    assert_eq!(all, requests - 1);
    assert!(of("typed") > 0, "{one}");
    let spread = |name: &str| one[name]["mean"].as_f64().unwrap();
    assert!(spread("read_tokens") < spread("prompt_tokens"), "{one}");
    // Nothing moves away what a server with a slot for each buffer has read.
    let two = report(&project, &["--slots", "2"], "1");
    assert!(two["read_tokens"]["mean"].as_f64() < one["read_tokens"]["mean"].as_f64());
    // `total` and `addItem` are methods of the receiver's class.
    assert!(one["recall"]["places"].as_u64() > Some(0), "{one}");
    assert_eq!(one["recall"]["fresh"], 1.0, "{one}");
    let table = String::from_utf8(run(&project, &[], "1").stdout).unwrap();
    assert!(table.contains("tokens to read"), "{table}");
}

#[test]
fn what_is_read_ahead_is_not_read_again() {
    let project = project();
    let moved = |args: &[&str]| {
        let report = report(&project, args, "2");
        let changes = report["changes"].as_array().unwrap().clone();
        let moved = changes.into_iter().find(|of| of["change"] == "moved");
        let moved = moved.unwrap();
        assert_eq!(moved["requests"], 3, "{report}");
        moved["read_tokens"]["mean"].as_f64().unwrap()
    };
    let [cursor, method, file] =
        ["cursor", "method", "file"].map(|place| moved(&["--read-ahead", place]));
    assert!((cursor - 1.0).abs() < 1e-9, "{cursor}");
    // The session comes back to a method that is half written.
    assert!(cursor < method && method < file, "{method} {file}");
    assert!(method < moved(&[]));
}

#[test]
fn a_server_is_asked_each_prompt_for_its_own_figures() {
    let project = project();
    let props = r#"{"default_generation_settings":{"n_ctx":4096},"total_slots":1}"#;
    let server = ModelServer::with_props(Some(props), |_, answer| {
        answer.stream();
        answer.send(
            "data: {\"choices\":[{\"text\":\"x\",\"finish_reason\":\"length\"}],\"timings\":\
             {\"cache_n\":90,\"prompt_n\":10,\"prompt_ms\":5.0}}\n\n",
        );
        answer.send("data: [DONE]\n\n");
    });
    let report = report(&project, &["--endpoint", &server.url], "2");
    let requests = report["requests"].as_u64().unwrap();
    for _ in 0..requests {
        let asked = server.asked().body;
        assert_eq!(
            (&asked["max_tokens"], &asked["temperature"]),
            (&1.into(), &0.0.into())
        );
        assert!(
            asked["prompt"]
                .as_str()
                .unwrap()
                .starts_with("<|fim_prefix|>")
        );
    }
    assert!(server.is_unasked());
    let figures = &report["server"];
    assert_eq!(figures["read_tokens"]["median"], 10.0);
    assert_eq!(figures["reused_tokens"]["mean"], 90.0);
    assert_eq!(figures["read_ms"]["p90"], 5.0);
}

#[test]
fn what_cannot_be_measured_is_said() {
    let small = Project::new(&[("a.php", "<?php\nfunction f() {}\n")]);
    for (args, code, says) in [
        (vec![], 1, "no two files with two methods"),
        (vec!["--sessions", "0"], 2, "must be at least 1"),
        (vec!["--tokenizer", "/nowhere"], 1, "no two files"),
    ] {
        let ran = run(&small, &args, "1");
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(code), "{said}");
        assert!(said.starts_with("fimd: ") && said.contains(says), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
