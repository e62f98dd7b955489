//! From a URL to an open connection.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use http::{HeaderValue, Uri};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout_at},
};

use super::{ClientConfig, ClientError, Step, pool::Connection, tls::Tls};
use crate::limits::MAX_HEADERS;

/// Most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 4;
/// Largest buffer that hyper may hold for one connection and direction, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// Where a request goes, taken from its URL.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Host and port as they stand in the URL, behind `https://` if they are reached by TLS: the pool's
    /// key, and what errors name.
    pub(super) authority: Arc<str>,
    pub(super) host_header: HeaderValue,
    /// Path and query.
    pub(super) uri: Uri,
    host: String,
    port: u16,
    tls: bool,
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, ClientError> {
        let bad = || ClientError::Url { url: url.to_owned() };
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(bad()),
        };
        let authority =
            uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(bad)?;
        // A port that is present but not a number between 1 and 65535 is a mistake, not the default.
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") if tls => 443,
            Some("") => 80,
            _ => authority.port_u16().filter(|&port| port != 0).ok_or_else(bad)?,
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(bad());
        }
        Ok(Self {
            host_header: HeaderValue::from_str(authority.as_str()).map_err(|_| bad())?,
            authority: if tls { format!("https://{authority}").into() } else { authority.as_str().into() },
            uri: uri.path_and_query().map_or("/", |path| path.as_str()).parse().map_err(|_| bad())?,
            host,
            port,
            tls,
        })
    }

    /// Opens a connection to the first address that the policy allows and that answers. The permit is given
    /// back when its socket is closed.
    pub(super) async fn connect(
        &self,
        config: &ClientConfig,
        tls: &Tls,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<Connection, ClientError> {
        let due = Instant::now() + config.connect_timeout;
        let late = || ClientError::Timeout { authority: self.authority.to_string(), step: Step::Connect };
        let addresses = timeout_at(due, self.resolve()).await.map_err(|_| late())??;
        let allowed: Vec<_> =
            addresses.iter().filter(|address| config.addresses.allows(address.ip())).collect();
        let mut failure = match addresses.first() {
            Some(first) => ClientError::AddressRefused { host: self.host.clone(), address: first.ip() },
            None => self.unresolved(io::Error::new(io::ErrorKind::NotFound, "the name has no address")),
        };
        for (tried, address) in allowed.iter().enumerate() {
            // Each address gets its share of the time that is left, so that a silent one does not use up
            // what a good one needs.
            let left = due.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(allowed.len() - tried).unwrap_or(1);
            match timeout_at(Instant::now() + share, TcpStream::connect(**address)).await {
                Ok(Ok(stream)) => {
                    let open = self.open(stream, config, tls, permit);
                    return timeout_at(due, open).await.map_err(|_| late())?;
                }
                Ok(Err(source)) => {
                    failure = ClientError::Connect { authority: self.authority.to_string(), source }
                }
                Err(_) => failure = late(),
            }
        }
        Err(failure)
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, ClientError> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let found =
            lookup_host((self.host.as_str(), self.port)).await.map_err(|source| self.unresolved(source))?;
        Ok(found.take(MAX_ADDRESSES).collect())
    }

    fn unresolved(&self, source: io::Error) -> ClientError {
        ClientError::Resolve { host: self.host.clone(), source }
    }

    /// Speaks HTTP on a connection, inside TLS if the URL says so.
    async fn open(
        &self,
        stream: TcpStream,
        config: &ClientConfig,
        tls: &Tls,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<Connection, ClientError> {
        // Without it, small requests wait for the peer's delayed acknowledgement.
        stream.set_nodelay(true).ok();
        if !self.tls {
            return self.handshake(stream, permit).await;
        }
        let opened = tls.open(&config.authorities, &self.host, stream).await;
        let refused = |source| ClientError::Tls { authority: self.authority.to_string(), source };
        self.handshake(opened.map_err(refused)?, permit).await
    }

    async fn handshake(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<Connection, ClientError> {
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(BUFFER_BYTES)
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|source| ClientError::Protocol { authority: self.authority.to_string(), source })?;
        let driver = tokio::spawn(async move {
            // Outlives the socket, however this ends.
            let _counted = permit;
            // Its error also reaches whoever waits for a response.
            connection.await.ok();
        });
        Ok(Connection::new(sender, driver))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_or_refused() {
        let target = Target::parse("http://example.org:3333/a/b?c=d").unwrap();
        assert_eq!(
            (&*target.authority, target.host.as_str(), target.port),
            ("example.org:3333", "example.org", 3333)
        );
        assert_eq!(target.uri.to_string(), "/a/b?c=d");
        let target = Target::parse("http://[::1]").unwrap();
        assert_eq!((target.host.as_str(), target.port, target.uri.path()), ("::1", 80, "/"));
        for url in [
            "",
            "/a",
            "ftp://a/",
            "a:1",
            "http://",
            "http://u:p@a/",
            "http://a:99999/",
            "http://a:/",
            "http://a:0/",
            "http://a b/",
        ] {
            assert!(matches!(Target::parse(url), Err(ClientError::Url { .. })), "{url}");
        }
        let target = Target::parse("https://a/b").unwrap();
        assert_eq!((&*target.authority, target.host.as_str(), target.port), ("https://a", "a", 443));
        assert_eq!(target.host_header, "a");
        assert_eq!(&*Target::parse("https://a:80/").unwrap().authority, "https://a:80");
    }
}
