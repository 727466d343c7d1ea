//! `fimd generate --git`: holes at what commits added, on real git repositories.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::common::{self, Client, files_of};

/// What no dataset may hold of a repository's authors.
const AUTHOR: &str = "Quentin Zephyr";
const MAIL: &str = "quentin@zephyr.example";
const MESSAGE: &str = "Xylophone of the message";

const THINGS: [&str; 8] = [
    "Invoice", "Basket", "Parcel", "Voucher", "Ledger", "Courier", "Pallet", "Receipt",
];
const VERBS: [&str; 5] = ["weigh", "settle", "reserve", "dispatch", "audit"];

/// A git repository in a folder of its own.
struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    fn new() -> Self {
        let repository = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(repository.root()).unwrap();
        repository.git(&["init", "-q", "-b", "main"]);
        repository
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    fn output(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn git(&self, args: &[&str]) -> String {
        let run = Command::new("git")
            .arg("-C")
            .arg(self.root())
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", AUTHOR)
            .env("GIT_AUTHOR_EMAIL", MAIL)
            .env("GIT_COMMITTER_NAME", AUTHOR)
            .env("GIT_COMMITTER_EMAIL", MAIL)
            // The ids of commits decide which holes are drawn.
            .env("GIT_AUTHOR_DATE", "2024-01-01T00:00:00Z")
            .env("GIT_COMMITTER_DATE", "2024-01-01T00:00:00Z")
            .output()
            .unwrap();
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        String::from_utf8(run.stdout).unwrap().trim_end().to_owned()
    }

    fn write(&self, key: &str, bytes: impl AsRef<[u8]>) {
        let path = self.root().join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn read(&self, key: &str) -> String {
        fs::read_to_string(self.root().join(key)).unwrap()
    }

    /// Replaces `from`, which the file has once, by `to`.
    fn edit(&self, key: &str, from: &str, to: &str) {
        let text = self.read(key);
        assert_eq!(text.matches(from).count(), 1, "{key}: {from}");
        self.write(key, text.replace(from, to));
    }

    /// Commits everything. Returns the commit's id.
    fn commit(&self) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", MESSAGE]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// The text of the file `key` in `commit`.
    fn text(&self, commit: &str, key: &str) -> String {
        self.git(&["show", &format!("{commit}:{key}")]) + "\n"
    }
}

fn class(n: usize) -> String {
    let (thing, other) = (THINGS[n], THINGS[(n + 3) % THINGS.len()]);
    let lower = thing.to_lowercase();
    let methods: String = VERBS
        .iter()
        .map(|verb| {
            format!(
                "    /** {verb}s the {lower} of the {other}. */\n    public function {verb}{thing}({other} $near{other}, int ${lower}Limit): int\n    {{\n        if (${lower}Limit > $this->{verb}{thing}Count) {{\n            return $near{other}->{verb}{other}($this, ${lower}Limit - {n});\n        }}\n        return array_sum($this->{lower}{verb}Parts) * {n};\n    }}\n\n"
            )
        })
        .collect();
    format!("<?php\n\nnamespace App;\n\nclass {thing}\n{{\n{methods}}}\n")
}

/// The method that a commit adds to the class number `n` before the method `verb`.
fn method(n: usize, name: &str, verb: &str) -> (String, String) {
    let (thing, other) = (THINGS[n], THINGS[(n + 2) % THINGS.len()]);
    let lower = thing.to_lowercase();
    let before = format!("    /** {verb}s the {lower} ");
    let new = format!(
        "    public function {name}{thing}(array ${lower}Rows): array\n    {{\n        $found = array_filter(${lower}Rows, fn ($row) => $row->{name}{other}() > {n});\n        $this->{name}{thing}Count += count($found);\n        return array_values($found);\n    }}\n\n"
    );
    (before.clone(), new + &before)
}

fn key(n: usize) -> String {
    format!("src/{}.php", THINGS[n])
}

/// A repository in which commits add two methods to each class and change lines of
/// it, one class is renamed, and more happens that gives no example.
fn repository() -> Repository {
    let repository = Repository::new();
    let library = |more: &str| {
        let license = "/* Copyright (c) Acme. Released under the MIT license. Version 1.2 */";
        format!(
            "<?php\n{license}\nfunction acme_library_total($rows) {{\n    return count($rows);\n}}\n{more}"
        )
    };
    for n in 0..THINGS.len() {
        repository.write(&key(n), class(n));
    }
    for n in 0..25 {
        repository.write(
            &format!("lib/many{n}.php"),
            format!("<?php\nfunction many{n}() {{ return {n}; }}\n"),
        );
    }
    repository.write("vendor/acme/Lib.php", library(""));
    repository.write("src/image.php", b"<?php\n\xff\xfe\x00");
    repository.write("tests/InvoiceTest.php", class(0).replace("App", "Tests"));
    repository.commit();
    for (n, thing) in THINGS.iter().enumerate() {
        for (name, verb) in [("sort", "settle"), ("group", "audit")] {
            let (from, to) = method(n, name, verb);
            repository.edit(&key(n), &from, &to);
        }
        repository.edit(
            &key(n),
            &format!("return array_sum($this->{}reserveParts) * {n};", thing.to_lowercase()),
            &format!("$bonus = $this->bonusOf{thing}($this->reserve{thing}Count);\n        return array_sum($this->{}reserveParts) * {n} + $bonus;", thing.to_lowercase()),
        );
        repository.commit();
    }
    // What gives no example.
    for n in 0..25 {
        repository.edit(
            &format!("lib/many{n}.php"),
            "return",
            "$unwanted = compute_all_of_them();\n    return",
        );
    }
    repository.edit(
        &key(1),
        "namespace App;\n",
        "namespace App;\n\n$unwantedTop = 'Many files change here, this one too';\n",
    );
    repository.commit();
    repository.edit(
        &key(1),
        "$unwantedTop = 'Many files change here, this one too';\n",
        "",
    );
    repository.write(
        "vendor/acme/Lib.php",
        library("function unwanted_vendored($x) {\n    return $x->vendored();\n}\n"),
    );
    repository.write(
        "src/image.php",
        b"<?php\n\xff\xfe\x00 $unwanted = 'bytes that are no text at all';",
    );
    repository.edit(
        "tests/InvoiceTest.php",
        "namespace Tests;",
        "namespace Tests;\n\n$unwantedTest = new UnwantedTest(1, 2, 3, 4, 5);",
    );
    let spaced = repository.read(&key(2)).replace("    ", "\t");
    repository.write(&key(2), spaced);
    repository.commit();
    // A class is renamed, then changed under its new name.
    repository.git(&["mv", &key(3), "src/Renamed.php"]);
    repository.edit("src/Renamed.php", "class Voucher", "class Renamed");
    repository.commit();
    let (from, to) = method(3, "pair", "weigh");
    repository.edit("src/Renamed.php", &from, &to);
    repository.commit();
    // A merge, whose own change belongs to no single author.
    repository.git(&["checkout", "-q", "-b", "side"]);
    let (from, to) = method(4, "bundle", "weigh");
    repository.edit(&key(4), &from, &to);
    repository.commit();
    repository.git(&["checkout", "-q", "main"]);
    let (from, to) = method(5, "bundle", "weigh");
    repository.edit(&key(5), &from, &to);
    repository.commit();
    repository.git(&["merge", "-q", "--no-ff", "--no-commit", "side"]);
    repository.edit(
        &key(6),
        "namespace App;",
        "namespace App;\n\n$unwantedMerge = 'A merge adds this line alone';",
    );
    repository.commit();
    repository.edit(
        &key(6),
        "\n$unwantedMerge = 'A merge adds this line alone';\n",
        "",
    );
    repository.commit();
    repository
}

fn fimd(args: &[&str], threads: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fimd"))
        .args(["--no-cache"])
        .args(args)
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("RAYON_NUM_THREADS", threads)
        .env("RUST_LOG", "warn")
        .output()
        .unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn command(root: &Path, output: &Path, options: &[&str], threads: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fimd"));
    command
        .args([
            "--no-cache",
            "generate",
            text(root),
            "--output",
            text(output),
        ])
        .args(["--cross-file-context", "--bm25-context"])
        .args(options)
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("RAYON_NUM_THREADS", threads)
        .env("RUST_LOG", "warn");
    command
}

/// The batches in the journal of the unfinished run of `repository`.
fn batches(repository: &Repository) -> usize {
    let entries = fs::read_dir(repository.folder.path()).unwrap().flatten();
    let journals = entries.map(|entry| entry.path().join("journal"));
    let journal = journals.filter_map(|path| fs::read(path).ok()).next();
    let lines = journal.map_or(0, |text| text.iter().filter(|byte| **byte == b'\n').count());
    lines.saturating_sub(1)
}

/// Generates a dataset, which must succeed. Returns the log.
fn generate(root: &Path, output: &Path, options: &[&str], threads: &str) -> String {
    let run = command(root, output, options, threads).output().unwrap();
    let log = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.success(), "{log}");
    log
}

fn lines(output: &Path, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(output.join(name)).unwrap();
    let parse = |line: &str| serde_json::from_str(line).unwrap();
    text.lines().map(parse).collect()
}

fn examples(output: &Path) -> Vec<Value> {
    [lines(output, "train.jsonl"), lines(output, "val.jsonl")].concat()
}

fn metadata(output: &Path) -> Value {
    serde_json::from_slice(&fs::read(output.join("metadata.json")).unwrap()).unwrap()
}

fn str_of<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap()
}

fn is_of_commit(example: &&Value) -> bool {
    example["span_kind"] == "commit"
}

#[test]
fn holes_are_what_commits_added_and_nothing_tells_the_authors() {
    let repository = repository();
    let output = repository.output("data");
    let sizes = ["--max-total-chars", "40000", "--max-suffix-chars", "9000"];
    let whole = [
        "--git",
        "--provenance",
        "--dedup",
        "off",
        "--val-split",
        "0",
    ];
    let options = [&whole[..], &sizes].concat();
    generate(&repository.root(), &output, &options, "2");
    let all = examples(&output);
    let added: Vec<_> = all.iter().filter(is_of_commit).collect();
    assert!(added.len() >= 10, "{}", added.len());
    assert!(added.len() < all.len());
    assert_eq!(metadata(&output)["spans"]["commit"], added.len());
    assert_eq!(metadata(&output)["history"]["examples"], added.len());
    let mut places = BTreeSet::new();
    for example in &added {
        let middle = str_of(example, "middle");
        let (commit, path) = (
            str_of(example, "history_commit"),
            str_of(example, "history_path"),
        );
        let [old, new] = [
            repository.text(&format!("{commit}^"), path),
            repository.text(commit, path),
        ];
        assert!(new.contains(middle) && !old.contains(middle), "{middle}");
        assert!(!middle.contains("nwanted"), "{middle}");
        // It ends with its line.
        let suffix = str_of(example, "suffix");
        assert!(suffix.starts_with('\n'), "{middle:?}{suffix:?}");
        assert!(!middle.ends_with(char::is_whitespace));
        // Above the hole stands what the commit has there, and below it either that, or
        // what was there before.
        let (prefix, rest) = (str_of(example, "prefix"), suffix.trim_end());
        assert!(new.contains(&format!("{prefix}{middle}")), "{prefix}");
        let is_whole = new.contains(rest);
        assert!(
            is_whole || old.contains(rest) || middle_of_addition(rest, &old),
            "{rest}"
        );
        places.insert((example["history_places"].as_u64().unwrap(), is_whole));
        assert!(!str_of(example, "context").contains(middle));
    }
    // Some texts have all edits of their commit, and some have not those below the hole.
    assert!(places.contains(&(3, true)), "{places:?}");
    assert!(places.iter().any(|(places, _)| *places < 3), "{places:?}");
    for example in all.iter().filter(|example| !is_of_commit(example)) {
        assert!(example.get("history_commit").is_none());
    }
    for (name, bytes) in files_of(&output) {
        let text = String::from_utf8(bytes).unwrap();
        for hidden in [AUTHOR, MAIL, MESSAGE] {
            assert!(!text.contains(hidden), "{name}: {hidden}");
        }
    }
}

/// Whether `suffix` begins with the rest of an addition and goes on as `old` does.
fn middle_of_addition(suffix: &str, old: &str) -> bool {
    let starts = suffix.match_indices('\n').map(|(at, _)| at);
    let mut starts = starts.filter(|at| suffix.len() - at > 60);
    starts.any(|at| old.contains(&suffix[at..]))
}

#[test]
fn a_file_brings_its_history_to_its_side_of_the_split_under_its_new_name() {
    let repository = repository();
    let output = repository.output("data");
    // Which holes are drawn, and what training shows of them, is chance.
    let (mut paths, mut of_sides) = (BTreeSet::new(), [0, 0]);
    for seed in ["1", "2", "3", "4"] {
        let options = ["--git", "--val-split", "0.3", "--seed", seed];
        generate(&repository.root(), &output, &options, "2");
        let sides = ["train.jsonl", "val.jsonl"].map(|name| lines(&output, name));
        let [train, val] = sides
            .each_ref()
            .map(|all| -> BTreeSet<_> { all.iter().map(|e| str_of(e, "filepath")).collect() });
        assert!(train.is_disjoint(&val), "{train:?} {val:?}");
        for (count, all) in of_sides.iter_mut().zip(&sides) {
            *count += all.iter().filter(is_of_commit).count();
        }
        let all = sides.concat();
        let renamed = all.iter().filter(|e| e["filepath"] == "src/Renamed.php");
        paths.extend(renamed.filter_map(|e| Some(e.get("history_path")?.as_str()?.to_owned())));
    }
    assert!(of_sides.iter().all(|count| *count > 0), "{of_sides:?}");
    let both = ["src/Renamed.php", "src/Voucher.php"].map(str::to_owned);
    assert_eq!(paths, BTreeSet::from(both));
    let told = &metadata(&output);
    assert_eq!(told["history"]["shallow_clones"], 0);
    for reason in ["commit_of_many_files", "commit_of_white_space"] {
        assert!(
            told["rejections"][reason].as_u64() > Some(0),
            "{reason}: {told}"
        );
    }
    let verified = fimd(
        &[
            "verify",
            text(&output),
            "--project",
            text(&repository.root()),
            "--all",
            "--json",
        ],
        "2",
    );
    assert!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stdout)
    );
}

#[test]
fn a_context_is_what_the_server_answers_for_the_text_without_the_middle() {
    let repository = repository();
    let output = repository.output("data");
    generate(&repository.root(), &output, &["--git"], "2");
    let root = repository.root();
    let mut client = Client::start(&mut common::fimd());
    let mut ask = |id: usize, method: &str, params: Value| -> Value {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        client.send(format!("{request}\n"));
        serde_json::from_str(&client.answer()).unwrap()
    };
    ask(0, "initialize", json!({"project_root": root, "bm25": true}));
    let mut with_context = 0;
    for (id, example) in (1..).zip(examples(&output).iter().filter(is_of_commit)) {
        let (commit, path) = (
            str_of(example, "history_commit"),
            str_of(example, "history_path"),
        );
        let after = repository.text(commit, path);
        let at = |field: &str| usize::try_from(example[field].as_u64().unwrap()).unwrap();
        let (start, end) = (at("start_byte"), at("end_byte"));
        // A text with all edits of its commit applied is that of the commit.
        let edits = repository.git(&[
            "diff",
            "-U0",
            "-M",
            &format!("{commit}^"),
            commit,
            "--",
            path,
        ]);
        let places = edits.matches("\n@@ ").count();
        if example["history_places"] != places {
            continue;
        }
        assert_eq!(after.get(start..end), example["middle"].as_str());
        let answer = ask(
            id,
            "getContext",
            json!({
                "filepath": root.join(str_of(example, "filepath")),
                "content": format!("{}{}", &after[..start], &after[end..]),
                "cursor_offset": start,
                "max_chars": example["context_max_chars"],
                "start_offset": example["context_start"],
            }),
        );
        assert_eq!(answer["result"]["context"], example["context"], "{path}");
        with_context += usize::from(example["context"] != "");
    }
    assert!(with_context > 5, "{with_context}");
    assert_eq!(client.close().code, Some(0));
}

#[test]
fn threads_and_a_kill_change_no_byte() {
    let repository = repository();
    for n in 0..150 {
        let field = format!("class {}\n{{\n", THINGS[n % 3]);
        let rows = format!("    private array $rowsOfNumber{n} = [{n} => 'row', self::class];\n");
        repository.edit(&key(n % 3), &field, &format!("{field}{rows}"));
        repository.commit();
    }
    let [one, four, resumed] = ["one", "four", "resumed"].map(|name| repository.output(name));
    generate(&repository.root(), &one, &["--git"], "1");
    generate(&repository.root(), &four, &["--git=1000"], "4");
    assert_eq!(files_of(&one), files_of(&four));
    // A run that is killed among the versions goes on to the same bytes.
    let mut killed = 0;
    loop {
        let mut run = command(&repository.root(), &resumed, &["--git", "--resume"], "1");
        let mut run = run.spawn().unwrap();
        while run.try_wait().unwrap().is_none() && batches(&repository) < 3 {
            std::thread::yield_now();
        }
        if killed > 0 || run.try_wait().unwrap().is_some() {
            assert!(run.wait().unwrap().success());
            break;
        }
        run.kill().unwrap();
        run.wait().unwrap();
        killed += 1;
    }
    assert_eq!(killed, 1);
    assert_eq!(files_of(&one), files_of(&resumed));
    let other = repository.output("other");
    generate(&repository.root(), &other, &["--git=2"], "2");
    assert_eq!(metadata(&other)["history"]["commits"], 2);
    assert_ne!(
        files_of(&one)["train.jsonl"],
        files_of(&other)["train.jsonl"]
    );
}

#[test]
fn what_is_no_history_is_told_in_one_line() {
    let fails = |args: &[&str]| {
        let run = fimd(args, "1");
        let log = String::from_utf8(run.stderr).unwrap();
        assert!(!run.status.success(), "{log}");
        assert_eq!(log.trim_end().lines().count(), 1, "{log}");
        log
    };
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("project");
    let output = folder.path().join("data");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("a.php"), class(0)).unwrap();
    let generate_git = ["generate", text(&root), "--git", "--output", text(&output)];
    let log = fails(&generate_git);
    assert!(log.contains("in no git repository"), "{log}");
    let rows = folder.path().join("rows.jsonl");
    fs::write(
        &rows,
        "{\"repo\":\"r\",\"path\":\"a.php\",\"content\":\"<?php\"}\n",
    )
    .unwrap();
    let log = fails(&[
        "generate",
        "--input",
        text(&rows),
        "--git",
        "--output",
        text(&output),
    ]);
    assert!(log.contains("rows have none"), "{log}");
    let log = fails(&[
        "generate",
        text(&root),
        "--git=0",
        "--output",
        text(&output),
    ]);
    assert!(log.contains("at least 1"), "{log}");
    let log = fails(&["generate", text(&root), "--git", "--preview", "3"]);
    assert!(log.contains("--preview"), "{log}");

    let repository = Repository::new();
    repository.write("a.php", class(0));
    let log = fails(&[
        "generate",
        text(&repository.root()),
        "--git",
        "--output",
        text(&output),
    ]);
    assert!(log.contains("has no commit"), "{log}");
    repository.commit();
    let log = fails(&[
        "generate",
        text(&repository.root()),
        "--git",
        "--output",
        text(&output),
    ]);
    assert!(log.contains("no commit of its repository changes"), "{log}");
}

#[test]
fn a_shallow_clone_says_what_it_lacks() {
    let repository = repository();
    let clone = repository.folder.path().join("clone");
    let url = format!("file://{}", text(&repository.root()));
    repository.git(&["clone", "-q", "--depth", "12", &url, text(&clone)]);
    let output = repository.output("data");
    let log = generate(&clone, &output, &["--git"], "2");
    assert!(log.contains("git fetch --unshallow"), "{log}");
    let told = metadata(&output);
    assert_eq!(told["history"]["shallow_clones"], 1);
    assert!(told["history"]["commits"].as_u64() < Some(13), "{told}");
}

/// A change of an example, and what the breach says.
type Fault<'a> = (&'a dyn Fn(&mut Value), &'a str);

#[test]
fn verify_finds_an_example_of_another_commit() {
    let repository = repository();
    let output = repository.output("data");
    generate(&repository.root(), &output, &["--git"], "2");
    let whole = fs::read_to_string(output.join("train.jsonl")).unwrap();
    let verified = |change: &dyn Fn(&mut Value)| {
        let mut is_changed = false;
        let changed = whole.lines().map(|line| {
            let mut example: Value = serde_json::from_str(line).unwrap();
            if !is_changed && is_of_commit(&&example) && example["history_places"] == 3 {
                is_changed = true;
                change(&mut example);
            }
            format!("{example}\n")
        });
        let changed: String = changed.collect();
        assert!(is_changed);
        fs::write(output.join("train.jsonl"), changed).unwrap();
        let root = repository.root();
        let run = fimd(&["verify", text(&output), "--project", text(&root)], "2");
        (run.status.code(), String::from_utf8(run.stdout).unwrap())
    };
    assert_eq!(verified(&|_| ()).0, Some(0));
    let first = repository.git(&["rev-list", "--max-parents=0", "HEAD"]);
    let faults: [Fault<'_>; 5] = [
        (&|e| e["history_commit"] = json!(first), "found none"),
        (&|e| e["history_commit"] = json!("--all"), "found none"),
        (
            &|e| e["history_path"] = json!("src/Nowhere.php"),
            "found none",
        ),
        (&|e| e["history_places"] = json!(9), "history_places"),
        (
            &|e| {
                e["start_byte"] = json!(0);
                e["end_byte"] = json!(5);
            },
            "found it elsewhere",
        ),
    ];
    for (fault, found) in faults {
        let (code, said) = verified(fault);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(found), "{found}: {said}");
    }
}
