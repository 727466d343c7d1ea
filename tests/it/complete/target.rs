//! `target_ms`: the length of prompts follows the speed that the model server tells.

use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// A model server that tells this speed, in microseconds a token of a prompt. It writes
/// a token in 5 ms.
fn server_of(read_us: &Arc<AtomicU32>) -> ModelServer {
    let read_us = Arc::clone(read_us);
    ModelServer::start(move |_, answer| {
        let read_ms = f64::from(read_us.load(Ordering::Relaxed)) / 1e3;
        let message = json!({
            "choices": [{ "text": "f();", "finish_reason": "stop" }],
            "timings": {
                "cache_n": 0, "prompt_n": 1000, "prompt_ms": 1000.0 * read_ms,
                "predicted_n": 11, "predicted_ms": 50.0,
            },
        });
        answer.stream();
        answer.send(format!("data: {message}\n\n"));
    })
}

/// A project whose contexts and windows fill every budget.
fn large_project() -> (Project, String) {
    let methods = |word: &str| -> String {
        let method = |n| {
            format!(
                "    public function {word}{n}(Cart $cart, int $count): int\n    {{\n        \
                 return $cart->take{n}($count, '{word}') + $cart->price{n}();\n    }}\n\n"
            )
        };
        (0..120).map(method).collect()
    };
    let page = format!("<?php\nclass Page\n{{\n{}}}\n", methods("show"));
    let members = |n| {
        format!(
            "    public function take{n}(int $count, string $for): int {{ return 1; }}\n    \
             public function price{n}(): int {{ return {n}; }}\n"
        )
    };
    let cart: String = (0..120).map(members).collect();
    let files = [
        ("src/Cart.php", format!("<?php\nclass Cart\n{{\n{cart}}}\n")),
        ("src/Report.php", page.replace("Page", "Report")),
        ("src/page.php", page.clone()),
    ];
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    (Project::new(&files), page)
}

/// `page` with `typed` in place of the body of its method `number`, and the cursor
/// behind it.
fn typing(page: &str, number: usize, typed: &str) -> String {
    let method = page.find(&format!("function show{number}(")).unwrap();
    let body = method + page[method..].find("return").unwrap();
    let end = body + page[body..].find('\n').unwrap();
    format!("{}{typed}|{}", &page[..body], &page[end..])
}

impl Session {
    /// The prompt for the cursor at the `|` of `code`.
    fn prompt(&mut self, id: u64, server: &ModelServer, code: &str) -> String {
        self.complete(id, code);
        let asked = server.asked().body;
        asked["prompt"].as_str().unwrap().to_owned()
    }
}

const TARGET: &str = "[completion]\ntarget_ms = 300\n";

#[test]
fn prompts_are_as_long_as_the_server_is_fast() {
    let (project, page) = large_project();
    for (read_us, total) in [(100, 8192), (300, 4096), (600, 2048), (3000, 1024)] {
        let server = server_of(&Arc::new(AtomicU32::new(read_us)));
        let mut session = Session::new(project.path(), &server, TARGET);
        let first = session.prompt(1, &server, &typing(&page, 60, "$cart->"));
        let second = session.prompt(2, &server, &typing(&page, 80, "$cart->"));
        // The same as without a budget in time, with this total.
        let own = format!("[completion]\nmax_total_chars = {total}\n");
        let mut plain = Session::new(project.path(), &server, &own);
        let expected = plain.prompt(1, &server, &typing(&page, 80, "$cart->"));
        assert_eq!(second, expected, "{read_us}");
        let most = total * 3 / 4 + 60;
        assert!(second.chars().count() <= most, "{read_us}: {second}");
        // The speed was not known yet.
        let mut plain = Session::new(project.path(), &server, "");
        let expected = plain.prompt(1, &server, &typing(&page, 60, "$cart->"));
        assert_eq!(first, expected, "{read_us}");
    }
}

#[test]
fn the_length_of_prompts_changes_only_at_a_new_place() {
    let (project, page) = large_project();
    let read_us = Arc::new(AtomicU32::new(600));
    let server = server_of(&read_us);
    let mut session = Session::new(project.path(), &server, TARGET);
    let mut id = 0;
    // The prompts are those of sessions with one length.
    let mut long = Session::new(project.path(), &server, "");
    let own = "[completion]\nmax_total_chars = 2048\n";
    let mut short = Session::new(project.path(), &server, own);
    let mut is_as = |plain: &mut Session, number, typed| {
        id += 1;
        let code = typing(&page, number, typed);
        let [prompt, expected] =
            [&mut session, plain].map(|session| session.prompt(id, &server, &code));
        assert_eq!(prompt, expected, "{number} {typed}");
    };
    let typed = ["$sum = ", "$sum = $", "$sum = $count", "$sum = $count + "];
    for typed in typed {
        is_as(&mut long, 60, typed);
    }
    for typed in typed {
        is_as(&mut short, 20, typed);
    }
    read_us.store(50, Ordering::Relaxed);
    for typed in typed.repeat(4) {
        is_as(&mut short, 20, typed);
    }
    for typed in typed {
        is_as(&mut long, 90, typed);
    }
}

#[test]
fn a_speed_that_varies_keeps_the_length_of_prompts() {
    let (project, page) = large_project();
    let read_us = Arc::new(AtomicU32::new(600));
    let server = server_of(&read_us);
    let mut session = Session::new(project.path(), &server, TARGET);
    let own = "[completion]\nmax_total_chars = 2048\n";
    let mut plain = Session::new(project.path(), &server, own);
    session.complete(1, &typing(&page, 20, "$sum = "));
    server.asked();
    for n in 0..12 {
        let varied = [700, 600, 500][n % 3];
        read_us.store(varied, Ordering::Relaxed);
        let code = typing(&page, 30 + 5 * n, "$sum = ");
        let id = u64::try_from(n).unwrap() + 2;
        let prompt = session.prompt(id, &server, &code);
        assert_eq!(prompt, plain.prompt(id, &server, &code), "{n}");
    }
}

#[test]
fn without_a_budget_in_time_speed_changes_nothing() {
    let (project, page) = large_project();
    let server = server_of(&Arc::new(AtomicU32::new(3000)));
    let mut session = Session::new(project.path(), &server, "");
    for (id, number) in [(1, 60), (2, 80), (3, 20)] {
        let prompt = session.prompt(id, &server, &typing(&page, number, "$sum = "));
        let shown = format!("function show{}(", number - 8);
        assert!(prompt.contains(&shown), "{prompt}");
    }
    let status = session.ask(9, "fimd/status", &json!({}));
    assert_eq!(status["result"]["model"]["target"], Value::Null, "{status}");
}

#[test]
fn the_status_tells_the_length_of_prompts_and_why() {
    let (project, page) = large_project();
    let server = server_of(&Arc::new(AtomicU32::new(500)));
    let mut session = Session::new(project.path(), &server, TARGET);
    for (id, number) in [(1, 60), (2, 80)] {
        session.complete(id, &typing(&page, number, "$sum = "));
    }
    let status = session.ask(9, "fimd/status", &json!({}))["result"].take();
    let target = &status["model"]["target"];
    assert_eq!(target["target_ms"], 300, "{target}");
    assert_eq!(target["total_chars"], 2048, "{target}");
    assert_eq!(target["max_total_chars"], 8192, "{target}");
    let mut shown = fimd()
        .args(["status", "--from", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input = status.to_string();
    let mut stdin = shown.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let shown = shown.wait_with_output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let line = shown.lines().find(|line| line.starts_with("prompts: "));
    assert_eq!(
        line,
        Some(
            "prompts: up to 2048 of 8192 characters (target_ms = 300); the server reads 2000 \
             tokens/s and writes 200, so a line takes on average at most 228 ms, with the \
             next larger size 375 ms"
        ),
        "{shown}"
    );
}
