//! A running server follows its settings file.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::client::{Client, settings_of};
use super::{Home, everywhere, model_server, project};
use crate::common::Project;
use crate::common::daemon::Daemon;

/// Replaces a file as editors do: by renaming another one.
pub(super) fn replace(file: &Path, text: &str) {
    let new = file.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, file).unwrap();
}

/// The next message that shows the user a warning.
pub(super) fn shown(client: &mut Client) -> String {
    loop {
        let message = client.receive();
        if message["method"] == "window/showMessage" {
            assert_eq!(message["params"]["type"], 2);
            return message["params"]["message"].as_str().unwrap().into();
        }
        assert_eq!(message["method"], "fimd/settingsChanged", "{message}");
    }
}

/// Receives until the settings are told without a warning.
fn mended(client: &mut Client) -> Value {
    loop {
        let news = client.receive();
        assert_eq!(news["method"], "fimd/settingsChanged", "{news}");
        if news["params"].get("warning").is_none() {
            return settings_of(&news);
        }
    }
}

#[test]
fn a_changed_file_is_applied_and_told() {
    everywhere("[tags]\ncontext = true\n", |home, mut client| {
        let (url, served) = model_server();
        let text = format!("[endpoint]\nurl = '{url}'\nmodel = 'other'\n");
        replace(&home.settings(), &text);
        let told = settings_of(&client.receive());
        assert_eq!(told["endpoint"]["url"], url);
        assert_eq!(told["endpoint"]["model"], "other");
        assert_eq!(told["tags"]["context"], false);
        let asked = client.answer("fimd/settings", json!({}));
        assert_eq!(asked["result"]["settings"], told);
        // The project is still there, and a tag asks the new server.
        let params = json!({ "content": "x [[[5]]]", "cursor_offset": 4 });
        let (answer, _) = client.call("tags/run", params);
        assert!(answer.get("result").is_some(), "{answer}");
        assert!(served.join().unwrap().contains("\"other\""));
    });
}

#[test]
fn the_context_follows_the_file() {
    let project = Project::new(&[("a.php", "<?php\nclass A { public function run() {} }\n")]);
    let home = Home::new("");
    let daemon = Daemon::start_with(&mut home.fimd());
    let get = json!({ "filepath": "b.php", "content": "<?php\nfunction f(A $a) { $a->" });
    let context = |client: &mut Client| {
        let (answer, _) = client.call("getContext", get.clone());
        answer["result"]["context"].as_str().unwrap().to_owned()
    };
    let mut client = Client::of(&daemon, true);
    client.initialize(&project);
    assert!(context(&mut client).contains("function run()"));
    replace(&home.settings(), "[context]\nenabled_sources = []\n");
    settings_of(&client.receive());
    assert_eq!(context(&mut client), "");
}

#[test]
fn a_mistake_keeps_the_last_good_settings_and_is_told_once() {
    let project = project();
    let home = Home::new("[endpoint]\nmodel = 'good'\n");
    let daemon = Daemon::start_with(home.fimd().arg("--log-level=off"));
    let mut editor = Client::of(&daemon, true);
    editor.initialize(&project);
    let mut other = Client::of(&daemon, false);
    other.initialize(&project);
    let mut expected = String::new();
    for (text, fault) in [
        (
            "[endpoint]\nmodle = 'x'\n",
            "settings.toml:2: endpoint.modle: unknown",
        ),
        ("[endpoint\n", "settings.toml:1: not TOML"),
    ] {
        replace(&home.settings(), text);
        let message = shown(&mut editor);
        assert!(message.starts_with("fimd: /"), "{message}");
        assert!(message.contains(fault), "{message}");
        assert!(
            message.ends_with("the last good settings stay in use"),
            "{message}"
        );
        let news = other.receive();
        assert_eq!(settings_of(&news)["endpoint"]["model"], "good");
        expected = message.trim_start_matches("fimd: ").to_owned();
        assert_eq!(news["params"]["warning"], expected);
    }
    // An editor that comes later hears of it, too.
    let mut late = Client::of(&daemon, true);
    late.initialize(&project);
    assert!(shown(&mut late).contains("not TOML"));
    let asked = other.answer("fimd/settings", json!({}));
    assert_eq!(asked["result"]["warning"], expected);
    assert_eq!(asked["result"]["settings"]["endpoint"]["model"], "good");
    // Nothing is told twice: the next news is that the file is fine again.
    replace(&home.settings(), "[endpoint]\nmodel = 'new'\n");
    for client in [&mut editor, &mut other, &mut late] {
        while mended(client)["endpoint"]["model"] != "new" {}
    }
    assert_eq!(home.said(), "[endpoint]\nmodel = 'new'\n");
}

#[test]
fn what_needs_a_restart_is_said_and_the_rest_applied() {
    let project = project();
    let home = Home::new("");
    let mut editor = Client::start(home.fimd().arg("--log-level=off"), true);
    editor.initialize(&project);
    replace(
        &home.settings(),
        "[limits]\nmax_context_chars = 9\n[endpoint]\nmodel = 'm'\n",
    );
    let message = shown(&mut editor);
    assert!(message.contains("settings.toml: [limits] takes effect when fimd starts again"));
    let (asked, _) = editor.call("fimd/settings", json!({}));
    assert_eq!(asked["result"]["settings"]["endpoint"]["model"], "m");
    let get = json!({ "filepath": "b.php", "content": "<?php ", "max_chars": 10 });
    let (answer, _) = editor.call("getContext", get);
    assert!(answer.get("result").is_some(), "{answer}");
}

#[test]
fn other_languages_have_tags_once_the_file_says_so() {
    let project = project();
    let home = Home::new("");
    let mut editor = Client::start(&mut home.fimd(), true);
    editor.initialize(&project);
    let document = json!({
        "uri": "file:///x.tex", "languageId": "latex", "version": 1, "text": "[[[{fontSize:\"999\"}]]]"
    });
    editor.notify("textDocument/didOpen", json!({ "textDocument": document }));
    replace(&home.settings(), "[tags]\nlanguages = ['latex']\n");
    let mut faults = None;
    while faults.is_none() {
        let message = editor.receive();
        if message["method"] == "textDocument/publishDiagnostics" {
            faults = message["params"]["diagnostics"].as_array().map(Vec::len);
        }
    }
    assert_eq!(faults, Some(1));
}
