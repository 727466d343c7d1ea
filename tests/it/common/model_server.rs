//! A model server whose answers the test writes. It listens on a port of its
//! own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use serde_json::{Value, json};

/// Tests wait this long only when the client hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// One request to the model server.
#[derive(Clone, Debug)]
pub(crate) struct ReceivedRequest {
    /// The path of its URL.
    pub(crate) path: String,
    /// All header lines.
    pub(crate) head: String,
    /// Its body; null if it has none.
    pub(crate) body: Value,
}

/// The server. Its threads end with the process.
pub(crate) struct ModelServer {
    /// The URL of the server.
    pub(crate) url: String,
    asked: Receiver<ReceivedRequest>,
    gone: Receiver<()>,
}

/// The connection over which the test answers one request.
pub(crate) struct Reply {
    stream: TcpStream,
    gone: Sender<()>,
}

impl ModelServer {
    /// A server that calls `answer` for every request. It has nothing at `/props`, which
    /// fimd asks for to recognise llama.cpp.
    pub(crate) fn start(
        answer: impl Fn(&ReceivedRequest, &mut Reply) + Send + Sync + 'static,
    ) -> Self {
        Self::with_props(None, answer)
    }

    /// The same with this answer at `/props`. Questions for it are not told.
    pub(crate) fn with_props(
        props: Option<&'static str>,
        answer: impl Fn(&ReceivedRequest, &mut Reply) + Send + Sync + 'static,
    ) -> Self {
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
                    let Some(asked) = read(&stream) else {
                        return;
                    };
                    if asked.path.ends_with("/props") {
                        let mut reply = Reply { stream, gone };
                        match props {
                            Some(props) => reply.whole("200 OK", "application/json", props),
                            None => reply.whole("404 Not Found", "application/json", "{}"),
                        }
                    } else {
                        // The test may not read any more requests.
                        let _ = tell.send(asked.clone());
                        answer(&asked, &mut Reply { stream, gone });
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

    /// A server that streams these texts, each in a message of its own, and ends
    /// its answer.
    pub(crate) fn saying(texts: &'static [&'static str]) -> Self {
        Self::start(|_, answer| {
            answer.stream();
            texts.iter().for_each(|text| answer.text(text));
            answer.done();
        })
    }

    /// The next request.
    pub(crate) fn asked(&self) -> ReceivedRequest {
        self.asked.recv_timeout(PATIENCE).unwrap()
    }

    /// Whether there is no unread request.
    pub(crate) fn is_unasked(&self) -> bool {
        self.asked.try_recv().is_err()
    }

    /// Waits until a client closes a connection that was answered with
    /// [`Reply::hang`].
    pub(crate) fn left(&self) {
        self.gone.recv_timeout(PATIENCE).unwrap();
    }
}

impl Reply {
    /// Sends bytes as they are. It is no error if the client has disconnected.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Begins an answer of this status and type. The answer ends with the
    /// connection.
    pub(crate) fn head(&mut self, status: &str, media_type: &str) {
        self.send(format!(
            "HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\nConnection: close\r\n\r\n"
        ));
    }

    /// Sends a whole answer that is not a stream.
    pub(crate) fn whole(&mut self, status: &str, media_type: &str, body: &str) {
        self.head(status, media_type);
        self.send(body);
    }

    /// Begins a stream of server-sent events.
    pub(crate) fn stream(&mut self) {
        self.head("200 OK", "text/event-stream; charset=utf-8");
    }

    /// Sends a delta of a completion.
    pub(crate) fn text(&mut self, text: &str) {
        self.send(event(text));
    }

    /// Ends a completion.
    pub(crate) fn done(&mut self) {
        self.send("data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"stop\"}]}\n\n");
        self.send("data: [DONE]\n\n");
    }

    /// Keeps the connection open until the client closes it.
    pub(crate) fn hang(&mut self) {
        let mut rest = Vec::new();
        // An error also means that the client has disconnected.
        let _ = self.stream.read_to_end(&mut rest);
        let _ = self.gone.send(());
    }
}

/// A message with a delta of a completion.
pub(crate) fn event(text: &str) -> String {
    let message = json!({ "choices": [{ "text": text, "finish_reason": null }] });
    format!("data: {message}\n\n")
}

/// Reads one request; nothing if the client sends none.
fn read(stream: &TcpStream) -> Option<ReceivedRequest> {
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
    // A `GET` request has no body.
    let body = match length {
        0 => Value::Null,
        _ => serde_json::from_slice(&body).unwrap(),
    };
    Some(ReceivedRequest { path, head, body })
}
