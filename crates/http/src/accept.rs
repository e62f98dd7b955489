//! Listening sockets: binding, accepting within caps, and draining at the stop.

use std::{io, net::SocketAddr};

use tokio::net::{TcpListener, TcpSocket};

/// Connections that the kernel may hold ready for us.
const BACKLOG: u32 = 1024;

/// A listening socket could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    /// The address that was asked for.
    pub address: SocketAddr,
    /// What the system said, such as that the address is in use.
    pub source: io::Error,
}

/// Opens a listening socket that can be bound again at once after a restart. Port 0 picks a free one.
///
/// # Errors
/// [`BindError`] with the address and the system's reason.
pub fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|source| BindError { address, source })
}
