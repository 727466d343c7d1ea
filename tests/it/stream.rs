//! Datasets of many projects: folders, lists of folders, and files of rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn fimd(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fimd"))
        .args(["--no-cache", "generate"])
        .args(args)
        .env("RUST_LOG", "warn")
        .output()
        .unwrap()
}

/// Generates into `output` and returns the log. The run must succeed.
fn generate(output: &Path, args: &[&str]) -> String {
    let run = fimd(&[args, &["--output", text(output)]].concat());
    let log = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.success(), "{log}");
    log
}

/// The error of a run, which must fail.
fn failure(output: &Path, args: &[&str]) -> String {
    let run = fimd(&[args, &["--output", text(output)]].concat());
    let log = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(1), "{log}");
    assert!(!output.exists());
    log
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The files of a project `name`, whose classes call each other.
fn files(name: &str, count: usize) -> Vec<(String, String)> {
    (0..count)
        .map(|n| {
            let other = (n + 1) % count;
            let methods: String = (0..4)
                .map(|m| format!("    /** W\u{e4}hrung. */\n    public function {name}{n}x{m}(Class{other} $other, int $amount): int\n    {{\n        if ($amount > {m}) {{\n            return $other->{name}{other}x{m}($this->next(), $amount - {n});\n        }}\n        return $amount * {m} + {n};\n    }}\n"))
                .collect();
            let text = format!("<?php\n\nnamespace {name};\n\nclass Class{n}\n{{\n{methods}}}\n");
            (format!("src/Class{n}.php"), text)
        })
        .collect()
}

fn write(root: &Path, files: &[(String, String)]) {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Two projects of the same name in different folders, `one/app` and `two/app`.
fn projects(temp: &Path) -> [PathBuf; 2] {
    ["one", "two"].map(|name| {
        let root = temp.join(name).join("app");
        write(&root, &files(name, 5));
        root
    })
}

fn row(repo: &str, path: &str, content: &str) -> Value {
    json!({"repo": repo, "path": path, "content": content})
}

fn rows(repo: &str, count: usize) -> Vec<Value> {
    files(repo, count)
        .iter()
        .map(|(path, text)| row(repo, path, text))
        .collect()
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

fn records(output: &Path) -> Vec<Value> {
    ["train.jsonl", "val.jsonl"]
        .iter()
        .flat_map(|name| {
            let text = fs::read_to_string(output.join(name)).unwrap();
            let parse = |line: &str| serde_json::from_str(line).unwrap();
            text.lines().map(parse).collect::<Vec<_>>()
        })
        .collect()
}

fn metadata(output: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(output.join("metadata.json")).unwrap()).unwrap()
}

fn files_of(output: &Path) -> Vec<Vec<u8>> {
    ["train.jsonl", "val.jsonl", "metadata.json"]
        .map(|name| fs::read(output.join(name)).unwrap())
        .into()
}

/// The records of each repository, without its name, as sorted lines.
fn by_repo(output: &Path) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mut record in records(output) {
        let repo = record.as_object_mut().unwrap().remove("repo");
        let repo = repo.map_or_else(String::new, |repo| repo.as_str().unwrap().to_owned());
        all.entry(repo).or_default().push(record.to_string());
    }
    all.values_mut().for_each(|lines| lines.sort());
    all
}

/// These runs have no validation split, because decontamination depends on all
/// projects.
const CONTEXT: [&str; 4] = ["--cross-file-context", "--bm25-context", "--val-split", "0"];

#[test]
fn projects_give_together_what_they_give_alone_however_they_are_named() {
    let temp = tempfile::tempdir().unwrap();
    let roots = projects(temp.path());
    let [one, two] = [0, 1].map(|n| text(&roots[n]));
    let output = |name: &str| temp.path().join(name);
    let alone = [(one, "alone-1"), (two, "alone-2")].map(|(root, name)| {
        generate(&output(name), &[&[root], &CONTEXT[..]].concat());
        by_repo(&output(name)).remove("").unwrap()
    });
    assert!(alone.iter().all(|records| records.len() > 5));

    generate(&output("both"), &[&[one, two, one], &CONTEXT[..]].concat());
    let [app, app_2] = ["app", "app-2"].map(str::to_owned);
    let expected = BTreeMap::from([(app, alone[0].clone()), (app_2, alone[1].clone())]);
    assert_eq!(by_repo(&output("both")), expected);
    let told = &metadata(&output("both"))["projects"];
    assert_eq!(told.as_array().unwrap().len(), 2);
    assert_eq!(told[1]["name"], "app-2");
    assert_eq!(told[1]["examples"], alone[1].len());
    assert_eq!(told[1]["files_used"], 5);

    let list = temp.path().join("projects.txt");
    fs::write(&list, format!("# projects\n\n  {one}\n{two} \n")).unwrap();
    generate(
        &output("list"),
        &[&["--projects", text(&list)], &CONTEXT[..]].concat(),
    );
    assert_eq!(files_of(&output("list")), files_of(&output("both")));

    let mut piped = Command::new(env!("CARGO_BIN_EXE_fimd"))
        .args(["--no-cache", "generate", one, "--projects", "-", "--output"])
        .arg(output("piped"))
        .args(CONTEXT)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(piped.stdin.take().unwrap(), "{two}").unwrap();
    assert!(piped.wait().unwrap().success());
    assert_eq!(files_of(&output("piped")), files_of(&output("both")));
}

#[test]
fn rows_give_what_folders_give_in_every_form_and_order() {
    let temp = tempfile::tempdir().unwrap();
    let roots = projects(temp.path());
    let output = |name: &str| temp.path().join(name);
    let alone: Vec<_> = ["one", "two"]
        .iter()
        .zip(&roots)
        .map(|(name, root)| {
            generate(
                &output(name).join("data"),
                &[&[text(root)], &CONTEXT[..]].concat(),
            );
            by_repo(&output(name).join("data")).remove("").unwrap()
        })
        .collect();
    let (mut first, mut second) = (rows("one", 5), rows("two", 5));
    first.reverse();
    let forwards = temp.path().join("forwards.jsonl");
    fs::write(&forwards, lines(&[&first[..], &second].concat())).unwrap();
    second.rotate_left(2);
    let backwards = temp.path().join("backwards.jsonl.zst");
    let text_of = lines(&[&second[..], &first].concat());
    fs::write(&backwards, zstd::encode_all(text_of.as_bytes(), 3).unwrap()).unwrap();
    // Two files; both have rows of one repository.
    let parts = ["part-1.jsonl", "part-2.jsonl"].map(|name| temp.path().join(name));
    fs::write(&parts[0], lines(&[&first[..], &second[..2]].concat())).unwrap();
    fs::write(&parts[1], lines(&second[2..])).unwrap();

    let expected = BTreeMap::from([
        ("one".to_owned(), alone[0].clone()),
        ("two".to_owned(), alone[1].clone()),
    ]);
    for inputs in [&[forwards][..], &[backwards], &parts] {
        let named = inputs.iter().flat_map(|path| ["--input", text(path)]);
        let args: Vec<_> = named.chain(CONTEXT).collect();
        let data = output("rows");
        generate(&data, &args);
        assert_eq!(by_repo(&data), expected, "{inputs:?}");
    }
}

#[test]
fn duplicates_across_projects_are_left_out_and_the_split_spans_all() {
    let temp = tempfile::tempdir().unwrap();
    let input = temp.path().join("rows.jsonl");
    let mut all = Vec::new();
    for n in 0..10 {
        all.extend(rows(&format!("r{n}"), 4));
        all.push(row(
            &format!("r{n}"),
            "src/Copied.php",
            &files("copied", 1)[0].1,
        ));
    }
    fs::write(&input, lines(&all)).unwrap();
    let output = temp.path().join("data");
    let rejects = temp.path().join("rejects.jsonl");
    let split = ["--input", text(&input), "--val-split", "0.2"];
    generate(
        &output,
        &[&split[..], &["--rejects", text(&rejects)]].concat(),
    );
    let first: Value = serde_json::from_str(
        fs::read_to_string(&rejects)
            .unwrap()
            .lines()
            .next()
            .unwrap(),
    )
    .unwrap();
    assert_eq!(
        (&first["repo"], &first["filepath"], &first["duplicate_of"]),
        (
            &json!("r1"),
            &json!("src/Copied.php"),
            &json!("r0:src/Copied.php")
        )
    );
    let told = metadata(&output);
    let copies = &told["files_skipped"]["same text as another file"];
    assert_eq!(copies["count"], 9);
    assert_eq!(copies["files"][0], "r1:src/Copied.php");
    let copied = records(&output);
    let copied = copied.iter().filter(|r| r["filepath"] == "src/Copied.php");
    assert!(
        copied
            .map(|r| r["repo"].as_str().unwrap())
            .all(|repo| repo == "r0")
    );
    let key = |r: &Value| format!("{}:{}", r["repo"], r["filepath"]);
    let keys = |name: &str| -> Vec<String> {
        let text = fs::read_to_string(output.join(name)).unwrap();
        let parse = |line| serde_json::from_str::<Value>(line).unwrap();
        text.lines().map(parse).map(|r| key(&r)).collect()
    };
    let train = keys("train.jsonl");
    assert!(keys("val.jsonl").iter().all(|key| !train.contains(key)));
    // These classes are so alike that decontamination removes most of what was drawn,
    // so more files are held out than the 8 that were asked for.
    let refused = fs::read_to_string(&rejects).unwrap();
    let refused = refused
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let seen = refused.filter(|r: &Value| r["reason"] == "seen_in_training");
    let mut drawn: BTreeSet<_> = seen.map(|r| key(&r)).collect();
    drawn.extend(keys("val.jsonl"));
    assert!((8..=24).contains(&drawn.len()), "{drawn:?}");
    assert!(drawn.iter().all(|key| !train.contains(key)));

    // Copies that stay are all in the same split.
    let mut kept = 0;
    for seed in ["1", "2", "3"] {
        let more = ["--dedup", "off", "--seed", seed];
        generate(&output, &[&split[..], &more].concat());
        let copies = |name| {
            let keys = keys(name).into_iter();
            keys.filter(|key| key.contains("Copied")).count()
        };
        let (train, val) = (copies("train.jsonl"), copies("val.jsonl"));
        kept += train + val;
        assert!(train == 0 || val == 0, "{train} {val}");
    }
    assert!(kept > 1);
}

#[test]
fn bad_rows_are_told_and_cost_nothing_else() {
    let temp = tempfile::tempdir().unwrap();
    let good = temp.path().join("good.jsonl");
    fs::write(&good, lines(&rows("r", 5))).unwrap();
    generate(&temp.path().join("good"), &["--input", text(&good)]);

    let bad = temp.path().join("bad.jsonl");
    let mut bytes = lines(&rows("r", 5)[..3]).into_bytes();
    let latin = &files("latin", 1)[0].1;
    bytes.extend(b"{\"repo\":\"r\",\"path\":\"src/Latin.php\",\"content\":\"<?php // \xe4\"}\n");
    bytes.extend(b"{\"repo\":\"r\",\"path\":\"src/None.php\"}\nnonsense\n");
    let large = format!("<?php // {}", "x".repeat(1 << 20));
    let others = [
        row("r", "/etc/a.php", latin),
        row("r", "../a.php", latin),
        row("r", "vendor/x/a.php", latin),
        row("r", "vendor/y/b.php", latin),
        row("r", "src/Large.php", &large),
        row("r", "src/Class0.php", latin),
        row("r", "README.md", "text"),
        json!({"repo": ["r"], "path": "a.php", "content": ""}),
    ];
    bytes.extend(lines(&others).into_bytes());
    bytes.extend(lines(&rows("r", 5)[3..]).into_bytes());
    fs::write(&bad, bytes).unwrap();
    let output = temp.path().join("bad");
    let log = generate(&output, &["--input", text(&bad)]);
    assert!(log.contains("bad.jsonl:5: row without `content`"), "{log}");
    assert_eq!(by_repo(&output), by_repo(&temp.path().join("good")));
    let skipped = &metadata(&output)["files_skipped"];
    for (reason, files) in [
        ("not UTF-8", vec!["r:src/Latin.php"]),
        ("row without `content`", vec!["bad.jsonl:5"]),
        ("row is no JSON object: expected ident", vec!["bad.jsonl:6"]),
        ("row whose `repo` is no text", vec!["bad.jsonl:14"]),
        ("not a relative path", vec!["r:../a.php", "r:/etc/a.php"]),
        ("default: vendor/", vec!["r:vendor/"]),
        (
            "1048585 bytes, more than the 1048576 of max_file_bytes",
            vec!["r:src/Large.php"],
        ),
        ("same path as an earlier row", vec!["r:src/Class0.php"]),
    ] {
        assert_eq!(
            skipped[reason]["files"],
            json!(files),
            "{reason}: {skipped}"
        );
    }
}

#[test]
fn inputs_that_make_no_sense_are_refused_in_one_line_that_says_what_to_do() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("a");
    write(&root, &files("a", 2));
    let path = |name: &str| temp.path().join(name);
    let apart = [rows("a/b", 2), rows("c", 2), rows("a/b", 1)].concat();
    fs::write(path("apart.jsonl"), lines(&apart)).unwrap();
    fs::write(path("named.jsonl"), lines(&rows("a", 2))).unwrap();
    fs::write(path("rows.csv"), "").unwrap();
    let whole = zstd::encode_all(lines(&rows("a", 9)).as_bytes(), 3).unwrap();
    fs::write(path("cut.jsonl.zst"), &whole[..whole.len() / 2]).unwrap();
    fs::write(path("no.parquet"), "PAR1").unwrap();
    let output = path("data");
    for (name, named) in [
        (
            "apart.jsonl",
            "apart.jsonl:5: the repository \"a/b\" has come before; sort",
        ),
        ("named.jsonl", "give no project its name"),
        ("rows.csv", ".jsonl.zst or .parquet"),
        ("cut.jsonl.zst", "after line"),
        ("no.parquet", "no.parquet: "),
        ("missing.jsonl", "No such file"),
    ] {
        let said = failure(&output, &[text(&root), "--input", text(&path(name))]);
        assert!(said.contains(named), "{name}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let missing = failure(&output, &[text(&root), text(&path("nowhere"))]);
    assert!(missing.contains("nowhere"), "{missing}");
    let named = [
        "--input",
        text(&path("named.jsonl")),
        "--include-path",
        text(&root),
    ]
    .map(str::to_owned);
    let said = failure(&output, &named.each_ref().map(String::as_str));
    assert!(said.contains("include path"), "{said}");
    fs::write(path("empty"), "# none\n").unwrap();
    let said = failure(&output, &["--projects", text(&path("empty"))]);
    assert!(said.contains("no project"), "{said}");
    let preview = fimd(&[text(&root), text(temp.path()), "--preview", "1"]);
    assert_eq!(preview.status.code(), Some(2));
}

#[test]
fn a_repository_above_a_limit_is_left_out_alone() {
    let temp = tempfile::tempdir().unwrap();
    let settings = temp.path().join("settings.toml");
    fs::write(&settings, "[limits]\nmax_files = 5\n").unwrap();
    let input = temp.path().join("rows.jsonl");
    fs::write(
        &input,
        lines(&[rows("large", 8), rows("small", 5)].concat()),
    )
    .unwrap();
    let output = temp.path().join("data");
    let run = Command::new(env!("CARGO_BIN_EXE_fimd"))
        .arg("--settings")
        .arg(&settings)
        .args([
            "generate",
            "--input",
            text(&input),
            "--output",
            text(&output),
        ])
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert_eq!(by_repo(&output).into_keys().collect::<Vec<_>>(), ["small"]);
    let skipped = &metadata(&output)["files_skipped"];
    assert_eq!(
        skipped["more PHP files than the 5 of max_files"]["files"],
        json!(["large:./"])
    );
}

#[test]
fn provenance_is_that_of_the_folder_or_of_the_row() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("app");
    write(&root, &files("app", 3));
    let commit = "0123456789abcdef0123456789abcdef01234567";
    fs::create_dir(root.join(".git")).unwrap();
    fs::write(root.join(".git/HEAD"), commit).unwrap();
    fs::write(root.join("composer.json"), r#"{"license": "MIT"}"#).unwrap();
    let input = temp.path().join("rows.jsonl");
    let mut of_row = rows("r", 2);
    of_row[0]["license"] = json!(["ISC", "MIT"]);
    of_row[0]["commit"] = json!("abc");
    fs::write(&input, lines(&of_row)).unwrap();
    let output = temp.path().join("data");
    let args = [text(&root), "--input", text(&input)];
    generate(&output, &[&args[..], &["--provenance"]].concat());
    for record in records(&output) {
        let (repo, path) = (&record["repo"], record["filepath"].as_str().unwrap());
        let count = if repo == "app" { 3 } else { 2 };
        let all = files(repo.as_str().unwrap(), count);
        let (_, text) = all.iter().find(|(key, _)| key == path).unwrap();
        let hash = blake3::hash(text.as_bytes()).to_hex().to_string();
        assert_eq!(record["content_hash"], hash);
        let (license, commit) = match (repo.as_str().unwrap(), path) {
            ("app", _) => (json!("MIT"), json!(commit)),
            ("r", "src/Class0.php") => (json!("ISC OR MIT"), json!("abc")),
            _ => (Value::Null, Value::Null),
        };
        assert_eq!((&record["license"], &record["commit"]), (&license, &commit));
    }
    generate(&output, &args);
    let plain = records(&output);
    assert!(
        plain
            .iter()
            .all(|r| r.get("content_hash").is_none() && r.get("commit").is_none())
    );
}

#[cfg(feature = "parquet")]
mod parquet {
    use std::sync::Arc;

    use ::parquet::basic::Compression;
    use ::parquet::data_type::{ByteArray, ByteArrayType};
    use ::parquet::file::properties::WriterProperties;
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::parser::parse_message_type;

    use fimd::files::{FilesError, Repositories, WalkOptions};

    use super::*;

    type Cell = Option<Vec<u8>>;

    fn cell(value: &Value) -> Cell {
        value.as_str().map(|text| text.as_bytes().to_vec())
    }

    /// Writes `groups` of rows. The cells are in the order of the schema's
    /// columns, all of which are optional except the first.
    fn write_table(path: &Path, schema: &str, groups: &[Vec<Vec<Cell>>]) {
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        let file = fs::File::create(path).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
        for rows in groups {
            let mut group = writer.next_row_group().unwrap();
            let mut at = 0;
            while let Some(mut column) = group.next_column().unwrap() {
                let cells: Vec<_> = rows.iter().map(|row| row[at].clone()).collect();
                let levels: Vec<_> = cells.iter().map(|c| i16::from(c.is_some())).collect();
                let values: Vec<_> = cells.into_iter().flatten().map(ByteArray::from).collect();
                let levels = (at > 0).then_some(&levels[..]);
                let typed = column.typed::<ByteArrayType>();
                typed.write_batch(&values, levels, None).unwrap();
                column.close().unwrap();
                at += 1;
            }
            group.close().unwrap();
        }
        writer.close().unwrap();
    }

    const SCHEMA: &str = "message rows {
        required binary repo (UTF8); optional binary size (UTF8); optional binary path (UTF8);
        optional binary content (UTF8); optional binary commit (UTF8); }";

    fn cells(row: &Value) -> Vec<Cell> {
        ["repo", "size", "path", "content", "commit"]
            .map(|column| cell(&row[column]))
            .into()
    }

    #[test]
    fn a_table_gives_what_lines_give() {
        let temp = tempfile::tempdir().unwrap();
        let mut all = [rows("one", 90), rows("two", 5)].concat();
        for row in all.iter_mut().step_by(3) {
            row["commit"] = json!("abc");
        }
        let as_lines = temp.path().join("rows.jsonl");
        fs::write(&as_lines, lines(&all)).unwrap();
        let as_table = temp.path().join("rows.parquet");
        let mut groups: Vec<Vec<_>> = vec![Vec::new(), Vec::new()];
        for (at, row) in all.iter().enumerate() {
            groups[usize::from(at > 71)].push(cells(row));
        }
        // One row has no path, and one is not UTF-8.
        groups[1].push(vec![Some("two".into()), None, None, Some("x".into()), None]);
        let mut latin = cells(&row("two", "src/Latin.php", ""));
        latin[3] = Some(b"<?php // \xe4".to_vec());
        groups[1].push(latin);
        write_table(&as_table, SCHEMA, &groups);
        let outputs = ["lines", "table"].map(|name| temp.path().join(name));
        for (input, output) in [as_lines, as_table].iter().zip(&outputs) {
            generate(output, &["--input", text(input), "--provenance"]);
        }
        assert_eq!(files_of(&outputs[0])[..2], files_of(&outputs[1])[..2]);
        let skipped = &metadata(&outputs[1])["files_skipped"];
        assert_eq!(
            skipped["row without `path`"]["files"],
            json!(["rows.parquet:96"])
        );
        assert_eq!(skipped["not UTF-8"]["files"], json!(["two:src/Latin.php"]));
    }

    #[test]
    fn columns_of_the_wrong_kind_are_named() {
        let temp = tempfile::tempdir().unwrap();
        let input = temp.path().join("rows.parquet");
        let output = temp.path().join("data");
        for (columns, said) in [
            (
                "required binary repo; required binary path;",
                "no column `content` among repo, path",
            ),
            (
                "required binary repo; required group path { required binary name; } required binary content;",
                "column `path` is nested; expected text",
            ),
            (
                "required binary repo; required binary path; required int32 content;",
                "column `content` is of type INT32; expected text",
            ),
            (
                "required binary repo; required binary path; required binary content; repeated binary license;",
                "column `license` is nested",
            ),
        ] {
            write_table(&input, &format!("message rows {{ {columns} }}"), &[]);
            let found = failure(&output, &["--input", text(&input)]);
            assert!(found.contains(said), "{found}");
        }
    }

    /// The library panics on some of these.
    #[test]
    fn a_corrupt_table_is_an_error_that_names_the_file() {
        let temp = tempfile::tempdir().unwrap();
        let input = temp.path().join("rows.parquet");
        let groups: Vec<Vec<_>> = vec![rows("r", 2).iter().map(cells).collect()];
        write_table(&input, SCHEMA, &groups);
        let whole = fs::read(&input).unwrap();
        let mut panics = 0;
        for at in 0..whole.len() {
            for value in [0x01, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                fs::write(&input, bytes).unwrap();
                let inputs = [input.clone()];
                let read = Repositories::open(&inputs, WalkOptions::default(), [])
                    .and_then(|mut all| while_some(|| all.next(&|| Ok(()))));
                if let Err(FilesError(said)) = read {
                    assert!(said.contains("rows.parquet"), "{said}");
                    panics += usize::from(said.contains("the file is corrupt: its reader failed"));
                }
            }
        }
        assert!(panics > 0);
    }

    /// Calls `next` to its end.
    fn while_some<T>(
        mut next: impl FnMut() -> Result<Option<T>, FilesError>,
    ) -> Result<(), FilesError> {
        while next()?.is_some() {}
        Ok(())
    }

    #[test]
    fn a_table_that_is_cut_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let input = temp.path().join("rows.parquet");
        let groups: Vec<Vec<_>> = vec![rows("r", 5).iter().map(cells).collect()];
        write_table(&input, SCHEMA, &groups);
        let whole = fs::read(&input).unwrap();
        let mut damaged = whole.clone();
        damaged[whole.len() / 3..whole.len() / 2].fill(0xff);
        for bytes in [&whole[..whole.len() - 9], &damaged] {
            fs::write(&input, bytes).unwrap();
            let said = failure(&temp.path().join("data"), &["--input", text(&input)]);
            assert!(said.contains("rows.parquet"), "{said}");
        }
    }
}
