//! Classes of installed packages. fimd finds them through Composer's files,
//! shows them where a buffer uses them, and does not index them.

use serde_json::{Value, json};

use crate::common::{Client, Project, fimd};

/// The contexts at the `|` of each of `buffers`, from one server.
fn contexts(root: &str, buffers: &[&str]) -> Vec<String> {
    let mut client = Client::start(&mut fimd());
    let mut ask = |id: usize, method: &str, params: Value| -> Value {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        client.send(format!("{request}\n"));
        serde_json::from_str(&client.answer()).unwrap()
    };
    ask(0, "initialize", json!({"project_root": root}));
    let contexts = (1..).zip(buffers).map(|(id, buffer)| {
        let (before, after) = buffer.split_once('|').unwrap();
        let params = json!({
            "filepath": "src/buffer.php",
            "content": format!("{before}{after}"),
            "cursor_offset": before.len(),
        });
        let answer = ask(id, "getContext", params);
        answer["result"]["context"].as_str().unwrap().to_owned()
    });
    let contexts = contexts.collect();
    assert_eq!(client.close().code, Some(0));
    contexts
}

fn shop() -> String {
    format!("{}/tests/fixtures/shop", env!("CARGO_MANIFEST_DIR"))
}

const TYPED: &str = "<?php\nuse Acme\\Money\\Money;\nfunction f(Money $m) {\n    $m->|\n}\n";
const CHAINED: &str = "<?php\nuse Acme\\Money\\Money;\n$x = Money::ofCents(1, 'EUR')->|;\n";

#[test]
fn the_members_of_a_package_s_class_are_offered() {
    for context in contexts(&shop(), &[TYPED, CHAINED]) {
        assert!(
            context.contains("// --- vendor/acme/money/src/Money.php ---\n"),
            "{context}"
        );
        for member in [
            "function plus(self $other): self;",
            "function format(): string;",
        ] {
            assert!(context.contains(member), "{context}");
        }
        assert!(!context.contains("$cents;"), "private: {context}");
    }
}

#[test]
fn an_answer_does_not_depend_on_what_was_asked_before() {
    let together = contexts(&shop(), &[CHAINED, TYPED, CHAINED]);
    let alone = contexts(&shop(), &[TYPED]);
    assert_eq!(together[1], alone[0]);
    assert_eq!(together[0], together[2]);
}

#[test]
fn a_package_is_not_indexed() {
    let mut client = Client::start(&mut fimd());
    let params = json!({"project_root": shop()});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
    client.send(format!("{request}\n"));
    let answer: Value = serde_json::from_str(&client.answer()).unwrap();
    let files = fimd().args(["files", &shop()]).output().unwrap();
    let files = String::from_utf8(files.stdout).unwrap();
    assert!(!files.contains("vendor/"), "{files}");
    assert_eq!(answer["result"]["file_count"], files.lines().count());
    assert_eq!(client.close().code, Some(0));
}

#[test]
fn the_project_s_own_class_comes_before_a_package_s() {
    let project = Project::new(&[
        (
            "composer.json",
            r#"{"autoload": {"psr-4": {"": "vendor/x/"}}}"#,
        ),
        (
            "vendor/x/Both.php",
            "<?php class Both { function ofThePackage() {} }",
        ),
        (
            "vendor/x/Base.php",
            "<?php class Base { function inherited() {} }",
        ),
        (
            "src/Both.php",
            "<?php class Both extends Base { function own() {} }",
        ),
    ]);
    let root = project.path().to_str().unwrap();
    let context = &contexts(root, &["<?php (new Both)->|"])[0];
    assert!(context.contains("function own()"), "{context}");
    assert!(context.contains("function inherited()"), "{context}");
    assert!(!context.contains("ofThePackage"), "{context}");
}
