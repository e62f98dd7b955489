//! Typed clients: one per kind of node, and the [`Submitter`] that signs and sends calls.
//!
//! Answers are bounded before they are read, and nothing here is retried except by the `Submitter`.

mod directory;
mod nodes;
mod reading;
mod submit;

pub use directory::{BlockStream, DirectoryClient, SnapshotStream};
pub use nodes::{ContentHead, DistributorClient, SliceStream, StorageClient};
pub use reading::{DirectoryReader, Listed, Page, Wanted};
pub use submit::{End, Journal, SubmitError, Submitter};

use crate::error::{ErrorBody, Fault, Retry};
use argosy_http::{Client, HeaderName, Method, Request, Response, StatusCode};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use std::{error::Error, sync::Arc, time::Duration};

/// Largest JSON answer that is read, in bytes.
const MAX_JSON_BYTES: usize = 64 * 1024 * 1024;
/// Largest error body that is read, in bytes.
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// Longest silence while an answer arrives: of a block stream, three keep-alive frames were missed.
const IDLE: Duration = Duration::from_secs(15);

/// Why a node's answer cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection, no answer in time, or a connection that broke in mid-answer.
    #[error("no answer from {url}: {reason}")]
    NoAnswer {
        /// What was asked.
        url: String,
        /// What went wrong on the way.
        reason: String,
    },
    /// The node answered with an error.
    #[error("{url} answers {}: {body}", .body.status)]
    Status {
        /// What was asked.
        url: String,
        /// Its error body, or one made up from the status if it sent none.
        body: ErrorBody,
    },
    /// The node answered with something else than was asked for.
    #[error("{url} does not answer as an Argosy node does: {what}")]
    Protocol {
        /// What was asked.
        url: String,
        /// What is wrong with the answer.
        what: String,
    },
}

impl ClientError {
    /// Whether nothing usable came back, so that the request may or may not have been carried out.
    #[must_use]
    pub fn is_no_answer(&self) -> bool {
        matches!(self, Self::NoAnswer { .. })
    }

    /// Whether the node says that the thing does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Status of an error answer.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { body, .. } => StatusCode::from_u16(body.status).ok(),
            Self::NoAnswer { .. } | Self::Protocol { .. } => None,
        }
    }
}

/// A node's root URL and the client that reaches it.
#[derive(Clone, Debug)]
struct Base {
    client: Client,
    url: Arc<str>,
}

impl Base {
    fn new(client: Client, url: &str) -> Self {
        Self { client, url: url.trim_end_matches('/').into() }
    }

    fn url(&self) -> &str {
        &self.url
    }

    fn protocol(&self, what: &str) -> ClientError {
        ClientError::Protocol { url: self.url.to_string(), what: what.to_owned() }
    }

    fn request(&self, method: Method, path: &str) -> Request {
        Request::new(method, format!("{}{path}", self.url)).idle_timeout(IDLE)
    }

    async fn get(&self, path: &str) -> Result<Reply, ClientError> {
        self.send(self.request(Method::GET, path)).await
    }

    async fn head(&self, path: &str) -> Result<Reply, ClientError> {
        self.send(self.request(Method::HEAD, path)).await
    }

    /// Sends; any status but 2xx becomes an error.
    async fn send(&self, request: Request) -> Result<Reply, ClientError> {
        let response = self.client.send(request).await.map_err(|error| self.no_answer(&error))?;
        if response.status().is_success() {
            return Ok(Reply { base: self.clone(), response });
        }
        let status = response.status();
        // The status counts, whatever becomes of its body.
        let bytes = response.collect(MAX_ERROR_BYTES).await.unwrap_or_default();
        Err(ClientError::Status { url: self.url.to_string(), body: error_body(status, &bytes) })
    }

    fn no_answer(&self, error: &argosy_http::ClientError) -> ClientError {
        ClientError::NoAnswer { url: self.url.to_string(), reason: chain(error) }
    }
}

/// An answer with status 2xx whose body is still to be read.
#[derive(Debug)]
struct Reply {
    base: Base,
    response: Response,
}

impl Reply {
    fn protocol(&self, what: &str) -> ClientError {
        self.base.protocol(what)
    }

    fn header(&self, name: &'static str) -> Option<&str> {
        self.response.header(&HeaderName::from_static(name))
    }

    fn content_length(&self) -> Option<u64> {
        self.response.content_length()
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, ClientError> {
        self.response.frame().await.map_err(|error| self.base.no_answer(&error))
    }

    async fn json<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        self.json_within(MAX_JSON_BYTES).await
    }

    async fn json_within<T: DeserializeOwned>(self, max_bytes: usize) -> Result<T, ClientError> {
        let Self { base, response } = self;
        let bytes = response.collect(max_bytes).await.map_err(|error| {
            let too_long = matches!(error, argosy_http::ClientError::BodyTooLong { .. });
            if too_long { base.protocol(&chain(&error)) } else { base.no_answer(&error) }
        })?;
        serde_json::from_slice(&bytes)
            .map_err(|error| base.protocol(&format!("the answer is not the expected JSON: {error}")))
    }
}

/// The node's error body; one made up from the status if it sent none (a `HEAD` request, say).
fn error_body(status: StatusCode, bytes: &[u8]) -> ErrorBody {
    if let Ok(body) = serde_json::from_slice::<ErrorBody>(bytes) {
        return ErrorBody { status: status.as_u16(), ..body };
    }
    let reason = status.canonical_reason().unwrap_or("an error without a name");
    let code = reason.to_ascii_uppercase().replace([' ', '-'], "_");
    let (fault, retry) = if status.is_server_error() {
        (Fault::ThisNode, Retry::Later)
    } else {
        (Fault::Caller, Retry::Never)
    };
    ErrorBody::new(status, &code, reason.to_ascii_lowercase(), fault, retry)
}

/// An error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_without_a_body_gets_one_from_its_status() {
        let body = error_body(StatusCode::NOT_FOUND, b"");
        assert_eq!((body.status, body.code.as_str(), body.retry), (404, "NOT_FOUND", Retry::Never));
        let body = error_body(StatusCode::BAD_GATEWAY, b"<html>");
        assert_eq!((body.status, body.code.as_str(), body.retry), (502, "BAD_GATEWAY", Retry::Later));
        let sent = ErrorBody::caller(StatusCode::CONFLICT, "TAKEN", "somebody has it");
        assert_eq!(error_body(StatusCode::CONFLICT, &sent.to_json()), sent);
    }
}
