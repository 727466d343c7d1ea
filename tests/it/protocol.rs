//! The NDJSON framing, spoken to the real binary over pipes and over a socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fimd::config::Settings;
use fimd::engine::Engine;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::common::daemon::Daemon;
use crate::common::{Client, Project, ServerExit, fimd, matches};

/// Lines that the client sends at once, and all lines that come back. In both,
/// `{root}` stands for the project; in the answers `*` stands for any text.
struct Scenario {
    name: &'static str,
    input: Vec<String>,
    answers: Vec<String>,
    /// Whether the answers must come in the given order.
    in_order: bool,
}

const INITIALIZE: &str =
    r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"project_root":"{root}"}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","id":"i","result":{"file_count":2,"bm25_chunks":0}}"#;
const EMPTY: &str = r#"{"context":""}"#;
const NOT_INITIALIZED: &str = r#"{"code":-1,"message":"not initialized"}"#;

fn project() -> Project {
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

fn call(id: &str, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

fn notify(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
}

/// A `getContext` whose context is empty, because its buffer refers to nothing.
fn get(id: &str, more: &str) -> String {
    let params = format!(r#"{{"filepath":"x.php","content":"<?php"{more}}}"#);
    call(id, "getContext", &params)
}

fn result(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

fn error(id: &str, error: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
}

fn failed(id: &str, code: i32, message: &str) -> String {
    error(id, &format!(r#"{{"code":{code},"message":"{message}"}}"#))
}

fn scenario<const I: usize, const A: usize>(
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
    fn in_order(mut self) -> Self {
        self.in_order = true;
        self
    }

    /// The bytes that the client sends.
    fn bytes(&self, project: &Project) -> Vec<u8> {
        let lines = self.input.iter().map(|line| project.fill(line) + "\n");
        lines.collect::<String>().into()
    }

    /// Fails unless `answers` are exactly the expected ones.
    fn check(&self, project: &Project, mut answers: Vec<String>) {
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

/// Every row of the error table and every sentence about messages in the
/// documentation of the protocol.
fn scenarios() -> Vec<Scenario> {
    let mut all = vec![
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
    ];
    let ids = [
        "1e400",
        "12345678901234567890123",
        "-0.0",
        "1E+2",
        r#""\u0041\ud800""#,
        r#""""#,
    ];
    all.push(Scenario {
        name: "an id comes back as it was written",
        input: ids.map(|id| call(id, "nope", "{}")).into(),
        answers: ids
            .map(|id| failed(id, -32601, r#"unknown method \"nope\""#))
            .into(),
        in_order: false,
    });
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
    all.push(Scenario {
        name: "a wrong parameter is named",
        input,
        answers,
        in_order: false,
    });
    all
}

#[test]
fn scenarios_over_stdio() {
    let project = project();
    for scenario in scenarios() {
        // Even with the finest log level, stdout holds only answers.
        let mut client = Client::start(fimd().args(["--log-level", "trace"]));
        client.send(scenario.bytes(&project));
        let ServerExit { answers, code, log } = client.close();
        assert_eq!(code, Some(0), "{}: {log}", scenario.name);
        scenario.check(&project, answers);
    }
}

#[test]
fn scenarios_over_a_socket() {
    let project = project();
    let daemon = Daemon::start();
    for scenario in scenarios() {
        let answers = daemon.ask(&scenario.bytes(&project));
        scenario.check(&project, answers.lines().map(String::from).collect());
    }
}

/// The answers of a server in this process, when `input` arrives cut at `cuts`.
async fn served(engine: &Engine, input: &[u8], cuts: &[usize]) -> Vec<String> {
    let (ours, theirs) = tokio::io::duplex(1 << 10);
    let (input_end, output_end) = tokio::io::split(theirs);
    let server = fimd::server::serve(
        engine.clone(),
        input_end,
        output_end,
        std::future::pending(),
    );
    let (mut answers, mut requests) = tokio::io::split(ours);
    let client = async {
        let mut start = 0;
        for &end in cuts.iter().chain([&input.len()]) {
            if requests.write_all(&input[start..end]).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
            start = end;
        }
        requests.shutdown().await.unwrap();
    };
    let mut text = String::new();
    let (ended, (), read) = tokio::join!(server, client, answers.read_to_string(&mut text));
    ended.unwrap();
    read.unwrap();
    text.lines().map(String::from).collect()
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config {
        cases: 96,
        failure_persistence: None,
        ..Default::default()
    })]
    #[test]
    fn any_chunking_gives_the_same_answers(
        which in proptest::sample::select((0..scenarios().len()).collect::<Vec<_>>()),
        cuts in proptest::collection::vec(proptest::prelude::any::<proptest::sample::Index>(), 0..40),
    ) {
        let project = project();
        let scenario = &scenarios()[which];
        let input = scenario.bytes(&project);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len() + 1)).collect();
        cuts.sort_unstable();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let engine = Engine::new(Settings::default(), None).unwrap();
        let answers = runtime.block_on(served(&engine, &input, &cuts));
        scenario.check(&project, answers);
    }
}

#[test]
fn input_that_is_not_utf_8_is_a_parse_error() {
    let mut client = Client::start(&mut fimd());
    client.send(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}\n");
    let message = "not UTF-8: invalid byte at offset 34";
    assert_eq!(client.answer(), failed("null", -32700, message));
    assert_eq!(client.close().code, Some(0));
}

#[test]
fn a_message_needs_no_line_break_at_the_end_of_the_input() {
    let mut client = Client::start(&mut fimd());
    client.send(call("1", "shutdown", "{}"));
    let ended = client.close();
    assert_eq!(ended.answers, [result("1", "null")]);
    assert_eq!(ended.code, Some(0));
}

#[test]
fn a_message_may_have_64_mib_and_not_one_byte_more() {
    let mut client = Client::start(&mut fimd());
    let mut message = call("1", "nope", "{}");
    message += &" ".repeat((64 << 20) - message.len());
    client.send(format!(
        "{message}\r\n{message} \n{}\n",
        call("2", "nope", "{}")
    ));
    let scenario = scenario(
        "the limit",
        [],
        [
            &failed("1", -32601, "*"),
            &failed(
                "null",
                -32600,
                "a message may have 67108864 bytes; this one was skipped; raise max_message_bytes under [limits] in the settings file",
            ),
            &failed("2", -32601, "*"),
        ],
    );
    let ended = client.close();
    assert_eq!(ended.code, Some(0));
    scenario.check(&project(), ended.answers);
}

#[test]
fn a_cancelled_request_is_answered_once() {
    let project = project();
    let mut client = Client::start(&mut fimd());
    let mut cancelled = 0;
    for round in 0..20 {
        let id = format!(r#""a{round}""#);
        let cancel = notify("$/cancelRequest", &format!(r#"{{"id":"\u0061{round}"}}"#));
        let lines = [
            project.fill(INITIALIZE),
            get(&id, ""),
            cancel,
            call("2", "nope", "{}"),
        ];
        client.send(lines.join("\n") + "\n");
        let mut answers = [client.answer(), client.answer(), client.answer()];
        answers.sort();
        let [answered, initialized, nope] = answers;
        if answered == failed(&id, -32800, "cancelled") {
            cancelled += 1;
        } else {
            assert_eq!(answered, result(&id, EMPTY));
        }
        assert_eq!(nope, failed("2", -32601, r#"unknown method \"nope\""#));
        assert_eq!(initialized, INITIALIZED);
    }
    assert!(client.close().answers.is_empty());
    // The request waits until files are read, but the server reads its
    // cancellation at once.
    assert!(cancelled > 0);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_read_from() {
    const REQUESTS: usize = 20_000;
    let (ours, theirs) = tokio::io::duplex(1 << 10);
    let (input, output) = tokio::io::split(theirs);
    let engine = Engine::new(Settings::default(), None).unwrap();
    let server = fimd::server::serve(engine, input, output, std::future::pending());
    let server = tokio::spawn(server);
    let (mut answers, mut requests) = tokio::io::split(ours);
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let client = tokio::spawn(async move {
        for id in 0..REQUESTS {
            let line = call(&id.to_string(), "nope", "{}") + "\n";
            requests.write_all(line.as_bytes()).await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
        }
        requests.shutdown().await.unwrap();
    });
    // Everything runs on this thread. When nothing changes for a thousand turns,
    // nothing can.
    let mut before = usize::MAX;
    while before != sent.load(Ordering::Relaxed) {
        before = sent.load(Ordering::Relaxed);
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
    }
    assert!(
        (1..REQUESTS / 2).contains(&before),
        "{before} requests were read"
    );

    let mut text = String::new();
    answers.read_to_string(&mut text).await.unwrap();
    client.await.unwrap();
    server.await.unwrap().unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), REQUESTS);
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), REQUESTS, "an id was answered twice");
}

#[test]
fn the_context_of_a_buffer_is_answered_with_its_sources() {
    let project = project();
    let mut client = Client::start(&mut fimd());
    let content = r"<?php\nuse Shop\\Greeter;\n$greeter = new Greeter();\n$greeter->";
    let params = format!(
        r#"{{"filepath":"x.php","content":"{content}","cursor_offset":60,"explain":true}}"#
    );
    let initialize = call(
        "1",
        "initialize",
        r#"{"project_root":"{root}","bm25":true}"#,
    );
    client.send(project.fill(&initialize) + "\n" + &call("2", "getContext", &params) + "\n");

    let initialized: serde_json::Value = serde_json::from_str(&client.answer()).unwrap();
    assert_eq!(initialized["result"]["file_count"], 2);
    assert!(initialized["result"]["bm25_chunks"].as_u64().unwrap() > 0);

    let answer: serde_json::Value = serde_json::from_str(&client.answer()).unwrap();
    let context = answer["result"]["context"].as_str().unwrap();
    assert!(
        context.contains("// --- src/Greeter.php ---\n"),
        "{context}"
    );
    assert!(
        context.contains("function greet(string $name): string"),
        "{context}"
    );
    let snippet = &answer["result"]["snippets"][0];
    assert_eq!(snippet["path"], "src/Greeter.php");
    assert_eq!(snippet["source"], "dependency");
    assert!(snippet["end"].as_u64() > snippet["start"].as_u64());
    assert!(snippet["score"].is_number() && snippet["chars"].is_number());
    assert!(answer["result"]["dropped"].is_array());
    assert_eq!(client.close().code, Some(0));
}
