//! An LSP client of the real binary, over pipes or a socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::daemon::Daemon;
use crate::common::fimd;

/// Tests wait this long only when the server hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the clients of a test reach the server.
pub(crate) enum Transport {
    Stdio,
    Socket(Daemon),
}

/// Runs a test over pipes, then over a socket.
pub(crate) fn over_both(test: impl Fn(&dyn Fn() -> Client)) {
    for transport in [Transport::Stdio, Transport::Socket(Daemon::start())] {
        test(&|| Client::new(&transport));
    }
}

/// An LSP client.
pub(crate) struct Client {
    pub(crate) process: Option<Child>,
    pub(crate) input: Option<Box<dyn Write>>,
    pub(crate) messages: Receiver<Value>,
    pub(crate) next_id: u64,
}

impl Client {
    pub(crate) fn new(transport: &Transport) -> Self {
        Self::with(transport, &mut fimd())
    }

    /// A client. Over pipes it starts `command`.
    pub(crate) fn with(transport: &Transport, command: &mut Command) -> Self {
        let (process, input, output): (_, Box<dyn Write>, Box<dyn Read + Send>) = match transport {
            Transport::Stdio => {
                let mut child = command
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap();
                let input = child.stdin.take().unwrap();
                let output = child.stdout.take().unwrap();
                (Some(child), Box::new(input), Box::new(output))
            }
            Transport::Socket(daemon) => {
                let stream = daemon.connect();
                let output = stream.try_clone().unwrap();
                (None, Box::new(stream), Box::new(output))
            }
        };
        let (send, messages) = mpsc::channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Some(message) = read(&mut output) {
                if send.send(message).is_err() {
                    break;
                }
            }
        });
        Self {
            process,
            input: Some(input),
            messages,
            next_id: 0,
        }
    }

    /// A client that has opened its project, and the result of `initialize`.
    pub(crate) fn initialized(new: &dyn Fn() -> Self, params: Value) -> (Self, Value) {
        let mut client = new();
        let answer = client.call("initialize", params);
        client.notify("initialized", json!({}));
        (client, answer["result"].clone())
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.raw(framed(message).as_bytes());
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request and returns its id.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> u64 {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    pub(crate) fn receive(&self) -> Value {
        self.messages.recv_timeout(PATIENCE).unwrap()
    }

    /// Sends a request and returns the answer, which must be the next message.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        let answer = self.receive();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    pub(crate) fn open(&mut self, uri: &str, text: &str) {
        self.open_in("php", uri, text);
    }

    pub(crate) fn open_in(&mut self, language: &str, uri: &str, text: &str) {
        let document = json!({"uri": uri, "languageId": language, "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
    }

    /// Replaces the text between two positions, given as line and character.
    pub(crate) fn change(&mut self, uri: &str, start: (u32, u32), end: (u32, u32), text: &str) {
        let place = |(line, character)| json!({"line": line, "character": character});
        let range = json!({"start": place(start), "end": place(end)});
        let params = json!({
            "textDocument": {"uri": uri, "version": 2},
            "contentChanges": [{"range": range, "text": text}],
        });
        self.notify("textDocument/didChange", params);
    }

    pub(crate) fn close(&mut self, uri: &str) {
        let params = json!({"textDocument": {"uri": uri}});
        self.notify("textDocument/didClose", params);
    }

    /// The context at a position in an open buffer.
    pub(crate) fn context(&mut self, uri: &str, line: u32, character: u32) -> String {
        let params = json!({
            "textDocument": {"uri": uri},
            "position": {"line": line, "character": character},
        });
        let answer = self.call("getContext", params);
        answer["result"]["context"].as_str().unwrap().to_owned()
    }

    /// Ends the connection with LSP's `exit`. Returns the exit code if the
    /// server is a process of its own.
    pub(crate) fn exit(mut self) -> Option<i32> {
        self.notify("exit", Value::Null);
        self.ended()
    }

    /// Waits until the server has ended, with the input still open.
    pub(crate) fn ended(mut self) -> Option<i32> {
        let end = self.messages.recv_timeout(PATIENCE);
        assert_eq!(end, Err(mpsc::RecvTimeoutError::Disconnected));
        let code = self.process.take()?.wait().unwrap().code();
        Some(code.unwrap())
    }
}

pub(crate) fn framed(message: &Value) -> String {
    let text = message.to_string();
    format!("Content-Length: {}\r\n\r\n{text}", text.len())
}

/// The next message, or nothing at the end of the stream.
pub(crate) fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            header => {
                let number = header.strip_prefix("Content-Length: ").unwrap();
                length = Some(number.parse().unwrap());
            }
        }
    }
    let mut text = vec![0; length.unwrap()];
    output.read_exact(&mut text).ok()?;
    Some(serde_json::from_slice(&text).unwrap())
}
