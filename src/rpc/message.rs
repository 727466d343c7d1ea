//! Reading messages: requests, notifications, batches and responses.
//!
//! An id is kept as the client wrote it, so that `1e400`, a number of thirty
//! digits or `"\u0061"` comes back byte for byte.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::error::Error;

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

    /// The text of the id, as written.
    pub(super) fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Reads an id from JSON text.
    ///
    /// # Errors
    /// [`Error::invalid_request`] unless `raw` is a string or a number.
    fn read(raw: &RawValue) -> Result<Self, Error> {
        match JsonKind::of(raw) {
            JsonKind::String | JsonKind::Number => Ok(Self(raw.to_owned())),
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

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get())
    }
}

/// The type of a JSON value, for errors that say what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonKind {
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

impl JsonKind {
    /// The type of `raw`.
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

impl fmt::Display for JsonKind {
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

/// A request, or, without an id, a notification.
#[derive(Debug)]
pub struct Call {
    /// The id; a notification has none and is never answered.
    pub id: Option<Id>,
    /// The method's name.
    pub method: String,
    /// The parameters as written; none if they are absent or `null`.
    pub params: Option<Box<RawValue>>,
}

impl Call {
    fn read(raw: &RawValue) -> Result<Self, Refusal> {
        if JsonKind::of(raw) != JsonKind::Object {
            let message = format!("expected a request object, found {}", JsonKind::of(raw));
            return Err(Error::invalid_request(message).into());
        }
        let members: ObjectMembers<'_> = serde_json::from_str(raw.get())
            .map_err(|error| Error::invalid_request(error.to_string()))?;
        Self::of(&members)
    }

    fn of(members: &ObjectMembers<'_>) -> Result<Self, Refusal> {
        let refuse = |id: Option<&Id>, message: String| Refusal {
            id: id.cloned(),
            error: Error::invalid_request(message),
        };
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
            .filter(|params| JsonKind::of(params) != JsonKind::Null)
            .map(ToOwned::to_owned);
        Ok(Self { id, method, params })
    }
}

/// A message that is not a request, with the error to answer.
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

/// The content of one frame.
#[derive(Debug)]
pub enum Message {
    /// One request, notification or refusal, answered on its own.
    One(Result<Call, Refusal>),
    /// A batch, never empty, answered as one array.
    Batch(Vec<Result<Call, Refusal>>),
    /// The client's response to a request of fimd.
    Response(Response),
}

/// The client's response to a request of fimd.
#[derive(Debug)]
pub struct Response {
    /// The request's id.
    pub id: Id,
    /// The result as written, or the error.
    pub result: Result<Box<RawValue>, Error>,
}

impl Response {
    /// Reads a response: an object with an id, with a result or an error, and
    /// without a method.
    fn of(members: &ObjectMembers<'_>) -> Option<Self> {
        if members.method.is_some() {
            return None;
        }
        let id = Id::read(members.id?).ok()?;
        let result = match (members.result, members.error) {
            (Some(result), None) => Ok(result.to_owned()),
            (_, Some(error)) => Err(
                serde_json::from_str::<ErrorObject>(error.get()).map_or_else(
                    |_| Error::invalid_request("an error without code and message"),
                    |ErrorObject { code, message }| Error::new(code, message),
                ),
            ),
            (None, None) => return None,
        };
        Some(Self { id, result })
    }
}

/// An error in a response of the client.
#[derive(Deserialize)]
struct ErrorObject {
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

    /// The id of the first request or refusal in it.
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
            Self::Response(_) => None,
        }
    }

    fn try_read(bytes: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(bytes).map_err(|e| {
            Error::parse(format!(
                "not UTF-8: invalid byte at offset {}",
                e.valid_up_to()
            ))
        })?;
        // A request object is read in one pass, because it may hold a whole buffer.
        if text.trim_ascii_start().starts_with('{')
            && let Ok(members) = serde_json::from_str::<ObjectMembers<'_>>(text)
        {
            return Ok(match Response::of(&members) {
                Some(response) => Self::Response(response),
                None => Self::One(Call::of(&members)),
            });
        }
        let raw: &RawValue =
            serde_json::from_str(text).map_err(|e| Error::parse(format!("not JSON: {e}")))?;
        if JsonKind::of(raw) != JsonKind::Array {
            return Ok(Self::One(Call::read(raw)));
        }
        let elements: BatchElements<'_> = serde_json::from_str(raw.get()).map_err(|_| {
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

/// The members of a request or response object as written; none if absent.
#[derive(Deserialize)]
struct ObjectMembers<'a> {
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

/// Reads a member that is there. serde's own `Option` would take `null` for a
/// missing member.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

/// The elements of a batch. Reading stops with an error at [`MAX_BATCH`], before
/// it takes memory for the rest.
struct BatchElements<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for BatchElements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ElementsVisitor;

        impl<'de> Visitor<'de> for ElementsVisitor {
            type Value = BatchElements<'de>;

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
                Ok(BatchElements(elements))
            }
        }

        deserializer.deserialize_seq(ElementsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::super::write::answer;
    use super::*;

    #[test]
    fn a_response_has_an_id_and_a_result_and_no_method() {
        let read = |text: &str| match Message::read(text.as_bytes()) {
            Message::Response(response) => Some((response.id.to_string(), response.result)),
            _ => None,
        };
        let (id, result) = read(r#"{"jsonrpc":"2.0","id":7,"result":null}"#).unwrap();
        assert_eq!((&*id, result.unwrap().get()), ("7", "null"));
        let (_, result) =
            read(r#"{"jsonrpc":"2.0","id":7,"error":{"code":-5,"message":"no"}}"#).unwrap();
        assert_eq!(result.unwrap_err(), Error::new(-5, "no"));
        let (_, result) = read(r#"{"jsonrpc":"2.0","id":"a","error":5}"#).unwrap();
        assert_eq!(result.unwrap_err().code(), -32600);
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
        answer(refusal.id.as_ref(), Err(&refusal.error))
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
    fn a_small_batch_is_no_request_by_the_places_of_its_members() {
        let text = br#" ["2.0", 1, "shutdown", null]"#;
        let Message::Batch(calls) = Message::read(text) else {
            panic!("not a batch");
        };
        assert_eq!(calls.len(), 4);
        assert!(calls.iter().all(Result::is_err));
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
}
