//! Config tags applied by the real binary: from the shell, and over pipes and a
//! socket in both framings. Other clients of the daemon are notified.

mod client;
mod follow;
mod own;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::{Value, json};

use crate::common::daemon::Daemon;
use client::{Client, settings_of};

use crate::common::{self, Project, fimd, matches};

/// The example of the specification, with a font that every Tk has.
const TAG: &str =
    r##"[[[{font:"TkFixedFont"; fontSize:"24"; bgColor:"#141414"; fgColor:"#f5f5f5"}]]]"##;

const MINE: &str = "# Mine.\n[endpoint] # local\napi_key = 'sk-hush' # hush\n";

/// A folder with a settings file and a text.
struct Home(tempfile::TempDir);

impl Home {
    fn new(settings: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::write(home.settings(), settings).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn settings(&self) -> PathBuf {
        self.path("settings.toml")
    }

    fn said(&self) -> String {
        fs::read_to_string(self.settings()).unwrap()
    }

    /// The program with these settings, and without the user's dictionaries.
    fn fimd(&self) -> Command {
        let mut command = fimd();
        command.arg("--settings").arg(self.settings());
        command.env("XDG_DATA_HOME", self.path("data"));
        command.env_remove("FIMD_API_KEY");
        command
    }

    /// Runs `fimd tags apply-config` on a file with this text.
    fn apply(&self, text: &str, at: usize) -> Output {
        self.applying(text, at).output().unwrap()
    }

    fn applying(&self, text: &str, at: usize) -> Command {
        let file = self.path("a.txt");
        fs::write(&file, text).unwrap();
        let mut command = self.fimd();
        command.args(["tags", "apply-config"]).arg(file);
        command.args(["--at", &at.to_string()]);
        command
    }
}

fn stdout(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The error of a command, which must fail with one line.
fn failure(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

fn project() -> Project {
    Project::new(&[("a.php", "<?php\n")])
}

/// Runs a test over pipes and over a socket, in both framings, each time with
/// settings of its own. The client is initialized.
fn everywhere(settings: &str, test: impl Fn(&Home, Client)) {
    let project = project();
    for is_lsp in [false, true] {
        let home = Home::new(settings);
        let mut client = Client::start(&mut home.fimd(), is_lsp);
        client.initialize(&project);
        test(&home, client);
        let home = Home::new(settings);
        let daemon = Daemon::start_with(&mut home.fimd());
        let mut client = Client::of(&daemon, is_lsp);
        client.initialize(&project);
        test(&home, client);
    }
}

#[test]
fn a_tag_is_applied_written_and_told() {
    everywhere(MINE, |home, mut client| {
        let asked = client.answer("fimd/settings", json!({}));
        let before = &asked["result"]["settings"];
        assert_eq!(before["editor"]["font_size"], Value::Null);
        assert_eq!(before["endpoint"]["url"], "http://127.0.0.1:8080");
        assert_eq!(before["endpoint"]["kind"], "completions");
        assert_eq!(before["endpoint"]["fim_prefix"], "<|fim_prefix|>");
        assert_eq!(
            before["tags"]["languages"],
            json!(["plaintext", "markdown", "fimpad"])
        );
        assert!(!asked.to_string().contains("hush"), "{asked}");

        let content = format!("some text {TAG} more");
        let (result, told) = client.apply(json!({"content": content, "cursor_offset": 20}));
        let applied = json!({
            "font": "TkFixedFont", "fontSize": 24, "bgColor": "#141414", "fgColor": "#f5f5f5",
        });
        assert_eq!(result, json!({"applied": applied, "file": home.settings()}));
        let editor = json!({
            "font": "TkFixedFont", "font_size": 24, "bg_color": "#141414", "fg_color": "#f5f5f5",
            "editor_padding": null, "line_number_padding": null, "caret_color": null,
            "selection_color": null, "scroll_speed": null, "spell_lang": null,
        });
        assert_eq!(told["editor"], editor);
        assert!(!told.to_string().contains("hush"), "{told}");
        let after = client.answer("fimd/settings", json!({}));
        assert_eq!(after["result"]["settings"], told);
        assert_eq!(
            home.said(),
            format!(
                "{MINE}\n[editor]\nfont = \"TkFixedFont\"\nfont_size = 24\nbg_color = \
                 \"#141414\"\nfg_color = \"#f5f5f5\"\n"
            )
        );
    });
}

#[test]
fn a_tag_with_one_wrong_entry_changes_nothing_and_says_all_that_is_wrong() {
    everywhere(MINE, |home, mut client| {
        for (content, at, said) in [
            (
                "x\n [[[{fontSize:\"9\"; topP:\"2\"; bgColor:\"rde\"}]]]",
                5,
                "2:25: topP: expected a number from 0 to 1, found \"2\"; 2:38: bgColor: expected \
                 #rgb, *found \"rde\"; did you mean \"red\"?; nothing was changed",
            ),
            (
                "[[[{fontSize:24}]]]",
                0,
                "1:14: *quote*; nothing was changed",
            ),
            (
                "[[[{open_maximized:\"1\"}]]]",
                0,
                "1:5: open_maximized *; nothing was changed",
            ),
            (
                "[[[{endpoint:\"https://evil.example/v1\"}]]]",
                0,
                "1:14: endpoint: evil.example is not this machine; *allow_remote_endpoints = \
                 true*; nothing was changed",
            ),
            (
                "[[[20]]]",
                1,
                "1:1: expected a config tag *, found one that asks for text; *",
            ),
            (
                "[[[(no)]]]",
                1,
                "1:1: expected a config tag *, found a comment; *",
            ),
            (
                "no tag",
                3,
                "1:4: expected a config tag *, found no tag; nothing was changed",
            ),
        ] {
            let params = json!({"content": content, "cursor_offset": at});
            let answer = client.answer("tags/applyConfig", params);
            assert_eq!(answer["error"]["code"], -32602, "{answer}");
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(matches(said, message), "{message}");
            assert_eq!(home.said(), MINE);
        }
        for (params, said) in [
            (json!({"cursor_offset": 0}), "content: expected the text *"),
            (
                json!({"content": TAG}),
                "cursor_offset: expected an integer *",
            ),
            (
                json!({"content": TAG, "cursor_offset": 0, "fonts": "Arial"}),
                "fonts: expected an array of strings, found \"Arial\"",
            ),
        ] {
            let answer = client.answer("tags/applyConfig", params);
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(matches(said, message), "{message}");
        }
        let answer = client.answer("fimd/settings", json!({}));
        assert_eq!(
            answer["result"]["settings"]["editor"]["font_size"],
            Value::Null
        );
    });
}

#[test]
fn the_lists_of_a_client_stand_in_place_of_what_is_installed() {
    everywhere("", |_, mut client| {
        let content = r#"[[[{font:"comic code"; spellLang:"tlh"}]]]"#;
        let lists = json!({
            "content": content, "cursor_offset": 0,
            "fonts": ["Comic Code"], "spell_languages": ["tlh"],
        });
        let (result, told) = client.apply(lists);
        assert_eq!(
            result["applied"],
            json!({"font": "Comic Code", "spellLang": "tlh"})
        );
        assert_eq!(told["editor"]["spell_lang"], "tlh");
        for (content, said) in [
            (
                content,
                "*font: expected a font *; 1:34: spellLang: expected a language *",
            ),
            (
                TAG,
                "*font: expected a font that is installed, found \"TkFixedFont\"; none *",
            ),
        ] {
            let mut params = json!({"content": content, "cursor_offset": 0});
            if content == TAG {
                params["fonts"] = json!([]);
            }
            let answer = client.answer("tags/applyConfig", params);
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(matches(said, message), "{message}");
        }
    });
}

#[test]
fn an_offset_is_in_the_clients_units() {
    let project = project();
    let home = Home::new("");
    let mut client = Client::start(&mut home.fimd(), false);
    let content = "\u{1F600}\u{1F600}\u{1F600}[[[{fontSize:\"9\"}]]][[[{fontSize:\"10\"}]]]";
    // Before `initialize` offsets are in bytes.
    let (result, _) = client.apply(json!({"content": content, "cursor_offset": 31}));
    assert_eq!(result["applied"]["fontSize"], 9);
    let root = project.path().to_str().unwrap();
    let params = json!({"project_root": root, "offset_encoding": "utf-32"});
    client.answer("initialize", params);
    let (result, _) = client.apply(json!({"content": content, "cursor_offset": 31}));
    assert_eq!(result["applied"]["fontSize"], 10);
}

#[test]
fn every_client_of_a_daemon_is_told() {
    let project = project();
    let home = Home::new(MINE);
    let daemon = Daemon::start_with(&mut home.fimd());
    let mut all: Vec<_> = [false, true, false, true]
        .map(|is_lsp| Client::of(&daemon, is_lsp))
        .into();
    for client in &mut all {
        client.initialize(&project);
    }
    // LSP forbids notifications to this client before `initialize` is answered.
    let mut late = Client::of(&daemon, true);
    let refused = late.answer("fimd/settings", json!({}));
    assert_eq!(refused["error"]["code"], -32002, "{refused}");
    for (applier, size) in [(0, 10), (1, 11)] {
        let content = format!("[[[{{fontSize:\"{size}\"}}]]]");
        let params = json!({"content": content, "cursor_offset": 0});
        all[applier].apply(params);
        for (other, client) in all.iter_mut().enumerate() {
            if other != applier {
                let news = client.receive();
                assert_eq!(settings_of(&news)["editor"]["font_size"], size);
            }
        }
    }
    // Applying the same settings again sends no notification.
    let params = json!({"content": "[[[{fontSize:\"11\"}]]]", "cursor_offset": 0});
    all[0].answer("tags/applyConfig", params);
    for client in &mut all {
        client.answer("fimd/settings", json!({}));
    }
    late.initialize(&project);
    assert_eq!(settings_of(&late.receive())["editor"]["font_size"], 11);
    // A client that reads only one answer per request gets no notification
    // either.
    let status = fimd()
        .args(["status", "--socket"])
        .arg(daemon.path())
        .output();
    assert_eq!(status.unwrap().status.code(), Some(0));
}

/// A model server that answers one request: its address, and the request that it
/// got.
fn model_server() -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut input = BufReader::new(stream);
        let mut length = 0;
        let mut request = String::new();
        loop {
            let start = request.len();
            input.read_line(&mut request).unwrap();
            let line = request[start..].trim_end().to_ascii_lowercase();
            if let Some(number) = line.strip_prefix("content-length: ") {
                length = number.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        input.read_exact(&mut body).unwrap();
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n\
                      data: {\"choices\":[{\"text\":\"four\"}]}\n\ndata: [DONE]\n\n";
        input.get_mut().write_all(answer.as_bytes()).unwrap();
        request + &String::from_utf8(body).unwrap()
    });
    (url, asked)
}

#[test]
fn the_next_run_asks_the_new_endpoint() {
    everywhere(
        "[endpoint]\nurl = 'http://127.0.0.1:1'\n",
        |_, mut client| {
            let (url, asked) = model_server();
            let content = format!(
                "[[[{{endpoint:\"{url}\"; temperature:\"0.25\"; fimPrefix:\"<P>\"}}]]] two [[[5]]] six"
            );
            client.apply(json!({"content": content, "cursor_offset": 3}));
            let at = content.find("[[[5").unwrap();
            let params = json!({"content": content, "cursor_offset": at});
            let (answer, _) = client.call("tags/run", params);
            assert_eq!(answer["result"]["text"], "four", "{answer}");
            let asked = asked.join().unwrap();
            assert!(
                asked.starts_with("POST /v1/completions HTTP/1.1\r\n"),
                "{asked}"
            );
            assert!(asked.contains("\"temperature\":0.25"), "{asked}");
            assert!(asked.contains("<P>"), "{asked}");
        },
    );
}

/// The user sets the key and removes it while the server runs. A tag cannot set
/// it.
#[test]
fn another_machine_needs_a_standing_permission() {
    // With a key, a tag may name only the server that the key is for.
    const KEYLESS: &str = "# Mine.\n[endpoint]\n";
    everywhere(KEYLESS, |home, mut client| {
        let params = json!({
            "content": "[[[{endpoint:\"https://models.example\"}]]]", "cursor_offset": 0,
        });
        let mut permitted = format!("{KEYLESS}allow_remote_endpoints = true\n");
        for grab in ["allow_remote_endpoints", "allowRemoteEndpoints"] {
            let content = format!("[[[{{{grab}:\"true\"}}]]]");
            let grab = json!({"content": content, "cursor_offset": 0});
            let answer = client.answer("tags/applyConfig", grab);
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(matches("1:5: unknown setting *", message), "{message}");
        }
        client.answer("tags/applyConfig", params.clone())["error"]
            .as_object()
            .unwrap();
        fs::write(home.settings(), &permitted).unwrap();
        let (_, told) = client.apply(params.clone());
        assert_eq!(told["endpoint"]["url"], "https://models.example");
        permitted += "url = \"https://models.example\"\n";
        assert_eq!(home.said(), permitted);
        fs::write(home.settings(), KEYLESS).unwrap();
        let answer = client.answer("tags/applyConfig", params);
        assert!(answer.get("error").is_some(), "{answer}");
        assert_eq!(home.said(), KEYLESS);
    });
}

#[test]
fn the_shell_applies_a_tag_and_leaves_it_where_it_is() {
    let home = Home::new(MINE);
    let text = format!("a\n{TAG}b");
    for at in [2, 20, text.len() - 1] {
        let applied = stdout(&home.apply(&text, at));
        assert_eq!(applied["applied"]["fontSize"], 24);
        assert_eq!(applied["file"], home.settings().to_str().unwrap());
    }
    assert_eq!(fs::read_to_string(home.path("a.txt")).unwrap(), text);
    let said = home.said();
    assert!(
        said.starts_with(MINE) && said.contains("font_size = 24\n"),
        "{said}"
    );
    let error = failure(&home.apply("\u{e4}\n  [[[{scrollSpeed:\"11\"}]]]", 5));
    let expected = "fimd: */a.txt:2:19: scrollSpeed: expected an integer from 1 to 10, found \
                    \"11\"; nothing was changed\n";
    assert!(matches(expected, &error), "{error}");
    assert_eq!(home.said(), said);
    let mut stdin = home.fimd();
    stdin.args(["tags", "apply-config", "-", "--at", "1:1"]);
    let mut child = stdin
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let tag = "[[[{\"fontSize\":\"13\"}]]]";
    child
        .stdin
        .take()
        .unwrap()
        .write_all(tag.as_bytes())
        .unwrap();
    let applied = stdout(&child.wait_with_output().unwrap());
    assert_eq!(applied["applied"], json!({"fontSize": 13}));
}

/// Without `--settings` fimd creates the user's own file in its standard place.
#[test]
fn the_users_own_file_is_made() {
    let home = Home::new("");
    fs::write(home.path("a.txt"), TAG).unwrap();
    let config = home.path("config");
    let mut command = fimd();
    command.env("XDG_CONFIG_HOME", &config);
    command
        .args(["tags", "apply-config", "--at", "0"])
        .arg(home.path("a.txt"));
    let applied = stdout(&command.output().unwrap());
    let file = config.join("fimd/settings.toml");
    assert_eq!(applied["file"], file.to_str().unwrap());
    assert!(
        fs::read_to_string(file)
            .unwrap()
            .contains("font_size = 24\n")
    );
}

#[test]
fn fonts_and_dictionaries_are_those_of_the_machine() {
    let home = Home::new("");
    let tag = "[[[{spellLang:\"tlh_AA\"}]]]";
    let error = failure(&home.apply(tag, 0));
    assert!(
        error.contains("spellLang: expected a language with a dictionary"),
        "{error}"
    );
    let folder = home.path("data/hunspell");
    fs::create_dir_all(&folder).unwrap();
    for file in ["tlh_AA.dic", "tlh_AA.aff"] {
        fs::write(folder.join(file), "").unwrap();
    }
    assert_eq!(
        stdout(&home.apply(tag, 0))["applied"],
        json!({"spellLang": "tlh_AA"})
    );
    let error = failure(&home.apply("[[[{spellLang:\"tlh_AB\"}]]]", 0));
    assert!(error.contains("did you mean \"tlh_AA\"?"), "{error}");
    let before = home.said();
    let error = failure(&home.apply("[[[{fontSize:\"9\"; font:\"No Such Font 7\"}]]]", 0));
    let expected = "*:1:24: font: expected a font that is installed, found \"No Such Font 7\"*";
    assert!(matches(expected, error.trim_end()), "{error}");
    assert_eq!(home.said(), before);
}

#[test]
fn a_font_that_is_installed_is_applied() {
    let home = Home::new("");
    let list = Command::new("fc-list").arg(":").arg("family").output();
    let list = list.map_or_else(|_| Vec::new(), |list| list.stdout);
    let list = String::from_utf8_lossy(&list);
    let Some(line) = list.lines().next() else {
        common::skip("fc-list of fontconfig, and a font");
        return;
    };
    let family = line.split(',').next().unwrap();
    let tag = format!("[[[{{fontFamily:\"{family}\"}}]]]");
    assert_eq!(
        stdout(&home.apply(&tag, 0))["applied"],
        json!({"font": family})
    );
}

#[test]
fn a_corrupt_file_is_set_aside_and_reported() {
    const CORRUPT: &str = "[editor\nfont_size = 9\n";
    let home = Home::new(CORRUPT);
    // A command that only reads reports the corrupt file and leaves it.
    let output = home.fimd().args(["models"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        matches("fimd: */settings.toml:1: not TOML: *\n", &said),
        "{said}"
    );
    assert_eq!(home.said(), CORRUPT);
    // A command that writes sets the file aside.
    let output = home.apply(TAG, 0);
    assert_eq!(stdout(&output)["applied"]["fontSize"], 24);
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    let expected = "*WARN*/settings.toml:1: not TOML: *; set aside as */settings.toml.corrupt-1";
    assert!(matches(expected, said.trim_end()), "{said}");
    let aside = stdout(&output)["set_aside"].as_str().unwrap().to_owned();
    assert!(aside.ends_with("settings.toml.corrupt-1"), "{aside}");
    assert_eq!(
        fs::read_to_string(home.path("settings.toml.corrupt-1")).unwrap(),
        CORRUPT
    );
    // So does a server when it starts; it then has the defaults.
    fs::write(home.settings(), CORRUPT).unwrap();
    let mut command = home.fimd();
    let mut client = common::Client::start(&mut command);
    client.send("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"fimd/settings\"}\n");
    let answer: Value = serde_json::from_str(&client.answer()).unwrap();
    assert_eq!(
        answer["result"]["settings"]["editor"]["font_size"],
        Value::Null
    );
    let log = client.close().log;
    let expected = "*WARN*set aside as */settings.toml.corrupt-2; all settings have their \
                    defaults";
    assert!(matches(expected, log.trim_end()), "{log}");
    assert_eq!(log.lines().count(), 1);
    assert_eq!(
        fs::read_to_string(home.path("settings.toml.corrupt-2")).unwrap(),
        CORRUPT
    );
    assert!(!home.settings().exists());
}

#[test]
fn processes_that_write_at_once_lose_nothing() {
    let home = Home::new(MINE);
    let tags: Vec<_> = [
        "fontSize",
        "editorPadding",
        "lineNumberPadding",
        "scrollSpeed",
    ]
    .iter()
    .map(|key| format!("[[[{{{key}:\"7\"}}]]]"))
    .collect();
    fs::write(home.path("all.txt"), tags.concat()).unwrap();
    let mut at = 0;
    let children: Vec<_> = tags
        .iter()
        .map(|tag| {
            at += tag.len();
            let mut command = home.fimd();
            command.args(["tags", "apply-config", "--at", &(at - 1).to_string()]);
            command.arg(home.path("all.txt")).stdout(Stdio::null());
            command.spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let said = home.said();
    assert!(said.starts_with(MINE), "{said}");
    assert_eq!(said.matches(" = 7\n").count(), 4, "{said}");
}

#[test]
fn a_writer_that_is_killed_leaves_a_whole_file() {
    let home = Home::new("");
    // The file is large, so that writing it takes some time.
    let long = "# a remark of mine that has to stay\n".repeat(200_000);
    fs::write(home.settings(), format!("{long}[editor]\nfont_size = 6\n")).unwrap();
    let new = home.path("settings.toml.new");
    let mut midst = 0;
    for size in 7..27 {
        let mut child = home
            .applying(&format!("[[[{{fontSize:\"{size}\"}}]]]"), 0)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while !new.exists() && child.try_wait().unwrap().is_none() {
            thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        midst += usize::from(new.exists());
        let said = home.said();
        let last = said.strip_prefix(&long).unwrap();
        let last = last.strip_prefix("[editor]\nfont_size = ").unwrap();
        let is_whole = (6..=size).any(|size| last == format!("{size}\n"));
        assert!(is_whole, "{last}");
    }
    assert!(midst > 0, "none was killed while it wrote");
    stdout(&home.apply("[[[{fontSize:\"72\"}]]]", 0));
    assert!(home.said().ends_with("\nfont_size = 72\n"));
    assert!(!Path::new(&new).exists());
}
