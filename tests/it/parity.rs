//! What is trained is what is asked: the text of each training example before its
//! middle is, byte for byte, the prompt that `complete` sends for the same file without
//! the middle and with the cursor at the hole. And nothing of a prompt tells how long
//! the middle is.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::contexts::contexts_after;
use crate::common::model_server::ModelServer;
use crate::common::{Client, Project, fimd};

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
    for (total, chars, sides) in [("8192", 4096, None), ("1000", 500, Some((125, 125)))] {
        let options = ["--max-total-chars", total];
        let examples = examples_of(project.as_ref(), &temp.path().join(total), &options);
        assert!(examples.iter().any(|example| example["context"] != ""));
        let of_a_package = "// --- vendor/acme/money/src/Money.php ---";
        let mut contexts = examples.iter().filter_map(|e| e["context"].as_str());
        assert!(contexts.any(|context| context.contains(of_a_package)));
        let initialize = json!({"project_root": &project, "bm25": true, "secrets": "redact"});
        let answers = contexts_after(initialize, project.as_ref(), &examples, sides);
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
    let answers = contexts_after(initialize, shop.path(), &examples, None);
    for (example, answer) in examples.iter().zip(answers) {
        assert_eq!(example["context"], answer, "{example}");
    }
}

/// A file that is longer than all windows of these tests, with what prompts change:
/// line ends, a byte order mark, secrets, control tokens and characters of several bytes.
fn long_file(line_end: &str, mark: &str) -> String {
    let methods: String = (0..30)
        .map(|n| {
            format!(
                "    /** Adds up w\u{f6}rk {n}. */\n    public function total{n}(array $lines, Tax $tax): float\n    {{\n        $apiKey = 'sk_live_4eC39HqLyjWDarjtT1zdp7d{n:02}';\n        // <|fim_middle|> \u{1F600}\n        foreach ($lines as $line) {{\n            $this->sum{n} += $line->price() * $tax->rate({n});\n        }}\n        return round($this->total{n}($lines), {n});\n    }}\n\n"
            )
        })
        .collect();
    let text =
        format!("{mark}<?php\nnamespace App;\nuse Lib\\Tax;\n\nclass Totals\n{{\n{methods}}}\n");
    text.replace('\n', line_end)
}

/// A family that `fimd models` lists.
struct ListedFamily {
    name: String,
    end: String,
    is_prefix_first: bool,
    has_repo: bool,
}

fn families() -> Vec<ListedFamily> {
    let models = Command::new(env!("CARGO_BIN_EXE_fimd"))
        .args(["models", "--json"])
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();
    let models: Vec<Value> = serde_json::from_slice(&models.stdout).unwrap();
    let family = |model: &Value| ListedFamily {
        name: model["name"].as_str().unwrap().to_owned(),
        end: model["end"].as_str().unwrap().to_owned(),
        is_prefix_first: model["order"] == "prefix-first",
        has_repo: model.get("repo").is_some_and(Value::is_object),
    };
    models.iter().map(family).collect()
}

/// The prompts that `complete` sends in the buffers of `examples`, with these settings
/// under `[completion]` and as much context as each example has room for.
fn asked(project: &Path, family: &str, settings: &str, examples: &[Value]) -> HashSet<String> {
    let mut by_budget: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    for example in examples {
        let budget = example["context_max_chars"].as_u64().unwrap();
        by_budget.entry(budget).or_default().push(example);
    }
    let asked = by_budget.into_iter().map(|(budget, examples)| {
        let settings = format!("{settings}max_context_chars = {budget}\n");
        asked_with(project, family, &settings, &examples)
    });
    asked.flatten().collect()
}

/// The buffer of `example` and the byte of its cursor, given the text of its file.
fn buffer_of(example: &Value, text: &str) -> (String, usize) {
    let at = |field: &str| usize::try_from(example[field].as_u64().unwrap()).unwrap();
    let hole = at("start_byte")..at("end_byte");
    let mut cuts = vec![hole];
    if let Some(buffer) = example["buffer"].as_str() {
        let (start, end) = buffer.split_once(' ').unwrap().1.split_once("..").unwrap();
        cuts.push(start.parse().unwrap()..end.parse().unwrap());
    }
    cuts.sort_by_key(|cut| cut.start);
    let (mut content, mut cursor) = (String::new(), 0);
    let mut kept = 0;
    for cut in cuts {
        content.push_str(&text[kept..cut.start]);
        if cut == (at("start_byte")..at("end_byte")) {
            cursor = content.len();
        }
        kept = cut.end;
    }
    (content + &text[kept..], cursor)
}

/// The prompts that `complete` sends in the buffers of `examples`, with these settings
/// under `[completion]`.
fn asked_with(
    project: &Path,
    family: &str,
    settings: &str,
    examples: &[&Value],
) -> HashSet<String> {
    asked_of(
        &ModelServer::saying(&["x;"]),
        project,
        family,
        settings,
        examples,
    )
}

/// The same prompts as `model` gets them.
fn asked_of(
    model: &ModelServer,
    project: &Path,
    family: &str,
    settings: &str,
    examples: &[&Value],
) -> HashSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    let endpoint = format!(
        "[endpoint]\nurl = \"{}\"\nfamily = \"{family}\"\n",
        model.url
    );
    fs::write(&file, format!("{endpoint}[completion]\n{settings}")).unwrap();
    let mut client = Client::start(fimd().arg("--settings").arg(&file));
    let params = json!({ "project_root": project, "bm25": true });
    let mut ask = |id: usize, method: &str, params: &Value| {
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        client.send(format!("{message}\n"));
        let answer: Value = serde_json::from_str(&client.answer()).unwrap();
        assert!(answer.get("result").is_some(), "{answer}");
    };
    ask(0, "initialize", &params);
    let mut prompts = HashSet::new();
    for (id, example) in (1..).zip(examples) {
        let path = project.join(example["filepath"].as_str().unwrap());
        let text = fs::read_to_string(&path).unwrap();
        // The hole is another place than the one of the request before.
        let hole = buffer_of(example, &text);
        let steps = [("x".to_owned(), 1), hole];
        let mut prompt = String::new();
        for (step, (content, cursor)) in steps.into_iter().enumerate() {
            let params = json!({ "filepath": path, "content": content, "cursor_offset": cursor });
            ask(2 * id + step, "complete", &params);
            let body = model.asked().body;
            body["prompt"].as_str().unwrap().clone_into(&mut prompt);
        }
        prompts.insert(prompt);
    }
    prompts
}

/// The text of an example before its middle and `end`.
fn trained(example: &Value, end: &str) -> String {
    let of = |field: &str| example[field].as_str().unwrap();
    let text = of("text").strip_suffix(end).unwrap();
    text.strip_suffix(of("middle")).unwrap().to_owned()
}

#[test]
fn the_text_before_a_middle_is_the_prompt_of_complete() {
    // Of a file with secrets no buffer is unfinished.
    let plain = long_file("\n", "").replace("$apiKey = 'sk_live_", "$this->name = 'name ");
    let project = Project::new(&[
        ("src/Totals.php", &long_file("\n", "")),
        (
            "src/Plain.php",
            &plain.replace("Totals", "Plain").replace("total", "plain"),
        ),
        (
            "src/Windows.php",
            &long_file("\r\n", "\u{feff}").replace("Totals", "Windows"),
        ),
        (
            "lib/Tax.php",
            "<?php\nnamespace Lib;\nclass Tax\n{\n    public const BASE = 19;\n    public function rate(int $year): float { return 0.2; }\n}\n",
        ),
    ]);
    let temp = tempfile::tempdir().unwrap();
    let mut states = HashSet::new();
    for family in families() {
        let ListedFamily {
            name,
            end,
            is_prefix_first,
            has_repo,
        } = &family;
        let orders: &[_] = if *is_prefix_first {
            &[("0", "psm"), ("1", "spm")]
        } else {
            &[("", "auto")]
        };
        let styles = if *has_repo {
            &["comment", "repo"][..]
        } else {
            &["comment"]
        };
        for (rate, order) in orders {
            for style in styles {
                let mut options = vec!["--base-model", name, "--context-style", style];
                options.extend(["--max-total-chars", "3000", "--min-middle-chars", "3"]);
                options.extend(["--mix", EVERY_KIND, "--unfinished", "0.5"]);
                options.extend(["--short-context", "0.3", "--max-prefix-chars", "375"]);
                options.extend(["--markers", "neutralise", "--dedup", "off"]);
                if !rate.is_empty() {
                    options.extend(["--spm-rate", rate]);
                }
                let output = temp.path().join(format!("{name}-{order}-{style}"));
                let examples = examples_of(project.path(), &output, &options);
                let examples = some_of_each_kind(examples, 2);
                let settings = format!(
                    "order = \"{order}\"\ncontext_style = \"{style}\"\nmax_total_chars = 3000\nmax_prefix_chars = 375\n"
                );
                let prompts = asked(project.path(), name, &settings, &examples);
                states.extend(examples.iter().map(state_of));
                for example in &examples {
                    let trained = trained(example, end);
                    assert!(
                        prompts.contains(&trained),
                        "{name} {order} {style}: complete sends another prompt than {trained:?}"
                    );
                }
            }
        }
    }
    assert!(states.len() > 4, "{states:?}");
}

/// A model server that tells that it reads a token in so many milliseconds.
fn server_of(read_ms: f64) -> ModelServer {
    ModelServer::start(move |_, answer| {
        let message = json!({
            "choices": [{ "text": "x;", "finish_reason": "stop" }],
            "timings": { "prompt_n": 100, "prompt_ms": 100.0 * read_ms },
        });
        answer.stream();
        answer.send(format!("data: {message}\n\n"));
    })
}

/// A budget in time has a few steps, and each is a size that a dataset can have.
#[test]
fn the_prompts_for_a_budget_in_time_can_be_trained() {
    let project = Project::new(&[
        ("src/Totals.php", &long_file("\n", "")),
        (
            "lib/Tax.php",
            "<?php\nnamespace Lib;\nclass Tax\n{\n    public const BASE = 19;\n    public function rate(int $year): float { return 0.2; }\n}\n",
        ),
    ]);
    let temp = tempfile::tempdir().unwrap();
    for (read_ms, total) in [(0.1, "8192"), (0.4, "4096"), (0.8, "2048"), (3.0, "1024")] {
        let options = ["--max-total-chars", total, "--spm-rate", "0"];
        let output = temp.path().join(total);
        let mut examples = examples_of(project.path(), &output, &options);
        examples.truncate(40);
        let examples: Vec<_> = examples.iter().collect();
        let settings = "order = \"psm\"\ntarget_ms = 300\n";
        let model = server_of(read_ms);
        let prompts = asked_of(&model, project.path(), "qwen2.5-coder", settings, &examples);
        for example in examples {
            let trained = trained(example, "<|endoftext|>");
            assert!(
                prompts.contains(&trained),
                "{total}: complete sends another prompt than {trained:?}"
            );
        }
    }
}

/// The state of the buffer of `example`.
fn state_of(example: &Value) -> String {
    let state = example["buffer"].as_str().unwrap_or("whole");
    state.split(' ').next().unwrap().to_owned()
}

/// Up to `count` of `examples` of each kind of hole, and of each state of a buffer.
fn some_of_each_kind(examples: Vec<Value>, count: usize) -> Vec<Value> {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut wanted = |example: &Value| {
        let kind = example["span_kind"].as_str().unwrap().to_owned();
        let mut is_wanted = false;
        for key in [kind, state_of(example)] {
            let taken = taken.entry(key).or_default();
            *taken += 1;
            is_wanted |= *taken <= count;
        }
        is_wanted
    };
    let few: Vec<_> = examples.into_iter().filter(|e| wanted(e)).collect();
    for kind in EVERY_KIND.split(',') {
        assert!(taken.contains_key(kind), "{kind}: {taken:?}");
    }
    few
}

/// All kinds of holes in files that are parsed.
const EVERY_KIND: &str = "typing,one_line,line_rest,statement_rest,arguments,block,after_comment,doc_comment,multi_line,ast_node,ast_aligned,bracket_content,char_span";

/// Between full prompts, the length tells nothing of the middle's.
#[test]
fn no_length_of_a_prompt_tells_that_of_the_middle() {
    let files: Vec<_> = (0..15)
        .map(|n| {
            (
                format!("src/Totals{n}.php"),
                long_file("\n", "").replace("Totals", &format!("Totals{n}")),
            )
        })
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let project = Project::new(&files);
    let temp = tempfile::tempdir().unwrap();
    let options = [
        "--max-total-chars",
        "4000",
        "--markers",
        "neutralise",
        "--dedup",
        "off",
        // Contexts of files that are so alike would hold the middles.
        "--max-context-chars",
        "0",
        "--val-split",
        "0",
    ];
    for mix in ["completion", "seed", "blocks"] {
        let options = [&options[..], &["--mix", mix]].concat();
        let examples = examples_of(project.path(), &temp.path().join(mix), &options);
        let lengths: Vec<(f64, f64)> = examples
            .iter()
            .filter(|example| example["start_byte"].as_u64().unwrap() > 2000)
            .map(|example| {
                let chars = |field: &str| example[field].as_str().unwrap().chars().count() as f64;
                (chars("middle"), chars("text") - chars("middle"))
            })
            .collect();
        assert!(lengths.len() > 200, "{mix}: {}", lengths.len());
        let correlation = correlation(&lengths);
        assert!(correlation.abs() < 0.15, "{mix}: {correlation}");
    }
}

/// Pearson's coefficient of correlation.
fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let count = pairs.len() as f64;
    let (x, y) = pairs
        .iter()
        .fold((0.0, 0.0), |(x, y), pair| (x + pair.0, y + pair.1));
    let (x, y) = (x / count, y / count);
    let [mut xy, mut xx, mut yy] = [0.0; 3];
    for pair in pairs {
        xy += (pair.0 - x) * (pair.1 - y);
        xx += (pair.0 - x).powi(2);
        yy += (pair.1 - y).powi(2);
    }
    xy / (xx * yy).sqrt()
}

/// What a session remembers is what a request with its start gets, and a cursor that
/// moves back gets the bytes that it had there.
#[test]
fn a_session_answers_as_its_start_does() {
    let project = format!("{}/tests/fixtures/shop", env!("CARGO_MANIFEST_DIR"));
    let path = format!("{project}/src/Service/OrderService.php");
    let file = fs::read_to_string(&path).unwrap();
    let from = file.find("{\n        ").unwrap() + "{\n        ".len();
    let end = from + file[from..].find("\n    }").unwrap();
    let mut client = Client::start(&mut fimd());
    let mut id = 0;
    let mut ask = |method: &str, params: &Value| {
        id += 1;
        let message = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        client.send(format!("{message}\n"));
        let answer: Value = serde_json::from_str(&client.answer()).unwrap();
        assert_eq!(answer["id"], id);
        answer
    };
    ask(
        "initialize",
        &json!({ "project_root": project, "bm25": true }),
    );
    let places: Vec<usize> = (from..=end)
        .filter(|at| file.is_char_boundary(*at))
        .collect();
    let there = places
        .iter()
        .step_by(3)
        .chain(places.iter().rev().step_by(7));
    let mut contexts: BTreeMap<usize, Value> = BTreeMap::new();
    let (mut last, mut begun) = (String::new(), None);
    let (mut kept, mut asked) = (0, 0);
    for &at in there {
        let content = [&file[..at], &file[end..]].concat();
        let mut params = json!({
            "filepath": path,
            "content": content,
            "cursor_offset": at,
            "max_chars": 1500,
            "session": "a",
        });
        let answer = ask("getContext", &params)["result"].take();
        let start = answer["start_offset"].as_u64().unwrap();
        assert_eq!(*begun.get_or_insert(start), start, "{at}: one course");
        assert!(start <= from as u64, "{start}, {from}");
        let context = answer["context"].clone();
        assert_eq!(contexts.entry(at).or_insert(context.clone()), &context);
        params.as_object_mut().unwrap().remove("session");
        params["start_offset"] = start.into();
        assert_eq!(
            ask("getContext", &params)["result"]["context"],
            context,
            "{at}"
        );
        let context = context.as_str().unwrap();
        kept += usize::from(context.starts_with(&last) || last.starts_with(context));
        asked += 1;
        context.clone_into(&mut last);
    }
    assert!(kept * 10 > asked * 7, "{kept} of {asked}");
    let wrong = ask(
        "getContext",
        &json!({
            "filepath": path, "content": file, "session": "a", "start_offset": 1,
        }),
    );
    assert_eq!(wrong["error"]["code"], -32602, "{wrong}");
}
