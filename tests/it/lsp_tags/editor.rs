//! An LSP editor with one document, whose user types while a tag runs.

use fimd::text::{Encoding, Positions, position_offset};
use serde_json::{Value, json};

use crate::common::lsp_client::{Client, Transport};
use crate::common::{Project, fimd};

/// How an editor treats edits of an older version of the document, and when it
/// reports the edits that it applies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum EditPolicy {
    /// Refuses them; sends the change before the answer.
    ChangeFirst,
    /// Refuses them; sends the answer before the change.
    AnswerFirst,
    /// Drops them, but answers that it has applied them; sends the answer first.
    /// Neovim does this.
    FalseSuccess,
}

/// An editor with one document.
pub(super) struct Editor {
    pub(super) client: Client,
    pub(super) project: Project,
    pub(super) uri: String,
    pub(super) text: String,
    pub(super) version: i64,
    pub(super) policy: EditPolicy,
    /// What the user types before the editor looks at the next edit: the
    /// position and the text.
    pub(super) typing: Vec<(&'static str, &'static str)>,
    /// The notifications from the server.
    pub(super) told: Vec<Value>,
    pub(super) refused: usize,
}

/// A settings file that names a model server.
pub(super) fn settings(project: &Project, url: &str, more: &str) -> std::path::PathBuf {
    let path = project.path().join("settings.toml");
    std::fs::write(&path, format!("[endpoint]\nurl = {url:?}\n{more}")).unwrap();
    path
}

/// What an editor announces that applies edits of one version of a document.
pub(super) fn edits() -> Value {
    json!({"applyEdit": true, "workspaceEdit": {"documentChanges": true}})
}

impl Editor {
    pub(super) fn start(
        url: &str,
        more: &str,
        language: &str,
        text: &str,
        policy: EditPolicy,
    ) -> Self {
        Self::over(&Transport::Stdio, url, more, language, text, policy)
    }

    pub(super) fn over(
        transport: &Transport,
        url: &str,
        more: &str,
        language: &str,
        text: &str,
        policy: EditPolicy,
    ) -> Self {
        let initialize = |project: &Project| {
            json!({
                "rootUri": format!("file://{}", project.path().to_str().unwrap()),
                "capabilities": {
                    "window": {"workDoneProgress": true},
                    "workspace": edits(),
                    "textDocument": {"completion": {"completionItem": {"snippetSupport": true}}},
                },
            })
        };
        Self::initialized(transport, url, more, (language, text), policy, initialize)
    }

    /// An editor that sends what `initialize` returns for its project.
    pub(super) fn initialized(
        transport: &Transport,
        url: &str,
        more: &str,
        (language, text): (&str, &str),
        policy: EditPolicy,
        initialize: impl FnOnce(&Project) -> Value,
    ) -> Self {
        let project = Project::new(&[("a.php", "<?php\n")]);
        let settings = settings(&project, url, more);
        let mut client = Client::with(transport, fimd().arg("--settings").arg(settings));
        let uri = format!("file://{}/note", project.path().to_str().unwrap());
        let params = initialize(&project);
        let answer = client.call("initialize", params);
        assert!(answer["result"].is_object(), "{answer}");
        client.notify("initialized", json!({}));
        client.open_in(language, &uri, text);
        Self {
            client,
            project,
            uri,
            text: text.to_owned(),
            version: 1,
            policy,
            typing: Vec::new(),
            told: Vec::new(),
            refused: 0,
        }
    }

    pub(super) fn position(&self, at: usize) -> Value {
        let (line, character) = Positions::new(&self.text, Encoding::Utf16).of(at);
        json!({"line": line, "character": character})
    }

    pub(super) fn find(&self, place: &str) -> usize {
        self.text.find(place).unwrap()
    }

    pub(super) fn offset(&self, position: &Value) -> usize {
        let part = |name: &str| position[name].as_u64().unwrap();
        position_offset(&self.text, part("line"), part("character"), Encoding::Utf16)
    }

    /// Replaces a part of the text, as the user or an edit does.
    pub(super) fn replace(&mut self, start: usize, end: usize, new: &str) {
        let range = json!({"start": self.position(start), "end": self.position(end)});
        self.text.replace_range(start..end, new);
        self.version += 1;
        let params = json!({
            "textDocument": {"uri": self.uri, "version": self.version},
            "contentChanges": [{"range": range, "text": new}],
        });
        self.client.notify("textDocument/didChange", params);
    }

    /// Types after the first occurrence of `place`.
    pub(super) fn type_behind(&mut self, place: &str, new: &str) {
        let at = self.find(place) + place.len();
        self.replace(at, at, new);
    }

    pub(super) fn at(&self, place: &str) -> Value {
        let position = self.position(self.find(place));
        json!({"textDocument": {"uri": self.uri}, "position": position})
    }

    /// Handles messages up to the answer to a request.
    pub(super) fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.client.request(method, params);
        loop {
            let message = self.client.receive();
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
            self.take(message);
        }
    }

    pub(super) fn execute(&mut self, command: &str, place: &str) -> Value {
        let mut place = self.at(place);
        place["uri"] = place["textDocument"]["uri"].take();
        let params = json!({"command": command, "arguments": [place]});
        self.call("workspace/executeCommand", params)
    }

    pub(super) fn take(&mut self, message: Value) {
        let Some(method) = message["method"].as_str() else {
            panic!("an answer to nothing: {message}");
        };
        match method {
            "workspace/applyEdit" => self.apply(&message),
            "window/workDoneProgress/create" => self.answer(&message, Value::Null),
            _ => {
                assert!(message.get("id").is_none(), "{message}");
                self.told.push(message);
            }
        }
    }

    pub(super) fn answer(&mut self, request: &Value, result: Value) {
        let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
        self.client.send(&answer);
    }

    pub(super) fn apply(&mut self, request: &Value) {
        for (place, new) in std::mem::take(&mut self.typing) {
            self.type_behind(place, new);
        }
        let change = &request["params"]["edit"]["documentChanges"][0];
        assert_eq!(change["textDocument"]["uri"], self.uri.as_str());
        if change["textDocument"]["version"] != self.version {
            self.refused += 1;
            let applied = self.policy == EditPolicy::FalseSuccess;
            self.answer(
                request,
                json!({"applied": applied, "failureReason": "too old"}),
            );
            return;
        }
        if self.policy != EditPolicy::ChangeFirst {
            self.answer(request, json!({"applied": true}));
        }
        let mut edits = change["edits"].as_array().unwrap().clone();
        edits.sort_by_key(|edit| self.offset(&edit["range"]["start"]));
        for edit in edits.iter().rev() {
            let [start, end] = ["start", "end"].map(|end| self.offset(&edit["range"][end]));
            self.replace(start, end, edit["newText"].as_str().unwrap());
        }
        if self.policy == EditPolicy::ChangeFirst {
            self.answer(request, json!({"applied": true}));
        }
    }

    /// Handles messages until there is a notification for which `is_it` holds.
    pub(super) fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            if let Some(at) = self.told.iter().position(&is_it) {
                return self.told.remove(at);
            }
            let message = self.client.receive();
            self.take(message);
        }
    }

    /// Handles messages until the text contains `wanted`.
    pub(super) fn until_text(&mut self, wanted: &str) {
        while !self.text.contains(wanted) {
            let message = self.client.receive();
            self.take(message);
        }
    }

    /// The message that ends the run.
    pub(super) fn run_end(&mut self) -> String {
        let end = self.until(|told| told["params"]["value"]["kind"] == "end");
        end["params"]["value"]["message"].as_str().unwrap().into()
    }

    pub(super) fn shown(&mut self) -> String {
        let shown = self.until(|told| told["method"] == "window/showMessage");
        shown["params"]["message"].as_str().unwrap().into()
    }

    pub(super) fn diagnostics(&mut self) -> Vec<Value> {
        let version = self.version;
        let told = self.until(|told| {
            told["method"] == "textDocument/publishDiagnostics"
                && told["params"]["version"] == version
        });
        told["params"]["diagnostics"].as_array().unwrap().clone()
    }

    /// The result of `tags/run` on the text.
    pub(super) fn run_whole(&mut self, place: &str) -> String {
        let params = json!({"content": self.text, "cursor_offset": self.find(place)});
        let answer = self.call("tags/run", params);
        answer["result"]["content"].as_str().unwrap().into()
    }
}
