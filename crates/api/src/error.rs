//! The one error body that every node answers with.

use crate::wire::{Schema, Schemas};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The request is wrong.
    Caller,
    /// The node that answers cannot do it now.
    ThisNode,
    /// Another node, on which this one depends, failed.
    Upstream,
}

/// Whether asking again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// The same request will fail again.
    Never,
    /// The same request may succeed later.
    Later,
    /// Another node may be able to do it.
    Elsewhere,
}

/// An error as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{message} ({code})")]
pub struct ErrorBody {
    /// Stable name, in capitals.
    pub code: String,
    /// Stable number; that of the directory's reject where there is one, else 0.
    #[serde(default)]
    pub number: u16,
    /// One sentence for people.
    pub message: String,
    /// Whose fault it is.
    pub fault: Fault,
    /// Whether asking again can help.
    pub retry: Retry,
    /// HTTP status that it was sent with.
    #[serde(skip)]
    pub status: u16,
}

impl Schema for ErrorBody {
    fn schema(all: &mut Schemas) -> Value {
        all.define("ErrorBody", |_| {
            json!({
                "type": "object",
                "description": "Every error answer. Codes and numbers never change their meaning.",
                "properties": {
                    "code": {"type": "string", "pattern": "^[A-Z][A-Z0-9_]*$", "description": "Stable name."},
                    "number": {
                        "type": "integer", "minimum": 0, "maximum": 65_535,
                        "description": "Stable number; that of the directory's reject where there is one, else 0.",
                    },
                    "message": {"type": "string", "description": "One sentence for people."},
                    "fault": {
                        "type": "string", "enum": ["caller", "this-node", "upstream"],
                        "description": "Whose fault it is.",
                    },
                    "retry": {
                        "type": "string", "enum": ["never", "later", "elsewhere"],
                        "description": "Whether asking again can help.",
                    },
                },
                "required": ["code", "number", "message", "fault", "retry"],
                "additionalProperties": false,
            })
        })
    }
}

impl ErrorBody {
    /// An error of the caller that will not go away by itself.
    #[must_use]
    pub fn caller(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self::new(status, code, message, Fault::Caller, Retry::Never)
    }

    /// A failure of this node; the same request may succeed later.
    #[must_use]
    pub fn this_node(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self::new(status, code, message, Fault::ThisNode, Retry::Later)
    }

    /// A failure of another node.
    #[must_use]
    pub fn upstream(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self::new(status, code, message, Fault::Upstream, Retry::Later)
    }

    /// Any other combination.
    #[must_use]
    pub fn new(
        status: StatusCode,
        code: &str,
        message: impl Into<String>,
        fault: Fault,
        retry: Retry,
    ) -> Self {
        Self {
            code: code.to_owned(),
            number: 0,
            message: message.into(),
            fault,
            retry,
            status: status.as_u16(),
        }
    }

    /// The same, with another advice on asking again.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The same, with the number of the directory's reject.
    #[must_use]
    pub fn with_number(mut self, number: u16) -> Self {
        self.number = number;
        self
    }

    /// The JSON text.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl IntoResponse for ErrorBody {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
        (status, headers, self.to_json()).into_response()
    }
}
