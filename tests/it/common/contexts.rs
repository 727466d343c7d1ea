//! The contexts that the real binary gives an editor: at the holes of a dataset, and at
//! places of unsaved buffers.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{Client, fimd};

/// The server's contexts for the holes of `examples`, in their order, with this
/// setting for secrets.
pub(crate) fn contexts_of(project: &Path, examples: &[Value], secrets: &str) -> Vec<Value> {
    let params = json!({"project_root": project, "bm25": true, "secrets": secrets});
    contexts_after(params, project, examples, None)
}

/// The server's contexts for the holes of `examples` of `project`, in their order,
/// after an `initialize` with these parameters. `sides` are the most characters of prefix
/// and suffix that the dataset was made with, unless they are the default.
pub(crate) fn contexts_after(
    initialize: Value,
    project: &Path,
    examples: &[Value],
    sides: Option<(usize, usize)>,
) -> Vec<Value> {
    let mut lines = vec![json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": initialize,
    })];
    for (id, example) in (1..).zip(examples) {
        let text = fs::read_to_string(project.join(example["filepath"].as_str().unwrap())).unwrap();
        let at = |field: &str| usize::try_from(example[field].as_u64().unwrap()).unwrap();
        let (start, end) = (at("start_byte"), at("end_byte"));
        let holed = [&text[..start], &text[end..]].concat();
        let mut params = json!({
            "filepath": project.join(example["filepath"].as_str().unwrap()),
            "content": holed,
            "cursor_offset": start,
            "max_chars": example["context_max_chars"],
            "start_offset": example["context_start"],
        });
        if let Some((prefix, suffix)) = sides {
            params["max_prefix_chars"] = prefix.into();
            params["max_suffix_chars"] = suffix.into();
        }
        lines.push(json!({
            "jsonrpc": "2.0", "id": id, "method": "getContext", "params": params,
        }));
    }
    let mut server = Command::new(env!("CARGO_BIN_EXE_fimd"))
        // This folder holds no settings.
        .env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = server.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        for line in lines {
            writeln!(stdin, "{line}").unwrap();
        }
    });
    let output = server.wait_with_output().unwrap();
    writer.join().unwrap();
    let parse = |line: &str| -> Value { serde_json::from_str(line).unwrap() };
    let text = String::from_utf8(output.stdout).unwrap();
    let mut answers: Vec<_> = text.lines().map(parse).collect();
    assert_eq!(answers.len(), examples.len() + 1);
    answers.sort_by_key(|answer| answer["id"].as_u64());
    let contexts = answers.into_iter().skip(1);
    contexts
        .map(|answer| answer["result"]["context"].clone())
        .collect()
}

/// The contexts at the `|` of each of `buffers`, unsaved texts of the file `path`, from one
/// server that is initialized with `initialize`.
pub(crate) fn contexts_at<S: AsRef<str>>(
    initialize: &Value,
    path: &str,
    buffers: &[S],
) -> Vec<String> {
    let mut client = Client::start(&mut fimd());
    let mut ask = |id: usize, method: &str, params: &Value| -> Value {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        client.send(format!("{request}\n"));
        serde_json::from_str(&client.answer()).unwrap()
    };
    ask(0, "initialize", initialize);
    let contexts = (1..).zip(buffers).map(|(id, buffer)| {
        let (before, after) = buffer.as_ref().split_once('|').unwrap();
        let params = json!({
            "filepath": path,
            "content": format!("{before}{after}"),
            "cursor_offset": before.len(),
        });
        let answer = ask(id, "getContext", &params);
        answer["result"]["context"].as_str().unwrap().to_owned()
    });
    let contexts = contexts.collect();
    assert_eq!(client.close().code, Some(0));
    contexts
}
