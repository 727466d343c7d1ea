//! `fimd generate`, run from the command line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn fimd(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fimd"))
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .args(args)
        .env("RUST_LOG", "error")
        .output()
        .unwrap()
}

fn shop() -> String {
    format!("{}/tests/fixtures/shop", env!("CARGO_MANIFEST_DIR"))
}

/// Generates into a new folder. The run must succeed.
fn generate(project: &str, output: &Path, more: &[&str]) {
    let mut args = vec!["generate", project, "--output", output.to_str().unwrap()];
    args.extend(more);
    let run = fimd(&args);
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(run.stdout.is_empty());
}

fn records(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn all_records(output: &Path) -> Vec<Value> {
    let mut all = records(&output.join("train.jsonl"));
    all.extend(records(&output.join("val.jsonl")));
    all
}

fn metadata(output: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(output.join("metadata.json")).unwrap()).unwrap()
}

fn bytes(output: &Path) -> Vec<Vec<u8>> {
    ["train.jsonl", "val.jsonl", "metadata.json"]
        .map(|name| fs::read(output.join(name)).unwrap())
        .into()
}

fn str_of<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap()
}

/// A project of `files` classes that call each other.
fn project(files: usize) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let src = root.path().join("src");
    fs::create_dir(&src).unwrap();
    for n in 0..files {
        let other = (n + 1) % files;
        let methods: String = (0..6)
            .map(|m| format!(
                "    /** W\u{e4}hrung {n}-{m}. */\n    public function total{n}x{m}(Class{other} $other, int $amount): int\n    {{\n        // Ask the other one \u{1F600}.\n        if ($amount > {m}) {{\n            return $other->total{other}x{m}($this->next(), $amount - {n});\n        }}\n        return $amount * {m} + {n};\n    }}\n"
            ))
            .collect();
        fs::write(
            src.join(format!("Class{n}.php")),
            format!("<?php\n\nnamespace App;\n\nclass Class{n}\n{{\n{methods}}}\n"),
        )
        .unwrap();
    }
    root
}

fn path(folder: &tempfile::TempDir) -> String {
    folder.path().to_str().unwrap().to_owned()
}

#[test]
fn the_shop_gives_a_dataset_whose_records_are_the_files_own_text() {
    let temp = tempfile::tempdir().unwrap();
    let output = temp.path().join("data");
    generate(
        &shop(),
        &output,
        &["--cross-file-context", "--bm25-context"],
    );
    let all = all_records(&output);
    assert!(!all.is_empty());
    for record in &all {
        let file = fs::read_to_string(Path::new(&shop()).join(str_of(record, "filepath"))).unwrap();
        let at = |field: &str| usize::try_from(record[field].as_u64().unwrap()).unwrap();
        let (start, end) = (at("start_byte"), at("end_byte"));
        // One file has other line breaks, which no example shows.
        let shown = |part: &str| part.replace('\r', "");
        assert!(shown(&file[..start]).ends_with(str_of(record, "prefix")));
        assert_eq!(shown(&file[start..end]), str_of(record, "middle"));
        assert!(shown(&file[end..]).starts_with(str_of(record, "suffix")));
        let chars: usize = ["context", "prefix", "middle", "suffix"]
            .iter()
            .map(|field| str_of(record, field).chars().count())
            .sum();
        assert!(chars <= 8192);
        assert!(str_of(record, "middle").lines().count() <= 30);
        assert!(file[start..end].chars().count() >= 3);
    }
    assert!(
        all.iter()
            .any(|record| !str_of(record, "context").is_empty())
    );
    assert_eq!(metadata(&output)["counts"]["examples"], all.len());
}

#[test]
fn a_record_has_every_field() {
    let root = project(3);
    let output = root.path().join("data");
    generate(&path(&root), &output, &[]);
    let mut fields: Vec<_> = all_records(&output)[0]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    fields.sort();
    insta::assert_json_snapshot!(fields, @r#"
    [
      "complexity_score",
      "context",
      "context_max_chars",
      "context_start",
      "end_byte",
      "file_complexity",
      "filepath",
      "format",
      "markers_neutralised",
      "middle",
      "middle_lines",
      "prefix",
      "redacted",
      "span_kind",
      "span_name",
      "start_byte",
      "suffix",
      "text"
    ]
    "#);
}

#[test]
fn equal_seeds_give_equal_bytes_whatever_the_threads() {
    let root = project(12);
    let temp = tempfile::tempdir().unwrap();
    let outputs: Vec<PathBuf> = ["1", "4", "other seed"]
        .iter()
        .map(|run| {
            let output = temp.path().join(run);
            let seed = if *run == "other seed" { "8" } else { "7" };
            let status = Command::new(env!("CARGO_BIN_EXE_fimd"))
                .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
                .args(["generate", &path(&root), "--seed", seed, "--output"])
                .arg(&output)
                .env("RAYON_NUM_THREADS", if *run == "1" { "1" } else { "4" })
                .output()
                .unwrap();
            assert!(status.status.success());
            output
        })
        .collect();
    assert_eq!(bytes(&outputs[0]), bytes(&outputs[1]));
    assert_ne!(bytes(&outputs[0])[0], bytes(&outputs[2])[0]);
}

#[test]
fn no_validation_file_is_in_training() {
    let root = project(20);
    let output = root.path().join("data");
    generate(&path(&root), &output, &["--val-split", "0.3"]);
    let files = |name: &str| {
        let mut files: Vec<_> = records(&output.join(name))
            .iter()
            .map(|record| str_of(record, "filepath").to_owned())
            .collect();
        files.sort();
        files.dedup();
        files
    };
    let (train, val) = (files("train.jsonl"), files("val.jsonl"));
    // More files validate than 6, because other files show some of their middles.
    assert!((6..15).contains(&val.len()), "{val:?}");
    let reached = metadata(&output)["split"]["reached"].as_f64().unwrap();
    assert!((0.2..0.4).contains(&reached), "{reached}");
    assert!(val.iter().all(|file| !train.contains(file)));
    assert_eq!(metadata(&output)["split"]["leaks"], false);
    generate(&path(&root), &output, &["--split-by", "example"]);
    assert_eq!(metadata(&output)["split"]["leaks"], true);
}

#[test]
fn the_curriculum_sorts_training_by_complexity() {
    let root = project(8);
    let output = root.path().join("data");
    generate(
        &path(&root),
        &output,
        &["--curriculum", "--curriculum-top-pct", "50"],
    );
    let scores: Vec<_> = records(&output.join("train.jsonl"))
        .iter()
        .map(|record| record["complexity_score"].as_f64().unwrap())
        .collect();
    assert!(scores.is_sorted_by(|a, b| a >= b));
    assert!(
        metadata(&output)["counts"]["cut_by_curriculum"]
            .as_u64()
            .unwrap()
            > 0
    );
}

#[test]
fn delegatesto_is_not_taken_for_a_test() {
    let root = project(4);
    let write = |name: &str, text: &str| {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "src/DelegatesTo.php",
        "<?php\nnamespace App;\nclass DelegatesTo { function f() { return new Class3(); } }\n",
    );
    write(
        "tests/Class1Test.php",
        "<?php\nnamespace App;\nclass Class1Test { function test() {} }\n",
    );
    write(
        "tests/AllTest.php",
        "<?php\nnamespace App;\nclass AllTest { function test() { return new Class2(); } }\n",
    );
    let output = root.path().join("data");
    generate(&path(&root), &output, &["--tested-only"]);
    let mut files: Vec<_> = all_records(&output)
        .iter()
        .map(|record| str_of(record, "filepath").to_owned())
        .collect();
    files.sort();
    files.dedup();
    assert_eq!(files, ["src/Class1.php", "src/Class2.php"]);
}

#[test]
fn only_the_asked_spans_are_cut() {
    let root = project(6);
    let output = root.path().join("data");
    generate(&path(&root), &output, &["--mix", "ast_node"]);
    assert!(
        all_records(&output)
            .iter()
            .all(|record| record["span_kind"] == "ast_node")
    );
    generate(&path(&root), &output, &["--no-ast-fim"]);
    assert!(
        all_records(&output)
            .iter()
            .all(|record| record["span_kind"] != "ast_node")
    );
}

#[test]
fn include_paths_and_files_that_are_not_utf_8_are_no_data() {
    let root = project(4);
    let library = project(2);
    let lossy = [
        b"<?php\n// \xe9\xe9\n".as_slice(),
        &fs::read(root.path().join("src/Class1.php")).unwrap()[6..],
    ]
    .concat();
    fs::write(root.path().join("src/Latin.php"), lossy).unwrap();
    let output = root.path().join("data");
    generate(&path(&root), &output, &["--include-path", &path(&library)]);
    let skipped = &metadata(&output)["files_skipped"];
    assert_eq!(
        skipped["not UTF-8"]["files"],
        serde_json::json!(["src/Latin.php"])
    );
    assert_eq!(skipped["only in an include path"]["count"], 2);
}

#[test]
fn a_preview_prints_the_middles_and_writes_nothing() {
    let root = project(4);
    let run = fimd(&["generate", &path(&root), "--preview", "3"]);
    assert!(run.status.success());
    let text = String::from_utf8(run.stdout).unwrap();
    assert_eq!(text.matches('\u{27e6}').count(), 3, "{text}");
    assert!(!text.contains('\u{1b}'));
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[test]
fn wrong_usage_is_one_line_and_exit_code_2() {
    let root = project(1);
    let project = path(&root);
    let table: [(&[&str], &str); 20] = [
        (&["--spm-rate", "1.5"], "--spm-rate"),
        (
            &["--base-model", "mellum", "--spm-rate", "0.5"],
            "--spm-rate",
        ),
        (
            &["--base-model", "glm-4.5", "--context-style", "repo"],
            "starcoder2",
        ),
        (&["--max-tokens", "0"], "--max-tokens"),
        (
            &["--tokenizer", "/nowhere/tokenizer.json"],
            "/nowhere/tokenizer.json",
        ),
        (&["--markers", "keep"], "--markers"),
        (&["--base-model", "gpt-5"], "qwen2.5-coder"),
        (&["--max-middle-lines", "0"], "--max-middle-lines"),
        (&["--max-middle-lines", "-3"], "-3"),
        (&["--max-total-chars", "11"], "--max-total-chars"),
        (&["--max-total-chars", "many"], "--max-total-chars"),
        (&["--val-split", "1.5"], "--val-split"),
        (&["--val-split", "nan"], "--val-split"),
        (&["--curriculum-top-pct", "0"], "--curriculum-top-pct"),
        (&["--curriculum-top-pct", "50"], "--curriculum"),
        (&["--mix", "nonsense"], "nonsense"),
        (&["--mix", "block=0"], "--mix"),
        (&["--unfinished", "2"], "--unfinished"),
        (&["--short-context=-1"], "--short-context"),
        (&["--preview", "0"], "--preview"),
    ];
    for (more, named) in table {
        let output = root.path().join("data");
        let mut args = vec!["generate", &project, "--output", output.to_str().unwrap()];
        args.extend(more);
        let run = fimd(&args);
        let stderr = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(2), "{more:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{more:?}: {stderr}");
        assert!(stderr.contains(named), "{more:?}: {stderr}");
        assert!(!output.exists());
    }
    let run = fimd(&["generate", &project]);
    assert_eq!(run.status.code(), Some(2));
}

#[test]
fn failures_are_one_line_and_exit_code_1_and_leave_nothing() {
    let root = project(2);
    let empty = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "mine").unwrap();
    let output = root.path().join("data");
    let output = output.to_str().unwrap();
    let missing = root.path().join("missing");
    for (project, output) in [
        (missing.to_str().unwrap(), output),
        (empty.path().to_str().unwrap(), output),
        (&path(&root), file.to_str().unwrap()),
        (&path(&root), &path(&root)),
        (&path(&root), "/proc/fimd-data"),
    ] {
        let run = fimd(&["generate", project, "--output", output]);
        let stderr = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(1), "{project} {output}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
}

#[test]
fn killing_a_run_leaves_the_old_dataset() {
    let root = project(60);
    let temp = tempfile::tempdir().unwrap();
    let output = temp.path().join("data");
    generate(&path(&root), &output, &[]);
    let seeds = [bytes(&output), {
        let other = temp.path().join("other");
        generate(&path(&root), &other, &["--seed", "2"]);
        bytes(&other)
    }];
    for delay in [1_u64, 5, 10, 20, 40, 60, 80, 120] {
        let mut run = Command::new(env!("CARGO_BIN_EXE_fimd"))
            .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
            .args(["generate", &path(&root), "--seed", "2", "--output"])
            .arg(&output)
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(delay));
        run.kill().unwrap();
        run.wait().unwrap();
        assert!(seeds.contains(&bytes(&output)), "after {delay} ms");
    }
    generate(&path(&root), &output, &[]);
    assert_eq!(bytes(&output), seeds[0]);
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 2, "leftovers");
}

#[test]
fn what_gave_no_example_is_told_by_reason() {
    let root = tempfile::tempdir().unwrap();
    let output = root.path().join("data");
    let output = output.to_str().unwrap();
    let folder = |name: &str, file: &str| {
        let file = root.path().join(name).join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "<?php echo 1;\n").unwrap();
        root.path().join(name).to_str().unwrap().to_owned()
    };
    let vendored = folder("vendored", "vendor/a.php");
    let short = folder("short", "a.php");
    let no_hole = "no example could be cut from 1 PHP file; left out: 1 (no hole fits); a lower \
                   --min-middle-chars allows shorter holes";
    for (args, said) in [
        (
            vec!["generate", &vendored, "--output", output],
            "no example could be cut from 0 PHP files; left out: 1 (default: vendor/); name a \
             project with PHP files: `fimd files --why DIR` lists them",
        ),
        (vec!["generate", &short, "--output", output], no_hole),
        (vec!["generate", &short, "--preview", "1"], no_hole),
    ] {
        let run = fimd(&args);
        assert_eq!(run.status.code(), Some(1));
        let stderr = String::from_utf8(run.stderr).unwrap();
        assert_eq!(stderr, format!("fimd: {said}\n"));
    }
    let run = fimd(&["generate", &shop(), "--output", "/proc/data"]);
    let stderr = String::from_utf8(run.stderr).unwrap();
    assert!(
        stderr.starts_with("fimd: cannot write into /proc: No such file"),
        "{stderr}"
    );
    assert!(stderr.ends_with("choose an --output in a folder that can be written\n"));
}

#[test]
fn an_input_that_is_not_there_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("data");
    for name in ["rows.jsonl", "rows.jsonl.zst", "rows.parquet"] {
        let input = folder.path().join(name);
        let input = input.to_str().unwrap();
        let args = ["generate", "--output", output.to_str().unwrap(), "--input"];
        let run = fimd(&[&args[..], &[input]].concat());
        assert_eq!(run.status.code(), Some(1));
        let said = String::from_utf8(run.stderr).unwrap();
        let expected =
            "No such file or directory (os error 2); name a file of rows that can be read";
        assert_eq!(said, format!("fimd: {input}: {expected}\n"));
    }
}

/// Shares of kinds come from the mix, also where files lack a kind and where holes give
/// no example.
#[test]
fn the_kinds_have_the_shares_of_the_mix() {
    let root = project(60);
    let bare = (0..20).map(|n| format!("$total{n} = max($total{n}, compute{n}(1, {n}));\n"));
    let bare = format!("<?php\n{}", bare.collect::<String>());
    fs::write(root.path().join("src/bare.php"), bare.repeat(4)).unwrap();
    let output = root.path().join("data");
    for mix in ["completion", "typing=50,block=30,doc-comment=20"] {
        generate(&path(&root), &output, &["--mix", mix, "--dedup", "off"]);
        let told = &metadata(&output)["mix"];
        let all = all_records(&output);
        for (kind, shares) in told.as_object().unwrap() {
            let [target, reached] =
                ["target", "reached"].map(|name| shares[name].as_f64().unwrap());
            assert!((target - reached).abs() < 0.02, "{mix} {kind}: {told}");
            let there = all.iter().filter(|record| record["span_kind"] == **kind);
            let share = there.count() as f64 / all.len() as f64;
            assert!((share - reached).abs() < 1e-9, "{kind}");
        }
    }
    assert_eq!(
        metadata(&output)["options"]["mix"],
        "typing=50,block=30,doc-comment=20"
    );
}

/// Nothing of what editors ask for ends inside a word, imports or HTML are none of it, and
/// half of it is of one line.
#[test]
fn middles_are_what_editors_ask_for() {
    let root = project(40);
    let write = |name: &str, text: &str| fs::write(root.path().join(name), text).unwrap();
    let html: String = (0..60)
        .map(|n| format!("<p class=\"a\">line {n}</p>\n<?= $name{n}->title() ?>\n"))
        .collect();
    write("src/view.php", &html);
    let imports: String = (0..60)
        .map(|n| format!("use App\\Very\\Long\\Namespace{n}\\Name{n};\n"))
        .collect();
    write(
        "src/Imports.php",
        &format!("<?php\n{imports}\nclass Imports {{}}\n"),
    );
    let output = root.path().join("data");
    generate(&path(&root), &output, &["--quality-filter"]);
    let all = all_records(&output);
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    for record in &all {
        let (middle, suffix) = (str_of(record, "middle"), str_of(record, "suffix"));
        assert!(
            !(middle.ends_with(is_word) && suffix.starts_with(is_word)),
            "{record}"
        );
        assert!(
            !middle.starts_with("<p") && !middle.starts_with("use App"),
            "{record}"
        );
    }
    let count = |is: fn(&str) -> bool| {
        all.iter()
            .filter(|record| is(str_of(record, "middle")))
            .count() as f64
            / all.len() as f64
    };
    assert!(count(|middle| !middle.contains('\n')) > 0.6);
    assert!(count(|middle| middle.chars().count() <= 80) > 0.6);
    assert!(
        all.iter()
            .any(|record| record["span_kind"] == "doc_comment")
    );
}

#[test]
fn tests_and_configuration_give_examples_on_request() {
    let root = project(6);
    let class = fs::read_to_string(root.path().join("src/Class1.php")).unwrap();
    for (number, name) in [
        "tests/A.php",
        "config/b.php",
        "routes/c.php",
        "database/migrations/d.php",
    ]
    .into_iter()
    .enumerate()
    {
        let file = root.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let own = class.replace("Class1", &format!("Own{number}"));
        let more = format!("function own{number}() {{ return strrev(md5('{name}')); }}\n");
        fs::write(file, own + &more.repeat(20)).unwrap();
    }
    let output = root.path().join("data");
    let folders = |more: &[&str]| {
        generate(&path(&root), &output, &[more, &["--dedup", "off"]].concat());
        let all = all_records(&output);
        let files = all.iter().map(|record| str_of(record, "filepath"));
        let mut folders: Vec<_> = files
            .map(|file| file.split('/').next().unwrap().to_owned())
            .collect();
        folders.sort();
        folders.dedup();
        folders
    };
    assert_eq!(folders(&[]), ["src"]);
    assert_eq!(folders(&["--include-tests"]), ["src", "tests"]);
    let more = [
        "--include-config",
        "--include-routes",
        "--include-migrations",
    ];
    assert_eq!(folders(&more), ["config", "database", "routes", "src"]);
    fs::write(root.path().join(".fimignore"), "!tests/\n!/config/*.php\n").unwrap();
    assert_eq!(folders(&[]), ["config", "src", "tests"]);
}

#[test]
fn some_contexts_are_short_and_some_buffers_unfinished() {
    let output = tempfile::tempdir().unwrap();
    let output = output.path().join("data");
    let more = [
        "--cross-file-context",
        "--short-context",
        "0.5",
        "--unfinished",
        "0.6",
    ];
    generate(
        &shop(),
        &output,
        &[&more[..], &["--dedup", "off", "--val-split", "0"]].concat(),
    );
    let all = all_records(&output);
    let budgets = |budget: u64| {
        let with = all
            .iter()
            .filter(|record| record["context_max_chars"] == budget);
        with.count() as f64 / all.len() as f64
    };
    assert!(budgets(4096) > 0.3 && budgets(1024) > 0.05 && budgets(0) > 0.05);
    assert!(all.iter().any(|record| record["buffer"].is_string()));
    for record in &all {
        let file = fs::read_to_string(Path::new(&shop()).join(str_of(record, "filepath"))).unwrap();
        let at = |field: &str| usize::try_from(record[field].as_u64().unwrap()).unwrap();
        // One file has other line breaks, which no example shows.
        let shown = |part: &str| part.replace('\r', "");
        let own_suffix = shown(&file[at("end_byte")..]).starts_with(str_of(record, "suffix"));
        let own_prefix = shown(&file[..at("start_byte")]).ends_with(str_of(record, "prefix"));
        if record["buffer"].is_null() {
            assert!(own_suffix && own_prefix);
        }
        assert!(str_of(record, "context").chars().count() <= at("context_max_chars"));
    }
}
