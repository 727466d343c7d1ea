//! Settings that a client sends: they win over the file for that client alone.

use serde_json::{Value, json};

use super::client::{Client, settings_of};
use super::follow::{replace, shown};
use super::{Home, project};
use crate::common::daemon::Daemon;
use crate::common::model_server::ModelServer;

/// Runs a tag. Returns the error, if there is one.
fn generate(client: &mut Client) -> Option<String> {
    let params = json!({ "content": "x [[[5]]]", "cursor_offset": 4 });
    let (answer, _) = client.call("tags/run", params);
    answer["error"]["message"].as_str().map(str::to_owned)
}

/// The settings that hold for the client.
fn endpoint(client: &mut Client) -> Value {
    let (answer, _) = client.call("fimd/settings", json!({}));
    answer["result"]["settings"]["endpoint"].clone()
}

#[test]
fn the_settings_of_a_client_win_for_it_alone() {
    let of_file = ModelServer::saying(&["file"]);
    let of_client = ModelServer::saying(&["client"]);
    let text = format!(
        "[endpoint]\nurl = '{}'\napi_key = 'sk-file'\nmodel = 'file'\n",
        of_file.url
    );
    for is_lsp in [false, true] {
        let (project, home) = (project(), Home::new(&text));
        let daemon = Daemon::start_with(&mut home.fimd());
        let mut own = Client::of(&daemon, is_lsp);
        let settings = json!({"endpoint": {"url": of_client.url}, "completion": {"max_lines": 3}});
        let answer = own.initialize_with(&project, &settings);
        assert!(answer.get("result").is_some(), "{answer}");
        let mut other = Client::of(&daemon, is_lsp);
        other.initialize(&project);

        // What it does not set is the file's, but the key is for the file's server.
        assert_eq!(generate(&mut own), None);
        let asked = of_client.asked();
        assert_eq!(asked.body["model"], "file");
        assert!(!asked.head.contains("sk-file"), "{}", asked.head);
        assert_eq!(generate(&mut other), None);
        let asked = of_file.asked();
        assert!(asked.head.contains("Bearer sk-file"), "{}", asked.head);
        assert_eq!(endpoint(&mut own)["url"], of_client.url);
        assert_eq!(endpoint(&mut other)["url"], of_file.url);

        // The file still changes the keys that the client does not set.
        let changed = "[endpoint]\nurl = 'http://127.0.0.1:1'\nmodel = 'new'\n";
        replace(&home.settings(), changed);
        assert_eq!(settings_of(&other.receive())["endpoint"]["model"], "new");
        let told = settings_of(&own.receive());
        assert_eq!(told["endpoint"]["model"], "new");
        assert_eq!(told["endpoint"]["url"], of_client.url);
        assert_eq!(generate(&mut own), None);
        assert_eq!(of_client.asked().body["model"], "new");
    }
}

#[test]
fn a_client_has_a_key_for_its_own_server() {
    let served = ModelServer::saying(&["text"]);
    let home = Home::new("");
    let mut client = Client::start(home.fimd().env("FIMD_API_KEY", "sk-env"), true);
    let settings = json!({"endpoint": {"url": served.url, "api_key": "sk-own"}});
    let answer = client.initialize_with(&project(), &settings);
    assert!(answer.get("result").is_some(), "{answer}");
    assert_eq!(generate(&mut client), None);
    let asked = served.asked();
    assert!(asked.head.contains("Bearer sk-own"), "{}", asked.head);
    assert!(!endpoint(&mut client).to_string().contains("sk-own"));
}

#[test]
fn what_is_wrong_in_a_clients_settings_is_refused() {
    for is_lsp in [false, true] {
        let home = Home::new("[endpoint]\nmodel = 'm'\n");
        for (settings, said) in [
            (
                json!({"endpoint": {"modle": "x"}}),
                "the editor's settings: endpoint.modle: unknown; expected one of url, ",
            ),
            (
                json!({"completion": {"max_lines": 0}}),
                "the editor's settings: completion.max_lines: expected an integer from 1 to 1000",
            ),
            (
                json!({"endpoint": {"family": "nobody"}}),
                "the editor's settings: endpoint.family: expected one of qwen2.5-coder, ",
            ),
        ] {
            let mut client = Client::start(&mut home.fimd(), is_lsp);
            let answer = client.initialize_with(&project(), &settings);
            assert_eq!(answer["error"]["code"], -32602, "{answer}");
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(message.starts_with(said), "{message}");
        }
    }
}

#[test]
fn an_editor_changes_its_settings_while_it_runs() {
    let home = Home::new("[endpoint]\nmodel = 'file'\n[completion]\nmax_lines = 5\n");
    let mut editor = Client::start(&mut home.fimd(), true);
    editor.initialize(&project());
    let change = |editor: &mut Client, settings: Value| {
        let params = json!({ "settings": settings });
        editor.notify("workspace/didChangeConfiguration", params);
    };
    // Options of the plugin itself are none of fimd's business.
    let own = json!({"fimd": {"endpoint": {"model": "own"}, "automatic": true}, "php": {}});
    change(&mut editor, own);
    assert_eq!(settings_of(&editor.receive())["endpoint"]["model"], "own");

    let wrong = json!({"fimd": {"endpoint": {"model": 5}}});
    change(&mut editor, wrong);
    let message = editor.receive();
    assert_eq!(message["method"], "window/showMessage", "{message}");
    assert_eq!(
        message["params"]["message"],
        "fimd: the editor's settings: endpoint.model: expected a string with something in it, \
         found 5; this editor's last good settings stay in use"
    );
    assert_eq!(endpoint(&mut editor)["model"], "own");

    // Settings of others change nothing; fimd's own, when empty, are the file's.
    change(&mut editor, json!({"php": {}}));
    assert_eq!(endpoint(&mut editor)["model"], "own");
    change(&mut editor, json!({"fimd": {}}));
    assert_eq!(settings_of(&editor.receive())["endpoint"]["model"], "file");
}

#[test]
fn a_file_that_does_not_go_with_the_clients_settings_is_told_once() {
    let home = Home::new("");
    let mut editor = Client::start(home.fimd().arg("--log-level=off"), true);
    let settings = json!({"endpoint": {"family": "codellama"}});
    let answer = editor.initialize_with(&project(), &settings);
    assert!(answer.get("result").is_some(), "{answer}");
    replace(
        &home.settings(),
        "[completion]\ncontext_style = 'repo'\n[endpoint]\nmodel = 'm'\n",
    );
    let message = shown(&mut editor);
    assert!(
        message.starts_with(
            "fimd: the editor's settings: completion.context_style: the family codellama has no"
        ),
        "{message}"
    );
    let (asked, _) = editor.call("fimd/settings", json!({}));
    let warning = asked["result"]["warning"].as_str().unwrap();
    assert!(message.ends_with(warning), "{warning}");
    assert_eq!(
        asked["result"]["settings"]["endpoint"]["model"],
        Value::Null
    );
    // Both follow the file again once it fits.
    replace(&home.settings(), "[endpoint]\nmodel = 'n'\n");
    while endpoint(&mut editor)["model"] != "n" {}
    let (asked, _) = editor.call("fimd/settings", json!({}));
    assert!(asked["result"].get("warning").is_none(), "{asked}");
}
