//! `fimd tags` of the real binary, against a model server whose answers the test
//! writes.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::common::model_server::ModelServer;
use crate::common::{Project, fimd};

/// Runs `fimd tags` in the test's own folder.
fn tags(folder: &Path, args: &[&str], input: &str) -> Output {
    let mut child = fimd()
        .env("XDG_STATE_HOME", folder.join("state"))
        .current_dir(folder)
        .arg("tags")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input is fine.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// The output of a command, which must succeed.
fn printed(folder: &Path, args: &[&str], input: &str) -> String {
    let run = tags(folder, args, input);
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.success(), "{args:?}: {said}");
    String::from_utf8(run.stdout).unwrap()
}

/// The error of a command, which must fail with one line.
fn refused(folder: &Path, args: &[&str], code: i32) -> String {
    let run = tags(folder, args, "");
    let said = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(code), "{args:?}: {said}");
    assert!(
        said.starts_with("fimd: ") && said.lines().count() == 1,
        "{said}"
    );
    said
}

fn texts(files: &[(&str, &str)]) -> Project {
    Project::new(files)
}

#[test]
fn parse_tells_every_tag() {
    let folder = texts(&[]);
    let text = "\u{e4} [[[ 9; temperature(\"0.5\"); stop('x', \"]]]\") ]]][[[PREFIX]]][[[suffix]]]\
                [[[(no)]]][[[{fontSize:\"9\"}]]][[[5;nope()]]][[1]]";
    let parsed: Value =
        serde_json::from_str(&printed(folder.path(), &["parse", "-"], text)).unwrap();
    let tags = parsed["tags"].as_array().unwrap();
    let kinds: Vec<_> = tags
        .iter()
        .map(|tag| tag["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["fim", "prefix", "suffix", "comment", "config", "invalid"]
    );
    assert_eq!(tags[0]["start"], 3);
    assert_eq!(tags[0]["max_tokens"], 9);
    assert_eq!(
        tags[0]["functions"],
        json!([{ "name": "temp", "args": ["0.5"] }, { "name": "stop", "args": ["x", "]]]"] }])
    );
    assert!(
        !tags[0]["notes"].as_array().unwrap().is_empty(),
        "extensions are told"
    );
    assert_eq!(
        (&tags[1]["hard"], &tags[2]["hard"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(tags[3]["body"], "no");
    assert_eq!(
        tags[4]["entries"],
        json!([{ "key": "fontSize", "value": "9" }])
    );
    assert_eq!(tags[5]["at"], 5);
    assert!(tags[5]["message"].as_str().unwrap().contains("nope"));
    let end = tags[5]["end"].as_u64().unwrap() as usize;
    assert_eq!(&text[end..], "[[1]]");
}

#[test]
fn check_shows_the_line_and_a_caret() {
    let folder = texts(&[
        ("bad.md", "fine [[[5]]]\n  [[[5;nope()]]] and\n"),
        (
            "good.md",
            "[[[99999]]]\n[[[{font:\"of another machine\"}]]]\n",
        ),
        ("range.md", "[[[{temperature:\"3\"; fontSize:\"12\"}]]]\n"),
    ]);
    let run = tags(folder.path(), &["check", "range.md"], "");
    assert_eq!(run.status.code(), Some(1));
    let said = String::from_utf8(run.stdout).unwrap();
    assert!(
        said.contains("temperature: expected a number from 0 to 2, found \"3\"")
            && said.contains("range.md:1:17"),
        "{said}"
    );
    let run = tags(folder.path(), &["check", "good.md", "bad.md"], "");
    assert_eq!(run.status.code(), Some(1));
    let said = String::from_utf8(run.stdout).unwrap();
    let mut lines = said.lines();
    let source = lines.find(|line| line.contains("[[[5;nope()]]] and"));
    let (source, caret) = (source.unwrap(), lines.next().unwrap());
    assert_eq!(caret.find('^'), source.find("nope"), "{said}");
    assert!(
        said.contains("bad.md:2:8") && said.contains("help: "),
        "{said}"
    );
    assert!(
        said.contains("warning: "),
        "a number that is clamped: {said}"
    );
    assert!(!said.contains('\u{1b}'), "no colour without a terminal");
    assert!(
        tags(folder.path(), &["check", "good.md"], "")
            .status
            .success()
    );
    let said = refused(folder.path(), &["check", "gone.md"], 1);
    assert!(said.contains("gone.md: No such file"), "{said}");
}

#[test]
fn prompt_tells_what_the_model_would_be_asked() {
    let folder = texts(&[(
        "a.md",
        "no[[[prefix]]]one[[[(no)]]] [[[7;stop(\"x\");chop(\"y\");temp(\"0.5\");append(\"!\")]]]two",
    )]);
    let prompt = |args: &[&str]| -> Value {
        let args = [&["prompt", "a.md"], args].concat();
        serde_json::from_str(&printed(folder.path(), &args, "")).unwrap()
    };
    let all = json!({
        "mode": "fim",
        "before": "one ",
        "after": "two",
        "prompt": "<|fim_prefix|>one <|fim_suffix|>two<|fim_middle|>",
        "max_tokens": 7,
        "temperature": 0.5,
        "top_p": null,
        "stops": [{ "pattern": "x", "keep": true }, { "pattern": "y", "keep": false }],
        "append": "!",
        "deletes": [{ "start": 2, "end": 14 }],
    });
    assert_eq!(prompt(&["--at", "40"]), all);
    assert_eq!(prompt(&["--at", "1:41"]), all);
    let infill = prompt(&["--at", "40", "--endpoint-kind", "infill"]);
    assert_eq!(infill["prompt"], Value::Null);
    let said = refused(folder.path(), &["prompt", "a.md", "--at", "0"], 1);
    assert!(said.starts_with("fimd: a.md: no tag at byte 0"), "{said}");
    let said = refused(folder.path(), &["prompt", "a.md", "--at", "1:2"], 1);
    let expected = "fimd: a.md: no tag at line 1, column 2;";
    assert!(said.starts_with(expected), "{said}");
    let said = refused(folder.path(), &["prompt", "a.md", "--at", "20"], 1);
    assert!(
        said.starts_with("fimd: a.md:1:18: this is a comment tag"),
        "{said}"
    );
}

#[test]
fn run_prints_the_text_of_one_tag_and_leaves_the_file() {
    let text = "a [[[5;append(\"!\")]]] b";
    let folder = texts(&[("a.md", text)]);
    let server = ModelServer::saying(&["hello", " there"]);
    let args = ["run", "a.md", "--at", "21", "--endpoint", &server.url];
    assert_eq!(printed(folder.path(), &args, ""), "hello there!");
    assert_eq!(
        fs::read_to_string(folder.path().join("a.md")).unwrap(),
        text
    );
    let log = printed(folder.path(), &["log", "--json"], "");
    let run: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(run["tag"], "[[[5;append(\"!\")]]]");
    assert_eq!(run["mode"], "fim");
    assert_eq!(
        run["window"],
        json!({"start": 0, "end": 23, "before": "a ", "after": " b"})
    );
    assert_eq!(run["answer"], "hello there!");
    let shown = printed(folder.path(), &["log"], "");
    assert!(
        shown.contains("hello there!") && shown.contains(" fim "),
        "{shown}"
    );
    // The log keeps the time in UTC, and the shell shows it in the user's time zone.
    let zone = |zone: &str| {
        let shown = fimd()
            .env("XDG_STATE_HOME", folder.path().join("state"))
            .env("TZ", zone)
            .args(["tags", "log"])
            .output()
            .unwrap();
        String::from_utf8(shown.stdout).unwrap()
    };
    let time = run["time"].as_str().unwrap();
    let seconds = format!("{} {}", &time[..10], &time[11..19]);
    assert!(zone("UTC").starts_with(&seconds), "{}", zone("UTC"));
    assert!(zone("UTC-0:30").contains(&time[16..19]));
    assert_ne!(zone("UTC-0:30"), zone("UTC"));
}

#[test]
fn an_error_of_the_model_server_says_where_the_setting_is() {
    let folder = texts(&[
        ("a.md", "[[[5]]]"),
        (
            "s.toml",
            "[endpoint]\nurl = 'http://127.0.0.1:1'\napi_key = 'sk-file'\n",
        ),
    ]);
    let run = |more: &[&str], key: &str| {
        let run = fimd()
            .env("XDG_STATE_HOME", folder.path().join("state"))
            .env("FIMD_API_KEY", key)
            .current_dir(folder.path())
            .args(["--settings", "s.toml", "tags", "run", "a.md", "--at", "1"])
            .args(more)
            .output()
            .unwrap();
        String::from_utf8(run.stderr).unwrap()
    };
    let said = run(&[], "");
    assert!(
        said.ends_with("start it, or change url under [endpoint] in s.toml\n"),
        "{said}"
    );
    let said = run(&["--endpoint", "http://127.0.0.1:1"], "");
    assert!(said.ends_with("start it, or change --endpoint\n"), "{said}");
    // The key of the file is for the file's server.
    let server = ModelServer::saying(&["text"]);
    run(&["--endpoint", &server.url], "");
    assert!(!server.asked().head.contains("sk-"));
    run(&["--endpoint", &server.url], "sk-env");
    assert!(server.asked().head.contains("Bearer sk-env"));
}

#[test]
fn all_runs_from_top_to_bottom_in_place_through_links_with_permissions_kept() {
    let folder = texts(&[(
        "real.md",
        "[[[prefix]]]1 [[[5]]] 2 [[[5;append(\"[[[6]]]\")]]] 3\n",
    )]);
    let (real, link) = (folder.path().join("real.md"), folder.path().join("link.md"));
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("real.md", &link).unwrap();
    let server = ModelServer::saying(&["w", "ord"]);
    let args = [
        "run",
        "link.md",
        "--all",
        "--in-place",
        "--endpoint",
        &server.url,
    ];
    assert_eq!(printed(folder.path(), &args, ""), "");
    assert!(link.is_symlink());
    let done = fs::read_to_string(&real).unwrap();
    assert_eq!(
        done, "1 word 2 word[[[6]]] 3\n",
        "what a run brings is not run itself"
    );
    assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    let (first, second) = (server.asked().body, server.asked().body);
    assert!(
        first["prompt"]
            .as_str()
            .unwrap()
            .starts_with("<|fim_prefix|>1 <|fim_suffix|> 2")
    );
    assert!(
        second["prompt"]
            .as_str()
            .unwrap()
            .starts_with("<|fim_prefix|>1 word 2 <|fim_suffix|>")
    );
}

#[test]
fn all_without_a_place_prints_the_whole_text() {
    let folder = texts(&[]);
    let server = ModelServer::saying(&["x"]);
    let args = ["run", "-", "--all", "--endpoint", &server.url];
    assert_eq!(
        printed(folder.path(), &args, "a [[[1]]] b [[[2]]]"),
        "a x b x"
    );
    assert_eq!(printed(folder.path(), &args, "none"), "none");
}

#[test]
fn running_a_config_tag_applies_it_and_says_so() {
    let text =
        "[[[{fontSize:\"20\"; temperature:\"0.5\"; bgColor:\"#14f\"}]]]\n[[[{fontSize:\"1\"}]]]\n";
    let folder = texts(&[("a.md", text), ("settings.toml", "# mine\n")]);
    let file = folder.path().join("settings.toml");
    let args = |at| ["run", "a.md", "--at", at, "--settings", "settings.toml"];
    let run = tags(folder.path(), &args("1:1"), "");
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.success() && run.stdout.is_empty(), "{said}");
    let changes = "bgColor = \"#14f\", fontSize = 20, temperature = 0.5";
    let expected = format!("fimd: applied {changes}; written to {}\n", file.display());
    assert_eq!(said, expected);
    let settings = fs::read_to_string(&file).unwrap();
    assert!(settings.starts_with("# mine\n") && settings.contains("font_size = 20"));
    let said = refused(folder.path(), &args("2:5"), 1);
    assert!(said.starts_with("fimd: a.md:2:14: fontSize: "), "{said}");
    assert_eq!(fs::read_to_string(&file).unwrap(), settings);
}

#[test]
fn a_position_past_the_end_is_told_how_long_the_file_is() {
    let folder = texts(&[("a.md", "one\n[[[5]]]\n[[[{fontSize:\"20\"}]]]")]);
    for command in ["prompt", "run", "apply-config"] {
        for (at, says) in [
            ("99", "there is no byte 99; the text ends at byte 33"),
            (
                "7:1",
                "there is no line 7, column 1; the text ends at line 3, column 22",
            ),
            (
                "2:9",
                "there is no line 2, column 9; line 2 ends at column 8, \
                 the text at line 3, column 22",
            ),
        ] {
            let said = refused(folder.path(), &[command, "a.md", "--at", at], 2);
            assert_eq!(said, format!("fimd: a.md: --at: {says}\n"), "{command}");
        }
    }
}

#[test]
fn code_of_markdown_has_no_errors_and_does_not_run_with_all() {
    let text =
        "`[[[1, 2], [3, 4]]]`\n```python\nm = [[[1, 2], [3, 4]]]\n[[[7]]]\n```\nsay [[[5]]]\n";
    let folder = texts(&[("a.md", text), ("a.txt", text)]);
    let server = ModelServer::saying(&["it"]);
    let run = |args: &[&str]| {
        let args = [&["run"], args, &["--endpoint", &server.url]].concat();
        tags(folder.path(), &args, "")
    };
    let all = run(&["a.md", "--all"]);
    let said = String::from_utf8(all.stderr).unwrap();
    assert!(all.status.success(), "{said}");
    assert_eq!(
        String::from_utf8(all.stdout).unwrap(),
        text.replace("[[[5]]]", "it")
    );
    assert_eq!(
        said,
        "fimd: a.md: 1 tag in code was not run; --at runs one\n"
    );
    server.asked();
    assert!(server.is_unasked(), "one tag was run");
    let one = run(&["a.md", "--at", "4:3"]);
    assert_eq!(String::from_utf8(one.stdout).unwrap(), "it");
    assert_eq!(printed(folder.path(), &["check", "a.md"], ""), "");
    let check = tags(folder.path(), &["check", "a.txt"], "");
    assert_eq!(check.status.code(), Some(1), "only Markdown has code");
    assert_eq!(run(&["a.txt", "--all"]).status.code(), Some(1));
}

#[test]
fn what_fails_leaves_the_file() {
    let text = "a [[[5]]] b [[[5;nope()]]]";
    let folder = texts(&[("a.md", text), ("ok.md", "[[[5]]]"), ("latin1", "")]);
    fs::write(folder.path().join("latin1"), b"\xe4").unwrap();
    let server = ModelServer::start(|_, answer| {
        answer.stream();
        answer.text("so far");
    });
    let run = |args: &[&str], code| {
        let args = [&["run"], args, &["--endpoint", &server.url]].concat();
        refused(folder.path(), &args, code)
    };
    let said = run(&["a.md", "--all", "--in-place"], 1);
    assert!(said.contains("a.md:1:18: unknown function nope"), "{said}");
    assert!(
        server.is_unasked(),
        "no model is asked for what comes to nothing"
    );
    let said = run(&["ok.md", "--all", "--in-place"], 1);
    assert!(
        said.contains("the answer ended before it was complete"),
        "{said}"
    );
    assert!(said.contains("6 characters had come"), "{said}");
    assert_eq!(
        fs::read_to_string(folder.path().join("a.md")).unwrap(),
        text
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("ok.md")).unwrap(),
        "[[[5]]]"
    );
    assert!(run(&["latin1", "--all"], 1).contains("latin1: not UTF-8 at byte 0"));
    assert!(run(&["-", "--all", "--in-place"], 2).contains("stdin cannot be rewritten"));
    assert!(run(&["ok.md"], 2).contains("--at"));
    assert!(run(&["ok.md", "--all", "--at", "1"], 2).contains("cannot be used with"));
}

#[test]
fn a_signal_leaves_the_file_and_the_connection() {
    let folder = texts(&[("a.md", "[[[5]]]")]);
    let server = ModelServer::start(|_, answer| {
        answer.stream();
        answer.text("so far");
        answer.hang();
    });
    let child = fimd()
        .env("XDG_STATE_HOME", folder.path().join("state"))
        .current_dir(folder.path())
        .args([
            "tags",
            "run",
            "a.md",
            "--all",
            "--in-place",
            "--endpoint",
            &server.url,
        ])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    server.asked();
    let kill = std::process::Command::new("kill")
        .args(["-s", "INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let ended = child.wait_with_output().unwrap();
    server.left();
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(said, "fimd: interrupted: nothing was written\n");
    assert_eq!(
        fs::read_to_string(folder.path().join("a.md")).unwrap(),
        "[[[5]]]"
    );
}

#[test]
fn a_php_file_is_shown_with_its_project() {
    let folder = texts(&[
        ("composer.json", "{}"),
        (
            "Basket.php",
            "<?php class Basket { public function addItem(int $count): void {} }",
        ),
        (
            "new.php",
            "<?php\n$basket = new Basket();\n$basket->[[[9]]];\n",
        ),
    ]);
    let server = ModelServer::saying(&["addItem(1)"]);
    let place = ["new.php", "--at", "3:10"];
    let model = ["--context", "--endpoint", &server.url];
    let args = [&["run"], &place[..], &model].concat();
    assert_eq!(printed(folder.path(), &args, ""), "addItem(1)");
    // The context that an editor would get there.
    let (before, after) = ("<?php\n$basket = new Basket();\n$basket->", ";\n");
    fs::write(folder.path().join("new.php"), [before, after].concat()).unwrap();
    let context = fimd()
        .current_dir(folder.path())
        .arg("context")
        .args(place)
        .output();
    let context = String::from_utf8(context.unwrap().stdout).unwrap();
    assert!(context.contains("function addItem(int $count): void;"));
    let prompt = format!("<|fim_prefix|>{context}{before}<|fim_suffix|>{after}<|fim_middle|>");
    assert_eq!(server.asked().body["prompt"], prompt);
}

#[test]
fn a_text_keeps_its_line_breaks() {
    let folder = texts(&[("a.txt", "one\r\n[[[50; stop(\"\\n\\n\")]]]\r\nlast\r\n")]);
    let server = ModelServer::saying(&["two\n", "three\r", "\n", "\r", "\nfour"]);
    let endpoint = ["--endpoint", &server.url];
    let args = [&["run", "a.txt", "--all", "--in-place"][..], &endpoint].concat();
    printed(folder.path(), &args, "");
    let text = fs::read_to_string(folder.path().join("a.txt")).unwrap();
    assert_eq!(text, "one\r\ntwo\r\nthree\r\n\r\n\r\nlast\r\n");
    let prompt = server.asked().body.to_string();
    assert!(!prompt.contains("\\r"), "{prompt}");
}

/// A server that stops at a line break by itself leaves half of `\r\n`.
#[test]
fn half_a_line_break_before_a_stop_is_no_text() {
    let folder = texts(&[("a.txt", "one [[[50; chop(\"\\n\")]]]\n")]);
    let server = ModelServer::saying(&["two\r"]);
    let endpoint = ["--endpoint", &server.url];
    let args = [&["run", "a.txt", "--all"][..], &endpoint].concat();
    assert_eq!(printed(folder.path(), &args, ""), "one two\n");
}
