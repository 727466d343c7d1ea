//! What the model learns from is what it will be shown: the context of each
//! training example is, byte for byte, what `getContext` answers for the same
//! file with the hole cut out and the cursor in it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

#[test]
fn the_context_of_an_example_is_what_the_server_answers() {
    let project = format!("{}/tests/fixtures/shop", env!("CARGO_MANIFEST_DIR"));
    let temp = tempfile::tempdir().unwrap();
    for (total, chars) in [("8192", 4096), ("1000", 500)] {
        let output = temp.path().join(total);
        let run = Command::new(env!("CARGO_BIN_EXE_fimd"))
            .args([
                "generate",
                &project,
                "--cross-file-context",
                "--bm25-context",
            ])
            .args(["--max-total-chars", total, "--output"])
            .arg(&output)
            .output()
            .unwrap();
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        let examples: Vec<Value> = ["train.jsonl", "val.jsonl"]
            .iter()
            .flat_map(|name| {
                let text = fs::read_to_string(output.join(name)).unwrap();
                let parse = |line: &str| serde_json::from_str(line).unwrap();
                text.lines().map(parse).collect::<Vec<_>>()
            })
            .collect();
        assert!(examples.iter().any(|example| example["context"] != ""));
        let of_a_package = "// --- vendor/acme/money/src/Money.php ---";
        let mut contexts = examples.iter().filter_map(|e| e["context"].as_str());
        assert!(contexts.any(|context| context.contains(of_a_package)));
        let answers = ask(&project, &examples);
        assert_eq!(answers.len(), examples.len());
        for (example, answer) in examples.iter().zip(answers) {
            assert_eq!(example["context_max_chars"], chars);
            assert_eq!(example["context"], answer, "{}", example["filepath"]);
        }
    }
}

/// The server's contexts for the holes of `examples`, in their order.
fn ask(project: &str, examples: &[Value]) -> Vec<Value> {
    let mut requests = vec![json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {"project_root": project, "bm25": true},
    })];
    for (id, example) in (1..).zip(examples) {
        let path = Path::new(project).join(example["filepath"].as_str().unwrap());
        let text = fs::read_to_string(path).unwrap();
        let at = |field: &str| usize::try_from(example[field].as_u64().unwrap()).unwrap();
        let (start, end) = (at("start_byte"), at("end_byte"));
        let holed = [&text[..start], &text[end..]].concat();
        requests.push(json!({
            "jsonrpc": "2.0", "id": id, "method": "getContext",
            "params": {
                "filepath": example["filepath"],
                "content": holed,
                "cursor_offset": start,
                "max_chars": example["context_max_chars"],
            },
        }));
    }
    let mut server = Command::new(env!("CARGO_BIN_EXE_fimd"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = server.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        for request in requests {
            writeln!(stdin, "{request}").unwrap();
        }
    });
    let output = server.wait_with_output().unwrap();
    writer.join().unwrap();
    let mut answers: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    answers.sort_by_key(|answer| answer["id"].as_u64());
    answers
        .into_iter()
        .skip(1)
        .map(|answer| answer["result"]["context"].clone())
        .collect()
}
