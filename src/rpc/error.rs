//! The errors that an answer carries, with the codes of JSON-RPC, of LSP and of
//! fimd.

use serde_json::Value;

/// An error that takes the place of a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Error {
    code: i32,
    message: String,
    /// Details for programs.
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

    /// The same error with details for programs.
    #[must_use]
    pub fn with_data(self, data: Option<Value>) -> Self {
        Self { data, ..self }
    }

    /// The code, the message and the details.
    #[must_use]
    pub fn into_parts(self) -> (i32, String, Option<Value>) {
        (self.code, self.message, self.data)
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.code
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Details for programs.
    #[must_use]
    pub fn data(&self) -> Option<&Value> {
        self.data.as_ref()
    }

    /// The model server gave no answer, or not all of it.
    #[must_use]
    pub fn model_server(message: impl Into<String>) -> Self {
        Self::new(-32001, message)
    }

    /// The limit of clients is reached.
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

    /// fimd failed.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(-32603, message)
    }

    /// The client cancelled the request.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(-32800, "cancelled")
    }

    /// The request needs a project, and no `initialize` has opened one.
    #[must_use]
    pub fn not_initialized() -> Self {
        Self::new(-1, "not initialized")
    }
}
