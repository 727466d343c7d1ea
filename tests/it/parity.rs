//! Training and completion see the same contexts: the context of each training
//! example is, byte for byte, what `getContext` answers for the same file
//! without the middle and with the cursor at the hole.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::common::contexts::contexts_of;

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
        let answers = contexts_of(project.as_ref(), &examples, "redact");
        assert_eq!(answers.len(), examples.len());
        for (example, answer) in examples.iter().zip(answers) {
            assert_eq!(example["context_max_chars"], chars);
            assert_eq!(example["context"], answer, "{}", example["filepath"]);
        }
    }
}
