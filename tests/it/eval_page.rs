//! The page of `fimd eval completion`: a real browser shows its cases, filters and sorts
//! them, with a thousand holes under four conditions.

use std::path::Path;
use std::process::Command;

use fimd::eval::completion::page::{PageAbout, PageCases, page};
use fimd::eval::completion::report::CompletionTally;
use fimd::eval::completion::{AnswerRow, CompletionHole};

use crate::common::browser;

const CONDITIONS: [&str; 4] = ["without", "with", "tuned", "with, 8192"];
const HOLES: u32 = 1000;
/// The figures are of the first holes: the test is about the cases.
const TALLIED: u32 = 200;
/// The most bytes of the page: a browser opens it at once, and it can be mailed.
const MAX_BYTES: usize = 12 << 20;

/// A number that looks drawn, from 0 to 1.
fn drawn(what: &str, hole: u32, condition: u32) -> f64 {
    let hash = blake3::hash(format!("{what}/{hole}/{condition}").as_bytes());
    let [a, b, c, ..] = hash.as_bytes();
    let number = u32::from_be_bytes([0, *a, *b, *c]);
    f64::from(number) / f64::from(1 << 24)
}

fn hole(id: u32) -> CompletionHole {
    let file = id / 3;
    let directory = format!("src/Domain{}/Module{}", file % 5, file % 23);
    let needed = (!id.is_multiple_of(3)).then(|| format!("findOne{}", id % 7));
    let name = needed.as_deref().unwrap_or("get");
    CompletionHole {
        id,
        path: format!("{directory}/File{file}.php"),
        cursor: 1234 + id as usize,
        kind: ["call", "statement", "block", "string"][id as usize % 4].into(),
        directory,
        middle: format!("$repository->{name}($order, 'x{id}');\n        return $this;"),
        needed,
        before: "    /** </script><!-- a doc comment */\n    public function handle(Order $order)\n    {\n        ".into(),
        after: "\n    }\n\n    private function other(): void\n    {\n".into(),
    }
}

fn answer(hole: &CompletionHole, condition: u32) -> AnswerRow {
    let id = hole.id;
    let right = [0.45, 0.62, 0.64, 0.62][condition as usize];
    let shown = match drawn("right", id, condition) {
        luck if luck < right => hole.middle.clone(),
        luck if luck > 0.96 => String::new(),
        _ => "$repository->find($order);".to_owned(),
    };
    let method = |line: u32| {
        let number = (id + line * 17 + condition) % 4000;
        format!(
            "    public function method{line}Of{number}(string $argument, int $count): ?Items;\n"
        )
    };
    let lines = if condition == 0 { 0 } else { 60 };
    AnswerRow {
        hole: id,
        condition,
        raw: match id % 5 {
            0 => format!("{shown}\n}}\n</script>"),
            _ => shown.clone(),
        },
        shown,
        context: (0..lines).map(method).collect(),
        needed_in_context: hole
            .needed
            .as_ref()
            .map(|_| condition > 0 && drawn("held", id, condition) < 0.8),
        cut: drawn("cut", id, condition) < 0.03,
        parses: Some(drawn("parses", id, condition) < 0.9),
        tokens_read: Some(1000 + 400 * condition),
        tokens_reused: Some(300),
        tokens_written: Some(20),
        first_token_ms: Some(30.0 + 100.0 * drawn("first", id, condition)),
        total_ms: 150.0 + 300.0 * drawn("total", id, condition),
        bits_per_char: None,
        error: (id == 17 && condition == 1).then(|| "the server closed the connection".into()),
    }
}

#[test]
fn a_browser_shows_filters_and_sorts_the_cases() {
    let Some((chromium, playwright)) = browser::or_skip() else {
        return;
    };
    let mut tally = CompletionTally::new(CONDITIONS.map(String::from).to_vec(), 42);
    let mut cases = PageCases::new(HOLES as usize, CONDITIONS.len());
    for id in 0..HOLES {
        let hole = hole(id);
        let rows: Vec<AnswerRow> = (0..4).map(|condition| answer(&hole, condition)).collect();
        if id < TALLIED {
            rows.iter().for_each(|row| tally.add(&hole, row));
        }
        cases.add(&hole, &rows);
    }
    let about = PageAbout {
        title: "Completions of shop".into(),
        options: vec![("seed".into(), "42".into())],
    };
    let page = page(&about, &tally.report(), cases).unwrap();
    assert!(page.len() < MAX_BYTES, "{} bytes", page.len());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(&file, page).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/eval_page.mjs");
    let run = Command::new("node")
        .arg(script)
        .arg(playwright)
        .arg(chromium)
        .arg(file)
        .args(std::env::var_os("FIMD_SHOTS"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
}
