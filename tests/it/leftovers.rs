//! What killed processes and full disks leave is removed by the next run, and nothing
//! else is.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::model_server::ModelServer;
use crate::common::{Client, fimd};

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_next_run_of_tags_removes_unfinished_files_beside_the_document_and_in_the_log() {
    let model = ModelServer::saying(&["done"]);
    let (folder, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = state.path().join("fimd");
    fs::create_dir(&log).unwrap();
    fs::write(folder.path().join("a.md"), "x [[[3]]] y").unwrap();
    for name in [".a.md.fimd-Ab12Cd", ".b.md.fimd-Ab12Cd", ".tmpAb12Cd"] {
        fs::write(folder.path().join(name), "half").unwrap();
    }
    fs::write(log.join(".tags.jsonl.fimd-Ab12Cd"), "half").unwrap();
    let run = fimd()
        .env("XDG_STATE_HOME", state.path())
        .args([
            "tags",
            "run",
            "--all",
            "--in-place",
            "--endpoint",
            &model.url,
        ])
        .arg(folder.path().join("a.md"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert_eq!(
        names(folder.path()),
        [".b.md.fimd-Ab12Cd", ".tmpAb12Cd", "a.md"]
    );
    assert_eq!(names(&log), ["tags.jsonl", "tags.lock"]);
    let text = fs::read_to_string(folder.path().join("a.md")).unwrap();
    assert_eq!(text, "x done y");
}

#[test]
fn a_server_that_starts_removes_the_unfinished_settings_of_a_killed_one() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("fimd");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("settings.toml"), "[limits]\n").unwrap();
    fs::write(folder.join("settings.toml.new"), "[lim").unwrap();
    fs::write(folder.join("settings.toml.new2"), "mine").unwrap();
    let client = Client::start(fimd().env("XDG_CONFIG_HOME", home.path()));
    assert_eq!(client.close().code, Some(0));
    assert_eq!(names(&folder), ["settings.toml", "settings.toml.new2"]);
}

#[test]
fn settings_that_find_no_room_leave_nothing() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("fimd");
    fs::create_dir(&folder).unwrap();
    let old = "# mine\n[endpoint]\ntemperature = 1.0\n";
    fs::write(folder.join("settings.toml"), old).unwrap();
    let tag = home.path().join("tag.txt");
    fs::write(&tag, r#"[[[{temperature:"0.5"}]]]"#).unwrap();
    let apply = |limit: &str| {
        // Without the signal, writing beyond the limit is an error, as on a full disk.
        let script = format!("trap '' XFSZ; {limit} exec \"$0\" tags apply-config --at 3 \"$1\"");
        Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_fimd")])
            .arg(&tag)
            .env("XDG_CONFIG_HOME", home.path())
            .output()
            .unwrap()
    };
    let full = apply("ulimit -f 0;");
    let said = String::from_utf8_lossy(&full.stderr).into_owned();
    assert!(
        !full.status.success() && said.contains("File too large"),
        "{said}"
    );
    assert_eq!(names(&folder), ["settings.toml"]);
    assert_eq!(
        fs::read_to_string(folder.join("settings.toml")).unwrap(),
        old
    );
    let done = apply("");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let new = fs::read_to_string(folder.join("settings.toml")).unwrap();
    assert!(new.contains("temperature = 0.5"), "{new}");
}
