//! Listening sockets: binding, accepting within caps, and draining at the stop.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use argosy_domain::num::to_usize;
use rustix::process::{Resource, getrlimit};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::{JoinError, JoinSet},
    time::timeout,
};

use crate::{ConnectionCaps, ServeConfig, Shutdown, limits, who::welcome};

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
/// On `::` it takes IPv4 too, whatever the system's default says.
///
/// # Errors
/// [`BindError`] with the address and the system's reason.
pub fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        if address.is_ipv6() {
            rustix::net::sockopt::set_ipv6_v6only(&socket, !address.ip().is_unspecified())?;
        }
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|source| BindError { address, source })
}

/// Who opened a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// The other end, perhaps a proxy.
    pub(crate) peer: SocketAddr,
    /// Whom the connection is for, as far as can be told before a request: the peer, or whom it named by
    /// the PROXY protocol.
    pub(crate) source: IpAddr,
}

/// Accepts until `shutdown`, runs `connect` for each connection within the caps, and then waits for the
/// open ones, at most for the drain deadline.
pub(crate) async fn accept_loop<C>(
    listener: TcpListener,
    config: &ServeConfig,
    shutdown: &Shutdown,
    connect: impl Fn(TcpStream, Origin) -> C + Send + Sync + 'static,
) where
    C: Future<Output = ()> + Send + 'static,
{
    let (config, connect) = (Arc::new(config.clone()), Arc::new(connect));
    let slots = Slots::new(&config.caps);
    let mut connections = JoinSet::new();
    let stop = shutdown.triggered();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(ended) = connections.join_next() => note_end(ended, &config),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let is_proxy = config.proxies.trusts(peer.ip());
                    // The users of a proxy are many: its own address is no measure.
                    let Some(slot) = slots.take((!is_proxy).then(|| peer.ip())) else {
                        config.counters.count_refused_connection();
                        continue;
                    };
                    config.counters.count_accepted();
                    // Without it, small answers wait for the peer's delayed acknowledgement.
                    stream.set_nodelay(true).ok();
                    if is_proxy && config.proxies.protocol {
                        let (config, shutdown) = (Arc::clone(&config), shutdown.clone());
                        let connect = Arc::clone(&connect);
                        connections.spawn(proxied(stream, peer, slot, config, shutdown, connect));
                    } else {
                        let connection = connect(stream, Origin { peer, source: peer.ip().to_canonical() });
                        connections.spawn(async move {
                            connection.await;
                            drop(slot);
                        });
                    }
                }
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
            note_end(ended, &config);
        }
    });
    if drained.await.is_err() {
        tracing::info!(connections = connections.len(), "cutting connections that did not finish in time");
        config.counters.count_ended(connections.len());
        connections.shutdown().await;
    }
}

/// Serves a connection that a proxy passes on, once it has said for whom.
async fn proxied<C: Future<Output = ()>>(
    stream: TcpStream,
    peer: SocketAddr,
    mut slot: Slot,
    config: Arc<ServeConfig>,
    shutdown: Shutdown,
    connect: Arc<impl Fn(TcpStream, Origin) -> C>,
) {
    let welcomed = tokio::select! {
        () = shutdown.triggered() => return,
        // Its buffer must not be part of the connection's memory from then on.
        welcomed = Box::pin(welcome(&stream, peer.ip(), config.deadlines.first_byte)) => welcomed,
    };
    match welcomed {
        // What the proxy asks for itself is not counted by address either.
        Ok(source) if !config.proxies.trusts(source) && !slot.count(source) => {
            config.counters.count_refused_connection();
        }
        Ok(source) => connect(stream, Origin { peer, source }).await,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => config.counters.count_missed_deadline(),
        Err(error) => {
            config.counters.count_refused_request();
            tracing::debug!(%peer, %error, "a proxy did not say for whom it connects");
        }
    }
    drop(slot);
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

fn note_end(ended: Result<(), JoinError>, config: &ServeConfig) {
    config.counters.count_ended(1);
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
struct Slots(Arc<Counted>);

struct Counted {
    caps: ConnectionCaps,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place; given back when dropped.
struct Slot {
    /// None where the user is not known yet, or is a proxy.
    address: Option<IpAddr>,
    counted: Arc<Counted>,
}

impl Slots {
    fn new(caps: &ConnectionCaps) -> Self {
        let descriptors = getrlimit(Resource::Nofile).current.map_or(usize::MAX, to_usize);
        let total = caps.total.min(descriptors.saturating_sub(RESERVED_DESCRIPTORS).max(1));
        let caps = ConnectionCaps { total, ..caps.clone() };
        Self(Arc::new(Counted { caps, taken: Mutex::default() }))
    }

    /// A place, counted for this address too if one is given.
    fn take(&self, address: Option<IpAddr>) -> Option<Slot> {
        {
            let mut taken = self.0.taken();
            if taken.total >= self.0.caps.total {
                return None;
            }
            taken.total += 1;
        }
        let mut slot = Slot { address: None, counted: Arc::clone(&self.0) };
        address.is_none_or(|address| slot.count(address)).then_some(slot)
    }
}

impl Counted {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Counts the place, which is not counted by address so far, for this one; false if that has enough.
    fn count(&mut self, address: IpAddr) -> bool {
        let address = counted_as(address);
        let caps = &self.counted.caps;
        let cap = if address.is_loopback() { caps.per_loopback_address } else { caps.per_address };
        let mut taken = self.counted.taken();
        let held = taken.by_address.entry(address).or_default();
        let is_free = *held < cap;
        if is_free {
            *held += 1;
            self.address = Some(address);
        } else if *held == 0 {
            taken.by_address.remove(&address);
        }
        is_free
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.counted.taken();
        taken.total -= 1;
        let Some(address) = self.address else {
            return;
        };
        if let Some(held) = taken.by_address.get_mut(&address) {
            *held -= 1;
            if *held == 0 {
                taken.by_address.remove(&address);
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
        let at = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let first = slots.take(at("2001:db8::1")).unwrap();
        let second = slots.take(at("2001:db8::2")).unwrap();
        assert!(slots.take(at("2001:db8::3")).is_none(), "one /64 counts as one address");
        let third = slots.take(at("127.0.0.1")).unwrap();
        assert!(slots.take(at("127.0.0.1")).is_none());
        assert!(slots.take(at("192.0.2.1")).is_none(), "the total is reached");
        drop(third);
        assert!(slots.take(at("::ffff:192.0.2.1")).is_some());
        let mut unnamed = slots.take(None).unwrap();
        assert!(slots.take(None).is_none(), "the total is for all");
        assert!(!unnamed.count(at("2001:db8::4").unwrap()), "and so is what an address may have");
        assert!(unnamed.count(at("192.0.2.1").unwrap()));
        drop((first, second, unnamed));
        let taken = slots.0.taken();
        assert_eq!((taken.total, taken.by_address.len()), (0, 0));
    }
}
