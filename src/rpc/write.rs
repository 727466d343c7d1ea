//! The text of the messages that fimd sends, each on one line.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::error::Error;
use super::message::Id;

/// The text of an answer. `id` is none, and written as `null`, if it could not
/// be read.
#[must_use]
pub fn answer(id: Option<&Id>, result: Result<&RawValue, &Error>) -> String {
    let id = id.map_or("null", Id::as_str);
    match result {
        Ok(result) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#),
        Err(error) => {
            let code = error.code();
            let message = Value::from(error.message());
            let data = error.data().map(|data| format!(r#","data":{data}"#));
            let data = data.unwrap_or_default();
            format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message}{data}}}}}"#
            )
        }
    }
}

/// The text of a notification.
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

/// The text of a request.
///
/// # Errors
/// If `params` cannot be written as JSON.
pub fn request(
    id: u64,
    method: &str,
    params: &impl Serialize,
) -> Result<String, serde_json::Error> {
    let method = Value::from(method);
    let params = serde_json::to_string(params)?;
    Ok(format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":{method},"params":{params}}}"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_in_an_error_is_escaped() {
        let answer = answer(None, Err(&Error::method_not_found("a\nb\"")));
        assert!(!answer.contains('\n'));
        serde_json::from_str::<Value>(&answer).unwrap();
    }
}
