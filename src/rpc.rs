//! JSON-RPC 2.0: messages, errors and their text. Knows no method and no
//! service; [`frames`] cuts a stream of bytes into messages.
//!
//! An id is kept as the client wrote it, so that `1e400`, a number of thirty
//! digits or `"\u0061"` comes back byte for byte.

pub mod frames;
mod headers;
mod lines;

use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// How many messages one batch may hold.
pub const MAX_BATCH: usize = 1000;

/// The id of a request: a JSON string or number, as written.
#[derive(Clone, Debug)]
pub struct Id(Box<RawValue>);

impl Id {
    /// The id as written.
    #[must_use]
    pub fn into_raw(self) -> Box<RawValue> {
        self.0
    }

    /// Reads an id from JSON text.
    ///
    /// # Errors
    /// [`Error::invalid_request`] unless `raw` is a string or a number.
    fn read(raw: &RawValue) -> Result<Self, Error> {
        match Kind::of(raw) {
            Kind::String | Kind::Number => Ok(Self(raw.to_owned())),
            other => Err(Error::invalid_request(format!(
                "id: expected a string or a number, found {other}"
            ))),
        }
    }

    /// Whether `raw` is this id: the same number as written, or the same
    /// string however its characters are escaped.
    #[must_use]
    pub fn is(&self, raw: &RawValue) -> bool {
        let string = |raw: &RawValue| serde_json::from_str::<String>(raw.get()).ok();
        self.0.get() == raw.get()
            || string(&self.0).is_some_and(|own| string(raw).is_some_and(|other| own == other))
    }
}

impl Message {
    /// The id of the first request in it, or of what was meant as one.
    #[must_use]
    pub fn id(&self) -> Option<&Id> {
        fn id_of(call: &Result<Call, Refusal>) -> Option<&Id> {
            match call {
                Ok(call) => call.id.as_ref(),
                Err(refusal) => refusal.id.as_ref(),
            }
        }
        match self {
            Self::One(call) => id_of(call),
            Self::Batch(calls) => calls.iter().find_map(id_of),
            Self::Answer(_) => None,
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get())
    }
}

/// What a JSON value is, to say what was found in place of what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// `[…]`.
    Array,
    /// `{…}`.
    Object,
}

impl Kind {
    /// The kind of `raw`.
    #[must_use]
    pub fn of(raw: &RawValue) -> Self {
        match raw.get().as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Boolean,
            Some(b'"') => Self::String,
            Some(b'[') => Self::Array,
            Some(b'{') => Self::Object,
            _ => Self::Number,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}

/// What is answered in place of a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Error {
    code: i32,
    message: String,
    /// What a program may want to know of it.
    data: Option<Value>,
}

impl Error {
    /// The error with this code.
    #[must_use]
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    /// The same, with what a program may want to know of it.
    #[must_use]
    pub fn with_data(self, data: Option<Value>) -> Self {
        Self { data, ..self }
    }

    /// Its code, what it says and what a program may want to know of it.
    #[must_use]
    pub fn into_parts(self) -> (i32, String, Option<Value>) {
        (self.code, self.message, self.data)
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.code
    }

    /// The model server gave no answer, or not all of it.
    #[must_use]
    pub fn model_server(message: impl Into<String>) -> Self {
        Self::new(-32001, message)
    }

    /// The server has as many clients as it may.
    #[must_use]
    pub fn too_many_clients(message: impl Into<String>) -> Self {
        Self::new(-32000, message)
    }

    /// The bytes are not JSON, or not UTF-8.
    #[must_use]
    pub fn parse(message: impl Into<String>) -> Self {
        Self::new(-32700, message)
    }

    /// The JSON is not a request.
    #[must_use]
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(-32600, message)
    }

    /// There is no method of that name.
    #[must_use]
    pub fn method_not_found(method: &str) -> Self {
        Self::new(-32601, format!("unknown method {method:?}"))
    }

    /// A parameter is missing or wrong; `message` names it and what was expected.
    #[must_use]
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }

    /// Something failed inside.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(-32603, message)
    }

    /// The client cancelled the request.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(-32800, "cancelled")
    }

    /// The request needs a project and `initialize` has not opened one.
    #[must_use]
    pub fn not_initialized() -> Self {
        Self::new(-1, "not initialized")
    }
}

/// A request, or, without an id, a notification.
#[derive(Debug)]
pub struct Call {
    /// Where the answer goes; a notification has none and is never answered.
    pub id: Option<Id>,
    /// The method's name.
    pub method: String,
    /// The parameters as written; none if absent or `null`.
    pub params: Option<Box<RawValue>>,
}

impl Call {
    fn read(raw: &RawValue) -> Result<Self, Refusal> {
        let refuse = |id: Option<&Id>, message: String| Refusal {
            id: id.cloned(),
            error: Error::invalid_request(message),
        };
        if Kind::of(raw) != Kind::Object {
            let message = format!("expected a request object, found {}", Kind::of(raw));
            return Err(refuse(None, message));
        }
        let members: Members<'_> =
            serde_json::from_str(raw.get()).map_err(|e| refuse(None, e.to_string()))?;
        let id = match members.id.map(Id::read).transpose() {
            Ok(id) => id,
            Err(error) => return Err(Refusal { id: None, error }),
        };
        if members.jsonrpc.map(RawValue::get) != Some(r#""2.0""#) {
            return Err(refuse(id.as_ref(), r#"jsonrpc: expected "2.0""#.into()));
        }
        let method = members
            .method
            .and_then(|method| serde_json::from_str::<String>(method.get()).ok());
        let Some(method) = method else {
            return Err(refuse(id.as_ref(), "method: expected a string".into()));
        };
        let params = members
            .params
            .filter(|params| Kind::of(params) != Kind::Null)
            .map(ToOwned::to_owned);
        Ok(Self { id, method, params })
    }
}

/// A message that is no request: what to answer, to which id if it had one.
#[derive(Debug)]
pub struct Refusal {
    /// The message's id, if it could be read.
    pub id: Option<Id>,
    /// What is wrong with it.
    pub error: Error,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { id: None, error }
    }
}

/// What one message holds.
#[derive(Debug)]
pub enum Message {
    /// One request, notification or refusal: answered on its own.
    One(Result<Call, Refusal>),
    /// A batch, never empty: answered as one array.
    Batch(Vec<Result<Call, Refusal>>),
    /// The answer to a request of ours.
    Answer(Answer),
}

/// The other side's answer to a request of ours.
#[derive(Debug)]
pub struct Answer {
    /// The request's id.
    pub id: Id,
    /// What it came to; the result as written.
    pub outcome: Result<Box<RawValue>, Error>,
}

impl Answer {
    /// The answer that `raw` is, if it is one: an object with an id, with a
    /// result or an error, and without a method.
    fn read(raw: &RawValue) -> Option<Self> {
        let members: Members<'_> = serde_json::from_str(raw.get()).ok()?;
        if members.method.is_some() {
            return None;
        }
        let id = Id::read(members.id?).ok()?;
        let outcome = match (members.result, members.error) {
            (Some(result), None) => Ok(result.to_owned()),
            (_, Some(error)) => Err(serde_json::from_str::<Written>(error.get()).map_or_else(
                |_| Error::invalid_request("an error without code and message"),
                |Written { code, message }| Error::new(code, message),
            )),
            (None, None) => return None,
        };
        Some(Self { id, outcome })
    }
}

/// An error as the other side writes it.
#[derive(Deserialize)]
struct Written {
    code: i32,
    message: String,
}

impl Message {
    /// Reads a message. Takes time in proportion to its length, whatever it
    /// holds and however deep it nests.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        Self::try_read(bytes).unwrap_or_else(|error| Self::One(Err(error.into())))
    }

    fn try_read(bytes: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(bytes).map_err(|e| {
            Error::parse(format!(
                "not UTF-8: invalid byte at offset {}",
                e.valid_up_to()
            ))
        })?;
        let raw: &RawValue =
            serde_json::from_str(text).map_err(|e| Error::parse(format!("not JSON: {e}")))?;
        if Kind::of(raw) != Kind::Array {
            return Ok(match Answer::read(raw) {
                Some(answer) => Self::Answer(answer),
                None => Self::One(Call::read(raw)),
            });
        }
        let elements: Elements<'_> = serde_json::from_str(raw.get()).map_err(|_| {
            Error::invalid_request(format!("a batch may hold {MAX_BATCH} messages"))
        })?;
        if elements.0.is_empty() {
            return Err(Error::invalid_request("an empty batch"));
        }
        Ok(Self::Batch(
            elements.0.into_iter().map(Call::read).collect(),
        ))
    }
}

/// The members of a request object, each as written if it is there at all.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// Tells `null` from a missing member, which serde's `Option` does not.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// The elements of a batch. Reading fails beyond [`MAX_BATCH`], before memory
/// is spent on the rest.
struct Elements<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a batch")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = seq.next_element()? {
                    if elements.len() == MAX_BATCH {
                        return Err(serde::de::Error::custom("too many"));
                    }
                    elements.push(element);
                }
                Ok(Elements(elements))
            }
        }

        deserializer.deserialize_seq(Reader)
    }
}

/// The text of an answer, on one line. `id` is `null` when it could not be read.
#[must_use]
pub fn answer(id: Option<&Id>, outcome: &Result<Box<RawValue>, Error>) -> String {
    let id = id.map_or("null", |id| id.0.get());
    match outcome {
        Ok(result) => {
            let result = result.get();
            format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
        }
        Err(Error {
            code,
            message,
            data,
        }) => {
            let message = Value::from(message.as_str());
            let data = data.as_ref().map(|data| format!(r#","data":{data}"#));
            let data = data.unwrap_or_default();
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message}{data}}}}}"#
            )
        }
    }
}

/// The text of a notification, on one line.
///
/// # Errors
/// If `params` cannot be written as JSON.
pub fn notification(method: &str, params: &impl Serialize) -> Result<String, serde_json::Error> {
    let method = Value::from(method);
    let params = serde_json::to_string(params)?;
    Ok(format!(
        r#"{{"jsonrpc":"2.0","method":{method},"params":{params}}}"#
    ))
}

/// The text of a request, on one line.
///
/// # Errors
/// If `params` cannot be written as JSON.
pub fn request(
    id: u64,
    method: &str,
    params: &impl Serialize,
) -> Result<String, serde_json::Error> {
    let method = serde_json::Value::from(method);
    let params = serde_json::to_string(params)?;
    Ok(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_an_id_and_an_outcome_and_no_method() {
        let read = |text: &str| match Message::read(text.as_bytes()) {
            Message::Answer(answer) => Some((answer.id.to_string(), answer.outcome)),
            _ => None,
        };
        let (id, outcome) = read(r#"{"jsonrpc":"2.0","id":7,"result":null}"#).unwrap();
        assert_eq!((&*id, outcome.unwrap().get()), ("7", "null"));
        let (_, outcome) =
            read(r#"{"jsonrpc":"2.0","id":7,"error":{"code":-5,"message":"no"}}"#).unwrap();
        assert_eq!(outcome.unwrap_err(), Error::new(-5, "no"));
        let (_, outcome) = read(r#"{"jsonrpc":"2.0","id":"a","error":5}"#).unwrap();
        assert_eq!(outcome.unwrap_err().code(), -32600);
        for other in [
            r#"{"jsonrpc":"2.0","id":7}"#,
            r#"{"jsonrpc":"2.0","result":5}"#,
            r#"{"jsonrpc":"2.0","id":7,"method":"m","result":5}"#,
        ] {
            assert!(read(other).is_none(), "{other}");
        }
    }

    fn one(text: &str) -> Result<Call, Refusal> {
        match Message::read(text.as_bytes()) {
            Message::One(call) => call,
            other => panic!("{text} is read as {other:?}"),
        }
    }

    fn refused(text: &str) -> String {
        let refusal = one(text).unwrap_err();
        answer(refusal.id.as_ref(), &Err(refusal.error))
    }

    #[test]
    fn an_id_is_kept_as_written() {
        for id in [
            "1e400",
            "12345678901234567890123",
            "-0.0",
            r#""\u0061""#,
            r#""\ud800""#,
        ] {
            let text = format!(r#"{{"id": {id} ,"method":"m","jsonrpc":"2.0"}}"#);
            assert_eq!(one(&text).unwrap().id.unwrap().to_string(), id);
        }
    }

    #[test]
    fn ids_are_compared_as_values_if_strings_and_as_written_if_numbers() {
        let raw = |text: &str| RawValue::from_string(text.into()).unwrap();
        let id = Id::read(&raw(r#""a""#)).unwrap();
        assert!(id.is(&raw(r#""\u0061""#)));
        assert!(!id.is(&raw(r#""b""#)));
        assert!(!Id::read(&raw("1")).unwrap().is(&raw(r#""1""#)));
        assert!(Id::read(&raw("1")).unwrap().is(&raw("1")));
    }

    #[test]
    fn what_is_no_request_is_refused_under_its_id() {
        let with_null = r#"{"jsonrpc":"2.0","id":null,"error":"#;
        let with_seven = r#"{"jsonrpc":"2.0","id":7,"error":"#;
        for (text, start) in [
            ("5", with_null),
            ("null", with_null),
            ("[]", with_null),
            ("{}", with_null),
            (r#"{"jsonrpc":"2.0","id":7}"#, with_seven),
            (r#"{"jsonrpc":"2.0","id":7,"method":5}"#, with_seven),
            (r#"{"jsonrpc":"1.0","id":7,"method":"m"}"#, with_seven),
            (r#"{"id":7,"method":"m"}"#, with_seven),
            (r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#, with_null),
            (r#"{"jsonrpc":"2.0","id":[7],"method":"m"}"#, with_null),
            (r#"{"jsonrpc":"2.0","id":7,"id":7,"method":"m"}"#, with_null),
        ] {
            let answer = refused(text);
            assert!(
                answer.starts_with(start) && answer.contains("-32600"),
                "{text}: {answer}"
            );
        }
    }

    #[test]
    fn what_is_not_json_is_a_parse_error() {
        for text in ["{", "nul", "{}{}", "[1,", "\u{feff}{}", "'a'"] {
            assert!(refused(text).contains(r#""code":-32700"#), "{text}");
        }
        let Message::One(Err(refusal)) = Message::read(b"{\"a\":\"\xff\"}") else {
            panic!("not refused");
        };
        assert_eq!(
            refusal.error,
            Error::parse("not UTF-8: invalid byte at offset 6")
        );
    }

    #[test]
    fn a_batch_is_read_up_to_its_limit() {
        let batch = |n| format!("[{}]", vec!["1"; n].join(","));
        assert!(
            matches!(Message::read(batch(MAX_BATCH).as_bytes()), Message::Batch(b) if b.len() == MAX_BATCH)
        );
        assert!(refused(&batch(MAX_BATCH + 1)).contains("1000 messages"));
    }

    #[test]
    fn deep_nesting_is_read_without_recursion() {
        let deep = "[".repeat(1 << 20) + &"]".repeat(1 << 20);
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":{deep}}}"#);
        assert_eq!(one(&text).unwrap().params.unwrap().get(), deep);
    }

    #[test]
    fn a_message_in_an_error_is_escaped() {
        let answer = answer(None, &Err(Error::method_not_found("a\nb\"")));
        assert!(!answer.contains('\n'));
        serde_json::from_str::<serde_json::Value>(&answer).unwrap();
    }
}
