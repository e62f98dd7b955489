//! What a client is asked to send.

use std::{io, time::Duration};

use bytes::Bytes;
use futures_util::Stream;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri,
    header::{HOST, USER_AGENT},
};

use super::{
    body::{OutBody, Progress},
    connect::Target,
};
use crate::edge::BodyStream;

/// What we call ourselves unless the caller says otherwise.
const AGENT: HeaderValue = HeaderValue::from_static("argosy");

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

/// What is kept of a request while it is under way, so that it can be sent again.
pub(super) struct Outgoing {
    pub(super) progress: Progress,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    /// None when the body was a stream, which cannot be read twice.
    body: Option<Bytes>,
}

impl Outgoing {
    /// Also gives the request as it goes out first.
    pub(super) fn new(request: Request, target: &Target) -> (Self, hyper::Request<OutBody>) {
        let mut headers = request.headers;
        headers.insert(HOST, target.host_header.clone());
        headers.entry(USER_AGENT).or_insert(AGENT);
        let progress = Progress::new();
        let (body, content) = match request.body {
            RequestBody::Empty => (Some(Bytes::new()), OutBody::bytes(Bytes::new(), progress.clone())),
            RequestBody::Bytes(bytes) => (Some(bytes.clone()), OutBody::bytes(bytes, progress.clone())),
            RequestBody::Stream { len, stream } => (None, OutBody::stream(len, stream, progress.clone())),
        };
        let outgoing = Self { progress, method: request.method, uri: target.uri.clone(), headers, body };
        let first = outgoing.with_body(content);
        (outgoing, first)
    }

    /// The request once more, if the peer may get it twice and `error` says that the connection ended
    /// without an answer.
    pub(super) fn again(&self, error: &hyper::Error) -> Option<hyper::Request<OutBody>> {
        // Anything else, such as a malformed response, would only be met again.
        let ended = error.is_closed() || error.is_canceled() || error.is_incomplete_message() || is_io(error);
        let body = self.body.clone().filter(|_| ended && self.method.is_idempotent())?;
        Some(self.with_body(OutBody::bytes(body, self.progress.clone())))
    }

    fn with_body(&self, body: OutBody) -> hyper::Request<OutBody> {
        let mut request = hyper::Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

fn is_io(error: &hyper::Error) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.is::<io::Error>())
}
