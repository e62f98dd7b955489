//! Connections that wait for their next request.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hyper::client::conn::http1::SendRequest;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
    time::{Instant, timeout},
};

use super::{ClientConfig, body::OutBody};

/// How long a connection may take to finish its last exchange when it is taken again. The work is local
/// and all but done.
const READY_WAIT: Duration = Duration::from_millis(100);

/// How often a request that may open no connection looks for an unused one to close.
const ROOM_POLL: Duration = Duration::from_millis(10);

/// An open connection. Dropping it closes the socket, whatever it is doing.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<OutBody>,
    driver: JoinHandle<()>,
    /// It has carried a request before, so the peer may have closed it meanwhile.
    pub(super) used: bool,
}

/// How a request gets its connection.
#[derive(Debug)]
pub(super) enum Room {
    /// One more may be opened; the permit, if there is a bound, counts it until its socket is closed.
    New(Option<OwnedSemaphorePermit>),
    /// One was given back meanwhile.
    Kept(Connection),
}

impl Connection {
    pub(super) fn new(sender: SendRequest<OutBody>, driver: JoinHandle<()>) -> Self {
        Self { sender, driver, used: false }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// The idle connections of a client, by host and port.
#[derive(Debug)]
pub(super) struct Pool {
    idle: Mutex<HashMap<Arc<str>, Vec<Idle>>>,
    keep_alive: Duration,
    per_host: usize,
    total: usize,
    /// Connections that may still be opened, if there is a bound.
    open: Option<Arc<Semaphore>>,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    pub(super) fn new(config: &ClientConfig) -> Self {
        Self {
            idle: Mutex::default(),
            keep_alive: config.keep_alive,
            per_host: config.idle_per_host,
            total: config.idle_total,
            open: config.connections.map(|most| Arc::new(Semaphore::new(most.max(1)))),
        }
    }

    /// Waits until there is room for one more connection, which an unused one to somebody else makes if
    /// need be; or until one to `authority`, if that is given, is unused again.
    pub(super) async fn room(&self, authority: Option<&str>) -> Room {
        let Some(open) = &self.open else { return Room::New(None) };
        loop {
            if let Ok(permit) = timeout(ROOM_POLL, Arc::clone(open).acquire_owned()).await {
                // Nobody closes the semaphore.
                return Room::New(permit.ok());
            }
            // Looked for again and again: one may have become unused meanwhile.
            if let Some(authority) = authority
                && let Some(kept) = self.take(authority).await
            {
                return Room::Kept(kept);
            }
            let victim = self.pop_oldest();
            drop(victim);
        }
    }

    /// The unused connection that has waited longest, whatever its host.
    fn pop_oldest(&self) -> Option<Connection> {
        let mut idle = self.lock();
        // The oldest of each host stands first.
        let oldest = |kept: &Vec<Idle>| kept.first().map(|idle| idle.since);
        let (authority, _) = idle.iter().min_by_key(|(_, kept)| oldest(kept))?;
        let authority = Arc::clone(authority);
        let kept = idle.get_mut(&authority)?;
        let victim = (!kept.is_empty()).then(|| kept.remove(0));
        if kept.is_empty() {
            idle.remove(&authority);
        }
        victim.map(|idle| idle.connection)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection to `authority` that was used last and still works.
    pub(super) async fn take(&self, authority: &str) -> Option<Connection> {
        while let Some(mut connection) = self.pop(authority) {
            if let Ok(Ok(())) = timeout(READY_WAIT, connection.sender.ready()).await {
                return Some(connection);
            }
        }
        None
    }

    fn pop(&self, authority: &str) -> Option<Connection> {
        let mut idle = self.lock();
        self.expire(&mut idle);
        let kept = idle.get_mut(authority)?;
        let newest = kept.pop();
        if kept.is_empty() {
            idle.remove(authority);
        }
        newest.map(|idle| idle.connection)
    }

    /// Keeps a connection whose last response was read to its end. Drops it when there are enough.
    pub(super) fn put(&self, authority: &Arc<str>, mut connection: Connection) {
        if connection.sender.is_closed() {
            return;
        }
        connection.used = true;
        let mut idle = self.lock();
        self.expire(&mut idle);
        let total: usize = idle.values().map(Vec::len).sum();
        let kept = idle.entry(Arc::clone(authority)).or_default();
        if total < self.total && kept.len() < self.per_host {
            kept.push(Idle { connection, since: Instant::now() });
        } else if kept.is_empty() {
            idle.remove(authority);
        }
    }

    fn expire(&self, idle: &mut HashMap<Arc<str>, Vec<Idle>>) {
        idle.retain(|_, kept| {
            kept.retain(|idle| idle.since.elapsed() < self.keep_alive && !idle.connection.sender.is_closed());
            !kept.is_empty()
        });
    }
}
