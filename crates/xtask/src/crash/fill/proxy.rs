//! What stands between the distributor and its source: as fast as it is told to be, and it counts.

use anyhow::{Context as _, Result};
use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Bytes that are passed on at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Passes connections on to a source.
pub(crate) struct Proxy {
    shared: Arc<Shared>,
}

struct Shared {
    source: SocketAddr,
    /// Bytes that the source has sent, heads of answers and proofs included.
    sent: AtomicU64,
    /// Bytes in a second that the source may send; as fast as it can if 0.
    rate: AtomicU64,
    /// When the bytes that were passed on so far may have arrived.
    due: Mutex<Instant>,
    ended: AtomicBool,
}

impl Proxy {
    /// Listens at `at`, and passes on to `source`.
    pub(crate) fn start(at: SocketAddr, source: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(at).with_context(|| format!("cannot listen at {at}"))?;
        let shared = Arc::new(Shared {
            source,
            sent: AtomicU64::new(0),
            rate: AtomicU64::new(0),
            due: Mutex::new(Instant::now()),
            ended: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if serving.ended.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(client), Ok(source)) = (client, TcpStream::connect(serving.source)) else { continue };
                serving.pass(client, source);
            }
        });
        Ok(Self { shared })
    }

    /// Bytes that the source has sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// From now on the source sends so many bytes in a second; as many as it can if 0.
    pub(crate) fn set_rate(&self, bytes: u64) {
        self.shared.rate.store(bytes, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    /// One thread for each direction; both end with either side.
    fn pass(self: &Arc<Self>, client: TcpStream, source: TcpStream) {
        let _ = client.set_nodelay(true);
        let _ = source.set_nodelay(true);
        let (Ok(client_too), Ok(source_too)) = (client.try_clone(), source.try_clone()) else { return };
        thread::spawn(move || copy(&client_too, &source_too, |_| {}));
        let shared = Arc::clone(self);
        thread::spawn(move || copy(&source, &client, |bytes| shared.count(bytes)));
    }

    fn count(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
        let rate = self.rate.load(Ordering::Relaxed);
        if rate == 0 {
            return;
        }
        let takes = Duration::from_nanos(bytes.saturating_mul(1_000_000_000) / rate);
        let now = Instant::now();
        let due = {
            let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
            *due = (*due).max(now) + takes;
            *due
        };
        rest_until(due);
    }
}

fn copy(from: &TcpStream, to: &TcpStream, mut count: impl FnMut(u64)) {
    let mut buffer = vec![0; PIECE_BYTES];
    let (mut reading, mut writing) = (from, to);
    while let Ok(read) = reading.read(&mut buffer) {
        if read == 0 || writing.write_all(&buffer[..read]).is_err() {
            break;
        }
        count(u64::try_from(read).unwrap_or_default());
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[expect(clippy::disallowed_methods, reason = "a line of some speed takes time, whatever the state")]
fn rest_until(time: Instant) {
    thread::sleep(time.saturating_duration_since(Instant::now()));
}
