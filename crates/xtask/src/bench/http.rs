//! A keep-alive HTTP client that does as little as possible, so that it measures the server.

use anyhow::{Context, Result, bail};
use rustix::net::{AddressFamily, SocketType, bind, socket};
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddrV4, TcpStream},
    time::{Duration, Instant},
};

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    authority: String,
    from: Option<Ipv4Addr>,
}

/// What an exchange took.
pub(crate) struct Exchange {
    pub(crate) status: u16,
    pub(crate) body_bytes: u64,
    pub(crate) body: Vec<u8>,
    /// Whether it says `x-cache: hit`, or `pending`: nothing is fetched for it that was not fetched already.
    pub(crate) is_hit: bool,
    /// From sending the request to the first byte of the body.
    pub(crate) first_byte: Duration,
}

impl Connection {
    pub(crate) fn open(endpoint: &str) -> Result<Self> {
        Self::begin(endpoint, None)
    }

    /// The same from one of this machine's own addresses, such as any in 127.0.0.0/8.
    pub(crate) fn open_from(endpoint: &str, from: Ipv4Addr) -> Result<Self> {
        Self::begin(endpoint, Some(from))
    }

    fn begin(endpoint: &str, from: Option<Ipv4Addr>) -> Result<Self> {
        let authority = endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let stream = connect(&authority, from)?;
        Ok(Self { stream, buffer: vec![0; 256 * 1024], authority, from })
    }

    /// Gives up on an answer after this long.
    pub(crate) fn set_patience(&self, patience: Duration) -> Result<()> {
        Ok(self.stream.set_read_timeout(Some(patience))?)
    }

    /// `GET path`, the body thrown away.
    pub(crate) fn get(&mut self, path: &str, extra: &str) -> Result<Exchange> {
        self.get_to(path, extra, |_, _| Ok(()))
    }

    /// `GET path`; each piece of the body goes to `sink`, with the status.
    pub(crate) fn get_to(
        &mut self,
        path: &str,
        extra: &str,
        mut sink: impl FnMut(u16, &[u8]) -> Result<()>,
    ) -> Result<Exchange> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{extra}\r\n", self.authority);
        self.exchange(request.as_bytes(), &mut sink)
    }

    /// `GET path`, with the body.
    pub(crate) fn get_body(&mut self, path: &str) -> Result<Exchange> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.authority);
        self.exchange_and_keep(request.as_bytes())
    }

    /// `HEAD path`: whether a distributor holds all of it.
    pub(crate) fn is_hit(&mut self, path: &str) -> Result<bool> {
        let request = format!("HEAD {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.authority);
        self.stream.write_all(request.as_bytes())?;
        let mut filled = 0;
        while !self.buffer[..filled].ends_with(b"\r\n\r\n") {
            let read = self.stream.read(&mut self.buffer[filled..])?;
            if read == 0 {
                bail!("the node closed the connection");
            }
            filled += read;
        }
        let head = head(&self.buffer[..filled])?;
        if head.is_last {
            self.stream = connect(&self.authority, self.from)?;
        }
        Ok(head.is_hit)
    }

    /// `POST path` with a body of bytes; the answer's body is kept.
    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Result<Exchange> {
        self.post_as(path, "application/octet-stream", body)
    }

    /// The same with a body of JSON.
    pub(crate) fn post_json(&mut self, path: &str, body: &[u8]) -> Result<Exchange> {
        self.post_as(path, "application/json", body)
    }

    fn post_as(&mut self, path: &str, media_type: &str, body: &[u8]) -> Result<Exchange> {
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
            self.authority,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.exchange_and_keep(&request)
    }

    fn exchange_and_keep(&mut self, request: &[u8]) -> Result<Exchange> {
        let mut body = Vec::new();
        let exchange = self.exchange(request, &mut |_, piece| {
            body.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(Exchange { body, ..exchange })
    }

    fn exchange(
        &mut self,
        request: &[u8],
        sink: &mut dyn FnMut(u16, &[u8]) -> Result<()>,
    ) -> Result<Exchange> {
        let started = Instant::now();
        self.stream.write_all(request)?;
        let mut filled = 0;
        let head_end = loop {
            let read = self.stream.read(&mut self.buffer[filled..])?;
            if read == 0 {
                bail!("the node closed the connection");
            }
            filled += read;
            if let Some(at) = self.buffer[..filled].windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let Head { status, length, is_last, is_hit } = head(&self.buffer[..head_end])?;
        let mut arrived = u64::try_from(filled - head_end)?;
        if arrived > 0 {
            sink(status, &self.buffer[head_end..filled])?;
        }
        let mut first_byte = (arrived > 0 || length == 0).then(|| started.elapsed());
        while arrived < length {
            let read = self.stream.read(&mut self.buffer)?;
            if read == 0 {
                bail!("the body broke off");
            }
            first_byte.get_or_insert_with(|| started.elapsed());
            arrived += u64::try_from(read)?;
            sink(status, &self.buffer[..read])?;
        }
        if is_last {
            self.stream = connect(&self.authority, self.from)?;
        }
        let body = Vec::new();
        Ok(Exchange { status, body_bytes: arrived, body, is_hit, first_byte: first_byte.unwrap_or_default() })
    }
}

/// A connection that gives up when nothing comes for a minute.
pub(crate) fn connect(authority: &str, from: Option<Ipv4Addr>) -> Result<TcpStream> {
    let cannot = || format!("cannot connect to {authority}");
    let stream = match from {
        None => TcpStream::connect(authority).with_context(cannot)?,
        Some(from) => {
            let to: SocketAddrV4 = authority.parse().with_context(cannot)?;
            let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
            bind(&socket, &SocketAddrV4::new(from, 0)).with_context(cannot)?;
            rustix::net::connect(&socket, &to).with_context(cannot)?;
            TcpStream::from(socket)
        }
    };
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(stream)
}

/// What an answer's head says.
struct Head {
    status: u16,
    /// Bytes of the body.
    length: u64,
    /// The node closes the connection after it.
    is_last: bool,
    is_hit: bool,
}

fn head(bytes: &[u8]) -> Result<Head> {
    let text = std::str::from_utf8(bytes)?;
    let status = text.split(' ').nth(1).context("no status")?.parse()?;
    let field = |wanted: &str| {
        text.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
    };
    let length = field("content-length").map_or(Ok(0), str::parse)?;
    let says = |name: &str, wanted: &str| field(name).is_some_and(|value| value.eq_ignore_ascii_case(wanted));
    Ok(Head {
        status,
        length,
        is_last: says("connection", "close"),
        is_hit: says("x-cache", "hit") || says("x-cache", "pending"),
    })
}
