//! A client in either framing that reads answers and notifications.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::common::Project;
use crate::common::daemon::Daemon;

/// A client in either framing.
pub(super) struct Client {
    is_lsp: bool,
    process: Option<Child>,
    input: Box<dyn Write>,
    output: Box<dyn BufRead>,
    next_id: u64,
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // The process may have ended already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Client {
    pub(super) fn of(daemon: &Daemon, is_lsp: bool) -> Self {
        let stream = daemon.connect();
        Self {
            is_lsp,
            process: None,
            output: Box::new(BufReader::new(stream.try_clone().unwrap())),
            input: Box::new(stream),
            next_id: 0,
        }
    }

    pub(super) fn start(command: &mut Command, is_lsp: bool) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        Self {
            is_lsp,
            input: Box::new(process.stdin.take().unwrap()),
            output: Box::new(BufReader::new(process.stdout.take().unwrap())),
            process: Some(process),
            next_id: 0,
        }
    }

    fn send(&mut self, method: &str, params: Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    pub(super) fn notify(&mut self, method: &str, params: Value) {
        self.write(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn write(&mut self, message: &Value) {
        let text = match (self.is_lsp, message.to_string()) {
            (false, text) => text + "\n",
            (true, text) => format!("Content-Length: {}\r\n\r\n{text}", text.len()),
        };
        self.input.write_all(text.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    pub(super) fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        if !self.is_lsp {
            return serde_json::from_str(&line).unwrap();
        }
        let length = line.trim_end().strip_prefix("Content-Length: ").unwrap();
        let mut text = vec![0; length.parse().unwrap()];
        self.output.read_line(&mut String::new()).unwrap();
        self.output.read_exact(&mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// The answer to a request, and the notifications before it.
    pub(super) fn call(&mut self, method: &str, params: Value) -> (Value, Vec<Value>) {
        let id = self.send(method, params);
        let mut unasked = Vec::new();
        loop {
            let message = self.receive();
            if message["id"] == id {
                return (message, unasked);
            }
            assert!(message.get("id").is_none(), "{message}");
            unasked.push(message);
        }
    }

    /// The answer to a request. No notification may come before it.
    pub(super) fn answer(&mut self, method: &str, params: Value) -> Value {
        let (answer, unasked) = self.call(method, params);
        assert_eq!(unasked, Vec::<Value>::new());
        answer
    }

    pub(super) fn initialize(&mut self, project: &Project) {
        let answer = self.initialize_with(project, &Value::Null);
        assert!(answer.get("result").is_some(), "{answer}");
    }

    /// The answer to `initialize` with settings of the client's own.
    pub(super) fn initialize_with(&mut self, project: &Project, settings: &Value) -> Value {
        let options = json!({"project_root": project.path(), "settings": settings});
        let params = match self.is_lsp {
            false => options,
            true => json!({"capabilities": {}, "initializationOptions": options}),
        };
        self.answer("initialize", params)
    }

    /// Applies a tag. Returns the result, and the settings in the notification.
    pub(super) fn apply(&mut self, params: Value) -> (Value, Value) {
        let (answer, mut unasked) = self.call("tags/applyConfig", params);
        assert!(answer.get("result").is_some(), "{answer}");
        let news = unasked.pop().unwrap_or_else(|| self.receive());
        assert_eq!(unasked, Vec::<Value>::new());
        (answer["result"].clone(), settings_of(&news))
    }
}

pub(super) fn settings_of(news: &Value) -> Value {
    assert_eq!(news["method"], "fimd/settingsChanged", "{news}");
    assert!(news.get("id").is_none());
    news["params"]["settings"].clone()
}
