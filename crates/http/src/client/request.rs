//! What a client is asked to send.

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::edge::BodyStream;

/// The body of a request.
pub enum RequestBody {
    /// No body.
    Empty,
    /// Bytes in memory; the request can be sent again.
    Bytes(Bytes),
    /// Bytes as they come; the request can be sent only once.
    Stream {
        /// Total length in bytes; chunked when unknown.
        len: Option<u64>,
        /// The bytes.
        stream: BodyStream,
    },
}

/// A request to be sent by a [`crate::Client`].
pub struct Request {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: RequestBody,
    pub(super) head_timeout: Option<Duration>,
    pub(super) idle_timeout: Option<Duration>,
}

impl Request {
    /// A request without headers or body.
    #[must_use]
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        let url = url.into();
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: RequestBody::Empty,
            head_timeout: None,
            idle_timeout: None,
        }
    }

    /// A `GET` of `url`.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    /// A `HEAD` of `url`.
    #[must_use]
    pub fn head(url: impl Into<String>) -> Self {
        Self::new(Method::HEAD, url)
    }

    /// A `POST` to `url`.
    #[must_use]
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::POST, url)
    }

    /// A `PUT` to `url`.
    #[must_use]
    pub fn put(url: impl Into<String>) -> Self {
        Self::new(Method::PUT, url)
    }

    /// Adds a header. A value that HTTP does not allow is left out, so check what comes from outside.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.headers.append(name, value);
        }
        self
    }

    /// Sets a body in memory.
    #[must_use]
    pub fn bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = RequestBody::Bytes(body.into());
        self
    }

    /// Sets a body that is read while it is sent; give its length in bytes when it is known.
    #[must_use]
    pub fn stream(
        mut self,
        len: Option<u64>,
        stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Self {
        self.body = RequestBody::Stream { len, stream: Box::pin(stream) };
        self
    }

    /// Longest wait for the response head after the last progress of the request.
    #[must_use]
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.head_timeout = Some(timeout);
        self
    }

    /// Longest wait between two pieces of the response body.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }
}
