//! A response whose body is read as it comes.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::ClientError;

/// A response head, and the body still to be read. Dropping it early closes the connection.
#[derive(Debug)]
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
}

impl Response {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A header as text; none when it is absent or not visible ASCII.
    #[must_use]
    pub fn header(&self, name: &http::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Total length of the body in bytes, when the peer said it.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.header(&http::header::CONTENT_LENGTH)?.parse().ok()
    }

    /// The next piece of the body; none at its end. Cancel-safe.
    ///
    /// # Errors
    /// `Timeout` and `Body`.
    pub async fn frame(&mut self) -> Result<Option<Bytes>, ClientError> {
        std::future::ready(()).await;
        todo!()
    }

    /// Reads the whole body, of at most `limit` bytes.
    ///
    /// # Errors
    /// `Timeout`, `Body` and `BodyTooLong`.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, ClientError> {
        let _ = (self.frame().await, limit);
        todo!()
    }

    /// The response itself when its status is 2xx.
    ///
    /// # Errors
    /// `Status` otherwise, with the beginning of the body for the caller to read.
    pub async fn success(self) -> Result<Self, ClientError> {
        std::future::ready(()).await;
        todo!()
    }
}
