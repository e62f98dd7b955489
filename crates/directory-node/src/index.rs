//! Who signed what: all transactions by account and by hash, and the record of the groups' leads.
//!
//! On disk, and fed from the blocks, a batch at a time beside everything else. It goes on from where it
//! stopped. Of a lead's transaction all is kept, so that the record outlives the blocks; of others only
//! the place, as long as the ledger has the block.

mod leads;
mod store;
#[cfg(test)]
mod tests;

pub use store::IndexError;
pub(crate) use store::{Led, Writer};

use crate::feed::{Feed, Found};
use argosy_api::directory::{TransactionIndexStatus, query::Place};
use argosy_directory::{Genesis, State};
use argosy_domain::{AccountId, WorkingGroup};
use argosy_http::Shutdown;
use argosy_ledger::{Block, LedgerView, ReadError};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use store::{Reader, Tip, open_existing};

/// From a failure that may pass, a full disk say, to the next attempt.
const RETRY: Duration = Duration::from_secs(5);
/// Attempts to find a state and its block at rest.
const MAX_LOOKS: usize = 100;

/// Shared by the task that feeds it and those who ask, who may have to wait for the disk.
#[derive(Clone)]
pub(crate) struct Index(Arc<Inner>);

struct Inner {
    reader: Mutex<Reader>,
    coverage: Mutex<Coverage>,
    failing: AtomicBool,
}

/// Which blocks were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// Entries of blocks before it may be missing.
    pub(crate) first: u64,
    /// The block after the last one.
    pub(crate) next: u64,
}

impl Coverage {
    /// Height of the newest block in the index.
    pub(crate) const fn height(self) -> u64 {
        self.next.saturating_sub(1)
    }
}

impl Index {
    /// Opens the index in `folder`, or makes one: from the genesis on if the ledger has all blocks, else
    /// from the newest state on.
    pub(crate) fn open(
        folder: &Path,
        genesis: &Genesis,
        engine: &LedgerView,
    ) -> Result<(Self, Writer), IndexError> {
        let io = |source| IndexError::Io { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(io)?;
        let hash = genesis.hash();
        let found = open_existing(folder, &hash).filter(|(_, tip)| is_of_this_ledger(tip, engine));
        let writer = match found {
            Some(found) => Writer::new(found, hash)?,
            None => Writer::create(folder, hash, beginning(genesis, engine)?)?,
        };
        engine.keep_from(writer.needs_from());
        let index = Self(Arc::new(Inner {
            reader: Mutex::new(Reader::open(folder)?),
            coverage: Mutex::new(writer.coverage()),
            failing: AtomicBool::new(false),
        }));
        Ok((index, writer))
    }

    /// Looks at all blocks in order, then at each new one, until the node stops.
    pub(crate) async fn run(self, mut writer: Writer, feed: Feed, engine: LedgerView, shutdown: Shutdown) {
        let mut newest = feed.newest();
        while !shutdown.is_triggered() {
            if *newest.borrow_and_update() < self.coverage().next {
                tokio::select! {
                    changed = newest.changed() => if changed.is_err() { return },
                    () = shutdown.triggered() => return,
                }
                continue;
            }
            let blocks = feed.blocks(self.coverage().next).await;
            let (inner, engine) = (self.clone(), engine.clone());
            let fed = tokio::task::spawn_blocking(move || {
                let fed = inner.feed(&mut writer, &engine, blocks);
                (writer, fed)
            });
            // It panicked, which the log has: the index stays as it is.
            let Ok((back, fed)) = fed.await else {
                self.0.failing.store(true, Ordering::Release);
                return shutdown.triggered().await;
            };
            writer = back;
            self.0.failing.store(fed.is_err(), Ordering::Release);
            if let Err(error) = fed {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "the index of transactions was not fed: trying again");
                tokio::select! {
                    () = tokio::time::sleep(RETRY) => {}
                    () = shutdown.triggered() => return,
                }
            }
        }
    }

    fn feed(
        &self,
        writer: &mut Writer,
        engine: &LedgerView,
        blocks: std::io::Result<Found>,
    ) -> Result<(), IndexError> {
        let oldest = engine.oldest_block();
        if writer.coverage().next < oldest {
            let (state, hash) = newest_state(engine)?;
            tracing::error!(
                from = writer.coverage().next,
                to = state.at().height,
                "blocks are gone that are missing in the leads' record"
            );
            writer.skip_to(Tip::after(&state, hash))?;
        } else {
            let (Found::Recent(blocks) | Found::Old(blocks)) =
                blocks.map_err(|source| IndexError::Io { path: PathBuf::from("the ledger"), source })?;
            if blocks.is_empty() {
                return Err(unreadable());
            }
            writer.apply(blocks.iter().map(|block| &**block))?;
        }
        *self.lock_coverage() = writer.coverage();
        engine.keep_from(writer.needs_from());
        writer.forget_before(oldest)
    }

    pub(crate) fn coverage(&self) -> Coverage {
        *self.lock_coverage()
    }

    pub(crate) fn status(&self, head: u64) -> TransactionIndexStatus {
        let coverage = self.coverage();
        TransactionIndexStatus {
            height: coverage.height(),
            first_height: coverage.first,
            lag_blocks: head.saturating_sub(coverage.height()),
            failing: self.0.failing.load(Ordering::Acquire),
        }
    }

    /// Places of an account's transactions in the blocks from `oldest` on, the newest first, from `from`
    /// down.
    pub(crate) fn of_account(
        &self,
        account: &AccountId,
        from: Option<Place>,
        oldest: u64,
        limit: usize,
    ) -> Result<Vec<Place>, IndexError> {
        let from = from.unwrap_or(Place { height: u64::MAX, index: u32::MAX });
        Ok(self.reader().of_account(account, from, oldest, limit)?)
    }

    /// Places of the transactions of a group's leads, ascending, from one to a height.
    pub(crate) fn of_lead(
        &self,
        group: WorkingGroup,
        from: Place,
        to: u64,
        limit: usize,
    ) -> Result<Vec<Place>, IndexError> {
        Ok(self.reader().of_lead(group, from, to, limit)?)
    }

    /// A transaction of a group's lead.
    pub(crate) fn led(&self, group: WorkingGroup, place: Place) -> Result<Option<Led>, IndexError> {
        self.reader().led(group, place)
    }

    /// Whether a lead's transaction is in a block.
    pub(crate) fn has_of_lead(&self, hash: &[u8; 32]) -> Result<bool, IndexError> {
        Ok(self.reader().has_of_lead(hash)?)
    }

    /// Places of transactions whose hash begins as this one does: one of them may be it.
    pub(crate) fn candidates(&self, hash: &[u8; 32]) -> Result<Vec<Place>, IndexError> {
        /// Two that begin alike are as good as never found.
        const MOST: usize = 8;
        Ok(self.reader().candidates(hash, MOST)?)
    }

    fn reader(&self) -> MutexGuard<'_, Reader> {
        self.0.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_coverage(&self) -> MutexGuard<'_, Coverage> {
        self.0.coverage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the ledger has the newest block of the index. One that was restored from a backup may not.
fn is_of_this_ledger(tip: &Tip, engine: &LedgerView) -> bool {
    let height = tip.coverage.height();
    match engine.block_bytes(height) {
        Ok(Some(bytes)) => Block::decode_bytes(&bytes).is_ok_and(|block| block.header.hash() == tip.hash),
        Ok(None) => false,
        Err(ReadError::Gone { .. }) => true,
        // A ledger that cannot be read there says nothing.
        Err(error) => {
            tracing::warn!(%error, height, "cannot compare the index of transactions with the ledger");
            true
        }
    }
}

/// Where a new index begins.
fn beginning(genesis: &Genesis, engine: &LedgerView) -> Result<Tip, IndexError> {
    if engine.oldest_block() > 1 {
        let (state, hash) = newest_state(engine)?;
        return Ok(Tip::after(&state, hash));
    }
    let (block, state) = argosy_ledger::genesis_block(genesis).map_err(|_| IndexError::Damaged)?;
    Ok(Tip::after(&state, block.header.hash()))
}

fn unreadable() -> IndexError {
    let source = std::io::Error::other("neither a block nor a state can be had: see the log");
    IndexError::Io { path: PathBuf::from("the ledger"), source }
}

/// The newest state with the hash of its block, which are shown one after the other.
pub(crate) fn newest_state(engine: &LedgerView) -> Result<(Arc<State>, [u8; 32]), IndexError> {
    for _ in 0..MAX_LOOKS {
        let state = engine.snapshot().map_err(|_| unreadable())?;
        let head = *engine.head().borrow();
        if head.height == state.at().height {
            return Ok((state, head.hash));
        }
        std::thread::yield_now();
    }
    Err(unreadable())
}
