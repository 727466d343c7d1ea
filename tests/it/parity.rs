//! Training and completion see the same contexts: the context of each training
//! example is, byte for byte, what `getContext` answers for the same file
//! without the middle and with the cursor at the hole.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::Project;
use crate::common::contexts::{contexts_after, contexts_of};

/// The examples that `fimd generate` makes with contexts of both kinds.
fn examples_of(project: &Path, output: &Path, options: &[&str]) -> Vec<Value> {
    let run = Command::new(env!("CARGO_BIN_EXE_fimd"))
        .arg("generate")
        .arg(project)
        .args(["--cross-file-context", "--bm25-context"])
        .args(options)
        .arg("--output")
        .arg(output)
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let lines = |name: &str| {
        let text = fs::read_to_string(output.join(name)).unwrap();
        let parse = |line: &str| serde_json::from_str(line).unwrap();
        text.lines().map(parse).collect::<Vec<_>>()
    };
    ["train.jsonl", "val.jsonl"]
        .into_iter()
        .flat_map(lines)
        .collect()
}

#[test]
fn the_context_of_an_example_is_what_the_server_answers() {
    let project = format!("{}/tests/fixtures/shop", env!("CARGO_MANIFEST_DIR"));
    let temp = tempfile::tempdir().unwrap();
    for (total, chars) in [("8192", 4096), ("1000", 500)] {
        let options = ["--max-total-chars", total];
        let examples = examples_of(project.as_ref(), &temp.path().join(total), &options);
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

/// Files of an include path have the same names in training and in serving, and the
/// rules of a project leave out the same of them.
#[test]
fn files_of_an_include_path_are_named_alike() {
    let tax = "<?php\nnamespace Lib;\nclass Tax\n{\n    public function rate(): float { return 0.2; }\n}\n";
    let library = Project::new(&[
        ("src/Tax.php", tax),
        ("vendor/acme/Tax.php", &tax.replace("rate", "vendored")),
        (".git/Tax.php", &tax.replace("rate", "hidden")),
        ("made/Tax.php", &tax.replace("rate", "ignored")),
        ("Tax.blade.php", &tax.replace("rate", "template")),
        (".gitignore", "made/\n"),
    ]);
    let shop = Project::new(&[(
        "src/Shop.php",
        "<?php\nnamespace Shop;\nuse Lib\\Tax;\nclass Shop\n{\n    public function total(Tax $tax, float $net): float\n    {\n        $gross = $net + $net * $tax->rate();\n        return round($gross, 2);\n    }\n}\n",
    )]);
    let temp = tempfile::tempdir().unwrap();
    let include = library.path().to_str().unwrap();
    let options = ["--include-path", include, "--min-middle-chars", "1"];
    let examples = examples_of(shop.path(), &temp.path().join("data"), &options);
    let label = library.path().file_name().unwrap().to_str().unwrap();
    let named = format!("// --- {label}/src/Tax.php ---");
    let contexts: Vec<_> = examples
        .iter()
        .filter_map(|e| e["context"].as_str())
        .collect();
    assert!(contexts.iter().any(|context| context.contains(&named)));
    for left_out in ["vendored", "hidden", "ignored", "template"] {
        let shows = |context: &&str| context.contains(&format!("function {left_out}"));
        assert!(!contexts.iter().any(shows), "{left_out}");
    }
    let initialize = json!({
        "project_root": shop.path(),
        "include_paths": [include],
        "bm25": true,
    });
    let answers = contexts_after(initialize, shop.path(), &examples);
    for (example, answer) in examples.iter().zip(answers) {
        assert_eq!(example["context"], answer, "{example}");
    }
}
