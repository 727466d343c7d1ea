//! The Neovim plugin in a real Neovim: its own tests, against a scripted server;
//! all of it with the real binary, its daemon and a model server whose answers stand
//! here; and the first hour of a new user.
//!
//! Runs the Neovim that `FIMD_NVIM` names, else `nvim` if it is on the path and
//! new enough; else the tests are skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::model_server::{ModelServer, ReceivedRequest, Reply};
use crate::common::neovim::Neovim;

/// The oldest version that the plugin supports.
const OLDEST: (u32, u32) = (0, 10);

fn of_plugin(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("editors/nvim")
        .join(path)
}

/// Runs a script, which must succeed, and returns what it prints.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{log}");
    said
}

#[test]
fn the_plugins_own_tests_pass() {
    let Some(neovim) = Neovim::or_skip(OLDEST) else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let said = run(&mut neovim.script(&of_plugin("tests/run.lua"), home.path()));
    assert!(said.ends_with(" tests, 0 failed\n"), "{said}");
}

/// Answers a request for its models with one model. Completes PHP with a call, with
/// another one if the request has a seed, and other text with a sentence about a cat.
/// Answers almost nothing when the prompt asks it to be slow.
fn answer(asked: &ReceivedRequest, answer: &mut Reply) {
    if asked.body.is_null() {
        return answer.whole("200 OK", "application/json", r#"{"data":[{"id":"tiny"}]}"#);
    }
    let prompt = asked.body["prompt"].as_str().unwrap();
    answer.stream();
    let said: &[&str] = if prompt.contains("slow") {
        answer.text("never");
        return answer.hang();
    } else if prompt.contains("<?php") && asked.body.get("seed").is_some() {
        &["weigh", "();"]
    } else if prompt.contains("<?php") {
        &["total", "();"]
    } else {
        &["a small", " cat", "\n"]
    };
    said.iter().for_each(|text| answer.text(text));
    answer.done();
}

#[test]
fn the_first_hour_of_a_user_from_an_empty_home_to_the_end() {
    let Some(neovim) = Neovim::or_skip(OLDEST) else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let mut script = neovim.script(&of_plugin("tests/walk.lua"), home.path());
    let said = run(script.arg(env!("CARGO_BIN_EXE_fimd")));
    assert!(said.starts_with("the walk holds"), "{said}");
}

#[test]
fn everything_works_with_the_real_program() {
    let Some(neovim) = Neovim::or_skip(OLDEST) else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let model = ModelServer::start(answer);
    let mut script = neovim.script(&of_plugin("tests/real.lua"), home.path());
    let said = run(script.arg(env!("CARGO_BIN_EXE_fimd")).arg(&model.url));
    assert!(
        said.starts_with("completion, tags and all else work"),
        "{said}"
    );
    // The context of the grey text: another file declares the class.
    let asked = model.asked();
    let prompt = asked.body["prompt"].as_str().unwrap();
    assert!(prompt.contains("function total(): int;"), "{prompt}");
}
