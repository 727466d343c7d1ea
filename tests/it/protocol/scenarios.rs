//! Conversations in NDJSON framing: every row of the error table, and every
//! sentence about messages in the documentation of the protocol.

use crate::common::{Project, matches};

/// Lines that the client sends at once, and all lines that come back. In both,
/// `{root}` stands for the project; in the answers `*` stands for any text.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) input: Vec<String>,
    pub(super) answers: Vec<String>,
    /// Whether the answers must come in the given order.
    pub(super) in_order: bool,
}

pub(super) const INITIALIZE: &str =
    r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"project_root":"{root}"}}"#;
pub(super) const INITIALIZED: &str =
    r#"{"jsonrpc":"2.0","id":"i","result":{"file_count":2,"bm25_chunks":0}}"#;
pub(super) const EMPTY: &str = r#"{"context":""}"#;
pub(super) const NOT_INITIALIZED: &str = r#"{"code":-1,"message":"not initialized"}"#;

pub(super) fn project() -> Project {
    Project::new(&[
        (
            "src/Greeter.php",
            "<?php\nnamespace Shop;\nclass Greeter\n{\n    public function greet(string $name): string\n    {\n        return \"Hello $name\";\n    }\n}\n",
        ),
        (
            "src/prices.php",
            "<?php\nnamespace Shop;\nfunction priceInCents(float $euros): int\n{\n    return (int) round($euros * 100);\n}\n",
        ),
        ("readme.txt", "No PHP."),
    ])
}

pub(super) fn call(id: &str, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

pub(super) fn notify(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
}

/// A `getContext` whose context is empty, because its buffer refers to nothing.
pub(super) fn get(id: &str, more: &str) -> String {
    let params = format!(r#"{{"filepath":"x.php","content":"<?php"{more}}}"#);
    call(id, "getContext", &params)
}

pub(super) fn result(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

pub(super) fn error(id: &str, error: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
}

pub(super) fn failed(id: &str, code: i32, message: &str) -> String {
    error(id, &format!(r#"{{"code":{code},"message":"{message}"}}"#))
}

pub(super) fn scenario<const I: usize, const A: usize>(
    name: &'static str,
    input: [&str; I],
    answers: [&str; A],
) -> Scenario {
    Scenario {
        name,
        input: input.map(String::from).into(),
        answers: answers.map(String::from).into(),
        in_order: false,
    }
}

impl Scenario {
    pub(super) fn in_order(mut self) -> Self {
        self.in_order = true;
        self
    }

    /// The bytes that the client sends.
    pub(super) fn bytes(&self, project: &Project) -> Vec<u8> {
        let lines = self.input.iter().map(|line| project.fill(line) + "\n");
        lines.collect::<String>().into()
    }

    /// Fails unless `answers` are exactly the expected ones.
    pub(super) fn check(&self, project: &Project, mut answers: Vec<String>) {
        let name = self.name;
        for line in &answers {
            serde_json::from_str::<&serde_json::value::RawValue>(line).unwrap();
        }
        for pattern in &self.answers {
            let pattern = project.fill(pattern);
            let found = match self.in_order {
                true => answers
                    .first()
                    .and_then(|a| matches(&pattern, a).then_some(0)),
                false => answers.iter().position(|answer| matches(&pattern, answer)),
            };
            match found {
                Some(at) => drop(answers.remove(at)),
                None => panic!("{name}: no {pattern}\nin {answers:#?}"),
            }
        }
        assert!(answers.is_empty(), "{name}: unexpected {answers:#?}");
    }
}

/// All conversations.
pub(super) fn scenarios() -> Vec<Scenario> {
    let groups = [
        lifecycle(),
        contexts(),
        notifications(),
        batches(),
        faults(),
        vec![ids(), wrong_parameters()],
    ];
    groups.into_iter().flatten().collect()
}

/// `initialize`, `shutdown`, and the end of the input.
fn lifecycle() -> Vec<Scenario> {
    vec![
        scenario("no input at all is a clean end", [], []),
        scenario("initialize counts", [INITIALIZE], [INITIALIZED]),
        scenario(
            "initialize takes all of its parameters",
            [&call(
                "1",
                "initialize",
                r#"{"project_root":"{root}","include_paths":["{root}/src"],"bm25":false,"offset_encoding":"utf-16","unknown":1}"#,
            )],
            [&result("1", r#"{"file_count":*,"bm25_chunks":0}"#)],
        ),
        scenario(
            "a request may follow initialize at once, and is answered after it",
            [INITIALIZE, &get("2", ""), &call("3", "nope", "{}")],
            [INITIALIZED, "*", "*"],
        )
        .in_order(),
        scenario(
            "initialize may be called again",
            [
                INITIALIZE,
                &call("2", "initialize", r#"{"project_root":"{root}/src"}"#),
                &get("3", ""),
            ],
            [
                INITIALIZED,
                &result("2", r#"{"file_count":2,"bm25_chunks":0}"#),
                &result("3", EMPTY),
            ],
        )
        .in_order(),
        scenario(
            "an initialize that fails leaves the project as it was",
            [INITIALIZE, &call("2", "initialize", "{}"), &get("3", "")],
            [
                INITIALIZED,
                &failed("2", -32602, "project_root: expected *"),
                &result("3", EMPTY),
            ],
        )
        .in_order(),
        scenario(
            "after an initialize that failed there is no project",
            [
                &call("1", "initialize", r#"{"project_root":"{root}/missing"}"#),
                &get("2", ""),
            ],
            [
                &failed("1", -32602, "project_root: *{root}/missing*"),
                &error("2", NOT_INITIALIZED),
            ],
        )
        .in_order(),
        scenario(
            "shutdown is answered last and ends the connection",
            [
                INITIALIZE,
                &get("2", ""),
                r#"{"jsonrpc":"2.0","id":3,"method":"shutdown"}"#,
                &get("4", ""),
            ],
            [INITIALIZED, &result("2", EMPTY), &result("3", "null")],
        )
        .in_order(),
        scenario(
            "shutdown needs no initialize",
            [&call("3", "shutdown", "[]")],
            [&result("3", "null")],
        ),
        scenario(
            "requests in flight are answered at the end of the input",
            [INITIALIZE, &get("2", ""), &get("3", ""), &get("4", "")],
            [
                INITIALIZED,
                &result("4", EMPTY),
                &result("3", EMPTY),
                &result("2", EMPTY),
            ],
        ),
    ]
}

/// Parameters of `getContext` that are right.
fn contexts() -> Vec<Scenario> {
    vec![
        scenario(
            "explain adds what was sent and what was not",
            [
                INITIALIZE,
                &get("2", r#","explain":true"#),
                &get("3", r#","explain":false"#),
            ],
            [
                INITIALIZED,
                &result("2", r#"{"context":"","snippets":[],"dropped":[]}"#),
                &result("3", EMPTY),
            ],
        ),
        scenario(
            "a file need not exist, nor lie inside the root",
            [
                INITIALIZE,
                &call(
                    "2",
                    "getContext",
                    r#"{"filepath":"/no/such/file.php","content":"<?php"}"#,
                ),
                &call("3", "getContext", r#"{"filepath":"../x","content":""}"#),
                &call(
                    "4",
                    "getContext",
                    r#"{"filepath":"","content":"","max_chars":0}"#,
                ),
            ],
            [
                INITIALIZED,
                &result("2", EMPTY),
                &result("3", EMPTY),
                &result("4", EMPTY),
            ],
        ),
        scenario(
            "a cursor past the end or inside a character is clamped",
            [
                INITIALIZE,
                &get("2", r#","cursor_offset":99"#),
                &get("3", r#","cursor_offset":123456789012345678901234567890"#),
                &call(
                    "4",
                    "getContext",
                    r#"{"filepath":"x.php","content":"\u00e4","cursor_offset":1}"#,
                ),
            ],
            [
                INITIALIZED,
                &result("2", EMPTY),
                &result("3", EMPTY),
                &result("4", EMPTY),
            ],
        ),
    ]
}

/// Messages that get no answer.
fn notifications() -> Vec<Scenario> {
    vec![
        scenario(
            "blank lines and carriage returns are tolerated",
            [
                "",
                "  \t",
                "\r",
                &format!("{}\r", call("1", "nope", "{}")),
                "",
            ],
            [&failed("1", -32601, r#"unknown method \"nope\""#)],
        ),
        scenario(
            "notifications are never answered, good or bad",
            [
                &notify("getContext", r#"{"filepath":5}"#),
                &notify("nope", "{}"),
                &notify("$/cancelRequest", "{}"),
                &notify("initialize", r#"{"project_root":5}"#),
                &notify("initialized", "{}"),
            ],
            [],
        ),
        scenario(
            "a notification takes effect",
            [
                &notify("initialize", r#"{"project_root":"{root}"}"#),
                &get("1", ""),
            ],
            [&result("1", EMPTY)],
        ),
        scenario(
            "shutdown as a notification ends the connection",
            [&notify("shutdown", "{}"), &get("1", "")],
            [],
        ),
    ]
}

/// Batches.
fn batches() -> Vec<Scenario> {
    vec![
        scenario(
            "a batch is answered as one array in the order of its requests",
            [&format!(
                "[{INITIALIZE},{},5,{},{}]",
                get("2", ""),
                notify("nope", "{}"),
                call("3", "nope", "{}")
            )],
            [&format!(
                "[{INITIALIZED},{},{},{}]",
                result("2", EMPTY),
                failed("null", -32600, "expected a request object, found a number"),
                failed("3", -32601, r#"unknown method \"nope\""#)
            )],
        ),
        scenario(
            "a request that follows a batch with initialize is answered after the batch",
            [&format!("[{INITIALIZE}]"), &get("2", "")],
            [&format!("[{INITIALIZED}]"), &result("2", EMPTY)],
        )
        .in_order(),
        scenario(
            "a batch of notifications is not answered",
            [&format!(
                "[{},{}]",
                notify("nope", "{}"),
                notify("initialize", "{}")
            )],
            [],
        ),
        scenario(
            "a batch with shutdown is answered whole",
            [
                &format!(
                    "[{},{}]",
                    call("1", "shutdown", "{}"),
                    call("2", "nope", "{}")
                ),
                &get("3", ""),
            ],
            [&format!(
                "[{},{}]",
                result("1", "null"),
                failed("2", -32601, "*")
            )],
        ),
    ]
}

/// Messages that are not requests, and requests that cannot be answered.
fn faults() -> Vec<Scenario> {
    vec![
        scenario(
            "a finished or unknown request can be cancelled without effect",
            [
                &notify("$/cancelRequest", r#"{"id":1}"#),
                &call("2", "$/cancelRequest", r#"{"id":"x"}"#),
                &call("3", "$/cancelRequest", "{}"),
            ],
            [
                &result("2", "null"),
                &failed(
                    "3",
                    -32602,
                    "id: expected a string or a number, found nothing",
                ),
            ],
        ),
        scenario(
            "what is not JSON is a parse error, and the next message is read",
            [
                "{",
                "}{",
                "nonsense",
                "Content-Length: 5",
                &call("1", "nope", "{}"),
            ],
            [
                &failed("null", -32700, "not JSON: *"),
                &failed("null", -32700, "not JSON: *"),
                &failed("null", -32700, "not JSON: *"),
                &failed("null", -32700, "not JSON: *"),
                &failed("1", -32601, "*"),
            ],
        ),
        scenario(
            "what is not a request is refused, and the next message is read",
            [
                "[]",
                "5",
                "null",
                "true",
                "\"x\"",
                "{}",
                r#"{"jsonrpc":"2.0","id":7}"#,
                r#"{"jsonrpc":"2.0","id":{},"method":"m"}"#,
                r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#,
                r#"{"id":8,"method":"m"}"#,
                &call("1", "nope", "{}"),
            ],
            [
                &failed("null", -32600, "an empty batch"),
                &failed("null", -32600, "expected a request object, found a number"),
                &failed("null", -32600, "expected a request object, found null"),
                &failed("null", -32600, "expected a request object, found a boolean"),
                &failed("null", -32600, "expected a request object, found a string"),
                &failed("null", -32600, r#"jsonrpc: expected \"2.0\""#),
                &failed("7", -32600, "method: expected a string"),
                &failed(
                    "null",
                    -32600,
                    "id: expected a string or a number, found an object",
                ),
                &failed(
                    "null",
                    -32600,
                    "id: expected a string or a number, found null",
                ),
                &failed("8", -32600, r#"jsonrpc: expected \"2.0\""#),
                &failed("1", -32601, "*"),
            ],
        ),
        scenario(
            "before initialize there is nothing to ask",
            [&get("1", ""), &call("2", "getContext", "{}")],
            [&error("1", NOT_INITIALIZED), &error("2", NOT_INITIALIZED)],
        ),
    ]
}

/// Ids in unusual spellings.
fn ids() -> Scenario {
    let ids = [
        "1e400",
        "12345678901234567890123",
        "-0.0",
        "1E+2",
        r#""\u0041\ud800""#,
        r#""""#,
    ];
    Scenario {
        name: "an id comes back as it was written",
        input: ids.map(|id| call(id, "nope", "{}")).into(),
        answers: ids
            .map(|id| failed(id, -32601, r#"unknown method \"nope\""#))
            .into(),
        in_order: false,
    }
}

/// Parameters of the wrong type or value.
fn wrong_parameters() -> Scenario {
    let root = r#""project_root":"{root}""#;
    let wrong = [
        (
            "initialize",
            "[1]".into(),
            "params: expected an object, found an array",
        ),
        (
            "initialize",
            "7".into(),
            "params: expected an object, found a number",
        ),
        (
            "initialize",
            "null".into(),
            "project_root: expected the path of a directory, found nothing",
        ),
        (
            "initialize",
            r#"{"project_root":5}"#.into(),
            "project_root: expected the path of a directory, found 5",
        ),
        (
            "initialize",
            r#"{"project_root":"{root}/readme.txt"}"#.into(),
            "project_root: *readme.txt*",
        ),
        (
            "initialize",
            format!(r#"{{{root},"include_paths":"x"}}"#),
            r#"include_paths: expected an array of paths, found \"x\""#,
        ),
        (
            "initialize",
            format!(r#"{{{root},"include_paths":["{{root}}/missing"]}}"#),
            "include_paths: *{root}/missing*",
        ),
        (
            "initialize",
            format!(r#"{{{root},"bm25":1}}"#),
            "bm25: expected true or false, found 1",
        ),
        (
            "initialize",
            format!(r#"{{{root},"offset_encoding":"utf-7"}}"#),
            "offset_encoding: expected *utf-16*, found *utf-7*",
        ),
        (
            "getContext",
            "{}".into(),
            "filepath: expected a path, found nothing",
        ),
        (
            "getContext",
            r#"{"filepath":"x.php"}"#.into(),
            "content: expected the text of the buffer, found nothing",
        ),
        (
            "getContext",
            r#"{"filepath":"x.php","content":null}"#.into(),
            "content: expected the text of the buffer, found null",
        ),
    ];
    let cursors = ["null", "-1", "1.5", "1e3", r#""3""#, "[]", "true"];
    let numbers = cursors.iter().flat_map(|value| {
        ["cursor_offset", "max_chars"].map(|name| {
            let params = format!(r#"{{"filepath":"x.php","content":"","{name}":{value}}}"#);
            let found = match *value {
                "[]" => "an array".to_owned(),
                value => value.replace('"', r#"\""#),
            };
            let message = format!("{name}: expected an integer of 0 or more, found {found}");
            ("getContext", params, message)
        })
    });
    let wrong = wrong.map(|(method, params, message)| (method, params, message.to_owned()));
    let (mut input, mut answers) = (vec![INITIALIZE.to_owned()], vec![INITIALIZED.to_owned()]);
    for (id, (method, params, message)) in wrong.into_iter().chain(numbers).enumerate() {
        input.push(call(&id.to_string(), method, &params));
        answers.push(failed(&id.to_string(), -32602, &message));
    }
    Scenario {
        name: "a wrong parameter is named",
        input,
        answers,
        in_order: false,
    }
}
