//! Ports that no other test takes, not even while the node that uses them is down.
//!
//! A port that the kernel picks and that is let go may be another's a moment later: a test of the same run
//! then starts on it, or is asked in its place. These are below the kernel's range, so that only tests that
//! come here have them, and whoever has one keeps a socket beside it open until the program ends.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    ops::Range,
    sync::Mutex,
};

/// For nodes that stand alone: the even port is kept open, the odd one after it is for the node.
const SINGLE: Range<u16> = 10_000..12_000;
/// For `argosy up --port-base`, whose nodes are at the base, 100 and 200 above it: see [`base`].
const NETWORKS: Range<u16> = 12_000..32_000;
/// How far the ports of a network go from each of its three beginnings.
const WIDTH: u16 = 16;

/// Sockets that say which ports are somebody's, all over this machine.
static KEPT: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());

/// An address of this machine that nothing listens on but what the caller starts there.
pub(crate) fn free_address() -> SocketAddr {
    reserve(SINGLE.step_by(2).map(|kept| (kept, kept + 1)))
}

/// A port base for a network of at most seven storage nodes and seven distributors.
pub(crate) fn base() -> u16 {
    let blocks = NETWORKS.step_by(300).filter(|block| block + 300 <= NETWORKS.end);
    let bases = blocks.flat_map(|block| (0..100 / WIDTH).map(move |slot| block + slot * WIDTH));
    reserve(bases.map(|base| (base + WIDTH - 1, base))).port()
}

/// The first pair of which both are free; the first of it is kept.
fn reserve(pairs: impl Iterator<Item = (u16, u16)>) -> SocketAddr {
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    for (kept, given) in pairs {
        let Ok(socket) = TcpListener::bind(at(kept)) else { continue };
        if TcpListener::bind(at(given)).is_ok() {
            KEPT.lock().unwrap().push(socket);
            return at(given);
        }
    }
    panic!("no port is left for tests");
}
