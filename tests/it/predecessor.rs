//! What the predecessor's Neovim plugin relies on. It starts `PYTHON -m
//! fimcontextserver --log-level DEBUG`, where PYTHON is a script that the user
//! names, and writes one JSON object per line. Offsets are bytes. Answers come
//! in any order; the client tells them apart by their ids.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::common::{Client, Project, fimd};

/// The script, as it stands in docs/editors.md.
const SCRIPT: &str = "#!/bin/sh\nexec fimd\n";

const ORDER: &str = "<?php
class Order
{
    public function total(): int { return 1; }
    public function customer(): Customer { return new Customer(); }
}
";

const CUSTOMER: &str = "<?php
class Customer
{
    public function address(): string { return ''; }
}
";

/// Non-ASCII characters make offsets in bytes differ from offsets in any other
/// unit.
const CALLER: &str = "<?php
/* 😀😀😀😀😀😀😀😀😀😀😀😀 */
function pay(Order $order, Customer $customer): void {
    $order->
    $name = '€€€€€€€€€€€€€€€€';
    $customer->
}
";

/// The command that starts the script, in its own folder, as the plugin does.
fn script(folder: &Path) -> Command {
    let path = folder.join("python");
    // Another process writes the script. If this one did, a child that another
    // test starts meanwhile could hold the file open, and the kernel does not run
    // a file that is open for writing.
    let source = folder.join("script");
    fs::write(&source, SCRIPT).unwrap();
    let mut install = Command::new("install");
    let installed = install.arg("--mode=755").arg(source).arg(&path).status();
    assert!(installed.unwrap().success());
    let bin = Path::new(env!("CARGO_BIN_EXE_fimd")).parent().unwrap();
    let paths = [bin, Path::new("/usr/bin"), Path::new("/bin")];
    let mut command = Command::new(path);
    command
        .args(["-m", "fimcontextserver", "--log-level", "DEBUG"])
        .env("PATH", std::env::join_paths(paths).unwrap())
        // This folder holds no settings.
        .env("XDG_CONFIG_HOME", folder)
        .env("XDG_CACHE_HOME", folder)
        .env("XDG_STATE_HOME", folder)
        .env_remove("RUST_LOG");
    command
}

/// The context that the command line prints for `CALLER` at a byte.
fn printed(project: &Project, byte: usize) -> String {
    let mut child = fimd()
        .arg("context")
        .arg(project.path().join("src/pay.php"))
        .arg("--project")
        .arg(project.path())
        .args(["--content", "-", "--at", &byte.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(CALLER.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_predecessors_plugin_is_served() {
    assert!(include_str!("../../docs/editors.md").contains(SCRIPT));
    let project = Project::new(&[("src/Order.php", ORDER), ("src/Customer.php", CUSTOMER)]);
    let folder = tempfile::tempdir().unwrap();
    let mut client = Client::start(&mut script(folder.path()));

    // Lua encodes an empty table as an array.
    let params = json!({ "project_root": project.path(), "include_paths": [], "bm25": true });
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    client.send(format!("{initialize}\n"));
    let answer: Value = serde_json::from_str(&client.answer()).unwrap();
    assert_eq!(answer["id"], 1);
    assert_eq!(answer["result"]["file_count"], 2);
    assert!(answer["result"]["bm25_chunks"].as_u64().unwrap() > 0);

    // All requests are sent at once, as when the user types faster than the
    // server answers.
    let places = ["$order->", "$customer->", "'€€€€"];
    let bytes = places.map(|place| CALLER.find(place).unwrap() + place.len());
    for (id, byte) in (2..).zip(bytes) {
        let params = json!({
            "filepath": project.path().join("src/pay.php"),
            "content": CALLER,
            "cursor_offset": byte,
        });
        let request =
            json!({ "jsonrpc": "2.0", "id": id, "method": "getContext", "params": params });
        client.send(format!("{request}\n"));
    }
    let answers: BTreeMap<u64, String> = places
        .iter()
        .map(|_| {
            let answer: Value = serde_json::from_str(&client.answer()).unwrap();
            let context = answer["result"]["context"].as_str().unwrap().to_owned();
            (answer["id"].as_u64().unwrap(), context)
        })
        .collect();
    let wanted: BTreeMap<u64, String> = (2..)
        .zip(bytes.map(|byte| printed(&project, byte)))
        .collect();
    assert_eq!(answers, wanted);
    assert!(answers[&2].contains("total()"), "{}", answers[&2]);
    assert_ne!(answers[&2], answers[&3], "a place is like any other");

    client.send("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"shutdown\",\"params\":[]}\n");
    assert_eq!(
        client.answer(),
        "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":null}"
    );
    let ended = client.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}
