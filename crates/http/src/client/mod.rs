//! Outbound requests: HTTP/1.1, plain or in TLS, with a small keep-alive pool, deadlines and a guard on
//! addresses.
//!
//! Redirects are not followed, nothing is decompressed, and every wait has a bound. Futures may be
//! dropped at any point: the connection then goes with them.

mod address;
mod body;
mod connect;
mod pool;
mod request;
mod response;
mod tls;

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use hyper::{body::Incoming, client::conn::TrySendError};
use tokio::time::{Instant, timeout_at};

use body::OutBody;
use connect::Target;
use pool::{Connection, Pool, Room};
use request::Outgoing;
use tls::Tls;

pub use address::AddressPolicy;
pub use request::{Request, RequestBody};
pub use response::Response;
pub use tls::Authorities;

/// Bounds and rules of a [`Client`].
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Which addresses may be connected to.
    pub addresses: AddressPolicy,
    /// Who may vouch for the names of peers with `https`.
    pub authorities: Authorities,
    /// Resolving the name and opening the connection, together, TLS included.
    pub connect_timeout: Duration,
    /// From the last progress of the request to the response head; a request may choose its own.
    pub head_timeout: Duration,
    /// Without any byte of a response body; a request may choose its own.
    pub idle_timeout: Duration,
    /// How long an unused connection is kept. Shorter than the five seconds of real Argus and Colossus.
    pub keep_alive: Duration,
    /// Unused connections kept for one host and port.
    pub idle_per_host: usize,
    /// Unused connections kept in all.
    pub idle_total: usize,
    /// Most connections that are open at once, unused ones included, if there is a bound. A request that
    /// needs one more waits for it, as part of `connect_timeout`.
    pub connections: Option<usize>,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            addresses: AddressPolicy::Public,
            authorities: Authorities::System,
            connect_timeout: Duration::from_secs(2),
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(4),
            idle_per_host: 8,
            idle_total: 128,
            connections: None,
        }
    }
}

/// Which step of a request took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Resolving the name or opening the connection.
    Connect,
    /// Waiting for the response head, or for the peer to take the request body.
    Head,
    /// Waiting for bytes of the response body.
    Body,
}

/// Why a request did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is not a URL that can be asked.
    #[error("{url} is not a URL of the form http://host[:port]/path, or the same with https")]
    Url {
        /// What was given.
        url: String,
    },
    /// The name has no address.
    #[error("cannot resolve {host}")]
    Resolve {
        /// Name that was looked up.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The host's addresses are not ones that may be connected to.
    #[error("{host} is at {address}, which the address policy refuses")]
    AddressRefused {
        /// Name or literal that was given.
        host: String,
        /// First of its addresses.
        address: IpAddr,
    },
    /// No connection.
    #[error("cannot connect to {authority}")]
    Connect {
        /// Host and port.
        authority: String,
        /// What the system said.
        source: io::Error,
    },
    /// The peer cannot prove that it has this name, or speaks no TLS of today.
    #[error("cannot agree with {authority} on TLS")]
    Tls {
        /// Host and port.
        authority: String,
        /// What was wrong, such as with its certificate.
        source: io::Error,
    },
    /// A step took too long.
    #[error("{authority} took too long ({step:?})")]
    Timeout {
        /// Host and port.
        authority: String,
        /// Which step.
        step: Step,
    },
    /// The peer closed early, or does not speak HTTP as we understand it.
    #[error("{authority} broke the protocol or closed the connection")]
    Protocol {
        /// Host and port.
        authority: String,
        /// What was met.
        source: hyper::Error,
    },
    /// The response body ended early or is malformed.
    #[error("the response body of {authority} broke off")]
    Body {
        /// Host and port.
        authority: String,
        /// What was met.
        source: hyper::Error,
    },
    /// The response body is longer than the caller allowed.
    #[error("the response body of {authority} is longer than {limit} bytes")]
    BodyTooLong {
        /// Host and port.
        authority: String,
        /// What was allowed.
        limit: usize,
    },
    /// The stream that the request body was read from failed.
    #[error("the request body could not be read")]
    RequestBody {
        /// Its error.
        source: io::Error,
    },
    /// The peer answered, but not with success. Only [`Response::success`] gives this.
    #[error("{authority} answered {status}")]
    Status {
        /// Host and port.
        authority: String,
        /// The status.
        status: StatusCode,
        /// The beginning of the body, at most [`ERROR_BODY_BYTES`].
        body: Bytes,
    },
}

/// Most bytes of an error's body that [`Response::success`] keeps.
pub const ERROR_BODY_BYTES: usize = 64 * 1024;

/// Sends requests; clones share the pool.
#[derive(Clone, Debug)]
pub struct Client {
    config: Arc<ClientConfig>,
    pool: Arc<Pool>,
    tls: Arc<Tls>,
}

/// Why an exchange failed, and the request if it can be sent once more without harm.
struct Failed {
    error: ClientError,
    again: Option<hyper::Request<OutBody>>,
}

impl Client {
    /// A client with an empty pool.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        let pool = Arc::new(Pool::new(&config));
        Self { config: Arc::new(config), pool, tls: Arc::default() }
    }

    /// Sends a request and waits for the response head; any status is a response.
    ///
    /// A kept connection that turns out to be dead is replaced once, if the request can be sent again
    /// without harm.
    ///
    /// # Errors
    /// Every [`ClientError`] but `Status`, `Body` and `BodyTooLong`.
    pub async fn send(&self, request: Request) -> Result<Response, ClientError> {
        let target = Target::parse(&request.url)?;
        let head_timeout = request.head_timeout.unwrap_or(self.config.head_timeout);
        let idle_timeout = request.idle_timeout.unwrap_or(self.config.idle_timeout);
        let (outgoing, first) = Outgoing::new(request, &target);
        let connection = match self.pool.take(&target.authority).await {
            Some(connection) => connection,
            None => self.connect(&target, Some(&target.authority)).await?,
        };
        let (connection, response) = match exchange(connection, first, &outgoing, &target, head_timeout).await
        {
            Ok(exchanged) => exchanged,
            Err(Failed { error, again: None }) => return Err(error),
            Err(Failed { again: Some(again), .. }) => {
                // A new one: others that were kept may be dead, too.
                let connection = self.connect(&target, None).await?;
                let exchanged = exchange(connection, again, &outgoing, &target, head_timeout).await;
                exchanged.map_err(|failed| failed.error)?
            }
        };
        Ok(Response::new(response, connection, target.authority, Arc::clone(&self.pool), idle_timeout))
    }

    /// A new connection, as soon as there may be one more, or one to `authority` that is unused by then.
    async fn connect(&self, target: &Target, authority: Option<&str>) -> Result<Connection, ClientError> {
        let due = Instant::now() + self.config.connect_timeout;
        let room = timeout_at(due, self.pool.room(authority)).await.map_err(|_| ClientError::Timeout {
            authority: target.authority.to_string(),
            step: Step::Connect,
        })?;
        match room {
            Room::New(permit) => target.connect(&self.config, &self.tls, permit).await,
            Room::Kept(connection) => Ok(connection),
        }
    }

    /// Shorthand for a `GET` of `url` with the client's own timeouts.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn get(&self, url: &str) -> Result<Response, ClientError> {
        self.send(Request::get(url)).await
    }
}

/// Sends `request` and waits for the head of its response.
async fn exchange(
    mut connection: Connection,
    request: hyper::Request<OutBody>,
    outgoing: &Outgoing,
    target: &Target,
    head_timeout: Duration,
) -> Result<(Connection, hyper::Response<Incoming>), Failed> {
    let progress = &outgoing.progress;
    let result = {
        let mut sending = std::pin::pin!(connection.sender.try_send_request(request));
        loop {
            let due = progress.peer_owes_since() + head_timeout;
            match timeout_at(due, &mut sending).await {
                Ok(result) => break result,
                Err(_) if progress.peer_owes_since() + head_timeout > Instant::now() => {}
                Err(_) => {
                    let error =
                        ClientError::Timeout { authority: target.authority.to_string(), step: Step::Head };
                    return Err(Failed { error, again: None });
                }
            }
        }
    };
    match result {
        Ok(response) => Ok((connection, response)),
        Err(error) => Err(failed(error, connection.used, outgoing, target)),
    }
}

fn failed(
    mut error: TrySendError<hyper::Request<OutBody>>,
    used: bool,
    outgoing: &Outgoing,
    target: &Target,
) -> Failed {
    let unsent = error.take_message();
    let source = error.into_error();
    if let Some(source) = outgoing.progress.take_failure() {
        return Failed { error: ClientError::RequestBody { source }, again: None };
    }
    // A peer may close a kept connection at any time; on a fresh one, the same is a failure.
    let again = if used { unsent.or_else(|| outgoing.again(&source)) } else { None };
    Failed { error: ClientError::Protocol { authority: target.authority.to_string(), source }, again }
}
