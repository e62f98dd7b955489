//! A response whose body is read as it comes.

use std::{sync::Arc, time::Duration};

use argosy_domain::num::{to_u64, to_usize};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, StatusCode, header::CONTENT_LENGTH};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::{
    ClientError, ERROR_BODY_BYTES, Step,
    pool::{Connection, Pool},
};

/// Most memory that is set aside for a body because its announced length says so, in bytes.
const MAX_AHEAD_BYTES: u64 = 1024 * 1024;

/// A response head, and the body still to be read. Dropping it early closes the connection.
#[derive(Debug)]
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: Incoming,
    authority: Arc<str>,
    idle_timeout: Duration,
    pool: Arc<Pool>,
    /// Goes back to the pool when the body has been read to its end.
    connection: Option<Connection>,
}

impl Response {
    pub(super) fn new(
        response: hyper::Response<Incoming>,
        connection: Connection,
        authority: Arc<str>,
        pool: Arc<Pool>,
        idle_timeout: Duration,
    ) -> Self {
        let (head, body) = response.into_parts();
        let connection = Some(connection);
        let mut response = Self {
            status: head.status,
            headers: head.headers,
            body,
            authority,
            idle_timeout,
            pool,
            connection,
        };
        response.release_at_end();
        response
    }

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
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Total length of the body in bytes, when the peer said it.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.header(&CONTENT_LENGTH)?.parse().ok()
    }

    /// The next piece of the body; none at its end. A body shorter than announced is an error, never an
    /// end. Cancel-safe.
    ///
    /// # Errors
    /// `Timeout` and `Body`.
    pub async fn frame(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            let next = timeout(self.idle_timeout, self.body.frame()).await;
            let frame = match next {
                Err(_) => {
                    return Err(ClientError::Timeout {
                        authority: self.authority.to_string(),
                        step: Step::Body,
                    });
                }
                Ok(Some(Err(source))) => {
                    return Err(ClientError::Body { authority: self.authority.to_string(), source });
                }
                Ok(frame) => frame.transpose().ok().flatten(),
            };
            self.release_at_end();
            match frame.map(|frame| frame.into_data()) {
                None => {
                    self.release();
                    return Ok(None);
                }
                Some(Ok(data)) => return Ok(Some(data)),
                // Trailers hold nothing for us.
                Some(Err(_)) => {}
            }
        }
    }

    /// Reads the whole body, of at most `limit` bytes.
    ///
    /// # Errors
    /// `Timeout`, `Body` and `BodyTooLong`.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, ClientError> {
        let announced = self.content_length().unwrap_or(0);
        if self.body.size_hint().lower() > to_u64(limit) {
            return Err(self.too_long(limit));
        }
        let Some(first) = self.frame().await? else {
            return Ok(Bytes::new());
        };
        if self.body.is_end_stream() && first.len() <= limit {
            return Ok(first);
        }
        let mut whole = BytesMut::with_capacity(to_usize(announced.min(MAX_AHEAD_BYTES)));
        let mut next = Some(first);
        while let Some(piece) = next {
            if whole.len() + piece.len() > limit {
                return Err(self.too_long(limit));
            }
            whole.extend_from_slice(&piece);
            next = self.frame().await?;
        }
        Ok(whole.freeze())
    }

    /// The response itself when its status is 2xx.
    ///
    /// # Errors
    /// `Status` otherwise, with the beginning of the body for the caller to read.
    pub async fn success(mut self) -> Result<Self, ClientError> {
        if self.status.is_success() {
            return Ok(self);
        }
        let mut body = BytesMut::new();
        // The status is the news; whatever can be read of the body is welcome.
        while let Ok(Some(piece)) = self.frame().await {
            let room = ERROR_BODY_BYTES - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
            if body.len() == ERROR_BODY_BYTES {
                break;
            }
        }
        Err(ClientError::Status {
            authority: self.authority.to_string(),
            status: self.status,
            body: body.freeze(),
        })
    }

    fn too_long(&self, limit: usize) -> ClientError {
        ClientError::BodyTooLong { authority: self.authority.to_string(), limit }
    }

    fn release_at_end(&mut self) {
        if self.body.is_end_stream() {
            self.release();
        }
    }

    fn release(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.put(&self.authority, connection);
        }
    }
}
