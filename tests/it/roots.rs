//! Several projects on one connection, in both framings: which project a file belongs
//! to, and what comes and goes with the folders of a workspace.

use std::path::Path;

use serde_json::{Value, json};

use crate::common::daemon::Daemon;
use crate::common::lsp_client::{self, Transport, over_both};
use crate::common::model_server::ModelServer;
use crate::common::{Client, Project, fimd};

/// A class that every project of these tests has, with a method of its own.
fn greeter(method: &str) -> String {
    format!(
        "<?php\nnamespace Shop;\nclass Greeter\n{{\n    public function {method}(string $name): string\n    {{\n        return $name;\n    }}\n}}\n"
    )
}

const CALLER: &str = "<?php\nuse Shop\\Greeter;\n$greeter = new Greeter();\n$greeter->\n";
const PLACE: (u32, u32) = (3, 10);

/// A folder with the projects `shop` and `hotel`, which have a class of one name.
fn two_projects() -> Project {
    Project::new(&[
        ("shop/src/Greeter.php", &greeter("greet")),
        ("shop/src/caller.php", CALLER),
        ("hotel/src/Greeter.php", &greeter("welcome")),
        ("hotel/src/caller.php", CALLER),
    ])
}

/// A monorepo: a project with two packages inside that have a class of one name, a
/// package whose classes the project loads itself, a plugin, and an installed package.
fn monorepo() -> Project {
    let autoload = r#"{"autoload": {"psr-4": {"Mono\\": "lib/"}}}"#;
    Project::new(&[
        ("composer.json", autoload),
        (".git/HEAD", "ref: refs/heads/main\n"),
        ("src/Greeter.php", &greeter("outer")),
        ("src/caller.php", CALLER),
        ("packages/a/composer.json", "{}"),
        ("packages/a/src/Greeter.php", &greeter("inA")),
        ("packages/a/src/caller.php", CALLER),
        ("packages/b/composer.json", r#"{"type": "project"}"#),
        ("packages/b/Greeter.php", &greeter("inB")),
        ("packages/b/caller.php", CALLER),
        ("lib/one/composer.json", r#"{"name": "mono/one"}"#),
        ("lib/one/caller.php", CALLER),
        ("plugins/p/composer.json", r#"{"type": "wordpress-plugin"}"#),
        ("plugins/p/caller.php", CALLER),
        ("tools/composer.json", r#"{"require-dev": {"a/b": "1"}}"#),
        ("tools/caller.php", CALLER),
        ("vendor/acme/x/composer.json", "{}"),
        ("vendor/acme/x/caller.php", CALLER),
    ])
}

/// The callers of the monorepo, and the method of the greeter that each sees.
const SEEN: [(&str, &str); 7] = [
    ("src/caller.php", "outer"),
    ("packages/a/src/caller.php", "inA"),
    ("packages/b/caller.php", "inB"),
    ("lib/one/caller.php", "outer"),
    ("plugins/p/caller.php", "outer"),
    ("tools/caller.php", "outer"),
    ("vendor/acme/x/caller.php", "outer"),
];

const METHODS: [&str; 6] = ["greet", "welcome", "outer", "inA", "inB", "edited"];

/// The method of the greeter that a context shows.
fn seen(context: &str) -> String {
    let shows = |method: &&&str| context.contains(&format!("function {method}(string $name)"));
    let shown: Vec<_> = METHODS.iter().filter(shows).copied().collect();
    shown.join(" and ")
}

fn at(project: &Project, path: &str) -> String {
    let path = project.path().canonicalize().unwrap().join(path);
    path.to_str().unwrap().to_owned()
}

fn uri(project: &Project, path: &str) -> String {
    format!("file://{}", at(project, path))
}

fn folder(project: &Project, path: &str) -> Value {
    json!({"uri": uri(project, path), "name": path})
}

/// What an NDJSON client is answered after `initialize` with these parameters, in the
/// order of `requests`: over pipes, and over a socket.
fn lines(initialize: &Value, requests: &[(&str, Value)]) -> [Vec<Value>; 2] {
    let first = ("initialize", initialize.clone());
    let all = std::iter::once(&first).chain(requests);
    let messages = (0..).zip(all).map(|(id, (method, params))| {
        let message = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        format!("{message}\n")
    });
    let input: String = messages.collect();
    let mut client = Client::start(&mut fimd());
    client.send(&input);
    let over_pipes = client.close().answers.join("\n");
    let over_socket = Daemon::start().ask(input.as_bytes());
    [over_pipes, over_socket].map(|text| {
        let parse = |line: &str| serde_json::from_str(line).unwrap();
        let mut answers: Vec<Value> = text.lines().map(parse).collect();
        answers.sort_by_key(|answer| answer["id"].as_u64());
        assert_eq!(answers.len(), requests.len() + 1, "{text}");
        answers
    })
}

/// `getContext` behind the last `->` of a caller.
fn get(filepath: &str) -> (&'static str, Value) {
    let params = json!({
        "filepath": filepath,
        "content": CALLER,
        "cursor_offset": CALLER.len() - 1,
        "explain": true,
    });
    ("getContext", params)
}

fn context(answer: &Value) -> &str {
    answer["result"]["context"].as_str().unwrap()
}

#[test]
fn each_file_gets_the_class_of_its_own_project() {
    let both = two_projects();
    let callers = ["shop/src/caller.php", "hotel/src/caller.php"];
    let roots = json!({"roots": [at(&both, "shop"), at(&both, "hotel")]});
    let outside = get("/nowhere/caller.php");
    let requests = [
        get(&at(&both, callers[0])),
        get(&at(&both, callers[1])),
        // A relative path counts from the first root.
        get("src/caller.php"),
        get("../hotel/src/caller.php"),
        outside,
    ];
    for answers in lines(&roots, &requests) {
        assert_eq!(answers[0]["result"]["file_count"], 4);
        let seen: Vec<_> = answers[1..].iter().map(|a| seen(context(a))).collect();
        assert_eq!(seen, ["greet", "welcome", "greet", "welcome", ""]);
        assert_eq!(answers[2]["result"]["root"], at(&both, "hotel"));
        let path = &answers[2]["result"]["snippets"][0]["path"];
        assert_eq!(path, "src/Greeter.php");
    }
    over_both(|new| {
        let folders = [folder(&both, "shop"), folder(&both, "hotel")];
        let params = json!({"capabilities": {}, "workspaceFolders": folders});
        let (mut client, answer) = lsp_client::Client::initialized(new, params);
        let capabilities = &answer["capabilities"];
        assert_eq!(capabilities["experimental"]["fimd"]["file_count"], 4);
        assert_eq!(
            capabilities["workspace"]["workspaceFolders"],
            json!({"supported": true, "changeNotifications": true})
        );
        for (caller, method) in callers.iter().zip(["greet", "welcome"]) {
            let caller = uri(&both, caller);
            client.open(&caller, CALLER);
            let context = client.context(&caller, PLACE.0, PLACE.1);
            assert_eq!(seen(&context), method);
            let ask = json!({
                "content": format!("{CALLER}[[[5]]]"),
                "cursor_offset": CALLER.len(),
                "filepath": caller,
                "context": true,
            });
            let prompt = client.call("tags/prompt", ask);
            let context = prompt["result"]["context"].as_str().unwrap();
            assert!(context.contains(method), "{context}");
        }
        // An unsaved buffer counts in its own project alone.
        client.open(&uri(&both, "shop/src/Greeter.php"), &greeter("edited"));
        for (caller, method) in callers.iter().zip(["edited", "welcome"]) {
            let context = client.context(&uri(&both, caller), PLACE.0, PLACE.1);
            assert_eq!(seen(&context), method);
        }
    });
}

#[test]
fn a_completion_of_one_project_is_not_shown_in_another() {
    let both = two_projects();
    // The model repeats the method that it saw.
    let server = ModelServer::start(|request, answer| {
        let prompt = request.body.to_string();
        answer.stream();
        answer.text(if prompt.contains("welcome(") {
            "welcome('you');"
        } else {
            "greet('you');"
        });
        answer.done();
    });
    let settings = both.path().join("settings.toml");
    std::fs::write(&settings, format!("[endpoint]\nurl = \"{}\"\n", server.url)).unwrap();
    let mut command = fimd();
    command.arg("--settings").arg(&settings);
    let mut client = lsp_client::Client::with(&Transport::Stdio, &mut command);
    let folders = [folder(&both, "shop"), folder(&both, "hotel")];
    let params = json!({"capabilities": {}, "workspaceFolders": folders});
    client.call("initialize", params);
    for method in ["complete", "textDocument/inlineCompletion"] {
        for (root, shown) in [("shop", "greet('you');"), ("hotel", "welcome('you');")] {
            let caller = uri(&both, &format!("{root}/src/caller.php"));
            client.open(&caller, CALLER);
            let params = json!({
                "textDocument": {"uri": caller},
                "position": {"line": PLACE.0, "character": PLACE.1},
                "context": {"triggerKind": 1},
            });
            let answer = client.call(method, params);
            let item = &answer["result"]["items"][0];
            let text = item.get("text").or(item.get("insertText"));
            assert_eq!(text.unwrap(), shown, "{answer}");
        }
    }
}

#[test]
fn a_file_belongs_to_the_deepest_root_that_holds_it() {
    let project = Project::new(&[
        ("Greeter.php", &greeter("outer")),
        ("deep/inner/Greeter.php", &greeter("inA")),
    ]);
    let (outer, inner) = (at(&project, ""), at(&project, "deep/inner"));
    let requests = [
        get(&at(&project, "deep/inner/x/caller.php")),
        get(&at(&project, "deep/caller.php")),
    ];
    for roots in [[&outer, &inner], [&inner, &outer]] {
        for answers in lines(&json!({ "roots": roots }), &requests) {
            assert_eq!(seen(context(&answers[1])), "inA");
            // The outer project holds the inner folder, too; its first class counts.
            assert!(seen(context(&answers[2])).contains("outer"));
            let root = (roots[0] == &inner).then(|| outer.trim_end_matches('/'));
            assert_eq!(answers[2]["result"]["root"], json!(root));
        }
    }
}

#[test]
fn a_composer_project_inside_a_folder_is_a_project_of_its_own() {
    let mono = monorepo();
    let requests = SEEN.map(|(path, _)| get(&at(&mono, path)));
    for answers in lines(&json!({"roots": [at(&mono, "")]}), &requests) {
        for (answer, (path, method)) in answers[1..].iter().zip(SEEN) {
            assert!(seen(context(answer)).contains(method), "{path}: {answer}");
            let is_own = method.starts_with("in");
            let root = answer["result"]["root"].as_str().unwrap_or_default();
            assert_eq!(root.contains("packages/"), is_own, "{path}: {answer}");
            assert!(!is_own || seen(context(answer)) == method, "{answer}");
        }
    }
    // `project_root` names one project, whatever it holds.
    for answers in lines(&json!({"project_root": at(&mono, "")}), &requests) {
        let is_in_it = |answer: &Value| answer["result"]["root"].is_null();
        assert!(answers[1..].iter().all(is_in_it), "{answers:?}");
    }
    over_both(|new| {
        let params = json!({"capabilities": {}, "rootUri": uri(&mono, "")});
        let (mut client, _) = lsp_client::Client::initialized(new, params);
        for (path, method) in SEEN {
            let caller = uri(&mono, path);
            client.open(&caller, CALLER);
            let context = client.context(&caller, PLACE.0, PLACE.1);
            assert!(seen(&context).contains(method), "{path}: {context}");
        }
        // An unsaved buffer of the inner project counts in both.
        let greeter_of_a = uri(&mono, "packages/a/src/Greeter.php");
        client.open(&greeter_of_a, &greeter("edited"));
        let context = client.context(&uri(&mono, SEEN[1].0), PLACE.0, PLACE.1);
        assert_eq!(seen(&context), "edited");
        let content = "<?php\n$greeter->";
        let params = json!({
            "filepath": at(&mono, "src/other.php"),
            "content": content,
            "cursor_offset": content.len(),
        });
        let context = client.call("getContext", params);
        let text = context["result"]["context"].as_str().unwrap();
        assert!(!text.contains("inA(") && text.contains("edited("), "{text}");
    });
}

#[test]
fn the_shell_finds_the_same_projects_as_the_server() {
    let mono = monorepo();
    let requests = SEEN.map(|(path, _)| get(&at(&mono, path)));
    let [answers, _] = lines(&json!({"roots": [at(&mono, "")], "bm25": true}), &requests);
    for (answer, (path, _)) in answers[1..].iter().zip(SEEN) {
        let (line, column) = (PLACE.0 + 1, PLACE.1 + 1);
        let printed = fimd()
            .arg("context")
            .arg(at(&mono, path))
            .args(["--at", &format!("{line}:{column}")])
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8(printed.stdout).unwrap(),
            context(answer),
            "{path}"
        );
    }
}

#[test]
fn folders_come_to_a_workspace_and_go() {
    let both = two_projects();
    over_both(|new| {
        let params = json!({
            "capabilities": {},
            "workspaceFolders": [folder(&both, "shop")],
        });
        let (mut client, _) = lsp_client::Client::initialized(new, params);
        let roots = |client: &mut lsp_client::Client| {
            let status = client.call("fimd/status", json!({}));
            status["result"]["clients"][0]["roots"].clone()
        };
        let change = |client: &mut lsp_client::Client, added: &[&str], removed: &[&str]| {
            let folders = |paths: &[&str]| -> Value {
                paths.iter().map(|path| folder(&both, path)).collect()
            };
            let event = json!({"added": folders(added), "removed": folders(removed)});
            let params = json!({ "event": event });
            client.notify("workspace/didChangeWorkspaceFolders", params);
        };
        let [shop, hotel] = ["shop", "hotel"].map(|root| at(&both, root));
        let caller = uri(&both, "hotel/src/caller.php");
        client.open(&caller, CALLER);
        client.open(&uri(&both, "hotel/src/Greeter.php"), &greeter("edited"));
        // A file outside of the only folder has the context of that folder.
        assert_eq!(seen(&client.context(&caller, PLACE.0, PLACE.1)), "greet");
        assert_eq!(roots(&mut client), json!([shop]));

        // The documents that are open already move to their new project.
        change(&mut client, &["hotel"], &[]);
        assert_eq!(seen(&client.context(&caller, PLACE.0, PLACE.1)), "edited");
        assert_eq!(roots(&mut client), json!([shop, hotel]));

        // A folder that does not exist changes nothing.
        change(&mut client, &["nowhere"], &["elsewhere"]);
        assert_eq!(roots(&mut client), json!([shop, hotel]));

        change(&mut client, &[], &["shop"]);
        assert_eq!(roots(&mut client), json!([hotel]));
        assert_eq!(seen(&client.context(&caller, PLACE.0, PLACE.1)), "edited");
        change(&mut client, &[], &["hotel"]);
        assert_eq!(roots(&mut client), json!([]));
        let status = client.call("fimd/status", json!({}));
        let projects = status["result"]["projects"].as_array().unwrap();
        assert!(projects.iter().all(|project| project["clients"] == 0));

        // A folder inside another one goes, and its files belong to the other.
        change(&mut client, &["", "hotel"], &[]);
        assert_eq!(seen(&client.context(&caller, PLACE.0, PLACE.1)), "edited");
        let outside = get(&at(&both, "caller.php")).1;
        client.call("getContext", outside);
        assert_eq!(roots(&mut client).as_array().unwrap().len(), 2);
        change(&mut client, &[], &["hotel"]);
        let outer = at(&both, "");
        assert_eq!(roots(&mut client), json!([outer.trim_end_matches('/')]));
    });
}

#[test]
fn the_clients_of_a_daemon_share_the_projects_of_their_roots() {
    let both = two_projects();
    let transport = Transport::Socket(Daemon::start());
    let open = |folders: &[&str]| {
        let folders: Vec<_> = folders.iter().map(|path| folder(&both, path)).collect();
        let params = json!({"capabilities": {}, "workspaceFolders": folders});
        lsp_client::Client::initialized(&|| lsp_client::Client::new(&transport), params).0
    };
    let (mut one, _two) = (open(&["shop", "hotel"]), open(&["hotel"]));
    let status = one.call("fimd/status", json!({}));
    let projects = status["result"]["projects"].as_array().unwrap();
    let clients: Vec<_> = projects
        .iter()
        .map(|p| (&p["root"], &p["clients"]))
        .collect();
    let [shop, hotel] = ["shop", "hotel"].map(|root| json!(at(&both, root)));
    assert_eq!(clients, [(&shop, &json!(1)), (&hotel, &json!(2))]);
}

#[test]
fn a_dataset_is_made_of_all_folders_that_the_client_names() {
    let method = |name: usize| {
        format!(
            "    public function total{name}(float $net, float $rate): float\n    {{\n        $gross{name} = $net + $net * $rate;\n        $rounded = round($gross{name}, {name});\n        return max($rounded, 0.0);\n    }}\n"
        )
    };
    let class = |names: std::ops::Range<usize>| {
        let methods: String = names.map(method).collect();
        format!("<?php\nclass Bill\n{{\n{methods}}}\n")
    };
    let both = Project::new(&[
        ("shop/Bill.php", &class(0..20)),
        ("hotel/Bill.php", &class(20..40)),
    ]);
    over_both(|new| {
        let folders = [folder(&both, "shop"), folder(&both, "hotel")];
        let params = json!({"capabilities": {}, "workspaceFolders": folders});
        let (mut client, _) = lsp_client::Client::initialized(new, params);
        let temp = tempfile::tempdir().unwrap();
        let output = temp.path().join("data");
        let order = json!({"output": output, "dedup": "off"});
        let answer = client.call("generateDataset", order);
        let job = json!({"job_id": answer["result"]["job_id"]});
        while client.receive()["params"]["value"]["kind"] != "end" {}
        let status = client.call("job/status", job);
        assert_eq!(status["result"]["state"], "done", "{status}");
        let metadata = std::fs::read_to_string(output.join("metadata.json")).unwrap();
        let metadata: Value = serde_json::from_str(&metadata).unwrap();
        let projects = metadata["projects"].as_array().unwrap();
        let names: Vec<_> = projects.iter().map(|project| &project["name"]).collect();
        assert_eq!(names, ["shop", "hotel"]);
    });
}

#[test]
fn wrong_roots_are_refused_and_a_lost_folder_of_a_workspace_is_left_out() {
    let both = two_projects();
    let missing = at(&both, "missing");
    for (params, message) in [
        (
            json!({"roots": 5}),
            "roots: expected an array of paths, found 5".into(),
        ),
        (json!({"roots": []}), "project_root: expected".into()),
        (
            json!({"roots": [at(&both, "shop"), missing]}),
            format!("roots: project root {missing}: "),
        ),
    ] {
        for answers in lines(&params, &[]) {
            let said = answers[0]["error"]["message"].as_str().unwrap();
            assert!(said.starts_with(&message), "{said}");
        }
    }
    over_both(|new| {
        let folders = [folder(&both, "missing"), folder(&both, "hotel")];
        let params = json!({"capabilities": {}, "workspaceFolders": folders});
        let (_client, answer) = lsp_client::Client::initialized(new, params);
        let counts = &answer["capabilities"]["experimental"]["fimd"];
        assert_eq!(counts["file_count"], 2, "{answer}");
        let params = json!({"capabilities": {}, "workspaceFolders": [folder(&both, "missing")]});
        let refused = new().call("initialize", params);
        let said = refused["error"]["message"].as_str().unwrap();
        assert!(said.starts_with("workspaceFolders: project root"), "{said}");
    });
}

#[test]
fn a_project_s_own_class_comes_before_one_of_an_include_path() {
    let project = Project::new(&[
        ("shop/src/a/very/deep/Greeter.php", &greeter("greet")),
        ("hotel/Greeter.php", &greeter("welcome")),
    ]);
    let params = json!({
        "project_root": at(&project, "shop"),
        "include_paths": [at(&project, "hotel")],
    });
    for answers in lines(
        &params,
        &[get("caller.php"), get(&at(&project, "hotel/caller.php"))],
    ) {
        assert_eq!(seen(context(&answers[1])), "greet");
        // The context of a file of the include path is that of the same project.
        assert_eq!(seen(context(&answers[2])), "greet");
    }
}

#[test]
fn other_roots_are_context_by_include_paths_alone() {
    let both = two_projects();
    std::fs::create_dir_all(both.path().join("hotel/vendor")).unwrap();
    for (path, text) in [
        (
            "hotel/src/Bell.php",
            "<?php\nclass Bell { public function ring(): void {} }\n",
        ),
        (
            "hotel/vendor/Bell.php",
            "<?php\nclass Bell { public function stolen(): void {} }\n",
        ),
    ] {
        std::fs::write(both.path().join(path), text).unwrap();
    }
    let content = "<?php\n$bell = new Bell();\n$bell->";
    let ask = |root: &str| {
        let filepath = Path::new(&at(&both, root)).join("new.php");
        let cursor = content.len();
        let params = json!({"filepath": filepath, "content": content, "cursor_offset": cursor});
        ("getContext", params)
    };
    let requests = [ask("shop"), ask("hotel")];
    let roots = [at(&both, "shop"), at(&both, "hotel")];
    for answers in lines(&json!({ "roots": roots }), &requests) {
        assert!(!context(&answers[1]).contains("ring()"));
        assert!(context(&answers[2]).contains("ring()"));
    }
    let included = json!({ "roots": roots, "include_paths": [at(&both, "hotel")] });
    for answers in lines(&included, &requests) {
        assert_eq!(answers[0]["result"]["file_count"], 5 + 3);
        let [shop, hotel] = [&answers[1], &answers[2]].map(context);
        assert!(shop.contains("// --- hotel/src/Bell.php ---"), "{shop}");
        assert!(hotel.contains("// --- src/Bell.php ---"), "{hotel}");
        assert!(!shop.contains("stolen"), "{shop}");
    }
}
