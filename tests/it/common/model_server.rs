//! A model server whose answers the test writes, on a port of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use serde_json::{Value, json};

/// Only a client that hangs makes a test wait this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// One question.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Where it went.
    pub(crate) path: String,
    /// All header lines.
    pub(crate) head: String,
    /// What it says; null if it has no body.
    pub(crate) body: Value,
}

/// The server. Its threads end with the test.
pub(crate) struct ModelServer {
    /// Where it is.
    pub(crate) url: String,
    asked: Receiver<Asked>,
    gone: Receiver<()>,
}

/// The way of one answer.
pub(crate) struct Answer {
    stream: TcpStream,
    gone: Sender<()>,
}

impl ModelServer {
    /// A server that answers every question with `answer`.
    pub(crate) fn start(answer: impl Fn(&Asked, &mut Answer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, asked) = mpsc::channel();
        let (gone, leaves) = mpsc::channel();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (tell, gone, answer) = (tell.clone(), gone.clone(), Arc::clone(&answer));
                std::thread::spawn(move || {
                    let stream = stream.unwrap();
                    if let Some(asked) = read(&stream) {
                        // The test may have seen enough.
                        let _ = tell.send(asked.clone());
                        answer(&asked, &mut Answer { stream, gone });
                    }
                });
            }
        });
        Self {
            url,
            asked,
            gone: leaves,
        }
    }

    /// One that says these texts, each in a message of its own, and ends.
    pub(crate) fn saying(texts: &'static [&'static str]) -> Self {
        Self::start(|_, answer| {
            answer.stream();
            texts.iter().for_each(|text| answer.text(text));
            answer.done();
        })
    }

    /// The next question.
    pub(crate) fn asked(&self) -> Asked {
        self.asked.recv_timeout(PATIENCE).unwrap()
    }

    /// Whether nobody has asked.
    pub(crate) fn is_unasked(&self) -> bool {
        self.asked.try_recv().is_err()
    }

    /// Waits until a client has left that was answered with [`Answer::hang`].
    pub(crate) fn left(&self) {
        self.gone.recv_timeout(PATIENCE).unwrap();
    }
}

impl Answer {
    /// Sends bytes as they are. A client that has left takes none.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Begins an answer of this status and type, which ends with the connection.
    pub(crate) fn head(&mut self, status: &str, media_type: &str) {
        self.send(format!(
            "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nConnection: close\r\n\r\n"
        ));
    }

    /// All of an answer that is no stream.
    pub(crate) fn whole(&mut self, status: &str, media_type: &str, body: &str) {
        self.head(status, media_type);
        self.send(body);
    }

    /// Begins a stream of events.
    pub(crate) fn stream(&mut self) {
        self.head("200 OK", "text/event-stream; charset=utf-8");
    }

    /// A piece of a completion.
    pub(crate) fn text(&mut self, text: &str) {
        self.send(event(text));
    }

    /// The end of a completion.
    pub(crate) fn done(&mut self) {
        self.send("data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"stop\"}]}\n\n");
        self.send("data: [DONE]\n\n");
    }

    /// Keeps the connection until the client leaves.
    pub(crate) fn hang(&mut self) {
        let mut rest = Vec::new();
        // An error is a leave, too.
        let _ = self.stream.read_to_end(&mut rest);
        let _ = self.gone.send(());
    }
}

/// A message with a piece of a completion.
pub(crate) fn event(text: &str) -> String {
    let message = json!({ "choices": [{ "text": text, "finish_reason": null }] });
    format!("data: {message}\n\n")
}

/// One request; none if there is none.
fn read(stream: &TcpStream) -> Option<Asked> {
    let mut input = BufReader::new(stream);
    let mut line = String::new();
    input.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(line);
        head.push('\n');
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    // What is only looked at has none.
    let body = match length {
        0 => Value::Null,
        _ => serde_json::from_slice(&body).unwrap(),
    };
    Some(Asked { path, head, body })
}
