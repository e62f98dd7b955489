//! Listening sockets: binding, accepting within caps, and draining at the stop.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use argosy_domain::num::to_usize;
use rustix::process::{Resource, getrlimit};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::{JoinError, JoinSet},
    time::timeout,
};

use crate::{ConnectionCaps, ServeConfig, Shutdown, limits};

/// Connections that the kernel may hold ready for us.
const BACKLOG: u32 = 1024;
/// Descriptors left for files and outbound connections.
const RESERVED_DESCRIPTORS: usize = 256;
/// Pause after `accept` failed for lack of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listening socket could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: free it, or configure another")]
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

/// Accepts until `shutdown`, runs `connect` for each connection within the caps, and then waits for the
/// open ones, at most for the drain deadline.
pub(crate) async fn accept_loop<C>(
    listener: TcpListener,
    config: &ServeConfig,
    shutdown: &Shutdown,
    connect: impl Fn(TcpStream, SocketAddr) -> C,
) where
    C: Future<Output = ()> + Send + 'static,
{
    let slots = Slots::new(&config.caps);
    let mut connections = JoinSet::new();
    let stop = shutdown.triggered();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(ended) = connections.join_next() => note_end(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => match slots.take(peer.ip()) {
                    Some(slot) => {
                        config.counters.count_accepted();
                        // Without it, small answers wait for the peer's delayed acknowledgement.
                        stream.set_nodelay(true).ok();
                        let connection = connect(stream, peer);
                        connections.spawn(async move {
                            connection.await;
                            drop(slot);
                        });
                    }
                    None => config.counters.count_refused_connection(),
                },
                Err(error) => {
                    config.counters.count_accept_error();
                    if !about_one_connection(&error) {
                        tracing::warn!(%error, "cannot accept connections for now");
                        if timeout(ACCEPT_PAUSE, &mut stop).await.is_ok() {
                            break;
                        }
                    }
                }
            }
        }
    }
    drop(listener);
    let drained = timeout(config.deadlines.drain, async {
        while let Some(ended) = connections.join_next().await {
            note_end(ended);
        }
    });
    if drained.await.is_err() {
        tracing::info!(connections = connections.len(), "cutting connections that did not finish in time");
        connections.shutdown().await;
    }
}

/// Errors of a connection that died while it waited to be accepted; the next one may be well.
fn about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

fn note_end(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a request handler panicked; its connection was closed");
    }
}

/// Shuts the sending side and reads on for a moment, because a socket closed with unread bytes resets the
/// connection, and a reset overtakes the answer that says why.
pub(crate) async fn linger(stream: &TcpStream) {
    if rustix::net::shutdown(stream, rustix::net::Shutdown::Write).is_err() {
        return;
    }
    let mut discarded = 0;
    let mut scrap = vec![0; 64 * 1024];
    timeout(limits::LINGER, async {
        while discarded < limits::MAX_LINGER_BYTES {
            match stream.try_read(&mut scrap) {
                Ok(0) => return,
                Ok(count) => discarded += argosy_domain::num::to_u64(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if stream.readable().await.is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    })
    .await
    .ok();
}

/// Counts open connections, in all and by address.
struct Slots {
    caps: ConnectionCaps,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place; given back when dropped.
struct Slot {
    address: IpAddr,
    taken: Arc<Mutex<Taken>>,
}

impl Slots {
    fn new(caps: &ConnectionCaps) -> Self {
        let descriptors = getrlimit(Resource::Nofile).current.map_or(usize::MAX, to_usize);
        let total = caps.total.min(descriptors.saturating_sub(RESERVED_DESCRIPTORS).max(1));
        Self { caps: ConnectionCaps { total, ..caps.clone() }, taken: Arc::default() }
    }

    fn take(&self, peer: IpAddr) -> Option<Slot> {
        let address = counted_as(peer);
        let cap = if address.is_loopback() { self.caps.per_loopback_address } else { self.caps.per_address };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let held = taken.by_address.get(&address).copied().unwrap_or(0);
        if taken.total >= self.caps.total || held >= cap {
            return None;
        }
        taken.total += 1;
        taken.by_address.insert(address, held + 1);
        Some(Slot { address, taken: Arc::clone(&self.taken) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.total -= 1;
        if let Some(held) = taken.by_address.get_mut(&self.address) {
            *held -= 1;
            if *held == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

/// An IPv6 subscriber owns a whole /64, so that counts as one address.
fn counted_as(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) if address.is_loopback() => IpAddr::V6(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_bounded_and_come_back() {
        let slots = Slots::new(&ConnectionCaps { total: 3, per_address: 2, per_loopback_address: 1 });
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = slots.take(at("2001:db8::1")).unwrap();
        let second = slots.take(at("2001:db8::2")).unwrap();
        assert!(slots.take(at("2001:db8::3")).is_none(), "one /64 counts as one address");
        let third = slots.take(at("127.0.0.1")).unwrap();
        assert!(slots.take(at("127.0.0.1")).is_none());
        assert!(slots.take(at("192.0.2.1")).is_none(), "the total is reached");
        drop(third);
        assert!(slots.take(at("::ffff:192.0.2.1")).is_some());
        drop((first, second));
        let taken = slots.taken.lock().unwrap();
        assert_eq!((taken.total, taken.by_address.len()), (0, 0));
    }
}
