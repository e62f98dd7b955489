//! The newest blocks, decoded once for all who look at their events.

use argosy_http::Shutdown;
use argosy_ledger::{Block, LedgerView, ReadError};
use bytes::Bytes;
use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// Encoded blocks kept, in bytes; one larger block is kept all the same.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Blocks kept.
const MAX_BLOCKS: usize = 1_024;
/// Read at once, in bytes, unless one block has more.
const BATCH_BYTES: usize = 256 * 1024;

/// The newest blocks, and all older ones by way of the log. Clones are handles on the same ones.
#[derive(Clone)]
pub(crate) struct Feed {
    engine: LedgerView,
    ring: Arc<Mutex<Ring>>,
    newest: Arc<watch::Sender<u64>>,
}

#[derive(Default)]
struct Ring {
    /// Height of the first one.
    first: u64,
    blocks: VecDeque<(Arc<Block>, usize)>,
    bytes: usize,
}

/// Consecutive blocks, and where they were found.
pub(crate) enum Found {
    /// Among the newest ones.
    Recent(Vec<Arc<Block>>),
    /// In the log.
    Old(Vec<Arc<Block>>),
}

impl Feed {
    /// Keeps blocks that are made from now on.
    pub(crate) fn new(engine: LedgerView) -> Self {
        let height = engine.head().borrow().height;
        let ring = Ring { first: height.saturating_add(1), ..Ring::default() };
        Self { engine, ring: Arc::new(Mutex::new(ring)), newest: Arc::new(watch::Sender::new(height)) }
    }

    /// Height of the newest block that can be had; changes with each new one.
    pub(crate) fn newest(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// Takes up new blocks until the node stops. One that cannot be read is left to the log: whoever needs
    /// it gets the error.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut head = self.engine.head();
        let mut next = self.newest.borrow().saturating_add(1);
        loop {
            if head.borrow_and_update().height < next {
                tokio::select! {
                    changed = head.changed() => if changed.is_err() { return },
                    () = shutdown.triggered() => return,
                }
                continue;
            }
            match self.read(next).await {
                Ok(blocks) => {
                    for (block, bytes) in blocks {
                        next = block.header.height.saturating_add(1);
                        self.lock().push(block, bytes);
                    }
                }
                Err(error) => {
                    tracing::error!(%error, height = next, "new blocks cannot be read back");
                    next = head.borrow().height.saturating_add(1);
                    *self.lock() = Ring { first: next, ..Ring::default() };
                }
            }
            self.newest.send_replace(next.saturating_sub(1));
        }
    }

    /// Blocks from `height` on: some, if there is one.
    pub(crate) async fn blocks(&self, height: u64) -> io::Result<Found> {
        if let Some(recent) = self.lock().from(height) {
            return Ok(Found::Recent(recent));
        }
        Ok(Found::Old(self.read(height).await?.into_iter().map(|(block, _)| block).collect()))
    }

    /// Reads and decodes beside the threads that answer.
    async fn read(&self, height: u64) -> io::Result<Vec<(Arc<Block>, usize)>> {
        let engine = self.engine.clone();
        let read = tokio::task::spawn_blocking(move || decoded(&engine, height));
        read.await.map_err(io::Error::other)?
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn decoded(engine: &LedgerView, height: u64) -> io::Result<Vec<(Arc<Block>, usize)>> {
    let mut encoded = engine.recent_blocks_bytes(height, BATCH_BYTES);
    if encoded.is_empty() {
        encoded =
            engine.blocks_bytes(height, BATCH_BYTES).map_err(|error: ReadError| io::Error::other(error))?;
    }
    let decode = |bytes: &Bytes| {
        let block = Block::decode_bytes(bytes).map_err(io::Error::other)?;
        Ok((Arc::new(block), bytes.len()))
    };
    encoded.iter().map(decode).collect()
}

impl Ring {
    fn push(&mut self, block: Arc<Block>, bytes: usize) {
        self.blocks.push_back((block, bytes));
        self.bytes = self.bytes.saturating_add(bytes);
        while self.blocks.len() > 1 && (self.bytes > MAX_BYTES || self.blocks.len() > MAX_BLOCKS) {
            let Some((_, bytes)) = self.blocks.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(bytes);
            self.first = self.first.saturating_add(1);
        }
    }

    /// As many as are read at once, from `height` on.
    fn from(&self, height: u64) -> Option<Vec<Arc<Block>>> {
        let skip = usize::try_from(height.checked_sub(self.first)?).ok()?;
        let mut budget = BATCH_BYTES;
        let wanted = self.blocks.iter().skip(skip).take_while(|(_, bytes)| {
            let goes_on = budget > 0;
            budget = budget.saturating_sub(*bytes);
            goes_on
        });
        let found: Vec<_> = wanted.map(|(block, _)| Arc::clone(block)).collect();
        (!found.is_empty()).then_some(found)
    }
}
