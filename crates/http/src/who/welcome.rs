//! Reading what a proxy says first from its connection.

use std::{io, net::IpAddr, time::Duration};

use tokio::{net::TcpStream, time::timeout};

use super::preface::{self, MAX_PREFACE_BYTES, Source};

/// Reads a preface and not a byte more: whom the connection is for, `peer` if the proxy names nobody.
///
/// # Errors
/// What the connection is closed for: it broke, said something else, or nothing in time.
pub(crate) async fn welcome(stream: &TcpStream, peer: IpAddr, within: Duration) -> io::Result<IpAddr> {
    match timeout(within, read(stream)).await {
        Ok(Ok(Source::Client(client))) => Ok(client),
        Ok(Ok(Source::Proxy)) => Ok(peer.to_canonical()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn read(stream: &TcpStream) -> io::Result<Source> {
    let mut held = [0; MAX_PREFACE_BYTES];
    let mut filled = 0;
    loop {
        // A preface is complete before this is full. What is looked at stays in the socket, so that
        // what comes after the preface does.
        let seen = stream.peek(&mut held[filled..]).await?;
        if seen == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let read = preface::read(&held[..filled + seen]).map_err(io::Error::other)?;
        let (end, source) = read.map_or((filled + seen, None), |(len, source)| (len, Some(source)));
        filled += take(stream, &mut held[filled..end])?;
        if let Some(source) = source {
            return Ok(source);
        }
    }
}

/// Takes bytes that are known to be there.
fn take(stream: &TcpStream, bytes: &mut [u8]) -> io::Result<usize> {
    let wanted = bytes.len();
    match stream.try_read(bytes)? {
        taken if taken == wanted => Ok(taken),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
